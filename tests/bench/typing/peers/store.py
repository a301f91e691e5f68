"""What ports of peers share: a cache by the text before the cursor, and plain cuts of an answer."""

import re
from collections import OrderedDict

TAIL_CHARS = 160
_Key = tuple[int, str]


class Store:
    """An LRU of answers by prefix. Only the end of it changes here, so its length and end tell all."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[_Key, str] = OrderedDict()

    def get(self, prefix: str) -> str | None:
        """Return the answer at exactly this place."""
        key = _key(prefix)
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, prefix: str, text: str) -> None:
        """Keep an answer."""
        key = _key(prefix)
        self._entries[key] = text
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def through(self, prefix: str, back_chars: int) -> list[str]:
        """Return what is left of answers at places before, where the typing since agrees; nearest first."""
        here = len(prefix)
        found: list[tuple[int, str]] = []
        for (start, tail), text in self._entries.items():
            back = here - start
            fits = 0 <= back <= back_chars and back < len(text) and text.startswith(prefix[start:])
            if fits and prefix.endswith(tail, 0, start):
                found.append((back, text[back:]))
        return [text for _, text in sorted(found, key=lambda one: one[0])]


def _key(prefix: str) -> _Key:
    return len(prefix), prefix[-TAIL_CHARS:]


def line_before(prefix: str) -> str:
    """Return the current line up to the cursor."""
    return prefix[prefix.rfind("\n") + 1 :]


def first_line(text: str) -> str:
    """Return an answer's first line; the line feeds that it begins with belong to it."""
    start = len(text) - len(text.lstrip("\n"))
    end = text.find("\n", start)
    return text if end < 0 else text[:end]


def starts_block(line: str) -> bool:
    """Tell whether a line opens a block, as far as its last character says."""
    return line.rstrip().endswith((":", "{", "(", "["))


def block(text: str, prefix: str) -> tuple[str, bool]:
    """Cut an answer where its block ends: at a line indented less than the first. True if that was found."""
    depth = _depth(line_before(prefix))
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 1):
        if line.strip() and _depth(line) < depth:
            return "\n".join(lines[:number]).rstrip(), True
    return text.rstrip(), False


def _depth(line: str) -> int:
    match = re.match(r"[ \t]*", line)
    return len(match[0].expandtabs(4)) if match else 0
