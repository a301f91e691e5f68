--- Where ghost text is wanted: everywhere, in a buffer, for a filetype.
local config = require("farebox.config")
local notice = require("farebox.notice")
local server = require("farebox.server")
local M = {}

--- What can be switched by itself.
M.SCOPES = { "buffer", "filetype" }

--- Say whether ghost text is wanted in a buffer.
---@param buffer integer
---@return boolean
function M.is_on(buffer)
  local ghost = config.current.ghost
  return ghost.enabled
    and vim.b[buffer].farebox_enabled ~= false
    and ghost.filetypes[vim.bo[buffer].filetype] ~= false
end

---@class farebox.Switch
---@field words string
---@field get fun(): boolean
---@field set fun(is_on: boolean)

---@type table<string, farebox.Switch>
local switches = {
  all = {
    words = "",
    get = function()
      return config.current.ghost.enabled
    end,
    set = function(is_on)
      config.current.ghost.enabled = is_on
    end,
  },
  filetype = {
    words = " for this filetype",
    get = function()
      return config.current.ghost.filetypes[vim.bo.filetype] ~= false
    end,
    set = function(is_on)
      config.current.ghost.filetypes[vim.bo.filetype] = is_on
    end,
  },
  buffer = {
    words = " in this buffer",
    get = function()
      return vim.b.farebox_enabled ~= false
    end,
    set = function(is_on)
      vim.b.farebox_enabled = is_on
      server.attach(vim.api.nvim_get_current_buf(), is_on)
    end,
  },
}

--- Switch, and say what it is now.
---@param is_on boolean? nil: the other way
---@param scope string? "buffer", "filetype", or nothing for all
function M.switch(is_on, scope)
  local found = switches[scope or "all"]
  if not found then
    local known = table.concat(M.SCOPES, " and ")
    return notice.warn(('there is no "%s" to switch; there are %s'):format(scope, known))
  end
  if is_on == nil then
    is_on = not found.get()
  end
  found.set(is_on)
  notice.tell(("ghost text is %s%s"):format(is_on and "on" or "off", found.words))
end

return M
