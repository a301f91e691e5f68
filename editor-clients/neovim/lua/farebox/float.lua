--- A window over the others for something to read: as large as its text, closed by `q` or `<Esc>`.
local plain = require("farebox.plain")
local M = {}

local MARGIN = 4

--- Show lines; folded ones go on `indent` columns further right. Returns the buffer and the window.
---@param lines string[]
---@param options { title: string, footer?: string, wrap?: boolean, indent?: integer }
---@return integer buffer, integer window
function M.open(lines, options)
  lines = plain.printable(table.concat(lines, "\n"))
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].modifiable = false
  local window = vim.api.nvim_open_win(buffer, true, M.geometry(lines, options))
  vim.wo[window].wrap = options.wrap ~= false
  vim.wo[window].linebreak = true
  vim.wo[window].breakindent = options.indent ~= nil
  vim.wo[window].breakindentopt = "shift:" .. (options.indent or 0)
  vim.api.nvim_win_set_config(window, M.geometry(lines, options, window))
  for _, lhs in ipairs({ "q", "<Esc>" }) do
    vim.keymap.set("n", lhs, "<Cmd>close<CR>", { buffer = buffer, nowait = true, desc = "farebox: close" })
  end
  return buffer, window
end

--- Return the place of a window that shows all lines, or as many as there is room for.
---@param lines string[]
---@param options { title: string, footer?: string }
---@param window integer? the one that has them already: folded, they take more rows
---@return vim.api.keyset.win_config
function M.geometry(lines, options, window)
  local widest = math.max(vim.fn.strdisplaywidth(options.title), vim.fn.strdisplaywidth(options.footer or ""))
    + 2
  for _, line in ipairs(lines) do
    widest = math.max(widest, vim.fn.strdisplaywidth(line))
  end
  local width = math.max(1, math.min(widest, vim.o.columns - MARGIN))
  local rows = window and vim.api.nvim_win_text_height(window, {}).all or #lines
  local height = math.max(1, math.min(rows, vim.o.lines - vim.o.cmdheight - MARGIN))
  return {
    relative = "editor",
    style = "minimal",
    border = "rounded",
    title = " " .. options.title .. " ",
    footer = options.footer and (" " .. options.footer .. " ") or nil,
    width = width,
    height = height,
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
  }
end

return M
