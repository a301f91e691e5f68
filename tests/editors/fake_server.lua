-- A language server inside Neovim, for tests of the plugin: it notes what it is told and says what a test wants.
--
-- `fake.log` is every message in order; `fake.held` are requests that a test answers itself, with `fake.reply`.
local fake = {
  log = {}, -- { kind = "request" | "notification" | "cancel", method, params, id }
  held = {}, -- id -> request
  holds = {}, -- method -> true: requests of it wait for `fake.reply`
  results = {}, -- method -> result, or function(params) -> result, error
  ghost = {}, -- what inline completion answers: texts
  started = 0,
  running = 0,
  version = require("farebox.version"),
}
local current ---@type { dispatchers: table, callbacks: table<integer, function>, is_closing: boolean }?

local CAPABILITIES = {
  positionEncoding = "utf-8",
  textDocumentSync = { openClose = true, change = 2 },
  inlineCompletionProvider = true,
  executeCommandProvider = { commands = { "farebox.didAcceptCompletionItem" } },
  workspace = { workspaceFolders = { supported = true, changeNotifications = true } },
  experimental = { farebox = { protocol = 1 } },
}

local next_item = 0

local function items(params)
  local found = {}
  for index, text in ipairs(fake.ghost) do
    if index == 1 or params.context.triggerKind == 1 then
      next_item = next_item + 1
      found[#found + 1] = {
        insertText = text,
        range = { start = params.position, ["end"] = params.position },
        command = {
          title = "accepted",
          command = "farebox.didAcceptCompletionItem",
          arguments = { "item-" .. next_item },
        },
      }
    end
  end
  return { items = found }
end

local function answer(method, params)
  local result = fake.results[method]
  if type(result) == "function" then
    return result(params)
  elseif result ~= nil then
    return result
  elseif method == "initialize" then
    return { capabilities = CAPABILITIES, serverInfo = { name = "farebox", version = fake.version } }
  elseif method == "textDocument/inlineCompletion" then
    return items(params)
  end
  return vim.empty_dict()
end

--- Answer a request that is held. It may be one that was cancelled: then it is an error, as the protocol says.
function fake.reply(id, result, err)
  local request = assert(fake.held[id], "there is no request " .. id)
  fake.held[id] = nil
  if err == nil and result == nil then
    result, err = answer(request.method, request.params)
  end
  request.callback(err, result)
end

--- Return the ids of held requests, oldest first.
function fake.waiting()
  local ids = vim.tbl_keys(fake.held)
  table.sort(ids)
  return ids
end

--- Tell the client something.
function fake.notify(method, params)
  assert(current).dispatchers.notification(method, params)
end

local function finish(ended, code, signal)
  if ended == current then
    current, fake.held = nil, {}
  end
  ended.is_closing = true
  fake.running = fake.running - 1
  ended.dispatchers.on_exit(code, signal)
end

--- End as a process does.
function fake.exit(code, signal)
  finish(assert(current), code, signal)
end

--- Return the params of all messages of a method.
function fake.told(method)
  local found = {}
  for _, message in ipairs(fake.log) do
    if message.method == method then
      found[#found + 1] = message.params
    end
  end
  return found
end

--- Return how often something was asked or told.
function fake.count(method)
  return #fake.told(method)
end

--- Start: what `setup { cmd = fake.start }` calls.
function fake.start(dispatchers)
  local server = { dispatchers = dispatchers, is_closing = false }
  current, fake.started, fake.running = server, fake.started + 1, fake.running + 1
  local last_id = 0

  local rpc = {}
  function rpc.request(method, params, callback, notify_reply_callback)
    last_id = last_id + 1
    local id = last_id
    table.insert(fake.log, { kind = "request", method = method, params = vim.deepcopy(params), id = id })
    local function reply(err, result)
      vim.schedule(function()
        if notify_reply_callback then
          notify_reply_callback(id)
        end
        if not (err and err.code == -32800) then -- as vim.lsp.rpc: nobody hears of a cancelled request
          callback(err, result)
        end
      end)
    end
    if fake.holds[method] then
      fake.held[id] = { method = method, params = params, callback = reply }
    else
      local result, err = answer(method, params)
      reply(err, result)
    end
    return true, id
  end
  function rpc.notify(method, params)
    if method == "$/cancelRequest" then
      table.insert(fake.log, { kind = "cancel", method = method, params = params, id = params.id })
      if fake.held[params.id] then
        fake.held[params.id].callback({ code = -32800, message = "cancelled" })
        fake.held[params.id] = nil
      end
      return true
    end
    table.insert(fake.log, { kind = "notification", method = method, params = vim.deepcopy(params) })
    if method == "exit" then
      finish(server, 0, 0)
    end
    return true
  end
  function rpc.is_closing()
    return server.is_closing
  end
  function rpc.terminate()
    if not server.is_closing then
      finish(server, 0, 15)
    end
  end
  return rpc
end

return fake
