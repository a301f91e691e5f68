"""An App for the length of one command, and what ends it before its time: Ctrl-C, or a signal to end.

Both cancel the command's task, so that a request on its way is settled in the ledger before the process
ends. A second signal of the same kind ends it at once.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar, cast

from farebox import crash, logs
from farebox.app import App, Client
from farebox.places import data_folder, working_folder, workspace_of

_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""By name, because each system has only some of them; Windows can't send SIGTERM, but Ctrl-Break."""

_T = TypeVar("_T")


def with_app(work: Callable[[App], Awaitable[_T]], *, file: Path | None = None) -> _T:
    """Run work with an App of the command line, in the workspaces of a file and of the current folder.

    Ctrl-C raises KeyboardInterrupt; a signal to end raises SystemExit with 128 and the signal's number.
    """
    here = working_folder()
    folders = [here] if file is None else [_plain(file).parent, here]
    roots = tuple(dict.fromkeys(str(workspace_of(folder)) for folder in folders))
    signals: list[int] = []
    data = data_folder(os.environ)
    logs.begin(lambda: data, is_debug=False)
    crash.begin(lambda: data)

    async def run() -> _T:
        with _cancelled_by_signals(signals), _collector_unheard():
            app = App(Client(name="command line", roots=roots))
            try:
                return await work(app)
            finally:
                await app.close()

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        if not signals:
            raise
        raise SystemExit(128 + signals[0]) from None


@contextmanager
def _collector_unheard() -> Generator[None]:
    """Keep a collector that is down out of an answer on a terminal: `farebox doctor` tells of it."""
    logger = logging.getLogger("farebox.otel")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def _cancelled_by_signals(received: list[int]) -> Generator[None]:
    """Let the first signal to end cancel this task and be noted."""
    loop = asyncio.get_running_loop()
    task = cast("asyncio.Task[object]", asyncio.current_task())

    def cancel(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)

    heard = _unheard_signals()
    for number in heard:
        signal.signal(number, cancel)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def _unheard_signals() -> list[signal.Signals]:
    """Return the signals that would end the process; one that is ignored, as by nohup, stays so."""
    if threading.current_thread() is not threading.main_thread():
        return []
    there = [signal.Signals[name] for name in _ENDING if name in signal.Signals.__members__]
    return [number for number in there if signal.getsignal(number) == signal.SIG_DFL]


def _plain(path: Path) -> Path:
    """Spell a path from the root and without ``..``; links stay, as in what is sent to a model."""
    return Path(os.path.normpath(path.absolute()))
