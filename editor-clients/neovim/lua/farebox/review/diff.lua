--- What a review looks like: the lines that would go, below them those that would come, and what the keys are.
local M = {}

local CHANGED = "its lines have changed · ghr reject"
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

--- Cut a text into pieces of so many columns, the last one filled up with spaces.
local function folded(words, columns)
  local missing = columns - vim.fn.strdisplaywidth(words)
  if missing >= 0 then
    return { words .. (" "):rep(missing) }
  end
  local rows, row, width = {}, {}, 0
  for _, character in ipairs(vim.fn.split(words, "\\zs")) do
    local more = vim.fn.strdisplaywidth(character)
    if width + more > columns then
      rows[#rows + 1], row, width = table.concat(row), {}, 0
    end
    row[#row + 1], width = character, width + more
  end
  rows[#rows + 1] = table.concat(row) .. (" "):rep(columns - width)
  return rows
end

--- Return a line as Neovim would draw it: virtual lines know neither tabs nor control characters.
local function drawn(line, tabstop)
  local out, width = {}, 0
  for piece, tab in line:gmatch("([^\t]*)(\t?)") do
    piece = vim.fn.strtrans(piece)
    width = width + vim.fn.strdisplaywidth(piece)
    local spaces = tab ~= "" and tabstop - width % tabstop or 0
    width = width + spaces
    out[#out + 1] = piece .. (" "):rep(spaces)
  end
  return table.concat(out)
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
    for i = 0, #hunk.old - 1 do
      vim.api.nvim_buf_set_extmark(
        review.buffer,
        M.NAMESPACE,
        hunk.row + i,
        0,
        { line_hl_group = "FareboxRemoved" }
      )
    end
    row = hunk.row + #hunk.old - 1 -- -1 is above the first line
    local columns = columns_for(review.buffer)
    for _, line in ipairs(hunk.new) do
      for _, piece in ipairs(folded(drawn(line, vim.bo[review.buffer].tabstop), columns)) do
        add(row, { { piece, "FareboxAdded" } })
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
