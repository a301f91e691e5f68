--- Which models there are, and which one a task goes to. What a model can do and costs, the server knows.
local here = require("farebox.here")
local notice = require("farebox.notice")
local plain = require("farebox.plain")
local server = require("farebox.server")
local M = {}

--- Kinds of work that can have a model of their own.
M.TASKS = {
  "chat",
  "complete",
  "explain",
  "generate",
  "edit",
  "fix",
  "tests",
  "document",
  "review",
  "plan",
  "apply",
  "commit",
  "title",
  "agent",
}

local ROUTES = {
  { id = "auto", words = "each piece of work goes to the model that it deserves" },
  { id = "auto:cheap", words = "the same, and cheaper ones first" },
  { id = "auto:balanced", words = "the same, between the two" },
  { id = "auto:quality", words = "the same, and better ones first" },
}

local STATES = {
  missingKey = "no key",
  badKey = "bad key",
  keyRejected = "key rejected",
  noAddress = "no address",
  notLocal = "not on this machine",
  unreachable = "unreachable",
  noModel = "no model",
}

local last = {} ---@type string[] the names of the last answer
local last_generation ---@type integer? of the server that gave it
local is_asking = false

---@param result any
---@return table[] models those that have a name
local function models_in(result)
  local models = type(result) == "table" and result.models
  return vim.tbl_filter(function(model)
    return type(model) == "table" and type(model.id) == "string" and not model.id:find("%c")
  end, type(models) == "table" and models or {})
end

local function remember(models)
  last_generation = server.generation()
  last = vim.tbl_map(function(model)
    return model.id
  end, models)
end

local function ask_in_background()
  if is_asking then
    return
  end
  is_asking = true
  server.call("models", vim.empty_dict(), function(result)
    is_asking = false
    remember(models_in(result))
  end, function()
    is_asking = false
  end)
end

--- Return what a task may be set to, as far as it is known: for completion, which may not wait.
---@return string[]
function M.names()
  if last_generation ~= server.generation() or #last == 0 then
    ask_in_background()
  end
  local names = vim.tbl_map(function(route)
    return route.id
  end, ROUTES)
  return vim.list_extend(names, last)
end

-- --- labels -------------------------------------------------------------------------------------------

local function price(model)
  local input, output = tonumber(model.inputUsdPerMTok), tonumber(model.outputUsdPerMTok)
  if not input or not output then
    return "price unknown"
  elseif input == 0 and output == 0 then
    return "free"
  end
  return ("$%.2f in, $%.2f out"):format(input, output)
end

local function window(model)
  local tokens = tonumber(model.contextWindow)
  if not tokens then
    return ""
  end
  return tokens >= 1e6 and ("%.3gM"):format(tokens / 1e6) or ("%dk"):format(tokens / 1e3)
end

local function label(model, name_width)
  local state = model.state ~= "ready" and (STATES[model.state] or tostring(model.state)) or ""
  if type(model.state) ~= "string" then
    state = ""
  end
  local padding = (" "):rep(name_width - vim.fn.strdisplaywidth(model.id))
  local cells = ("%s%s  %-22s  %5s  %s"):format(model.id, padding, price(model), window(model), state)
  return (cells:gsub("%s+$", ""))
end

---@param models table[]
---@return { id: string, label: string }[]
local function choices(models)
  local name_width = 0
  for _, model in ipairs(models) do
    name_width = math.max(name_width, vim.fn.strdisplaywidth(model.id))
  end
  local all = vim.tbl_map(function(route)
    return { id = route.id, label = ("%-13s  %s"):format(route.id, route.words) }
  end, ROUTES)
  for _, model in ipairs(models) do
    all[#all + 1] = { id = model.id, label = label(model, name_width) }
  end
  return all
end

-- --- choosing -----------------------------------------------------------------------------------------

local function select_model(prompt, on_name)
  local is_here = here.remember()
  server.call("models", vim.empty_dict(), function(result)
    local models = models_in(result)
    remember(models)
    if not is_here() then
      return notice.tell("the models are there; ask again to choose")
    end
    local options = {
      prompt = prompt,
      kind = "farebox.model",
      format_item = function(choice)
        return choice.label
      end,
    }
    vim.ui.select(choices(models), options, function(choice)
      if choice then
        on_name(choice.id)
      end
    end)
  end)
end

local function set(task, name)
  server.call("setModel", { task = task, model = name }, function()
    local said = ("%s goes to %s until the server ends"):format(task, name)
    notice.tell(plain.line(said))
  end)
end

--- Let the user choose the model of a task; with a name it is set at once.
---@param task string
---@param name string?
function M.choose(task, name)
  if not vim.tbl_contains(M.TASKS, task) then
    return notice.warn(("there is no task %s; there are %s"):format(task, table.concat(M.TASKS, ", ")))
  elseif name then
    return set(task, name)
  end
  select_model(("Model for %s ($ for a million tokens)"):format(task), function(chosen)
    set(task, chosen)
  end)
end

--- Let the user choose a model for something that is not a task, such as one chat.
---@param on_name fun(name: string) not called if the user chooses none
function M.pick(on_name)
  select_model("Model ($ for a million tokens)", on_name)
end

return M
