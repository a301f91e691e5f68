"""The one way in which the server's process ends, whatever the reason, and within a second.

The first reason counts. Whoever waits for ``begun`` settles what runs; a thread that has been there from the
start ends the process if that hangs: where memory is out, none can be begun any more. It hears signals too:
Python tells the main thread of one only when that runs again, and what comes just before it waits for input
does not wake it. No thread is joined and no exit handler runs: each may wait for what never comes.
"""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Final, NoReturn

from farebox import logs

LIMIT_S: Final = 0.9
"""From the reason to the end of the process, whatever hangs: a little more than both that follow."""
SETTLE_S: Final = 0.5
"""How long what runs at the end may take to be settled."""
FLUSH_S: Final = 0.2
"""How long the client may then take to read what is still to be said."""
STOP_S: Final = 0.5
"""How long requests that were stopped may take to settle what they cost: at the end all of ``SETTLE_S``."""
SAY_S: Final = 0.1
"""How long a last word may keep the end waiting: what is left of ``LIMIT_S``."""
INTERRUPTED: Final = 130
"""As a shell calls what Ctrl-C has ended."""

_NO_SIGNAL: Final = b"\0"
_CODES: Final = {"SIGINT": INTERRUPTED, "SIGTERM": -15, "SIGHUP": -1, "SIGBREAK": 128 + 21}
"""By name, because each system has only some of them. Below 0: to end by the signal itself, as others do."""


class Ending:
    """Why the process ends, and when. Made on the event loop's thread, before there is a loop."""

    def __init__(self) -> None:
        self._code: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = asyncio.Event()
        self._hears_any = False
        self._first = threading.Lock()
        self._wakes, self._wake = socket.socketpair()  # as asyncio does it: Windows can't wait for a pipe
        self._wake.setblocking(False)

    def begin(self, code: int, reason: str = "") -> None:
        """End the process soon, from any thread; the reason, if it is no usual one, is told on stderr.

        In a handler of signals too, without a reason.
        """
        if not self._first.acquire(blocking=False):
            return
        self._code = code
        with contextlib.suppress(OSError):  # it is full, so that it wakes anyway
            self._wake.send(_NO_SIGNAL)
        try:
            if reason:
                say(reason)  # first: what waits for ``begun`` may be quicker
        finally:
            if self._loop is not None:
                with contextlib.suppress(RuntimeError):  # it has ended: nobody waits
                    self._loop.call_soon_threadsafe(self._begun.set)

    async def begun(self) -> int:
        """Wait until there is a reason to end, and return the code to end with."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._end_in_time, name="farebox-ending", daemon=True).start()
        if self._hears_any:  # not before: Windows' event loop, when it is made, takes what wakes for itself
            signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        if self._code is None:
            await self._begun.wait()
        assert self._code is not None  # noqa: S101  it is set before
        return self._code

    def _end_in_time(self) -> None:
        told = bytearray(1)
        while self._code is None:
            self._wakes.recv_into(told)
            with contextlib.suppress(MemoryError):  # what is pressing is done by then
                if self._hears(told[0]):
                    self.begin(_code_of(told[0]))
        time.sleep(LIMIT_S)
        self.end()

    def end(self) -> NoReturn:
        """End the process at once, with the code of the first reason."""
        end_now(1 if self._code is None else self._code)

    def hear_signals(self) -> None:
        """Let a signal to end settle what runs; a second one ends at once. What is ignored stays so."""
        for number in _known():
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._hear)
        self._hears_any = True

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        for one in _known():
            if self._hears(one):
                signal.signal(one, signal.SIG_DFL)
        code = _code_of(number)
        if self._loop is None:  # nothing runs yet
            end_now(code)
        self.begin(code)  # it neither takes a lock that what was interrupted may hold nor waits for the loop

    def _hears(self, number: int) -> bool:
        return number in _known() and signal.getsignal(number) == self._hear


def _known() -> list[signal.Signals]:
    return [signal.Signals[name] for name in _CODES if name in signal.Signals.__members__]


def _code_of(number: int) -> int:
    return _CODES[signal.Signals(number).name]


def end_now(code: int) -> NoReturn:
    """End the process, by a signal if the code is below 0."""
    if code < 0:
        signal.raise_signal(-code)
    os._exit(code if code >= 0 else 128 - code)


def say(words: str) -> None:
    """Write a line to stderr, if anybody is left to read it and does."""

    def write() -> None:
        with contextlib.suppress(OSError, ValueError):
            logs.to_stderr(f"farebox: {words}\n".encode())

    saying = threading.Thread(target=write, name="farebox-last-word", daemon=True)
    with contextlib.suppress(RuntimeError):  # no memory for a thread
        saying.start()
        saying.join(SAY_S)  # where no system tells whether there is room, it may wait for ever
