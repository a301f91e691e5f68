--- The buffer that a chat is about: the last one with a file's text that the user was in.
local M = {}

local last ---@type integer?

local function is_normal(buffer)
  return vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].buftype == ""
end

local function note()
  local buffer = vim.api.nvim_get_current_buf()
  if is_normal(buffer) then
    last = buffer
  end
end

--- Begin to note where the user is.
function M.follow()
  note()
  vim.api.nvim_create_autocmd("BufEnter", {
    group = vim.api.nvim_create_augroup("farebox.chat.source", {}),
    callback = note,
  })
end

--- Return the buffer, if it is still there.
---@return integer?
function M.buffer()
  return last and is_normal(last) and last or nil
end

local function in_order(one, other)
  return { first = math.min(one, other), last = math.max(one, other) }
end

--- Return the selected lines of a buffer, 1-based and inclusive: those of now, or those selected last.
---@param buffer integer
---@return farebox.LineRange?
function M.selection(buffer)
  local is_here = vim.api.nvim_get_current_buf() == buffer
  if is_here and vim.fn.mode():match("[vV\22]") then
    return in_order(vim.fn.line("v"), vim.fn.line("."))
  end
  local first = vim.api.nvim_buf_get_mark(buffer, "<")[1]
  local final = vim.api.nvim_buf_get_mark(buffer, ">")[1]
  return first > 0 and final > 0 and in_order(first, final) or nil
end

return M
