"""Messages out of bytes: in any pieces, behind any garbage, and in bounded memory and time."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.lsp.framing import (
    MAX_HEADER_BYTES,
    MAX_HEADER_LINES,
    MAX_MESSAGE_BYTES,
    MAX_REJECTED_IN_A_ROW,
    Decoder,
    Fault,
)
from farebox.lsp.strict_json import is_json

FAULT = "a fault"
BODY = b'{"jsonrpc": "2.0"}'
WRONG_LENGTHS = st.integers(0, 80)
BODIES = st.dictionaries(st.text(max_size=5), st.text(max_size=8), max_size=3).map(
    lambda value: json.dumps(value).encode()
)


def message(body: bytes, header: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return header % len(body) + body


def decoded(*pieces: bytes) -> list[bytes | str]:
    """Read pieces as the server does: a body that is no JSON is given back."""
    decoder = Decoder()
    found: list[bytes | str] = []
    for piece in pieces:
        decoder.feed(piece)
        while (part := decoder.next()) is not None:
            if isinstance(part, Fault):
                found.append(FAULT)
            elif is_json(part):
                decoder.accept()
                found.append(part)
            else:
                rest = decoder.reject(part)
                found.append(rest if is_json(rest) else FAULT)
    return found


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    pieces: list[bytes] = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    return [*pieces, stream]


# --- what is right --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"content-length: %d\r\n\r\n", id="lower-case"),
        pytest.param(b"CONTENT-LENGTH: %d\r\n\r\n", id="upper-case"),
        pytest.param(b"Content-Length:%d\r\n\r\n", id="no-space"),
        pytest.param(b"Content-Length :  \t %d  \r\n\r\n", id="many-spaces"),
        pytest.param(b"Content-Length: %d\n\n", id="LF-alone"),
        pytest.param(b"Content-Length: 000%d\r\n\r\n", id="zeros"),
        pytest.param(
            b"Content-Type: application/json; a=b\r\nContent-Length: %d\r\n\r\n", id="another-first"
        ),
        pytest.param(b"Content-Length: %d\r\nX-Mine:\r\n\r\n", id="another-behind"),
        pytest.param(b"\r\n\r\nContent-Length: %d\r\n\r\n", id="empty-lines"),
    ],
)
def test_a_header_may_be_written_in_any_way_that_http_allows(header: bytes) -> None:
    assert decoded(message(BODY, header) * 2) == [BODY, BODY]


def test_a_length_may_be_said_twice_if_it_is_the_same() -> None:
    header = b"Content-Length: 18\r\ncontent-length:18\r\n\r\n"
    assert decoded(header + BODY + message(b"{}")) == [BODY, b"{}"]


@given(st.lists(BODIES, max_size=5), st.lists(st.integers(0, 40), max_size=20))
def test_messages_are_whole_however_they_come(sent: list[bytes], sizes: list[int]) -> None:
    assert decoded(*cut(b"".join(map(message, sent)), sizes)) == sent


def test_a_message_of_the_largest_size_is_read() -> None:
    largest = b'"%b"' % (b"x" * (MAX_MESSAGE_BYTES - 2))
    stream = message(largest) + message(b"{}")
    assert decoded(*(stream[at : at + 65536] for at in range(0, len(stream), 65536))) == [largest, b"{}"]


# --- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"Content-Length: -5\r\n\r\n", id="negative"),
        pytest.param(b"Content-Length: a\r\n\r\n", id="no-number"),
        pytest.param(b"Content-Length: \r\n\r\n", id="nothing"),
        pytest.param(b"Content-Length: 1.5\r\n\r\n", id="a-fraction"),
        pytest.param(b"Content-Length: %d\r\n\r\n" % (MAX_MESSAGE_BYTES + 1), id="one-too-many"),
        pytest.param(b"Content-Length: 1000000000000\r\n\r\n", id="10^12"),
        pytest.param(b"Content-Length: 1%b\r\n\r\n" % (b"0" * 30), id="10^30"),
        pytest.param(b"Content-Length: 1%b\r\n\r\n" % (b"0" * 3000), id="10^3000"),
        pytest.param(b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="contradiction"),
        pytest.param(b"Content-Type: x\r\n\r\n", id="no-length"),
        pytest.param(b"Content-Length: 2\r\n" + b"A: b\r\n" * MAX_HEADER_LINES, id="too-many-lines"),
        pytest.param(b"Content-Length: 2\r\nA: " + b"b" * MAX_HEADER_BYTES, id="too-long-a-line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="a-browser"),
        pytest.param(b'{"jsonrpc": "2.0"}', id="no-header"),
        pytest.param(b"Traceback (most recent call last):\n", id="a-print"),
        pytest.param(b"\0\xff\xfe\r\r\r", id="bytes"),
        pytest.param(b"Content-Length: 18\r\n" + BODY, id="no-empty-line"),
    ],
)
def test_a_fault_is_told_once_and_the_next_message_is_read(garbage: bytes) -> None:
    stream = message(BODY) + garbage + message(b"[1]") + message(b"[2]")
    expected = [BODY, FAULT, b"[1]", b"[2]"]
    assert decoded(stream) == expected
    assert decoded(*(stream[at : at + 1] for at in range(len(stream)))) == expected


@pytest.mark.parametrize("wrong_by", [*range(-18, 0), 1, 2, 5, 20, 21, 22, 23, 30, 36])
def test_a_length_that_is_wrong_loses_no_later_message(wrong_by: int) -> None:
    wrong = b"Content-Length: %d\r\n\r\n%b" % (len(BODY) + wrong_by, BODY)
    found = decoded(wrong + message(b"[1]") + message(b"[2]"))
    assert found[-2:] == [b"[1]", b"[2]"]
    assert found[:-2] in ([FAULT], [BODY])
    assert wrong_by < 0 or found[0] == BODY, "what is whole is served"


def test_a_length_that_is_too_large_is_seen_when_nothing_more_comes() -> None:
    decoder = Decoder()
    decoder.feed(b"Content-Length: 100\r\n\r\n" + BODY[:-1])
    assert (decoder.next(), decoder.stalled(is_json)) == (None, None)
    decoder.feed(b"}")
    assert (decoder.next(), decoder.stalled(is_json)) == (None, BODY)
    decoder.feed(b"\r\n" + message(b"[1]"))
    assert decoder.next() == b"[1]"


def test_a_header_inside_a_body_of_which_no_more_comes_ends_it() -> None:
    decoder = Decoder()
    decoder.feed(b"Content-Length: 1000\r\n\r\n" + BODY + message(b"[1]"))
    assert (decoder.next(), decoder.stalled(is_json), decoder.next()) == (None, BODY, b"[1]")


@given(st.lists(BODIES, max_size=3), st.integers(0, 200))
def test_who_is_merely_slow_loses_nothing(sent: list[bytes], pause: int) -> None:
    stream = b"".join(map(message, sent))
    decoder = Decoder()
    found: list[object] = []
    for piece in cut(stream, [pause]):
        decoder.feed(piece)
        while (part := decoder.next()) is not None:
            found.append(part)
            decoder.accept()
        if piece is not stream and decoder.is_within_body and (part := decoder.stalled(is_json)) is not None:
            found.append(part)
    assert found == sent


PARTS = st.one_of(
    BODIES.map(message),
    st.binary(max_size=30),
    st.sampled_from([b"Content-", b"Content-Length: 5", b"\r\n", b"\n\n", b"content-length:3\n", b"{", b"}"]),
    st.tuples(WRONG_LENGTHS, BODIES).map(lambda pair: b"Content-Length: %d\r\n\r\n%b" % pair),
)


@given(st.lists(PARTS, max_size=6).map(b"".join), st.lists(st.integers(0, 9), max_size=40))
def test_any_cutting_gives_the_same(stream: bytes, sizes: list[int]) -> None:
    assert decoded(*cut(stream, sizes)) == decoded(stream)


@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([b"\r\n", b": ", b"Content-L"])), max_size=6)
)
def test_a_message_is_found_behind_any_garbage_that_holds_no_header(parts: list[bytes]) -> None:
    garbage = b"".join(parts)
    if re.search(rb"content-length[ \t]*:", garbage, re.IGNORECASE) is None:
        assert decoded(garbage + message(BODY))[-1] == BODY


# --- bounds ---------------------------------------------------------------------------------------


def held(decoder: Decoder) -> int:
    return len(decoder._read)


@pytest.mark.parametrize("garbage", [b"x", b"a: b\n", b"\r\n", b"c", b"content-length:" + b" " * 40, b" {"])
def test_garbage_is_not_kept(garbage: bytes) -> None:
    decoder = Decoder()
    piece = garbage * (60_000 // len(garbage))
    for _ in range(20):
        decoder.feed(piece)
        while decoder.next() is not None:
            pass
    decoder.feed(b"")
    assert held(decoder) <= MAX_HEADER_BYTES


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"Content-Length: 900000\r\n\r\n" * 40_000, id="headers-in-headers"),
        pytest.param(b"Content-Length: 900000\r\n\r\n{" * 40_000, id="headers-in-broken-bodies"),
        pytest.param(b"xContent-Length: 5\r\n" * 10_000, id="almost-headers"),
        pytest.param(b"content-length:" * 70_000, id="no-line-ever"),
    ],
)
def test_time_does_not_grow_with_the_square_of_what_comes(stream: bytes) -> None:
    assert decoded(stream)
    assert decoded(stream + message(BODY) * (MAX_REJECTED_IN_A_ROW + 900_000 // 40))[-1] == BODY


def test_bytes_that_come_one_at_a_time_are_read_in_linear_time() -> None:
    stream = message(b'"%b"' % (b"x" * 200_000))
    assert len(decoded(*(stream[at : at + 1] for at in range(len(stream))))) == 1
