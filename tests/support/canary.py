"""Looks for keys where none may be: in log records of any level, in errors, in what a server writes.

Every key of the tests is a canary: it holds ``canary`` or is made as ``KEY`` says, so that one look tells it
from any other text, without asking the code under test what its keys are.
"""

import logging
import re
import traceback
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress

KEY = "sk-or-canary-0123456789"

ENDS = ("fbq7Zk2w", "Xv9Yp4Rt")
KEY_WITH_ENDS = f"{ENDS[0]}-canary-012345-{ENDS[1]}"
"""A key whose first and last characters tell it too."""

FILE_CANARY = "farebox-file-canary"
"""Stands in the text of every file of a test that may not leave. Nothing may repeat it but that file."""

_CANARY = re.compile(
    r"(?<![\w-])[\w-]*canary-[\w-]*012345[\w-]*"
    r"|(?<![\w-])(?:sk|gsk|test)-(?:[A-Za-z0-9]+-)*012345[\w-]*"
)
"""A key as tests write them; cut off after its first digits, it is one still."""


def keys_in(text: str) -> list[str]:
    """Return the keys that a text holds."""
    return [match.group() for match in _CANARY.finditer(text)]


def texts_of(error: BaseException) -> Generator[str]:
    """Yield all that an error and those that led to it could print: words, arguments, attributes, traces."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield from (str(one), repr(one), repr(one.args), repr(vars(one)))
        yield from getattr(one, "__notes__", ())
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    yield "".join(traceback.format_exception(error))


def keys_in_error(error: BaseException) -> list[str]:
    """Return the keys that an error could show, to whoever prints it in whatever way."""
    return [key for text in texts_of(error) for key in keys_in(text)]


class Watch(logging.Handler):
    """Notes every log record that holds a key: in its words, its arguments or its trace."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.leaks: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        for text in _texts_of(record):
            if keys_in(text):
                self.leaks.append(f"{record.name} {record.levelname}: {text}")
                return


def _texts_of(record: logging.LogRecord) -> Iterable[str]:
    with suppress(TypeError, ValueError):  # then the logging module prints the arguments
        yield record.getMessage()
    yield f"{record.msg!r} {record.args!r}"
    if record.exc_info and record.exc_info[1] is not None:
        yield from texts_of(record.exc_info[1])
    if record.exc_text:
        yield record.exc_text
    if record.stack_info:
        yield record.stack_info


@contextmanager
def watching(name: str | None = None) -> Generator[Watch]:
    """Watch a logger, by default all of them, at debug level."""
    logger, watch = logging.getLogger(name), Watch()
    level, propagates = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.addHandler(watch)
    if name is not None:
        logger.propagate = False  # what a test leaks on purpose is its own
    try:
        yield watch
    finally:
        logger.removeHandler(watch)
        logger.setLevel(level)
        logger.propagate = propagates
