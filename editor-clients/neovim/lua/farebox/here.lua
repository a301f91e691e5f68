--- Whether the user is still where they asked for something: an answer that comes later may not take the cursor.
local M = {}

local function is_free()
  local mode = vim.api.nvim_get_mode()
  return not mode.blocking and vim.startswith(mode.mode, "n") and not vim.startswith(mode.mode, "no")
end

--- Leave insert mode: who asks for something to read has stopped to type.
function M.leave_insert()
  if vim.api.nvim_get_mode().mode:find("^[iR]") then
    vim.cmd.stopinsert()
  end
end

--- Remember this place, in normal mode.
---@return fun(): boolean is_here
function M.remember()
  M.leave_insert()
  local window, buffer = vim.api.nvim_get_current_win(), vim.api.nvim_get_current_buf()
  return function()
    return is_free() and vim.api.nvim_get_current_win() == window and vim.api.nvim_get_current_buf() == buffer
  end
end

return M
