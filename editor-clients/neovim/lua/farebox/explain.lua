--- `:Farebox explain`: why the last suggestion or answer was what it was; `:Farebox status`: how farebox stands.
---
--- Both are for a person to read. Whatever an answer lacks is left out: another version may have sent it.
local float = require("farebox.float")
local here = require("farebox.here")
local notice = require("farebox.notice")
local plain = require("farebox.plain")
local server = require("farebox.server")
local status = require("farebox.status")
local M = {}

local LABEL_WIDTH = 10
local BASES = {
  reported = "as the provider has reported it",
  computed = "computed from the price table",
  estimated = "estimated",
}
local GROUNDS = {
  asked = "as it was asked",
  facts = "told by what came with it",
  words = "told by its words",
  nothing = "for want of a better one",
}

-- --- values that may be missing, null or of another kind ---------------------------------------------

---@return string? one line
local function word(value)
  if type(value) ~= "string" and type(value) ~= "number" then
    return nil
  end
  local said = plain.line(tostring(value))
  return said ~= "" and said or nil
end

local function list(value)
  value = plain.table(value)
  return vim.islist(value) and value or {}
end

---@return table[]
local function tables(value)
  return vim.tbl_filter(function(item)
    return type(item) == "table"
  end, list(value))
end

local function dollars(value)
  return word(value) and ("$" .. word(value)) or nil
end

--- Return how long something took, such as `375 ms` or `2.4 s`.
local function duration(value)
  local ms = tonumber(word(value))
  return ms and (ms < 1000 and ("%d ms"):format(ms) or ("%.1f s"):format(ms / 1000))
end

--- Fill words in if all of them are known.
---@return string?
local function filled(format, ...)
  for index = 1, select("#", ...) do
    if not (select(index, ...)) then
      return nil
    end
  end
  return format:format(...)
end

