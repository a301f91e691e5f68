"""Neovim: each single frame that is drawn while one types along a suggestion, or takes it piece by piece."""

import pytest

from support.neovim import Editor

# Notes of each frame what its first line looks like, with what is drawn behind the text.
FRAMES = """
frames = {}
local ghosts = vim.api.nvim_create_namespace("farebox.ghost")
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace("frames"), {
  on_win = function(_, _, buffer)
    local line = vim.api.nvim_buf_get_lines(buffer, 0, 1, false)[1]
    for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buffer, ghosts, 0, { 0, -1 }, { details = true })) do
      line = line:sub(1, mark[3]) .. mark[4].virt_text[1][1] .. line:sub(mark[3] + 1)
    end
    table.insert(frames, line)
  end,
})
"""


@pytest.mark.parametrize(
    "keys", [list("hello, wonderful"), ["<M-Right>", "<M-Right>", " ", "w", "<M-Right>"]]
)
def test_a_suggestion_that_goes_on_never_flickers(editor: Editor, keys: list[str]):
    editor.nvim.api.ui_attach(80, 24, {"rgb": True, "ext_linegrid": True})
    editor.open("a.txt")
    editor.wait(
        "the server", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )
    editor.lua("fake.ghost = { 'hello, wonderful world' }")
    editor.keys("ix")
    editor.wait("a suggestion", "return require('farebox.ghost').is_visible()")
    editor.lua(FRAMES)
    for key in keys:
        editor.keys(key)
        editor.command("redraw")
    frames = editor.lua("return frames")
    assert len(frames) >= len(keys)
    assert set(frames) == {"xhello, wonderful world"}
