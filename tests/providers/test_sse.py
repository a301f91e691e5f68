"""The event stream reader: where the network splits the bytes never changes what is read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers import sse
from farebox.providers.sse import ServerSentEvent, SseDecoder, TooLong

LINE_ENDS = ("\n", "\r\n", "\r")

words = st.text(alphabet=st.sampled_from('aß€😀 :{}"\\x\u2028\ufeff'), max_size=12)
lines = st.one_of(
    words.map(lambda value: f"data: {value}"),
    words.map(lambda value: f"data:{value}"),
    words.map(lambda value: f": {value}"),
    st.sampled_from(
        ["event: error", "event:", "id: 7", "retry: 10", "data", ":", "unknown: x", ": OPENROUTER PROCESSING"]
    ),
    st.just(""),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Any valid stream: every line has an end of its own kind, with or without a byte order mark."""
    text = "".join(line + draw(st.sampled_from(LINE_ENDS)) for line in draw(st.lists(lines, max_size=12)))
    text += draw(st.sampled_from(["", "data: unfinished", "data: x\n"]))
    return (b"\xef\xbb\xbf" if draw(st.booleans()) else b"") + text.encode()


def check(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return [*events, *decoder.end()]


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def reference(data: bytes) -> list[tuple[str, str]]:
    """Read a whole stream in the plainest way."""
    text = data.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    events: list[tuple[str, str]] = []
    collected: list[str] = []
    event = ""
    for line in [*text.split("\n"), ""]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if collected:
                events.append(("\n".join(collected), event or "message"))
            collected, event = [], ""
        elif name == "data":
            collected.append(value)
        elif name == "event":
            event = value
    return events


@given(streams(), st.lists(st.integers(min_value=0), max_size=30))
def test_any_split_of_any_stream_gives_the_events_of_the_whole(data: bytes, cuts: list[int]):
    assert check(*split(data, cuts)) == check(data)


@given(streams())
def test_a_split_at_every_byte_gives_the_events_of_the_whole(data: bytes):
    assert check(*[data[at : at + 1] for at in range(len(data))]) == check(data)


@given(streams())
def test_the_events_are_those_of_a_plain_reading(data: bytes):
    assert [(event.data, event.event) for event in check(data)] == reference(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", ["a", "b"], id="line feeds"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"], id="carriage returns and line feeds"),
        pytest.param(b"data: a\r\rdata: b\r\r", ["a", "b"], id="carriage returns"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", ["a"], id="byte order mark"),
        pytest.param(b"data:a\n\n", ["a"], id="no space"),
        pytest.param(b"data:  a\n\n", [" a"], id="only one space is taken away"),
        pytest.param(b"data: a\ndata: b\n\n", ["a\nb"], id="two data lines"),
        pytest.param(b": OPENROUTER PROCESSING\n\ndata: a\n\n", ["a"], id="a comment is no event"),
        pytest.param(b"event: ping\n\ndata: a\n\n", ["a"], id="an event without data is none"),
        pytest.param(b"data: a", ["a"], id="the stream ends in the middle of a line"),
        pytest.param(b"data: a\n", ["a"], id="the stream ends before the empty line"),
        pytest.param(b"data: \xe2\x82", ["\ufffd"], id="the stream ends inside a character"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_a_stream_reads_as(data: bytes, expected: list[str]):
    assert [event.data for event in check(data)] == expected


def test_an_event_keeps_its_name_and_the_next_has_none():
    assert check(b"event: error\ndata: a\n\ndata: b\n\n") == [
        ServerSentEvent("a", "error"),
        ServerSentEvent("b", "message"),
    ]


PIECE = b"x" * (256 * 1024)


def fill(decoder: SseDecoder, *, before: bytes, after: bytes, chars: int) -> None:
    for _ in range(chars // len(PIECE) + 2):
        decoder.feed(before + PIECE + after)


@pytest.mark.parametrize(
    ("before", "after", "cap"),
    [
        pytest.param(b"", b"", sse.MAX_LINE_CHARS, id="a line without end"),
        pytest.param(b"data: ", b"\n", sse.MAX_EVENT_CHARS, id="an event of data lines without end"),
    ],
)
def test_what_has_no_end_is_too_long(before: bytes, after: bytes, cap: int):
    with pytest.raises(TooLong):
        fill(SseDecoder(), before=before, after=after, chars=cap)


def test_the_line_ends_of_an_event_count_too():
    decoder = SseDecoder()
    decoder.feed(b"data:x\n" * (sse.MAX_EVENT_CHARS // 2))
    with pytest.raises(TooLong):
        decoder.feed(b"data\n")


def test_a_stream_of_more_events_than_the_cap_is_too_long():
    decoder = SseDecoder()
    assert len(decoder.feed(b"data: 1\n\n" * sse.MAX_EVENTS)) == sse.MAX_EVENTS
    with pytest.raises(TooLong):
        decoder.feed(b"data: 1\n\n")
