"""Neovim: whatever one does, in any order, the buffer has what the keys say plus exactly what was accepted.

The oracle is a Neovim without the plugin: it gets the same keys, and where a suggestion was accepted the text
that was accepted, put in by the same call.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.neovim import Editor, running

pytestmark = pytest.mark.timeout(300)

INLINE = "textDocument/inlineCompletion"
ACCEPT = {"<Tab>": "all", "<M-Right>": "word", "<M-Down>": "line"}
OURS = ("<M-]>", "<M-[>", "<C-]>", "<M-Bslash>")
# `silent!`: after a message Neovim waits three seconds before it goes back to insert mode.
KEYS = [
    *"ab é(",
    "<CR>",
    "<BS>",
    "<Esc>",
    "i",
    "A",
    "o",
    "u",
    "<Esc><C-r>",
    "<C-o>:silent! undo<CR>",
    "<C-u>",
    "<Left>",
    "<Up>",
    "<Esc>dd",
    "<Esc>u",
    "<Esc>A",
    "<C-n>",
    "<C-y>",
    "<C-e>",
    "paste",
    "answer",
    *OURS,
    *ACCEPT,
    *ACCEPT,
]
SUGGESTIONS = ["ab", "a b\n  é😀(b)\n", "b", "\n\tab", "é a\r\nb", "", "x"]

# Notes what was inserted by us, with the place: the oracle does the same.
WATCH = """
accepted = {}
local group = vim.api.nvim_create_augroup('watch', {})
vim.api.nvim_create_autocmd('User', {
  group = group,
  pattern = 'FareboxGhostAccepted',
  callback = function(event) table.insert(accepted, event.data.text) end,
})
"""
ORACLE_INSERT = """
local text = ...
local row, column = unpack(vim.api.nvim_win_get_cursor(0))
local lines = vim.split(text, '\\n', { plain = true })
vim.bo.undolevels = vim.bo.undolevels
vim.api.nvim_buf_set_text(0, row - 1, column, row - 1, column, lines)
vim.api.nvim_win_set_cursor(0, { row + #lines - 1, #lines == 1 and column + #text or #lines[#lines] })
vim.bo.undolevels = vim.bo.undolevels
"""
DRAWN = """
local ghost = vim.api.nvim_create_namespace('farebox.ghost')
local words = {}
local function add(chunks)
  for _, chunk in ipairs(chunks or {}) do
    words[#words + 1] = chunk[2] == 'FareboxGhost' and chunk[1] or ''
  end
end
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, ghost, 0, -1, { details = true })) do
  add(mark[4].virt_text)
  vim.iter(mark[4].virt_lines or {}):each(add)
end
return table.concat(words)
"""
PASTE = "vim.api.nvim_paste('p\\nq', true, -1)"
RESET = """
vim.cmd('stopinsert')
vim.cmd('silent! bwipeout!')
vim.cmd.edit(...)
vim.cmd('set noexpandtab autoindent')
"""


@pytest.fixture(scope="module", params=["0.11", "newest"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Editor, Editor]]:
    """The plugin's Neovim, and one without it."""
    folder = tmp_path_factory.mktemp("pair")
    with (
        running(request.param, folder / "ours", setup="{ cmd = fake.start }") as ours,
        running(request.param, folder / "oracle", setup=None) as oracle,
    ):
        ours.lua(WATCH)
        ours.lua("fake.holds[...] = true", INLINE)
        yield ours, oracle


def reset(editor: Editor, name: str) -> None:
    file: Path = editor.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("one(a)\n  two\n", "utf-8")
    editor.keys("<Esc><Esc>")
    editor.lua(RESET, str(file))


def answer(editor: Editor, text: str) -> None:
    """Let the server answer the oldest request that waits."""
    editor.lua(
        "fake.ghost = { ..., 'ab', 'b b' }; local id = fake.waiting()[1]; if id then fake.reply(id) end", text
    )
    editor.settle()


def press(ours: Editor, oracle: Editor, key: str, suggestion: str) -> None:
    if key == "answer":
        answer(ours, suggestion)
    elif key == "paste":
        ours.lua(PASTE)
        oracle.lua(PASTE)
        ours.settle()
    elif key in (*OURS, *ACCEPT) and not ours.mode.startswith("i"):
        pass
    elif key.startswith("<M-") and ours.mode != "i":
        pass  # a mapped key ends Vim's own completion, and the oracle has no such map
    elif key in OURS:
        is_visible = ours.lua("return require('farebox.ghost').is_visible()")
        ours.keys(key)
        if key == "<C-]>" and not is_visible:
            oracle.keys(key)
    elif key in ACCEPT:
        count, drawn = ours.lua("return #accepted"), without_spaces(ours.lua(DRAWN))
        ours.keys(key)
        taken = ours.lua("return { unpack(accepted, ... + 1) }", count)
        if taken:
            assert without_spaces(taken[0]) == drawn[: len(without_spaces(taken[0]))], "it was not shown"
            oracle.lua(ORACLE_INSERT, taken[0])
            oracle.settle()
        elif key == "<Tab>":
            oracle.keys(key)
    else:
        ours.keys(key)
        oracle.keys(key)


def without_spaces(text: str) -> str:
    """Return what can be compared: tabs and line ends are drawn otherwise."""
    return "".join(text.split())


def state_of(editor: Editor) -> tuple[list[str], tuple[int, int], str]:
    return editor.lines(), editor.cursor, editor.mode


steps = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(SUGGESTIONS)), min_size=4, max_size=25)


@given(steps)
@example([("A", ""), ("answer", "ab"), ("a", ""), ("<Tab>", ""), ("<Esc>u", ""), ("<Esc>u", "")])
@example(
    [
        ("o", ""),
        ("answer", "a b\n  c"),
        ("<M-Right>", ""),
        ("<C-o>:silent! undo<CR>", ""),
        ("answer", "x"),
        ("<M-Down>", ""),
    ]
)
@example([("A", ""), ("answer", "ab"), ("paste", ""), ("answer", "b"), ("<Tab>", ""), ("<C-u>", "")])
@settings(
    max_examples=int(os.environ.get("FAREBOX_TEST_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_buffer_is_what_the_keys_say_plus_what_was_accepted(
    pair: tuple[Editor, Editor], sequence: list[tuple[str, str]]
):
    """``FAREBOX_TEST_EXAMPLES`` says how many sequences, for longer runs than the test command's."""
    ours, oracle = pair
    for editor in pair:
        reset(editor, "a.txt")
    ours.wait(
        "the server", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )
    ours.command("messages clear")
    done = []
    for key, suggestion in sequence:
        press(ours, oracle, key, suggestion)
        done.append((key, suggestion))
        assert state_of(ours) == state_of(oracle), json.dumps(done)
    ours.keys("<Esc><Esc>")
    assert ours.lua("return fake.waiting()") == []
    assert ours.lua("return vim.tbl_count(require('farebox.server').client().requests)") == 0
    assert "ghost" not in ours.lua("return vim.inspect(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, {}))")
    marks = ours.lua(
        "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('farebox.ghost'), 0, -1, {})"
    )
    assert marks == 0, "something is drawn in normal mode"
    wrong = [
        line for line in ours.messages().split("\n") if "farebox" in line and "nothing to suggest" not in line
    ]
    assert wrong == []
    assert "Error" not in ours.messages()
