--- Where the cursor is, in which text, and what was typed since it was elsewhere. Knows nothing of suggestions.
local M = {}

---@class farebox.Place where the cursor is in which text
---@field buffer integer
---@field row integer 0-based
---@field column integer 0-based, in bytes
---@field tick integer the buffer's changedtick
---@field before string its line up to the cursor
---@field after string its line from the cursor on
---@field line_count integer

---@return farebox.Place
function M.here()
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local line = vim.api.nvim_get_current_line()
  return {
    buffer = vim.api.nvim_get_current_buf(),
    row = row - 1,
    column = column,
    tick = vim.b.changedtick,
    before = line:sub(1, column),
    after = line:sub(column + 1),
    line_count = vim.api.nvim_buf_line_count(0),
  }
end

--- Say whether two places are one, and the text is the same.
---@param place farebox.Place
---@param other farebox.Place
---@return boolean
function M.is_same(place, other)
  return place.buffer == other.buffer
    and place.tick == other.tick
    and place.row == other.row
    and place.column == other.column
end

--- Return what was typed between two places; nil if something else has changed as well.
---@param from farebox.Place
---@param to farebox.Place
---@return string?
function M.typed_between(from, to)
  local new_lines = to.row - from.row
  if from.buffer ~= to.buffer or new_lines < 0 or to.line_count - from.line_count ~= new_lines then
    return nil
  end
  if to.after ~= from.after or (new_lines == 0 and to.column < from.column) then
    return nil
  end
  local first = vim.api.nvim_buf_get_lines(to.buffer, from.row, from.row + 1, false)[1] or ""
  if first:sub(1, from.column) ~= from.before then
    return nil
  end
  return table.concat(
    vim.api.nvim_buf_get_text(to.buffer, from.row, from.column, to.row, to.column, {}),
    "\n"
  )
end

return M
