--- What goes with a question: buffers, lines of them, files and diagnostics. What is sent is what they are by then.
---
--- Lines are marked in their buffer, so that they are still known when it was edited, and code is applied there.
local plain = require("farebox.plain")
local server = require("farebox.server")
local text = require("farebox.text")
local M = {}

---@class farebox.LineRange 1-based and inclusive
---@field first integer
---@field last integer

---@class farebox.Attachment
---@field kind "text"|"diagnostics"
---@field label string
---@field name string a path
---@field text string what it was when it was attached
---@field buffer? integer
---@field mark? integer its lines there

---@class farebox.TextAttachment
---@field name string
---@field text string

---@class farebox.SentAttachments
---@field attachments table[] as the server gets them
---@field diagnostics table[]
---@field texts farebox.TextAttachment[] all of them as texts, for a server that was not there

local NAMESPACE = vim.api.nvim_create_namespace("farebox.chat.attachments")
local MAX_FILE_BYTES = 4 * 1000 * 1000
local MAX_DIAGNOSTICS, MAX_MESSAGE_CHARS = 100, 4000
local SEVERITIES = { "error", "warning", "information", "hint" }

-- --- lines of a buffer ------------------------------------------------------------------------------

local function is_loaded(buffer)
  return buffer ~= nil and vim.api.nvim_buf_is_valid(buffer) and vim.api.nvim_buf_is_loaded(buffer)
end

---@param range farebox.LineRange?
local function mark(buffer, range)
  if not range then
    return nil
  end
  local count = vim.api.nvim_buf_line_count(buffer)
  local options = { end_row = math.min(range.last, count), end_col = 0, strict = false }
  return vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, math.min(range.first, count) - 1, 0, options)
end

--- Return the lines that are attached as they are now; nil if all are, or the buffer is gone.
---@param attachment farebox.Attachment
---@return integer? first 0-based
---@return integer? last end-exclusive
function M.lines(attachment)
  if not attachment.mark or not is_loaded(attachment.buffer) then
    return nil
  end
  local found =
    vim.api.nvim_buf_get_extmark_by_id(attachment.buffer, NAMESPACE, attachment.mark, { details = true })
  if not found[1] then
    return nil
  end
  local last = found[3].end_row + (found[3].end_col > 0 and 1 or 0)
  return found[1], math.max(last, found[1])
end

--- Return where an attachment is: in its buffer, or in its file if that was closed, or was never open.
---@param attachment farebox.Attachment
---@return integer? buffer perhaps not loaded
---@return integer[]? range the lines in it; nil if all are
function M.place(attachment)
  if is_loaded(attachment.buffer) then
    local first, last = M.lines(attachment)
    return attachment.buffer, first and { first, last } or nil
  end
  if vim.fn.filereadable(attachment.name) == 0 then
    return nil
  end
  local buffer = vim.fn.bufadd(attachment.name)
  vim.bo[buffer].buflisted = true
  return buffer
end

local function text_of(attachment)
  if not is_loaded(attachment.buffer) then
    return attachment.text
  end
  local first, last = M.lines(attachment)
  return table.concat(vim.api.nvim_buf_get_lines(attachment.buffer, first or 0, last or -1, false), "\n")
end

-- --- making them ------------------------------------------------------------------------------------

local function short(name)
  return vim.fn.fnamemodify(name, ":~:.")
end

