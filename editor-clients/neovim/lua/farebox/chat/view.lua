--- What windows show of a chat while its text grows: who reads stays where they are, who types or waits at the end
--- goes along, and sees what they have seen below the growing text.
local M = {}

---@class farebox.Follower a window whose cursor was where the text grows
---@field window integer
---@field view vim.fn.winsaveview.ret
---@field is_in_prompt boolean
---@field is_below boolean it shows nothing above the prompt
---@field bottom integer the last line that it showed, 1-based

--- Say whether lines that come now would be taken along: by an operator that waits for its motion, or by a completion,
--- which puts its words where they began.
---@param buffer integer
function M.is_busy(buffer)
  local mode = vim.api.nvim_get_mode().mode
  local is_completing = mode:find("^[iR][cx]") ~= nil and vim.api.nvim_get_current_buf() == buffer
  return is_completing or vim.startswith(mode, "no")
end

---@param tail integer[]? row and column
local function is_at(tail, seen)
  return tail ~= nil and seen.lnum - 1 == tail[1] and seen.col >= tail[2] - 1
end

--- Return the windows that go along: those with their cursor in the prompt, or at the end of the answer.
---@param buffer integer
---@param prompt integer the row of its heading
---@param tail integer[]? where the answer ends
---@return farebox.Follower[]
function M.followers(buffer, prompt, tail)
  local found = {}
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    local seen = vim.api.nvim_win_call(window, vim.fn.winsaveview)
    local is_in_prompt = seen.lnum - 1 >= prompt
    if is_in_prompt or is_at(tail, seen) then
      found[#found + 1] = {
        window = window,
        view = seen,
        is_in_prompt = is_in_prompt,
        is_below = seen.topline > 1 and seen.topline - 1 >= prompt,
        bottom = math.max(vim.fn.line("w$", window), seen.lnum),
      }
    end
  end
  return found
end

--- Return the lowest top line with which a window still shows a line.
---@param window integer
---@param bottom integer 1-based
---@return integer
local function top_for(window, bottom)
  local room = vim.fn.getwininfo(window)[1].height
  local top = bottom
  while top > 0 do
    room = room - vim.api.nvim_win_text_height(window, { start_row = top - 1, end_row = top - 1 }).all
    if room < 0 then
      break
    end
    top = top - 1
  end
  return math.min(top + 1, bottom)
end

---@param follower farebox.Follower
local function show(follower, line, column, top, bottom)
  local window, view = follower.window, follower.view
  local last = vim.api.nvim_buf_line_count(vim.api.nvim_win_get_buf(window))
  view.lnum, view.col = math.min(line, last), column
  view.topline = math.min(math.max(top, top_for(window, math.min(bottom, last))), view.lnum)
  vim.api.nvim_win_call(window, function()
    vim.fn.winrestview(view)
  end)
end

---@class farebox.Growth
---@field lines integer how many lines came before the prompt's heading
---@field shift integer how far down what was in the prompt is now
---@field before_draft integer how many lines came before what is typed there
---@field tail? integer[] where the answer ends now

--- Take followers along.
---@param followers farebox.Follower[]
---@param growth farebox.Growth
function M.follow(followers, growth)
  for _, follower in ipairs(followers) do
    local view = follower.view
    if follower.is_in_prompt then
      local top = view.topline + (follower.is_below and growth.shift or 0)
      local down = growth.lines + growth.before_draft
      show(follower, view.lnum + down, view.col, top, follower.bottom + down)
    elseif growth.tail then
      local row, column = unpack(growth.tail)
      show(follower, row + 1, math.max(column - 1, 0), view.topline, row + 1)
    end
  end
end

return M
