"""Crash files: what a bug of ours looks like from outside, for its user to read and to send.

In one are versions, the types of the exceptions, the places they went through and the last log entries: no
message, variable, environment, argument or folder. Also what the interpreter writes when it dies of a signal.
"""

import asyncio
import faulthandler
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import farebox
from farebox import logs, own_files
from farebox.frames import place, raised
from farebox.redaction import without_keys

FOLDER: Final = "crashes"
MAX_FILES: Final = 10
MAX_FILE_BYTES: Final = 64 * 1024
MAX_BY_PROCESS: Final = 5
"""A bug that every key meets is written down once, and never as many as would hide those of others."""

LIBRARIES: Final = ("pygls", "lsprotocol", "pydantic", "httpx2", "httpcore2", "anyio", "genai-prices")

Where = Literal[
    "request", "background", "embedded", "learner", "thread", "loop", "process", "command", "fault"
]

_NAME: Final = re.compile(r"\d{8}T\d{6}Z-\d+-\d+\.json")
_FAULTS: Final = "faults.txt"
_FAULT_FILE: Final = re.compile(r'  File "(?P<file>.+)", line (?P<line>\d+) in (?P<name>[\w<>.]{1,80})')
_FAULT_WORDS: Final = re.compile(r"(?:Fatal Python error|Windows fatal exception): [A-Za-z ]{1,60}")
_FAULT_THREAD: Final = re.compile(r"(?:Current thread|Thread) 0x[0-9a-f]+ \(most recent call first\):")

_log = logging.getLogger("farebox.crash")


@dataclass
class _Process:
    """What a process has written down. The data folder is asked for at the first crash."""

    folder: Callable[[], Path] | None = None
    seen: set[object] = field(default_factory=set[object])
    faults: int | None = None


_process: Final = _Process()


def begin(folder: Callable[[], Path]) -> None:
    """Say in which data folder this process may write down what it notes."""
    _process.folder = folder


def catch_all() -> None:
    """Note what ends a thread or this process, in place of Python's printing of it."""
    faulthandler.enable()
    sys.excepthook, threading.excepthook, sys.unraisablehook = _of_process, _of_thread, _of_nobody


def watch(loop: asyncio.AbstractEventLoop) -> None:
    """Note what tasks and callbacks of an event loop raise and nobody hears of."""

    def of_loop(_loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            note(error, "loop")
        else:
            _log.error("the event loop has a complaint")

    loop.set_exception_handler(of_loop)


def catch_faults() -> None:
    """Have the interpreter write down a fatal signal, and turn what was left by one into a crash file."""
    if _process.folder is None:
        return
    with suppress(Exception):  # as below
        folder = _process.folder() / FOLDER
        own_files.make_folder(folder)
        file = own_files.open_to_add(folder / _FAULTS)
        faulthandler.enable(file)
        _process.faults = file  # open for as long as the process lives
        if raw := os.read(file, MAX_FILE_BYTES):
            os.ftruncate(file, 0)
            _write(_process.folder, "fault", fault=_fault(raw))


def note(error: BaseException, where: Where) -> None:
    """Log what nobody has caught, and write it down. Never raises."""
    _log.error(
        "an internal error", exc_info=(type(error), error, error.__traceback__), extra={"where": where}
    )
    write_down(error, where)


def write_down(error: BaseException, where: Where) -> None:
    """Write a crash file where that can be done. Never raises."""
    if _process.folder is None or len(_process.seen) >= MAX_BY_PROCESS:
        return
    with suppress(Exception):  # no memory, no disk, no descriptors: there is nobody left to tell
        errors = raised(error)
        kind = tuple((one.name, one.frames[-1:]) for one in errors)
        if kind not in _process.seen:
            _process.seen.add(kind)
            _write(_process.folder, where, errors=[asdict(one) for one in errors])


def _of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, Exception):
        note(error, "process")
    else:
        sys.__excepthook__(kind, error, trace)


def _of_thread(arguments: threading.ExceptHookArgs) -> None:
    if isinstance(arguments.exc_value, Exception):
        note(arguments.exc_value, "thread")


def _of_nobody(arguments: "sys.UnraisableHookArgs") -> None:
    if isinstance(arguments.exc_value, Exception):
        note(arguments.exc_value, "loop")


def _write(
    data: Callable[[], Path],
    where: Where,
    *,
    errors: Sequence[object] = (),
    fault: Sequence[str] = (),
) -> None:
    now = time.gmtime()
    report = {
        **versions(),
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
        "where": where,
        "errors": errors,
        "fault": fault,
        "log": logs.last_lines(),
    }
    text = without_keys(json.dumps(report, indent=1)).encode()
    folder = data() / FOLDER
    own_files.make_folder(folder)
    for old in files(folder)[: 1 - MAX_FILES]:
        with suppress(OSError):
            old.unlink()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
    file = own_files.create(folder / f"{stamp}-{os.getpid()}-{len(_process.seen)}.json")
    with os.fdopen(file, "wb") as stream:
        stream.write(text[:MAX_FILE_BYTES])


def files(folder: Path) -> list[Path]:
    """Return the crash files of a folder, the oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    except OSError:
        return []


def versions() -> dict[str, str]:
    """Return the versions of all that a bug may lie in."""
    import platform  # noqa: PLC0415  deferred, as below: only trouble needs them
    from importlib import metadata  # noqa: PLC0415

    found = {
        "farebox": farebox.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _fault(raw: bytes) -> list[str]:
    """Return what the interpreter wrote, without the folders of this machine."""
    told: list[str] = []
    for line in raw.decode("utf-8", "replace").splitlines():
        if frame := _FAULT_FILE.fullmatch(line):
            told.append(f"{place(frame['file'])}:{frame['line']} {frame['name']}")
        elif _FAULT_WORDS.fullmatch(line) or _FAULT_THREAD.fullmatch(line):
            told.append(line)
    return told
