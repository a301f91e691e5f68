-- What there is before setup(): the command and the <Plug> maps. Loads nothing of farebox until one is used.
if vim.g.loaded_farebox then
  return
end
vim.g.loaded_farebox = true

if vim.fn.has("nvim-0.11") == 0 then
  vim.notify("farebox needs Neovim 0.11 or newer", vim.log.levels.WARN)
  return
end

-- The actions of `farebox.keys`, which is not loaded for their names alone.
for _, name in ipairs({ "accept", "accept-word", "accept-line", "next", "previous", "dismiss", "trigger" }) do
  vim.keymap.set("i", ("<Plug>(farebox-%s)"):format(name), function()
    require("farebox.ghost")[name:gsub("-", "_")]()
  end, { desc = "farebox: " .. name:gsub("-", " ") })
end

vim.api.nvim_create_user_command("Farebox", function(command)
  require("farebox.commands").run(command)
end, {
  nargs = "*",
  range = true,
  desc = "farebox: chat, costs and more",
  complete = function(...)
    return require("farebox.commands").complete(...)
  end,
})
