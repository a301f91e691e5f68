--- Draws one suggestion at the cursor. Knows extmarks and columns; not where a suggestion comes from.
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace("farebox.ghost")
local MARK = 1 -- always the same: a mark that is moved does not flicker
local MAX_LINES = 200

local drawn_in ---@type integer? the buffer

--- Write tabs as the spaces that they would take: virtual text has no tab stops.
---@param line string
---@param column integer the screen column where it begins
local function without_tabs(line, column)
  if not line:find("\t", 1, true) then
    return line
  end
  local parts = {}
  for index, part in ipairs(vim.split(line, "\t", { plain = true })) do
    if index > 1 then
      local width = vim.fn.strdisplaywidth("\t", column)
      parts[#parts + 1] = (" "):rep(width)
      column = column + width
    end
    parts[#parts + 1] = part
    column = column + vim.fn.strdisplaywidth(part, column)
  end
  return table.concat(parts)
end

--- Return how many rows there are below the cursor in its window.
local function rows_below()
  return math.max(0, vim.fn.winheight(0) - vim.fn.winline())
end

--- Draw a text after a place of the current buffer, instead of what was drawn.
---@param row integer 0-based
---@param column integer 0-based, in bytes
---@param ghost string
---@param hint string? words behind the first line
function M.draw(row, column, ghost, hint)
  local buffer = vim.api.nvim_get_current_buf()
  if drawn_in and drawn_in ~= buffer then
    M.clear()
  end
  local before = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1]:sub(1, column)
  local lines = vim.split(ghost, "\n", { plain = true })
  local first = { { without_tabs(lines[1], vim.fn.strdisplaywidth(before)), "FareboxGhost" } }
  if hint then
    first[#first + 1] = { " " .. hint, "FareboxGhostHint" }
  end
  local hidden = #lines - 1 - rows_below()
  if hidden > 0 then -- who accepts it gets them too
    local count = hidden == 1 and "1 line" or hidden .. " lines"
    first[#first + 1] = { (" (+%s)"):format(count), "FareboxGhostHint" }
  end
  local below = {}
  for index = 2, math.min(#lines, MAX_LINES) do
    below[#below + 1] = { { without_tabs(lines[index], 0), "FareboxGhost" } }
  end
  vim.api.nvim_buf_set_extmark(buffer, NAMESPACE, row, column, {
    id = MARK,
    virt_text = first,
    virt_text_pos = "inline",
    virt_lines = #below > 0 and below or nil,
    hl_mode = "combine",
    undo_restore = false,
    strict = false,
  })
  drawn_in = buffer
end

--- Draw nothing any more.
function M.clear()
  if drawn_in and vim.api.nvim_buf_is_valid(drawn_in) then
    vim.api.nvim_buf_del_extmark(drawn_in, NAMESPACE, MARK)
  end
  drawn_in = nil
end

--- Say whether something is drawn.
function M.is_drawn()
  return drawn_in ~= nil
end

return M
