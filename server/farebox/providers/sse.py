"""Server-sent events from raw bytes, with a cap on everything that a stranger could make long.

Implements the event stream format of the HTML standard (section 9.2.6): LF, CRLF and CR line ends, a
byte order mark, comments, ``data:`` with or without a space, events of several data lines. Bytes may be
split anywhere. Written here because library readers buffer a line without bound.
"""

import codecs
from dataclasses import dataclass
from io import StringIO

MAX_LINE_CHARS = 2 * 1024 * 1024
MAX_EVENT_CHARS = 2 * 1024 * 1024
"""Python keeps a text with a single emoji in it at four bytes a character, and reading it makes copies."""

MAX_EVENTS = 200_000


class TooLong(Exception):
    """A line, an event or the stream went over its cap."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event."""

    data: str
    event: str = "message"

    @property
    def is_empty(self) -> bool:
        """True without any data: some proxies keep a connection alive with such events."""
        return not self.data.strip()


class SseDecoder:
    """Turn chunks of bytes into events. One decoder serves one stream."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")(errors="replace").decode
        self._partial = StringIO()  # of a line; a list would take some 80 bytes for each piece
        self._partial_chars = 0
        self._data: list[str] = []
        self._data_chars = 0
        self._event = ""
        self._events = 0
        self._skip_line_feed = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that this chunk completes. Raises TooLong."""
        text = self._decode(chunk)
        if self._skip_line_feed and text:
            # A CR ended the last chunk; a LF right after it belongs to the same line end.
            text = text.removeprefix("\n")
            self._skip_line_feed = False
        if not text:
            return []
        if text.endswith("\r"):
            self._skip_line_feed = True
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        events: list[ServerSentEvent] = []
        for ending in lines:
            is_whole = not self._partial_chars and len(ending) <= MAX_LINE_CHARS
            if line := ending if is_whole else self._whole_line(ending):
                self._read(line)
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._append(rest)
        return events

    def end(self) -> list[ServerSentEvent]:
        """Return the event that the stream's end left unfinished, if it had any data.

        The standard drops it; model servers that close right after the last line do mean it.
        """
        events = self.feed(self._decode(b"", True).encode())
        if self._partial_chars:
            self._read(self._whole_line(""))
        if (last := self._dispatch()) is not None:
            events.append(last)
        return events

    def _append(self, text: str) -> None:
        if not text:
            return
        self._partial_chars += len(text)
        if self._partial_chars > MAX_LINE_CHARS:
            raise TooLong(f"a line of the stream is longer than {MAX_LINE_CHARS} characters")
        self._partial.write(text)

    def _whole_line(self, ending: str) -> str:
        """Put a line together whose last piece has come. Raises TooLong."""
        self._append(ending)
        line = self._partial.getvalue()
        self._partial, self._partial_chars = StringIO(), 0
        return line

    def _read(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._data_chars += len(value) + 1  # the line end, so that empty lines count too
            if self._data_chars > MAX_EVENT_CHARS:
                raise TooLong(f"an event of the stream is longer than {MAX_EVENT_CHARS} characters")
        elif field == "event":
            self._event = value

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = self._data, self._event
        self._data, self._event, self._data_chars = [], "", 0
        if not data:
            return None
        self._events += 1
        if self._events > MAX_EVENTS:
            raise TooLong(f"the stream has more than {MAX_EVENTS} events")
        return ServerSentEvent(data="\n".join(data), event=event or "message")
