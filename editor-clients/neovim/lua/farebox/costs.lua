--- `:Farebox costs`: what was spent, as the table that the server writes, or as its page in a browser.
---
--- It adds up nothing: every figure is the server's.
local float = require("farebox.float")
local here = require("farebox.here")
local notice = require("farebox.notice")
local plain = require("farebox.plain")
local server = require("farebox.server")
local M = {}

M.GROUPS = { "model", "task", "provider", "day", "hour", "workspace", "conversation", "client", "language" }

local TIMES = {
  today = "today",
  yesterday = "since yesterday",
  week = "this week",
  month = "this month",
  ["7d"] = "the last 7 days",
}

local FOOTER = "t today  7 days  m month  h page  q close"
local PAGE = "costs.html"
local OWN_FOLDER, OWN_FILE = 448, 384 -- 0700 and 0600

---@class farebox.CostQuestion
---@field since? string
---@field until_? string
---@field by string[]
---@field is_page boolean

---@type { buffer: integer, window: integer, asked: farebox.CostQuestion }?
local view
local pending ---@type farebox.Ticket?

-- --- what is asked ----------------------------------------------------------------------------------

local function is_time(word)
  return TIMES[word] ~= nil or word:find("^%d") ~= nil
end

--- Return what the command can be given: times, the page, and what to group by.
---@return string[]
function M.words()
  local times = vim.tbl_keys(TIMES)
  table.sort(times)
  return vim.iter({ times, "html", M.GROUPS }):flatten():totable()
end

--- Read the words of the command. Returns nil and what is wrong if they can't be understood.
---@param words string[]
---@return farebox.CostQuestion?, string?
function M.read(words)
  local asked = { by = {}, is_page = false }
  for _, word in ipairs(words) do
    if word == "html" then
      asked.is_page = true
    elseif vim.tbl_contains(M.GROUPS, word) then
      table.insert(asked.by, word)
    elseif is_time(word) and not asked.until_ then
      asked[asked.since and "until_" or "since"] = word
    elseif word ~= "by" then
      local choice = "today, 7d, month or a date such as 2026-03-01, then what to group by: "
      return nil, ('costs: "%s" is none of %s%s'):format(word, choice, table.concat(M.GROUPS, ", "))
    end
  end
  if asked.is_page and #asked.by > 0 then
    return nil, "costs: the page shows everything at once, so that nothing is grouped there"
  end
  asked.since = asked.since or not asked.is_page and "today" or nil
  return asked
end

---@param asked farebox.CostQuestion
local function params_of(asked)
  local params = { since = asked.since, ["until"] = asked.until_, format = "html" }
  if not asked.is_page then
    params.by, params.format = #asked.by > 0 and asked.by or { "model" }, "table"
  end
  return params
end

---@param asked farebox.CostQuestion
local function title_of(asked)
  local since = asked.since
  local time = TIMES[since] or (since:find("^%d+[dh]$") and "the last " or "since ") .. since
  local ending = asked.until_ and (" until " .. asked.until_) or ""
  return ("farebox costs: %s%s, by %s"):format(time, ending, table.concat(params_of(asked).by, ", "))
end

-- --- the float --------------------------------------------------------------------------------------

