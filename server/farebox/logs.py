"""What the logs tell: time, level, logger, a constant event, and values whose names and forms are allowed.

Of our own records that is their constant words and what ``extra`` has by an allowed name; of other people's,
name, level and the types of an exception. No message with arguments is ever written out, so no prompt, code,
path or key can be in a log by mistake; keys are also taken out of the finished line.
"""

import json
import logging
import math
import os
import re
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

from farebox import own_files
from farebox.frames import raised
from farebox.log_file import MAX_FILE_BYTES, LogFile, files
from farebox.redaction import without_keys

FIELDS: Final = frozenset(
    {
        "kind",
        "code",
        "error",
        "document",
        "where",
        "count",
        "bytes",
        "ms",
        "tasks",
        "threads",
        "conversations",
    }
)
"""What a record of ours may carry in ``extra``: ids, counts, milliseconds, codes and names of types."""

FOLDER: Final = "logs"
MAX_LINE_BYTES: Final = 8 * 1024
MAX_TEXT_BYTES: Final = min(2 * 1024, getattr(select, "PIPE_BUF", 512))
"""No more than a pipe takes at once where it says that it has room."""
LAST_LINES: Final = 40

_OWN: Final = "farebox"
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z ,;:'()-]{0,119}")
_TOKEN: Final = re.compile(r"(?!(?:[^0-9]*[0-9]){4})[A-Za-z_][A-Za-z0-9_]{0,47}")
"""A code or a type's name: with so few digits it is no key."""

_LOGGER: Final = re.compile(r"[A-Za-z_][A-Za-z_.0-9]{0,63}")
_TIME: Final = re.compile(r"[0-9T:.Z-]{20,30}")
FRAME: Final = re.compile(r"(?:[\w.+-]+/)*[\w.+<>-]+:\d{1,7} [\w<>.]{1,80}")
_POLL_EVENTS: Final = getattr(select, "POLLOUT", 0)

_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "time": _TIME,
    "level": _TOKEN,
    "logger": _LOGGER,
    "event": _WORDS,
    "errors": _TOKEN,
    "frames": FRAME,
    **dict.fromkeys(FIELDS, _TOKEN),
}
"""The form that a text must have by the name that it goes under."""

Entry = dict[str, object]


def begin(folder: Callable[[], Path], *, is_debug: bool) -> None:
    """Log warnings, or everything, of this process: on stderr, and in a folder that is asked for late."""
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, _Handler)]:
        root.removeHandler(old)
        old.close()
    level = logging.DEBUG if is_debug else logging.WARNING
    handler = _Handler(lambda: folder() / FOLDER)
    handler.setLevel(level)
    root.addHandler(handler)
    root.setLevel(min(root.level or level, level))
    logging.captureWarnings(capture=True)  # Python would print them with a line of source


def last_lines() -> list[Entry]:
    """Return what this process has logged last."""
    root = logging.getLogger()
    return [entry for one in root.handlers if isinstance(one, _Handler) for entry in one.last]


def kept(folder: Path, most: int = LAST_LINES) -> list[str]:
    """Return the last lines in the files of a data folder; one that no log of ours would have is left out."""
    lines: list[str] = []
    for file in reversed(files(folder / FOLDER)):
        try:
            raw = own_files.read(file, MAX_FILE_BYTES)
        except OSError:
            continue
        entries = [entry for line in raw.splitlines() if (entry := _read(line))]
        lines = [*map(_line, entries), *lines][-most:]
        if len(lines) == most:
            break
    return lines


def entry_of(record: logging.LogRecord) -> Entry:
    """Return what of a record is told."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    told: Entry = {
        "time": f"{moment}.{int(record.msecs):03}Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "process": record.process,
    }
    if _is_ours(record):
        values = cast("dict[str, object]", vars(record))
        told |= {"event": None if record.args else record.msg}
        told |= {name: values[name] for name in FIELDS & values.keys()}
    if record.exc_info and record.exc_info[1] is not None:
        errors = raised(record.exc_info[1])
        told |= {"errors": [one.name for one in errors], "frames": list(errors[0].frames)}
    return allowed(told)


def allowed(told: Mapping[str, object]) -> Entry:
    """Return the values whose names and forms are allowed."""
    return {name: value for name, value in told.items() if _is_allowed(name, value)}


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == _OWN


def _is_allowed(name: str, value: object) -> bool:
    if name != "process" and name not in _FORMS:
        return False
    match value:
        case bool() | int():
            return True
        case float():
            return math.isfinite(value)
        case str():
            return name in _FORMS and _FORMS[name].fullmatch(value) is not None
        case list():
            return all(isinstance(one, str) and _is_allowed(name, one) for one in cast("list[object]", value))
        case _:
            return False


def text_of(entry: Entry) -> str:
    """Write an entry for people, in a line."""
    errors = cast("list[str]", entry.get("errors", []))
    words = (
        str(entry.get("logger", _OWN)),
        str(entry.get("event", entry.get("level", ""))),
        *(str(entry[name]) for name in sorted(FIELDS & entry.keys())),
        " from ".join(errors),
        cast("list[str]", entry.get("frames") or [""])[-1],
    )
    return ": ".join(word for word in words if word)


def _line(entry: Entry) -> str:
    return without_keys(json.dumps(entry, separators=(",", ":")))


def _read(line: bytes) -> Entry | None:
    try:
        entry = cast("object", json.loads(line))
    except (ValueError, RecursionError):
        return None
    return allowed(cast("Entry", entry)) if isinstance(entry, dict) else None


class _Handler(logging.Handler):
    """Writes entries, and stops nothing: what can't be written at once is dropped."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        super().__init__()
        self.last: deque[Entry] = deque(maxlen=LAST_LINES)
        self._log_file = LogFile(folder)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING and not _is_ours(record):
            return  # what there is to tell of it is nothing
        try:
            entry = entry_of(record)
            self.last.append(entry)
            line = _line(entry).encode() + b"\n"
            if len(line) <= MAX_LINE_BYTES:
                self._log_file.append(line)
            to_stderr(without_keys(text_of(entry)).encode()[: MAX_TEXT_BYTES - 1] + b"\n")
        except Exception:  # noqa: BLE001, S110  it has nobody to tell of it, and a log may stop nothing
            pass

    def close(self) -> None:
        self._log_file.close()
        super().close()


def to_stderr(line: bytes) -> None:
    """Write to stderr past its buffer, unless that would have to wait for who reads it."""
    file = sys.stderr.fileno()
    if hasattr(select, "poll"):  # Windows has none, and waits
        room = select.poll()
        room.register(file, _POLL_EVENTS)
        if not any(event & _POLL_EVENTS for _, event in room.poll(0)):
            return
    os.write(file, line)
