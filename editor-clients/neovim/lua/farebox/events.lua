--- The `User` events that other plugins and statuslines hear: `FareboxStatus` and its like, with `data`.
local M = {}

---@alias farebox.EventName
---| "FareboxStatus" the server's status has changed; data is the status
---| "FareboxGhostShown" a suggestion is drawn; data has `id`, `buffer`
---| "FareboxGhostAccepted" a suggestion, or a part of it, went into the buffer; data has `id`, `buffer`, `text`
---| "FareboxChatStarted" a question was sent; data has `buffer`, `conversation`
---| "FareboxChatFinished" an answer has ended; data has `buffer`, `conversation`, `usage`, `cost`, `route`, `failure`
---| "FareboxServerExited" the server has ended; data has `code`, `signal`

---@param name farebox.EventName
---@param data table?
function M.emit(name, data)
  vim.api.nvim_exec_autocmds("User", { pattern = name, modeline = false, data = data })
end

return M
