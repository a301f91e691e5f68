"""Neovim: the one server, its start, its end, and what is told of it."""

import json
import sys
from pathlib import Path

import pytest

from support.neovim import Editor, running

READY = "return require('farebox.server').client() ~= nil"
MINE = "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
INLINE = "textDocument/inlineCompletion"


def told(editor: Editor) -> list[str]:
    """Return the messages that the user got, without what Vim says of files."""
    return [line for line in editor.messages().split("\n") if "farebox" in line and "/" not in line]


def kill(editor: Editor) -> None:
    """End the server, and wait until that is heard: it comes back by itself soon after."""
    editor.lua(
        """
        is_heard = false
        local function hear() is_heard = true end
        vim.api.nvim_create_autocmd('User', { pattern = 'FareboxServerExited', once = true, callback = hear })
        fake.exit(0, 9)
        """
    )
    editor.wait("its end to be heard", "return is_heard")


def test_a_file_starts_the_server_and_all_roots_share_it(editor: Editor):
    editor.lua("require('farebox.config').current.settings = { strategy = 'cheap' }")
    for root in ("one", "two"):
        (editor.folder / root / ".git").mkdir(parents=True)
        editor.open(f"{root}/a.py", "x = 1\n")
        editor.wait("the server", MINE)
    editor.open("nowhere/a.py", "x = 1\n")
    editor.wait("the server", MINE)
    assert editor.lua("return fake.started") == 1
    (initialize,) = editor.lua("return fake.told('initialize')")
    assert initialize["initializationOptions"] == {"settings": {"strategy": "cheap"}}
    assert [folder["name"] for folder in initialize["workspaceFolders"]] == [str(editor.folder / "one")]
    ((added,),) = [
        told["event"]["added"]
        for told in editor.lua("return fake.told('workspace/didChangeWorkspaceFolders')")
    ]
    assert added["name"] == str(editor.folder / "two")


def test_buffers_that_are_no_files_are_not_the_servers(editor: Editor):
    editor.open("a.py")
    editor.wait("the server", MINE)
    editor.command("enew | set filetype=python")
    editor.command("help")
    editor.settle()
    assert editor.lua("return fake.count('textDocument/didOpen')") == 1


