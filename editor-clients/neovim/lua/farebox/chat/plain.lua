--- Text that others wrote, made fit for a buffer or for the server. Pure.
local text = require("farebox.text")
local M = {}

--- Return a value if it is a text: fields of an answer may be missing, or null.
---@param value any
---@return string?
function M.string(value)
  return type(value) == "string" and value or nil
end

--- Return a value if it is a table.
---@param value any
---@return table
function M.table(value)
  return type(value) == "table" and value or {}
end

--- Return a text on one line.
---@param words string
---@return string
function M.line(words)
  return vim.trim((words:gsub("%z", ""):gsub("%s+", " ")))
end

--- Return the lines of a text as they can stand in a buffer.
---@param words string
---@return string[]
function M.lines(words)
  return text.lines((words:gsub("%z", "")))
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
