"""Messages out of a real pipe: whole, in order, with a turn for others, and no further ahead than bounded."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import pytest

from farebox.lsp.stdio import CHUNK_BYTES, MAX_CHUNKS_AHEAD, Stdin, listen
from support.patience import WAIT_S

PIPE_BYTES = 64 * 1024
"""What the pipe itself holds on Linux and macOS."""


class Ear:
    """Hears messages; one that says "end" ends the session."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.begins = True
        self.has_ended = False
        self.has_heard = asyncio.Event()

    def receive(self, value: object) -> bool:
        self.heard.append(value)
        self.has_heard.set()
        self.has_ended = value == "end"
        asyncio.get_running_loop().call_soon(self.heard.append, "a turn")
        return self.begins

    def malformed(self, reason: str) -> None:
        self.heard.append(f"malformed: {reason}")

    def messages(self) -> list[object]:
        return [one for one in self.heard if one != "a turn"]


@contextmanager
def pipe() -> Generator[tuple[int, int]]:
    """Yield a pipe's two ends. That for reading stays open: a thread may still read what has its number."""
    read, write = os.pipe()
    try:
        yield read, write
    finally:
        with suppress(OSError):
            os.close(write)


def message(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def hear_all(*pieces: bytes, ends: bool = True, begins: bool = True) -> Ear:
    """Let pieces be written into a pipe, and hear all of it."""
    ear = Ear()
    ear.begins = begins
    with pipe() as (read, write):

        def write_all() -> None:
            for piece in pieces:
                os.write(write, piece)
            if ends:
                os.close(write)

        writer = threading.Thread(target=write_all)
        writer.start()
        async with asyncio.timeout(WAIT_S):
            await listen(Stdin(read), ear)
        writer.join()
    return ear


async def test_a_reader_that_fails_ends_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int, _size: int) -> bytes:
        raise MemoryError

    def note(*_args: object, **_kwargs: object) -> None:
        raise MemoryError

    monkeypatch.setattr(os, "read", fail)
    monkeypatch.setattr(logging.Logger, "makeRecord", note)
    hand_over, failing = asyncio.get_running_loop().call_soon_threadsafe, iter(range(3))

    def fail_at_first(call: Callable[[bytes], None], chunk: bytes) -> object:
        if next(failing, None) is not None:
            raise MemoryError
        return hand_over(call, chunk)

    monkeypatch.setattr(asyncio.get_running_loop(), "call_soon_threadsafe", fail_at_first)
    monkeypatch.setattr(threading, "excepthook", lambda _args: None)
    others = set(threading.enumerate())
    with pipe() as (read, _):
        async with asyncio.timeout(WAIT_S):
            assert await Stdin(read).read() == b""
    for reader in set(threading.enumerate()) - others:
        reader.join(WAIT_S)


async def test_messages_come_whole_and_in_order_until_the_end() -> None:
    large = b'"%b"' % (b"x" * (3 * CHUNK_BYTES))
    ear = await hear_all(message(b"1"), message(large)[:100], message(large)[100:] + message(b"[2]"))
    assert ear.messages() == [1, "x" * (3 * CHUNK_BYTES), [2]]


@pytest.mark.skipif(os.name == "nt", reason="pipes there always wait")
async def test_a_pipe_that_is_set_not_to_wait_has_not_ended() -> None:
    with pipe() as (read, write):
        stdin = Stdin(read)
        for at_work in (b"1", b"2"):
            os.set_blocking(read, False)  # by whoever shares it
            os.write(write, at_work)
            assert await stdin.read(WAIT_S) == at_work
        os.close(write)
        assert await stdin.read(WAIT_S) == b""


async def test_others_get_their_turn_between_two_messages() -> None:
    ear = await hear_all(message(b"1") + message(b"2") + message(b"3"))
    assert ear.heard == [1, "a turn", 2, "a turn", 3, "a turn"]


async def test_a_flood_of_messages_that_begin_nothing_leaves_turns_for_others() -> None:
    many = 20_000
    ear = await hear_all(b"".join(message(b"%d" % number) for number in range(many)), begins=False)
    assert ear.messages() == [*range(many)]
    assert "a turn" in ear.heard[: many // 2], "so many take longer than one turn may"


async def test_what_can_not_be_read_is_told_and_what_follows_is_read() -> None:
    ear = await hear_all(message(b"{") + b"no header\n" + message(b"1"), message(b"NaN") + message(b"2"))
    assert ear.messages() == [
        "malformed: it is no JSON",
        1,
        "malformed: it holds NaN or an infinity",
        2,
    ]


async def test_a_session_that_has_ended_reads_no_more() -> None:
    ear = await hear_all(message(b'"end"') + message(b"1"), ends=False)
    assert ear.messages() == ["end"]


async def test_a_message_whose_length_is_too_large_is_heard_though_nothing_follows() -> None:
    with pipe() as (read, write):
        ear = Ear()
        listening = asyncio.create_task(listen(Stdin(read), ear))
        os.write(write, b'Content-Length: 99\r\n\r\n{"a": 1}')
        async with asyncio.timeout(WAIT_S):
            await ear.has_heard.wait()
        assert not listening.done()
        os.write(write, message(b'"end"'))
        async with asyncio.timeout(WAIT_S):
            await listening
    assert ear.messages() == [{"a": 1}, "end"]


@pytest.mark.skipif(os.name == "nt", reason="a pipe there can't be asked whether it is full")
async def test_no_more_is_read_ahead_than_bounded() -> None:
    with pipe() as (read, write):
        os.set_blocking(write, False)
        stdin = Stdin(read)
        taken = idle = 0
        try:
            async with asyncio.timeout(WAIT_S):
                while True:  # nobody asks for what is read
                    try:
                        taken += os.write(write, b"x" * CHUNK_BYTES)
                        idle = 0
                    except BlockingIOError:
                        idle += 1
                        if idle == 50:
                            break
                    await asyncio.sleep(0.002)
        finally:
            os.close(write)
        assert taken <= PIPE_BYTES + (MAX_CHUNKS_AHEAD + 1) * CHUNK_BYTES
        read_again = 0
        while piece := await stdin.read():
            read_again += len(piece)
        assert read_again == taken
        assert await stdin.read() == b"", "the end stays the end"


async def test_whoever_waits_no_longer_than_so_long_is_told_that_nothing_came() -> None:
    with pipe() as (read, write):
        stdin = Stdin(read)
        assert await stdin.read(0.01) is None
        os.write(write, b"x")
        assert await stdin.read(WAIT_S) == b"x"
        os.close(write)
        assert await stdin.read(WAIT_S) == b""
