--- The turns of one chat and what the server is asked and tells of them. It knows of no buffer and no window.
---
--- The client names the conversation and its turns and keeps them: a server that does not know it, because another one
--- died, is told them with the next question.
local attachments = require("farebox.chat.attachments")
local plain = require("farebox.plain")
local server = require("farebox.server")

---@class farebox.Turn
---@field id string
---@field question string
---@field replaces? string the turn that it has asked again
---@field attachments farebox.Attachment[]
---@field texts farebox.TextAttachment[] what was attached, as it was sent
---@field answer string
---@field state "running"|"done"|"stopped"|"failed"|"cut" cut: the server died in the middle of the answer
---@field route? table
---@field usage? table
---@field cost? table
---@field finish_reason? string
---@field failure? farebox.Failure

---@class farebox.ConversationEvents
---@field on_text fun(turn: farebox.Turn, words: string)
---@field on_hint fun(turn: farebox.Turn, words: string?) what is going on until there is text
---@field on_end fun(turn: farebox.Turn)
---@field on_cost fun(turn: farebox.Turn) what a turn that was stopped has cost

---@class farebox.Conversation
---@field id string
---@field model? string what the user has chosen
---@field turns farebox.Turn[]
---@field dropped farebox.Turn[] those that were asked again: they have cost something too
---@field running? farebox.Turn
---@field told integer the generation of the server that knows it
---@field events farebox.ConversationEvents
---@field cancel? fun()
local Conversation = {}
Conversation.__index = Conversation

local MAX_HISTORY_TURNS, MAX_HISTORY_BYTES = 150, 4 * 1024 * 1024
local UNKNOWN = "there is no conversation"
local CLIENT_ENDED = "serverEnded"

local by_id = setmetatable({}, { __mode = "v" }) ---@type table<string, farebox.Conversation>

local function new_id()
  return (vim.uv.random(16):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end))
end

---@param events farebox.ConversationEvents
---@param id string? the server's, of one that it has
---@return farebox.Conversation
function Conversation.new(events, id)
  local self = setmetatable({ turns = {}, dropped = {}, events = events, told = -1 }, Conversation)
  self.id = id or new_id()
  by_id[self.id] = self
  return self
end

--- Take over the turns that the server has.
---@param found table what `farebox/conversation` answers
function Conversation:load(found)
  for _, one in ipairs(plain.table(found.turns)) do
    if plain.string(one.replaces) then
      self:drop(one.replaces)
    end
    table.insert(self.turns, {
      id = plain.string(one.id) or new_id(),
      question = plain.string(one.question) or "",
      answer = plain.string(one.answer) or "",
      attachments = {},
      texts = {},
      state = one.finishReason == "cancelled" and "stopped" or "done",
      finish_reason = plain.string(one.finishReason),
      usage = type(one.usage) == "table" and one.usage or nil,
      cost = type(one.cost) == "table" and one.cost or nil,
    })
  end
  self.told = server.generation()
end

-- --- asking -------------------------------------------------------------------------------------------

---@param turn farebox.Turn
local function size_of(turn)
  local size = #turn.question + #turn.answer
  for _, attached in ipairs(turn.texts) do
    size = size + #attached.text
  end
  return size
end

--- Return the turns before one, oldest first: the newest, as many as the server takes and a model may be shown.
---@param turn farebox.Turn one of the turns
---@return table[]
function Conversation:history_before(turn)
  local history, size, is_before = {}, 0, false
  for index = #self.turns, 1, -1 do
    local earlier = self.turns[index]
    if is_before and earlier.answer ~= "" then
      size = size + size_of(earlier)
      if size > MAX_HISTORY_BYTES or #history == MAX_HISTORY_TURNS then
        break
      end
      table.insert(history, 1, {
        id = earlier.id,
        text = plain.sendable(earlier.question),
        attachments = #earlier.texts > 0 and earlier.texts or nil,
        answer = plain.sendable(earlier.answer),
      })
    end
    is_before = is_before or earlier == turn
  end
  return history
end

---@param client vim.lsp.Client
---@param tells_history boolean
function Conversation:params(turn, client, tells_history)
  local sent = attachments.sent(turn.attachments, client)
  turn.texts = sent.texts
  return {
    text = plain.sendable(turn.question),
    conversation = self.id,
    turn = turn.id,
    replaces = turn.replaces,
    model = self.model,
    attachments = #sent.attachments > 0 and sent.attachments or nil,
    diagnostics = #sent.diagnostics > 0 and sent.diagnostics or nil,
    history = tells_history and self:history_before(turn) or nil,
  }
end

--- Say whether the server has to be told what was said so far, though it seemed to know.
local function is_forgotten(failure)
  return failure.kind == "invalidParams" and vim.startswith(tostring(failure.message), UNKNOWN)
end

