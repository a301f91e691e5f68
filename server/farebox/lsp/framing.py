"""Where each message in a stream of bytes begins and ends, and where the next one does after a fault.

Pure: bytes in, bodies and faults out, in bounded memory and linear time, however the bytes are cut up. Knows
no JSON and no stream: whoever finds that a body is none gives it back (``reject``).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
MAX_HEADER_BYTES: Final = 4096
MAX_HEADER_LINES: Final = 8
MAX_REJECTED_IN_A_ROW: Final = 8
"""So often may bytes be given back before they are dropped: else time grows with the square of them."""

_MAX_SPACES: Final = 32
_MAX_DIGITS: Final = 64
_NAME: Final = rb"content-length"
_SPACES: Final = rb"[ \t]{0,%d}" % _MAX_SPACES
_MAX_LENGTH_LINE_BYTES: Final = len(_NAME) + 3 * _MAX_SPACES + _MAX_DIGITS + len(b":\r\n")

_PLAIN = re.compile(rb"Content-Length: ([0-9]{1,8})\r\n\r\n")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:(.*)", re.DOTALL)
_LINE_BEGUN = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*(?::.*)?)?", re.DOTALL)
_LENGTH_LINE = re.compile(
    _NAME + _SPACES + rb":" + _SPACES + rb"[0-9]{1,%d}" % _MAX_DIGITS + _SPACES + rb"\r?\n", re.IGNORECASE
)
"""Never a part of a JSON value: no string holds a line's end as it is."""


def _begun(name: bytes, rest: bytes) -> re.Pattern[bytes]:
    """Match the beginning of a line at the end of what there is.

    ``_begun(b"ab", b"c?")`` is ``a(?:bc?)?`` and the end: it finds ``a``, ``ab`` and ``abc``.
    """
    for byte in reversed(name[1:]):
        rest = rb"(?:%c%b)?" % (byte, rest)
    return re.compile(rb"%c%b\Z" % (name[0], rest), re.IGNORECASE)


