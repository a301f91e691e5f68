"""The command line itself: what it prints without a command, and how it fails."""

import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

import farebox
from farebox.cli.main import main
from farebox.costs import DIMENSIONS
from support.client import Client, Failed
from support.command import hearing_interrupts, read_until, run_farebox, started, terminal, unfinished
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, openrouter_stream


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(home, *arguments, environment=environment)


def test_the_version_is_the_packages(tmp_path: Path):
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"farebox {farebox.__version__}\n", "")


def test_without_a_command_it_says_what_there_is(tmp_path: Path):
    done = run(tmp_path)
    assert done.returncode == 2
    for command in (
        "lsp",
        "demo",
        "chat",
        "complete",
        "route",
        "models",
        "costs",
        "status",
        "replay",
        "auth",
        "doctor",
        "schema",
        "nvim-path",
    ):
        assert f"\n    {command} " in done.stdout


def test_what_goes_wrong_is_one_line_and_a_hint_on_stderr(tmp_path: Path):
    done = run(tmp_path, "chat", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    message, hint = done.stderr.splitlines()
    assert message == "farebox: no model provider is set up"
    assert hint.startswith("  Set a key such as OPENROUTER_API_KEY")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["frobnicate"], "invalid choice: 'frobnicate'", id="unknown-command"),
        pytest.param(["chat", "--loud"], "--loud", id="unknown-option"),
        pytest.param(["costs", "--format", "pdf"], "'pdf'", id="unknown-format"),
        pytest.param(["chat", "--json-standard", "gemini"], "'gemini'", id="unknown-standard"),
        pytest.param(["auth"], "ACTION", id="no-action"),
        pytest.param(["auth", "login"], "provider", id="no-provider"),
        pytest.param(["complete"], "FILE:LINE:COLUMN", id="no-place"),
        pytest.param(["lsp", "--tcp"], "--tcp", id="unknown-transport"),
    ],
)
def test_bad_arguments_are_a_usage_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    own = [word for word in arguments[:2] if word in ("chat", "costs", "auth", "login", "complete", "lsp")]
    assert printed.err.startswith(f"usage: {' '.join(['farebox', *own])} [-h]"), "the command's own usage"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["fro\x1b[31mb\u202e\x9b"], id="command"),
        pytest.param(["chat", "--lo\x1b[31mud\u202e\x9b\nforged"], id="option"),
        pytest.param(["--lo\x1b[31mud\u202e\x9b"], id="option-before-a-command"),
        pytest.param(["costs", "--format", "p\x1b[31mdf\x07"], id="choice"),
        pytest.param(["chat", "--task", "si\x1b[31mng\x07"], id="task"),
        pytest.param(["auth", "list", "\x1b[31m\nforged"], id="too-many"),
    ],
)
def test_a_usage_error_repeats_no_control_character(capsys: pytest.CaptureFixture[str], arguments: list[str]):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert "[31m" in printed
    assert all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf"} for char in printed)
    assert not any(line.startswith("forged") for line in printed.splitlines())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["costs", "--since", "foo"], "'foo' is no moment in time", id="since"),
        pytest.param(["costs", "--by", "nope"], "can't be grouped by 'nope'", id="by"),
        pytest.param(["complete", "a.py"], "a.py does not end in :LINE:COLUMN", id="place"),
        pytest.param(["auth", "login", "nonsense"], "there is no provider nonsense", id="provider"),
        pytest.param(["chat", ""], "the question is empty", id="question"),
    ],
)
def test_arguments_that_make_no_sense_are_a_usage_error_with_a_hint(
    tmp_path: Path, arguments: list[str], words: str
):
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    *usage, error, hint = done.stderr.splitlines()
    command = " ".join(["farebox", *arguments[: 2 if arguments[0] == "auth" else 1]])
    assert usage[0].startswith(f"usage: {command} [-h]")
    assert error.startswith(f"{command}: error: ")
    assert words in error
    assert hint.startswith("  ")


def test_the_help_of_chat_breaks_no_example(tmp_path: Path):
    text = run(tmp_path, "chat", "--help", COLUMNS="80").stdout
    assert '\n  git diff | farebox chat "Review this."\n' in text
    assert "</dev/null" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_help_of_costs_breaks_no_word(tmp_path: Path):
    text = run(tmp_path, "costs", "--help", COLUMNS="80").stdout
    assert ", ".join(DIMENSIONS) in " ".join(text.split())
    assert "a date, which includes that day" in text


