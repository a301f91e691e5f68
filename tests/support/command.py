"""A command of farebox as a process: run to its end, or met while it runs by a signal or at a terminal."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

from support.environment import clean_environment
from support.patience import WAIT_S
from support.sweep import SWEEP
from support.upstream import Answer, chunk, sse

STOPPED = re.compile(r"stopped: \[\S+ \| [1-9]\d* in, \d+ out \| \$0\.\d+ \(estimated\)\]\n")
"""What a stopped command says of its cost."""


def run_farebox(
    folder: Path,
    *arguments: str,
    at: Path | None = None,
    stdin: str | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with the settings, keys and ledger of a folder alone."""
    done = subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env={**clean_environment(folder), **environment},
        cwd=at or folder,
        stdin=subprocess.DEVNULL if stdin is None else None,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    SWEEP.output(f"farebox {' '.join(arguments)}", done.stdout + done.stderr)
    return done


def unfinished(text: str) -> Answer:
    """Answer with a text, and then with nothing more for ever."""
    body = sse(chunk({"role": "assistant", "content": text}), done=False)
    return Answer(body=body, content_type="text/event-stream", hang=True)


@contextlib.contextmanager
def hearing_interrupts() -> Generator[None]:
    """Let processes that start here hear an interrupt, also where the tests are in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def started(
    folder: Path, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL, **environment: str
) -> "Generator[subprocess.Popen[str]]":
    """Run a command that hears interrupts; it does not outlive the block."""
    with hearing_interrupts():
        process = subprocess.Popen(
            [sys.executable, "-m", "farebox", *arguments],
            env={**clean_environment(folder), **environment},
            cwd=folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(stream: "IO[str] | None", words: str) -> str:
    """Read from a process until it has said some words; fail if it does not."""
    assert stream is not None
    number, text, deadline = stream.fileno(), b"", time.monotonic() + WAIT_S
    while words.encode() not in text:
        ready, _, _ = select.select([number], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(number, 4096) if ready else b""
        assert piece, f"it said only {text!r}"
        text += piece
    return text.decode()


@contextlib.contextmanager
def terminal() -> Generator[tuple[int, int]]:
    """Open a terminal: the user's end and the process's end."""
    import pty

    users, processes = pty.openpty()
    try:
        yield users, processes
    finally:
        os.close(users)
        os.close(processes)
