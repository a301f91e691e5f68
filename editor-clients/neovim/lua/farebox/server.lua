--- The one farebox server of this Neovim: starts it, asks it, and brings it back when it has died.
---
--- It serves the buffers of all roots. What is asked, and what is drawn of an answer, is for others to know.
local events = require("farebox.events")
local launch = require("farebox.launch")
local notice = require("farebox.notice")
local process = require("farebox.process")
local M = {}

M.NAME = "farebox"
M.ROOT_MARKERS = { ".git", ".hg", ".jj", ".svn", ".farebox.toml" }

local MAX_ENDS = 3 -- in a minute
local RESTART_MS = 200
local PATIENCE_MS = 2000 -- for a server that is asked to stop

---@class farebox.Failure
---@field kind string one of the protocol's, or serverEnded
---@field message string
---@field hint? string
---@field is_told? boolean the user knows of it already

---@class farebox.Ticket a request under way
---@field cancel fun() take it back: nothing is called any more, and the server closes its connections

---@class farebox.Waiter
---@field on_client fun(client: vim.lsp.Client)
---@field on_failure fun(failure: farebox.Failure)

local state = {
  client = nil, ---@type vim.lsp.Client?
  generation = 0, -- how many servers have been ready
  run = nil, ---@type { rpc: vim.lsp.rpc.PublicClient? }? the process: it runs, starts or ends
  is_wanted = true, -- false once the user has stopped it
  restarts_after_end = false,
  down = nil, ---@type farebox.Failure? why it is not started any more
  waiting = {}, ---@type farebox.Waiter[]
  open = {}, ---@type table<table, fun(failure: farebox.Failure)>
  listeners = {}, ---@type table<string, fun(params: table)[]>
}

--- Hear a notification of the server, such as `farebox/status`.
function M.on(method, listener)
  state.listeners[method] = state.listeners[method] or {}
  table.insert(state.listeners[method], listener)
end

--- Hand a notification to those who hear it.
function M.hear(method, params)
  for _, listener in ipairs(state.listeners[method] or {}) do
    listener(params)
  end
end

--- Return the client if the server is ready.
---@return vim.lsp.Client?
function M.client()
  return state.client
end

--- Say whether a server is ready, and not about to end because the user wants that.
function M.is_running()
  return state.client ~= nil and state.is_wanted
end

--- Return how many servers have been ready so far: what another one was told this one does not know.
function M.generation()
  return state.generation
end

--- Return why there is no server, or nil. One that was missing may have been installed since.
---@return farebox.Failure?
function M.down()
  if state.down and state.down.message == launch.MISSING and launch.command() then
    state.down = nil
  end
  return state.down
end

--- Say whether a buffer's text is for the server.
---@param buffer integer
function M.may_attach(buffer)
  local is_file = vim.bo[buffer].buftype == "" and vim.api.nvim_buf_get_name(buffer) ~= ""
  return is_file and vim.b[buffer].farebox_enabled ~= false
end

--- Return the server's client if a buffer is attached to it.
---@param buffer integer a number, not 0
---@return vim.lsp.Client?
function M.client_of(buffer)
  local client = state.client
  return client and client.attached_buffers[buffer] and client or nil
end

--- Attach a buffer to the server, or take it away: then the server forgets its text.
---@param buffer integer
---@param is_wanted boolean
function M.attach(buffer, is_wanted)
  local client = state.client
  if not client then
    return
  end
  if is_wanted and M.may_attach(buffer) then
    vim.lsp.buf_attach_client(buffer, client.id)
  elseif not is_wanted and client.attached_buffers[buffer] then
    vim.lsp.buf_detach_client(buffer, client.id)
  end
end

-- --- start and end --------------------------------------------------------------------------------

---@param failure farebox.Failure
---@return farebox.Failure
local function told(failure)
  return vim.tbl_extend("force", failure, { is_told = true })
end

