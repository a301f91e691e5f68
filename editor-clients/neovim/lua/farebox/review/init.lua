--- A proposal in a buffer: drawn as a diff, accepted or rejected hunk by hunk. Until a hunk is accepted the text stays as
--- it is. Where code belongs is for `placing` to say, and where a hunk is now for `hunks`.
local diff = require("farebox.review.diff")
local hunks = require("farebox.review.hunks")
local keys = require("farebox.review.keys")
local notice = require("farebox.notice")
local place = require("farebox.review.placing").place
local plain = require("farebox.plain")
local undo = require("farebox.undo")
local windows = require("farebox.review.windows")
local M = {}

local ANCHORS = vim.api.nvim_create_namespace("farebox.review.anchors")

---@alias farebox.Outcome "accepted"|"rejected"|"partly"

---@class farebox.Proposal
---@field buffer integer
---@field code string
---@field range? integer[] the lines that were asked about: first and last, 0-based, end-exclusive
---@field on_done? fun(outcome: farebox.Outcome)

---@class farebox.Review
---@field buffer integer
---@field hunks farebox.Hunk[]
---@field current integer the hunk that keys are about
---@field before table[] what our keys did before, in this buffer
---@field autocmds integer
---@field is_dirty boolean the text has changed since it was drawn
---@field on_done fun(outcome: farebox.Outcome)

---@type table<integer, farebox.Review>
local reviews = {}

local actions = {}

-- --- what is pending -----------------------------------------------------------------------------

---@param review farebox.Review
local function outcome(review)
  local accepted = #vim.tbl_filter(function(hunk)
    return hunk.state == "accepted"
  end, review.hunks)
  return accepted == #review.hunks and "accepted" or accepted == 0 and "rejected" or "partly"
end

--- End a review; what is still pending counts as rejected.
---@param review farebox.Review
local function finish(review)
  if reviews[review.buffer] ~= review then
    return
  end
  reviews[review.buffer] = nil
  pcall(vim.api.nvim_del_augroup_by_id, review.autocmds)
  if vim.api.nvim_buf_is_valid(review.buffer) then
    vim.api.nvim_buf_clear_namespace(review.buffer, diff.NAMESPACE, 0, -1)
    vim.api.nvim_buf_clear_namespace(review.buffer, ANCHORS, 0, -1)
    keys.unbind(review)
  end
  review.on_done(outcome(review))
end

--- Take back into the review what undo has undone, and out of it what redo has done again.
---@param review farebox.Review
---@param hunk farebox.Hunk
---@param seq integer the state of undo
local function follow_undo(review, hunk, seq)
  if hunk.state == "accepted" and seq < hunk.seq then
    hunk.state = "pending"
  elseif hunk.state == "pending" and seq >= hunk.seq then
    local is_back = hunks.find(review.buffer, ANCHORS, hunk, hunk.new)
    local is_old = #hunk.old > 0 and hunks.find(review.buffer, ANCHORS, hunk, hunk.old)
    if is_back and not is_old and #hunk.new > 0 then
      hunk.state = "accepted"
    end
  end
end

---@param review farebox.Review
---@param window integer
---@return integer row the cursor's, in a window of the buffer
local function cursor_row(review, window)
  local is_there = vim.api.nvim_win_get_buf(window) == review.buffer
  return is_there and vim.api.nvim_win_get_cursor(window)[1] - 1 or 0
end

