"""Whatever a server, a workspace or a config says: no command lets it move the cursor or set a title.

And what stdin holds, or is typed, is read as text, or said to be none.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE
from support.command import read_until, run_farebox, started, terminal
from support.environment import clean_environment, openrouter_config
from support.patience import WAIT_S
from support.unseen import dangerous
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

HOSTILE = "x\x1b]0;pwned\x07\x1b[2J\x9b1A\u202e\x7f\u2028"
USAGE = {"prompt_tokens": 30, "completion_tokens": 8, "cost": 0.000213}
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
QUOTED = json.dumps(HOSTILE)
COLOURED = {"FORCE_COLOR": "1", "COLUMNS": "400"}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    """A server whose every word is hostile, and a user who has named its models in every setting."""
    (tmp_path / "x.py").write_text("x = \n", "utf-8")
    with Upstream.in_thread() as upstream:
        said = openrouter_stream(f"<COMPLETION>Hello {HOSTILE}</COMPLETION>", USAGE)
        upstream.answer("/v1/chat/completions", Answer(body=said, content_type="text/event-stream"))
        upstream.answer("/v1/models", json_answer({"data": [{"id": HOSTILE}, {"id": "m\nforged"}]}))
        model = json.dumps(f"box/{HOSTILE}")
        (tmp_path / "config.toml").write_text(
            f'[tasks]\nchat = [{model}, "box/other"]\ncomplete = {model}\n'
            f"[providers]\nbox.base_url = {json.dumps(upstream.base_url)}\n"
            f"{QUOTED}.base_url = {json.dumps(upstream.base_url)}\n"
            f'{QUOTED}.key_env = "NO_SUCH_KEY"\n',
            "utf-8",
        )
        yield upstream


def run(
    folder: Path, *arguments: str, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, *arguments, stdin=stdin, environment=environment)


def check(done: subprocess.CompletedProcess[str], *, ours: re.Pattern[str] | None = None) -> None:
    """Fail unless the hostile words were printed, without what makes them so."""
    printed = done.stdout + done.stderr
    text = printed if ours is None else ours.sub("", printed)
    assert not dangerous(text), printed.encode("unicode_escape").decode()
    assert "pwned" in text, printed


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["chat", "hi"], id="chat"),
        pytest.param(["complete", "x.py:1:5"], id="complete"),
        pytest.param(["route", "hi"], id="route"),
        pytest.param(["models"], id="models"),
        pytest.param(["doctor"], id="doctor"),
        pytest.param(["auth", "list"], id="auth-list"),
        pytest.param(["auth", "logout", HOSTILE], id="auth-logout"),
        pytest.param(["chat", "hi", "--model", HOSTILE], id="chat-no-such-model"),
        pytest.param(["route", "--task", HOSTILE], id="route-no-such-task"),
        pytest.param(["complete", HOSTILE], id="complete-no-such-place"),
        pytest.param(["costs", "--since", f"pwned{HOSTILE}"], id="costs-no-such-moment"),
    ],
)
def test_names_from_outside_are_printed_without_their_control_characters(
    tmp_path: Path, upstream: Upstream, arguments: list[str]
):
    assert upstream.base_url
    check(run(tmp_path, *arguments, stdin="sk-example-0123456789\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["chat", "--json", "hi"], id="chat"),
        pytest.param(["complete", "--json", "x.py:1:5"], id="complete"),
        pytest.param(["models", "--json"], id="models"),
        pytest.param(["costs", "--format", "json", "--by", "model"], id="costs"),
    ],
)
def test_json_holds_no_such_character_either(tmp_path: Path, upstream: Upstream, arguments: list[str]):
    assert upstream.base_url
    if arguments[0] == "costs":
        run(tmp_path, "chat", "hi")
    done = run(tmp_path, *arguments)
    value = json.dumps(json.loads(done.stdout), ensure_ascii=False)
    assert not dangerous(value)
    assert "pwned" in value


def test_the_reasons_of_a_server_that_refuses_are_too(tmp_path: Path, upstream: Upstream):
    not_again = {"x-should-retry": "false"}
    refusal = json_answer({"error": {"message": HOSTILE}}, status=503, headers=not_again)
    upstream.queue(refusal)
    fallen_back = run(tmp_path, "chat", "hi")
    assert "trying the next model" in fallen_back.stderr
    check(fallen_back)
    upstream.queue(refusal, refusal)
    failed = run(tmp_path, "chat", "hi")
    assert failed.returncode == 1
    check(failed)


@pytest.mark.parametrize("style", ["table", "csv"])
def test_the_costs_are_too(tmp_path: Path, upstream: Upstream, style: str):
    assert upstream.base_url
    assert run(tmp_path, "chat", "hi").returncode == 0
    check(run(tmp_path, "costs", "--by", "model,workspace", "--format", style, COLUMNS="400"))


@pytest.mark.parametrize("command", ["chat", "complete", "route", "models", "doctor"])
def test_so_is_the_error_about_a_workspace(tmp_path: Path, upstream: Upstream, command: str):
    (tmp_path / WORKSPACE_FILE).write_text(f"{QUOTED} = 1\n", "utf-8")
    done = run(tmp_path, command, *{"complete": ["x.py:1:5"], "chat": ["hi"]}.get(command, []))
    assert done.returncode == 1
    check(done)
    assert upstream.connections == 0


def test_only_the_colours_of_the_demo_are_ours(tmp_path: Path, upstream: Upstream):
    assert upstream.base_url
    done = run(tmp_path, "demo", **COLOURED)
    assert done.returncode == 0, done.stderr
    assert OUR_COLOURS.search(done.stdout)
    check(done, ours=OUR_COLOURS)


def test_a_key_is_kept_for_a_hostile_name_and_the_name_printed_harmlessly(tmp_path: Path, upstream: Upstream):
    assert upstream.base_url
    login = run(tmp_path, "auth", "login", HOSTILE, stdin=" \n")
    assert (login.returncode, login.stdout) == (2, "")
    assert "no key was given" in login.stderr
    assert run(tmp_path, "auth", "login", HOSTILE, stdin="sk-example-0123456789\n").returncode == 0
    check(run(tmp_path, "auth", "list"))


def test_a_name_begins_no_line_of_its_own(tmp_path: Path, upstream: Upstream):
    (tmp_path / "config.toml").write_text(f'[providers.box]\nbase_url = "{upstream.base_url}"\n', "utf-8")
    models = run(tmp_path, "models").stdout.splitlines()
    assert [line for line in models if line.startswith("box/mforged ")]
    assert not [line for line in models if line.startswith("forged")]
    routed = run(tmp_path, "route", "--model", "box/m\nforged").stdout
    beginnings = ("box/mforged: ", "task ", "price unknown", "  ")
    assert all(line.startswith(beginnings) for line in routed.splitlines()), routed
    asked = run(tmp_path, "chat", "hi", "--model", "box/m\nforged")
    assert asked.stderr.startswith("[box/mforged | ")
    assert len(asked.stderr.splitlines()) == 1


# --- what is read and typed -----------------------------------------------------------------------

KEY = {"OPENROUTER_API_KEY": "sk-or-0123456789"}
posix = pytest.mark.skipif(os.name != "posix", reason="shells, signals and terminals as POSIX has them")


@pytest.fixture
def friendly(tmp_path: Path) -> Iterator[Upstream]:
    """A server that answers in plain words, and a user who has it in the place of OpenRouter."""
    with Upstream.in_thread() as upstream:
        said = openrouter_stream("Hello you.")
        upstream.answer("/v1/chat/completions", Answer(body=said, content_type="text/event-stream"))
        (tmp_path / "config.toml").write_text(openrouter_config(upstream.base_url), "utf-8")
        yield upstream


def ask(folder: Path, *arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    """Ask a question beside a pipe; surrogates stand for bytes that are no text."""
    return subprocess.run(
        [sys.executable, "-m", "farebox", "chat", *arguments],
        env={**clean_environment(folder), **KEY},
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=WAIT_S,
        check=False,
    )


def asked(upstream: Upstream) -> tuple[str, str]:
    """Return who said what in the last message that was sent."""
    sent = [one for one in upstream.requests if one.method == "POST"][-1].json["messages"]
    assert isinstance(sent, list)
    return sent[-1]["role"], sent[-1]["content"]


@pytest.mark.parametrize("stdin", ["", " \n"], ids=["empty", "blank"])
def test_a_pipe_that_held_nothing_is_said_to_be_so_and_the_question_is_asked(
    tmp_path: Path, friendly: Upstream, stdin: str
):
    done = ask(tmp_path, "Review this.", stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    assert done.stderr.splitlines()[0] == "nothing was piped in: the question is asked alone"
    assert asked(friendly) == ("user", "Review this.")


@pytest.mark.parametrize(
    ("stdin", "sent", "words"),
    [
        pytest.param("- caf\udce9\n", "- caf\ufffd\n", "1 byte was replaced", id="latin-1"),
        pytest.param("\udcff\udcfe a\ufffd", "\ufffd\ufffd a\ufffd", "2 bytes were replaced", id="several"),
    ],
)
def test_bytes_that_are_no_text_are_replaced_in_what_is_piped_in_beside_a_question(
    *, tmp_path: Path, friendly: Upstream, stdin: str, sent: str, words: str
):
    done = ask(tmp_path, "explain", stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    assert done.stderr.splitlines()[0] == f"not all of stdin is UTF-8: {words}"
    assert asked(friendly) == ("user", f'<attachment name="stdin">\n{sent}\n</attachment>\n\nexplain')


def test_a_replacement_character_that_was_piped_in_is_nothing_to_note(tmp_path: Path, friendly: Upstream):
    done = ask(tmp_path, "explain", stdin="a\ufffd")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert asked(friendly) == ("user", '<attachment name="stdin">\na\ufffd\n</attachment>\n\nexplain')


@posix
@pytest.mark.parametrize("stdin", ["<&-", "</dev/null", "0>/dev/null"], ids=["closed", "null", "unreadable"])
def test_a_stdin_that_holds_nothing_is_no_obstacle(tmp_path: Path, friendly: Upstream, stdin: str):
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m farebox chat hi {stdin}', sys.executable],
        env={**clean_environment(tmp_path), **KEY},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "Hello you.\n"), done.stderr
    assert done.stderr.startswith("[openrouter/")
    assert asked(friendly) == ("user", "hi")


@posix
def test_a_pipe_that_nobody_writes_to_is_waited_for_and_that_is_said(tmp_path: Path, friendly: Upstream):
    with started(tmp_path, "chat", "hi", stdin=subprocess.PIPE, **KEY) as process:
        read_until(process.stderr, "still reading stdin, to its end")
        out, errors = process.communicate("late", timeout=WAIT_S)
    assert (process.returncode, out) == (0, "Hello you.\n"), errors
    assert asked(friendly) == ("user", '<attachment name="stdin">\nlate\n</attachment>\n\nhi')


@posix
def test_in_a_terminal_the_question_is_asked_for(tmp_path: Path, friendly: Upstream):
    with terminal() as (user, its), started(tmp_path, "chat", stdin=its, **KEY) as process:
        assert read_until(process.stderr, ": ") == "Question: "
        os.write(user, b"say hello\n")
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (0, "Hello you.\n"), errors
    assert asked(friendly) == ("user", "say hello")


@posix
@pytest.mark.parametrize("typed", [b"\x04", b"\n"], ids=["ctrl-d", "only-enter"])
def test_no_answer_to_that_is_a_usage_error(tmp_path: Path, friendly: Upstream, typed: bytes):
    assert friendly.base_url
    with terminal() as (user, its), started(tmp_path, "chat", stdin=its, **KEY) as process:
        read_until(process.stderr, "Question: ")
        os.write(user, typed)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (2, "")
    assert errors.lstrip("\n").startswith("usage: farebox chat ")
    assert "the question is empty" in errors


@posix
def test_a_question_in_a_terminal_waits_for_nothing_more(tmp_path: Path, friendly: Upstream):
    with terminal() as (_, its), started(tmp_path, "chat", "hi", stdin=its, **KEY) as process:
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (0, "Hello you.\n"), errors
    assert asked(friendly) == ("user", "hi")


@posix
def test_an_interrupt_at_the_prompt_leaves_the_line_and_ends(tmp_path: Path, friendly: Upstream):
    with terminal() as (_, its), started(tmp_path, "chat", stdin=its, **KEY) as process:
        read_until(process.stderr, "Question: ")
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, errors) == (130, "", "\n")
    assert friendly.connections == 0


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8:surrogateescape"])
@pytest.mark.parametrize("arguments", [["chat"], ["auth", "login", "openai"]], ids=["chat", "auth"])
def test_stdin_that_is_not_utf_8_is_refused(tmp_path: Path, encoding: str, arguments: list[str]):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env={**clean_environment(tmp_path), "PYTHONIOENCODING": encoding},
        input=b"caf\xe9\n",
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"usage: farebox " + " ".join(arguments[:-1] or arguments).encode())
    assert b": error: stdin is not UTF-8 text\n  " in done.stderr
