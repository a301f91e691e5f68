--- farebox for Neovim: ghost text, chat and what they cost, from a server that you own.
---
--- `setup()` and the functions that maps and other plugins call. Each loads what it needs when it is called.
local M = {}

--- Let Neovim start the server for files. Its language client takes 10 ms to load: not while one waits for the
--- first screen.
local function start_soon()
  local enable = vim.schedule_wrap(function()
    vim.lsp.enable("farebox")
  end)
  if vim.v.vim_did_enter == 1 then
    return enable()
  end
  vim.api.nvim_create_autocmd("VimEnter", { once = true, callback = enable })
end

local function follow_sessions()
  vim.api.nvim_create_autocmd("SessionLoadPost", {
    group = vim.api.nvim_create_augroup("farebox.session", {}),
    callback = function()
      require("farebox.chat").close_lost()
    end,
  })
end

--- Begin. Raises an error that names every mistake in the options.
---@param options farebox.Options?
function M.setup(options)
  require("farebox.config").use(options)
  require("farebox.highlights").define()
  require("farebox.status").listen()
  require("farebox.ghost").enable()
  require("farebox.keys").bind()
  follow_sessions()
  start_soon()
end

--- Return a few characters for the statusline, such as `farebox $0.42`.
---@return string
function M.status()
  return package.loaded["farebox.status"] and package.loaded["farebox.status"].text() or "farebox off"
end

return M
