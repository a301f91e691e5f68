--- The words under an answer, and over the chat: what it cost, and why it went where it went. Pure.
local plain = require("farebox.plain")
local status = require("farebox.status")
local M = {}

local SEPARATOR = " · "
local ENDS = {
  length = "cut off at the longest answer allowed",
  contentFilter = "cut off by the provider's filter",
  cancelled = "stopped",
}

--- Say what something cost.
---@param cost table? the protocol's
---@return string
function M.price(cost)
  cost = plain.table(cost)
  local usd = tonumber(plain.string(cost.usd))
  if not usd then
    return "cost unknown"
  elseif usd == 0 then
    return "free"
  end
  return (cost.basis == "estimated" and "~" or "") .. status.dollars(cost.usd)
end

--- Return what a turn has cost; nil while nothing is told of it. One that was cut off may have cost something.
local function price_of(turn)
  return (turn.cost or turn.state == "cut") and M.price(turn.cost) or nil
end

local function tokens(usage)
  local input, output = tonumber(usage.inputTokens), tonumber(usage.outputTokens)
  return input and output and ("%d in, %d out"):format(input, output) or nil
end

local function add(words, word)
  if word and word ~= "" then
    words[#words + 1] = plain.line(word)
  end
end

--- Return the line under an answer that has ended; none if nothing is known of it.
---@param turn farebox.Turn
---@return string[]
function M.lines(turn)
  local words = {}
  add(words, turn.state == "stopped" and "stopped" or nil)
  add(words, plain.string(plain.table(turn.route).model))
  add(words, turn.usage and tokens(turn.usage))
  add(words, price_of(turn))
  add(words, turn.state ~= "stopped" and ENDS[turn.finish_reason] or nil)
  add(words, plain.string(plain.table(turn.route).reason))
  return #words > 0 and { "> " .. table.concat(words, SEPARATOR) } or {}
end

--- Return the lines under a question that failed, or an answer that was cut off.
---@param turn farebox.Turn
---@return string[]
function M.failure(turn)
  local failure = turn.failure
  local said = plain.line(failure.message)
  local lines = { "> " .. (said ~= "" and said or "it failed") }
  local hint = plain.line(failure.hint)
  if hint ~= "" then
    lines[2] = "> " .. hint
  end
  if (price_of(turn) or "free") ~= "free" then
    vim.list_extend(lines, M.lines(turn))
  end
  return lines
end

---@class farebox.Spent what a whole chat has cost
---@field usd number
---@field unknown integer answers whose price nobody knows

--- Return what the window says above the chat.
---@param model string? nil while nobody knows where a question will go
---@param is_busy boolean
---@param spent farebox.Spent
---@param turns integer
---@return string
function M.bar(model, is_busy, spent, turns)
  local cost = status.dollars(("%.9f"):format(spent.usd))
  if spent.unknown > 0 then
    cost = spent.usd > 0 and cost .. " and unknown" or "cost unknown"
  end
  local counted = turns == 1 and "1 turn" or turns .. " turns"
  local name = model and (plain.line(model):match("[^/]+$") or model) or ""
  local words = {}
  add(words, name .. (is_busy and "…" or ""))
  return table.concat(vim.list_extend(words, { cost, counted }), SEPARATOR)
end

return M
