--- What others wrote, made fit to be shown or sent: fields that may be missing, null or hostile. Pure.
local M = {}

--- Return a value if it is a text.
---@param value any
---@return string?
function M.string(value)
  return type(value) == "string" and value or nil
end

--- Return a value if it is a table, else an empty one.
---@param value any
---@return table
function M.table(value)
  return type(value) == "table" and value or {}
end

--- Return a value on one line; empty if it is no text.
---@param value any
---@return string
function M.line(value)
  return vim.trim(((M.string(value) or ""):gsub("%s+", " "):gsub("%c", "")))
end

--- Return the lines of a text as they can stand in a buffer, however they end.
---@param words string
---@return string[]
function M.lines(words)
  return vim.split((words:gsub("%z", ""):gsub("\r\n?", "\n")), "\n", { plain = true })
end

--- Return the lines of a text without characters that a screen cannot show.
---@param words string
---@return string[]
function M.printable(words)
  return vim.tbl_map(function(line)
    return (line:gsub("[\1-\8\11-\31\127]", ""))
  end, M.lines(words))
end

local function repaired(run)
  local characters = {}
  local starts = vim.str_utf_pos(run)
  for index, first in ipairs(starts) do
    local character = run:sub(first, (starts[index + 1] or #run + 1) - 1)
    characters[index] = #character > 1 and character or "\u{FFFD}"
  end
  return table.concat(characters)
end

--- Return a text without bytes that no JSON may have.
---@param words string
---@return string
function M.sendable(words)
  return (words:gsub("%z", ""):gsub("[\128-\255]+", repaired))
end

return M
