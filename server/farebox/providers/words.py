"""Text that arrives in pieces and is kept until its end, within a bound.

A list of pieces would take some 80 bytes for each, and a server may send one character at a time.
"""

from io import StringIO

from farebox.providers.sse import TooLong


class Words:
    """Pieces put together; ``what`` they are is named if they come to more than ``most_chars``."""

    __slots__ = ("_chars", "_most_chars", "_pieces", "_what")

    def __init__(self, most_chars: int, what: str) -> None:
        self._most_chars = most_chars
        self._what = what
        self._chars = 0
        self._pieces = StringIO()

    def __len__(self) -> int:
        return self._chars

    def add(self, piece: str) -> None:
        """Keep one more piece. Raises TooLong."""
        self._chars += len(piece)
        if self._chars > self._most_chars:
            raise TooLong(f"{self._what} longer than {self._most_chars} characters")
        self._pieces.write(piece)

    def whole(self) -> str:
        """Return all that has come."""
        return self._pieces.getvalue()