local function name_of(buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  return name ~= "" and name or "untitled"
end

---@param range farebox.LineRange?
local function label(name, range)
  if not range then
    return short(name)
  end
  local lines = range.first == range.last and range.first or (range.first .. "-" .. range.last)
  return short(name) .. ":" .. lines
end

--- Attach a buffer, or lines of it.
---@param buffer integer
---@param range farebox.LineRange?
---@return farebox.Attachment
function M.of_buffer(buffer, range)
  local name = name_of(buffer)
  local attachment = { kind = "text", label = label(name, range), name = name, buffer = buffer }
  attachment.mark = mark(buffer, range)
  attachment.text = text_of(attachment)
  return attachment
end

---@return string? text, string? complaint
local function read(path)
  local found = vim.uv.fs_stat(path)
  if not found or found.type ~= "file" then
    return nil, "there is no file " .. short(path)
  elseif found.size > MAX_FILE_BYTES then
    return nil, short(path) .. " is too large to be attached"
  end
  local file = io.open(path, "rb")
  local content = file and file:read("*a")
  if file then
    file:close()
  end
  if not content then
    return nil, short(path) .. " cannot be read"
  elseif content:find("%z") then
    return nil, short(path) .. " is not a text file"
  end
  return content
end

--- Attach a file by its path. Returns nil and why if that cannot be.
---@param path string
---@return farebox.Attachment? attachment, string? complaint
function M.of_file(path)
  local whole = vim.fn.fnamemodify(vim.fs.normalize(path), ":p")
  local buffer = vim.fn.bufnr("^" .. vim.fn.escape(whole, "[]*?{}\\") .. "$")
  if buffer > 0 and is_loaded(buffer) then
    return M.of_buffer(buffer)
  end
  local content, complaint = read(whole)
  if not content then
    return nil, complaint
  end
  return { kind = "text", label = label(whole), name = whole, text = content }
end

---@param first integer?
---@param last integer?
local function diagnostics_in(buffer, first, last)
  return vim.tbl_filter(function(one)
    return not first or (one.lnum >= first and one.lnum < last)
  end, vim.diagnostic.get(buffer))
end

--- Attach what is wrong in a buffer, or in lines of it. Returns nil if nothing is.
---@param buffer integer
---@param range farebox.LineRange?
---@return farebox.Attachment?
function M.of_diagnostics(buffer, range)
  local found = diagnostics_in(buffer, range and range.first - 1, range and range.last)
  if #found == 0 then
    return nil
  end
  local name = name_of(buffer)
  local counted = #found == 1 and "1 diagnostic" or #found .. " diagnostics"
  return {
    kind = "diagnostics",
    label = label(name, range) .. ": " .. counted,
    name = name,
    text = "",
    buffer = buffer,
    mark = mark(buffer, range),
  }
end

-- --- sending them -----------------------------------------------------------------------------------

---@param client vim.lsp.Client
local function protocol_range(attachment, client)
  local first, last = M.lines(attachment)
  if not first then
    return nil
  end
  local finish = { line = last, character = 0 }
  if last >= vim.api.nvim_buf_line_count(attachment.buffer) then
    finish = text.position(attachment.buffer, last - 1, math.huge, client.offset_encoding)
  end
  return { start = { line = first, character = 0 }, ["end"] = finish }
end

---@param client vim.lsp.Client
local function diagnostic_shape(buffer, one, client)
  local encoding = client.offset_encoding
  local message = plain.sendable(one.message)
  return {
    uri = vim.uri_from_bufnr(buffer),
    range = {
      start = text.position(buffer, one.lnum, one.col, encoding),
      ["end"] = text.position(buffer, one.end_lnum or one.lnum, one.end_col or one.col, encoding),
    },
    severity = SEVERITIES[one.severity] or "error",
    message = vim.fn.strcharpart(message, 0, MAX_MESSAGE_CHARS),
  }
end

local function diagnostic_line(name, one)
  local severity = SEVERITIES[one.severity] or "error"
  return plain.sendable(("%s:%d: %s: %s"):format(name, one.lnum + 1, severity, plain.line(one.message)))
end

---@param sent farebox.SentAttachments
local function add_diagnostics(sent, attachment, client)
  if not is_loaded(attachment.buffer) then
    return
  end
  local lines = {}
  for _, one in ipairs(diagnostics_in(attachment.buffer, M.lines(attachment))) do
    if #sent.diagnostics < MAX_DIAGNOSTICS then
      table.insert(sent.diagnostics, diagnostic_shape(attachment.buffer, one, client))
      lines[#lines + 1] = diagnostic_line(attachment.name, one)
    end
  end
  if #lines > 0 then
    table.insert(sent.texts, { name = plain.sendable(attachment.name), text = table.concat(lines, "\n") })
  end
end

---@param sent farebox.SentAttachments
local function add_text(sent, attachment, client)
  local as_text = { name = plain.sendable(attachment.name), text = plain.sendable(text_of(attachment)) }
  table.insert(sent.texts, as_text)
  if is_loaded(attachment.buffer) and server.client_of(attachment.buffer) then
    local range = protocol_range(attachment, client)
    local shape = { uri = vim.uri_from_bufnr(attachment.buffer), range = range }
    return table.insert(sent.attachments, shape)
  end
  table.insert(sent.attachments, as_text)
end

--- Return what to send of attachments, as they are now.
---@param attachments farebox.Attachment[]
---@param client vim.lsp.Client
---@return farebox.SentAttachments
function M.sent(attachments, client)
  local sent = { attachments = {}, diagnostics = {}, texts = {} }
  for _, attachment in ipairs(attachments) do
    local add = attachment.kind == "diagnostics" and add_diagnostics or add_text
    add(sent, attachment, client)
  end
  return sent
end

--- Forget the marks of attachments that nobody needs any more.
---@param attachments farebox.Attachment[]
function M.forget(attachments)
  for _, attachment in ipairs(attachments) do
    if attachment.mark and is_loaded(attachment.buffer) then
      vim.api.nvim_buf_del_extmark(attachment.buffer, NAMESPACE, attachment.mark)
    end
  end
end

return M