---@param turn farebox.Turn
---@param is_again boolean? the server had forgotten the conversation
function Conversation:send(turn, is_again)
  local ticket, is_cancelled = nil, false
  self.cancel = function()
    is_cancelled = true
    if ticket then
      ticket.cancel()
    end
  end
  local function fail(failure)
    if not is_cancelled then
      self:fail(turn, failure)
    end
  end
  local function answered(failure, result)
    if not failure then
      return self:finish(turn, plain.table(result))
    elseif is_forgotten(failure) and not is_again then
      return self:send(turn, true)
    end
    fail(failure)
  end
  local function ask(client)
    if is_cancelled then
      return
    end
    local tells_history = is_again or self.told ~= server.generation()
    -- Without a buffer the text of every changed one goes first: more than one may be attached.
    ticket = server.request("farebox/chat", self:params(turn, client, tells_history), answered)
  end
  -- A server that has just come gets its buffers after this.
  server.with(vim.schedule_wrap(ask), fail)
end

--- Begin a turn, which is asked with `send`: one call of `on_end` follows.
---@param question string
---@param attached farebox.Attachment[]
---@param replaces string? the turn that is asked again
---@return farebox.Turn
function Conversation:begin(question, attached, replaces)
  local turn = {
    id = new_id(),
    question = question,
    replaces = replaces,
    attachments = attached,
    texts = {},
    answer = "",
    state = "running",
  }
  table.insert(self.turns, turn)
  self.running = turn
  return turn
end

--- Stop the answer that is coming.
function Conversation:stop()
  local turn = self.running
  if turn then
    self.cancel()
    self:close(turn, "stopped")
  end
end

--- Drop a turn: it is asked again.
---@param id string
function Conversation:drop(id)
  for index, turn in ipairs(self.turns) do
    if turn.id == id then
      return table.insert(self.dropped, table.remove(self.turns, index))
    end
  end
end

-- --- what comes ---------------------------------------------------------------------------------------

---@param state "done"|"stopped"|"failed"|"cut"
function Conversation:close(turn, state)
  if turn ~= self.running then
    return
  end
  turn.state, self.running, self.cancel = state, nil, nil
  self.events.on_end(turn)
end

---@param turn farebox.Turn
---@param told table a result, or a `done` event
local function note_cost(turn, told)
  turn.usage = type(told.usage) == "table" and told.usage or turn.usage
  turn.cost = type(told.cost) == "table" and told.cost or turn.cost
  turn.route = type(told.route) == "table" and told.route or turn.route
  turn.finish_reason = plain.string(told.finishReason) or turn.finish_reason
end

function Conversation:finish(turn, result)
  self.told = server.generation()
  turn.answer = plain.string(result.text) or turn.answer
  note_cost(turn, result)
  self:close(turn, "done")
end

---@param failure farebox.Failure
function Conversation:fail(turn, failure)
  turn.failure = failure
  local is_cut = failure.kind == CLIENT_ENDED and turn.answer ~= ""
  self:close(turn, is_cut and "cut" or "failed")
end

--- Return the turn that an event is about.
---@param id string
---@return farebox.Turn?
function Conversation:turn_of(id)
  for _, list in ipairs({ self.turns, self.dropped }) do
    for _, turn in ipairs(list) do
      if turn.id == id then
        return turn
      end
    end
  end
  return nil
end

local HEARD = {}

function HEARD.route(self, turn, event)
  turn.route = plain.table(event.route)
  self.events.on_hint(turn, (plain.string(turn.route.model) or "") .. "…")
end

function HEARD.text(self, turn, event)
  local words = plain.string(event.text) or ""
  turn.answer = turn.answer .. words
  self.events.on_text(turn, words)
end

function HEARD.reasoning(self, turn)
  if turn.answer == "" then
    self.events.on_hint(turn, "thinking…")
  end
end

function HEARD.retry(self, turn, event)
  local attempt, most = tonumber(event.attempt) or 1, tonumber(event.maxAttempts)
  local which = most and ("%d of %d"):format(attempt, most) or tostring(attempt)
  self.events.on_hint(turn, ("attempt %s failed: %s"):format(which, plain.string(event.error) or "?"))
end

function HEARD.done(_, turn, event)
  note_cost(turn, event)
end

---@param id string of the turn
---@param event table
function Conversation:hear(id, event)
  local turn = self:turn_of(id)
  local heard = turn and HEARD[event.type]
  if not heard then
    return
  end
  if turn == self.running then
    self.told = server.generation()
    heard(self, turn, event)
  elseif event.type == "done" then
    heard(self, turn, event)
    self.events.on_cost(turn)
  end
end

--- Return what all of it has cost, also what was asked again.
---@return farebox.Spent
function Conversation:spent()
  local spent = { usd = 0, unknown = 0 }
  for _, list in ipairs({ self.turns, self.dropped }) do
    for _, turn in ipairs(list) do
      local usd = turn.cost and tonumber(plain.string(turn.cost.usd))
      spent.usd = spent.usd + (usd or 0)
      local is_unknown = not usd and (turn.cost ~= nil or turn.state == "cut")
      spent.unknown = spent.unknown + (is_unknown and 1 or 0)
    end
  end
  return spent
end

server.on("farebox/chatEvent", function(params)
  local told = plain.table(params)
  local conversation = by_id[plain.string(told.conversation) or ""]
  if conversation and type(told.event) == "table" and type(told.turn) == "string" then
    conversation:hear(told.turn, told.event)
  end
end)

return Conversation