local function fail_open(failure)
  local open = state.open
  state.open = {}
  for _, fail in pairs(open) do
    fail(failure)
  end
end

local function fail_all(failure)
  local waiting = state.waiting
  state.waiting = {}
  for _, waiter in ipairs(waiting) do
    waiter.on_failure(failure)
  end
  fail_open(failure)
end

---@param failure farebox.Failure
local function stay_down(failure)
  state.down = failure
  notice.fail(failure)
  fail_all(told(failure))
end

local function died(code, signal)
  if process.count_end() >= MAX_ENDS then
    return stay_down({
      kind = "serverEnded",
      message = ("the server stays down: it ended %d times in a minute (%s)"):format(
        MAX_ENDS,
        process.how(code, signal)
      ),
      hint = ":Farebox restart starts it again; :checkhealth farebox says more",
    })
  end
  notice.warn(("the server has ended (%s) and is started again"):format(process.how(code, signal)))
  vim.defer_fn(function()
    if state.is_wanted then
      M.start()
    end
  end, RESTART_MS)
end

--- Requests that wait for a server go on to wait for the next one, if there is to be one.
local function ended(code, signal)
  state.client, state.run = nil, nil
  events.emit("FareboxServerExited", { code = code, signal = signal })
  if vim.v.exiting ~= vim.NIL then
    return
  end
  local failure = { kind = "serverEnded", message = "the server has ended", hint = "Ask again." }
  if state.restarts_after_end then
    fail_open(failure)
    M.start()
  elseif state.down or not state.is_wanted then
    fail_all(failure)
  else
    fail_open(told(failure))
    died(code, signal)
  end
end

local function refused(why)
  stay_down({
    kind = "serverEnded",
    message = ("the server could not be started: %s"):format(why),
    hint = ":Farebox restart tries again; :checkhealth farebox says more",
  })
end

--- Start the process: the `cmd` of Neovim's language client, which may have put it off until there is another one.
function M.spawn(dispatchers, client_config)
  if state.run or not state.is_wanted then
    return process.none(dispatchers)
  end
  local command = assert(launch.command(), launch.MISSING)
  local run = {}
  state.run = run
  run.rpc = process.start(command, {
    on_end = function(code, signal)
      if state.run == run then
        ended(code, signal)
      end
    end,
    on_begin = M.ready, -- a user's own `on_init` has taken the place of ours
    on_refusal = function(why)
      if state.run == run and state.is_wanted then
        refused(why)
      end
    end,
  }, dispatchers, client_config)
  return run.rpc
end

--- Hear of the end of a process that the user's own `vim.lsp.config("farebox", { cmd = … })` has started.
function M.exited(code, signal, id)
  if not state.run and state.client and state.client.id == id then
    vim.schedule(function()
      ended(code, signal)
    end)
  end
end

--- Attach the buffers that an earlier server had, and those that were opened while there was none.
local function attach_all()
  if vim.lsp.is_enabled(M.NAME) then
    vim.lsp.enable(M.NAME)
  end
end

--- Begin to use a server that has answered `initialize`.
---@param client vim.lsp.Client
function M.ready(client)
  if state.client == client then
    return
  elseif not state.is_wanted then
    return client:stop()
  end
  state.client, state.down = client, nil
  state.generation = state.generation + 1
  process.check_protocol(client)
  attach_all()
  local waiting = state.waiting
  state.waiting = {}
  for _, waiter in ipairs(waiting) do
    waiter.on_client(client)
  end
end

--- Say that there is no farebox, once, and what to do.
---@return boolean
local function is_installed()
  if launch.command() or vim.lsp.config[M.NAME].cmd ~= M.spawn then
    return true
  end
  if not state.down then
    stay_down({ kind = "serverEnded", message = launch.MISSING, hint = launch.HINT })
  end
  return false
end

