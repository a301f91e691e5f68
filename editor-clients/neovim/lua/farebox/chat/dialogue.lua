--- One chat: a conversation that is drawn on its page as it goes, and what the user does there.
local Conversation = require("farebox.chat.conversation")
local Page = require("farebox.chat.page")
local attachments = require("farebox.chat.attachments")
local events = require("farebox.events")
local footer = require("farebox.chat.footer")
local notice = require("farebox.notice")
local plain = require("farebox.plain")
local view = require("farebox.chat.view")

---@class farebox.Dialogue
---@field buffer integer
---@field page farebox.Page
---@field conversation farebox.Conversation
---@field pending farebox.Attachment[] what goes with the next question
---@field unwritten string what has come of the answer and is not on the page yet
---@field written string what is
---@field is_writing boolean
---@field kept? string what was typed before the buffer was read again
local Dialogue = {}
Dialogue.__index = Dialogue

local WRITE_MS = 30
local MAX_ATTACHMENTS = 64

local function redraw_bar()
  vim.schedule(function()
    vim.cmd.redrawstatus({ bang = true })
  end)
end

--- Begin a chat, or go on with one that the server has.
---@param buffer integer one that the chat has to itself
---@param id string?
---@return farebox.Dialogue
function Dialogue.new(buffer, id)
  local self = setmetatable({ buffer = buffer, pending = {}, is_writing = false }, Dialogue)
  self.unwritten, self.written = "", ""
  self.page = Page.new(buffer)
  self.conversation = Conversation.new({
    on_text = function(turn, words)
      self:hear(turn, words)
    end,
    on_hint = function(turn, words)
      self.page:hint(turn, words)
      redraw_bar()
    end,
    on_end = function(turn)
      self:when_free(function()
        self:finish(turn)
      end)
    end,
    on_cost = function(turn)
      self:when_free(function()
        self:close(turn)
      end)
    end,
  }, id)
  return self
end

-- --- drawing ------------------------------------------------------------------------------------------

local function labels(attached)
  return vim.tbl_map(function(one)
    return one.label
  end, attached)
end

---@param turn farebox.Turn
---@param draft string
function Dialogue:draw_question(turn, draft)
  self.unwritten, self.written = "", ""
  self.page:begin(turn, draft)
  self.page:show_attached(turn, labels(turn.attachments))
end

--- Put lines under a turn that has ended.
function Dialogue:close(turn)
  local has_failed = turn.failure ~= nil
  local lines = has_failed and footer.failure(turn) or footer.lines(turn)
  self.page:close(turn, lines, has_failed and "FareboxFailure" or "FareboxFooter")
  redraw_bar()
end

--- Draw all anew: the buffer was read again.
function Dialogue:draw()
  self.page:clear()
  for _, turn in ipairs(self.conversation.turns) do
    self:draw_question(turn, "")
    self.page:write(turn, turn.answer)
    self.written = turn.answer
    if turn ~= self.conversation.running then
      self:close(turn)
    end
  end
  self.page:return_to_prompt(self.kept or "")
  self.kept = nil
  self.page:show_attached(nil, labels(self.pending))
end