_LENGTH_LINE_BEGUN = _begun(
    _NAME,
    rb"(?:%b(?::%b(?:[0-9]{1,%d}%b\r?)?)?)?" % (_SPACES, _SPACES, _MAX_DIGITS, _SPACES),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that are no message. ``reason`` never quotes them."""

    reason: str


class Decoder:
    """Takes bytes and gives out bodies and faults, one at a time."""

    def __init__(self) -> None:
        self._read = bytearray()
        self._at: int = 0
        self._body_bytes: int | None = None
        self._is_lost = False
        self._rejected = 0

    @property
    def is_within_body(self) -> bool:
        """Say whether more of a body is to come."""
        return self._body_bytes is not None

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        del self._read[: self._at]
        self._at = 0
        self._read += piece

    def next(self) -> bytes | Fault | None:
        """Return the next body or fault; None until there are more bytes."""
        while True:
            if self._is_lost and not self._find_header():
                return None
            if self._body_bytes is None:
                outcome = self._read_header()
                if not isinstance(outcome, int):
                    return outcome
                self._body_bytes = outcome
            if len(self._read) - self._at < self._body_bytes:
                return None
            return self._taken(self._body_bytes)

    def accept(self) -> None:
        """Hear that the body given out was a message."""
        self._rejected = 0

    def reject(self, body: bytes) -> bytes:
        """Take back the body just given out, since it is no JSON: its length was wrong, or it is broken.

        Returns what comes before the next header in it: perhaps that is a message. The search for the next
        one goes on at that header, or after the body.
        """
        self._is_lost = True
        self._rejected += 1
        header = _next_header(body, 0)
        if header is None or self._rejected > MAX_REJECTED_IN_A_ROW:
            return b""
        self._at -= len(body) - header
        return body[:header]

    def stalled(self, is_message: Callable[[bytes], bool]) -> bytes | None:
        """Return a whole message that lies in a body of which no more comes: its length was too large."""
        if self._body_bytes is None:
            return None
        begun = bytes(memoryview(self._read)[self._at :])
        header = _LENGTH_LINE.search(begun)
        body = begun if header is None else begun[: header.start()]
        if header is None and not (body.rstrip().endswith(b"}") and is_message(body)):
            return None  # the client is slow
        self._is_lost = True
        return self._taken(len(body))

    def _taken(self, size: int) -> bytes:
        body = bytes(memoryview(self._read)[self._at : self._at + size])
        self._at += size
        self._body_bytes = None
        return body

    def _find_header(self) -> bool:
        """Drop what is no header. False until one is found."""
        header = _next_header(self._read, self._at)
        self._at = len(self._read) if header is None else header
        self._is_lost = header is None or _LENGTH_LINE.match(self._read, header) is None
        return not self._is_lost

    def _read_header(self) -> int | Fault | None:
        """Return the body's length, and go on to it; None until the header is whole."""
        if plain := _PLAIN.match(self._read, self._at):
            length = int(plain[1])
            if length <= MAX_MESSAGE_BYTES:
                self._at = plain.end()
                return length
        return self._read_lines()

    def _read_lines(self) -> int | Fault | None:
        begin = resume = self._at
        length: int | None = None
        line_at, lines = begin, 0
        while True:
            end = self._read.find(b"\n", line_at, begin + MAX_HEADER_BYTES)
            if end < 0:
                return self._wait_for_line(begin, line_at, resume)
            line = bytes(self._read[line_at:end]).removesuffix(b"\r")
            field_at, line_at = line_at, end + 1
            if not line:
                if lines == 0:
                    begin = resume = self._at = line_at  # an empty line between two messages
                    continue
                if length is None:
                    return self._lost(resume, "a header without Content-Length")
                self._at = line_at
                return length
            lines += 1
            field = _LINE.fullmatch(line)
            if field is None:
                return self._lost(resume, "bytes that are no message")
            if lines > MAX_HEADER_LINES:
                return self._lost(resume, "a header that is too long")
            if field[1].lower() != _NAME:
                continue
            resume = field_at + 1  # never found again, so time stays linear
            said = _length(field[2].strip(b" \t"))
            if isinstance(said, Fault):
                return self._lost(resume, said.reason)
            if length not in (None, said):
                return self._lost(resume, "two lengths that contradict each other")
            length = said

    def _wait_for_line(self, begin: int, line_at: int, resume: int) -> Fault | None:
        """Return None if what has come may become a line of a header."""
        line = bytes(self._read[line_at : begin + MAX_HEADER_BYTES])
        if line != b"\r" and _LINE_BEGUN.fullmatch(line) is None:
            return self._lost(resume, "bytes that are no message")
        if len(self._read) - begin >= MAX_HEADER_BYTES:
            return self._lost(resume, "a header that is too long")
        return None

    def _lost(self, resume: int, reason: str) -> Fault:
        """Search for the next header from here on: behind every length that has been read.

        Of ``Content-Length: x`` and then ``Content-Length: 2`` the first is no length. What follows it is
        searched, and the second begins a header; were that bad too, the search would go on behind it.
        """
        self._at = resume
        self._is_lost = True
        return Fault(reason)


def _length(text: bytes) -> int | Fault:
    if not text.isdigit():
        return Fault("a length that is no number")
    if len(text) > _MAX_DIGITS or (length := int(text)) > MAX_MESSAGE_BYTES:
        return Fault(f"a message of more than {MAX_MESSAGE_BYTES} bytes")
    return length


def _next_header(read: bytes | bytearray, at: int) -> int | None:
    """Return where the next Content-Length line begins, or may begin if the end is all there is of it."""
    if found := _LENGTH_LINE.search(read, at):
        return found.start()
    begun = _LENGTH_LINE_BEGUN.search(read, max(at, len(read) - _MAX_LENGTH_LINE_BYTES))
    return begun.start() if begun else None