--- Fold a line at spaces; a row of the table, which begins with one, stays as it is.
---@param lines string[] to add to
local function fold(lines, line, width)
  if vim.startswith(line, " ") or vim.fn.strdisplaywidth(line) <= width then
    lines[#lines + 1] = line
    return
  end
  local folded = ""
  for word in line:gmatch("%S+") do
    local longer = folded == "" and word or (folded .. " " .. word)
    if folded ~= "" and vim.fn.strdisplaywidth(longer) > width then
      lines[#lines + 1] = folded
      longer = word
    end
    folded = longer
  end
  lines[#lines + 1] = folded
end

---@return string[]
local function lines_of(result)
  local table_text = plain.string(plain.table(result).text)
  if not table_text then
    return { "The server sent no table." }
  end
  local lines = {}
  for _, line in ipairs(plain.printable(vim.trim(table_text))) do
    fold(lines, line, vim.o.columns - 4)
  end
  return lines
end

local function is_view_open()
  return view
    and vim.api.nvim_win_is_valid(view.window)
    and vim.api.nvim_win_get_buf(view.window) == view.buffer
end

local function redraw(lines, options)
  vim.bo[view.buffer].modifiable = true
  vim.api.nvim_buf_set_lines(view.buffer, 0, -1, false, lines)
  vim.bo[view.buffer].modifiable = false
  vim.api.nvim_win_set_config(view.window, float.geometry(lines, options))
  vim.api.nvim_win_set_cursor(view.window, { 1, 0 })
end

local function bind_keys(buffer)
  local function bind(lhs, desc, question)
    vim.keymap.set("n", lhs, function()
      M.ask(question(view.asked))
    end, { buffer = buffer, nowait = true, desc = "farebox: " .. desc })
  end
  for lhs, since in pairs({ t = "today", ["7"] = "7d", m = "month" }) do
    bind(lhs, "costs: " .. TIMES[since], function(asked)
      return { since = since, by = asked.by, is_page = false }
    end)
  end
  bind("h", "costs as a page", function(asked)
    return { since = asked.since, until_ = asked.until_, by = {}, is_page = true }
  end)
end

---@param asked farebox.CostQuestion
local function show(asked, result)
  local lines = lines_of(result)
  local options = { title = title_of(asked), footer = FOOTER, wrap = false }
  if is_view_open() then
    view.asked = asked
    vim.api.nvim_set_current_win(view.window)
    return redraw(lines, options)
  end
  local buffer, window = float.open(lines, options)
  view = { buffer = buffer, window = window, asked = asked }
  bind_keys(buffer)
end

-- --- the page ---------------------------------------------------------------------------------------

--- Write a file that only its owner can read.
---@return string? path nil if it can't be written
local function write_page(page)
  local folder = vim.fs.joinpath(vim.fn.stdpath("cache"), "farebox")
  vim.fn.mkdir(folder, "p", OWN_FOLDER)
  local path = vim.fs.joinpath(folder, PAGE)
  vim.uv.fs_unlink(path) -- the mode counts only where a file is made
  local file = vim.uv.fs_open(path, "wx", OWN_FILE)
  if not file then
    return nil
  end
  local written = vim.uv.fs_write(file, page)
  vim.uv.fs_close(file)
  return written == #page and path or nil
end

local function open_page(result)
  local page = plain.string(plain.table(result).text)
  if not page then
    return notice.warn("the server sent no page of the costs")
  end
  local written, path = pcall(write_page, page)
  if not written or not path then
    return notice.warn("the page of the costs could not be written to " .. vim.fn.stdpath("cache"))
  end
  local could_call, opening, problem = pcall(vim.ui.open, path)
  if not could_call or (problem and not opening) then
    return notice.warn("no browser could be opened; the page of the costs is " .. path)
  end
  notice.tell("the page of the costs is " .. path)
end

-- --- asking -----------------------------------------------------------------------------------------

--- Ask, and show the answer if the user still waits for it. A question before it is taken back.
---@param asked farebox.CostQuestion
function M.ask(asked)
  if pending then
    pending.cancel()
  end
  local is_here = here.remember()
  pending = server.call("costReport", params_of(asked), function(result)
    if asked.is_page then
      return open_page(result)
    end
    if not is_here() then
      return notice.tell("the costs are there; :Farebox costs shows them")
    end
    show(asked, result)
  end)
end

--- Show what was spent.
---@param words string[] of the command
function M.show(words)
  local asked, problem = M.read(words)
  if not asked then
    return notice.warn(problem)
  end
  M.ask(asked)
end

return M
