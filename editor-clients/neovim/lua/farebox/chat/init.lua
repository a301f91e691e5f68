--- The chats of this Neovim: which there are, which one a command or a key is for, and what it does there.
local Dialogue = require("farebox.chat.dialogue")
local attachments = require("farebox.chat.attachments")
local blocks = require("farebox.chat.blocks")
local keys = require("farebox.chat.keys")
local notice = require("farebox.notice")
local picker = require("farebox.chat.picker")
local source = require("farebox.chat.source")
local view = require("farebox.chat.view")
local window = require("farebox.chat.window")
local M = {}

local NAME = "farebox://chat/"

local chats = {} ---@type table<integer, farebox.Dialogue> by buffer
local latest ---@type farebox.Dialogue?
local count = 0

source.follow()

-- --- which chat -----------------------------------------------------------------------------------------

local function forget(buffer)
  local chat = chats[buffer]
  chats[buffer] = nil
  if chat == latest then
    latest = nil
  end
  if chat then
    chat:forget()
  end
end

--- A buffer that is unloaded may be read again at once, by `:edit`: then its chat goes on.
local function unloaded(buffer)
  vim.schedule(function()
    if not vim.api.nvim_buf_is_valid(buffer) then
      forget(buffer)
    elseif not vim.api.nvim_buf_is_loaded(buffer) then
      forget(buffer)
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end)
end

--- Neovim's own markdown marks each `_` within a word as an error, and answers are full of names.
local function forgive(buffer)
  if vim.api.nvim_buf_is_loaded(buffer) and vim.fn.hlexists("markdownError") == 1 then
    vim.api.nvim_buf_call(buffer, function()
      vim.cmd("silent! syntax clear markdownError")
    end)
  end
end

--- Make a buffer a chat's. What an answer says is never taken for an option or a file.
---@param buffer integer
local function prepare(buffer)
  local options = vim.bo[buffer]
  options.buftype, options.bufhidden, options.swapfile = "nofile", "hide", false
  options.modeline = false
  options.filetype = "markdown"
  forgive(buffer)
  keys.bind(buffer, M.actions)
end

local function watch(buffer)
  local group = vim.api.nvim_create_augroup("farebox.chat." .. buffer, {})
  local function on(event, callback)
    vim.api.nvim_create_autocmd(event, { group = group, buffer = buffer, callback = callback })
  end
  on("BufUnload", function()
    if chats[buffer] then
      chats[buffer].kept = chats[buffer]:draft()
    end
    unloaded(buffer)
  end)
  on("Syntax", function()
    vim.schedule(function()
      forgive(buffer)
    end)
  end)
  on("BufEnter", function()
    latest = chats[buffer] or latest
  end)
  on("BufWinEnter", function()
    window.dress(buffer)
  end)
  on("BufReadCmd", function()
    if chats[buffer] then
      prepare(buffer)
      chats[buffer]:draw()
    end
  end)
end

local function new_buffer()
  local buffer = vim.api.nvim_create_buf(true, false)
  vim.bo[buffer].swapfile = false -- before it has a name, which another Neovim's chat may have too
  repeat
    count = count + 1
  until vim.fn.bufnr("^" .. NAME .. count .. "$") == -1
  vim.api.nvim_buf_set_name(buffer, NAME .. count)
  return buffer
end

---@param id string? the server's
---@return farebox.Dialogue
local function create(id)
  local buffer = new_buffer()
  prepare(buffer)
  local chat = Dialogue.new(buffer, id)
  chats[buffer], latest = chat, chat
  watch(buffer)
  return chat
end

--- Close what a session has brought back of chats: it keeps their windows and names, and nothing that was said.
function M.close_lost()
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.startswith(vim.api.nvim_buf_get_name(buffer), NAME) and not chats[buffer] then
      vim.api.nvim_buf_delete(buffer, { force = true })
    end
  end
end

--- Return the chat that the user is in, or the last one that they were in.
---@return farebox.Dialogue?
local function current()
  return chats[vim.api.nvim_get_current_buf()] or latest
end

local function is_unused(chat)
  return #chat.conversation.turns == 0 and chat:draft() == ""
end

--- Do something with the current chat, or say that there is none.
local function with(action)
  local chat = current()
  if not chat then
    return notice.tell("there is no chat yet; :Farebox chat opens one")
  end
  action(chat)
end

--- Attach lines of the buffer that the user is in.
---@param range farebox.LineRange?
local function attach_lines(chat, range)
  local buffer = vim.api.nvim_get_current_buf()
  if range and not chats[buffer] then
    chat:attach(attachments.of_buffer(buffer, range))
  end
