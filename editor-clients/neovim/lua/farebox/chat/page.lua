--- The text of a chat in its buffer: headings, answers, the lines under them, and the prompt below all.
---
--- Every change here leaves the user's cursor, view and draft alone, and is none that `u` takes back: an undo would
--- cut into an answer. What is drawn, and when, is for others to know.
local fences = require("farebox.chat.fences")
local plain = require("farebox.plain")
local view = require("farebox.chat.view")

---@class farebox.TurnMarks the marks of a turn on its page
---@field question integer its first heading
---@field answer integer its second heading
---@field tail integer where more of the answer goes
---@field footer? integer the lines under the answer

---@class farebox.Page
---@field buffer integer
---@field prompt integer the mark of the last heading, under which the user types
---@field places table<farebox.Turn, farebox.TurnMarks>
---@field running? farebox.Turn
local Page = {}
Page.__index = Page

local NAMESPACE = vim.api.nvim_create_namespace("farebox.chat")
local USER, ANSWER = "## You", "## farebox"
local TEXT_BELOW = 2 -- lines from a heading to its text

--- Return a page in a buffer that it has to itself.
---@param buffer integer
---@return farebox.Page
function Page.new(buffer)
  local page = setmetatable({ buffer = buffer, places = {} }, Page)
  page:clear()
  return page
end

function Page:is_there()
  return vim.api.nvim_buf_is_valid(self.buffer) and vim.api.nvim_buf_is_loaded(self.buffer)
end

-- --- marks and lines --------------------------------------------------------------------------------

--- Return where a mark is. Marks of deleted text may be beyond the last line.
---@return integer row, integer column
function Page:at(mark)
  local found = vim.api.nvim_buf_get_extmark_by_id(self.buffer, NAMESPACE, mark, {})
  local last = vim.api.nvim_buf_line_count(self.buffer) - 1
  local row, column = found[1] or 0, found[2] or 0
  if row > last then
    return last, #self:lines(last, last + 1)[1]
  end
  return row, column
end

function Page:lines(first, last)
  return vim.api.nvim_buf_get_lines(self.buffer, first, last, false)
end

function Page:put(first, last, lines)
  vim.api.nvim_buf_set_lines(self.buffer, first, last, false, lines)
end

function Page:mark(row, column, options)
  options.strict = false
  return vim.api.nvim_buf_set_extmark(self.buffer, NAMESPACE, row, column, options)
end

--- Mark a heading, or change its mark.
function Page:mark_heading(row, group, options)
  options = options or {}
  options.end_col, options.hl_group = #(self:lines(row, row + 1)[1] or ""), group
  return self:mark(row, 0, options)
end

-- --- changes ----------------------------------------------------------------------------------------

--- Return what the user is typing.
---@return string[]
function Page:draft()
  local row = self:at(self.prompt)
  local lines = self:lines(row, -1)
  if lines[1] == USER then
    table.remove(lines, 1)
  end
  if lines[1] == "" then
    table.remove(lines, 1)
  end
  return lines
end

--- Bring the prompt's heading back if the user has deleted it.
function Page:repair()
  local row = self:at(self.prompt)
  if self:lines(row, row + 1)[1] == USER then
    return
  end
  local at = row
  if self.running then
    local id = self.places[self.running].tail
    local tail, column = self:at(id)
    self:mark(tail, column, { id = id })
    at = math.max(row, tail + 1)
  end
  self:put(at, at, { "", USER, "" })
  self.prompt = self:mark_heading(at + 1, "FareboxUser", { id = self.prompt })
end

--- Make the draft the one step that can be undone: what was typed, not what was answered.
function Page:redo_draft(levels)
  local row, draft = self:at(self.prompt), self:draft()
  local is_empty = vim.trim(table.concat(draft, "")) == ""
  if not is_empty then
    self:put(row + 1, -1, { "", "" })
  elseif #draft == 0 then
    self:put(row + 1, -1, { "", "" })
  end
  vim.bo[self.buffer].undolevels = levels
  if not is_empty then
    self:put(row + 1, -1, vim.list_extend({ "" }, draft))
  end
end

