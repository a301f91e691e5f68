--- Ghost text: what to ask and when, and what to do with a suggestion. The server decides whether to ask a model,
--- how long to wait for the next key, and what is shown; here one types, sees, takes and turns away.
---
--- There is one cursor, so there is one place with suggestions and one request under way at most.
local config = require("farebox.config")
local events = require("farebox.events")
local menu = require("farebox.ghost.menu")
local native = require("farebox.ghost.native")
local notice = require("farebox.notice")
local places = require("farebox.ghost.place")
local screen = require("farebox.ghost.screen")
local server = require("farebox.server")
local suggestion = require("farebox.ghost.suggestion")
local switches = require("farebox.ghost.switches")
local text = require("farebox.text")
local undo = require("farebox.undo")
local M = {}

local here, is_same, typed_between = places.here, places.is_same, places.typed_between

local AUTOMATIC, INVOKED = 2, 1

---@class farebox.Shown
---@field place farebox.Place
---@field suggestions farebox.Suggestions

local shown = nil ---@type farebox.Shown?
local asking = nil ---@type { place: farebox.Place, ticket: farebox.Ticket }?
local seen = nil ---@type farebox.Place? the last place that was looked at
local told_shown = nil ---@type string? the item that the server knows to be seen

local function is_inserting()
  return vim.api.nvim_get_mode().mode:sub(1, 1) == "i"
end

local function is_hidden_by_menu()
  return config.current.ghost.popup_menu == "hide" and menu.is_open()
end

-- --- drawing ----------------------------------------------------------------------------------------

local function tell_shown(item)
  if item.id ~= "" and item.id ~= told_shown then
    told_shown = item.id
    server.notify("textDocument/didShowCompletion", { item = item.raw })
    events.emit("FareboxGhostShown", { id = item.id, buffer = vim.api.nvim_get_current_buf() })
  end
end

local function draw()
  if not shown or is_hidden_by_menu() then
    return screen.clear()
  end
  local suggestions = shown.suggestions
  local item, count = suggestion.shown(suggestions), #suggestions.items
  local hint = count > 1 and ("(%d/%d)"):format(suggestions.index, count) or nil
  screen.draw(shown.place.row, shown.place.column, item.rest, hint)
  tell_shown(item)
end

local function forget()
  shown = nil
  screen.clear()
end

-- --- asking -----------------------------------------------------------------------------------------

local function stop_asking()
  local before = asking
  asking = nil
  if before then
    before.ticket.cancel()
  end
end

--- Take what is suggested at a place: the text may have gone on since, and what is shown already stays.
---@param place farebox.Place
---@param suggestions farebox.Suggestions?
local function take(place, suggestions)
  local now = here()
  local typed = typed_between(place, now)
  local left = typed and suggestions and suggestion.fitting(suggestions, typed)
  if not left or not is_inserting() then
    return
  end
  local is_shown = shown and is_same(shown.place, now)
  shown = { place = now, suggestions = is_shown and suggestion.joined(shown.suggestions, left) or left }
  draw()
end

--- Ask for suggestions at the cursor; a request that is under way is taken back.
---@param trigger integer
---@param on_suggestions fun(place: farebox.Place, suggestions: farebox.Suggestions?)
local function ask(trigger, on_suggestions)
  stop_asking()
  local place = here()
  local client = server.client_of(place.buffer)
  if not client then
    return
  end
  local line = place.before .. place.after
  local position = {
    line = place.row,
    character = text.character(line, place.column, client.offset_encoding),
  }
  local mine = { place = place }
  asking = mine
  mine.ticket = server.request("textDocument/inlineCompletion", {
    textDocument = { uri = vim.uri_from_bufnr(place.buffer) },
    position = position,
    context = { triggerKind = trigger },
  }, function(failure, result)
    if asking ~= mine then
      return
    end
    asking = nil
    if failure and trigger == INVOKED then
      notice.fail(failure)
    elseif not failure and vim.api.nvim_get_current_buf() == place.buffer then
      on_suggestions(place, suggestion.read(result, position))
    end
  end, place.buffer)
end

local function ask_automatically()
  if is_hidden_by_menu() then
    seen = nil -- this place is looked at anew when the menu is closed
  elseif vim.fn.reg_executing() == "" then
    ask(AUTOMATIC, take)
  end
end

-- --- what happens in the editor -----------------------------------------------------------------------

--- Go on with what is shown if the text went on as it says.
---@param now farebox.Place
---@return boolean
local function follow(now)
  if not shown then
    return false
  end
  local typed = typed_between(shown.place, now)
  local left = typed and suggestion.after(shown.suggestions, typed)
  if not left then
    return false
  end
  shown = { place = now, suggestions = left }
  draw()
  return true
end

local function leave()
  seen = nil
  stop_asking()
  forget()
end

--- Look at where the cursor is and what the text is now. It does not matter how often this is called.
local function look()
  local now = here()
  if not is_inserting() or not switches.is_on(now.buffer) then
    return leave()
  end
  local last = seen
  seen = now
  if last and is_same(last, now) then
    return draw()
  end
  if follow(now) then
    return
  end
  forget()
  local has_changed = not last or last.buffer ~= now.buffer or last.tick ~= now.tick
  if has_changed then
    ask_automatically()
  else
    stop_asking() -- the cursor was moved: it is asked for again when something is typed
  end
end