def test_a_server_that_is_killed_comes_back_with_one_message(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    editor.lua("fake.holds[...] = true; failures = {}", INLINE)
    editor.lua(
        "require('farebox.server').call('models', {}, print, function(f) table.insert(failures, f.kind) end)"
    )
    editor.lua("fake.holds['farebox/models'] = true")
    editor.lua(
        "require('farebox.server').call('models', {}, print, function(f) table.insert(failures, f.kind) end)"
    )
    editor.keys("Ay")
    kill(editor)
    editor.wait("its return", MINE)
    assert editor.lua("return failures") == ["serverEnded"]
    assert editor.lua("return fake.started") == 2
    (message,) = told(editor)
    assert message == "farebox: the server has ended (signal 9) and is started again"
    opened = editor.lua("return fake.told('textDocument/didOpen')")
    assert [one["textDocument"]["text"] for one in opened] == ["x\n", "xy\n"]
    editor.keys("z")
    editor.wait("a request", "return #fake.waiting() == 1")


def test_a_server_that_is_killed_three_times_in_a_minute_stays_down_with_a_reason(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    editor.lua("fake.notify('farebox/status', { state = 'ready', message = 'ready', todayUsd = '0.42' })")
    for _ in range(2):
        kill(editor)
        editor.wait("its return", MINE)
    kill(editor)
    editor.wait("the reason", lambda: "stays down" in editor.messages())
    assert len(told(editor)) == 3
    assert editor.lua("return require('farebox').status()") == "farebox $0.42 off"
    editor.keys("Ay<Esc>")
    editor.open("b.py", "x\n")
    editor.settle()
    assert editor.lua("return fake.started") == 3
    answer = editor.lua(
        """
        local failure
        require('farebox.server').call('models', {}, print, function(f) failure = f end)
        return failure
        """
    )
    assert answer["message"] == "the server stays down: it ended 3 times in a minute (signal 9)"
    editor.command("Farebox restart")
    editor.wait("the server", READY)
    assert "E5" not in editor.messages()


def test_a_server_that_is_stopped_by_hand_stays_down_in_silence(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    editor.command("Farebox stop")
    editor.wait("its end", "return require('farebox.server').client() == nil")
    editor.open("b.py", "x\n")
    editor.settle()
    assert editor.lua("return fake.started") == 1
    assert told(editor) == []
    editor.command("Farebox restart")
    editor.wait("the server", READY)
    editor.command("Farebox restart")
    editor.wait("another one", "return fake.started == 3 and require('farebox.server').client() ~= nil")
    editor.wait("the buffer", MINE)
    assert told(editor) == []


def test_what_the_user_waits_for_when_the_server_dies_is_no_message_more(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    editor.lua("fake.holds['farebox/costReport'] = true")
    editor.command("Farebox costs")
    editor.wait("the question", "return #fake.waiting() == 1")
    kill(editor)
    editor.wait("its return", MINE)
    assert told(editor) == ["farebox: the server has ended (signal 9) and is started again"]


def test_what_waits_for_a_server_that_dies_in_its_start_waits_for_the_next_one(editor: Editor):
    editor.lua("fake.holds.initialize = true; fake.results['farebox/models'] = { models = {} }")
    editor.lua("require('farebox.server').call('models', {}, function(result) answer = result end)")
    editor.wait("its start", "return #fake.waiting() == 1")
    editor.lua("fake.holds.initialize = nil")
    kill(editor)
    assert editor.wait("an answer", "return answer") == {"models": []}
    assert len(told(editor)) == 1


def test_what_is_asked_before_there_is_a_server_waits_for_it(editor: Editor):
    editor.lua("fake.results['farebox/models'] = { models = {} }")
    editor.lua(
        """
        local server = require('farebox.server')
        server.call('models', {}, function(result) answer = result end)
        server.call('doctor', {}, function() answer = 'no' end).cancel()
        """
    )
    assert editor.wait("an answer", "return answer") == {"models": []}
    assert editor.lua("return { fake.started, fake.count('farebox/doctor') }") == [1, 0]


def test_without_farebox_one_message_says_what_to_do(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = { 'no-such-farebox', 'lsp' } }") as editor:
        editor.open("a.py", "x\n")
        editor.open("b.py", "x\n")
        editor.wait("a message", lambda: "no farebox command was found" in editor.messages())
        editor.keys("ix<Esc>")
        (message,) = told(editor)
        assert "Install it" in message
        assert "Error" not in editor.messages()


def test_without_farebox_who_asks_something_first_is_told_once(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = { 'no-such-farebox', 'lsp' } }") as editor:
        editor.command("Farebox costs")
        editor.settle()
        assert len(told(editor)) == 1
        editor.command("Farebox costs")
        editor.settle()
        assert len(told(editor)) == 2, "who asks again is told again"


def test_a_server_that_cannot_start_stays_down_with_a_reason(version: str, tmp_path: Path):
    command = json.dumps([sys.executable, "-c", "import sys; sys.exit(7)"])
    with running(version, tmp_path, setup=f"{{ cmd = vim.json.decode([==[{command}]==]) }}") as editor:
        editor.open("a.py", "x\n")
        editor.wait("the reason", lambda: "stays down" in editor.messages())
        assert "exit code 7" in editor.lua("return require('farebox.server').down().message")
        assert "Client farebox quit" not in editor.messages()


def test_what_the_server_says_is_one_line_that_needs_no_key(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    text = "farebox: 80 % of the daily budget is spent. " + "It is $5, set by [budgets] daily_usd. " * 9
    editor.lua("fake.notify('window/showMessage', { type = 2, message = ... })", text)
    editor.wait("the message", lambda: "80 %" in editor.messages())
    assert editor.nvim.api.get_mode()["blocking"] is False
    (message,) = told(editor)
    assert message.startswith("farebox: 80 % of the daily budget is spent.")
    assert message.endswith("… (:Farebox status)")
    assert len(message) < 80
    whole = editor.lua("return require('farebox.notice').kept()[1].message")
    assert f"farebox: {whole}" == text
    editor.lua("notified = {}; vim.notify = function(...) table.insert(notified, { ... }) end")
    editor.lua("fake.notify('window/showMessage', { type = 2, message = ... })", text)
    ((said, level, options),) = editor.wait("the plugin's own words", "return #notified > 0 and notified")
    assert (said, level, options) == (text, 3, {"title": "farebox"})


def test_in_a_narrow_window_a_message_has_all_of_the_room(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=40) as editor:
        editor.command("Farebox nothing")
        editor.wait("the message", lambda: "farebox: there is no :F" in editor.messages())
        assert editor.nvim.api.get_mode()["blocking"] is False


def test_a_server_of_another_protocol_is_told_of(editor: Editor):
    editor.lua(
        "fake.results.initialize = { capabilities = {}, serverInfo = { name = 'farebox', version = '9.9' } }"
    )
    editor.open("a.py", "x\n")
    editor.wait("a message", lambda: "farebox 9.9 speaks another protocol" in editor.messages())


def test_mistakes_in_the_options_are_all_named_and_change_nothing(version: str, tmp_path: Path):
    with running(version, tmp_path, setup=None) as editor:
        error = editor.lua(
            """
            local ok, why = pcall(require('farebox').setup, {
              colour = 1, ghost = { enabled = 'yes', popup_menu = 'over' }, keys = { accept = 1 },
              chat = { position = 3, keys = { send = true } }, cmd = 'farebox',
              settings = { anything = { goes = 1 } },
            })
            return why
            """
        )
        assert error.startswith("farebox.setup: ")
        for words in (
            "there is no option colour; there are chat, cmd, ghost, keys, settings",
            'ghost.enabled has to be a boolean, not "yes"',
            'ghost.popup_menu has to be one of hide, show, not "over"',
            "keys.accept has to be a key or false",
            "chat.position has to be one of right, left, below, above, tab, not number",
            "chat.keys.send has to be a key or false",
            "cmd has to be a list of words or a function",
        ):
            assert words in error
        assert editor.lua("return require('farebox.config').current.ghost.enabled") is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("ghost = { filetypes = { 'markdown' } }", "ghost.filetypes has to say true or false"),
        ("ghost = { filetypes = { markdown = 'no' } }", "ghost.filetypes has to say true or false"),
        ("chat = { size = -3 }", "chat.size has to be a number above 0"),
        ("chat = { size = 'big' }", "chat.size has to be a number above 0"),
        ("chat = { keys = { send = '' } }", "chat.keys.send has to be a key or false"),
        ("chat = { keys = true }", "chat.keys has to be a table or false"),
        ("keys = { accept = '' }", "keys.accept has to be a key or false"),
        ("cmd = {}", "cmd has to be a list of words or a function"),
    ],
)
def test_an_option_that_would_mean_nothing_is_a_mistake(editor: Editor, options: str, words: str):
    why = editor.lua(f"return select(2, pcall(require('farebox').setup, {{ {options} }}))")
    assert words in why


def test_no_keys_are_bound_in_a_chat_if_the_user_wants_none(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start, chat = { keys = false } }") as editor:
        editor.command("Farebox chat")
        assert editor.lua("return vim.fn.maparg('gR', 'n')") == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("stop now", ':Farebox stop takes no words, so not "now"'),
        ("disable buffer all", ':Farebox disable takes one word, so not "all"'),
        ("model chat auto:cheap me", ':Farebox model takes two words, so not "me"'),
        ("model poetry auto", "there is no task poetry; there are chat, complete,"),
        ("review refuse", "there is no :Farebox review refuse; there are accept, reject,"),
        ("toggle all of it", ":Farebox toggle takes one word"),
        ("toggle tab", 'there is no "tab" to switch; there are buffer and filetype'),
    ],
)
def test_words_that_a_command_does_not_know_are_told_and_nothing_is_done(
    version: str, tmp_path: Path, command: str, words: str
):
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=200) as editor:
        editor.command(f"Farebox {command}")
        editor.wait_for_text(words)
        assert editor.lua("return fake.count('farebox/setModel')") == 0
        assert editor.lua("return require('farebox.config').current.ghost.enabled") is True


