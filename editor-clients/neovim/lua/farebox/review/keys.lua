--- The keys of a review: the buffer's own while it is pending, and afterwards what they were before.
local M = {}

---@type string[][] the key, the word of `:Farebox review`, and what it does
M.all = {
  { "gha", "accept", "accept this change" },
  { "ghr", "reject", "reject this change" },
  { "ghA", "accept-all", "accept all changes" },
  { "ghR", "reject-all", "reject all changes" },
  { "]h", "next", "next change" },
  { "[h", "previous", "previous change" },
}

--- Return the words of `:Farebox review`.
---@return string[]
function M.words()
  return vim.tbl_map(function(map)
    return map[2]
  end, M.all)
end

---@return table? the buffer's own mapping
local function own_map(lhs)
  local map = vim.fn.maparg(lhs, "n", false, true)
  return map.buffer == 1 and map or nil
end

---@param review farebox.Review
function M.bind(review)
  vim.api.nvim_buf_call(review.buffer, function()
    for _, map in ipairs(M.all) do
      local lhs, word = map[1], map[2]
      table.insert(review.before, own_map(lhs))
      vim.keymap.set("n", lhs, function()
        require("farebox.review").command(word)
      end, { buffer = review.buffer, nowait = true, desc = "farebox: " .. map[3] })
    end
  end)
end

---@param review farebox.Review
function M.unbind(review)
  vim.api.nvim_buf_call(review.buffer, function()
    for _, map in ipairs(M.all) do
      local held = own_map(map[1])
      if held and held.desc == "farebox: " .. map[3] then
        vim.keymap.del("n", map[1], { buffer = review.buffer })
      end
    end
    for _, map in ipairs(review.before) do
      if not own_map(map.lhs) then
        vim.fn.mapset(map)
      end
    end
  end)
end

return M
