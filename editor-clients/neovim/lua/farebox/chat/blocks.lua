--- The code blocks of a chat's answers: which one the user means, and what they do with it.
local attachments = require("farebox.chat.attachments")
local fences = require("farebox.chat.fences")
local notice = require("farebox.notice")
local server = require("farebox.server")
local M = {}

local OUTCOMES = { accepted = "applied", partly = "applied", rejected = "rejected" }

--- Return the code block under the cursor, or else the last one of the last answer that has one.
---@param chat farebox.Dialogue
---@return farebox.CodeBlock? block, farebox.Turn? turn
local function block_here(chat)
  local here, row = chat:turn_here()
  if here then
    local lines, first = chat.page:answer(here)
    local block = fences.at(lines, row - first + 1)
    if block then
      return block, here
    end
  end
  for _, turn in vim.iter(chat.conversation.turns):rev():enumerate() do
    local blocks = fences.blocks((chat.page:answer(turn)))
    if #blocks > 0 then
      return blocks[#blocks], turn
    end
  end
  return nil
end

--- Return where an answer's code belongs: what was attached to its question, or to one before it.
---@param chat farebox.Dialogue
---@param turn farebox.Turn
---@return integer? buffer, integer[]? range
local function place_of(chat, turn)
  local is_earlier = false
  for _, one in vim.iter(chat.conversation.turns):rev():enumerate() do
    is_earlier = is_earlier or one == turn
    for _, attachment in ipairs(is_earlier and one.attachments or {}) do
      local buffer, range = attachments.place(attachment)
      if buffer then
        return buffer, range
      end
    end
  end
  return nil
end

--- Copy the code block that the user means.
---@param chat farebox.Dialogue
function M.yank(chat)
  local block = block_here(chat)
  if not block then
    return notice.tell("there is no code block here")
  end
  local lines = vim.split(block.code, "\n")
  vim.fn.setreg('"', lines, "V")
  if vim.fn.has("clipboard") == 1 then
    vim.cmd([[silent! call setreg("+", getreg('"', 1, 1), "V")]])
  end
  notice.tell(#lines == 1 and "1 line is copied" or (#lines .. " lines are copied"))
end

--- Propose that code block in the buffer that was asked about.
---@param chat farebox.Dialogue
---@param source integer? the buffer to take if nothing was attached
function M.apply(chat, source)
  local block, turn = block_here(chat)
  if not block or not turn then
    return notice.tell("there is no code block here")
  end
  local buffer, range = place_of(chat, turn)
  buffer = buffer or source
  if not buffer then
    return notice.tell("there is no buffer that the code could go into")
  end
  local conversation = chat.conversation.id
  require("farebox.review").propose({
    buffer = buffer,
    code = block.code,
    range = range,
    on_done = function(outcome)
      local told = { conversation = conversation, turn = turn.id, outcome = OUTCOMES[outcome] }
      if told.outcome and server.client() then
        server.call("feedback", told, function() end, function() end)
      end
    end,
  })
end

return M