--- Change the text. Without undo levels Neovim forgets what could be undone, which has other lines than these now.
---@param edit fun(): integer?, boolean? returns how many lines it put before the draft; whether it took the draft
function Page:change(edit)
  if not self:is_there() then
    return
  end
  local options = vim.bo[self.buffer]
  local levels, running = options.undolevels, self.running
  options.modifiable = true
  options.undolevels = -1
  self:repair()
  local prompt = self:at(self.prompt)
  local tail = running and { self:at(self.places[running].tail) } or nil
  local followers = view.followers(self.buffer, prompt, tail)
  local before_draft, takes_draft = edit()
  self:redo_draft(levels)
  local new_tail = running and { self:at(self.places[running].tail) } or nil
  local lines = self:at(self.prompt) - prompt
  view.follow(followers, {
    lines = lines,
    shift = takes_draft and 0 or lines,
    before_draft = before_draft or 0,
    tail = new_tail,
  })
end

--- Begin anew, with nothing but a prompt.
function Page:clear()
  vim.api.nvim_buf_clear_namespace(self.buffer, NAMESPACE, 0, -1)
  self.places, self.running = {}, nil
  self.prompt = self:mark(0, 0, {})
  self:put(0, -1, { USER, "", "" })
  self.prompt = self:mark_heading(0, "FareboxUser", { id = self.prompt })
  self:change(function() end)
end

--- Put a question above the prompt, and an answer's heading under it. The draft becomes another one.
---@param turn farebox.Turn
---@param draft string
function Page:begin(turn, draft)
  self:change(function()
    local row = self:at(self.prompt)
    local lines = { USER, "" }
    vim.list_extend(lines, plain.lines(turn.question))
    local answer = row + #lines + 1
    vim.list_extend(lines, { "", ANSWER, "", "", "", USER, "" })
    local prompt = row + #lines - 2
    vim.list_extend(lines, plain.lines(draft))
    self:put(row, -1, lines)
    self.places[turn] = {
      question = self:mark_heading(row, "FareboxUser"),
      answer = self:mark_heading(answer, "FareboxAnswer"),
      tail = self:mark(answer + TEXT_BELOW, 0, {}),
    }
    self.prompt = self:mark_heading(prompt, "FareboxUser", { id = self.prompt, virt_lines = {} })
    self.running = turn
    return 0, true
  end)
end

--- Add to an answer.
---@param turn farebox.Turn
---@param words string
function Page:write(turn, words)
  local place = self.places[turn]
  if not place or words == "" then
    return
  end
  self:change(function()
    local row, column = self:at(place.tail)
    vim.api.nvim_buf_set_text(self.buffer, row, column, row, column, plain.lines(words))
  end)
end

--- Show another answer than what has come of it.
---@param turn farebox.Turn
---@param words string
function Page:rewrite(turn, words)
  local place = self.places[turn]
  if not place then
    return
  end
  self:change(function()
    local row, column = self:at(place.tail)
    local first = math.min(self:at(place.answer) + TEXT_BELOW, row)
    vim.api.nvim_buf_set_text(self.buffer, first, 0, row, column, plain.lines(words))
  end)
end

