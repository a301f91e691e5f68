--- Places in a line, in the units of Neovim (bytes) and of the protocol (whatever was negotiated). Pure.
local M = {}

--- Return the protocol's character of a byte column.
---@param line string
---@param column integer 0-based, in bytes; beyond the line it is its end
---@param encoding "utf-8"|"utf-16"|"utf-32"
---@return integer
function M.character(line, column, encoding)
  return vim.str_utfindex(line, encoding, math.min(column, #line), false)
end

--- Return the position of a place in a buffer.
---@param buffer integer
---@param row integer 0-based
---@param column integer 0-based, in bytes
---@param encoding "utf-8"|"utf-16"|"utf-32"
---@return lsp.Position
function M.position(buffer, row, column, encoding)
  local line = vim.api.nvim_buf_get_lines(buffer, row, row + 1, false)[1] or ""
  return { line = row, character = M.character(line, column, encoding) }
end

--- Return how long a text is in UTF-16 code units, in which the protocol counts what was accepted.
---@param text string
---@return integer
function M.utf16_length(text)
  return vim.str_utfindex(text, "utf-16", #text, false)
end

return M
