--- Which words of changed lines differ: in a long line one sees at once what is new.
local compare = require("farebox.review.compare")
local M = {}

local SHARED = 0.6 -- of the characters of both lines: where less stayed, it is another line
local LINES = { linematch = 60 }

---@class farebox.Span bytes of a line, 0-based, without the end
---@field from integer
---@field to integer

--- Return the words, runs of spaces and single signs of a line.
---@param line string
---@return string[] words
---@return farebox.Span[] spans where each is
local function words_of(line)
  local words, spans, at = {}, {}, 1
  while at <= #line do
    local last = select(2, line:find("^[%w_\128-\255]+", at)) or select(2, line:find("^%s+", at)) or at
    words[#words + 1], spans[#spans + 1] = line:sub(at, last):gsub("\n", "\0"), { from = at - 1, to = last }
    at = last + 1
  end
  return words, spans
end

--- Join the spans of words that are neighbours.
---@param spans farebox.Span[]
---@param first integer
---@param count integer
---@param joined farebox.Span[] what there is already
local function join(spans, first, count, joined)
  if count > 0 then
    joined[#joined + 1] = { from = spans[first].from, to = spans[first + count - 1].to }
  end
end

--- Return how many characters of a line, or of parts of it, are no spaces.
local function weight(line, spans)
  local sum = 0
  for _, span in ipairs(spans or { { from = 0, to = #line } }) do
    sum = sum + #line:sub(span.from + 1, span.to):gsub("%s", "")
  end
  return sum
end

local function is_alike(line, spans)
  return weight(line, spans) <= (1 - SHARED) * weight(line)
end

---@param old string
---@param new string
---@return farebox.Span[] in_old
---@return farebox.Span[] in_new
local function between_lines(old, new)
  local old_words, old_spans = words_of(old)
  local new_words, new_spans = words_of(new)
  local in_old, in_new = {}, {}
  for _, found in ipairs(compare.lists(old_words, new_words, {})) do
    join(old_spans, found[1], found[2], in_old)
    join(new_spans, found[3], found[4], in_new)
  end
  if is_alike(old, in_old) and is_alike(new, in_new) then
    return in_old, in_new
  end
  return {}, {}
end

local function none(lines)
  return vim.tbl_map(function()
    return {}
  end, lines)
end

--- Compare the lines of a hunk. What differs is named for lines that have become others, not for new ones.
---@param old string[]
---@param new string[]
---@return farebox.Span[][] in_old for each line, what of it would go
---@return farebox.Span[][] in_new for each line, what of it would come
function M.between(old, new)
  local in_old, in_new = none(old), none(new)
  for _, found in ipairs(compare.lists(old, new, LINES)) do
    local a, b = found[1], found[3]
    for i = 0, found[2] == found[4] and found[2] - 1 or -1 do
      in_old[a + i], in_new[b + i] = between_lines(old[a + i], new[b + i])
    end
  end
  return in_old, in_new
end

return M
