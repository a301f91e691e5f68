"""Against a real llama.cpp: ghost text from /infill, streamed chat, and a cancel that frees the slot."""

import http.client
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from support.client import AUTOMATIC, INVOKED, Client, Failed
from support.environment import ledger_rows
from support.llama import POLL_S, LlamaServer, Proxy, serving
from support.metamodel import Json
from support.patience import WAIT_S

pytestmark = pytest.mark.slow

URI = "file:///ws/prime.py"
SOURCE = """def is_prime(n):
    if n < 2:
        return False
    for i in range(
    return True
"""
PLACE = (3, 19)
CANCELLED = -32800
COUNT = "Count from 1 to 500, one number in each line."
RUNS, MAX_TRIES = 8, 20


@pytest.fixture(scope="module", params=["micro", "qwen"])
def llama(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    with serving(request.param, tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.fixture
def proxy(llama: LlamaServer) -> Iterator[Proxy]:
    llama.wait_idle()
    with Proxy.before(llama.port) as proxy:
        yield proxy


@pytest.fixture
def client(tmp_path: Path, proxy: Proxy) -> Iterator[Client]:
    environment = {"FAREBOX_LOCAL_BASE_URL": f"http://127.0.0.1:{proxy.port}/v1"}
    config = "[completion]\ncandidates = 1\nlook_ahead = false\nembedded = false\n"
    with Client(tmp_path, config=config, environment=environment) as client:
        client.initialize()
        client.open(URI, SOURCE)
        yield client


@pytest.mark.parametrize("kind", [INVOKED, AUTOMATIC], ids=["invoked", "automatic"])
def test_ghost_text_comes_from_infill(client: Client, proxy: Proxy, llama: LlamaServer, kind: int) -> None:
    client.type(URI, *PLACE, "2")
    line, character = PLACE
    (item,) = client.ghost(URI, line, character + 1, kind)
    assert proxy.posts == ["/infill"]
    assert str(item["insertText"]).strip()
    print(f"\n{llama.model.alias}: range(2{str(item['insertText'])!r}")
    entry = client.request("farebox/explain")
    while "attempts" not in entry["route"]:  # the ghost was shown before its answer had ended
        entry = client.request("farebox/explain")
    assert entry["route"]["attempts"][0]["model"] == f"local/{llama.model.alias}"


def test_chat_streams(client: Client, proxy: Proxy) -> None:
    result = client.chat("Write one short sentence about trains.")
    events = [told["event"] for told in client.notifications("farebox/chatEvent")]
    texts = [event["text"] for event in events if event["type"] == "text"]
    assert len(texts) > 1
    assert "".join(texts) == result["text"]
    assert result["usage"]["outputTokens"] > 1
    assert proxy.posts == ["/v1/chat/completions"]


def test_chat_streams_from_v1_messages(tmp_path: Path, proxy: Proxy, llama: LlamaServer) -> None:
    config = f"""
[tasks]
chat = "mine/{llama.model.alias}"
[providers.mine]
dialect = "anthropic"
base_url = "http://127.0.0.1:{proxy.port}/v1"
free = true
"""
    with Client(tmp_path, config=config) as client:
        client.initialize()
        result = client.chat("Write one short sentence about trains.")
        events = [told["event"] for told in client.notifications("farebox/chatEvent")]
    texts = [event["text"] for event in events if event["type"] == "text"]
    assert len(texts) > 1
    assert "".join(texts) == result["text"]
    usage = result["usage"]
    assert usage["inputTokens"] > 1
    assert usage["outputTokens"] > 1
    assert proxy.posts == ["/v1/messages"]
    print(f"\n{llama.model.alias} by /v1/messages: {usage}")


def test_the_report_shows_requests_that_cost_nothing(client: Client, llama: LlamaServer) -> None:
    client.ghost(URI, *PLACE)
    client.chat("Answer with one word: yes.")
    report = client.request("farebox/costReport", {"by": ["task", "model"]})
    rows = report["rows"]
    assert isinstance(rows, list)
    name = f"local/{llama.model.alias}"
    assert {(row["task"], row["model"]) for row in rows} == {("complete", name), ("chat", name)}
    total = report["total"]
    assert isinstance(total, dict)
    assert total["requests"] == 2
    assert Decimal(total["usd"]) == 0
    # An answer that has said enough is stopped, and so estimated.
    assert total["basis"]["computed"] + total["basis"]["estimated"] == 2
    assert total["inputTokens"] > 0
    assert total["outputTokens"] > 0


Handle = TypeVar("Handle")


def measure(
    llama: LlamaServer,
    start: Callable[[], Handle],
    stop: Callable[[Handle], None],
    was_stopped: Callable[[Handle], bool],
) -> list[float]:
    """Stop requests in the middle of their answers; return for how many ms each held its slot after that.

    Only what llama.cpp itself calls cancelled counts, so no answer that had ended at that very moment does.
    """
    times_ms: list[float] = []
    dice = random.Random(1)
    with llama.connection() as connection:
        for _ in range(MAX_TRIES):
            llama.wait_idle()
            logged, handle = llama.log_bytes, start()
            writing: dict[int, int] = {}
            deadline = time.monotonic() + 30
            while not any(writing.values()) and time.monotonic() < deadline:
                time.sleep(POLL_S)
                writing = llama.busy_slots(connection)
            if not writing:
                continue
            # /slots answers between two tokens; a stop must not always come at that same moment.
            time.sleep(dice.uniform(0, llama.model.token_s))
            stopped = time.perf_counter()
            stop(handle)
            llama.wait_released(writing, logged)
            took_ms = (time.perf_counter() - stopped) * 1000
            if was_stopped(handle) and llama.has_cancelled(writing, logged):
                times_ms.append(took_ms)
            if len(times_ms) >= RUNS:
                break
    return times_ms


@pytest.fixture(scope="module")
def bare_close_ms(llama: LlamaServer) -> list[float]:
    """How long llama.cpp holds a slot after a bare client closes its socket, several times."""

    def start() -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", llama.port, timeout=WAIT_S)
        ask = {"messages": [{"role": "user", "content": COUNT}], "stream": True}
        connection.request("POST", "/v1/chat/completions", json.dumps(ask))
        return connection

    return measure(llama, start, lambda connection: connection.close(), lambda _: True)


def judge(what: str, llama: LlamaServer, times_ms: list[float], bare_ms: list[float]) -> None:
    """Print the figures beside a bare close's; assert that llama.cpp was stopped in the middle of answers.

    It looks at its sockets once a token and lets go a token later, whoever its client is, and it takes every
    core: how many ms that is says as much of the machine as of farebox, so they are printed alone.
    """
    assert len(times_ms) >= RUNS // 2, (
        "the slot was let go because the answer had ended, not because of the stop"
    )
    median = statistics.median(times_ms)
    figures = f"best {min(times_ms):.1f} ms, median {median:.1f} ms, worst {max(times_ms):.1f} ms"
    bare_median = statistics.median(bare_ms)
    bare = f"a bare close: median {bare_median:.1f} ms, worst {max(bare_ms):.1f} ms"
    print(f"\n{llama.model.alias}: {what} frees the slot: {figures} ({len(times_ms)} runs); {bare}")


def test_a_cancelled_chat_frees_the_slot(
    client: Client, llama: LlamaServer, bare_close_ms: list[float]
) -> None:
    def start() -> int:
        return client.ask("farebox/chat", {"text": COUNT})

    times_ms = measure(llama, start, client.cancel, was_cancelled(client))
    judge("cancelling a chat", llama, times_ms, bare_close_ms)
    client.close()
    cancelled = [row for row in ledger_rows(client.folder) if row["outcome"] == "cancelled"]
    assert len(cancelled) >= len(times_ms)


@pytest.mark.parametrize("by", ["a newer request", "$/cancelRequest"])
def test_a_stopped_completion_frees_the_slot(
    client: Client, llama: LlamaServer, bare_close_ms: list[float], by: str
) -> None:
    # A file of repeating lines, so that the model goes on for as long as it may.
    lines = "".join(f"names[{number}] = 'name {number}'\n" for number in range(8))
    client.open("file:///ws/names.py", lines)
    newer: list[int] = []

    def start() -> int:
        return client.ask_ghost("file:///ws/names.py", 8, 0)

    def supersede(_request_id: int) -> None:
        # Nothing is asked for in the middle of a line, so the slot that is measured is the older one's.
        newer.append(client.ask_ghost("file:///ws/names.py", 2, 3, AUTOMATIC))

    stop = client.cancel if by == "$/cancelRequest" else supersede
    times_ms = measure(llama, start, stop, was_cancelled(client))
    for request_id in newer:
        assert client.answer(request_id)["items"] == []
    judge(f"a completion stopped by {by}", llama, times_ms, bare_close_ms)


def was_cancelled(client: Client) -> Callable[[int], bool]:
    """Return whether a request ended as a cancelled one."""
    return lambda request_id: code_of(client, request_id) == CANCELLED


def code_of(client: Client, request_id: int) -> object:
    """Wait for a request's end; return its error's code, or None if it had a result."""
    try:
        result: Json = client.answer(request_id)
    except Failed as failed:
        return failed.code
    return None if result else "no result"
