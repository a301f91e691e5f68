--- What can be told of code by its lines alone, in whatever language: definitions, blocks, indentation, and comments
--- that stand for what was left out. Pure, and never more than a guess: nothing is deleted for what is said here.
local M = {}

---@class farebox.Chunk a definition, or lines between two of them
---@field lines string[]
---@field name string? what it defines
---@field head integer the line that defines it; what is above are its comments and decorators

local SIMILAR_LINES = 0.6

local function set(words)
  local found = {}
  for word in words:gmatch("%S+") do
    found[word] = true
  end
  return found
end

local FUNCTIONS = set("def function func fn fun sub proc")
local KINDS = set("class struct enum interface trait impl module namespace object record type macro")
local MODIFIERS = set(
  "export default public private protected internal static async pub abstract final local override inline "
    .. "virtual unsafe const extern data sealed partial open"
)
local CONTROL =
  set("if for while switch catch else elseif elif do try with match case when until unless return function")

local LEFT_OUT = { "existing", "unchanged", "rest", "remain", "same", "previous", "omitted", "other" }

-- --- lines ---------------------------------------------------------------------------------------

local function is_blank(line)
  return not line:find("%S")
end

--- Return the spaces and tabs that a line begins with.
function M.indent_of(line)
  return line:match("^[ \t]*")
end

local function width_of(line)
  return #M.indent_of(line):gsub("\t", "        ")
end

--- Say whether a line is a comment that stands for code which was left out.
function M.is_placeholder(line)
  local text = vim.trim(line)
  local body = text:gsub('^[{<]*[!#/%*;%%%-"]+', ""):gsub("[%*/%->}]+$", "")
  local is_comment = body ~= text and not text:find("^[%-%*]%s")
  body = vim.trim(body):lower():gsub("…", "...")
  if body == "..." then
    return true
  elseif not is_comment then
    return false
  end
  local has_dots = body:find("^%.%.%.")
    or (
      body:find("%.%.%.")
      and vim.iter(LEFT_OUT):any(function(word)
        return body:find(word, 1, true) ~= nil
      end)
    )
  local says_so = body:find("^rest .*unchanged$")
    or body:find("^rest .*the same$")
    or body:find("^existing code")
  return (has_dots or says_so) and true or false
end

--- Return what a line defines, such as `function name`; nil if it defines nothing.
function M.definition(line)
  local text = vim.trim(line):gsub("^pub%b()", "pub")
  local rest = text
  while true do
    local word, after = rest:match("^(%a+)%s+(.*)$")
    if not word then
      break
    elseif FUNCTIONS[word] or KINDS[word] then
      local name = after:gsub("^%b()%s*", ""):match("^%*?%s*([%w_.:$]+)")
      return name and ((FUNCTIONS[word] and "function " or word .. " ") .. name:gsub("[.:]+$", "")) or nil
    elseif not MODIFIERS[word] then
      break
    end
    rest = after
  end
  local assigned = text:match("([%w_.$]+)%s*=%s*a?s?y?n?c?%s*function%f[%W]")
    or text:match("([%w_.$]+)%s*=%s*a?s?y?n?c?%s*%(.*=>")
  local called = text:match("^([%w_~]+)%s*%b()[^;=]*{$")
    or text:match("^[%a_][^=;}]-%f[%w_~]([%w_~]+)%s*%b()[^;=]*{$")
  local name = assigned or (called and not CONTROL[text:match("^%a*")] and not CONTROL[called] and called)
  return name and "function " .. name or nil
end

--- Return what a line is recognised by, however it is indented.
function M.key_of(line)
  return M.definition(line) or vim.trim(line)
end

--- Say whether a line can be recognised by its key: brackets and blank lines are everywhere.
function M.says_something(key)
  return #key:gsub("[^%w_]", "") >= 2
end

