--- Which window a buffer is shown in: never the chat's, if there is another for files.
local here = require("farebox.here")
local M = {}

local function is_for_files(window)
  local buffer = vim.api.nvim_win_get_buf(window)
  local is_fixed = vim.wo[window].winfixbuf or vim.wo[window].previewwindow
  return vim.bo[buffer].buftype == "" and vim.api.nvim_win_get_config(window).relative == "" and not is_fixed
end

--- Return the window to show a buffer in: where it is, else the one that was used last, else any for files.
local function window_for(buffer)
  local current = vim.api.nvim_get_current_win()
  local in_tab = vim.api.nvim_tabpage_list_wins(0)
  local showing = vim.fn.win_findbuf(buffer)
  local before = vim.fn.win_getid(vim.fn.winnr("#"))
  for _, window in ipairs(vim.iter({ current, before, in_tab, showing }):flatten():totable()) do
    if vim.tbl_contains(showing, window) then
      return window
    end
  end
  for _, window in ipairs(vim.iter({ before, current, in_tab }):flatten():totable()) do
    if window ~= 0 and is_for_files(window) then
      return window
    end
  end
  return nil
end

--- Show a buffer, and be in its window.
---@param buffer integer
function M.show(buffer)
  here.leave_insert()
  local window = window_for(buffer)
  if window and pcall(vim.api.nvim_win_set_buf, window, buffer) then
    return vim.api.nvim_set_current_win(window)
  end
  local beside = vim.iter(vim.api.nvim_tabpage_list_wins(0)):find(function(other)
    return vim.api.nvim_win_get_config(other).relative == ""
  end)
  vim.api.nvim_open_win(buffer, true, { split = "left", win = beside })
end

return M
