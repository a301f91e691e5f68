"""Neovim: what was spent, in a float, as a page and in the statusline; and what a budget has to say."""

from pathlib import Path
from typing import Any

from farebox.costs import DIMENSIONS
from support.neovim import Editor, lua_table, running

REPORT = """\
Costs since 2026-11-23 00:00

 model                     requests       cost      saved  share
 ───────────────────────────────────────────────────────────────
 openrouter/vendor/small         12  $0.004025  $0.009295  ███▎
 openrouter/vendor/large          3  $0.0120    $0.0      ██████▋
 ───────────────────────────────────────────────────────────────
 total                           15  $0.016025  $0.009295

first token: half of the time within 43 ms, nine times in ten within 52 ms

daily budget: $0.016025 of $5.00 spent, $0.00 held, resets at 2026-11-24 00:00  ▏
"""

FLOAT = """\

~
~
~
~  ╭ farebox costs: today, by model ──────────────────────────────────────────╮
~  │Costs since 2026-11-23 00:00                                              │
~  │                                                                          │
~  │ model                     requests       cost      saved  share          │
~  │ ───────────────────────────────────────────────────────────────          │
~  │ openrouter/vendor/small         12  $0.004025  $0.009295  ███▎           │
~  │ openrouter/vendor/large          3  $0.0120    $0.0      ██████▋         │
~  │ ───────────────────────────────────────────────────────────────          │
~  │ total                           15  $0.016025  $0.009295                 │
~  │                                                                          │
~  │first token: half of the time within 43 ms, nine times in ten within 52 ms│
~  │                                                                          │
~  │daily budget: $0.016025 of $5.00 spent, $0.00 held, resets at 2026-11-24  │
~  │00:00 ▏                                                                   │
~  ╰ t today  7 days  m month  h page  q close ───────────────────────────────╯
"""

STATUS: dict[str, Any] = {
    "state": "ready",
    "message": "ready",
    "model": "openrouter/vendor/small",
    "todayUsd": "0.42",
    "budgets": [
        {
            "name": "daily",
            "limitUsd": "5.00",
            "spentUsd": "0.42",
            "heldUsd": "0.00",
            "resetsAt": "2026-11-24T00:00:00+00:00",
            "step": "ok",
            "percent": 8,
            "usedUp": False,
            "unchecked": False,
        }
    ],
}


def answer_costs(editor: Editor, result: object) -> None:
    """Let the server answer a cost report."""
    editor.lua(f"fake.results['farebox/costReport'] = {lua_table(result)}")


def asked(editor: Editor) -> dict[str, Any]:
    """Return the params of the last cost report."""
    params: dict[str, Any] = editor.lua(
        "return fake.told('farebox/costReport')[#fake.told('farebox/costReport')]"
    )
    return params


def windows(editor: Editor) -> int:
    return len(editor.nvim.windows)


def test_today_is_shown_in_a_float_whose_keys_change_the_time(editor: Editor) -> None:
    answer_costs(editor, {"text": REPORT})
    editor.command("Farebox costs")
    editor.wait_for_text("farebox costs: today, by model")
    assert editor.screen().startswith(FLOAT.rstrip())
    assert asked(editor) == {"since": "today", "by": ["model"], "format": "table"}
    for key, since, title in [
        ("7", "7d", "the last 7 days"),
        ("m", "month", "this month"),
        ("t", "today", "today"),
    ]:
        editor.keys(key)
        editor.wait_for_text(f"farebox costs: {title}, by model")
        assert asked(editor)["since"] == since
        assert windows(editor) == 2
    editor.keys("q")
    assert windows(editor) == 1
    assert editor.messages() == ""


