--- Neovim 0.12's own ghost text (`vim.lsp.inline_completion`) instead of ours, for those who want it (`ghost.native`).
local config = require("farebox.config")
local suggestion = require("farebox.ghost.suggestion")
local server = require("farebox.server")
local undo = require("farebox.undo")
local M = {}

--- Say whether Neovim draws.
---@return boolean
function M.is_on()
  return config.current.ghost.native and vim.lsp.inline_completion ~= nil
end

--- Let Neovim insert only a part, as an undo step of its own.
---@param kind "all"|"line"|"word"
local function taking(kind)
  return function(item)
    undo.begin_step(vim.api.nvim_get_current_buf())
    local whole = item.insert_text
    local part = type(whole) == "string" and suggestion.part(whole, kind) or whole
    if part ~= whole then
      item.insert_text, item.command = part, nil -- the command says that all of it was taken
    end
    return item
  end
end

--- Accept all, a line or a word. Returns whether there was a suggestion.
---@param kind "all"|"line"|"word"
---@return boolean
function M.accept(kind)
  return vim.lsp.inline_completion.get({ on_accept = taking(kind) })
end

--- Show another suggestion.
---@param step integer
---@return boolean
function M.turn(step)
  vim.lsp.inline_completion.select({ count = step })
  return true
end

local function set(is_on)
  local client = server.client()
  if client then
    vim.lsp.inline_completion.enable(is_on, { client_id = client.id })
  end
end

--- Follow `:Farebox enable` and `disable`: Neovim knows the switch for all only.
function M.follow_switches()
  if M.is_on() then
    set(config.current.ghost.enabled)
  end
end

--- Let Neovim draw for our server alone, as soon as it is there.
---@param group integer of autocommands
function M.enable(group)
  if not M.is_on() then
    return
  end
  vim.api.nvim_create_autocmd("LspAttach", {
    group = group,
    callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client and client.name == server.NAME then
        vim.lsp.inline_completion.enable(config.current.ghost.enabled, { client_id = client.id })
      end
    end,
  })
end

return M