def test_commands_are_completed_and_a_wrong_one_is_told(editor: Editor):
    def completed(line: str) -> list[str]:
        return list(editor.nvim.funcs.getcompletion(line, "cmdline"))

    assert completed("Farebox ex") == ["explain"]
    assert "chat" in completed("Farebox ")
    assert completed("Farebox disable ") == ["buffer", "filetype"]
    assert completed("'<,'>Farebox attach sel") == ["selection"]
    assert completed("Farebox disable buffer ") == []
    editor.command("Farebox nonsense")
    editor.wait("a message", lambda: "there is no :Farebox nonsense" in editor.messages())


def test_before_setup_there_are_the_command_and_the_maps_and_nothing_else_is_loaded(
    version: str, tmp_path: Path
):
    with running(version, tmp_path, setup=None) as editor:
        assert loaded(editor) == set()
        assert editor.lua("return vim.fn.exists(':Farebox')") == 2
        assert editor.lua("return require('farebox').status()") == "farebox off"
        editor.keys("i<Plug>(farebox-accept)<Esc>")
        assert "Error" not in editor.messages()


def loaded(editor: Editor) -> set[str]:
    """Return the rooms of the plugin of which something is loaded, without what the fake server needs."""
    names = editor.lua("return vim.tbl_keys(package.loaded)")
    ours = {name.removeprefix("farebox.") for name in names if name.startswith("farebox")}
    return {name.partition(".")[0] for name in ours} - {"version"}