--- Look again once the server is there: who types while it starts gets a suggestion then.
local function look_anew(event)
  if event.buf ~= vim.api.nvim_get_current_buf() or event.data.client_id ~= (server.client() or {}).id then
    return
  end
  seen = nil
  look()
end

-- --- what the user does -------------------------------------------------------------------------------

--- Whether a suggestion can be seen: what cannot be seen is not accepted.
local function is_visible()
  return shown ~= nil and screen.is_drawn() and is_same(shown.place, here())
end

---@param place farebox.Place
---@param inserted string
local function insert(place, inserted)
  local lines = vim.split(inserted, "\n", { plain = true })
  undo.begin_step(place.buffer)
  vim.api.nvim_buf_set_text(place.buffer, place.row, place.column, place.row, place.column, lines)
  local column = #lines == 1 and place.column + #lines[1] or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { place.row + #lines, column })
  undo.begin_step(place.buffer)
end

---@param item farebox.Item
---@param part string
local function tell_accepted(item, part)
  local client = server.client()
  if client and part == item.rest and type(item.raw.command) == "table" then
    client:exec_cmd(item.raw.command)
  elseif client and part ~= item.rest then
    server.notify(
      "textDocument/didPartiallyAcceptCompletion",
      { item = item.raw, acceptedLength = suggestion.accepted_length(item, part) }
    )
  end
  events.emit("FareboxGhostAccepted", { id = item.id, buffer = vim.api.nvim_get_current_buf(), text = part })
end

--- End Neovim's own completion, without a change of the text, and accept then: it would take what we insert for
--- its own, and delete it with the next of its keys.
---@param kind "all"|"line"|"word"
local function accept_after_completion(kind)
  local keys = ('<C-x><C-z><Cmd>lua require("farebox.ghost").accept_now("%s")<CR>'):format(kind)
  vim.api.nvim_feedkeys(vim.keycode(keys), "in", false)
end

---@param kind "all"|"line"|"word"
---@return boolean whether there was something to accept
local function accept(kind)
  if native.is_on() then
    return native.accept(kind)
  end
  if not is_visible() or not vim.bo.modifiable then
    return false
  end
  if vim.fn.complete_info({ "mode" }).mode ~= "" then
    accept_after_completion(kind)
  else
    M.accept_now(kind)
  end
  return true
end

--- Accept what can be seen, while no completion of Neovim's own goes on.
---@param kind "all"|"line"|"word"
function M.accept_now(kind)
  if not is_visible() then
    return
  end
  local place, item = shown.place, suggestion.shown(shown.suggestions)
  local part = suggestion.part(item.rest, kind)
  stop_asking()
  insert(place, part)
  tell_accepted(item, part)
  look()
end

--- Accept the whole suggestion. Returns whether there was one.
function M.accept()
  return accept("all")
end

--- Accept the next word of the suggestion.
function M.accept_word()
  return accept("word")
end

--- Accept the next line of the suggestion.
function M.accept_line()
  return accept("line")
end

--- Ask for suggestions by hand, also where none come by themselves.
---@param on_shown fun()? called when they are there
function M.trigger(on_shown)
  if native.is_on() or not is_inserting() then
    return native.is_on()
  end
  if not server.client_of(vim.api.nvim_get_current_buf()) then
    notice.tell("there is no suggestion: this buffer is not attached (:Farebox status)")
    return true
  end
  seen = here()
  ask(INVOKED, function(place, suggestions)
    take(place, suggestions)
    if not shown then
      notice.tell("there is nothing to suggest here (:Farebox explain)")
    elseif on_shown then
      on_shown()
    end
  end)
  return true
end

local function turn(step)
  if native.is_on() then
    return native.turn(step)
  end
  if not is_visible() then
    return false
  end
  local function to_next()
    shown.suggestions = suggestion.turned(shown.suggestions, step)
    draw()
  end
  if #shown.suggestions.items > 1 then
    to_next()
  else
    M.trigger(to_next)
  end
  return true
end

--- Show the next suggestion; the first time they are asked for. Returns whether there is one at all.
function M.next()
  return turn(1)
end

--- Show the previous suggestion.
function M.previous()
  return turn(-1)
end

--- Turn a suggestion away; the next one comes when something is typed. Returns whether there was one.
function M.dismiss()
  if native.is_on() or not is_visible() then
    return false
  end
  stop_asking()
  forget()
  return true
end

--- Say whether a suggestion can be seen, for maps and completion plugins.
---@return boolean
function M.is_visible()
  return not native.is_on() and is_visible()
end

--- Switch ghost text on or off, see `switches`.
function M.switch(is_on, scope)
  switches.switch(is_on, scope)
  native.follow_switches()
  look()
end

--- Begin to watch what is typed.
function M.enable()
  local group = vim.api.nvim_create_augroup("farebox.ghost", {})
  native.enable(group)
  if native.is_on() then
    return
  end
  local function on(names, callback)
    vim.api.nvim_create_autocmd(names, { group = group, callback = callback })
  end
  on({ "InsertEnter", "TextChangedI", "TextChangedP", "CursorMovedI" }, look)
  on({ "BufLeave", "WinLeave" }, leave)
  on("LspAttach", vim.schedule_wrap(look_anew))
  vim.api.nvim_create_autocmd("ModeChanged", { group = group, pattern = "i*:[^i]*", callback = leave }) -- also <C-c>
  menu.watch(group, vim.schedule_wrap(look))
end

return M
