--- Where a block of code belongs: lines in, a range and its new lines out. Pure: it knows no buffer and no window.
--- A model answers with a whole file, with one function of it, or with pieces and comments that stand for the rest.
--- What it left out is kept, as far as that can be told; the reader sees each line that would go.
local guess = require("farebox.review.code")
local M = {}

---@class farebox.Placing
---@field first integer 0-based
---@field last integer end-exclusive
---@field lines string[] what these lines become

local SIMILAR_FILES = 0.6

-- --- anchors -------------------------------------------------------------------------------------

--- Return pairs of lines that are once in each of two texts and in the same order: the longest such list.
local function pairs_of(a, b, from, to)
  local function places(lines, first, last)
    local found = {}
    for i = first, last do
      local key = guess.key_of(lines[i])
      found[key] = found[key] and 0 or i
    end
    return found
  end
  local in_a, in_b = places(a, 1, #a), places(b, from, to)
  local ends, best, previous = {}, {}, {}
  for i, line in ipairs(a) do
    local key = guess.key_of(line)
    local j = in_b[key]
    if in_a[key] == i and j and j > 0 and guess.says_something(key) and not guess.is_placeholder(line) then
      local at = #ends + 1
      while at > 1 and ends[at - 1].b >= j do
        at = at - 1
      end
      local pair = { a = i, b = j }
      previous[pair] = ends[at - 1]
      ends[at] = pair
    end
  end
  local pair = ends[#ends]
  while pair do
    table.insert(best, 1, pair)
    pair = previous[pair]
  end
  return best
end

local function find_definition(chunk, lines, from, to)
  local best, first, last = -1, nil, nil
  for row = from, to do
    if guess.definition(lines[row]) == chunk.name then
      local stop = guess.block_end(lines, row, to)
      local score = guess.likeness(chunk.lines, vim.list_slice(lines, row, stop))
      if score > best then
        best, first, last = score, row, stop
      end
    end
  end
  return first and chunk.head > 1 and guess.prelude(lines, first, from) or first, last
end

--- Find lines that define nothing: by the block that their first line opens, else by what they share with a place.
local function find_lines(chunk, lines, from, to)
  local code = chunk.lines
  local found = pairs_of(code, lines, from, to)
  local head, tail = found[1], found[#found]
  if not head then
    return
  elseif head.a == 1 and #code > 1 and guess.block_end(code, 1, #code) == #code then
    return head.b, guess.block_end(lines, head.b, to)
  end
  local said = #vim.tbl_filter(function(line)
    return guess.says_something(guess.key_of(line))
  end, code)
  if not (head.a == 1 and tail.a == #code and #found > 1) and #found * 2 < said then
    return
  end
  local a, first = head.a, head.b
  while a > 1 and first > from and guess.is_like(code[a - 1], lines[first - 1]) do
    a, first = a - 1, first - 1
  end
  local b, last = tail.a, tail.b
  while b < #code and last < to and guess.is_like(code[b + 1], lines[last + 1]) do
    b, last = b + 1, last + 1
  end
  return first, last
end

-- --- fitting -------------------------------------------------------------------------------------

--- Return the pairs of lines that two texts share, with all that are the same next to one; both ends count as shared.
local function alignment(code, region, stands)
  local anchors = pairs_of(code, region, 1, #region)
  table.insert(anchors, 1, { a = 0, b = 0 })
  anchors[#anchors + 1] = { a = #code + 1, b = #region + 1 }
  local depth = math.huge
  for a, line in ipairs(code) do
    depth = stands[a] and math.min(depth, #guess.indent_of(line)) or depth
  end
  -- A bracket that is as deep as the comment may well close something else than the same one there.
  local function is_same(a, b)
    local key = guess.key_of(code[a])
    return key == guess.key_of(region[b])
      and (guess.says_something(key) or key == "" or #guess.indent_of(code[a]) < depth)
  end
  local all = { anchors[1] }
  for n = 2, #anchors do
    local low, high = all[#all], anchors[n]
    local function is_shared(a, b)
      return low.a < a and a < high.a and low.b < b and b < high.b and not stands[a] and is_same(a, b)
    end
    while is_shared(low.a + 1, low.b + 1) do
      low = { a = low.a + 1, b = low.b + 1 }
      all[#all + 1] = low
    end
    local upward = { high }
    while is_shared(high.a - 1, high.b - 1) do
      high = { a = high.a - 1, b = high.b - 1 }
      table.insert(upward, 1, high)
    end
    vim.list_extend(all, upward)
  end
  return all
end

--- Return which lines of a region a comment between two shared lines stands for: all but those that lines of code
--- next to the shared ones are versions of. If one of these is none, all: it is not known what they replace.
local function left_out(code, region, stands, low, high)
  local first, last = low.b + 1, high.b - 1
  local function versions(a, b, step)
    local count = 0
    while not stands[a] do
      if b < first or b > last or not guess.is_like(code[a], region[b]) then
        return 0
      end
      a, b, count = a + step, b + step, count + 1
    end
    return count
  end
  first = first + versions(low.a + 1, first, 1)
  last = last - versions(high.a - 1, last, -1)
  return vim.list_slice(region, first, last)
end

--- Put the lines of a region in for the comments that stand for them. Nothing is lost because of one: where it is
--- not clear how far it reaches, it stands for all lines between those that are in both texts.
local function expanded(code, region)
  local there = {}
  for _, line in ipairs(region) do
    there[vim.trim(line)] = true
  end
  local stands = vim.tbl_map(function(line)
    return guess.is_placeholder(line) and not there[vim.trim(line)]
  end, code)
  if not vim.tbl_contains(stands, true) then
    return code
  end
  local lines = {}
  local shared = alignment(code, region, stands)
  for n = 2, #shared do
    local low, high = shared[n - 1], shared[n]
    local kept
    for a = low.a + 1, high.a - 1 do
      if not stands[a] then
        lines[#lines + 1] = code[a]
      elseif not kept then
        kept = left_out(code, region, stands, low, high)
        local is_itself = #kept == 0 and code[a]:find("^%s*%.%.%.%s*$")
        vim.list_extend(lines, is_itself and { code[a] } or kept)
      end
    end
    lines[#lines + 1] = code[high.a]
  end
  return lines
end

local function fitted(code, region)
  return expanded(guess.indented(code, region), region)
end

-- --- placings ------------------------------------------------------------------------------------

--- Replace lines, but for the blank ones at both ends.
---@return farebox.Placing
local function replacing(lines, code, first, last)
  local region, blank = guess.trimmed(vim.list_slice(lines, first, last))
  local inner = guess.trimmed(code)
  if #region == 0 or #inner == 0 then
    return { first = first - 1, last = last, lines = fitted(inner, vim.list_slice(lines, first, last)) }
  end
  return { first = first - 1 + blank, last = first - 1 + blank + #region, lines = fitted(inner, region) }
end

--- Say whether code is the whole file anew: most lines are the same, and no definition would go unmentioned at an end.
local function is_whole(lines, code)
  if guess.likeness(lines, code) < SIMILAR_FILES then
    return false
  end
  local found = pairs_of(code, lines, 1, #lines)
  if #found == 0 then
    return true
  end
  local mentioned = {}
  for _, line in ipairs(code) do
    mentioned[guess.key_of(line)] = true
  end
  local head, tail = found[1], found[#found]
  local function loses(first, last)
    for row = first, last do
      local name = guess.definition(lines[row])
      if name and not mentioned[name] then
        return true
      end
    end
    return false
  end
  if loses(1, head.b - 1) or loses(tail.b + 1, #lines) then
    return false
  end
  local chunks = guess.chunks_of(code)
  return not (#chunks == 1 and chunks[1].name)
end

--- Place each piece of code where it was, and keep what is between them. Nil if there is no
--- place for any, or, if it is strict, for one.
---@return farebox.Placing?
local function piecewise(lines, code, from, to, is_strict)
  local chunks = guess.chunks_of(code)
  local placed, waiting = {}, {}
  for _, chunk in ipairs(chunks) do
    local find = chunk.name and find_definition or find_lines
    local first, last = find(chunk, lines, from, to)
    if first then
      local piece = replacing(lines, chunk.lines, first, last)
      piece.ahead, piece.behind, waiting = waiting, {}, {}
      placed[#placed + 1] = piece
    elseif is_strict then
      return nil
    elseif #placed > 0 then
      table.insert(placed[#placed].behind, chunk.lines)
    else
      table.insert(waiting, chunk.lines)
    end
  end
  if #placed == 0 then
    return nil
  end
  table.sort(placed, function(a, b)
    return a.first < b.first
  end)
  local whole = { first = placed[1].first, last = placed[1].first, lines = {} }
  for _, piece in ipairs(placed) do
    if piece.first < whole.last then
      return nil -- two pieces claim the same lines
    end
    vim.list_extend(whole.lines, vim.list_slice(lines, whole.last + 1, piece.first))
    local region = vim.list_slice(lines, piece.first + 1, piece.last)
    for _, new in ipairs(piece.ahead) do
      vim.list_extend(whole.lines, guess.indented(new, region))
      table.insert(whole.lines, "")
    end
    vim.list_extend(whole.lines, piece.lines)
    for _, new in ipairs(piece.behind) do
      table.insert(whole.lines, "")
      vim.list_extend(whole.lines, guess.indented(new, region))
    end
    whole.last = piece.last
  end
  return whole
end

local function has_placeholder(code)
  return vim.iter(code):any(guess.is_placeholder)
end

--- Say whether code is about other lines than those that were asked about: what it defines is only elsewhere.
local function is_elsewhere(lines, code, first, last)
  local is_outside = false
  for _, chunk in ipairs(guess.chunks_of(code)) do
    if chunk.name and find_definition(chunk, lines, first, last) then
      return false
    end
    is_outside = is_outside or (chunk.name and find_definition(chunk, lines, 1, #lines)) ~= nil
  end
  return is_outside
end

--- Say which lines code replaces, and by what.
---@param lines string[] the buffer's
---@param code string[]
---@param options { range?: integer[], cursor?: integer } 0-based: the lines that were asked about, and the cursor's
---@return farebox.Placing
function M.place(lines, code, options)
  local range = options.range
  if range then
    local first = math.max(0, math.min(range[1], #lines))
    local last = math.max(first, math.min(range[2], #lines))
    if not is_elsewhere(lines, code, first + 1, last) then
      local pieces = has_placeholder(code) and piecewise(lines, code, first + 1, last, true)
      return pieces or replacing(lines, code, first + 1, last)
    end
  end
  if #guess.trimmed(lines) == 0 then
    return { first = 0, last = #lines, lines = (guess.trimmed(code)) }
  end
  code = guess.trimmed(code)
  if is_whole(lines, code) then
    return replacing(lines, code, 1, #lines)
  end
  local pieces = piecewise(lines, code, 1, #lines)
  if pieces then
    return pieces
  end
  local row = math.max(0, math.min((options.cursor or #lines) + 1, #lines))
  return { first = row, last = row, lines = code }
end

return M
