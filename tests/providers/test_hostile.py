"""No upstream can hurt us: whatever it sends, a request ends in time, in little memory, with a named error or
a right answer, and the next call works.

Each row is asked through the door, in a process of its own (``support.asker``), of a real server on loopback.
"""

import gzip
import json
import sqlite3
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
import trustme

from farebox.router.retry import MAX_ATTEMPTS
from support import anthropic_events as claude
from support.asker import Asker
from support.upstream import Answer, Upstream, chunk, json_answer, sse

if not Path("/proc/self/clear_refs").exists():
    pytest.skip("only Linux tells the peak of a process's memory", allow_module_level=True)

Dialect = Literal["openai", "anthropic", "ollama"]
DIALECTS: tuple[Dialect, ...] = ("openai", "anthropic", "ollama")

FIRST_TOKEN_S, GAP_S, TOTAL_S = 0.5, 0.5, 1.5
SPARE_S = 1.0
MAX_GROWTH_MB = 50.0
MB = 1024 * 1024
CONFIG = """
[providers.good]
base_url = "{good}"
dialect = "{dialect}"
free = true
[providers.bad]
base_url = "{bad}"
dialect = "{dialect}"
free = true
first_token_s = {first_token_s}
gap_s = {gap_s}
total_s = {total_s}
"""


@dataclass(frozen=True)
class Wire:
    """How one dialect writes an answer."""

    path: str
    content_type: str
    event: Callable[[object], bytes]
    text: Callable[[str], bytes]
    end: bytes
    whole: Callable[[Mapping[str, object]], bytes]
    comment: bytes

    def answer(self, body: bytes, **options: object) -> Answer:
        return Answer(body=body, content_type=self.content_type, **options)  # type: ignore[arg-type]


def _line(table: object) -> bytes:
    return json.dumps(table).encode() + b"\n"


def _ollama_text(text: str) -> bytes:
    return _line({"model": "m", "message": {"role": "assistant", "content": text}, "done": False})


def _claude_text(text: str) -> bytes:
    return claude.stream(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    )


WIRES: Mapping[Dialect, Wire] = {
    "openai": Wire(
        path="/chat/completions",
        content_type="text/event-stream",
        event=lambda table: sse(table, done=False),
        text=lambda text: sse(chunk({"content": text}), done=False),
        end=sse(chunk({}, "stop")),
        whole=lambda usage: sse(chunk({"content": "Hello"}), chunk({}, "stop"), chunk(usage=usage)),
        comment=b": ping\n\n",
    ),
    "anthropic": Wire(
        path="/messages",
        content_type="text/event-stream",
        event=claude.stream,  # type: ignore[arg-type]
        text=_claude_text,
        end=claude.stream(*claude.end()),
        whole=lambda usage: claude.stream(claude.start(), *claude.text(0, "Hello"), *claude.end(usage=usage)),
        comment=claude.stream(claude.PING),
    ),
    "ollama": Wire(
        path="/api/chat",
        content_type="application/x-ndjson",
        event=_line,
        text=_ollama_text,
        end=_line({"model": "m", "done": True, "done_reason": "stop"}),
        whole=lambda usage: _ollama_text("Hello") + _line({"model": "m", "done": True, **usage}),
        comment=b"\n",
    ),
}


@dataclass(frozen=True)
class Row:
    """What a server does, and what must come of it; no ``kind``: a right answer.

    ``words`` are in the message; ``attempts`` are made, None where dialects differ. It makes sense in the
    dialects of ``only``.
    """

    answer: Callable[[Wire], Answer]
    kind: str | None
    words: str = ""
    text: str = ""
    attempts: int | None = 1
    only: tuple[Dialect, ...] = DIALECTS


def counts(dialect: Wire, number: object) -> dict[str, object]:
    """Write usage as a dialect does, with the same odd number everywhere."""
    names = {
        "/chat/completions": ("prompt_tokens", "completion_tokens", "cost"),
        "/messages": ("input_tokens", "output_tokens", "cache_read_input_tokens"),
        "/api/chat": ("prompt_eval_count", "eval_count"),
    }
    return dict.fromkeys(names[dialect.path], number)


def odd_usage(number: object) -> Callable[[Wire], Answer]:
    return lambda wire: wire.answer(wire.whole(counts(wire, number)))


def a_limit(retry_after: str) -> Callable[[Wire], Answer]:
    refusal = {"error": {"message": "Slow down"}}
    return lambda _: json_answer(refusal, status=429, headers={"Retry-After": retry_after})


