"""``farebox demo``: what a newcomer sees, without a key and without a network."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.environment import clean_environment


def test_the_demo_shows_ghost_text_an_answer_and_the_costs_and_says_that_all_is_simulated(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "demo", "--simulated"],
        env={**clean_environment(tmp_path), "COLUMNS": "100"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "with the simulated provider" in done.stdout
    assert "return r + g + b  # simulated" in done.stdout
    assert "the grey text is the suggestion" in done.stdout
    assert "[simulated] No model has read this" in done.stdout
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
        _, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (1, "")
