"""What is known of the workspace's files: their text, what they define, and where each word occurs.

One thread teaches it, others ask. What is asked is a copy made under a lock that is held for microseconds;
reading a file's outline, the long part, happens outside of it. Memory is bounded by the text that is kept.
"""

import re
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from farebox.completion.matches import matches
from farebox.completion.outline import Outline
from farebox.completion.skeleton import outline

MAX_FILES = 2_000
MAX_FILE_CHARS = 300_000
MAX_TEXT_BYTES = 32_000_000
MAX_EDITS = 8
EDIT_AGE_S = 300.0

IDENTIFIER = re.compile(r"[^\W\d]\w{2,}")
MAX_IDENTIFIER_CHARS = 64


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Source:
    """A file as it was learned. The text is kept as UTF-8: a character in it would cost up to four bytes."""

    path: str
    language: str
    data: bytes
    outline: Outline

    @property
    def text(self) -> str:
        """The file's text."""
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Edit:
    """Where a file was changed last. The line counts from 0."""

    path: str
    line: int
    at_s: float


class Index:
    """The learned files. ``learn`` and ``forget`` belong to one thread, everything else to any."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._files: dict[str, int] = {}
        self._sources: list[Source | None] = []
        self._free: list[int] = []
        self._occurs: dict[str, int | array[int]] = {}
        self._defined: dict[str, int | array[int]] = {}
        self._edits: deque[Edit] = deque(maxlen=MAX_EDITS)
        self._bytes = 0

    def learn(self, path: str, language: str, text: str) -> None:
        """Learn a file, or learn it anew."""
        text = text[:MAX_FILE_CHARS]
        data = text.encode("utf-8", "replace")
        old = self.source(path)
        if old is not None and old.data == data and old.language == language:
            return
        if old is None and (len(self._files) >= MAX_FILES or self._bytes + len(data) > MAX_TEXT_BYTES):
            return
        source = Source(path, language, data, outline(text, language))
        words, names = identifiers(text), _names(source)
        old_words = identifiers(old.text) if old is not None else set[str]()
        old_names = _names(old) if old is not None else set[str]()
        with self._lock:
            number = self._files.get(path)
            if number is None:
                number = self._free.pop() if self._free else len(self._sources)
                if number == len(self._sources):
                    self._sources.append(None)
                self._files[path] = number
            self._sources[number] = source
            self._bytes += len(data) - (len(old.data) if old is not None else 0)
        self._change(self._occurs, number, add=words - old_words, drop=old_words - words)
        self._change(self._defined, number, add=names - old_names, drop=old_names - names)

    def forget(self, path: str) -> None:
        """Forget a file."""
        source = self.source(path)
        if source is None:
            return
        number = self._files[path]
        self._change(self._occurs, number, add=(), drop=identifiers(source.text))
        self._change(self._defined, number, add=(), drop=_names(source))
        with self._lock:
            del self._files[path]
            self._sources[number] = None
            self._free.append(number)
            self._bytes -= len(source.data)

    def edited(self, path: str, line: int) -> None:
        """Note where a file has just been changed. Cheap: for the event loop."""
        kept = [edit for edit in self._edits if edit.path != path]
        self._edits = deque([*kept, Edit(path, line, self._clock())], maxlen=MAX_EDITS)

    def edits(self) -> tuple[Edit, ...]:
        """The places edited in the last minutes, the newest first."""
        since = self._clock() - EDIT_AGE_S
        return tuple(edit for edit in reversed(self._edits) if edit.at_s >= since)

    def __len__(self) -> int:
        return len(self._files)

    def source(self, path: str) -> Source | None:
        """A file as it was learned last."""
        with self._lock:
            number = self._files.get(path)
            return self._sources[number] if number is not None else None

    def count(self, identifier: str) -> int:
        """In how many files an identifier occurs."""
        found = self._occurs.get(identifier)
        return 0 if found is None else 1 if isinstance(found, int) else len(found)

    def with_word(self, identifier: str) -> tuple[Source, ...]:
        """The files in which an identifier occurs."""
        return self._look_up(self._occurs, identifier)

    def defining(self, name: str) -> tuple[Source, ...]:
        """The files that define a name."""
        return self._look_up(self._defined, name)

    def paths(self) -> tuple[str, ...]:
        """All learned files."""
        with self._lock:
            return tuple(self._files)

    def _look_up(self, table: dict[str, "int | array[int]"], key: str) -> tuple[Source, ...]:
        with self._lock:
            found = table.get(key)
            numbers = () if found is None else (found,) if isinstance(found, int) else found
            return tuple(source for number in numbers if (source := self._sources[number]) is not None)

    def _change(
        self,
        table: dict[str, "int | array[int]"],
        number: int,
        *,
        add: Iterable[str],
        drop: Iterable[str],
    ) -> None:
        for key in drop:
            with self._lock:
                found = table.get(key)
                if isinstance(found, array):
                    if number in found:
                        found.remove(number)
                    if not found:
                        del table[key]
                elif found == number:
                    del table[key]
        for key in add:
            with self._lock:
                found = table.get(key)
                if found is None:
                    table[key] = number
                elif isinstance(found, int):
                    table[key] = array("H", (found, number))
                else:
                    found.append(number)


def identifiers(text: str) -> set[str]:
    """The words of a text that may be names."""
    return {word for word in matches(IDENTIFIER, text) if len(word) <= MAX_IDENTIFIER_CHARS}


def _names(source: Source) -> set[str]:
    return {definition.name for definition in source.outline.definitions}