def tool_call(index: object, arguments: str) -> dict[str, object]:
    function = {"name": "f", "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "id": "a", "function": function}]})


def errors(wire: Wire) -> bytes:
    """Write the error that a dialect sends inside a stream."""
    said = {"error": {"message": "the engine is on fire", "code": 500}}
    typed = {"type": "error", "error": {"type": "api_error", "message": "the engine is on fire"}}
    return wire.event(typed if wire.path == "/messages" else said)


PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
BOMB = gzip.compress(b"x" * (64 * MB), 9)
LONG = b"x" * MB

ROWS: Mapping[str, Row] = {
    "an endless stream": Row(
        lambda wire: wire.answer(wire.text("la " * 20), repeat=0), "brokenReply", text="la la"
    ),
    "an endless stream in large pieces": Row(
        lambda wire: wire.answer(wire.text("x" * MB), repeat=0), "brokenReply", "bytes"
    ),
    "an endless stream of tiny tokens": Row(
        lambda wire: wire.answer(wire.text("a") * 1000, repeat=0), "brokenReply", text="aaa"
    ),
    "endless comments": Row(lambda wire: wire.answer(wire.comment * 1000, repeat=0), "brokenReply", text=""),
    "a comment now and then": Row(
        lambda wire: wire.answer(wire.comment, repeat=0, delay_s=0.1), "brokenReply", "stopped sending"
    ),
    "nothing at all": Row(lambda _: Answer(hang=True), "unreachable", "did not answer within"),
    "a head and nothing more": Row(
        lambda wire: wire.answer(wire.comment, hang=True), "brokenReply", "stopped sending"
    ),
    "one token and nothing more": Row(
        lambda wire: wire.answer(wire.text("Hel"), hang=True), "brokenReply", "stopped sending", text="Hel"
    ),
    "one byte each 0.2 s": Row(
        lambda wire: wire.answer(wire.text("Hello"), chunk_sizes=(1,), delay_s=0.2),
        "brokenReply",
        "stopped sending",
    ),
    "one byte each 0.2 s of the head": Row(
        lambda _: Answer(body=b"HTTP/1.1 200 OK\r\nX-A: slow\r\n", raw=True, chunk_sizes=(1,), delay_s=0.2),
        "unreachable",
        "did not answer within",
    ),
    "a line of 100 MB": Row(lambda wire: wire.answer(b"data: " + LONG, repeat=100), "brokenReply", "sent"),
    "a body that is cut off": Row(
        lambda wire: wire.answer(wire.text("Hel") + wire.end, cut_after=len(wire.text("Hel")) + 5),
        "brokenReply",
        "closed",
        text="Hel",
    ),
    "a stream without its end": Row(lambda wire: wire.answer(wire.text("Hel")), "brokenReply", text="Hel"),
    "a stream with two ends": Row(
        lambda wire: wire.answer(wire.whole(counts(wire, 7)) + wire.end), None, text="Hello"
    ),
    "an error in the middle of a stream": Row(
        lambda wire: wire.answer(wire.text("Hel") + errors(wire)), "overloaded", "on fire", text="Hel"
    ),
    "a code point in two pieces": Row(
        lambda wire: wire.answer(
            wire.text("He@@llo").replace(b"@@", b"\xf0\x9f\x98\x80") + wire.end, chunk_sizes=(1,)
        ),
        None,
        text="He\U0001f600llo",
    ),
    "a body of 200 MB": Row(lambda wire: wire.answer(LONG, repeat=200), "brokenReply", "sent"),
    "a JSON body of 200 MB": Row(lambda _: Answer(body=b'{"a": "' + LONG, repeat=200), "brokenReply", "than"),
    "an error's body of 200 MB": Row(
        lambda _: Answer(status=400, body=b'{"error": "' + LONG, repeat=200), "refused", "answered 400"
    ),
    "a line of 10 MB": Row(
        lambda wire: wire.answer(wire.text("x" * 10 * MB) + wire.end), "brokenReply", "sent"
    ),
    "a line of 2 MB in wide letters": Row(
        lambda wire: wire.answer(wire.text("😀" + "x" * (2 * MB - 1000)) + wire.end), None
    ),
    "a body of a million lists": Row(
        lambda wire: wire.answer(b'data: {"a": [' + b"[]," * 600_000 + b"[]]}\n\n"), "brokenReply", "JSON"
    ),
    "invalid UTF-8": Row(
        lambda wire: wire.answer(wire.text("He@@llo").replace(b"@@", b"\xff\xfe") + wire.end),
        None,
        text="He\ufffd\ufffdllo",
    ),
    "an error whose body hangs": Row(
        lambda _: Answer(status=400, body=b'{"error": ', hang=True), "refused", "answered 400"
    ),
    "a gzip bomb": Row(
        lambda wire: wire.answer(BOMB, headers={"Content-Encoding": "gzip"}), "brokenReply", "compressed"
    ),
    "zstd": Row(
        lambda wire: wire.answer(BOMB, headers={"Content-Encoding": "zstd"}), "brokenReply", "compressed"
    ),
    "br": Row(
        lambda wire: wire.answer(BOMB, headers={"Content-Encoding": "br"}), "brokenReply", "compressed"
    ),
    "a gzip bomb with an error": Row(
        lambda wire: wire.answer(BOMB, status=400, headers={"Content-Encoding": "gzip"}), "refused", "400"
    ),
    "a gzip bomb under another name": Row(lambda wire: wire.answer(BOMB), "brokenReply", attempts=None),
    "a page with status 200": Row(
        lambda _: Answer(body=PAGE, content_type="text/html"), "brokenReply", "a web page"
    ),
    "a page that calls itself a stream": Row(lambda wire: wire.answer(PAGE), "brokenReply", "a web page"),
    "no HTTP at all": Row(
        lambda _: Answer(body=b"SSH-2.0-OpenSSH_9.9\r\n", raw=True),
        "brokenReply",
        "closed",
        attempts=MAX_ATTEMPTS,
    ),
    "a head without end": Row(
        lambda _: Answer(body=b"HTTP/1.1 200 OK\r\nX-A: " + LONG, raw=True, repeat=0),
        "brokenReply",
        attempts=MAX_ATTEMPTS,
    ),
    "usage that is negative": Row(odd_usage(-5), None, text="Hello"),
    "usage that is NaN": Row(odd_usage(float("nan")), None, text="Hello"),
    "usage that is infinite": Row(odd_usage(float("inf")), None, text="Hello"),
    "usage that is a string": Row(odd_usage("12"), None, text="Hello"),
    "usage that is a list": Row(odd_usage([1]), None, text="Hello"),
    "usage of 10 to the power of 10^20": Row(
        lambda wire: wire.answer(wire.whole(counts(wire, 777)).replace(b"777", b"1e99999999999999999999")),
        None,
        text="Hello",
    ),
    "usage that is absent": Row(lambda wire: wire.answer(wire.whole({})), None, text="Hello"),
    "usage of 1e308": Row(odd_usage(1e308), None, text="Hello"),
    "usage of 10^30": Row(odd_usage(10**30), None, text="Hello"),
    "a tool call with index 10^9": Row(
        lambda wire: wire.answer(wire.event(tool_call(10**9, "{}")) + wire.end), None, only=("openai",)
    ),
    "a tool call with index -1": Row(
        lambda wire: wire.answer(wire.event(tool_call(-1, "{}")) + wire.end), None, only=("openai",)
    ),
    "tool arguments without end": Row(
        lambda wire: wire.answer(wire.event(tool_call(0, "x" * MB)), repeat=0),
        "brokenReply",
        only=("openai",),
    ),
    "tool arguments of one letter each without end": Row(
        lambda wire: wire.answer(wire.event(tool_call(0, "中")) * 1000, repeat=0),
        "brokenReply",
        only=("openai",),
    ),
    "thoughts of one letter each without end": Row(
        lambda wire: wire.answer(wire.event({"message": {"thinking": "中"}}) * 1000, repeat=0),
        "brokenReply",
        only=("ollama",),
    ),
    "a line that comes three bytes at a time": Row(
        lambda wire: wire.answer(wire.text("中" * MB), chunk_sizes=(3,)), "brokenReply"
    ),
    "tool calls without end": Row(
        lambda wire: wire.answer(
            b"".join(wire.event(tool_call(at, "x" * 1000)) for at in range(1000)), repeat=0
        ),
        "brokenReply",
        only=("openai",),
    ),
    "Retry-After of -1": Row(a_limit("-1"), "rateLimited", "Slow down", attempts=MAX_ATTEMPTS),
    "Retry-After of 10^9": Row(a_limit("1000000000"), "rateLimited", "Slow down", attempts=MAX_ATTEMPTS),
    "Retry-After of a week": Row(a_limit("604800"), "rateLimited", "Slow down"),
    "Retry-After of a day in 2090": Row(
        a_limit("Wed, 08 Mar 2090 00:00:00 GMT"), "rateLimited", "Slow down", attempts=None
    ),
    "Retry-After of a day in 1990": Row(
        a_limit("Thu, 08 Mar 1990 00:00:00 GMT"), "rateLimited", "Slow down", attempts=MAX_ATTEMPTS
    ),
    "Retry-After of garbage": Row(a_limit("soon, \xa3"), "rateLimited", "Slow down", attempts=MAX_ATTEMPTS),
}

CASES = [
    pytest.param(dialect, row, id=f"{dialect}: {name}")
    for name, row in ROWS.items()
    for dialect in DIALECTS
    if dialect in row.only
]


@pytest.fixture(scope="module")
def asker() -> Iterator[Asker]:
    with Asker.running() as asker:
        yield asker


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as upstream:
        yield upstream


def address(upstream: Upstream, dialect: Dialect, name: str) -> str:
    return f"{upstream.origin}/{name}" if dialect == "ollama" else f"{upstream.origin}/{name}/v1"


def serve(upstream: Upstream, dialect: Dialect, name: str, answer: Answer) -> str:
    """Script what a provider answers; return its address."""
    base_url, wire = address(upstream, dialect, name), WIRES[dialect]
    path = base_url.removeprefix(upstream.origin)
    upstream.answer(f"{path}{wire.path}", answer)
    if dialect == "ollama":
        upstream.answer(f"{path}/api/tags", json_answer({"models": [{"name": "m"}]}))
        upstream.answer(f"{path}/api/show", json_answer({"capabilities": ["completion"]}))
    return base_url


def config_of(dialect: Dialect, good: str, bad: str) -> str:
    deadlines = {"first_token_s": FIRST_TOKEN_S, "gap_s": GAP_S, "total_s": TOTAL_S}
    return CONFIG.format(dialect=dialect, good=good, bad=bad, **deadlines)


@pytest.mark.parametrize(("dialect", "row"), CASES)
def test_no_upstream_can_hurt_us(
    tmp_path: Path, asker: Asker, upstream: Upstream, dialect: Dialect, row: Row
):
    wire = WIRES[dialect]
    good = serve(upstream, dialect, "good", wire.answer(wire.whole(counts(wire, 7))))
    bad = serve(upstream, dialect, "bad", row.answer(wire))
    heard = asker.ask(tmp_path / "home", config_of(dialect, good, bad))
    told = f"{heard}"
    assert heard.kind == row.kind, told
    assert row.words in heard.message, told
    assert heard.text.startswith(row.text), told
    assert row.attempts in (None, heard.attempts), told
    assert heard.seconds < heard.attempts * TOTAL_S + SPARE_S, told
    assert heard.grown_mb < MAX_GROWTH_MB, told
    assert heard.next_text == "Hello", told
    assert all(0 <= number <= 10**9 for number in heard.usage.values()), told
    assert held_rows(tmp_path / "home") == 0


def held_rows(home: Path) -> int:
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        return ledger.execute("SELECT count(*) FROM calls WHERE state = 'held'").fetchone()[0]


@pytest.mark.parametrize(
    ("dialect", "status"),
    [("openai", 301), ("openai", 302), ("openai", 303), ("openai", 307), ("anthropic", 307), ("openai", 308)],
)
def test_a_redirect_is_named_and_not_followed(
    tmp_path: Path, asker: Asker, upstream: Upstream, dialect: Dialect, status: int
):
    wire = WIRES[dialect]
    good = serve(upstream, dialect, "good", wire.answer(wire.whole({})))
    with Upstream.in_thread() as other:
        elsewhere = f"http://localhost:{other.origin.rpartition(':')[2]}"
        moved = Answer(status=status, headers={"Location": f"{elsewhere}/v1{wire.path}"})
        bad = serve(upstream, dialect, "bad", moved)
        heard = asker.ask(tmp_path / "home", config_of(dialect, good, bad))
        assert (heard.kind, heard.next_text) == ("refused", "Hello")
        assert "Redirects are not followed" in heard.message
        assert other.connections == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_certificate_that_is_not_trusted_is_named(
    tmp_path: Path, asker: Asker, upstream: Upstream, dialect: Dialect
):
    wire = WIRES[dialect]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    good = serve(upstream, dialect, "good", wire.answer(wire.whole({})))
    with Upstream.in_thread(tls) as secured:
        bad = serve(secured, dialect, "bad", wire.answer(wire.whole({})))
        heard = asker.ask(tmp_path / "home", config_of(dialect, good, bad))
        assert (heard.kind, heard.next_text) == ("unreachable", "Hello")
        assert heard.attempts <= 1
        assert "has no trusted certificate" in heard.message
        assert secured.requests == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_usage_that_is_sent_twice_is_counted_once(
    tmp_path: Path, asker: Asker, upstream: Upstream, dialect: Dialect
):
    wire = WIRES[dialect]
    answer = wire.answer(wire.whole(counts(wire, 7)))
    if dialect == "openai":
        usage = sse(chunk(usage=counts(wire, 7)), done=False)
        answer = replace(answer, body=answer.body.replace(b"data: [DONE]", usage + b"data: [DONE]"))
    if dialect == "anthropic":
        usage = claude.stream(*claude.end(usage=counts(wire, 7))[:1])
        answer = replace(answer, body=answer.body.replace(usage, usage * 2))
    good = serve(upstream, dialect, "good", wire.answer(wire.whole({})))
    heard = asker.ask(tmp_path / "home", config_of(dialect, good, serve(upstream, dialect, "bad", answer)))
    assert (heard.kind, heard.text) == (None, "Hello")
    assert heard.usage["output_tokens"] == 7
