"""Neovim: the manual says all that there is, and nothing that there is not."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from support.neovim import OLDEST, PLUGIN, Editor, neovim, running
from support.patience import WAIT_S

DOC = PLUGIN / "doc"
MANUAL = (DOC / "farebox.txt").read_text("utf-8")
TAGS = [line.split("\t")[0] for line in (DOC / "tags").read_text("utf-8").splitlines()]
MAX_COLUMNS = 78

OPTION_NAMES = """
local found = {}
local function walk(prefix, options)
  for name, value in pairs(options) do
    local path = prefix .. name
    found[path] = vim.inspect(value, { newline = "", indent = "" })
    if type(value) == "table" and path ~= "chat.keys" then walk(path .. ".", value) end
  end
end
walk("", require("farebox.config").defaults)
return found
"""
PLUG_MAPS = """
local found = {}
for _, map in ipairs(vim.api.nvim_get_keymap("i")) do
  if vim.startswith(map.lhs, "<Plug>(farebox-") then table.insert(found, map.lhs) end
end
return found
"""
REVIEW_KEYS = """
return vim.tbl_map(function(key) return { key[1], key[2] } end, require("farebox.review.keys").all)
"""
EVENTS = (PLUGIN / "lua" / "farebox" / "events.lua").read_text("utf-8")


def tags_beginning(*prefixes: str) -> set[str]:
    """Return what the manual has of a kind, without the prefix."""
    return {tag.removeprefix(prefix) for prefix in prefixes for tag in TAGS if tag.startswith(prefix)}


def test_its_tags_are_those_that_neovim_makes(tmp_path: Path) -> None:
    shutil.copy(DOC / "farebox.txt", tmp_path)
    command = [neovim(OLDEST), "--clean", "--headless", "-c", f"helptags {tmp_path}", "-c", "q"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=WAIT_S, check=False)
    assert done.stderr == ""
    assert (tmp_path / "tags").read_text("utf-8") == (DOC / "tags").read_text("utf-8")


def test_its_lines_fit_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    lines = MANUAL.splitlines()
    assert [line for line in lines if len(line) > MAX_COLUMNS or line != line.rstrip()] == []
    assert lines[-1].startswith("vim:")
    links = {link for link in re.findall(r"\|(\S+)\|", MANUAL) if link not in TAGS}
    with running(OLDEST, tmp_path, setup=None) as editor:
        dead = editor.lua(
            "return vim.tbl_filter(function(tag) return not pcall(vim.cmd.help, tag) end, ...)", sorted(links)
        )
    assert dead == []


def test_each_option_is_documented_with_its_default(editor: Editor) -> None:
    options = editor.lua(OPTION_NAMES)
    assert tags_beginning("farebox-option-") == {*options, "cmd"}
    chat_keys = editor.lua("return require('farebox.config').defaults.chat.keys")
    assert set_of_chat_keys() == chat_keys
    named = re.findall(
        r"^(\S+) +\*farebox-option-(\S+)\*\n    Default (`\S+`|\"\w+\"|true|false|\d+(?:\.\d+)?)",
        MANUAL,
        re.MULTILINE,
    )
    for name, tag, default in named:
        assert (name, options[tag].strip('"').replace("\\\\", "\\")) == (tag, default.strip('`"'))
    assert len(named) == len(
        [name for name, value in options.items() if not value.startswith("{") or value == "{}"]
    )


def set_of_chat_keys() -> dict[str, str]:
    """Return the keys of the chat that the manual has, by their options."""
    return {
        option: key
        for key, option, tag in re.findall(r"^(\S+) +(\w+) +\*farebox-chat-(\S+)\*", MANUAL, re.MULTILINE)
        if option == tag
    }


def test_each_command_is_documented(editor: Editor) -> None:
    assert tags_beginning(":Farebox-") == set(editor.lua("return require('farebox.commands').names()"))


def test_no_command_is_named_that_only_another_plugin_has() -> None:
    texts = [MANUAL, *(file.read_text("utf-8") for file in PLUGIN.rglob("*.lua"))]
    assert {name for text in texts for name in re.findall(r"(?<!\w):([A-Z]\w+)", text)} == {"Farebox"}


def test_each_map_and_key_of_insert_mode_is_documented(editor: Editor) -> None:
    assert tags_beginning("<Plug>") == without("<Plug>", editor.lua(PLUG_MAPS))
    keys = editor.lua("return require('farebox.config').defaults.keys")
    plugs = editor.lua(
        "return vim.tbl_map(function(key) return { key.option, key.plug } end, require('farebox.keys').all)"
    )
    rows = re.findall(r"^(<\S+>) +(\w+) +(<Plug>\S+)", MANUAL, re.MULTILINE)
    assert rows == [(keys[option], option, plug) for option, plug in plugs]


def without(prefix: str, names: Iterable[str]) -> set[str]:
    """Return names without a prefix."""
    return {name.removeprefix(prefix) for name in names}


def test_each_key_of_a_review_is_documented_and_a_command_does_the_same(editor: Editor) -> None:
    keys = dict(editor.lua(REVIEW_KEYS))
    assert tags_beginning("farebox-review-") == {*keys, "keys"}
    words = editor.lua("return require('farebox.commands').all.review.complete({})")
    assert sorted(words) == sorted(keys.values())
    command = MANUAL.partition(":Farebox review [what]")[2].partition("\n:Farebox")[0]
    assert set(re.findall(r"`([a-z-]+)`", command)) == set(words)


def test_each_function_is_documented_and_is_there(editor: Editor) -> None:
    section = MANUAL.partition("*farebox-functions*")[2].partition("12. Events")[0]
    call = re.compile(r"""require\(?["'](farebox[\w.]*)["']\)?\.(\w+)\(""")
    named = set(call.findall(section))
    assert named == set(call.findall(MANUAL))
    for module, function in named:
        assert editor.lua(f"return type(require('{module}').{function})") == "function"
    of_the_plugin = {function for module, function in named if module == "farebox"}
    assert of_the_plugin == set(editor.lua("return vim.tbl_keys(require('farebox'))"))


def test_each_highlight_is_documented_with_its_link(editor: Editor) -> None:
    links = editor.lua("return require('farebox.highlights').links")
    assert tags_beginning("hl-") == set(links)
    assert dict(re.findall(r"^(Farebox\w+) +(\w+) .*\*hl-", MANUAL, re.MULTILINE)) == links


def test_each_event_is_documented() -> None:
    assert {tag for tag in TAGS if tag.startswith("Farebox")} == set(re.findall(r'"(Farebox\w+)"', EVENTS))