--- Say whether a buffer may start the server, and say once if there is none to start.
---@param buffer integer
---@return boolean
function M.may_start(buffer)
  return state.is_wanted and M.may_attach(buffer) and not M.down() and is_installed()
end

--- Start the server if it is not running: also without any file.
function M.start()
  if state.client or state.run or not is_installed() then
    return
  end
  state.down, state.is_wanted, state.restarts_after_end = nil, true, false
  local own = vim.deepcopy(vim.lsp.config[M.NAME])
  own.root_dir = vim.fs.root(vim.fn.getcwd(), M.ROOT_MARKERS)
  vim.lsp.start(own, { attach = false })
end

--- Stop the server until it is started by hand. One that has not begun yet, or does not end, is killed.
function M.stop()
  state.is_wanted, state.restarts_after_end = false, false
  local client, run = state.client, state.run
  if client then
    client:stop()
    vim.defer_fn(function()
      if state.client == client then
        client.rpc.terminate() -- 0.11 does not stop one again that is stopping
      end
    end, PATIENCE_MS)
  elseif run and run.rpc then
    run.rpc.terminate()
  end
end

--- Stop the server if it runs, and start it anew.
function M.restart()
  process.forget_ends()
  state.down = nil
  if not state.client and not state.run then
    return M.start()
  end
  M.stop()
  state.restarts_after_end = true
end

-- --- requests -------------------------------------------------------------------------------------

--- Call back with the client, at once or as soon as there is one; it is started if need be.
---@param on_client fun(client: vim.lsp.Client)
---@param on_failure fun(failure: farebox.Failure)?
function M.with(on_client, on_failure)
  on_failure = on_failure or notice.fail
  if state.client then
    return on_client(state.client)
  end
  if M.down() then
    return on_failure(state.down)
  end
  table.insert(state.waiting, { on_client = on_client, on_failure = on_failure })
  M.start()
end

---@param err lsp.ResponseError
---@return farebox.Failure
local function failure_of(err)
  local data = type(err.data) == "table" and err.data or {}
  local function words(value)
    return type(value) == "string" and value or nil
  end
  return {
    kind = words(data.kind) or "error",
    message = words(err.message) or "it failed",
    hint = words(data.hint),
  }
end

--- Ask. Exactly one call of `on_done` follows, unless the request is cancelled.
---@param method string
---@param params table
---@param on_done fun(failure: farebox.Failure?, result: any)
---@param buffer integer? whose latest text the server has to have first
---@return farebox.Ticket
function M.request(method, params, on_done, buffer)
  local ticket, is_done = {}, false
  local client, id ---@type vim.lsp.Client?, integer?

  local function finish(failure, result)
    if not is_done then
      is_done, state.open[ticket] = true, nil
      on_done(failure, result)
    end
  end

  function ticket.cancel()
    if is_done then
      return
    end
    is_done, state.open[ticket] = true, nil
    if client and id then
      client:cancel_request(id)
    end
  end

  M.with(function(ready_client)
    if is_done then
      return
    end
    client, state.open[ticket] = ready_client, finish
    local ok, request_id = client:request(method, params, function(err, result)
      finish(err and failure_of(err), result)
    end, buffer)
    id = request_id
    if not ok then
      finish({ kind = "serverEnded", message = "the server has ended", hint = "Ask again." })
    end
  end, finish)
  return ticket
end

--- Ask one of farebox's own methods, by its name without `farebox/`.
---@param name string
---@param params table
---@param on_result fun(result: table)
---@param on_failure fun(failure: farebox.Failure)? tells the user by default
---@return farebox.Ticket
function M.call(name, params, on_result, on_failure)
  return M.request("farebox/" .. name, params, function(failure, result)
    if failure then
      return (on_failure or notice.fail)(failure)
    end
    on_result(result)
  end)
end

--- Tell the server something, if it runs.
function M.notify(method, params)
  if state.client then
    state.client:notify(method, params)
  end
end

return M