def test_setup_loads_what_a_suggestion_needs_and_nothing_of_the_rest(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        editor.open("a.py", "x\n")
        editor.wait("the server", MINE)
        editor.keys("Ay<Esc>")
        rest = {"chat", "review", "costs", "explain", "models", "login", "health", "float"}
        assert loaded(editor) & rest == set()


@pytest.mark.parametrize(
    ("words", "comes"),
    [
        ("stop restart", True),
        ("restart restart", True),
        ("restart stop", False),
        ("stop", False),
        ("stop start stop", False),
        ("start", True),
        ("stop start", True),
    ],
)
def test_stop_and_restart_in_any_order_leave_what_was_said_last(editor: Editor, words: str, comes: bool):
    def say() -> None:
        for word in words.split():
            editor.command(f"Farebox {word}")

    def is_as_said() -> None:
        editor.settle()
        editor.wait("what was said last", "local server = require('farebox.server'); return " + state)
        if comes:
            assert editor.lua("return #vim.lsp.get_clients({ _uninitialized = true })") == 1
            assert editor.lua("return fake.running") == 1
        else:
            editor.open("c.py", "x\n")
            editor.lua("vim.wait(300)")  # longer than an end is answered with a start
            assert editor.lua("return fake.running") == 0
            editor.command("Farebox start")
            editor.wait("the server", MINE)

    state = "server.client() ~= nil" if comes else "fake.running == 0"
    editor.lua("fake.holds.initialize = true")
    editor.open("a.py", "x\n")  # while it starts
    editor.wait("its start", "return #fake.waiting() == 1")
    editor.lua("fake.holds.initialize = nil")
    say()
    if words == "start":  # it is on its way, but may have hung: another one comes
        editor.wait("another one", "return fake.started == 2")
    is_as_said()
    editor.wait("the buffer", MINE)
    say()  # while it runs
    is_as_said()
    if words == "start":
        assert editor.lua("return fake.started") == 2, "one that runs is left alone"
    editor.wait("the buffer", MINE)
    kill(editor)
    say()  # while it is waited for
    is_as_said()
    assert len(told(editor)) == 1, "only of the kill"
    assert "Error" not in editor.messages()


def test_a_server_that_does_not_want_to_begin_or_cannot_be_run_is_told_of_once(version: str, tmp_path: Path):
    broken = tmp_path / "farebox"
    broken.write_text("#!/no/such/python\n", "utf-8")
    broken.chmod(0o755)
    with running(version, tmp_path, setup=f"{{ cmd = {{ '{broken}', 'lsp' }} }}") as editor:
        editor.lua(
            "failed = 0; require('farebox.server').call('models', {}, print, function() failed = 1 end)"
        )
        editor.wait("the failure", "return failed == 1")
        editor.open("a.py", "x\n")
        editor.open("b.py", "x\n")
        editor.wait("the reason", lambda: "could not be started" in editor.messages())
        editor.settle()
        assert editor.messages().count("\n") <= 4
        assert len([line for line in editor.messages().split("\n") if "farebox:" in line]) == 1
        editor.lua(
            "fake.results.initialize = function() return nil, { code = -32603, message = 'no room' } end"
        )
        editor.lua("require('farebox.config').current.cmd = fake.start")
        editor.command("messages clear | Farebox restart")
        editor.wait("the reason", lambda: "could not be started: no room" in editor.messages())
        editor.open("c.py", "x\n")
        editor.lua("vim.wait(300)")
        assert editor.lua("return { fake.started, fake.running }") == [1, 0]
        assert "Error" not in editor.messages()
        assert "quit" not in editor.messages()
        editor.lua("fake.results.initialize = nil")
        editor.command("Farebox restart")
        editor.wait("the server", MINE)


def test_a_farebox_that_is_installed_later_is_found(version: str, tmp_path: Path):
    late = tmp_path / "bin" / "farebox"
    with running(version, tmp_path, setup=f"{{ cmd = {{ '{late}', 'lsp' }} }}") as editor:
        editor.open("a.py", "x\n")
        editor.wait("a message", lambda: "no farebox command was found" in editor.messages())
        late.parent.mkdir()
        late.write_text("#!/bin/sh\nexec sleep 60\n", "utf-8")
        late.chmod(0o755)
        editor.open("b.py", "x\n")
        editor.wait("its start", "return #vim.lsp.get_clients({ _uninitialized = true }) == 1")
        assert editor.lua("return require('farebox.server').down()") is None


def test_a_server_that_does_not_answer_the_stop_is_killed(editor: Editor):
    editor.open("a.py", "x\n")
    editor.wait("the server", MINE)
    editor.lua("fake.holds.shutdown = true")
    editor.command("Farebox restart")
    editor.wait("another one", "return fake.started == 2")
    editor.wait("the buffer", MINE)
    assert told(editor) == []


def test_a_command_of_the_users_own_language_client_set_up_is_run(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = { 'no-such-farebox' } }") as editor:
        editor.lua("vim.lsp.config('farebox', { cmd = fake.start, filetypes = { 'python' } })")
        editor.open("a.txt", "x\n")
        editor.open("a.py", "x\n")
        editor.wait("the server", MINE)
        assert editor.lua("return fake.count('textDocument/didOpen')") == 1
        kill(editor)
        editor.wait("its return", MINE)
        editor.command("Farebox restart")
        editor.wait("another one", "return fake.started == 3")
        editor.wait("the buffer", MINE)


def test_what_users_want_to_run_when_it_begins_runs_too(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        editor.lua("vim.lsp.config('farebox', { on_init = function() begun = (begun or 0) + 1 end })")
        editor.open("a.py", "x\n")
        for number in (1, 2):
            editor.wait("the server", MINE)
            assert editor.lua("return begun") == number
            assert editor.lua("return require('farebox.server').generation()") == number
            kill(editor)
        editor.wait("its return", MINE)


def test_an_editor_that_is_left_while_the_server_starts_leaves_no_process(version: str, tmp_path: Path):
    command = ["sh", "-c", f"echo $$ > {tmp_path}/pid; exec cat > {tmp_path}/heard"]
    with running(
        version, tmp_path, setup=f"{{ cmd = vim.json.decode([==[{json.dumps(command)}]==]) }}"
    ) as editor:
        editor.open("a.py", "x\n")
        heard = tmp_path / "heard"
        editor.wait("its start", lambda: heard.exists() and "initialize" in heard.read_text("utf-8"))
    editor.wait_for_end(int((tmp_path / "pid").read_text("utf-8")))
