--- One run of the server: starts it, says whether it is one for us, how it ended or why it never began. When to start
--- it is for others.
---
--- Neovim tells of every odd end, and of every failed start, in a message that has to be answered with a key: it
--- hears of none.
local notice = require("farebox.notice")
local M = {}

M.PROTOCOL = 1

local WITHIN_MS = 60 * 1000

--- What stands for a process that could not be started.
local DEAD = {
  request = function()
    return false
  end,
  notify = function()
    return false
  end,
  is_closing = function()
    return true
  end,
  terminate = function() end,
}

---@class farebox.Run
---@field on_end fun(code: integer, signal: integer)
---@field on_begin fun(client: vim.lsp.Client) it has answered `initialize`
---@field on_refusal fun(why: string) it could not be started, or did not want to begin; `on_end` follows

---@param command string[]|function
local function connect(command, dispatchers, client_config)
  if type(command) == "function" then
    return command(dispatchers, client_config)
  end
  return vim.lsp.rpc.start(command, dispatchers, {
    cwd = client_config.cmd_cwd,
    env = client_config.cmd_env,
    detached = client_config.detached,
  })
end

--- Have a server that answers `initialize` with an error ended.
---@param rpc vim.lsp.rpc.PublicClient
---@param run farebox.Run
local function watch_beginning(rpc, run)
  local function begun()
    for _, client in ipairs(vim.lsp.get_clients()) do
      if client.rpc == rpc then
        run.on_begin(client)
      end
    end
  end
  local request = rpc.request
  function rpc.request(method, params, callback, ...)
    local function answered(err, result)
      if method ~= "initialize" then
        return callback(err, result)
      elseif not err then
        callback(err, result)
        return begun()
      end
      run.on_refusal(type(err.message) == "string" and err.message or "it gave no reason")
      rpc.terminate()
    end
    return request(method, params, answered, ...)
  end
end

--- Start nothing.
---@return vim.lsp.rpc.PublicClient
function M.none(dispatchers)
  vim.schedule(function()
    dispatchers.on_exit(0, 0)
  end)
  return DEAD
end

--- Start: what `cmd` of Neovim's language client returns.
---@param command string[]|function
---@param run farebox.Run
---@return vim.lsp.rpc.PublicClient
function M.start(command, run, dispatchers, client_config)
  local on_exit = dispatchers.on_exit
  function dispatchers.on_exit(code, signal)
    on_exit(0, 0)
    vim.schedule(function()
      run.on_end(code, signal)
    end)
  end
  local ok, rpc = pcall(connect, command, dispatchers, client_config)
  if ok then
    watch_beginning(rpc, run)
    return rpc
  end
  vim.schedule(function()
    run.on_refusal(tostring(rpc))
  end)
  return M.none(dispatchers)
end

--- Warn of a server that speaks another protocol than this plugin.
---@param client vim.lsp.Client
function M.check_protocol(client)
  if vim.tbl_get(client.server_capabilities, "experimental", "farebox", "protocol") ~= M.PROTOCOL then
    local version = client.server_info and client.server_info.version or "unknown"
    local words = "farebox %s speaks another protocol than this plugin; update both (:checkhealth farebox)"
    notice.warn(words:format(version))
  end
end

local ends_ms = {} ---@type integer[] when it ended unasked, lately

--- Note that it has ended unasked. Returns how often it has within a minute.
---@return integer
function M.count_end()
  local now = vim.uv.now()
  ends_ms[#ends_ms + 1] = now
  ends_ms = vim.tbl_filter(function(ended_ms)
    return ended_ms >= now - WITHIN_MS
  end, ends_ms)
  return #ends_ms
end

--- Begin to count anew.
function M.forget_ends()
  ends_ms = {}
end

---@param code integer
---@param signal integer
---@return string
function M.how(code, signal)
  return signal ~= 0 and ("signal " .. signal) or ("exit code " .. code)
end

return M
