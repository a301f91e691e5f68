"""Neovim: our keys among those of others. A key that has nothing to accept does what it always did."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.neovim import Editor, running

SETUP = "require('farebox').setup({ cmd = fake.start })"
KEYS = """
return vim.iter(vim.api.nvim_get_keymap('i')):filter(function(map)
  return (map.desc or ''):match('^farebox: ') and not map.lhs:match('^<Plug>')
end):fold({}, function(keys, map)
  keys[map.lhs] = map.desc:sub(10)
  return keys
end)
"""


@contextmanager
def with_keys(version: str, folder: Path, script: str) -> Generator[Editor]:
    """Start a Neovim that has run a Vim script before the plugin is set up."""
    with running(version, folder, setup=None) as editor:
        file = folder / "keys.vim"
        file.write_text(script, "utf-8")
        editor.command(f"source {file}")
        editor.lua(SETUP)
        editor.command("set noexpandtab")
        yield editor
        assert editor.messages() == ""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        # LuaSnip's and vsnip's manuals: it stands for itself, which is not mapped again.
        ("imap <silent><expr> <Tab> v:false ? '<Plug>luasnip-expand-or-jump' : '<Tab>'", "ab\tcd"),
        ("imap <Tab> <Tab>zé…\ninoremap z Q", "ab\tQé…cd"),
        ("imap <expr> <Tab> '<Tab>z…'\ninoremap z Q", "ab\tQ…cd"),
        ('inoremap <expr> <Tab> "\\<Left>S"', "aScdb"),
        ('imap <expr> <Tab> "\\<Plug>(zz)"\ninoremap <Plug>(zz) ZZ', "abZZcd"),
        ("inoremap <expr> <Tab> '<lt>b>é…'", "ab<b>é…cd"),
        ('fun! s:F()\n return "S"\nendf\ninoremap <expr> <Tab> <SID>F()', "abScd"),
        ('fun! s:F()\n return "S"\nendf\ninoremap <Tab> <C-r>=<SID>F()<CR>', "abScd"),
        ("inoremap <SID>q QQ\nimap <Tab> <SID>q", "abQQcd"),
        (
            """
            function! Keys()
              return "\\<Left>é…"
            endfunction
            lua vim.keymap.set('i', '<Tab>', vim.fn.Keys, { expr = true, replace_keycodes = false })
            """,
            "aé…cdb",
        ),
        (
            "lua vim.keymap.set('i', '<Tab>', function() return '<Tab>' end, { expr = true, remap = true })",
            "ab\tcd",
        ),
    ],
)
def test_a_mapping_of_tab_does_what_it_did_in_the_order_of_the_keys(
    version: str, tmp_path: Path, script: str, expected: str
):
    with with_keys(version, tmp_path, script) as editor:
        editor.keys("iab<Tab>cd<Esc>")  # in one breath, as when more is typed than Neovim has got to
        assert (editor.buffer_text, editor.mode) == (expected, "n")


def test_a_macro_a_script_and_an_abbreviation_have_their_keys_in_order(version: str, tmp_path: Path):
    with with_keys(version, tmp_path, "iabbrev teh the") as editor:
        editor.keys("qaAx<Tab>y<Esc>q@a")
        assert (editor.buffer_text, editor.mode) == ("x\tyx\ty", "n")
        editor.command(r'execute "normal ccA\<Tab>q"')
        editor.lua("vim.api.nvim_feedkeys(vim.keycode('A<Tab>z<Esc>Ateh<C-]>'), 'm', false)")
        editor.settle()
        assert editor.buffer_text == "A\tq\tzthe"


def test_a_mapping_of_one_buffer_does_not_hide_that_of_all(version: str, tmp_path: Path):
    script = """
    inoremap <Tab> all
    inoremap <M-]> all
    inoremap <buffer> <Tab> one
    inoremap <buffer> <M-]> one
    """
    with with_keys(version, tmp_path, script) as editor:
        editor.keys("i<Tab><M-]><Esc>")
        assert editor.buffer_text == "oneone"
        editor.command("new")
        editor.keys("i<Tab><M-]><Esc>")
        assert editor.buffer_text == "allall"


def test_who_maps_tab_later_and_falls_back_to_ours_is_no_endless_round(version: str, tmp_path: Path):
    with with_keys(version, tmp_path, "inoremap <Tab> first") as editor:
        editor.lua(
            """
            local ours = vim.fn.maparg('<Tab>', 'i', false, true)
            count = 0
            vim.keymap.set('i', '<Tab>', function()
              count = count + 1
              if count < 9 then ours.callback() end
            end)
            """
        )
        editor.lua(SETUP)
        editor.keys("i<Tab><Esc>")
        assert (editor.buffer_text, editor.lua("return count")) == ("first", 1)


def test_another_setup_gives_back_the_keys_that_it_does_not_want(version: str, tmp_path: Path):
    with with_keys(version, tmp_path, "inoremap <Tab> first") as editor:
        before = editor.lua(KEYS)
        assert len(before) == 7
        editor.lua(SETUP)
        assert editor.lua(KEYS) == before
        editor.lua(
            """
            require('farebox').setup({
              cmd = fake.start,
              keys = { accept = '<C-l>', next = '<C-]>', dismiss = false },
            })
            """
        )
        assert {key: editor.lua(KEYS).get(key) for key in ("<C-L>", "<C-]>", "<Tab>", "<M-]>")} == {
            "<C-L>": "accept the suggestion",
            "<C-]>": "show the next suggestion",
            "<Tab>": None,
            "<M-]>": None,
        }
        assert editor.lua("return require('farebox.keys').skipped()") in ([], {})
        editor.keys("i<Tab><Esc>")
        assert editor.buffer_text == "first"
        editor.lua("require('farebox').setup({ cmd = fake.start, keys = false })")
        assert editor.lua(KEYS) in ([], {})
