--- Every colour that farebox draws in, as a link to one of the user's colour scheme.
local M = {}

M.links = {
  FareboxGhost = "Comment",
  FareboxGhostHint = "NonText",
  FareboxUser = "Title",
  FareboxAnswer = "Title",
  FareboxFooter = "Comment",
  FareboxHint = "NonText",
  FareboxAttachment = "Directory",
  FareboxFailure = "DiagnosticError",
  FareboxAdded = "DiffAdd",
  FareboxAddedText = "DiffText",
  FareboxRemoved = "DiffDelete",
  FareboxRemovedText = "DiffText",
}

--- Define all; what a user or a colour scheme has defined stays. Colour schemes clear them, so again after each.
function M.define()
  local function define()
    for name, link in pairs(M.links) do
      vim.api.nvim_set_hl(0, name, { link = link, default = true })
    end
  end
  define()
  vim.api.nvim_create_autocmd("ColorScheme", {
    group = vim.api.nvim_create_augroup("farebox.highlights", {}),
    callback = define,
  })
end

return M
