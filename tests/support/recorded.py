"""The recorded provider answers beside the repository, and what a correct reader makes of each.

The folder is ``../shared/fixtures``; it is never copied in here. What is expected comes from the index, in
the words of ``farebox.messages``, by the wire's own rules and with none of farebox's readers.
"""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

from farebox.messages import FinishReason, Usage
from support.upstream import Answer, stream_of

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures"
INDEX = FIXTURES / "index.json"
ABSENT = f"the recorded answers are not beside the repository: no {INDEX}"

Table = Mapping[str, Any]
Api = Literal["openai.chat", "openai.completions", "anthropic.messages", "models"]

STREAM = "text/event-stream"
MAX_RANDOM_SPLITS = 120
MAX_AIMED_SPLITS = 60

_FINISH: dict[str, FinishReason] = {
    "": "stop",
    "stop": "stop",
    "length": "length",
    "tool_calls": "toolCalls",
    "content_filter": "contentFilter",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "toolCalls",
    "refusal": "contentFilter",
}


@dataclass(frozen=True)
class Said:
    """What an answer says, put together; a tool call is its id, its name and its parsed arguments."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[tuple[str, str, object], ...] = ()
    finish: FinishReason | None = "stop"
    usage: Usage | None = None
    reported_nanodollars: int | None = None
    model: str | None = None
    id: str | None = None

    def differences(self, other: "Said") -> list[str]:
        """Name every field in which another answer differs, shortly."""
        pairs = ((name, value, getattr(other, name)) for name, value in vars(self).items())
        return [f"{name}: {_short(got)}, not {_short(value)}" for name, value, got in pairs if got != value]


@dataclass(frozen=True)
class Entry:
    """One recorded answer and what is expected of its reader; ``n_models`` only for a list of models."""

    file: str
    provider: str
    api: Api
    stream: bool
    content_type: str
    headers: Mapping[str, str]
    model: str
    body: bytes
    expected: Said
    n_models: int | None

    @property
    def answer(self) -> Answer:
        """The answer as it was recorded."""
        return Answer(body=self.body, content_type=self.content_type, headers=self.headers)


def entries() -> tuple[Entry, ...]:
    """Read the index; nothing where it is absent."""
    if not INDEX.is_file():
        return ()
    return tuple(_entry(table) for table in json.loads(INDEX.read_text("utf-8"), parse_float=Decimal))


def _entry(table: Table) -> Entry:
    expected: Table = table["expected"]
    usual = STREAM if table["stream"] else "application/json"
    entry = Entry(
        file=table["file"],
        provider=table["provider"],
        api=table["api"],
        stream=table["stream"],
        content_type=table["headers"].get("content-type") or usual,
        headers={name: value for name, value in table["headers"].items() if name != "content-type"},
        model=(table.get("request") or {}).get("model") or expected.get("model") or "m",
        body=(FIXTURES / table["file"]).read_bytes(),
        expected=_said(table["api"], expected),
        n_models=expected.get("n_models"),
    )
    if entry.stream and entry.api == "openai.completions":
        # The index was made by a reader of `delta`, so it expects no text of these; theirs is in `text`.
        return replace(entry, expected=replace(entry.expected, text=before_cut(entry, len(entry.body)).text))
    return entry


def _said(api: Api, expected: Table) -> Said:
    if api == "models":
        return Said()
    usage: Table | None = expected["usage"]
    read = anthropic_usage if api == "anthropic.messages" else openai_usage
    return Said(
        text=expected["text"],
        reasoning=expected["reasoning"],
        tool_calls=tuple(
            (call["id"], call["name"], json.loads(call["arguments"])) for call in expected["tool_calls"]
        ),
        finish=_FINISH[expected["finish_reason"] or ""],
        usage=None if usage is None else read(usage),
        reported_nanodollars=None if usage is None else charged_nanodollars(usage),
        model=expected["model"] or None,
        id=expected["id"] or None,
    )


def openai_usage(table: Table) -> Usage:
    """Read the OpenAI family's counts: cached tokens are among the prompt's, reasoning among the output's."""
    prompt = table.get("prompt_tokens_details") or {}
    completion = table.get("completion_tokens_details") or {}
    hit = prompt.get("cached_tokens") or table.get("prompt_cache_hit_tokens") or table.get("cached_tokens")
    return Usage(
        input_tokens=table["prompt_tokens"],
        cached_input_tokens=hit or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        output_tokens=table["completion_tokens"],
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
    )