def answered(upstream: Upstream, folder: Path, shell: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell in which $0 is Python and farebox has a model that answers."""
    body = openrouter_stream("Hello you.")
    upstream.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
    (folder / "config.toml").write_text(openrouter_config(upstream.base_url), "utf-8")
    return subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable],
        env={**clean_environment(folder), "OPENROUTER_API_KEY": "sk-or-0123456789"},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )


@pytest.mark.skipif(os.name != "posix", reason="closing a descriptor before the start is POSIX's")
@pytest.mark.parametrize(
    ("closed", "out", "errors"),
    [
        pytest.param(">&-", "", "[openrouter/", id="stdout"),
        pytest.param("2>&-", "Hello you.\n", "", id="stderr"),
        pytest.param(">&- 2>&-", "", "", id="both"),
        pytest.param("<&- >&- 2>&-", "", "", id="all"),
    ],
)
@pytest.mark.parametrize("option", ["", "--json"])
def test_what_was_closed_is_printed_to_nowhere(
    *, tmp_path: Path, closed: str, out: str, errors: str, option: str
):
    with Upstream.in_thread() as upstream:
        done = answered(upstream, tmp_path, f'exec "$0" -m farebox chat hi {option} {closed}')
    assert done.returncode == 0, done.stderr
    if option:
        assert (bool(done.stdout), done.stderr) == (bool(out), "")
    else:
        assert done.stdout == out
        assert (done.stderr.startswith(errors), bool(done.stderr)) == (True, bool(errors))
    assert [row["state"] for row in ledger_rows(tmp_path)] == ["settled"]


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes them")
@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_language_server_without_a_pipe_says_so(tmp_path: Path, closed: str):
    line = f'exec "$0" -m farebox lsp {closed}'
    done = subprocess.run(
        ["sh", "-c", line, sys.executable],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "farebox: the language server speaks on stdin and stdout, and one of them is closed\n"
    )


@pytest.mark.skipif(os.name != "posix", reason="a working folder can be deleted under POSIX")
@pytest.mark.parametrize("command", ["chat hi", "complete x.py:1:1", "complete /etc/passwd:1:1", "route hi"])
def test_a_working_folder_that_was_deleted_is_said_to_be_so(tmp_path: Path, command: str):
    line = f'mkdir gone && cd gone && rmdir ../gone && exec "$0" -m farebox {command}'
    with Upstream.in_thread() as upstream:
        done = answered(upstream, tmp_path, line)
        assert upstream.connections == 0
    assert (done.returncode, done.stdout) == (1, "")
    error, hint = done.stderr.splitlines()
    assert error == "farebox: the working folder was deleted"
    assert hint == "  Change to a folder that is there, and try again."


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "farebox", "schema"]
    done = subprocess.run(
        command,
        env=clean_environment(tmp_path),
        stdout=write_end,
        stderr=subprocess.PIPE,
        timeout=WAIT_S,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["schema", "nvim-path"])
def test_a_full_disk_is_one_line(command: str, tmp_path: Path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "farebox", command],
            env=clean_environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=WAIT_S,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == ("farebox: No space left on device; run with FAREBOX_DEBUG=1 for the traceback\n")


BREAKS = """
import sys
from farebox.cli import schema
from farebox.cli.main import main
sys.modules["farebox.cli.schema"] = object()
sys.exit(main(["schema"]))
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_mistake_of_our_own_is_one_line_and_its_traceback_is_there_for_who_asks(tmp_path: Path, debug: str):
    done = subprocess.run(
        [sys.executable, "-c", BREAKS],
        env={**clean_environment(tmp_path), "FAREBOX_DEBUG": debug},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    *traceback, line = done.stderr.splitlines()
    assert line == "farebox: an internal error: ImportError; run with FAREBOX_DEBUG=1 for the traceback"
    assert bool(traceback) == bool(debug)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_output_that_is_no_terminal_is_utf_8_whatever_the_code_page(tmp_path: Path, encoding: str):
    config = tmp_path / "config.toml"
    config.write_text('[providers."→ツ"]\nkey_env = "X"\n', "utf-8")
    done = run(tmp_path, "auth", "list", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "→ツ" in done.stdout
    config.write_text('[tasks]\nchat = "ツ/x"\n', "utf-8")
    done = run(tmp_path, "chat", "hello", PYTHONIOENCODING=encoding)
    assert "there is no provider ツ" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="terminals and signals as POSIX has them")
def test_the_language_server_in_a_terminal_says_what_it_is_and_an_interrupt_ends_it(tmp_path: Path):
    with terminal() as (_, its), started(tmp_path, "lsp", stdin=its) as process:
        read_until(process.stderr, "waits for an editor; Ctrl-C ends it\n")
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, errors) == (130, "", "")


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_the_language_server_of_an_editor_says_nothing_and_an_interrupt_ends_it_too(tmp_path: Path):
    initialize = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    with started(tmp_path, "lsp", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"Content-Length: {len(initialize)}\r\n\r\n{initialize}")
        process.stdin.flush()
        read_until(process.stdout, '"capabilities"')
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=WAIT_S) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_an_interrupt_settles_what_the_language_server_was_asked(tmp_path: Path):
    with Upstream.in_thread() as upstream, hearing_interrupts():
        upstream.answer("/v1/chat/completions", unfinished("Hello"))
        key = {"OPENROUTER_API_KEY": "sk-or-0123456789"}
        config = openrouter_config(upstream.base_url)
        with Client(tmp_path, config=config, environment=key) as client:
            client.initialize()
            asked = client.ask("farebox/chat", {"text": "Hello"})
            client.wait_notification("farebox/chatEvent", lambda told: told["event"]["type"] == "text")
            client._process.send_signal(signal.SIGINT)
            assert client.wait_exit() == 130
            with pytest.raises(Failed) as failed:
                client.answer(asked)
            assert failed.value.code == -32800
    assert [(row["outcome"], row["basis"]) for row in ledger_rows(tmp_path)] == [("cancelled", "estimated")]
