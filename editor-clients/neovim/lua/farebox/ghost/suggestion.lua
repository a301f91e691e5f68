--- What is suggested at a place, and how much of it is still to come. Pure: knows no buffer, window or server.
local text = require("farebox.text")
local M = {}

---@class farebox.Item one suggestion
---@field id string
---@field text string the whole of it
---@field rest string what is neither typed nor accepted yet
---@field raw table the server's own item, which is sent back to it

---@class farebox.Suggestions
---@field items farebox.Item[] at least one
---@field index integer the one that is shown

local function id_of(raw)
  local arguments = vim.tbl_get(raw, "command", "arguments")
  return type(arguments) == "table" and type(arguments[1]) == "string" and arguments[1] or ""
end

local function is_at(range, position)
  if type(range) ~= "table" then
    return true
  end
  local function is_here(place)
    return type(place) == "table" and place.line == position.line and place.character == position.character
  end
  return is_here(range.start) and is_here(range["end"])
end

--- Read an answer: only insertions at the place that was asked about can be drawn.
---@param result any a list of items, or a table with such
---@param position lsp.Position
---@return farebox.Suggestions? nil if there is nothing to show
function M.read(result, position)
  local raws = type(result) == "table" and (result.items or result) or {}
  local items, seen = {}, {}
  for _, raw in ipairs(type(raws) == "table" and raws or {}) do
    local inserted = type(raw) == "table" and raw.insertText or nil
    if
      type(inserted) == "string"
      and inserted ~= ""
      and not seen[inserted]
      and is_at(raw.range, position)
    then
      seen[inserted] = true
      local whole = inserted:gsub("\r\n?", "\n"):gsub("%z", "")
      items[#items + 1] = { id = id_of(raw), text = whole, rest = whole, raw = raw }
    end
  end
  return #items > 0 and { items = items, index = 1 } or nil
end

--- Return the item that is shown.
---@param suggestions farebox.Suggestions
---@return farebox.Item
function M.shown(suggestions)
  return suggestions.items[suggestions.index]
end

local function goes_on(item, typed)
  return #item.rest > #typed and vim.startswith(item.rest, typed)
end

--- Return those that begin with what was typed, and go on after it.
---@param suggestions farebox.Suggestions
---@param typed string
---@return farebox.Suggestions? nil if there is none
function M.fitting(suggestions, typed)
  local items, index = {}, 1
  for place, item in ipairs(suggestions.items) do
    if goes_on(item, typed) then
      items[#items + 1] = vim.tbl_extend("force", item, { rest = item.rest:sub(#typed + 1) })
      index = place == suggestions.index and #items or index
    end
  end
  return #items > 0 and { items = items, index = index } or nil
end

--- Go on by what was typed. What is shown stays shown.
---@param suggestions farebox.Suggestions
---@param typed string
---@return farebox.Suggestions? nil if the item that is shown says something else, or if nothing of it is left
function M.after(suggestions, typed)
  return goes_on(M.shown(suggestions), typed) and M.fitting(suggestions, typed) or nil
end

--- Put other candidates behind the one that is shown, which does not change.
---@param suggestions farebox.Suggestions
---@param others farebox.Suggestions
---@return farebox.Suggestions
function M.joined(suggestions, others)
  local shown = M.shown(suggestions)
  local items = { shown }
  for _, item in ipairs(others.items) do
    if item.rest ~= shown.rest then
      items[#items + 1] = item
    end
  end
  return { items = items, index = 1 }
end

--- Show another one, round and round.
---@param suggestions farebox.Suggestions
---@param step integer
---@return farebox.Suggestions
function M.turned(suggestions, step)
  return { items = suggestions.items, index = (suggestions.index - 1 + step) % #suggestions.items + 1 }
end

--- Return the beginning of a text: all of it, its first line, or its first word with the space before it.
---@param rest string
---@param kind "all"|"line"|"word"
---@return string
function M.part(rest, kind)
  if kind == "all" then
    return rest
  elseif kind == "line" then
    local stop = rest:find("\n", rest:sub(1, 1) == "\n" and 2 or 1, true)
    return stop and rest:sub(1, stop - 1) or rest
  end
  local word = vim.fn.matchstr(rest, [[\v^\_s*%(\k+|%(\k@![^[:space:]\n])+)]])
  return word ~= "" and word or rest
end

--- Return how much of an item is accepted once a part of its rest is, from its beginning, as the protocol counts.
---@param item farebox.Item
---@param part string
---@return integer
function M.accepted_length(item, part)
  return text.utf16_length(item.text:sub(1, #item.text - #item.rest + #part))
end

return M
