"""``farebox demo``: what a newcomer sees, without a key and without a network."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bad_input import KEY, USAGE
from support.environment import clean_environment, openrouter_config
from support.guard.sitecustomize import watched
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

ANSWER = Answer(body=openrouter_stream("As asked.", USAGE), content_type="text/event-stream")
NOTHING = Answer(body=openrouter_stream("", USAGE), content_type="text/event-stream")
REFUSAL = json_answer({"error": {"code": 503, "message": "Out of order"}}, status=503)
A_SERVER_THAT_SPEAKS = """
import os, sys
if "lsp" in sys.orig_argv:
    print("words of the server", file=sys.stderr, flush=True)
    open("pid", "w").write(str(os.getpid()))
"""


def demo(folder: Path, upstream: Upstream, more: str = "", **environment: str) -> subprocess.Popen[str]:
    """Start a demo that speaks to an upstream in the place of OpenRouter."""
    (folder / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "farebox", "demo"],
        env=watched({**clean_environment(folder), **KEY, "COLUMNS": "100", **environment}),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_the_demo_shows_ghost_text_an_answer_and_the_costs_and_says_that_all_is_simulated(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "demo", "--simulated"],
        env={**clean_environment(tmp_path), "COLUMNS": "100"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "with the simulated provider" in done.stdout
    alone, _, simulated = done.stdout.partition("Ghost text in genericpath.py")
    assert "Ghost text in contextlib.py, without any model or key" in alone
    assert "exc.__traceback__ = traceback " in alone
    assert "from your own files (embedded/workspace), without a model: $0" in " ".join(alone.split())
    assert "return filename  # simulated" in simulated
    assert "the grey text is the suggestion" in simulated
    assert "[simulated] No model has read this" in done.stdout
    assert "> What does this function do? Answer in one sentence.\n" in done.stdout
    costs = [line.split() for line in done.stdout.partition("What it cost")[2].splitlines()]
    counted = {words[0]: words[1:3] for words in costs if words and words[0] in ("chat", "complete")}
    assert counted == {"chat": ["simulated/echo", "1"], "complete": ["simulated/echo", "1"]}
    assert "unknown" not in done.stdout
    assert done.stderr == ""
    assert not (tmp_path / "farebox").exists(), "what is simulated is not in the user's own ledger"


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Let child processes hear an interrupt, also where the tests run in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
@pytest.mark.skipif(os.name != "posix", reason="signals to process groups are POSIX's")
def test_an_interrupt_ends_the_demo_without_a_traceback_of_its_own_or_the_servers(tmp_path: Path):
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "farebox", "demo", "--simulated"],
        env={**clean_environment(tmp_path), "COLUMNS": "100"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    with demo:
        assert demo.stdout is not None
        assert any("Ghost text" in line for line in demo.stdout), "the server is running"
        os.killpg(demo.pid, signal.SIGINT)
        _, errors = demo.communicate(timeout=WAIT_S)
    assert (demo.returncode, errors) == (130, "")


@pytest.mark.parametrize(
    ("more", "answers", "why"),
    [
        pytest.param("enabled = false", [ANSWER], "disabled", id="switched-off"),
        pytest.param("", [NOTHING, ANSWER], "nothing worth showing came", id="an-empty-answer"),
        pytest.param("", [REFUSAL, ANSWER], "openrouter", id="a-refusal"),
    ],
)
def test_no_ghost_text_has_a_reason(tmp_path: Path, more: str, answers: list[Answer], why: str):
    with Upstream.in_thread() as upstream:
        upstream.queue(*answers)
        out, errors = demo(tmp_path, upstream, more).communicate(timeout=WAIT_S)
    ghost, _, rest = out.partition("Chat ─")
    (line,) = [line for line in ghost.splitlines() if "no suggestion: " in line or "failed  " in line]
    assert why in line
    assert "As asked." in rest
    assert errors == ""


def test_a_chat_that_fails_says_so_in_a_line_and_what_it_cost_is_still_shown(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.queue(ANSWER, REFUSAL)
        process = demo(tmp_path, upstream)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, errors) == (1, "")
    chat, _, costs = out.partition("What it cost")
    assert [line for line in chat.splitlines() if line.startswith("failed  openrouter ")]
    assert "complete" in costs
    assert "farebox doctor" in costs


def test_a_server_that_dies_has_its_last_lines_told_and_what_it_cost_is_still_shown(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(A_SERVER_THAT_SPEAKS, "utf-8")
    with Upstream.in_thread() as upstream:
        upstream.queue(ANSWER, Answer(hang=True))
        process = demo(tmp_path, upstream, PYTHONPATH=str(tmp_path))
        assert upstream.wait_for(lambda: len(upstream.requests) == 2)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, errors) == (1, "")
    chat, _, costs = out.partition("What it cost")
    assert "failed  the server has ended\n  Its last lines:\n  words of the server\n" in chat
    assert "complete" in costs


def test_a_server_that_does_not_even_start_is_an_error_with_its_last_lines(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(f"{A_SERVER_THAT_SPEAKS}    os._exit(3)\n", "utf-8")
    with Upstream.in_thread() as upstream:
        process = demo(tmp_path, upstream, PYTHONPATH=str(tmp_path))
        out, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert errors == "farebox: the server has ended\n  Its last lines:\n  words of the server\n"
    assert "words of the server" not in out


def test_what_a_server_says_on_stderr_is_not_shown_while_it_lives(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(A_SERVER_THAT_SPEAKS, "utf-8")
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        process = demo(tmp_path, upstream, PYTHONPATH=str(tmp_path))
        out, errors = process.communicate(timeout=WAIT_S)
    assert (tmp_path / "pid").exists()
    assert (process.returncode, errors) == (0, "")
    assert "words of the server" not in out


@pytest.mark.skipif(os.name != "posix", reason="a pseudo-terminal is POSIX's")
def test_a_terminal_has_one_line_while_the_demo_waits_and_a_pipe_has_none(tmp_path: Path):
    command = [sys.executable, "-m", "farebox", "demo", "--simulated"]
    environment = {**clean_environment(tmp_path), "COLUMNS": "100", "TERM": "xterm"}
    ours, theirs = os.openpty()
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=theirs, stderr=theirs):
        os.close(theirs)
        seen = b"".join(iter(lambda: read_or_end(ours), b"")).decode()
    os.close(ours)
    piped = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, check=True, timeout=WAIT_S
    )
    for words in ("starting the server …", "waiting for the suggestion …", "waiting for the answer …"):
        assert words in seen
        assert words.encode() not in piped.stdout
    line_up_and_erased = "\x1b[1A\x1b[2K"
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == seen.count(line_up_and_erased) == 6


def read_or_end(terminal: int) -> bytes:
    """Read from a pseudo-terminal; Linux has an error in the place of its end."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
