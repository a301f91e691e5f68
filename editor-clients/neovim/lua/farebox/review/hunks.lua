--- Differences between two texts, and where each of them is in a buffer that goes on being edited.
--- A hunk stands between two lines that it does not change: marks on those find it again after any edit or undo.
local compare = require("farebox.review.compare")
local M = {}

---@class farebox.Hunk
---@field row integer? where its old lines begin, 0-based; nil when they are no longer there
---@field near integer a row to show it at in any case
---@field old string[]
---@field new string[]
---@field changed? farebox.Span[][][] which words of the old lines and of the new ones differ
---@field before integer? the mark of the line before it
---@field after integer? the mark of the line after it
---@field state "pending"|"accepted"|"rejected"
---@field seq integer? the state of undo that it was accepted in

local OPTIONS = { algorithm = "histogram" }

--- Return what was before the first of some lines: where there are none, the diff names the line before.
local function before(start, count)
  return count == 0 and start or start - 1
end

--- Return the differences of two lists of lines; those with no line between them are one.
---@param old string[]
---@param new string[]
---@param offset integer the row of the first old line
---@return farebox.Hunk[]
function M.between(old, new, offset)
  local hunks, spans = {}, {}
  for _, found in ipairs(compare.lists(old, new, OPTIONS)) do
    local a, b = before(found[1], found[2]), before(found[3], found[4])
    local span = spans[#spans]
    if not span or span.a + span.a_count < a then
      span = { a = a, b = b }
      spans[#spans + 1] = span
    end
    span.a_count, span.b_count = a + found[2] - span.a, b + found[4] - span.b
  end
  for _, span in ipairs(spans) do
    hunks[#hunks + 1] = {
      row = offset + span.a,
      near = offset + span.a,
      old = vim.list_slice(old, span.a + 1, span.a + span.a_count),
      new = vim.list_slice(new, span.b + 1, span.b + span.b_count),
      state = "pending",
    }
  end
  return hunks
end

--- Mark where a hunk is.
---@param buffer integer
---@param namespace integer
---@param hunk farebox.Hunk
function M.anchor(buffer, namespace, hunk)
  local last = hunk.row + #hunk.old
  if hunk.row > 0 then
    hunk.before = vim.api.nvim_buf_set_extmark(buffer, namespace, hunk.row - 1, 0, {})
  end
  if last < vim.api.nvim_buf_line_count(buffer) then
    hunk.after = vim.api.nvim_buf_set_extmark(buffer, namespace, last, 0, {})
  end
end

local function has(buffer, row, lines)
  return row >= 0 and vim.deep_equal(vim.api.nvim_buf_get_lines(buffer, row, row + #lines, false), lines)
end

--- Return the row at which lines are between two rows; nil if they are not.
local function row_of(buffer, lines, first, last)
  for row = first, last - #lines do
    if has(buffer, row, lines) then
      return row
    end
  end
  -- The line before may be gone: then its mark is on the first of them.
  return has(buffer, first - 1, lines) and first - 1 or nil
end

--- Find a hunk, or the lines that it has become, again.
---@param buffer integer
---@param namespace integer
---@param hunk farebox.Hunk
---@param lines string[] its old lines, or its new ones
---@return integer? row
---@return integer near where it would be
function M.find(buffer, namespace, hunk, lines)
  local function row_at(mark, default)
    return mark and (vim.api.nvim_buf_get_extmark_by_id(buffer, namespace, mark, {})[1] or -1) or default
  end
  local count = vim.api.nvim_buf_line_count(buffer)
  local first, last = row_at(hunk.before, -1) + 1, row_at(hunk.after, count)
  local near = math.max(0, math.min(first, count - 1))
  if #lines > 0 then
    return row_of(buffer, lines, first, last), near
  elseif first > last then
    return nil, near
  end
  return hunk.before and first or last, near
end

return M
