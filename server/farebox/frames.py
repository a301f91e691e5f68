"""What may be told of an exception: the names of its types and the places it went through.

Never its words, which may quote a key, a prompt or code; no variable, and no folder of this machine: a file
is named from its package on. And how an exception lets go of all that, once it was told of.
"""

import os
import re
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar, cast

MAX_FRAMES: Final = 40
MAX_ERRORS: Final = 8

ELSEWHERE: Final = "elsewhere"

_PACKAGES: Final = ("site-packages", "dist-packages")
_OWN: Final = Path(__file__).absolute().parent.parent
_LIBRARY: Final = Path(os.__file__).parent
_PLAIN: Final = re.compile(r"[\w.+/<>-]{1,200}")

_Error = TypeVar("_Error", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception: its type's name, and where it was on its way, the innermost place last."""

    name: str
    frames: tuple[str, ...]


def raised(error: BaseException) -> tuple[Raised, ...]:
    """Tell of an exception and of those that led to it or are in it, the last one first."""
    told: list[Raised] = []
    seen: set[int] = set()
    waiting: deque[BaseException | None] = deque([error])
    while waiting and len(told) < MAX_ERRORS:
        one = waiting.popleft()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        told.append(Raised(type(one).__name__, _frames(one.__traceback__)))
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions
        waiting += (one.__cause__, None if one.__suppress_context__ else one.__context__)
    return tuple(told)


def without_frames(error: _Error) -> _Error:
    """Let an exception, and those that led to it, go of the places they went through, and so of their data.

    What has been told of needs none; a frame that knows the exception, too, would keep a prompt with both.
    """
    seen: set[BaseException] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in seen:
            continue
        seen.add(one)
        one.__traceback__ = None
        waiting += (one.__cause__, one.__context__)
    return error


def _frames(trace: TracebackType | None) -> tuple[str, ...]:
    """Write places as ``farebox/app.py:12 build``; the innermost one is never left out."""
    places: deque[str] = deque(maxlen=MAX_FRAMES)
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{place(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return tuple(places)


def place(file: str) -> str:
    """Return a source file's path from its package on; nothing of where that is."""
    path = Path(file)
    inside = (path.relative_to(root).as_posix() for root in _roots(path) if path.is_relative_to(root))
    shown = next(inside, ELSEWHERE)
    return shown if _PLAIN.fullmatch(shown) else ELSEWHERE


def _roots(path: Path) -> Generator[Path]:
    """Yield the folders from which on a file may be named."""
    yield _OWN
    yield from (above for above in path.parents if above.name in _PACKAGES)
    yield _LIBRARY
