--- The keys of a chat's buffer, and the float that lists them.
local config = require("farebox.config")
local float = require("farebox.float")
local M = {}

---@class farebox.ChatKey
---@field option string its name in `setup { chat = { keys = … } }`
---@field desc string
---@field mode? "i" normal mode without

---@type farebox.ChatKey[]
M.all = {
  { option = "send", desc = "send the question" },
  { option = "send_insert", desc = "send the question, in insert mode", mode = "i" },
  { option = "stop", desc = "stop the answer" },
  { option = "retry", desc = "ask the last question again" },
  { option = "yank_code", desc = "copy the code block" },
  { option = "apply_code", desc = "propose the code block in the buffer that was asked about" },
  { option = "explain", desc = "say why the answer was what it was" },
  { option = "model", desc = "choose the model of this chat" },
  { option = "history", desc = "choose an earlier chat" },
  { option = "next_turn", desc = "go to the next question" },
  { option = "previous_turn", desc = "go to the previous question" },
  { option = "close", desc = "close the window; an answer goes on" },
  { option = "help", desc = "show these keys" },
}

--- Bind the keys in a chat's buffer.
---@param buffer integer
---@param actions table<string, fun()> by the option's name
function M.bind(buffer, actions)
  for _, key in ipairs(M.all) do
    local lhs = config.current.chat.keys[key.option]
    if lhs then
      vim.keymap.set(key.mode or "n", lhs, function()
        actions[key.option]()
      end, { buffer = buffer, nowait = true, desc = "farebox: " .. key.desc })
    end
  end
end

--- List the keys.
function M.help()
  local bound, widest = {}, 0
  for _, key in ipairs(M.all) do
    local lhs = config.current.chat.keys[key.option]
    if lhs then
      bound[#bound + 1] = { lhs, key.desc }
      widest = math.max(widest, vim.fn.strdisplaywidth(lhs))
    end
  end
  local lines = {}
  for index, one in ipairs(bound) do
    lines[index] = one[1] .. (" "):rep(widest - vim.fn.strdisplaywidth(one[1]) + 2) .. one[2]
  end
  float.open(lines, { title = "Keys of the chat" })
end

return M