--- Write what has come. The first half of a line's end waits for the other.
---@param is_all boolean
function Dialogue:write(turn, is_all)
  local held = not is_all and self.unwritten:match("\r$") or ""
  local words = self.unwritten:sub(1, #self.unwritten - #held)
  self.unwritten, self.written = held, self.written .. words
  self.page:write(turn, words)
end

--- Do something as soon as the text may change.
---@param action fun()
function Dialogue:when_free(action)
  if not view.is_busy(self.buffer) then
    return action()
  end
  vim.defer_fn(function()
    self:when_free(action)
  end, WRITE_MS)
end

--- Write what has come in a moment: by then another turn may be running.
function Dialogue:write_soon()
  self.is_writing = true
  local function write()
    self.is_writing = false
    if self.conversation.running then
      self:write(self.conversation.running, false)
    end
  end
  vim.defer_fn(function()
    self:when_free(write)
  end, WRITE_MS)
end

--- Take more of an answer: written together with what comes within a moment.
function Dialogue:hear(turn, words)
  if self.unwritten == "" then
    self.page:hint(turn, nil)
  end
  self.unwritten = self.unwritten .. words
  if not self.is_writing then
    self:write_soon()
  end
end

--- The whole answer counts, if it is another one than what has come of it.
function Dialogue:correct(turn)
  if turn.answer ~= self.written then
    self.page:rewrite(turn, turn.answer)
  end
end

---@param turn farebox.Turn
function Dialogue:finish(turn)
  self:write(turn, true)
  self:correct(turn)
  self:close(turn)
  if turn.state == "failed" then
    self:take_back(turn)
  end
  events.emit("FareboxChatFinished", {
    buffer = self.buffer,
    conversation = self.conversation.id,
    usage = turn.usage,
    cost = turn.cost,
    route = turn.route,
    failure = turn.failure,
  })
end

--- Return a question that failed to the prompt, with what was attached, so that it can be sent again.
function Dialogue:take_back(turn)
  self.page:return_to_prompt(turn.question)
  self.pending = vim.iter({ turn.attachments, self.pending }):flatten():take(MAX_ATTACHMENTS):totable()
  self.page:show_attached(nil, labels(self.pending))
end

-- --- asking -------------------------------------------------------------------------------------------

---@return string
function Dialogue:draft()
  return vim.trim(table.concat(self.page:draft(), "\n"))
end

---@param question string
---@param attached farebox.Attachment[]
---@param draft string what the prompt has then
---@param replaces string? the turn that is asked again
function Dialogue:ask(question, attached, draft, replaces)
  local turn = self.conversation:begin(question, attached, replaces)
  self:draw_question(turn, draft)
  self.page:show_attached(nil, labels(self.pending))
  self.page:hint(turn, "…")
  redraw_bar()
  events.emit("FareboxChatStarted", { buffer = self.buffer, conversation = self.conversation.id })
  self.conversation:send(turn)
end

--- Send what the user has typed.
function Dialogue:send()
  local question = self:draft()
  if question == "" then
    return
  elseif self.conversation.running then
    return notice.tell("an answer is still coming; stop it, or wait for it")
  end
  local attached = self.pending
  self.pending = {}
  self:ask(question, attached, "")
end

--- Send a text that was not typed here. While an answer comes it waits in the prompt.
---@param text string
function Dialogue:say(text)
  if self.conversation.running then
    self.page:return_to_prompt(text)
    return notice.tell("an answer is still coming; the question waits in the prompt")
  end
  local attached = self.pending
  self.pending = {}
  self:ask(text, attached, self:draft())
end

function Dialogue:stop()
  self.conversation:stop()
end

--- Ask the last question again.
function Dialogue:retry()
  self:stop()
  local turns = self.conversation.turns
  local turn = turns[#turns]
  if not turn then
    return notice.tell("there is no question to ask again")
  end
  self.conversation:drop(turn.id)
  local draft = self:draft()
  if turn.state == "failed" and vim.startswith(draft, vim.trim(turn.question)) then
    draft = vim.trim(draft:sub(#vim.trim(turn.question) + 1)) -- it was returned to the prompt
    self.pending = vim.list_slice(self.pending, #turn.attachments + 1)
  end
  self.page:remove(turn)
  self:ask(turn.question, turn.attachments, draft, turn.id)
end

--- End for good: the buffer is gone.
function Dialogue:forget()
  self:stop()
  attachments.forget(self.pending)
  for _, turn in ipairs(self.conversation.turns) do
    attachments.forget(turn.attachments)
  end
end

---@param attachment farebox.Attachment
function Dialogue:attach(attachment)
  self.pending = vim.tbl_filter(function(one)
    return one.label ~= attachment.label or one.buffer ~= attachment.buffer
  end, self.pending)
  if #self.pending >= MAX_ATTACHMENTS then
    return notice.warn(("no more than %d attachments go with a question"):format(MAX_ATTACHMENTS))
  end
  table.insert(self.pending, attachment)
  self.page:show_attached(nil, labels(self.pending))
end

-- --- what the user does with an answer ------------------------------------------------------------------

--- Return the turn under the cursor.
---@return farebox.Turn? turn nil also if the cursor is elsewhere than in this chat
---@return integer row the cursor's, 0-based
function Dialogue:turn_here()
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  return vim.api.nvim_get_current_buf() == self.buffer and self.page:turn_at(row) or nil, row
end

function Dialogue:explain()
  local turns = self.conversation.turns
  local turn = self:turn_here() or turns[#turns]
  if not turn or turn == self.conversation.running then
    return notice.tell("there is no answer to explain yet")
  end
  require("farebox.explain").show(turn.id)
end

function Dialogue:choose_model()
  require("farebox.models").pick(function(name)
    self.conversation.model = plain.string(name)
    redraw_bar()
  end)
end

-- --- words for others ---------------------------------------------------------------------------------

--- Return the beginning of the first question.
---@return string
function Dialogue:title()
  local first = self.conversation.turns[1]
  return first and vim.fn.strcharpart(plain.line(first.question), 0, 60) or "new chat"
end

--- Return what stands above the chat.
---@return string
function Dialogue:bar()
  local turns, running = self.conversation.turns, self.conversation.running
  local last = turns[#turns]
  local route = plain.table((running and running.route) or (not running and last and last.route))
  local routed, chosen = plain.string(route.model), self.conversation.model
  local model = running and (routed or chosen) or chosen or routed
  return footer.bar(model, running ~= nil, self.conversation:spent(), #turns)
end

return Dialogue