def anthropic_usage(table: Table) -> Usage:
    """Read Anthropic's counts: cached and cache-written tokens come on top of ``input_tokens``."""
    read, written = table.get("cache_read_input_tokens") or 0, table.get("cache_creation_input_tokens") or 0
    return Usage(
        input_tokens=table["input_tokens"] + read + written,
        cached_input_tokens=read,
        cache_write_tokens=written,
        output_tokens=table["output_tokens"],
        reasoning_tokens=(table.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
    )


def charged_nanodollars(usage: Table) -> int | None:
    """Say what OpenRouter charged: upstream's own cost only where the user's key paid there."""
    if usage.get("cost") is None:
        return None
    charged = Decimal(usage["cost"])
    if usage.get("is_byok") is True:
        charged += Decimal((usage.get("cost_details") or {}).get("upstream_inference_cost") or 0)
    return int((charged * 10**9).to_integral_value(ROUND_HALF_UP))


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 160 else f"{shown[:80]}…{shown[-60:]}"


# --- the same answer in other clothes ------------------------------------------------------------


def as_stream(entry: Entry) -> Entry:
    """Return the stream that would have carried an answer; a recorded stream is returned as it is."""
    if entry.stream or entry.api == "models":
        return entry
    table = json.loads(entry.body)
    match entry.api:
        case "anthropic.messages":
            body = _events(_anthropic_stream(table))
        case "openai.completions":
            body = _events([(None, chunk) for chunk in _completion_stream(table)]) + b"data: [DONE]\n\n"
        case _:
            body = _events([(None, chunk) for chunk in stream_of(table)]) + b"data: [DONE]\n\n"
    return replace(entry, stream=True, content_type=STREAM, body=body)


def _events(events: list[tuple[str | None, Table]]) -> bytes:
    names = (b"" if name is None else b"event: %b\n" % name.encode() for name, _ in events)
    data = (json.dumps(table, ensure_ascii=False).encode() for _, table in events)
    return b"".join(b"%bdata: %b\n\n" % pair for pair in zip(names, data, strict=True))


def _completion_stream(table: Table) -> list[Table]:
    (choice,) = table["choices"]
    shared = {key: table[key] for key in ("id", "model", "object")}
    words = str(choice["text"]).split(" ")
    texts = [*(f"{word} " for word in words[:-1]), words[-1]]
    chunks = [{**shared, "choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in texts]
    last = {"index": 0, "text": "", "finish_reason": choice["finish_reason"]}
    return [*chunks, {**shared, "choices": [last]}, {**shared, "choices": [], "usage": table["usage"]}]


def _anthropic_stream(table: Table) -> list[tuple[str | None, Table]]:
    """Write a whole message as Anthropic streams it: an empty message, its blocks in pieces, its end."""
    start = {**table, "content": [], "stop_reason": None, "stop_sequence": None}
    start["usage"] = {**table["usage"], "output_tokens": 1, "output_tokens_details": None}
    events: list[Table] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(table["content"]):
        empty, deltas = _block_pieces(block)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ending = {key: table.get(key) for key in ("stop_reason", "stop_sequence")}
    events.append({"type": "message_delta", "delta": ending, "usage": table["usage"]})
    events.append({"type": "message_stop"})
    return [(event["type"], event) for event in events]


def _block_pieces(block: Table) -> tuple[Table, list[Table]]:
    match block["type"]:
        case "text":
            deltas: list[Table] = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
            return {**block, "text": ""}, deltas
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signature]
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            raw = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_pieces(raw))]
            return {**block, "input": {}}, deltas
        case _:
            return block, []


