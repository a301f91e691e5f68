"""What the bytes of an answer hold: events, lines or one object, however they are split, never too much."""

import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import BrokenReply
from farebox.providers import reading
from farebox.providers.base import Deadlines, Endpoint
from farebox.providers.clock import Clock
from farebox.providers.http import MAX_WHOLE_BYTES, Body
from farebox.providers.json_value import JsonObject
from support.upstream import sse

ENDPOINT = Endpoint(provider="acme", dialect="openai", base_url="https://api.acme.test/v1")
PIECE = b"x" * (64 * 1024)

Reader = Callable[[Endpoint, Body], AsyncGenerator[JsonObject, None]]


async def whole(endpoint: Endpoint, answer: Body) -> AsyncGenerator[JsonObject, None]:
    """Read a whole body as the stream of one object."""
    yield await reading.whole(endpoint, answer)


READERS: dict[str, Reader] = {"events": reading.events, "lines": reading.lines, "whole": whole}


async def read(reader: Reader, chunks: Sequence[bytes]) -> list[JsonObject]:
    async def arriving() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk

    answer = Body("", {}, arriving(), Clock(Deadlines()))
    async with aclosing(reader(ENDPOINT, answer)) as tables:
        return [table async for table in tables]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(places)]


objects = st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8)), max_size=5)
cuts = st.lists(st.integers(min_value=0), max_size=30)


@given(objects, cuts, st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \n"]))
async def test_lines_read_the_same_however_they_are_split(
    tables: list[dict[str, str]], at: list[int], end: bytes
):
    data = end.join(json.dumps(table, ensure_ascii=False).encode() for table in tables)
    assert await read(reading.lines, split(data, at)) == tables


@given(objects, cuts, st.booleans())
async def test_events_read_the_same_however_they_are_split(
    tables: list[dict[str, str]], at: list[int], done: bool
):
    data = b": ping\n\n" + sse(*tables, done=done)
    expected = [*tables, *([reading.END] if done else [])]
    if not expected:
        with pytest.raises(BrokenReply, match="no event stream"):
            await read(reading.events, split(data, at))
        return
    assert await read(reading.events, split(data, at)) == expected


async def test_what_follows_the_end_mark_is_not_read():
    assert await read(reading.events, [sse({"a": 1}) + b"data: {\n\n"]) == [{"a": 1}, reading.END]


@pytest.mark.parametrize(
    ("reader", "data", "words", "transient"),
    [
        pytest.param("events", b"data: x\n\n", "an event that is no JSON object", False, id="garbage"),
        pytest.param("events", b"data: [1]\n\n", "an event that is no JSON object", False, id="a list"),
        pytest.param("events", b'data: {"a": 1', "ended its answer before it was whole", True, id="half"),
        pytest.param("events", b"", "no event stream", True, id="nothing"),
        pytest.param("events", b": ping\n\n", "no event stream", True, id="a comment"),
        pytest.param("lines", b"x\n", "a body that is no JSON object", False, id="a line of garbage"),
        pytest.param("lines", b'{"a": 1', "ended its answer before it was whole", True, id="half a line"),
        pytest.param("whole", b"x", "a body that is no JSON object", False, id="a body of garbage"),
    ],
)
async def test_what_cannot_be_read_is_broken_and_a_break_may_mend(
    reader: str, data: bytes, words: str, transient: bool
):
    with pytest.raises(BrokenReply, match=words) as caught:
        await read(READERS[reader], [data])
    assert caught.value.transient == transient
    assert caught.value.hint


@pytest.mark.parametrize(
    ("reader", "before", "words"),
    [
        ("events", b"data: ", "sent too much"),
        ("lines", b"", f"a line longer than {reading.MAX_LINE_BYTES} bytes"),
        ("whole", b"", f"a body of more than {MAX_WHOLE_BYTES} bytes"),
    ],
)
async def test_what_is_too_long_is_not_read_to_its_end(reader: str, before: bytes, words: str):
    chunks = [before, *[PIECE] * (2 * MAX_WHOLE_BYTES // len(PIECE))]
    with pytest.raises(BrokenReply, match=words) as caught:
        await read(READERS[reader], chunks)
    assert not caught.value.transient


@pytest.mark.parametrize("reader", READERS)
async def test_bytes_that_come_one_by_one_are_not_copied_each_time(reader: str):
    line = json.dumps({"a": "x" * 400_000}).encode()
    data = b"data: " + line + b"\n\n" if reader == "events" else line
    started_s = time.process_time()
    assert await read(READERS[reader], [data[at : at + 4] for at in range(0, len(data), 4)])
    assert time.process_time() - started_s < 5


@pytest.mark.parametrize("reader", READERS)
async def test_invalid_utf_8_is_replaced(reader: str):
    line = b'{"a": "\xff"}'
    data = b"data: " + line + b"\n\n" if reader == "events" else line
    assert await read(READERS[reader], [data]) == [{"a": "\ufffd"}]