local function joined(separator, ...)
  local known = {}
  for index = 1, select("#", ...) do
    known[#known + 1] = (select(index, ...))
  end
  return #known > 0 and table.concat(known, separator) or nil
end

---@param lines string[]
local function add(lines, label, value)
  if value then
    lines[#lines + 1] = ("%-" .. LABEL_WIDTH .. "s %s"):format(label, value)
  end
end

--- Open a float in which folded lines stand below their words, not below their labels.
local function open(lines, title)
  float.open(lines, { title = title, footer = "q close", indent = LABEL_WIDTH + 1 })
end

-- --- why it was what it was ---------------------------------------------------------------------------

local function headline(answer)
  if answer.kind == "turn" then
    return "An answer of the chat"
  elseif word(answer.silence) then
    return "No suggestion"
  elseif answer.accepted == true then
    return "A suggestion, which was accepted"
  end
  return answer.shown == true and "A suggestion, which was shown" or "A suggestion, which was not shown"
end

local function add_route(lines, route)
  local provider = word(route.provider)
  add(lines, "Model", joined(", ", word(route.model), provider and ("sold by " .. provider)))
  add(lines, "Asked for", joined(", ", word(route.requested), filled("strategy %s", word(route.strategy))))
  local task = joined(", ", word(route.task), GROUNDS[word(route.taskFrom) or ""])
  local weight = filled("%s complexity", word(route.complexity))
  add(lines, "Task", joined("; ", task, joined(", ", weight, filled("%s tier", word(route.tier)))))
  local evidence = vim.tbl_map(word, list(route.evidence))
  add(lines, "Lifted by", #evidence > 0 and table.concat(evidence, ", ") or nil)
end

local function add_tokens(lines, usage)
  local sent, cached = tonumber(word(usage.inputTokens)), tonumber(word(usage.cachedInputTokens))
  local came, thought = tonumber(word(usage.outputTokens)), tonumber(word(usage.reasoningTokens))
  if not sent or not came or sent + came == 0 then
    return
  end
  local from_cache = cached and cached > 0 and (" (%d of them cached)"):format(cached) or ""
  local reasoning = thought and thought > 0 and (" (%d of them reasoning)"):format(thought) or ""
  add(lines, "Tokens", ("%d in%s, %d out%s"):format(sent, from_cache, came, reasoning))
end

local function add_cost(lines, cost)
  local usd, basis = dollars(cost.usd), word(cost.basis)
  add(lines, "Cost", usd and joined(", ", usd, BASES[basis or ""]) or basis and "unknown: no price is known")
  local baseline, whole = word(cost.baseline), dollars(cost.baselineUsd)
  local saved = filled("%s of the %s that %s would have cost", dollars(cost.savedUsd), whole, baseline)
  add(lines, "Saved", saved or dollars(cost.savedUsd))
end

local function add_times(lines, answer)
  local first, total = duration(answer.firstTokenMs), duration(answer.totalMs)
  local model = joined(", ", filled("first token after %s", first), filled("whole after %s", total))
  add(
    lines,
    "Time",
    joined(
      "; ",
      model,
      tonumber(word(answer.waitedMs)) ~= 0 and filled("the editor waited %s", duration(answer.waitedMs))
        or nil
    )
  )
end

---@param rows string[][]
local function add_columns(lines, rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for index, cell in ipairs(row) do
      widths[index] = math.max(widths[index] or 0, vim.fn.strdisplaywidth(cell))
    end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for index, cell in ipairs(row) do
      cells[index] = cell .. (" "):rep(widths[index] - vim.fn.strdisplaywidth(cell))
    end
    lines[#lines + 1] = ("  " .. table.concat(cells, "  ")):gsub("%s+$", "")
  end
end

--- Add the models that were looked at. One reason often stands for many of them, and is said once.
local function add_candidates(lines, candidates)
  local rows, why = {}, nil
  local function flush()
    if #rows > 0 then
      vim.list_extend(lines, { "", "Considered" .. (why and (": " .. why) or "") })
      add_columns(lines, rows)
    end
    rows = {}
  end
  for _, candidate in ipairs(candidates) do
    if word(candidate.why) ~= why then
      flush()
      why = word(candidate.why)
    end
    local at_most = filled("at most %s", dollars(candidate.estimatedUsd)) or ""
    rows[#rows + 1] = { word(candidate.verdict) or "?", word(candidate.model) or "?", at_most }
  end
  flush()
end

local function add_attempts(lines, attempts)
  local rows = {}
  for _, attempt in ipairs(attempts) do
    local took = filled("after %s", duration(attempt.ms)) or ""
    rows[#rows + 1] = { word(attempt.outcome) or "?", word(attempt.model) or "?", took }
  end
  if #rows > 0 then
    vim.list_extend(lines, { "", "Tried" })
    add_columns(lines, rows)
  end
end

--- Write an explanation for a person.
---@param answer table
---@return string[]
function M.lines(answer)
  local lines = { headline(answer), "" }
  local route = plain.table(answer.route)
  add(lines, "Why", word(answer.reason))
  add(lines, "Source", word(answer.source))
  add(lines, "Silence", word(answer.silence))
  add_route(lines, route)
  add_tokens(lines, plain.table(answer.usage))
  add_cost(lines, plain.table(answer.cost))
  add_times(lines, answer)
  local snippets = tonumber(word(answer.snippets))
  add(lines, "Context", snippets and snippets > 0 and ("%d pieces of other files"):format(snippets) or nil)
  add_attempts(lines, tables(route.attempts))
  add_candidates(lines, tables(route.candidates))
  return lines
end

--- Show why the last suggestion or answer was what it was, or the one with an id.
---@param id string?
function M.show(id)
  local is_here = here.remember()
  local params = id and { id = id } or vim.empty_dict()
  server.call("explain", params, function(result)
    if not is_here() then
      return notice.tell("the explanation is there; :Farebox explain shows it")
    end
    open(M.lines(plain.table(result)), "farebox explain")
  end)
end

-- --- how farebox stands -------------------------------------------------------------------------------

local function server_words()
  local client, down = server.client(), server.down()
  local version = client and client.server_info and word(client.server_info.version)
  if client then
    return ("running, version %s"):format(version or "unknown")
  elseif down then
    return joined(". ", "down: " .. (word(down.message) or "unknown"), word(down.hint))
  end
  return "not running; :Farebox start starts it"
end

local function add_budgets(lines, budgets)
  local rows = {}
  for _, budget in ipairs(budgets) do
    local spent = filled("%s of %s", dollars(budget.spentUsd), dollars(budget.limitUsd)) or "?"
    local percent = filled("%s %%", word(budget.percent)) or ""
    local resets = filled("resets at %s", (word(budget.resetsAt) or ""):match("^%d+-%d+-%d+T%d+:%d+")) or ""
    rows[#rows + 1] = { word(budget.name) or "?", spent, percent, (resets:gsub("T", " ")) }
  end
  if #rows > 0 then
    vim.list_extend(lines, { "", "Budgets" })
    add_columns(lines, rows)
  end
end

local function add_messages(lines)
  local kept = notice.kept()
  if #kept == 0 then
    return
  end
  vim.list_extend(lines, { "", "Messages, the last one first" })
  for index = #kept, 1, -1 do
    lines[#lines + 1] = ("  %s  %s"):format(kept[index].time, word(kept[index].message) or "")
  end
end

--- Show how farebox stands, and what it has told.
function M.status()
  here.leave_insert()
  local current = status.current()
  local lines = {}
  local message = word(current.message)
  add(lines, "State", joined(": ", word(current.state), message ~= current.state and message or nil))
  add(lines, "Model", word(current.model))
  add(lines, "Today", word(current.todayUsd) and status.dollars(current.todayUsd))
  add(lines, "Server", server_words())
  add(lines, "Plugin", require("farebox.version"))
  add_budgets(lines, tables(current.budgets))
  add_messages(lines)
  open(lines, "farebox status")
end

return M
