--- What `u` takes back at once.
local M = {}

--- Begin a new undo step in a buffer: setting this option does that (`:help undo-break`).
---@param buffer integer
function M.begin_step(buffer)
  vim.bo[buffer].undolevels = vim.bo[buffer].undolevels
end

return M