--- Say how much two lines have in common, from 0 to 1.
local function likeness_of_lines(a, b)
  a, b = vim.trim(a), vim.trim(b)
  local most = math.min(#a, #b)
  local left, right = 0, 0
  while left < most and a:byte(left + 1) == b:byte(left + 1) do
    left = left + 1
  end
  while right < most - left and a:byte(-right - 1) == b:byte(-right - 1) do
    right = right + 1
  end
  return #a + #b == 0 and 1 or 2 * (left + right) / (#a + #b)
end

--- Say whether a line may be a version of another one.
function M.is_like(a, b)
  local is_other = M.definition(a) or M.definition(b)
  return M.key_of(a) == M.key_of(b) or (not is_other and likeness_of_lines(a, b) >= SIMILAR_LINES)
end

--- Say how many of the lines of two texts are the same, from 0 to 1.
function M.likeness(a, b)
  local counts, all, same = {}, 0, 0
  for _, line in ipairs(a) do
    if not is_blank(line) then
      local key = M.key_of(line)
      counts[key] = (counts[key] or 0) + 1
      all = all + 1
    end
  end
  for _, line in ipairs(b) do
    if not is_blank(line) then
      local key = M.key_of(line)
      all = all + 1
      if (counts[key] or 0) > 0 then
        counts[key] = counts[key] - 1
        same = same + 1
      end
    end
  end
  return all == 0 and 0 or 2 * same / all
end

--- Return lines without the blank ones at both ends, and how many there were before.
function M.trimmed(lines)
  local first, last = 1, #lines
  while first <= last and is_blank(lines[first]) do
    first = first + 1
  end
  while last >= first and is_blank(lines[last]) do
    last = last - 1
  end
  return vim.list_slice(lines, first, last), first - 1
end

-- --- blocks --------------------------------------------------------------------------------------

--- Return the last line of the block that a line opens, by indentation.
function M.block_end(lines, row, to)
  local depth, last = width_of(lines[row]), row
  for i = row + 1, to do
    local line = lines[i]
    if not is_blank(line) then
      local width = width_of(line)
      local text = vim.trim(line)
      local closes = text:find("^[%]%)}]") or text:find("^end%f[%W]") or text:find("^end$")
      if width < depth or (width == depth and not closes and text ~= "{") then
        break
      end
      last = i
      if width == depth and closes and not text:find("[:{]$") then
        break
      end
    end
  end
  return last
end

--- Return the first of the comments and decorators that are directly above a line.
function M.prelude(lines, row, from)
  while row > from do
    local above = lines[row - 1]
    local text = vim.trim(above)
    local belongs = text:find("^[@/#%*]") or text:find("^%-%-") or text:find("^%[")
    if not belongs or M.is_placeholder(above) or width_of(above) ~= width_of(lines[row]) then
      break
    end
    row = row - 1
  end
  return row
end

--- Cut code into its outermost definitions and what is between them. Comments that stand for the rest are left out.
---@return farebox.Chunk[]
function M.chunks_of(code)
  local depth = math.huge
  for _, line in ipairs(code) do
    depth = (is_blank(line) or M.is_placeholder(line)) and depth or math.min(depth, width_of(line))
  end
  local chunks, pending = {}, 1
  local function add(first, last, name, head)
    local lines, blank = M.trimmed(vim.list_slice(code, first, last))
    if #lines > 0 then
      chunks[#chunks + 1] = { lines = lines, name = name, head = head and head - first - blank + 1 or 1 }
    end
  end
  local row = 1
  while row <= #code do
    local line = code[row]
    local is_outer = not is_blank(line) and width_of(line) <= depth
    local name = is_outer and M.definition(line) or nil
    if is_outer and M.is_placeholder(line) then
      add(pending, row - 1)
      pending = row + 1
    elseif name then
      local first = M.prelude(code, row, pending)
      add(pending, first - 1)
      local last = M.block_end(code, row, #code)
      add(first, last, name, row)
      row, pending = last, last + 1
    end
    row = row + 1
  end
  add(pending, #code)
  return chunks
end

--- Return the indentation that all lines share; nil without any.
local function common_indent(lines)
  local common
  for _, line in ipairs(lines) do
    if not is_blank(line) and not M.is_placeholder(line) then
      local indent = M.indent_of(line)
      while common and indent:sub(1, #common) ~= common do
        common = common:sub(1, -2)
      end
      common = common or indent
    end
  end
  return common
end

--- Return what one step of indentation is: a tab, or the fewest spaces that are used.
local function unit_of(lines)
  local unit
  for _, line in ipairs(lines) do
    local indent = M.indent_of(line)
    if indent:find("\t") then
      return "\t"
    elseif indent ~= "" and not is_blank(line) and (not unit or #indent < #unit) then
      unit = indent
    end
  end
  return unit
end

--- Indent code as the lines that it replaces, if it is indented less.
function M.indented(code, region)
  local wanted, given = common_indent(region), common_indent(code)
  if not wanted or not given or width_of(wanted) <= width_of(given) then
    return code
  end
  local inner = vim.tbl_map(function(line)
    return line:sub(#given + 1)
  end, code)
  local theirs, ours = unit_of(inner), unit_of(region)
  return vim.tbl_map(function(line)
    if is_blank(line) then
      return line
    end
    local indent, rest = line:match("^([ \t]*)(.*)$")
    indent = indent:sub(1, #given) == given and indent:sub(#given + 1) or ""
    if theirs and ours and (theirs == "\t") ~= (ours == "\t") then
      indent = indent:gsub(theirs, ours)
    end
    return wanted .. indent .. rest
  end, code)
end

return M