def test_times_and_groups_may_be_named(editor: Editor) -> None:
    answer_costs(editor, {"text": REPORT})
    for words, since, by in [
        ("7d", "7d", ["model"]),
        ("month by task day", "month", ["task", "day"]),
        ("task", "today", ["task"]),
        ("2026-03-01", "2026-03-01", ["model"]),
        ("24h provider", "24h", ["provider"]),
    ]:
        editor.command(f"Farebox costs {words}")
        editor.wait("the float", "return vim.fn.win_gettype() == 'popup'")
        assert asked(editor) == {"since": since, "by": by, "format": "table"}
        editor.keys("q")
    editor.command("Farebox costs 2026-03-01 2026-04-01")
    editor.wait_for_text("since 2026-03-01 until 2026-04-01, by model")
    assert asked(editor)["until"] == "2026-04-01"
    editor.keys("<Esc>")
    assert set(editor.lua("return require('farebox.costs').GROUPS")) == set(DIMENSIONS)
    completed = editor.nvim.funcs.getcompletion("Farebox costs ", "cmdline")
    assert set(completed) >= {*DIMENSIONS, "today", "yesterday", "7d", "week", "month", "html"}


def test_wrong_words_and_failures_are_told_in_one_line(version: str, tmp_path: Path) -> None:
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=200) as editor:
        editor.command("Farebox costs modle")
        editor.wait_for_text('costs: "modle" is none of today, 7d, month or a date such as 2026-03-01')
        editor.command("Farebox costs html model")
        editor.wait_for_text("costs: the page shows everything at once")
        assert editor.lua("return fake.count('farebox/costReport')") == 0
        editor.lua(
            """
            fake.results['farebox/costReport'] = function()
              return nil, { code = -32070, message = "'9x' is no moment in time",
                data = { kind = "invalidParams", hint = "write a date" } }
            end
            """
        )
        editor.command("Farebox costs 9x")
        editor.wait_for_text("farebox: '9x' is no moment in time. write a date")
        assert windows(editor) == 1


def test_an_answer_that_comes_late_takes_nobodys_cursor(editor: Editor) -> None:
    editor.lua("fake.holds['farebox/costReport'] = true")
    answer_costs(editor, {"text": REPORT})
    editor.command("Farebox costs")
    editor.wait("a question", "return #fake.waiting() == 1")
    editor.keys("ityping")
    editor.lua("fake.reply(fake.waiting()[1])")
    editor.wait("a message", lambda: "the costs are there; :Farebox costs shows them" in editor.messages())
    editor.keys(" on")
    assert (editor.buffer_text, windows(editor), editor.mode) == ("typing on", 1, "i")
    editor.keys("<Esc>")

    editor.command("Farebox costs 7d")  # taken back by the next one
    editor.command("Farebox costs month")
    editor.wait("one question", "return fake.count('$/cancelRequest') == 1 and #fake.waiting() == 1")
    editor.lua("fake.reply(fake.waiting()[1])")
    editor.wait_for_text("farebox costs: this month")
    editor.keys("7")
    editor.wait("a question", "return #fake.waiting() == 1")
    editor.keys("q")
    editor.lua("fake.reply(fake.waiting()[1])")
    editor.settle()
    assert windows(editor) == 1


def test_asked_for_in_insert_mode_it_is_read_in_normal_mode(editor: Editor) -> None:
    answer_costs(editor, {"text": REPORT})
    editor.lua("vim.keymap.set('i', '<F2>', '<Cmd>Farebox costs<CR>')")
    editor.keys("i<F2>")
    editor.wait_for_text("farebox costs: today")
    editor.wait("normal mode", lambda: editor.mode == "n")
    editor.keys("q")
    assert windows(editor) == 1


def test_hostile_reports_and_small_screens_raise_nothing(version: str, tmp_path: Path) -> None:
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=30, lines=8) as editor:
        for result in [
            {},
            None,
            7,
            {"text": None},
            {"text": 3},
            {"text": "a\r\nb\x1b[31m\0c\td"},
            {"text": "x" * 90_000},
        ]:
            answer_costs(editor, result)
            editor.command("Farebox costs 7d")
            editor.wait("the float", "return vim.fn.win_gettype() == 'popup'")
            editor.screen()
            editor.keys("q")
        answer_costs(editor, {"text": REPORT})
        editor.command("Farebox costs")
        editor.wait_for_text("Costs since 2026-11-23")
        editor.keys("Gq")
        assert (windows(editor), editor.messages(), editor.nvim.api.get_mode()["blocking"]) == (1, "", False)