end

-- --- what commands do -------------------------------------------------------------------------------------

---@class farebox.ChatRequest
---@field text? string a question to send
---@field range? farebox.LineRange lines of the current buffer, to attach

--- Open the chat, or go to it.
---@param request farebox.ChatRequest?
function M.open(request)
  request = request or {}
  local chat = current() or create()
  attach_lines(chat, request.range)
  window.show(chat.buffer)
  if request.text and vim.trim(request.text) ~= "" then
    chat:say(vim.trim(request.text))
  end
end

--- Begin a new chat.
---@param request farebox.ChatRequest?
function M.new(request)
  local chat = latest and is_unused(latest) and latest or create()
  attach_lines(chat, (request or {}).range)
  window.show(chat.buffer)
end

--- Choose an earlier chat.
function M.history()
  picker.choose(vim.tbl_values(chats), function(chat)
    window.show(chat.buffer)
  end, function(found)
    local chat = create(found.id)
    chat.conversation:load(found)
    chat:draw()
    window.show(chat.buffer)
  end)
end

---@type table<string, fun(buffer: integer, range: farebox.LineRange?): farebox.Attachment?, string?>
local ATTACH = {
  buffer = function(buffer)
    return attachments.of_buffer(buffer)
  end,
  selection = function(buffer, range)
    range = range or source.selection(buffer)
    if not range then
      return nil, "nothing is selected"
    end
    return attachments.of_buffer(buffer, range)
  end,
  diagnostics = function(buffer, range)
    return attachments.of_diagnostics(buffer, range), "there are no diagnostics"
  end,
}

---@param range farebox.LineRange?
---@return farebox.Attachment?, string?
local function attachment_of(what, range)
  if what ~= "" and not ATTACH[what] then
    return attachments.of_file(what)
  end
  local buffer = source.buffer()
  if not buffer then
    return nil, "there is no buffer to attach"
  end
  return ATTACH[what ~= "" and what or range and "selection" or "buffer"](buffer, range)
end

--- Attach something to the next question.
---@param what string "buffer", "selection", "diagnostics" or a file's path
---@param range farebox.LineRange?
function M.attach(what, range)
  local attachment, complaint = attachment_of(what, range)
  if not attachment then
    return notice.warn(complaint)
  end
  local chat = current() or create()
  chat:attach(attachment)
  if vim.fn.bufwinid(chat.buffer) == -1 then
    notice.tell(attachment.label .. " goes with the next question")
  end
end

--- Stop the answer that is coming.
function M.stop()
  with(Dialogue.stop)
end

--- Ask the last question again.
function M.retry()
  with(Dialogue.retry)
end

--- Propose the code block under the cursor, or the last one, in the buffer that was asked about.
function M.apply_code()
  with(function(chat)
    blocks.apply(chat, source.buffer())
  end)
end

--- Return what stands above the window that is being drawn: Neovim makes it the current one for that.
---@return string
function M.bar()
  local chat = chats[vim.api.nvim_get_current_buf()]
  return chat and (chat:bar():gsub("%%", "%%%%")) or ""
end

-- --- what keys do -----------------------------------------------------------------------------------------

--- Go to the heading before or after the cursor.
local function jump(is_next)
  with(function(chat)
    local row, target = vim.api.nvim_win_get_cursor(0)[1] - 1, nil
    for _, heading in ipairs(chat.page:headings()) do
      if is_next and heading > row then
        target = target or heading
      elseif not is_next and heading < row then
        target = heading
      end
    end
    if target then
      vim.cmd("normal! m'")
      vim.api.nvim_win_set_cursor(0, { target + 1, 0 })
    end
  end)
end

local function send()
  with(Dialogue.send)
end

--- Send also while the completion menu is open: it is closed first, with the text as it stands.
local function send_insert()
  with(function(chat)
    if view.is_busy(chat.buffer) then
      vim.api.nvim_feedkeys(vim.keycode("<C-x><C-z>"), "n", false)
    end
    chat:when_free(function()
      chat:send()
    end)
  end)
end

---@type table<string, fun()>
M.actions = {
  send = send,
  send_insert = send_insert,
  stop = M.stop,
  retry = M.retry,
  apply_code = M.apply_code,
  history = M.history,
  help = keys.help,
  yank_code = function()
    with(blocks.yank)
  end,
  explain = function()
    with(Dialogue.explain)
  end,
  model = function()
    with(Dialogue.choose_model)
  end,
  next_turn = function()
    jump(true)
  end,
  previous_turn = function()
    jump(false)
  end,
  close = function()
    window.close(vim.api.nvim_get_current_buf())
  end,
}

return M
