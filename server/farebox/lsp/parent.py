"""Whether the editor lives: a sibling of ours may hold our stdin open long after it was killed.

Each system tells in its own way that a process has ended. None of them takes one that is stopped for dead,
nor another that was given its number for the editor. Knows no protocol; a daemon thread waits.
"""

import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

POLL_S: Final = 2.0
"""How often to look, on a system that can't tell."""
MAX_PROCESS_ID: Final = 2**31 - 1

_BEGAN: Final = 18
"""Where ``stat`` of a process says when it began, counted from what follows its state."""

Wait: TypeAlias = Callable[[], object]
"""Returns once the process has ended."""


def watch(process_id: int | None, on_gone: Callable[[str], None]) -> None:
    """Call ``on_gone`` with the reason in words, from any thread, once the editor's process has ended.

    Nothing is watched without a number, or with one that can't be the editor's. One that nobody has is a dead
    editor's, unless our own parent lives outside of our namespace of processes: then the editor does too.
    """
    if process_id is None or not 0 < process_id <= MAX_PROCESS_ID or process_id == os.getpid():
        return
    try:
        wait = wait_for(process_id)
    except ProcessLookupError:
        if os.getppid() != 0:
            on_gone(
                f"there is no process {process_id}, the processId of initialize: the editor has ended. "
                "An editor that runs on another machine or in another container has to send null"
            )
        return

    def run() -> None:
        wait()
        on_gone(f"the editor, process {process_id}, has ended")

    threading.Thread(target=run, name="farebox-parent", daemon=True).start()


def wait_for(process_id: int) -> Wait:
    """Return what waits for the end of a process. Raises ProcessLookupError if there is none."""
    if sys.platform == "win32":
        return _by_handle(process_id)
    try:
        return _by_descriptor(process_id) if sys.platform == "linux" else _by_event(process_id)
    except ProcessLookupError:
        raise
    except (OSError, AttributeError):  # an old kernel, or a sandbox that knows no such call
        return by_polling(process_id)


def by_polling(process_id: int, every_s: float = POLL_S) -> Wait:
    """Wait by looking again and again whether the number still is the same process's."""
    first = _identity(process_id)

    def wait() -> None:
        with suppress(ProcessLookupError):
            while _identity(process_id) == first:
                time.sleep(every_s)

    return wait


def _identity(process_id: int) -> object:
    """Return what no other process has that is given this number. Raises ProcessLookupError."""
    with suppress(PermissionError):  # somebody else's: it lives
        os.kill(process_id, 0)
    try:
        stat = Path(f"/proc/{process_id}/stat").read_bytes()
    except OSError:
        return process_id  # no such file system: the number has to do
    state, *fields = stat.rpartition(b")")[2].split()  # the name before it may hold anything
    if state in (b"Z", b"X"):
        raise ProcessLookupError(process_id)
    return fields[_BEGAN]


if sys.platform == "linux":

    def _by_descriptor(process_id: int) -> Wait:
        poll = select.poll()
        poll.register(os.pidfd_open(process_id), select.POLLIN)
        return poll.poll


if sys.platform != "win32" and sys.platform != "linux":

    def _by_event(process_id: int) -> Wait:
        queue = select.kqueue()
        add = select.KQ_EV_ADD | select.KQ_EV_ONESHOT
        ended = select.kevent(process_id, select.KQ_FILTER_PROC, add, select.KQ_NOTE_EXIT)
        queue.control([ended], 0)
        return lambda: queue.control(None, 1)


if sys.platform == "win32":
    import ctypes

    _SYNCHRONIZE = 0x0010_0000
    _ERROR_ACCESS_DENIED = 5
    _FOR_EVER = 0xFFFF_FFFF

    def _by_handle(process_id: int) -> Wait:
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        kernel.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        handle = kernel.OpenProcess(_SYNCHRONIZE, False, process_id)
        if handle:
            return lambda: kernel.WaitForSingleObject(handle, _FOR_EVER)
        if ctypes.get_last_error() == _ERROR_ACCESS_DENIED:  # it lives, and will not tell
            return threading.Event().wait
        raise ProcessLookupError(process_id)
