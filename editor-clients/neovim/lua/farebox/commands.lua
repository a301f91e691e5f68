--- `:Farebox`: one command with sub-commands. Each entry names what it does; the work is done elsewhere.
local notice = require("farebox.notice")
local M = {}

---@class farebox.Command
---@field desc string
---@field run fun(arguments: string[], command: vim.api.keyset.create_user_command.command_args)
---@field most? integer how many words it takes; none if it does not say
---@field complete? fun(before: string[], lead: string): string[] words for the argument that is being typed, by those
--- before it, and what there is of it

local ATTACHABLE = { "buffer", "selection", "diagnostics" }
local TAKES = { [0] = "no words", "one word", "two words" }

--- Complete the first argument.
---@param words fun(): string[]
local function first(words)
  return function(before)
    return #before == 0 and words() or {}
  end
end

local function scopes()
  return require("farebox.ghost.switches").SCOPES
end

--- Return the lines that a command was given, 1-based and inclusive; nil without a range.
local function range_of(command)
  return command.range > 0 and { first = command.line1, last = command.line2 } or nil
end

---@type table<string, farebox.Command>
M.all = {
  chat = {
    desc = "open the chat; with a range, attach those lines; with words, ask them",
    most = math.huge,
    run = function(arguments, command)
      require("farebox.chat").open({ text = table.concat(arguments, " "), range = range_of(command) })
    end,
  },
  new = {
    desc = "begin a new chat",
    run = function(_, command)
      require("farebox.chat").new({ range = range_of(command) })
    end,
  },
  history = {
    desc = "choose an earlier chat",
    run = function()
      require("farebox.chat").history()
    end,
  },
  attach = {
    desc = "attach the buffer, the selection, its diagnostics or a file to the next question",
    most = math.huge,
    complete = function(before, lead)
      return #before == 0 and vim.list_extend(vim.list_slice(ATTACHABLE), vim.fn.getcompletion(lead, "file"))
        or {}
    end,
    run = function(arguments, command)
      require("farebox.chat").attach(table.concat(arguments, " "), range_of(command))
    end,
  },
  cancel = {
    desc = "stop the answer that is coming",
    run = function()
      require("farebox.chat").stop()
    end,
  },
  retry = {
    desc = "ask the last question again",
    run = function()
      require("farebox.chat").retry()
    end,
  },
  apply = {
    desc = "propose the code block of an answer in the buffer that was asked about",
    run = function()
      require("farebox.chat").apply_code()
    end,
  },
  review = {
    desc = "accept or reject what is proposed, hunk by hunk",
    most = 1,
    complete = first(function()
      return require("farebox.review.keys").words()
    end),
    run = function(arguments)
      require("farebox.review").command(arguments[1] or "next")
    end,
  },
  model = {
    desc = "choose the model of a task, or of the chat",
    most = 2,
    complete = function(before)
      local models = require("farebox.models")
      return #before == 0 and models.TASKS or #before == 1 and models.names() or {}
    end,
    run = function(arguments)
      require("farebox.models").choose(arguments[1] or "chat", arguments[2])
    end,
  },
  costs = {
    desc = "show what was spent: today, 7d, month or a date, by model, task and more; html for the whole page",
    most = math.huge,
    complete = function()
      return require("farebox.costs").words()
    end,
    run = function(arguments)
      require("farebox.costs").show(arguments)
    end,
  },
  explain = {
    desc = "say why the last suggestion or answer was what it was, or why there was none",
    run = function()
      require("farebox.explain").show()
    end,
  },
  status = {
    desc = "show how farebox stands, and what it has told",
    run = function()
      require("farebox.explain").status()
    end,
  },
  enable = {
    desc = "switch ghost text on: everywhere, in this buffer or for its filetype",
    most = 1,
    complete = first(scopes),
    run = function(arguments)
      require("farebox.ghost").switch(true, arguments[1])
    end,
  },
  disable = {
    desc = "switch ghost text off: everywhere, in this buffer or for its filetype",
    most = 1,
    complete = first(scopes),
    run = function(arguments)
      require("farebox.ghost").switch(false, arguments[1])
    end,
  },
  toggle = {
    desc = "switch ghost text on or off: everywhere, in this buffer or for its filetype",
    most = 1,
    complete = first(scopes),
    run = function(arguments)
      require("farebox.ghost").switch(nil, arguments[1])
    end,
  },
  login = {
    desc = "type a provider's key, which is kept in the server's memory alone",
    most = 1,
    complete = first(function()
      return require("farebox.login").PROVIDERS
    end),
    run = function(arguments)
      require("farebox.login").ask(arguments[1])
    end,
  },
  start = {
    desc = "start the server, if it does not run",
    run = function()
      local server = require("farebox.server")
      if not server.is_running() then
        server.restart() -- also one that hangs in its start
      end
    end,
  },
  restart = {
    desc = "stop the server and start it anew",
    run = function()
      require("farebox.server").restart()
    end,
  },
  stop = {
    desc = "stop the server until it is started again",
    run = function()
      require("farebox.server").stop()
    end,
  },
  health = {
    desc = "check the set-up",
    run = function()
      vim.cmd.checkhealth("farebox")
    end,
  },
  help = {
    desc = "open the manual",
    run = function()
      vim.cmd.help("farebox")
    end,
  },
}

--- Return the sub-commands, sorted.
---@return string[]
function M.names()
  local all = vim.tbl_keys(M.all)
  table.sort(all)
  return all
end

local function beginning_with(list, lead)
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, list)
end

--- Complete a sub-command, or its argument.
---@param lead string
---@param line string
---@param cursor integer
---@return string[]
function M.complete(lead, line, cursor)
  local _, last = line:sub(1, cursor):find("Fa%a*%s+")
  local given = vim.split(line:sub((last or cursor) + 1, cursor), "%s+")
  table.remove(given) -- the one that is being typed
  if #given == 0 then
    return beginning_with(M.names(), lead)
  end
  local command = M.all[table.remove(given, 1)]
  return command and command.complete and beginning_with(command.complete(given, lead), lead) or {}
end

--- Run a sub-command; without one, the chat.
---@param command vim.api.keyset.create_user_command.command_args
function M.run(command)
  local name = command.fargs[1] or "chat"
  local found = M.all[name]
  if not found then
    return notice.warn(("there is no :Farebox %s; there are %s"):format(name, table.concat(M.names(), ", ")))
  end
  local arguments, most = vim.list_slice(command.fargs, 2), found.most or 0
  if #arguments > most then
    return notice.warn((':Farebox %s takes %s, so not "%s"'):format(name, TAKES[most], arguments[most + 1]))
  end
  found.run(arguments, command)
end

return M
