"""What waits for a client that reads slowly: its order, what is joined, and who has to wait."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.lsp.outbox import MAX_APART_BYTES, MAX_HELD_BYTES, MAX_WAITING_BYTES, Outbox
from support.client import Client, Failed
from support.environment import ledger_rows, openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Recorded, Upstream, chunk, openrouter_stream, sse, sse_answer

FILLER = b"f" * 300_000
"""More than a pipe and what was handed to it hold: what follows has to wait."""


class Pipe:
    """An outbox on a real pipe, which is read only when the test says so."""

    def __init__(self) -> None:
        self.source, self.sink = os.pipe()
        self.reasons: list[str] = []
        self.was_lost = asyncio.Event()
        self.outbox = Outbox(self.sink, self._on_lost)

    def _on_lost(self, reason: str) -> None:
        self.reasons.append(reason)
        self.was_lost.set()

    async def fill(self) -> None:
        """Fill the pipe, and have the outbox wait for a reader."""
        self.outbox.put(FILLER)
        await asyncio.to_thread(_wait_until_full, self.sink)

    async def read_all(self) -> list[bytes]:
        """Read until there is nothing more to write."""
        reading = asyncio.create_task(asyncio.to_thread(self._read))
        await self.outbox.close(WAIT_S)
        os.close(self.sink)
        return await reading

    def _read(self) -> list[bytes]:
        stream = BytesIO()
        while chunk := os.read(self.source, 65_536):
            stream.write(chunk)
        os.close(self.source)
        stream.seek(0)
        bodies: list[bytes] = []
        while header := stream.readline():
            assert stream.readline() == b"\r\n"
            bodies.append(stream.read(int(header.removeprefix(b"Content-Length: "))))
        return bodies


def _wait_until_full(descriptor: int) -> None:
    if sys.platform == "win32":
        time.sleep(0.2)  # it can't be asked
        return
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    while poll.poll(0):
        time.sleep(0.001)


def as_text(text: str) -> bytes:
    return f"<{text}>".encode()


async def test_what_is_read_at_once_keeps_its_order_and_its_pieces() -> None:
    pipe = Pipe()
    pipe.outbox.put(b"one")
    for piece in ("a", "b"):
        pipe.outbox.put_text(("chat", "text"), piece, as_text)
        await pipe.outbox.said("chat")
    pipe.outbox.put(b"two")
    assert await pipe.read_all() == [b"one", b"<a>", b"<b>", b"two"]


async def test_an_answer_overtakes_what_streams_have_still_to_say() -> None:
    pipe = Pipe()
    await pipe.fill()
    pipe.outbox.put_part("chat", b"an event")
    pipe.outbox.put_text(("chat", "text"), "a" * 10, as_text)
    pipe.outbox.put(b"an answer")
    assert await pipe.read_all() == [FILLER, b"an answer", b"an event", b"<aaaaaaaaaa>"]


async def test_text_is_joined_where_much_waits_and_only_with_its_like() -> None:
    pipe = Pipe()
    await pipe.fill()
    pipe.outbox.put(b"x" * (MAX_APART_BYTES + 1))
    for kind, piece in (("text", "a"), ("text", "b"), ("thought", "c"), ("text", "d"), ("text", "e")):
        pipe.outbox.put_text(("chat", kind), piece, as_text)
    pipe.outbox.put_part("chat", b"an event")
    pipe.outbox.put_text(("chat", "text"), "f", as_text)
    assert (await pipe.read_all())[2:] == [b"<ab>", b"<c>", b"<de>", b"an event", b"<f>"]


async def test_of_news_the_last_counts_where_much_waits() -> None:
    pipe = Pipe()
    pipe.outbox.put_newest("status", b"busy")
    await pipe.fill()
    pipe.outbox.put(b"x" * (MAX_APART_BYTES + 1))
    for state in (b"busy", b"ready", b"offline"):
        pipe.outbox.put_newest("status", state)
    pipe.outbox.put(b"an answer")
    assert [body for body in await pipe.read_all() if len(body) < 100] == [b"busy", b"an answer", b"offline"]


async def test_a_stream_that_was_cut_says_nothing_more() -> None:
    pipe = Pipe()
    await pipe.fill()
    pipe.outbox.put_text(("chat", "text"), "a", as_text)
    pipe.outbox.put_text(("other", "text"), "b", as_text)
    waiting = asyncio.create_task(pipe.outbox.said("chat"))
    pipe.outbox.cut("chat")
    await asyncio.wait_for(waiting, WAIT_S)
    assert await pipe.read_all() == [FILLER, b"<b>"]


async def test_a_stream_waits_for_room_and_goes_on_when_there_is_some() -> None:
    pipe = Pipe()
    await pipe.fill()
    await asyncio.wait_for(pipe.outbox.room(), WAIT_S)
    for _ in range(9):
        pipe.outbox.put_text(("chat", "text"), "a" * (MAX_WAITING_BYTES // 8), as_text)
    waiting = asyncio.create_task(pipe.outbox.room())
    stopped = asyncio.create_task(pipe.outbox.room())
    done, _ = await asyncio.wait([waiting, stopped], timeout=0.05)
    assert not done
    stopped.cancel()
    reading = asyncio.create_task(pipe.read_all())
    await asyncio.wait_for(waiting, WAIT_S)
    assert stopped.cancelled()
    assert sum(map(len, (await reading)[1:])) >= MAX_WAITING_BYTES


async def test_a_client_that_lets_too_much_pile_up_is_given_up() -> None:
    pipe = Pipe()
    await pipe.fill()
    started = 0
    while not pipe.reasons:
        pipe.outbox.put(b"a" * 1_000_000)
        started += 1_000_000
    assert MAX_HELD_BYTES < started <= MAX_HELD_BYTES + 2_000_000
    assert "reads no more" in pipe.reasons[0]
    await asyncio.wait_for(pipe.outbox.room(), WAIT_S)  # nobody waits for what will never be
    await asyncio.wait_for(pipe.outbox.said("chat"), WAIT_S)
    pipe.outbox.put(b"nobody will read it")
    assert len(pipe.reasons) == 1
    os.close(pipe.source)


async def test_one_message_may_be_larger_than_what_may_wait() -> None:
    pipe = Pipe()
    large = b"a" * (MAX_HELD_BYTES + 1)
    pipe.outbox.put(large)
    assert await pipe.read_all() == [large]
    assert not pipe.reasons


@pytest.mark.parametrize("is_writing", [False, True])
async def test_a_reader_that_goes_is_noticed(*, is_writing: bool) -> None:
    if not is_writing and sys.platform == "win32":
        pytest.skip("only writing tells there")
    pipe = Pipe()
    if is_writing:
        await pipe.fill()
    os.close(pipe.source)
    await asyncio.wait_for(pipe.was_lost.wait(), WAIT_S)
    assert pipe.reasons == ["the client has closed our output"]
    os.close(pipe.sink)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes there always wait")
async def test_a_full_pipe_that_is_set_not_to_wait_is_no_loss() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.sink, False)  # by whoever shares it
    await pipe.fill()
    pipe.outbox.put(b"one")
    assert await pipe.read_all() == [FILLER, b"one"]
    assert not pipe.reasons


async def test_a_message_that_can_not_be_written_is_the_end_and_no_silence() -> None:
    def fail(_text: str) -> bytes:
        raise ValueError("no")

    pipe = Pipe()
    pipe.outbox.put_text(("chat", "text"), "a", fail)
    await asyncio.wait_for(pipe.was_lost.wait(), WAIT_S)
    assert pipe.reasons == ["a message could not be written"]
    await asyncio.wait_for(pipe.outbox.said("chat"), WAIT_S)


async def test_to_close_does_not_wait_for_one_who_does_not_read() -> None:
    pipe = Pipe()
    await pipe.fill()
    pipe.outbox.put(b"one")
    await asyncio.wait_for(pipe.outbox.close(0.01), WAIT_S)
    assert await pipe.read_all() == [FILLER, b"one"]


SAID = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["text", "thought", "event", "answer"]), st.text(max_size=9)
)


@settings(max_examples=30, deadline=None)
@given(said=st.lists(SAID, max_size=30), is_full=st.booleans())
def test_nothing_is_lost_doubled_or_out_of_order_in_its_stream(
    said: Sequence[tuple[str, str, str]], *, is_full: bool
) -> None:
    async def run() -> list[bytes]:
        pipe = Pipe()
        if is_full:
            await pipe.fill()
            pipe.outbox.put(b"x" * (MAX_APART_BYTES + 1))
        for stream, kind, text in said:
            body = f"{stream}{kind}{text}".encode()
            if kind == "answer":
                pipe.outbox.put(body)
            elif kind == "event":
                pipe.outbox.put_part(stream, body)
            else:
                prefix = f"{stream}{kind}"
                pipe.outbox.put_text((stream, kind), text, lambda text, p=prefix: (p + text).encode())
        return await pipe.read_all()

    bodies = [body.decode() for body in asyncio.run(run())][2 if is_full else 0 :]
    for lane in "ab":
        for_lane = [body for body in bodies if body.startswith(lane) and not body.startswith(f"{lane}answer")]
        assert _spoken(for_lane) == _spoken([f"{s}{k}{t}" for s, k, t in said if s == lane and k != "answer"])
    answers = [f"{s}{k}{t}" for s, k, t in said if k == "answer"]
    assert [body for body in bodies if body[1:].startswith("answer")] == answers


def _spoken(bodies: Sequence[str]) -> list[str]:
    """Join what may have been joined."""
    joined: list[str] = []
    for body in bodies:
        kind = next(kind for kind in ("text", "thought", "event") if body[1:].startswith(kind))
        if joined and kind != "event" and joined[-1][1:].startswith(kind):
            joined[-1] += body[1 + len(kind) :]
        else:
            joined.append(body)
    return joined


# --- from outside: an editor that stops reading --------------------------------------------------

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.5}
PIECES, PIECE_WORDS = 1_500, 200
MAX_GROWTH_BYTES = 16 * 1024**2
STILL_S = 0.5


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        upstream.queue(Answer(body=openrouter_stream("Hello.", USAGE), content_type="text/event-stream"))
        client.chat("Hello")  # what a first chat imports is no growth
        yield client


def long_answer(upstream: Upstream) -> str:
    """Let one answer be long, and the next go on for ever; return the first one's text."""
    pieces = [f"{number} {'word ' * PIECE_WORDS}" for number in range(PIECES)]
    said = [chunk({"role": "assistant", "content": piece}) for piece in pieces]
    endless = Answer(body=sse(*said[:100], done=False), content_type="text/event-stream", repeat=0)
    ending = (chunk({"content": ""}, "stop"), chunk(usage=USAGE))
    upstream.queue(sse_answer(*said, *ending, chunk_sizes=[60_000]), endless)
    return "".join(pieces)


