--- What the user is told unasked: one line each, that never has to be answered with a key.
local plain = require("farebox.plain")
local M = {}

local TITLE = "farebox"
local MAX_KEPT = 50
local NARROW = 60 -- columns: with less, all of the room is for the message

---@type { time: string, message: string }[]
local kept = {}

--- Say whether `vim.notify` is Neovim's own, which asks for a key after a long message.
local function is_plain()
  local source = debug.getinfo(vim.notify, "S").source
  return source:match("^=?%?$") ~= nil or source:match("^@?vim/") ~= nil -- Neovim's own modules have no file
end

--- Shorten a message to what fits into the command line without a prompt.
---@param message string
---@return string
local function fitted(message)
  local line = table.concat(plain.printable(message), " ")
  local room = math.max(vim.v.echospace, 20)
  if vim.fn.strdisplaywidth(line) <= room then
    return line
  end
  local more = room < NARROW and "…" or "… (:Farebox status)"
  while vim.fn.strdisplaywidth(line .. more) > room and line ~= "" do
    line = vim.fn.strcharpart(line, 0, vim.fn.strchars(line) - 1)
  end
  return line .. more
end

--- Tell something. Whole messages are kept for `:Farebox status`.
---@param message string without our name
---@param level integer? one of `vim.log.levels`, INFO by default
function M.tell(message, level)
  kept[#kept + 1] = { time = os.date("%H:%M:%S"), message = message }
  if #kept > MAX_KEPT then
    table.remove(kept, 1)
  end
  vim.schedule(function()
    level = level or vim.log.levels.INFO
    local said = TITLE .. ": " .. table.concat(plain.printable(message), "\n")
    vim.notify(is_plain() and fitted(said) or said, level, { title = TITLE })
  end)
end

---@param message string
function M.warn(message)
  M.tell(message, vim.log.levels.WARN)
end

--- Tell what went wrong with a request, and what to do.
---@param failure farebox.Failure
function M.fail(failure)
  if failure.is_told then
    return
  end
  M.warn(failure.hint and failure.hint ~= "" and (failure.message .. ". " .. failure.hint) or failure.message)
end

--- Return what was told, oldest first.
function M.kept()
  return kept
end

return M