--- Return the row to put the cursor on for a hunk.
---@param hunk farebox.Hunk
local function first_row(hunk)
  return math.max(0, not hunk.row and hunk.near or #hunk.old == 0 and hunk.row - 1 or hunk.row)
end

local function distance(hunk, row)
  local first = first_row(hunk)
  local last = first + math.max(#hunk.old, 1) - 1
  return math.max(first - row, row - last, 0)
end

--- Let the pending hunk next to the cursor be the current one; of two as near, the one that was.
---@param review farebox.Review
local function choose(review)
  local row = cursor_row(review, vim.api.nvim_get_current_win())
  local function away(index)
    local hunk = review.hunks[index]
    return hunk and hunk.state == "pending" and distance(hunk, row) or math.huge
  end
  for index in ipairs(review.hunks) do
    if away(index) < away(review.current) then
      review.current = index
    end
  end
end

--- Look where all hunks are now, and draw them. Ends the review if none is left.
---@param review farebox.Review
local function refresh(review)
  if reviews[review.buffer] ~= review or not vim.api.nvim_buf_is_loaded(review.buffer) then
    return finish(review)
  end
  review.is_dirty = false
  local seq = vim.fn.undotree(review.buffer).seq_cur
  local is_pending = false
  for _, hunk in ipairs(review.hunks) do
    if hunk.seq then
      follow_undo(review, hunk, seq)
    end
    if hunk.state == "pending" then
      is_pending = true
      hunk.row, hunk.near = hunks.find(review.buffer, ANCHORS, hunk, hunk.old)
    end
  end
  if not is_pending then
    return finish(review)
  end
  if vim.api.nvim_get_current_buf() == review.buffer then
    choose(review)
  end
  diff.draw(review)
end

--- Put the cursor on a hunk, with as much of it on the screen as there is room for.
---@param review farebox.Review
---@param index integer
local function go(review, index)
  review.current = index
  local hunk = review.hunks[index]
  local window = vim.api.nvim_get_current_win()
  if vim.api.nvim_win_get_buf(window) ~= review.buffer then
    return
  end
  local row = first_row(hunk)
  vim.cmd.normal({ "m'", bang = true })
  vim.api.nvim_win_set_cursor(window, { row + 1, 0 })
  vim.cmd.normal({ "zv", bang = true })
  local height = math.max(1, #hunk.old) + #hunk.new + 1
  if vim.fn.winline() + height > vim.api.nvim_win_get_height(window) then
    vim.cmd.normal({ height > vim.api.nvim_win_get_height(window) / 2 and "zt" or "zz", bang = true })
  end
  diff.draw(review)
end

--- Return the pending hunk before or after one, around the ends.
---@param step 1|-1
local function neighbour(review, from, step)
  local count = #review.hunks
  for i = 1, count do
    local index = (from - 1 + step * i) % count + 1
    if review.hunks[index].state == "pending" then
      return index
    end
  end
  return from
end

-- --- deciding ------------------------------------------------------------------------------------

--- Put a hunk into the text. False if its lines are no longer what they were, or may not be changed.
---@return boolean
local function apply(review, hunk)
  local row = hunks.find(review.buffer, ANCHORS, hunk, hunk.old)
  if not row or not vim.bo[review.buffer].modifiable then
    return false
  end
  local last = row + #hunk.old
  if not pcall(vim.api.nvim_buf_set_lines, review.buffer, row, last, true, hunk.new) then
    return false
  end
  hunk.state = "accepted"
  return true
end

local function accept(review, chosen)
  undo.begin_step(review.buffer)
  local left = 0
  for _, hunk in ipairs(chosen) do
    left = left + (apply(review, hunk) and 0 or 1)
  end
  undo.begin_step(review.buffer)
  local seq = vim.fn.undotree(review.buffer).seq_cur
  for _, hunk in ipairs(chosen) do
    hunk.seq = hunk.state == "accepted" and seq or hunk.seq
  end
  if left > 0 then
    local what = vim.bo[review.buffer].modifiable and "its lines have changed (ghr)"
      or "the buffer cannot be changed"
    notice.warn(
      left == 1 and ("one change was not accepted: " .. what)
        or (left .. " changes were not accepted: " .. what)
    )
  end
end

local function pending(review)
  return vim.tbl_filter(function(hunk)
    return hunk.state == "pending"
  end, review.hunks)
end

--- Show what is left after a decision, and go on to the next.
local function go_on(review, decided)
  refresh(review)
  if reviews[review.buffer] == review and review.hunks[decided].state ~= "pending" then
    go(review, neighbour(review, decided, 1))
  end
end

function actions.accept(review)
  local index = review.current
  accept(review, { review.hunks[index] })
  go_on(review, index)
end

function actions.reject(review)
  local index = review.current
  review.hunks[index].state, review.hunks[index].seq = "rejected", nil
  go_on(review, index)
end

actions["accept-all"] = function(review)
  accept(review, pending(review))
  refresh(review)
end

actions["reject-all"] = function(review)
  finish(review)
end

function actions.next(review)
  local ahead = cursor_row(review, 0) < first_row(review.hunks[review.current])
  go(review, ahead and review.current or neighbour(review, review.current, 1))
end

function actions.previous(review)
  local hunk = review.hunks[review.current]
  local behind = cursor_row(review, 0) > first_row(hunk) + math.max(#hunk.old, 1) - 1
  go(review, behind and review.current or neighbour(review, review.current, -1))
end

-- --- beginning -----------------------------------------------------------------------------------

---@param review farebox.Review
local function watch(review)
  local function later(what)
    return vim.schedule_wrap(function()
      if reviews[review.buffer] == review then
        what(review)
      end
    end)
  end
  local function is_over()
    return reviews[review.buffer] ~= review
  end
  vim.api.nvim_buf_attach(review.buffer, false, {
    on_lines = function()
      if is_over() then
        return true
      elseif not review.is_dirty then
        review.is_dirty = true
        later(refresh)()
      end
    end,
    on_reload = later(finish),
    on_detach = later(finish),
  })
  review.autocmds = vim.api.nvim_create_augroup("farebox.review." .. review.buffer, {})
  vim.api.nvim_create_autocmd("WinResized", { group = review.autocmds, callback = later(diff.draw) })
  vim.api.nvim_create_autocmd({ "CursorMoved", "BufEnter" }, {
    group = review.autocmds,
    buffer = review.buffer,
    callback = function()
      local current = review.current
      if not review.is_dirty and not is_over() then
        choose(review)
      end
      if review.current ~= current then
        diff.draw(review)
      end
    end,
  })
end

local function name_of(buffer)
  local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(buffer), ":t")
  return name ~= "" and name or "the buffer"
end

--- Say why nothing can be proposed; nil if it can.
local function obstacle(buffer, code)
  if not buffer or not vim.api.nvim_buf_is_valid(buffer) then
    return "the buffer that was asked about is gone"
  elseif not vim.bo[buffer].modifiable then
    return name_of(buffer) .. " cannot be changed"
  elseif not code:find("%S") then
    return "the code block is empty"
  end
end

---@return string[]
local function lines_of(code)
  local lines = plain.lines(code)
  if #lines > 1 and lines[#lines] == "" then
    table.remove(lines)
  end
  return lines
end

--- Propose code in a buffer: show the buffer, and what would change.
---@param proposal farebox.Proposal
function M.propose(proposal)
  local buffer, on_done = proposal.buffer, proposal.on_done or function() end
  local wrong = obstacle(buffer, proposal.code)
  if wrong then
    notice.warn(wrong)
    return on_done("rejected")
  end
  if reviews[buffer] then
    finish(reviews[buffer])
  end
  vim.fn.bufload(buffer)
  windows.show(buffer)
  local range = type(proposal.range) == "table" and proposal.range or nil
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  local cursor = vim.api.nvim_win_get_cursor(0)[1] - 1
  local placing = place(lines, lines_of(proposal.code), { range = range, cursor = cursor })
  local old = vim.list_slice(lines, placing.first + 1, placing.last)
  local found = hunks.between(old, placing.lines, placing.first)
  if #found == 0 then
    notice.tell(("%s already has this"):format(name_of(buffer)))
    return on_done("accepted")
  end
  ---@type farebox.Review
  local review = {
    buffer = buffer,
    hunks = found,
    current = 1,
    before = {},
    autocmds = 0,
    is_dirty = false,
    on_done = on_done,
  }
  reviews[buffer] = review
  for _, hunk in ipairs(found) do
    hunks.anchor(buffer, ANCHORS, hunk)
  end
  keys.bind(review)
  watch(review)
  go(review, 1)
end

--- Run one of `:Farebox review`'s words, in the buffer that is reviewed; from elsewhere, go there first.
---@param word string
function M.command(word)
  if not actions[word] then
    local known = table.concat(keys.words(), ", ")
    return notice.warn(("there is no :Farebox review %s; there are %s"):format(word, known))
  end
  local review = reviews[vim.api.nvim_get_current_buf()]
  if not review then
    review = reviews[next(reviews)]
    if not review then
      return notice.tell("there is nothing to review")
    end
    windows.show(review.buffer)
  end
  refresh(review)
  if reviews[review.buffer] == review then
    actions[word](review)
  end
end

return M
