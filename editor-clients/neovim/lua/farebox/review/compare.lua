--- What Neovim's diff says of two lists of texts. Pure.
local M = {}

local diff = vim.text and vim.text.diff or vim.diff -- 0.12 has renamed it

local function joined(texts)
  return #texts == 0 and "" or table.concat(texts, "\n") .. "\n"
end

--- Return what differs.
---@param old string[] without line ends
---@param new string[]
---@param options table of `vim.diff`
---@return integer[][] each: where in the old ones, how many of them, where in the new ones, how many; 1-based
function M.lists(old, new, options)
  options = vim.tbl_extend("error", options, { result_type = "indices" })
  return diff(joined(old), joined(new), options) --[[@as integer[][] ]]
end

return M
