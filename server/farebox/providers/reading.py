"""What the bytes of an accepted answer hold: events, lines or one object of JSON, within bounds.

Shared by all adapters; knows no vendor's fields. Whatever can't be read is a BrokenReply.
"""

from collections.abc import AsyncGenerator
from typing import Final

from farebox.errors import BrokenReply
from farebox.providers import http
from farebox.providers.base import Endpoint
from farebox.providers.http import MAX_WHOLE_BYTES, Body
from farebox.providers.json_value import JsonObject, parse_error, parse_object
from farebox.providers.sse import ServerSentEvent, SseDecoder, TooLong

DONE: Final = "[DONE]"
END: Final[JsonObject] = {DONE: True}
"""Stands for the end mark of the OpenAI dialect, which is no JSON."""

MAX_LINE_BYTES: Final = 2 * 1024 * 1024
MAX_LINES: Final = 200_000
MAX_BLANK_BYTES: Final = 4096
"""Before an answer begins; what is longer is judged by its media type."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NOTHING_YET: Final = (b"", _BYTE_ORDER_MARK[:1], _BYTE_ORDER_MARK[:2])


async def head(answer: Body) -> bytes:
    """Read up to the first byte that is no blank, or so far that there will be none. See ``tables``."""
    read = b""
    async for chunk in answer.chunks:
        read = (read + chunk).removeprefix(_BYTE_ORDER_MARK)
        if read.strip() not in _NOTHING_YET or len(read) > MAX_BLANK_BYTES:
            break
    return read


def is_whole(head: bytes, content_type: str) -> bool:
    """Say whether a body is one JSON object. Its first byte knows better than its media type."""
    first = head.lstrip()[:1]
    if first in (b"{", b"d", b":", b"e", b"i", b"r"):  # an object, or a field or a comment of an event stream
        return first == b"{"
    return "json" in content_type


def tables(endpoint: Endpoint, answer: Body, head: bytes) -> AsyncGenerator[JsonObject, None]:
    """Yield the objects of a body whose ``head`` has been read: of an event stream, or the one of JSON."""
    if is_whole(head, answer.content_type):
        return _alone(endpoint, answer, head)
    return events(endpoint, answer, head)


async def _alone(endpoint: Endpoint, answer: Body, head: bytes) -> AsyncGenerator[JsonObject, None]:
    yield await whole(endpoint, answer, head)


async def events(endpoint: Endpoint, answer: Body, head: bytes = b"") -> AsyncGenerator[JsonObject, None]:
    """Yield the objects of an event stream; END, if its end mark comes, is the last. Raises BrokenReply."""
    decoder = SseDecoder()
    seen = False
    chunk: bytes | None = head
    try:
        while chunk is not None:
            for event in decoder.feed(chunk):
                if event.data.strip() == DONE:
                    yield END
                    return
                if not event.is_empty:
                    seen = True
                    yield _parsed(endpoint, event)
            chunk = await anext(answer.chunks, None)
        for event in decoder.end():
            if event.data.strip() == DONE:
                yield END
            elif not event.is_empty:
                seen = True
                yield _parsed(endpoint, event, cut_off=True)
    except TooLong as exc:
        raise broken(endpoint, f"sent too much: {exc}", transient=False) from None
    if not seen:
        raise broken(endpoint, "answered with no event stream")


async def lines(endpoint: Endpoint, answer: Body) -> AsyncGenerator[JsonObject, None]:
    """Yield the objects of a body with one JSON object a line. Raises BrokenReply."""
    buffer = bytearray()
    seen = 0
    async for chunk in answer.chunks:
        searched = len(buffer)
        buffer += chunk
        start = 0
        while (end := buffer.find(b"\n", max(start, searched))) >= 0:
            line = bytes(buffer[start:end])
            start = end + 1
            seen += 1
            if seen > MAX_LINES:
                raise broken(endpoint, f"sent more than {MAX_LINES} lines", transient=False)
            if not line.strip():
                continue
            if (
                seen == 1 and _parse(line) is None
            ):  # one object in many lines, from a server that does not stream
                yield await whole(endpoint, answer, line + b"\n" + bytes(buffer[start:]))
                return
            yield _object(endpoint, line)
        del buffer[:start]
        if len(buffer) > MAX_LINE_BYTES:
            raise broken(endpoint, f"sent a line longer than {MAX_LINE_BYTES} bytes", transient=False)
    if buffer.strip():
        yield _object(endpoint, bytes(buffer), cut_off=True)


async def whole(endpoint: Endpoint, answer: Body, head: bytes = b"") -> JsonObject:
    """Return a body that is one JSON object. Raises BrokenReply."""
    buffer = bytearray(head)
    async for chunk in answer.chunks:
        buffer += chunk
        if len(buffer) > MAX_WHOLE_BYTES:
            raise broken(endpoint, f"sent a body of more than {MAX_WHOLE_BYTES} bytes", transient=False)
    return _object(endpoint, bytes(buffer))


def broken(endpoint: Endpoint, what: str, *, transient: bool = True) -> BrokenReply:
    """Return the error for an answer that can't be used; ``transient`` unless it was written so."""
    hint = "Try again; if it keeps happening, check base_url or choose another model."
    return http.broken(endpoint, what, hint=hint, transient=transient)


def _parsed(endpoint: Endpoint, event: ServerSentEvent, *, cut_off: bool = False) -> JsonObject:
    table = parse_object(event.data)
    if event.event == "error" and not (table or {}).get("error"):
        return {"error": event.data if table is None else table}
    if table is None:
        raise _unreadable(endpoint, "an event", cut_off=cut_off)
    return table


def _object(endpoint: Endpoint, raw: bytes, *, cut_off: bool = False) -> JsonObject:
    table = _parse(raw)
    if table is None:
        raise _unreadable(endpoint, "a body", cut_off=cut_off)
    return table


def _parse(raw: bytes) -> JsonObject | None:
    return parse_error(raw.decode("utf-8", errors="replace"))


def _unreadable(endpoint: Endpoint, what: str, *, cut_off: bool) -> BrokenReply:
    if cut_off:
        return broken(endpoint, "ended its answer before it was whole")
    return broken(endpoint, f"sent {what} that is no JSON object", transient=False)
