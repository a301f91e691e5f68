--- `:Farebox login`: a key, from the user's fingers to the server's memory.
---
--- It is kept nowhere here: not in the messages, the history of commands, a register, shada or the log of Neovim's
--- language client, at whatever level that is.
local notice = require("farebox.notice")
local server = require("farebox.server")
local M = {}

--- Vendors that a key may be for. The server has the last word, and knows those of the user's settings too.
M.PROVIDERS = {
  "openrouter",
  "anthropic",
  "openai",
  "google",
  "mistral",
  "codestral",
  "deepseek",
  "xai",
  "groq",
  "cerebras",
  "zai",
  "together",
}

--- Do something of which Neovim's language client logs nothing.
local function unlogged(action)
  local log = vim.lsp.log
  local level = log.get_level()
  log.set_level(vim.log.levels.OFF)
  local ok, problem = pcall(action)
  log.set_level(level)
  if not ok then
    error(problem, 0)
  end
end

---@return string? secret nil if the user has turned away
local function typed(provider)
  vim.fn.inputsave()
  local ok, secret = pcall(vim.fn.inputsecret, ("Key for %s: "):format(provider))
  vim.fn.inputrestore()
  vim.cmd.redraw() -- or the next message would stand below the prompt, and ask for a key to be pressed
  secret = ok and vim.trim(secret) or ""
  return secret ~= "" and secret or nil
end

local function ask_for_key(provider)
  local secret = typed(provider)
  if not secret then
    return notice.tell("no key was given, and nothing has changed")
  end
  server.with(function()
    unlogged(function()
      server.call("setCredential", { provider = provider, secret = secret }, function()
        notice.tell("kept until the server ends; `farebox auth login` stores it")
      end)
      secret = nil
    end)
  end)
end

--- Ask for a provider's key, and first for the provider if it is not given.
---@param provider string?
function M.ask(provider)
  if provider then
    return ask_for_key(provider)
  end
  vim.ui.select(M.PROVIDERS, { prompt = "Key for", kind = "farebox.provider" }, function(chosen)
    if chosen then
      ask_for_key(chosen)
    end
  end)
end

return M
