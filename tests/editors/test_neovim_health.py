"""Neovim: the health check, models, keys of providers, and why something was what it was."""

from pathlib import Path
from typing import Any, get_args

from farebox.messages import Task
from support.neovim import Editor, lua_table, running

ROUTE: dict[str, Any] = {
    "requested": "auto",
    "task": "explain",
    "taskFrom": "words",
    "phase": "act",
    "complexity": "low",
    "tier": "fast",
    "strategy": "balanced",
    "evidence": [],
    "model": "openrouter/vendor/small",
    "provider": "openrouter",
    "reason": "auto: the fast tier",
    "attempts": [{"model": "openrouter/vendor/small", "provider": "openrouter", "outcome": "ok", "ms": 13}],
    "candidates": [
        {
            "model": "openrouter/vendor/small",
            "verdict": "chosen",
            "why": "auto: the fast tier",
            "estimatedUsd": "0.0041",
        },
        {
            "model": "openrouter/vendor/large",
            "verdict": "fallback",
            "why": "auto: the fast tier",
            "estimatedUsd": "0.02",
        },
        {"model": "local/tiny", "verdict": "dropped", "why": "too small a context", "estimatedUsd": None},
    ],
}
TURN: dict[str, Any] = {
    "id": "t",
    "kind": "turn",
    "reason": "auto: the fast tier",
    "shown": True,
    "accepted": False,
    "route": ROUTE,
    "usage": {
        "inputTokens": 46,
        "cachedInputTokens": 12,
        "cacheWriteTokens": 0,
        "outputTokens": 45,
        "reasoningTokens": 0,
    },
    "cost": {
        "usd": "0.0002825",
        "basis": "reported",
        "baseline": "vendor/best",
        "baselineUsd": "0.001084",
        "savedUsd": "0.0008015",
    },
    "firstTokenMs": 5,
    "totalMs": 2413,
}
EXPLAINED = """\
An answer of the chat

Why        auto: the fast tier
Model      openrouter/vendor/small, sold by openrouter
Asked for  auto, strategy balanced
Task       explain, told by its words; low complexity, fast tier
Tokens     46 in (12 of them cached), 45 out
Cost       $0.0002825, as the provider has reported it
Saved      $0.0008015 of the $0.001084 that vendor/best would have cost
Time       first token after 5 ms, whole after 2.4 s

Tried
  ok  openrouter/vendor/small  after 13 ms

Considered: auto: the fast tier
  chosen    openrouter/vendor/small  at most $0.0041
  fallback  openrouter/vendor/large  at most $0.02

Considered: too small a context
  dropped  local/tiny"""
SILENCE = {
    "kind": "completion",
    "reason": "not asked: midWord: the cursor stands before the rest of a word: ask by hand",
    "silence": "midWord",
    "shown": False,
    "accepted": False,
    "waitedMs": 0,
}
HOSTILE: list[object] = [
    {},
    None,
    [],
    "text",
    {**TURN, "route": None, "usage": None, "cost": None, "reason": None},
    {
        **TURN,
        "route": {
            "candidates": [None, 3, {}, {"model": "a\r\nb\x00\x1b", "why": None}],
            "attempts": "x",
            "evidence": {},
        },
    },
    {
        **TURN,
        "usage": {"inputTokens": "many"},
        "cost": {"usd": {}, "basis": 7},
        "firstTokenMs": None,
        "totalMs": "x",
    },
]
MODELS = {
    "models": [
        {
            "id": "openrouter/vendor/small",
            "inputUsdPerMTok": "0.1",
            "outputUsdPerMTok": "0.5",
            "contextWindow": 1_048_576,
            "state": "ready",
        },
        {
            "id": "mistral/m",
            "inputUsdPerMTok": None,
            "outputUsdPerMTok": None,
            "contextWindow": None,
            "state": "missingKey",
        },
        {"id": None},
        7,
    ]
}
DOCTOR = {
    "checks": [
        {"name": "chat", "state": "ok", "message": "goes to auto", "hint": ""},
        {"name": "complete", "state": "warning", "message": "no key", "hint": "Set one."},
        {"name": "ledger", "state": "error", "message": "broken\r\nfile", "hint": "Mend it."},
        {"name": None, "state": None},
        3,
    ]
}
SECRET = "sk-very-secret-0123456789"


def answer(editor: Editor, method: str, result: object) -> None:
    """Let the server answer a method of ours."""
    editor.lua(f"fake.results['farebox/{method}'] = {lua_table(result)}")


def checked(editor: Editor) -> str:
    """Return the text of the health check."""
    editor.command("silent checkhealth farebox")
    return editor.buffer_text


def test_an_answer_and_a_silence_are_explained(editor: Editor) -> None:
    answer(editor, "explain", TURN)
    editor.command("Farebox explain")
    editor.wait_for_text("farebox explain")
    assert editor.buffer_text == EXPLAINED
    editor.keys("q")
    answer(editor, "explain", SILENCE)
    editor.lua("require('farebox.explain').show('some-id')")
    editor.wait_for_text("No suggestion")
    assert editor.lua("return fake.told('farebox/explain')[2].id") == "some-id"
    assert editor.lines()[2:] == [f"Why        {SILENCE['reason']}", "Silence    midWord"]
    editor.keys("q")
    assert len(editor.nvim.windows) == 1


