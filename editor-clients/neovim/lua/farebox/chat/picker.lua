--- The list of chats: those of this Neovim, and those that only the server has.
local notice = require("farebox.notice")
local plain = require("farebox.plain")
local server = require("farebox.server")
local M = {}

---@class farebox.ChatLine
---@field title string
---@field turns integer
---@field chat? farebox.Dialogue
---@field id? string

---@param chats farebox.Dialogue[]
---@return farebox.ChatLine[] lines, table<string, boolean> ids
local function lines_of(chats)
  local lines, ids = {}, {}
  table.sort(chats, function(one, other)
    return one.buffer > other.buffer
  end)
  for _, chat in ipairs(chats) do
    ids[chat.conversation.id] = true
    lines[#lines + 1] = { title = chat:title(), turns = #chat.conversation.turns, chat = chat }
  end
  return lines, ids
end

---@param lines farebox.ChatLine[]
---@param found table what `farebox/conversations` answers
local function add_servers(lines, ids, found)
  for _, one in ipairs(plain.table(plain.table(found).conversations)) do
    local id = plain.string(plain.table(one).id)
    if id and not ids[id] then
      lines[#lines + 1] = { title = plain.line(one.title), turns = tonumber(one.turns) or 0, id = id }
    end
  end
end

local function words(line)
  return ("%s (%s)"):format(line.title, line.turns == 1 and "1 turn" or line.turns .. " turns")
end

--- Let the user choose.
---@param chats farebox.Dialogue[]
---@param on_chat fun(chat: farebox.Dialogue)
---@param on_found fun(conversation: table) one that the server has, whole
function M.choose(chats, on_chat, on_found)
  local lines, ids = lines_of(chats)
  local function choose()
    if #lines == 0 then
      return notice.tell("there is no chat yet")
    end
    vim.ui.select(lines, { prompt = "Chats", kind = "farebox.chat", format_item = words }, function(line)
      if not line then
        return
      elseif line.chat then
        return on_chat(line.chat)
      end
      server.call("conversation", { conversation = line.id }, function(found)
        on_found(vim.tbl_extend("force", plain.table(found), { id = line.id }))
      end)
    end)
  end
  server.call("conversations", vim.empty_dict(), function(found)
    add_servers(lines, ids, found)
    choose()
  end, choose)
end

return M
