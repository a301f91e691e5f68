-- A whole round of Neovim's own language client with farebox, without any plugin: what it saw goes to a file.
-- ROUND_COMMAND (JSON) starts the server, ROUND_FILE is the document, ROUND_SAW is where the JSON is written;
-- ROUND_WAIT_MS is how long each answer may take.
local WAIT_MS = tonumber(vim.env.ROUND_WAIT_MS)
local saw = { events = {}, statuses = {}, errors = {} }

local function give_up(why)
  io.stderr:write(why .. "\n")
  vim.cmd("cquit 1")
end

local function wait_for(what, condition)
  if not vim.wait(WAIT_MS, condition, 5) then
    give_up("it never came to: " .. what)
  end
end

local function request(client, buffer, method, params)
  local done, answer = false, nil
  client:request(method, params, function(err, result)
    if err then
      table.insert(saw.errors, { method = method, error = err })
    end
    done, answer = true, result
  end, buffer)
  wait_for("an answer to " .. method, function()
    return done
  end)
  return answer
end

local function round()
  vim.cmd.edit(vim.fn.fnameescape(vim.env.ROUND_FILE))
  local buffer, ended = vim.api.nvim_get_current_buf(), nil
  local id = vim.lsp.start({
    name = "farebox",
    cmd = vim.json.decode(vim.env.ROUND_COMMAND),
    root_dir = vim.fs.dirname(vim.env.ROUND_FILE),
    handlers = {
      ["farebox/chatEvent"] = function(_, params)
        table.insert(saw.events, params.event)
      end,
      ["farebox/status"] = function(_, params)
        table.insert(saw.statuses, params.state)
      end,
    },
    on_exit = function(code)
      ended = code
    end,
  })
  wait_for("initialize", function()
    local client = id and vim.lsp.get_client_by_id(id)
    return client and client.initialized
  end)
  local client = vim.lsp.get_client_by_id(id)
  saw.serverInfo = client.server_info
  saw.capabilities = client.server_capabilities
  saw.encoding = client.offset_encoding

  -- Type as a user does: each key is a change that the client sends.
  vim.cmd("normal! G")
  vim.api.nvim_feedkeys("Aretur", "tx", false)
  vim.api.nvim_feedkeys("An ", "tx", false)
  local last = vim.api.nvim_buf_line_count(buffer) - 1
  saw.line = vim.api.nvim_buf_get_lines(buffer, last, last + 1, false)[1]
  saw.ghost = request(client, buffer, "textDocument/inlineCompletion", {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = { line = last, character = #saw.line },
    context = { triggerKind = 1 },
  })
  local item = saw.ghost and saw.ghost.items and saw.ghost.items[1]
  if item then
    client:exec_cmd(item.command)
  end
  saw.chat = request(client, buffer, "farebox/chat", {
    text = "What does area do?",
    attachments = { { uri = vim.uri_from_bufnr(buffer) } },
  })
  saw.report = request(client, buffer, "farebox/costReport", { by = { "task", "client" } })
  saw.explained = item and request(client, buffer, "farebox/explain", { id = item.command.arguments[1] })

  client:stop()
  wait_for("the server's end", function()
    return ended ~= nil
  end)
  saw.exit = ended
end

local ok, why = xpcall(round, debug.traceback)
if not ok then
  give_up(why)
end
local file = assert(io.open(vim.env.ROUND_SAW, "w"))
file:write(vim.json.encode(saw))
file:close()
vim.cmd("qall!")
