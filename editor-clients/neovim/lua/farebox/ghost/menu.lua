--- Whether a completion menu is open: Neovim's own, blink.cmp's or nvim-cmp's. Knows nothing of ghost text.
local M = {}

local is_blink_open = false
local changed ---@type fun()? who wants to know
local heard ---@type table? the nvim-cmp that tells us already

--- Return nvim-cmp if it is there: it may be loaded at any time, and tells of its menu only those who ask it to.
local function cmp_of_user()
  local cmp = package.loaded.cmp
  if type(cmp) ~= "table" or type(cmp.visible) ~= "function" then
    return nil
  end
  if changed and heard ~= cmp and type(cmp.event) == "table" and type(cmp.event.on) == "function" then
    heard = cmp
    cmp.event:on("menu_opened", changed)
    cmp.event:on("menu_closed", changed)
  end
  return cmp
end

--- Say whether a menu is open.
---@return boolean
function M.is_open()
  if vim.fn.pumvisible() == 1 or is_blink_open then
    return true
  end
  local cmp = cmp_of_user()
  return cmp ~= nil and cmp.visible() == true
end

--- Call back whenever a menu may have been opened or closed.
---@param group integer of autocommands
---@param on_change fun()
function M.watch(group, on_change)
  changed = on_change
  vim.api.nvim_create_autocmd({ "CompleteChanged", "CompleteDone" }, { group = group, callback = on_change })
  vim.api.nvim_create_autocmd("User", {
    group = group,
    pattern = { "BlinkCmpMenuOpen", "BlinkCmpMenuClose" },
    callback = function(event)
      is_blink_open = event.match == "BlinkCmpMenuOpen"
      on_change()
    end,
  })
  vim.api.nvim_create_autocmd("InsertLeave", {
    group = group,
    callback = function()
      is_blink_open = false
    end,
  })
end

return M
