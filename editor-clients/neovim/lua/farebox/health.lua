--- `:checkhealth farebox`: what is set up, what is missing, and what to do. It waits for nothing for long.
local config = require("farebox.config")
local keys = require("farebox.keys")
local launch = require("farebox.launch")
local plain = require("farebox.plain")
local server = require("farebox.server")
local M = {}

local health = vim.health

--- How long a program or the server may take to answer.
M.PATIENCE_MS = 8000

local PROTOCOL = require("farebox.process").PROTOCOL
local VERSION = require("farebox.version")
local UPDATE =
  "Update both: they come from one installation, and `farebox nvim-path` names this plugin's folder"

--- Ghost text of others, and by what one knows that it is there.
local OTHERS = {
  { name = "copilot.lua", modules = { "copilot", "copilot.suggestion" } },
  { name = "copilot.vim", variable = "loaded_copilot" },
  { name = "codeium.vim", variable = "loaded_codeium" },
  { name = "windsurf.nvim", modules = { "codeium" } },
  { name = "supermaven-nvim", modules = { "supermaven-nvim" } },
  { name = "minuet-ai.nvim", modules = { "minuet.virtualtext" } },
  { name = "tabnine-nvim", modules = { "tabnine" } },
  { name = "llama.vim", variable = "loaded_llama" },
}

-- --- Neovim and the program --------------------------------------------------------------------------

local function was_set_up()
  return (pcall(vim.api.nvim_get_autocmds, { group = "farebox.status" }))
end

local function check_neovim()
  local version = tostring(vim.version())
  if vim.fn.has("nvim-0.11") == 1 then
    health.ok("Neovim " .. version)
  else
    health.error("Neovim " .. version .. " is too old", "Install 0.11 or newer")
  end
  if was_set_up() then
    health.ok("setup() was called")
  else
    health.warn("setup() was not called", 'Put require("farebox").setup({}) into your init.lua')
  end
end

