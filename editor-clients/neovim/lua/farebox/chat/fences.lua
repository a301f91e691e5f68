--- Fenced code blocks in the lines of an answer: where they are, and their code. Pure.
local M = {}

---@class farebox.CodeBlock
---@field first integer the line of its opening fence, 1-based
---@field last integer the line of its closing fence, or its last line while there is none
---@field language string
---@field code string
---@field missing? string the fence that would close it

---@class farebox.Fence
---@field mark string "`" or "~"
---@field length integer
---@field indent integer
---@field language string

--- Columns that come before the text of a line: blanks, and a list's mark where the fence stands right behind one.
local LEADS = { "^%s*", "^%s*[-*+]%s+", "^%s*%d+[.)]%s+" }

---@param line string
---@return farebox.Fence?
local function opening(line)
  for _, lead in ipairs(LEADS) do
    local _, indent = line:find(lead)
    local rest = indent and line:sub(indent + 1) or ""
    local marks = rest:match("^```+") or rest:match("^~~~+")
    local info = marks and vim.trim(rest:sub(#marks + 1))
    local is_fence = marks and not (marks:sub(1, 1) == "`" and info:find("`", 1, true))
    if is_fence then
      return { mark = marks:sub(1, 1), length = #marks, indent = indent, language = info:match("^%S*") }
    end
  end
  return nil
end

---@param line string
---@param fence farebox.Fence
local function closes(line, fence)
  local marks = line:match("^%s*([`~]+)%s*$")
  return marks ~= nil and #marks >= fence.length and marks == fence.mark:rep(#marks)
end

local function without_indent(line, indent)
  local blanks = #line:match("^%s*")
  return line:sub(math.min(blanks, indent) + 1)
end

--- Return all blocks, in order. One that is not closed goes on to the end.
---@param lines string[]
---@return farebox.CodeBlock[]
function M.blocks(lines)
  local blocks, fence, first, code = {}, nil, 0, {}
  local function add(last, missing)
    blocks[#blocks + 1] = {
      first = first,
      last = last,
      language = fence.language,
      code = table.concat(code, "\n"),
      missing = missing,
    }
    fence, code = nil, {}
  end
  for row, line in ipairs(lines) do
    if not fence then
      fence, first = opening(line), row
    elseif closes(line, fence) then
      add(row)
    else
      code[#code + 1] = without_indent(line, fence.indent)
    end
  end
  if fence then
    add(#lines, (" "):rep(fence.indent) .. fence.mark:rep(fence.length))
  end
  return blocks
end

--- Return the block that a line is in, or nil.
---@param lines string[]
---@param row integer 1-based
---@return farebox.CodeBlock?
function M.at(lines, row)
  for _, block in ipairs(M.blocks(lines)) do
    if block.first <= row and row <= block.last then
      return block
    end
  end
  return nil
end

return M