def test_the_page_is_a_file_of_ones_own_and_is_opened(editor: Editor) -> None:
    answer_costs(editor, {"text": "<html>costs</html>"})
    editor.lua("vim.ui.open = function(path) opened = path; return {}, nil end")
    editor.command("Farebox costs html month")
    path = Path(editor.wait("the page", "return opened"))
    assert asked(editor) == {"since": "month", "format": "html"}
    assert path.read_text() == "<html>costs</html>"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert path.parent == Path(editor.nvim.funcs.stdpath("cache")) / "farebox"

    editor.lua("vim.ui.open = function() return nil, 'no handler found' end; vim.o.columns = 400")
    answer_costs(editor, {"text": "<html>again</html>"})
    editor.command("Farebox costs html")
    editor.wait_for_text(f"no browser could be opened; the page of the costs is {path}")
    assert path.read_text() == "<html>again</html>"

    answer_costs(editor, {"text": REPORT})
    editor.command("Farebox costs 7d")
    editor.wait_for_text("the last 7 days")
    answer_costs(editor, {"text": None})
    editor.keys("h")
    editor.wait_for_text("the server sent no page of the costs")
    assert asked(editor) == {"since": "7d", "format": "html"}


def test_the_statusline_has_todays_cost_and_says_what_is_wrong(editor: Editor) -> None:
    editor.lua("vim.o.laststatus = 2; vim.o.statusline = \"[%{v:lua.require'farebox'.status()}]\"")
    editor.open("a.py", "x = 1\n")
    editor.wait("a client", "return require('farebox.server').client() ~= nil")
    for change, shown in [
        ({}, "[farebox $0.42]"),
        ({"state": "busy"}, "[farebox $0.42…]"),
        ({"state": "budget", "todayUsd": "5.001"}, "[farebox $5.00 budget!]"),
        ({"todayUsd": "0.000213"}, "[farebox $0.00021]"),
        ({"todayUsd": None}, "[farebox"),
        ({"state": "offline"}, "[farebox $0.42 offline]"),
    ]:
        editor.lua(f"fake.notify('farebox/status', {lua_table({**STATUS, **change})})")
        editor.wait_for_text(shown)
    assert editor.messages() == ""


def test_a_budget_warning_is_one_message_and_stays_to_be_read(editor: Editor) -> None:
    editor.open("a.py", "x = 1\n")
    editor.wait("a client", "return require('farebox.server').client() ~= nil")
    warning = (
        "farebox: 84 % of the daily budget of $5.00 is spent; "
        + "from 90 % on auto chooses cheaper models " * 3
    )
    editor.lua("fake.notify('window/showMessage', { type = 2, message = ... })", warning)
    for _ in range(3):
        editor.lua(f"fake.notify('farebox/status', {lua_table({**STATUS, 'state': 'budget'})})")
    editor.wait_for_text("farebox: 84 % of the daily budget")
    assert (editor.mode, editor.messages().count("84 %")) == ("n", 1)
    editor.command("Farebox status")
    screen = editor.wait_for_text("farebox status")
    for line in [
        "State      budget: ready",
        "Model      openrouter/vendor/small",
        "Today      $0.42",
        "Server     running, version 0.1.0",
        "  daily  $0.42 of $5.00  8 %  resets at 2026-11-24 00:00",
        "Messages, the last one first",
        "84 % of the daily budget of $5.00 is spent",
    ]:
        assert line in screen
    assert editor.messages().count("84 %") == 1
    editor.keys("q")
    editor.lua("fake.exit(1, 0); require('farebox.server').stop()")
    editor.command("Farebox status")
    editor.wait_for_text("Server     not running")
    assert windows(editor) == 2
    editor.keys("<Esc>")
    assert windows(editor) == 1