--- Return the command that prints the version of a server's program; nil if that can't be known.
---@param command string[]
---@return string[]?
local function version_command(command)
  local shown = {}
  for _, argument in ipairs(command) do
    if argument == "lsp" then
      shown[#shown + 1] = "--version"
      return shown
    end
    shown[#shown + 1] = argument
  end
  return nil
end

---@return string? version
local function version_of(command)
  local asked = version_command(command)
  if not asked then
    return nil
  end
  local ran, result = pcall(function()
    return vim.system(asked, { text = true, timeout = M.PATIENCE_MS }):wait()
  end)
  return ran and result.code == 0 and (result.stdout or ""):match("%d+%.%d+[%w%.%-+]*") or nil
end

local function compare(what, version)
  if not version then
    health.warn(("%s does not say its version"):format(what), "See whether it is farebox")
  elseif version == VERSION then
    health.ok(("%s is version %s, as this plugin is"):format(what, version))
  else
    health.warn(("%s is version %s, and this plugin %s"):format(what, version, VERSION), UPDATE)
  end
end

local function check_program()
  local command = launch.command()
  if not command then
    return health.error(launch.MISSING, launch.HINT)
  elseif type(command) == "function" then
    return health.info("the server is started by a function of yours (option cmd)")
  end
  health.ok("farebox: " .. vim.fn.exepath(command[1]))
  compare("the program", version_of(command))
end

-- --- the server ---------------------------------------------------------------------------------------

--- Ask, and wait for a while. Returns the failure or the result; neither if nothing came in time.
---@return farebox.Failure?, table?
local function answer_to(method)
  local is_done, failure, result = false, nil, nil
  local ticket = server.request(method, vim.empty_dict(), function(...)
    is_done, failure, result = true, ...
  end)
  vim.wait(M.PATIENCE_MS, function()
    return is_done
  end, 10)
  ticket.cancel()
  return failure, result
end

local function check_client()
  local client = server.client()
  if not client then
    return
  end
  local info = client.server_info or {}
  health.ok(("the server runs (client %d, %s)"):format(client.id, client.offset_encoding))
  compare("the server", type(info.version) == "string" and info.version or nil)
  local protocol = vim.tbl_get(client.server_capabilities, "experimental", "farebox", "protocol")
  if protocol == PROTOCOL then
    health.ok(("it speaks protocol %d"):format(protocol))
  else
    health.error(("it does not speak protocol %d"):format(PROTOCOL), UPDATE)
  end
end

---@param check table
local function report_check(check)
  local said = ("%s: %s"):format(plain.line(check.name), plain.line(check.message))
  local hint = plain.line(check.hint) ~= "" and plain.line(check.hint) or nil
  if check.state == "ok" then
    health.ok(hint and (said .. ". " .. hint) or said)
  elseif check.state == "warning" then
    health.warn(said, hint)
  else
    health.error(said, hint)
  end
end

---@param result any
local function report_doctor(result)
  local checks = type(result) == "table" and result.checks
  if type(checks) ~= "table" or not vim.islist(checks) then
    return health.error("the server's doctor has found nothing to say", UPDATE)
  end
  for _, check in ipairs(checks) do
    if type(check) == "table" then
      report_check(check)
    end
  end
end

local function check_server()
  if not was_set_up() or not launch.command() then
    return health.warn("the server was not asked: see above")
  end
  local failure, result = answer_to("farebox/doctor")
  check_client()
  health.info("its log: " .. vim.lsp.log.get_filename())
  if failure then
    health.error(
      plain.line(failure.message),
      plain.line(failure.hint) ~= "" and plain.line(failure.hint) or nil
    )
  elseif result == nil then
    local said = ("the server has not answered within %g s"):format(M.PATIENCE_MS / 1000)
    health.error(said, ":Farebox restart starts it anew")
  else
    report_doctor(result)
  end
end

-- --- keys and ghost text --------------------------------------------------------------------------------

---@param key farebox.Key
local function check_key(key)
  local lhs = config.current.keys[key.option]
  local mapping = lhs and vim.fn.maparg(lhs, "i", false, true) or {}
  if not lhs then
    health.info(("%s has no key"):format(key.option))
  elseif keys.skipped()[key.option] then
    local advice = ("Map another one to %s, or set keys.%s"):format(key.plug, key.option)
    health.warn(("%s is taken, so that %s has no key"):format(lhs, key.option), advice)
  elseif vim.startswith(mapping.desc or "", "farebox: ") then
    health.ok(("%s: %s"):format(lhs, key.desc))
  elseif vim.fn.hasmapto(key.plug, "i") == 1 then
    health.ok(("a key of your own: %s"):format(key.desc))
  else
    health.warn(
      ("%s does something else by now, not: %s"):format(lhs, key.desc),
      ("Map a key to %s after what has taken it"):format(key.plug)
    )
  end
end

local function check_keys()
  if not was_set_up() then
    return health.info("keys are bound by setup()")
  end
  for _, key in ipairs(keys.all) do
    check_key(key)
  end
end

local function is_loaded(other)
  if other.variable and vim.g[other.variable] ~= nil then
    return true
  end
  return vim.iter(other.modules or {}):any(function(name)
    return package.loaded[name] ~= nil
  end)
end

local function check_ghost()
  local ghost = config.current.ghost
  health.info(("ghost text is %s"):format(ghost.enabled and "on" or "off (:Farebox enable)"))
  if ghost.native and not vim.lsp.inline_completion then
    health.warn("ghost.native needs Neovim 0.12", "Until then this plugin draws by itself")
  end
  for name, module in pairs({ ["blink.cmp"] = "blink.cmp", ["nvim-cmp"] = "cmp" }) do
    if package.loaded[module] then
      local does = ghost.popup_menu == "hide" and "is hidden while its menu is open"
        or "stays beside its menu"
      health.ok(("%s is there; ghost text %s"):format(name, does))
    end
  end
  local found = false
  for _, other in ipairs(OTHERS) do
    if is_loaded(other) then
      found = true
      health.warn(
        other.name .. " draws ghost text as well",
        "Switch one of them off: two are drawn over each other"
      )
    end
  end
  if not found then
    health.ok("no other plugin draws ghost text")
  end
end

--- Check all. Called by `:checkhealth farebox`.
function M.check()
  health.start("farebox: Neovim and the program")
  check_neovim()
  check_program()
  health.start("farebox: the server")
  check_server()
  health.start("farebox: keys of insert mode")
  check_keys()
  health.start("farebox: ghost text")
  check_ghost()
end

return M
