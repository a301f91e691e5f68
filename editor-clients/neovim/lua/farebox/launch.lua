--- Where the server is: the user's own command, the PATH, or the installation that this plugin is a part of.
local config = require("farebox.config")
local M = {}

M.MISSING = "no farebox command was found"
M.HINT = "Install it (pipx install farebox), or name it: setup { cmd = { '/path/to/farebox', 'lsp' } }"

local IS_WINDOWS = vim.fn.has("win32") == 1

--- Return the folder of this plugin: it has `lua/`, `plugin/` and `doc/`.
---@return string
local function plugin_folder()
  local here = vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":p")
  return vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.uv.fs_realpath(here) or here)))
end

--- Return programs that may have come with this plugin: beside the wheel it is in, or in the clone it is in.
---@return string[]
function M.neighbours()
  local program = IS_WINDOWS and "Scripts/farebox.exe" or "bin/farebox"
  local found = {}
  for folder in vim.fs.parents(plugin_folder()) do
    if vim.fs.basename(folder) == "site-packages" then
      local up = IS_WINDOWS and 2 or 3 -- Lib/site-packages, lib/python3.x/site-packages
      local prefix = folder
      for _ = 1, up do
        prefix = vim.fs.dirname(prefix)
      end
      found[#found + 1] = vim.fs.joinpath(prefix, program)
    elseif vim.fs.basename(folder) == "editor-clients" then
      found[#found + 1] = vim.fs.joinpath(vim.fs.dirname(folder), ".venv", program)
    end
  end
  return found
end

--- Return the command that starts the server; nil if there is none.
---@return (string[]|function)?
function M.command()
  local own = config.current.cmd
  if type(own) == "function" then
    return own
  end
  local candidates = own and { own } or { { "farebox", "lsp" } }
  if not own then
    for _, program in ipairs(M.neighbours()) do
      candidates[#candidates + 1] = { program, "lsp" }
    end
  end
  for _, command in ipairs(candidates) do
    if command[1] and vim.fn.executable(command[1]) == 1 then
      return command
    end
  end
  return nil
end

return M
