--- The options of `setup()`: what there is, what it is by default, and what is wrong with what was given.
local M = {}

---@class farebox.Options
---@field cmd? string[]|fun(dispatchers: table, config: table): table how the server starts; found by itself without
---@field settings? table the server's settings, as in its config.toml, and over it
---@field keys? farebox.Keys|false keys of insert mode; false for none
---@field ghost? farebox.GhostOptions
---@field chat? farebox.ChatOptions

---@class farebox.Keys each a key or false
---@field accept? string|false
---@field accept_word? string|false
---@field accept_line? string|false
---@field next? string|false
---@field previous? string|false
---@field dismiss? string|false
---@field trigger? string|false

---@class farebox.GhostOptions
---@field enabled? boolean
---@field native? boolean draw with `vim.lsp.inline_completion` of Neovim 0.12
---@field popup_menu? "hide"|"show" what ghost text does while the popup menu is open
---@field filetypes? table<string, boolean> false: none in buffers of this type

---@class farebox.ChatOptions
---@field position? "right"|"left"|"below"|"above"|"tab"
---@field size? number columns or lines; a part of the screen if less than 1
---@field keys? table<string, string|false>|false false for none

---@type farebox.Options
M.defaults = {
  cmd = nil,
  settings = {},
  keys = {
    accept = "<Tab>",
    accept_word = "<M-Right>",
    accept_line = "<M-Down>",
    next = "<M-]>",
    previous = "<M-[>",
    dismiss = "<C-]>",
    trigger = "<M-\\>",
  },
  ghost = {
    enabled = true,
    native = false,
    popup_menu = "hide",
    filetypes = {},
  },
  chat = {
    position = "right",
    size = 0.4,
    keys = {
      send = "<CR>",
      send_insert = "<C-s>",
      stop = "<C-c>",
      retry = "gR",
      yank_code = "gy",
      apply_code = "ga",
      explain = "gx",
      model = "gm",
      history = "gh",
      next_turn = "]]",
      previous_turn = "[[",
      close = "q",
      help = "g?",
    },
  },
}

--- Tables whose keys are the user's own words.
local FREE = { settings = true, ["ghost.filetypes"] = true }

local CHOICES = {
  ["ghost.popup_menu"] = { "hide", "show" },
  ["chat.position"] = { "right", "left", "below", "above", "tab" },
}

M.current = vim.deepcopy(M.defaults)

local function names_of(known)
  local names = vim.tbl_keys(known)
  if known == M.defaults then
    names[#names + 1] = "cmd" -- it has no default
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function type_words(value)
  return type(value) == "string" and ('"%s"'):format(value) or type(value)
end

local function is_command(given)
  return type(given) == "function" or (vim.islist(given) and type(given[1]) == "string")
end

local function are_switches(given)
  return type(given) == "table"
    and vim.iter(given):all(function(name, is_on)
      return type(name) == "string" and type(is_on) == "boolean"
    end)
end

--- Say what is wrong with one option; nil if nothing is.
---@return string?
local function complaint(path, given, default)
  local key = path:match("^keys(.*)") or path:match("^chat%.keys(.*)") -- empty: all of them
  if path == "cmd" then
    return not is_command(given) and "has to be a list of words or a function" or nil
  elseif path == "ghost.filetypes" then
    return not are_switches(given) and "has to say true or false for each filetype" or nil
  elseif path == "chat.size" then
    return not (type(given) == "number" and given > 0) and "has to be a number above 0" or nil
  elseif key and given == false then
    return nil
  elseif key == "" then
    return type(given) ~= "table" and "has to be a table or false" or nil
  elseif key then
    return (type(given) ~= "string" or given == "") and "has to be a key or false" or nil
  elseif CHOICES[path] and not vim.tbl_contains(CHOICES[path], given) then
    return ("has to be one of %s, not %s"):format(table.concat(CHOICES[path], ", "), type_words(given))
  elseif type(given) ~= type(default) then
    return ("has to be a %s, not %s"):format(type(default), type_words(given))
  end
  return nil
end

---@param problems string[]
local function check(problems, prefix, given, defaults)
  for name, value in pairs(given) do
    local path = prefix .. name
    local default = defaults[name]
    if default == nil and path ~= "cmd" then
      problems[#problems + 1] = ("there is no option %s; there are %s"):format(path, names_of(defaults))
    else
      local wrong = complaint(path, value, default)
      if wrong then
        problems[#problems + 1] = ("%s %s"):format(path, wrong)
      elseif type(value) == "table" and type(default) == "table" and not FREE[path] then
        check(problems, path .. ".", value, default)
      end
    end
  end
end

--- Say all that is wrong with options, in order; an empty list if nothing is.
---@param given table
---@return string[]
function M.problems(given)
  local problems = {}
  check(problems, "", given, M.defaults)
  table.sort(problems)
  return problems
end

--- Take options over. Raises an error that names every mistake, and then changes nothing.
---@param given farebox.Options?
function M.use(given)
  given = given or {}
  local problems = M.problems(given)
  if #problems > 0 then
    error("farebox.setup: " .. table.concat(problems, "; "), 0)
  end
  M.current = vim.tbl_deep_extend("force", vim.deepcopy(M.defaults), given)
  for _, options in ipairs({ M.current, M.current.chat }) do
    options.keys = options.keys or {}
  end
end

return M