def _pieces(text: str, size: int = 17) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def with_crlf(entry: Entry) -> Entry:
    """Give an answer Windows line ends; a whole body is written on many lines for it."""
    body = entry.body
    if not entry.stream:
        body = json.dumps(json.loads(body), ensure_ascii=False, indent=1).encode()
    return replace(entry, body=body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def with_cache(entry: Entry) -> Entry:
    """Give a whole answer other counts, some of them of a cache: no recorded one has any but zero."""
    dice = random.Random(entry.file)
    table = json.loads(entry.body)
    fresh, read, written, output = (dice.randint(4, 99_999) for _ in range(4))
    usage: dict[str, Any] = table["usage"]
    if entry.api == "anthropic.messages":
        usage |= {"input_tokens": fresh, "cache_read_input_tokens": read, "output_tokens": output}
        usage |= {"cache_creation_input_tokens": written, "output_tokens_details": {"thinking_tokens": 3}}
        expected = anthropic_usage(usage)
    else:
        prompt = fresh + read + written
        usage |= {"prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output}
        usage |= {name: read for name in ("prompt_cache_hit_tokens", "cached_tokens") if name in usage}
        if "cached_tokens" not in usage:
            usage["prompt_tokens_details"] = {"cached_tokens": read, "cache_write_tokens": written}
        usage["completion_tokens_details"] = {"reasoning_tokens": 3}
        expected = openai_usage(usage)
    body = json.dumps(table, ensure_ascii=False).encode()
    return replace(entry, body=body, expected=replace(entry.expected, usage=expected))


def with_comments(entry: Entry) -> Entry:
    """Put comments, a keep-alive of nothing and an unknown field between the events of a stream."""
    dice = random.Random(entry.file)
    noise = (
        b": OPENROUTER PROCESSING\n\n",
        b":\n\n",
        b": ping\nretry: 3000\n\n",
        b"id: 7\n\n",
        b": data: x\n",
    )
    events = (event + b"\n\n" for event in entry.body.split(b"\n\n")[:-1])
    body = b"".join(dice.choice(noise) * dice.randint(0, 2) + event for event in events)
    return replace(entry, body=b": first\n\n" + body + b": last\n\n")


def split_sizes(body: bytes, seed: str) -> list[int]:
    """Return the sizes of pieces that end at random places, inside characters and inside ``data:`` too."""
    dice = random.Random(seed)
    inside = [at for at in range(1, len(body)) if body[at] & 0xC0 == 0x80]
    fields = [at + dice.randint(1, 6) for at in _places(body, b"data:")]
    ends = [at + 1 for at in _places(body, b"\r\n")] + [at + 1 for at in _places(body, b"\n\n")]
    anywhere = range(1, max(2, len(body)))
    chosen = {0, len(body)}
    chosen |= set(dice.sample(anywhere, min(MAX_RANDOM_SPLITS, len(anywhere))))
    for aimed in (inside, fields, ends):
        chosen |= set(dice.sample(aimed, min(MAX_AIMED_SPLITS, len(aimed))))
    places = sorted(at for at in chosen if at <= len(body))
    return [end - start for start, end in pairwise(places)] or [1]


def _places(body: bytes, what: bytes) -> list[int]:
    found: list[int] = []
    at = body.find(what)
    while at >= 0:
        found.append(at)
        at = body.find(what, at + len(what))
    return found


# --- what has come before a cut ------------------------------------------------------------------


@dataclass(frozen=True)
class Before:
    """What the whole events before a cut hold; ``finishes`` counts those that end an answer."""

    text: str
    reasoning: str
    finishes: int


def before_cut(entry: Entry, at: int) -> Before:
    """Read the whole events of a stream's first bytes, by the wire's own rules."""
    text, reasoning, finishes = "", "", 0
    for event in entry.body[:at].split(b"\n\n")[:-1]:
        for line in event.split(b"\n"):
            if not line.startswith(b"data:"):
                continue
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                finishes += 1
                continue
            read = _anthropic_event if entry.api == "anthropic.messages" else _openai_chunk
            more, thought, finished = read(cast("Table", json.loads(data)))
            text, reasoning, finishes = text + more, reasoning + thought, finishes + finished
    return Before(text, reasoning, finishes)


def _anthropic_event(event: Table) -> tuple[str, str, bool]:
    delta = event.get("delta") or {}
    text, thought = "", ""
    if event["type"] == "content_block_delta":
        text = delta.get("text") or "" if delta["type"] == "text_delta" else ""
        thought = delta.get("thinking") or ""
    return text, thought, bool(delta.get("stop_reason"))


def _openai_chunk(chunk: Table) -> tuple[str, str, bool]:
    choices = chunk.get("choices") or []
    if not choices:
        return "", "", False
    delta = choices[0].get("delta") or {}
    text = delta.get("content") or choices[0].get("text") or ""
    return (
        text,
        delta.get("reasoning") or delta.get("reasoning_content") or "",
        bool(choices[0]["finish_reason"]),
    )
