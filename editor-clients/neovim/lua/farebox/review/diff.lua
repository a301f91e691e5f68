--- What a review looks like: the lines that would go, below them those that would come, and what the keys are.
local words = require("farebox.review.words")
local M = {}

local CHANGED = "its lines have changed · ghr reject"
local ADDED, ADDED_TEXT = "FareboxAdded", "FareboxAddedText"
local KEYS = "gha accept · ghr reject · ghA all · ghR none"
M.NAMESPACE = vim.api.nvim_create_namespace("farebox.review")

--- Return how many columns every window of a buffer has for text: virtual lines are not folded.
local function columns_for(buffer)
  local columns = vim.o.columns
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    columns = math.min(columns, vim.api.nvim_win_get_width(window) - vim.fn.getwininfo(window)[1].textoff)
  end
  return math.max(columns, 10)
end

--- Cut chunks of text into rows of so many columns, the last one filled up with spaces.
---@param chunks table[] text and highlight
---@param columns integer
local function folded(chunks, columns)
  local rows, row, width = {}, {}, 0
  for _, chunk in ipairs(chunks) do
    local piece = ""
    for _, character in ipairs(vim.fn.split(chunk[1], "\\zs")) do
      local more = vim.fn.strdisplaywidth(character)
      if width + more > columns then
        row[#row + 1], piece = { piece, chunk[2] }, ""
        rows[#rows + 1], row, width = row, {}, 0
      end
      piece, width = piece .. character, width + more
    end
    row[#row + 1] = { piece, chunk[2] }
  end
  row[#row + 1] = { (" "):rep(columns - width), ADDED }
  rows[#rows + 1] = row
  return rows
end

--- Return a text as Neovim would draw it from a column on: virtual lines know neither tabs nor control characters.
---@return string
---@return integer column where it ends
local function drawn(text, column, tabstop)
  local out = {}
  for piece, tab in text:gmatch("([^\t]*)(\t?)") do
    piece = vim.fn.strtrans(piece)
    column = column + vim.fn.strdisplaywidth(piece)
    local spaces = tab ~= "" and tabstop - column % tabstop or 0
    column = column + spaces
    out[#out + 1] = piece .. (" "):rep(spaces)
  end
  return table.concat(out), column
end

--- Return a line that would come as chunks, with what is new of it.
---@param line string
---@param spans farebox.Span[]
local function chunks_of(line, spans, tabstop)
  local chunks, column, at = {}, 0, 0
  local function add(to, highlight)
    if to > at then
      local text
      text, column = drawn(line:sub(at + 1, to), column, tabstop)
      chunks[#chunks + 1], at = { text, highlight }, to
    end
  end
  for _, span in ipairs(spans) do
    add(span.from, ADDED)
    add(span.to, ADDED_TEXT)
  end
  add(#line, ADDED)
  return chunks
end

---@param buffer integer
---@param row integer
---@param spans farebox.Span[] what of the line would go
local function draw_removed(buffer, row, spans)
  vim.api.nvim_buf_set_extmark(buffer, M.NAMESPACE, row, 0, { line_hl_group = "FareboxRemoved" })
  for _, span in ipairs(spans) do
    vim.api.nvim_buf_set_extmark(buffer, M.NAMESPACE, row, span.from, {
      end_col = span.to,
      hl_group = "FareboxRemovedText",
    })
  end
end

---@param review farebox.Review
local function draw_hunk(review, index, virtual)
  local hunk = review.hunks[index]
  local function add(row, chunks)
    virtual[row] = virtual[row] or {}
    table.insert(virtual[row], chunks)
  end
  local row = hunk.near
  if hunk.row then
    hunk.changed = hunk.changed or { words.between(hunk.old, hunk.new) }
    local in_old, in_new = unpack(hunk.changed)
    for i = 1, #hunk.old do
      draw_removed(review.buffer, hunk.row + i - 1, in_old[i])
    end
    row = hunk.row + #hunk.old - 1 -- -1 is above the first line
    local columns, tabstop = columns_for(review.buffer), vim.bo[review.buffer].tabstop
    for i, line in ipairs(hunk.new) do
      for _, chunks in ipairs(folded(chunks_of(line, in_new[i], tabstop), columns)) do
        add(row, chunks)
      end
    end
  end
  local hint = ("hunk %d of %d"):format(index, #review.hunks)
  if not hunk.row then
    hint = hint .. ": " .. CHANGED
  elseif index == review.current then
    hint = hint .. ": " .. KEYS
  end
  add(row, { { hint, "FareboxHint" } })
end

--- Make room for what is drawn above the first line: Neovim shows it only to those who scroll.
local function show_top(buffer, count)
  for _, window in ipairs(vim.fn.win_findbuf(buffer)) do
    vim.api.nvim_win_call(window, function()
      local view = vim.fn.winsaveview()
      if view.topline == 1 and view.topfill ~= count then
        vim.fn.winrestview({ topfill = count })
      end
    end)
  end
end

--- Draw what is pending, anew.
---@param review farebox.Review
function M.draw(review)
  vim.api.nvim_buf_clear_namespace(review.buffer, M.NAMESPACE, 0, -1)
  local virtual = {}
  for index, hunk in ipairs(review.hunks) do
    if hunk.state == "pending" then
      draw_hunk(review, index, virtual)
    end
  end
  for row, lines in pairs(virtual) do
    vim.api.nvim_buf_set_extmark(review.buffer, M.NAMESPACE, math.max(row, 0), 0, {
      virt_lines = lines,
      virt_lines_above = row < 0,
    })
  end
  if virtual[-1] then
    show_top(review.buffer, #virtual[-1])
  end
end

return M