def chats(upstream: Upstream) -> list[Recorded]:
    """Return the requests for the two answers; what comes after tells what the stopped ones cost."""
    return [request for request in upstream.requests if request.method == "POST"][1:]


def begin_two_chats(client: Client, upstream: Upstream) -> tuple[int, int]:
    """Stop reading, and ask for two answers until no more of them is taken."""
    client.stop_reading()
    first = client.ask("farebox/chat", {"text": "Hello"})
    assert upstream.wait_for(lambda: len(chats(upstream)) == 1)
    second = client.ask("farebox/chat", {"text": "Hello"})
    assert upstream.wait_for(lambda: len(chats(upstream)) == 2)
    before = -1
    while upstream.sent_bytes != before:
        before = upstream.sent_bytes
        time.sleep(STILL_S)  # until nothing happens: there is nothing to wait for
    return first, second


def resident_bytes(client: Client) -> int:
    """What the server has in memory; 0 where the system has no such file."""
    file = Path(f"/proc/{client.pid}/statm")
    return int(file.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if file.exists() else 0


def test_an_editor_that_stops_reading_gets_all_of_it_later(client: Client, upstream: Upstream) -> None:
    text = long_answer(upstream)
    before = resident_bytes(client)
    first, second = begin_two_chats(client, upstream)
    assert resident_bytes(client) - before <= MAX_GROWTH_BYTES
    client.cancel(second)
    assert upstream.wait_for(chats(upstream)[1].closed.is_set), "the cancel was not heard"
    asked = client.ask("farebox/conversations")
    client.read_on()
    assert client.answer(asked)["conversations"]
    with pytest.raises(Failed) as failed:
        client.answer(second)
    assert failed.value.code == -32800
    result = client.answer(first)
    whole = str(result["text"])
    assert (len(whole), whole == text) == (len(text), True)  # no diff of megabytes
    events = [
        told["event"] for told in client.notifications("farebox/chatEvent") if told["turn"] == result["turn"]
    ]
    said = [str(event["text"]) for event in events if event["type"] == "text"]
    assert ("".join(said) == text) is True
    assert len(said) < PIECES - 100, "hardly any text was joined"
    assert [event["type"] for event in events if event["type"] != "text"] == ["route", "done"]
    numbers = [message.get("id") for message in client.received if "method" not in message]
    assert numbers.index(asked) < numbers.index(first), "an answer waited behind a stream"


def test_a_shutdown_is_heard_while_nobody_reads(client: Client, upstream: Upstream) -> None:
    long_answer(upstream)
    asked = [*begin_two_chats(client, upstream), client.ask("shutdown")]
    assert upstream.wait_for(chats(upstream)[1].closed.is_set)
    client.notify("exit")
    assert client.wait_exit() == 0
    client.forget(*asked)


def test_the_end_of_input_ends_the_server_while_nobody_reads(client: Client, upstream: Upstream) -> None:
    long_answer(upstream)
    asked = begin_two_chats(client, upstream)
    client.close_stdin()
    assert client.wait_exit() == 1
    assert upstream.wait_for(chats(upstream)[1].closed.is_set)
    outcomes = [(row["state"], row["outcome"]) for row in ledger_rows(client.folder)]
    assert outcomes == [("settled", "ok"), *[("settled", "cancelled")] * 2]
    client.forget(*asked)
