--- How farebox stands: the last status that the server told, as a table and as a word for the statusline.
local events = require("farebox.events")
local server = require("farebox.server")
local M = {}

---@class farebox.Status
---@field state "ready"|"busy"|"offline"|"budget"|"error"|"inactive"|"off" off: there is no server
---@field message string
---@field model? string the one that served last
---@field todayUsd? string what today has cost
---@field budgets? table[]

local OFF = { state = "off", message = "the server is not running" }
local SIGNS = {
  ready = "",
  busy = "…",
  offline = " offline",
  budget = " budget!",
  error = " !",
  inactive = " –",
  off = " off",
}

local current = OFF ---@type farebox.Status

local function change(status)
  current = status
  events.emit("FareboxStatus", status)
  vim.schedule(function()
    vim.cmd.redrawstatus({ bang = true })
  end)
end

--- Tell the server which file the user is at: the status says if that one is kept back.
local function tell_focus(event)
  if server.client_of(event.buf) and event.buf == vim.api.nvim_get_current_buf() then
    server.notify("textDocument/didFocus", { textDocument = { uri = vim.uri_from_bufnr(event.buf) } })
  end
end

local is_listening = false

--- Begin to listen to the server.
function M.listen()
  if not is_listening then
    is_listening = true
    server.on("farebox/status", change)
  end
  local group = vim.api.nvim_create_augroup("farebox.status", {})
  vim.api.nvim_create_autocmd({ "BufEnter", "LspAttach" }, { group = group, callback = tell_focus })
  vim.api.nvim_create_autocmd("User", {
    group = group,
    pattern = "FareboxServerExited",
    callback = function()
      change(vim.tbl_extend("keep", OFF, { todayUsd = current.todayUsd }))
    end,
  })
end

--- Return the last status. Today's spend stays as it was told last.
---@return farebox.Status
function M.current()
  return current
end

--- Return dollars as they are read: cents, or the first two digits that are not zero.
---@param usd string? decimal dollars
---@return string
function M.dollars(usd)
  local amount = tonumber(usd)
  if not amount then
    return "unknown"
  end
  local digits = amount > 0 and amount < 0.01 and math.min(9, 1 - math.floor(math.log10(amount))) or 2
  return ("$%." .. digits .. "f"):format(amount)
end

--- Return a few characters for the statusline, such as `farebox $0.42`.
---@return string
function M.text()
  local money = current.todayUsd and (" " .. M.dollars(current.todayUsd)) or ""
  return "farebox" .. money .. (SIGNS[current.state] or "")
end

return M
