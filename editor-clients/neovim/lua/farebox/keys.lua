--- Keys of insert mode: ours where the key is free, and what the key did before where there is nothing to accept.
local config = require("farebox.config")
local M = {}

---@class farebox.Key
---@field option string its name in `setup { keys = … }`
---@field plug string
---@field desc string

---@type farebox.Key[]
M.all = {
  { option = "accept", plug = "<Plug>(farebox-accept)", desc = "accept the suggestion" },
  { option = "accept_word", plug = "<Plug>(farebox-accept-word)", desc = "accept its next word" },
  { option = "accept_line", plug = "<Plug>(farebox-accept-line)", desc = "accept its next line" },
  { option = "next", plug = "<Plug>(farebox-next)", desc = "show the next suggestion" },
  { option = "previous", plug = "<Plug>(farebox-previous)", desc = "show the previous suggestion" },
  { option = "dismiss", plug = "<Plug>(farebox-dismiss)", desc = "dismiss the suggestion" },
  { option = "trigger", plug = "<Plug>(farebox-trigger)", desc = "ask for suggestions" },
}

local OURS = "^farebox: " -- how what we say of our maps begins

local bound = {} ---@type table<string, table|false> our keys, and the mapping that each had before
local skipped = {} ---@type table<string, string>

local function termcodes(keys)
  return vim.api.nvim_replace_termcodes(keys, true, true, true)
end

--- Put keys before those that still wait: more may have been typed, or be in a macro, than Neovim has got to.
---@param keys string
---@param is_remapped boolean
---@param is_raw boolean? whether bytes of characters may look like those of special keys
local function feed(keys, is_remapped, is_raw)
  vim.api.nvim_feedkeys(keys, is_remapped and "im" or "in", is_raw or false)
end

--- Return what a mapping with an expression stands for.
---@return string keys
---@return boolean is_raw
local function evaluated(mapping, rhs)
  if not mapping.callback then
    -- As `:map` does: keys of the text are replaced first, and characters are what they were.
    return vim.api.nvim_eval((termcodes(rhs):gsub("\128\254X", "\128"))), true
  end
  local result = mapping.callback()
  local keys = type(result) == "string" and result or ""
  if mapping.replace_keycodes == 1 then
    return termcodes(keys), false
  end
  return keys, true
end

--- Run a mapping as if it had never been replaced.
local function run(mapping)
  if mapping.callback and mapping.expr ~= 1 then
    return mapping.callback()
  end
  local rhs = (mapping.rhs or ""):gsub("<[sS][iI][dD]>", ("<SNR>%d_"):format(mapping.sid))
  local keys, is_raw = termcodes(rhs), false
  if mapping.expr == 1 then
    keys, is_raw = evaluated(mapping, rhs)
  end
  if mapping.noremap == 1 then
    return feed(keys, false, is_raw)
  end
  local own = vim.startswith(keys, mapping.lhsraw) and mapping.lhsraw or "" -- see |recursive_mapping|
  feed(keys:sub(#own + 1), true, is_raw)
  feed(own, false)
end

--- Do what a key did before we took it. A free key with Alt does nothing: Neovim would leave insert mode.
---@param lhs string
---@param held table?
local function fall_back(lhs, held)
  if held then
    return run(held)
  elseif not lhs:match("^<[MA]%-") then
    feed(termcodes(lhs), false)
  end
end

local function bind(lhs, key, held)
  bound[lhs] = held or false
  local action = require("farebox.ghost")[key.option]
  vim.keymap.set("i", lhs, function()
    if not action() then
      fall_back(lhs, held)
    end
  end, { desc = "farebox: " .. key.desc })
end

--- Return the mapping that holds a key for all buffers; nil if it is free.
local function holder(lhs)
  local raw = termcodes(lhs)
  for _, mapping in ipairs(vim.api.nvim_get_keymap("i")) do
    if mapping.lhsraw == raw or mapping.lhsrawalt == raw then
      return mapping
    end
  end
  return nil
end

--- Give back the keys of an earlier `setup()`, unless they are another's by now.
local function release()
  for lhs, held in pairs(bound) do
    if ((holder(lhs) or {}).desc or ""):match(OURS) then
      vim.keymap.del("i", lhs)
      if held then
        vim.fn.mapset("i", false, held)
      end
    end
  end
  bound, skipped = {}, {}
end

--- Bind the default keys. `<Tab>` is taken also where it is mapped, and then does what it did when there is no
--- suggestion; every other key is taken only where it is free.
function M.bind()
  release()
  for _, key in ipairs(M.all) do
    local lhs = config.current.keys[key.option]
    if lhs and vim.fn.hasmapto(key.plug, "i") == 0 then -- what is bound by hand needs no key of ours
      local held = holder(lhs)
      if held and key.option ~= "accept" then
        skipped[key.option] = lhs
      else
        bind(lhs, key, held)
      end
    end
  end
end

--- Return the keys that we did not take because others have them: the option's name to the key.
function M.skipped()
  return skipped
end

return M
