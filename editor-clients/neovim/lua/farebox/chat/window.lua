--- The window of a chat: where it opens, what it looks like, and the line above it.
local config = require("farebox.config")
local notice = require("farebox.notice")
local source = require("farebox.chat.source")
local M = {}

local SIDES = { right = "columns", left = "columns", below = "lines", above = "lines" }

local OPTIONS = {
  breakindent = true,
  conceallevel = 0, -- what an answer says is seen
  foldenable = false,
  linebreak = true,
  number = false,
  relativenumber = false,
  signcolumn = "no",
  winbar = "%{%v:lua.require'farebox.chat'.bar()%}",
  wrap = true,
}

--- Make the windows of a chat's buffer look like one. They look as before when they show another buffer.
---@param buffer integer
function M.dress(buffer)
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    for name, value in pairs(OPTIONS) do
      vim.wo[window][0][name] = value
    end
  end
end

local function extent(whole)
  local size = config.current.chat.size
  return math.max(1, math.floor(size < 1 and size * whole or size))
end

local function open_tab(buffer)
  vim.cmd("tab split")
  vim.wo.winfixbuf = false
  vim.api.nvim_win_set_buf(0, buffer)
end

--- Open a window at the side that the user has chosen; a tab where there is no room.
local function open(buffer)
  local side = SIDES[config.current.chat.position]
  if not side then
    return open_tab(buffer)
  end
  local options = { split = config.current.chat.position, win = -1 }
  options[side == "columns" and "width" or "height"] = extent(vim.o[side])
  local is_open, window = pcall(vim.api.nvim_open_win, buffer, true, options)
  if not is_open then
    return open_tab(buffer)
  end
  vim.wo[window][0][side == "columns" and "winfixwidth" or "winfixheight"] = true
end

--- Go to a chat's window in this tab; it is opened if there is none, with the cursor at the prompt.
---@param buffer integer
function M.show(buffer)
  if vim.fn.getcmdwintype() ~= "" then
    return notice.tell("close the command-line window first")
  end
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    vim.api.nvim_set_current_win(window)
  elseif not pcall(open, buffer) then
    notice.warn("there is no room for the chat")
  else
    M.dress(buffer)
    vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

--- Close the window; the only one shows what was there before.
---@param buffer integer
function M.close(buffer)
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    return
  end
  if pcall(vim.api.nvim_win_close, window, false) then
    return
  end
  local other = source.buffer() or vim.api.nvim_create_buf(true, false)
  if not pcall(vim.api.nvim_win_set_buf, window, other) then
    notice.tell("this is the only window, and it is fixed to the chat ('winfixbuf')")
  end
end

return M