--- Cut blank lines at an answer's end, and close its code block: what follows would be drawn as code.
function Page:finish_answer(turn)
  local place = self.places[turn]
  local lines, first = self:answer(turn)
  local last = #lines
  while last > 1 and lines[last]:match("^%s*$") do
    last = last - 1
  end
  local kept = vim.list_slice(lines, 1, last)
  local blocks = fences.blocks(kept)
  local missing = blocks[#blocks] and blocks[#blocks].missing
  if last < #lines or missing then
    self:put(first + last, first + #lines, { missing })
  end
  kept[#kept + 1] = missing
  self:mark(first + #kept - 1, #kept[#kept], { id = place.tail })
end

--- Put lines under an answer, or in its place if it is empty. Returns the row of the first.
---@return integer
function Page:put_footer(turn, lines)
  self:finish_answer(turn)
  local answer, first = self:answer(turn)
  if #lines > 0 and #answer == 1 and answer[1] == "" then
    self:put(first, first + 1, lines)
    return first
  end
  local below = first + #answer + 1
  self:put(below, below, vim.list_extend(vim.list_slice(lines), #lines > 0 and { "" } or {}))
  return below
end

--- Put lines under an answer that has ended, instead of those that are there.
---@param turn farebox.Turn
---@param lines string[]
---@param group string
function Page:close(turn, lines, group)
  local place = self.places[turn]
  if not place then
    return
  end
  self:hint(turn, nil)
  self:change(function()
    local first, last
    if place.footer then
      local found =
        vim.api.nvim_buf_get_extmark_by_id(self.buffer, NAMESPACE, place.footer, { details = true })
      first, last = found[1], found[3].end_row
      self:put(first, last, lines)
    else
      first = self:put_footer(turn, lines)
    end
    place.footer =
      self:mark(first, 0, { id = place.footer, end_row = first + #lines, end_col = 0, hl_group = group })
  end)
  if self.running == turn then
    self.running = nil
  end
end

--- Take the last turn off the page.
---@param turn farebox.Turn
function Page:remove(turn)
  local place = self.places[turn]
  if not place then
    return
  end
  self.running = nil
  self:change(function()
    self:put(self:at(place.question), self:at(self.prompt), {})
    for _, mark in pairs(place) do
      vim.api.nvim_buf_del_extmark(self.buffer, NAMESPACE, mark)
    end
  end)
  self.places[turn] = nil
end

--- Put text before what is typed.
---@param words string
function Page:return_to_prompt(words)
  self:change(function()
    local row, draft = self:at(self.prompt), self:draft()
    local lines = plain.lines(words)
    local is_empty = vim.trim(table.concat(draft, "")) == ""
    if is_empty then
      return self:put(row + TEXT_BELOW, -1, lines)
    end
    lines[#lines + 1] = ""
    self:put(row + TEXT_BELOW, row + TEXT_BELOW, lines)
    return #lines
  end)
end

-- --- what is drawn beside the text --------------------------------------------------------------------

--- Say something behind an answer's heading: where nothing has to move for it.
---@param turn farebox.Turn
---@param words string?
function Page:hint(turn, words)
  local place = self.places[turn]
  if not place or not self:is_there() then
    return
  end
  local shown = words and { { plain.line(words), "FareboxHint" } } or nil
  self:mark_heading(
    self:at(place.answer),
    "FareboxAnswer",
    { id = place.answer, virt_text = shown, virt_text_pos = shown and "eol" or nil }
  )
end

local function attached(labels)
  return vim.tbl_map(function(label)
    return { { "+ " .. plain.line(label), "FareboxAttachment" } }
  end, labels)
end

--- Show what is attached to a turn, or to the next question.
---@param turn farebox.Turn?
---@param labels string[]
function Page:show_attached(turn, labels)
  local mark = turn and self.places[turn].question or self.prompt
  if self:is_there() then
    self:mark_heading(self:at(mark), "FareboxUser", { id = mark, virt_lines = attached(labels) })
  end
end

-- --- what is where ------------------------------------------------------------------------------------

--- Return the lines of an answer as they stand there, and the row of the first.
---@param turn farebox.Turn
---@return string[] lines, integer first
function Page:answer(turn)
  local place = self.places[turn]
  local last = self:at(place.tail)
  local first = math.min(self:at(place.answer) + TEXT_BELOW, last)
  return self:lines(first, last + 1), first
end

--- Return the turn that a row is in; nil in the prompt, or above all.
---@param row integer
---@return farebox.Turn?
function Page:turn_at(row)
  if row >= self:at(self.prompt) then
    return nil
  end
  local found, nearest = nil, -1
  for turn, place in pairs(self.places) do
    local first = self:at(place.question)
    if first <= row and first > nearest then
      found, nearest = turn, first
    end
  end
  return found
end

--- Return the rows of the questions and of the prompt, in order.
---@return integer[]
function Page:headings()
  local rows = { (self:at(self.prompt)) }
  for _, place in pairs(self.places) do
    rows[#rows + 1] = self:at(place.question)
  end
  table.sort(rows)
  return rows
end

return Page
