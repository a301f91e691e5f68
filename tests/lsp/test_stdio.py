"""Lines and bodies out of a stream that comes in any pieces."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from farebox.lsp.stdio import CHUNK_BYTES, Stdin


class Pieces:
    """A stream that gives out what it has piece by piece."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._left = [piece for piece in pieces if piece]
        self.waits = 0

    def read1(self, size: int, /) -> bytes:
        self.waits += 1
        if not self._left:
            return b""
        piece = self._left.pop(0)
        if len(piece) > size:
            self._left.insert(0, piece[size:])
        return piece[:size]

    def read(self, size: int, /) -> bytes:
        self.waits += 1
        whole = b"".join(self._left)
        self._left = [whole[size:]] if whole[size:] else []
        return whole[:size]


def message(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


async def bodies(stdin: Stdin) -> list[bytes]:
    """Read messages as pygls does, until the end."""
    found: list[bytes] = []
    while line := await stdin.readline():
        size = int(line.partition(b":")[2])
        assert await stdin.readline() == b"\r\n"
        found.append(await stdin.readexactly(size))
    return found


@given(st.lists(st.binary(max_size=30), max_size=5), st.lists(st.integers(1, 40), max_size=20))
def test_messages_are_whole_however_they_come(sent: list[bytes], sizes: list[int]):
    stream = b"".join(map(message, sent))
    pieces: list[bytes] = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    assert asyncio.run(bodies(Stdin(Pieces([*pieces, stream])))) == sent


def test_messages_that_come_at_once_are_waited_for_once():
    source = Pieces([message(b"one") + message(b"two") + message(b"three")])
    assert asyncio.run(bodies(Stdin(source))) == [b"one", b"two", b"three"]
    assert source.waits == 2, "the second wait is for the end"


def test_a_large_body_is_waited_for_once():
    large = b"x" * (5 * CHUNK_BYTES)
    stream = message(large)
    source = Pieces([stream[:100], *(stream[at : at + 1_000] for at in range(100, len(stream), 1_000))])
    assert asyncio.run(bodies(Stdin(source))) == [large]
    assert source.waits == 3


def test_what_is_cut_off_is_given_out_as_far_as_it_came():
    stdin = Stdin(Pieces([b"half a li"]))

    async def read() -> tuple[bytes, bytes, bytes]:
        return await stdin.readline(), await stdin.readline(), await stdin.readexactly(5)

    assert asyncio.run(read()) == (b"half a li", b"", b"")
    assert asyncio.run(Stdin(Pieces([b"abc"])).readexactly(5)) == b"abc"


def test_others_get_their_turn_between_two_messages():
    stdin = Stdin(Pieces([message(b"one") + message(b"two")]))
    turns: list[str] = []

    async def read() -> None:
        while line := await stdin.readline():
            await stdin.readline()
            body = await stdin.readexactly(int(line.partition(b":")[2]))
            asyncio.get_running_loop().call_soon(turns.append, f"after {body.decode()}")
            turns.append(body.decode())

    asyncio.run(read())
    assert turns == ["one", "after one", "two", "after two"]