def test_the_float_is_as_high_as_its_folded_lines(version: str, tmp_path: Path) -> None:
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=40, lines=30) as editor:
        answer(editor, "explain", {**SILENCE, "reason": "there are some characters too few, " * 5 + "enough"})
        editor.command("Farebox explain")
        screen = editor.wait_for_text("midWord")
        assert "enough" in screen
        below = screen.partition("midWord")[2].splitlines()
        assert "╰ q close" in below[1], screen


def test_hostile_explanations_raise_nothing_on_a_small_screen(version: str, tmp_path: Path) -> None:
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=30, lines=8) as editor:
        for result in HOSTILE:
            answer(editor, "explain", result)
            editor.command("Farebox explain")
            editor.wait("the float", "return vim.fn.win_gettype() == 'popup'")
            editor.keys("q")
        assert editor.messages() == ""


def test_a_model_is_set_by_name_or_chosen(editor: Editor) -> None:
    answer(editor, "models", MODELS)
    assert editor.nvim.funcs.getcompletion("Farebox model chat ", "cmdline") == [
        "auto",
        "auto:cheap",
        "auto:balanced",
        "auto:quality",
    ]
    assert set(editor.lua("return require('farebox.models').TASKS")) == set(get_args(Task))
    editor.wait("the models", "return #require('farebox.models').names() == 6")
    editor.command("Farebox model edit auto:cheap")
    editor.wait_for_text("farebox: edit goes to auto:cheap until the server ends")
    assert editor.lua("return fake.told('farebox/setModel')") == [{"task": "edit", "model": "auto:cheap"}]
    editor.lua(
        """
        vim.ui.select = function(items, options, on_choice)
          labels = vim.tbl_map(options.format_item, items)
          on_choice(items[5])
        end
        """
    )
    editor.command("Farebox model")
    editor.wait("the choice", "return fake.count('farebox/setModel') == 2")
    assert editor.lua("return labels")[4:] == [
        "openrouter/vendor/small  $0.10 in, $0.50 out     1.05M",
        "mistral/m                price unknown                  no key",
    ]
    editor.lua("require('farebox.models').pick(function(name) picked = name end)")
    assert editor.wait("the pick", "return picked") == "openrouter/vendor/small"


def login_prompt(editor: Editor) -> None:
    """Ask to type a key, and wait until it can be typed: what was typed before is not for the prompt."""
    editor.lua("vim.schedule(function() vim.cmd('Farebox login mistral') end)")
    editor.wait("a prompt", lambda: editor.nvim.api.get_mode()["mode"] == "c")


def test_a_key_that_is_typed_goes_to_the_server_and_nowhere_else(editor: Editor) -> None:
    editor.lua("vim.lsp.set_log_level('debug')")
    login_prompt(editor)
    editor.nvim.input(f"{SECRET}<CR>")
    editor.wait("the key", "return fake.count('farebox/setCredential') == 1")
    assert editor.lua("return fake.told('farebox/setCredential')") == [
        {"provider": "mistral", "secret": SECRET}
    ]
    editor.wait("a message", lambda: "kept until the server ends; `farebox auth" in editor.messages())
    assert (editor.mode, editor.lua("return vim.lsp.log.get_level()")) == ("n", 1)
    seen = [editor.messages(), editor.screen(), editor.nvim.command_output("registers")]
    seen += [editor.nvim.command_output(f"history {kind}") for kind in ("cmd", "search", "expr", "input")]
    log = Path(editor.lua("return vim.lsp.log.get_filename()"))
    seen.append(log.read_text("utf-8") if log.exists() else "")
    assert SECRET not in "".join(seen)
    editor.lua("fake.exit(1, 0)")
    editor.wait("its return", "return require('farebox.server').generation() == 2")
    login_prompt(editor)
    editor.nvim.input("<CR>")
    editor.wait("a message", lambda: "no key was given" in editor.messages())
    assert editor.lua("return fake.count('farebox/setCredential')") == 1


def test_the_health_check_says_what_is_well_and_what_to_do(editor: Editor) -> None:
    answer(editor, "doctor", DOCTOR)
    editor.lua("package.loaded['supermaven-nvim'] = {}")
    text = checked(editor)
    for finding in [
        "OK setup() was called",
        "the server is started by a function of yours (option cmd)",
        "OK the server is version 0.1.0, as this plugin is",
        "OK it speaks protocol 1",
        f"its log: {editor.lua('return vim.lsp.log.get_filename()')}",
        "OK chat: goes to auto",
        "WARNING complete: no key",
        "- Set one.",
        "ERROR ledger: broken file",
        "OK <Tab>: accept the suggestion",
        "OK <M-]>: show the next suggestion",
        "WARNING supermaven-nvim draws ghost text as well",
    ]:
        assert finding in text, f"{finding}\n{text}"
    assert "E5108" not in text
    assert "Failed to run" not in text


def test_the_health_check_of_a_server_that_hangs_or_is_not_there_ends(version: str, tmp_path: Path) -> None:
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        editor.lua("fake.holds['farebox/doctor'] = true")
        editor.lua("require('farebox.health').PATIENCE_MS = 50")
        assert "ERROR the server has not answered within 0.05 s" in checked(editor)
        editor.wait("it is taken back", "return fake.count('$/cancelRequest') == 1")
    with running(version, tmp_path, setup="{ cmd = { '/nowhere/farebox', 'lsp' } }") as editor:
        text = checked(editor)
        assert "ERROR no farebox command was found" in text
        assert "Install it (pipx install farebox)" in text
    with running(version, tmp_path, setup=None) as editor:
        assert "WARNING setup() was not called" in checked(editor)
