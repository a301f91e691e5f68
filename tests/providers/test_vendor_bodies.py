"""Answers as vendors document or are known to send them, written here by hand, and what is made of each.

The recorded answers are those of few vendors, and all went well. Here is what others do in their own way,
what goes wrong in the middle of a stream, and refusals. Adapters are made of ``vendors.toml`` as in earnest.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from farebox.errors import Kind, ProviderError
from farebox.messages import Infill, Prompt, RawText, Usage
from farebox.providers.http import Http
from support.recorded import Said, split_sizes
from support.replay import HELLO, hear
from support.upstream import Answer, Upstream, chunk, json_answer, sse

Table = dict[str, Any]
STREAM = "text/event-stream"
TOKENS: Table = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
USAGE = Usage(10, output_tokens=5)
HI = Said(text="Hello there", usage=USAGE, model="m", id="gen-1")


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/api/version", json_answer({"version": "0.20.0"}))
        server.answer("/api/tags", json_answer({"models": [{"name": "m", "model": "m"}]}))
        server.answer("/api/ps", json_answer({"models": []}))
        server.answer("/api/show", json_answer({"capabilities": ["completion"], "model_info": {}}))
        yield server


@dataclass(frozen=True, kw_only=True)
class Case:
    """One answer of one provider; ``kind`` is the error that ends it, if one does."""

    provider: str
    answer: Answer
    said: Said = HI
    kind: Kind | None = None
    words: str = ""
    model: str = "m"
    prompt: Prompt = HELLO
    settings: Table = field(default_factory=dict[str, Any])


def stream(*objects: object, done: bool = True) -> Answer:
    return Answer(body=sse(*objects, done=done), content_type=STREAM)


def raw(body: str | bytes) -> Answer:
    return Answer(body=body if isinstance(body, bytes) else body.encode(), content_type=STREAM)


def text(words: str, **fields: object) -> Table:
    return {**chunk({"content": words}), **fields}


def calls(*deltas: Table, finish: str | None = None) -> Table:
    return chunk({"tool_calls": list(deltas)}, finish)


def a_call(index: object, id_: str | None, name: str | None, arguments: object) -> Table:
    """Return one delta of a tool call; None leaves a field out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    outer = {key: value for key, value in (("index", index), ("id", id_)) if value is not None}
    return {**outer, "type": "function", "function": function}


def ndjson(*tables: Table) -> Answer:
    body = "".join(json.dumps(table) + "\n" for table in tables)
    return Answer(body=body.encode(), content_type="application/x-ndjson")


def ollama(message: Table | None = None, **fields: object) -> Table:
    shared: Table = {"model": "m", "created_at": "2026-11-21T00:00:00Z", "done": False}
    return {**shared, **({} if message is None else {"message": {"role": "assistant", **message}}), **fields}


def anthropic(*events: Table) -> Answer:
    return raw("".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events))


def block(index: int, start: Table, *deltas: Table) -> list[Table]:
    """Return the events of one content block: its start, its deltas, its stop."""
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(reason: str, **usage: object) -> list[Table]:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}}
    return [{**delta, "usage": {"output_tokens": 5, **usage}}, {"type": "message_stop"}]


MESSAGE: Table = {"id": "gen-1", "type": "message", "role": "assistant", "model": "m", "content": []}
START: Table = {
    "type": "message_start",
    "message": {**MESSAGE, "usage": {"input_tokens": 10, "output_tokens": 1}},
}
A_BODY = json_answer(
    {
        "id": "gen-1",
        "model": "m",
        "choices": [{"message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}],
        "usage": TOKENS,
    }
)
END = chunk({}, "stop")
OVER = chunk(usage=TOKENS)
PARIS = ("call_1", "weather", {"city": "Paris"})
ROME = ("call_2", "weather", {"city": "Rome"})
CALLED = replace(HI, text="", tool_calls=(PARIS, ROME), finish="toolCalls")
BROKE = Said(text="Hello ", finish=None)
NOTHING = Said(finish=None)
OLLAMA_USAGE: Table = {"done": True, "done_reason": "stop", "prompt_eval_count": 10, "eval_count": 5}
OLLAMA: Table = {"dialect": "ollama", "free": True}

ANSWERS: dict[str, Case] = {
    # --- how vendors stream a text
    "xai reasons in reasoning_content": Case(
        provider="xai",
        model="grok-4.7",
        answer=stream(
            chunk({"role": "assistant", "reasoning_content": "Greet. "}),
            text("Hello "),
            text("there"),
            {
                **END,
                "usage": {**TOKENS, "total_tokens": 22, "completion_tokens_details": {"reasoning_tokens": 7}},
            },
        ),
        said=replace(HI, reasoning="Greet. ", usage=Usage(10, output_tokens=12, reasoning_tokens=7)),
    ),
    "google sends no end mark and its usage with every chunk": Case(
        provider="google",
        answer=stream(
            text("Hello ", usage={"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}),
            {**chunk({"content": "there"}, "stop"), "usage": TOKENS},
            done=False,
        ),
    ),
    "together says each word twice": Case(
        provider="together",
        answer=stream(
            *(
                {
                    "id": "gen-1",
                    "object": "chat.completion.chunk",
                    "model": "m",
                    "choices": [
                        {
                            "index": 0,
                            "text": word,
                            "logprobs": None,
                            "finish_reason": None,
                            "seed": None,
                            "delta": {
                                "token_id": 7,
                                "role": "assistant",
                                "content": word,
                                "tool_calls": None,
                            },
                        }
                    ],
                    "usage": None,
                }
                for word in ("Hello ", "there")
            ),
            {
                "id": "gen-1",
                "model": "m",
                "choices": [
                    {"index": 0, "text": "", "finish_reason": "eos", "delta": {"token_id": 2, "content": ""}}
                ],
                "usage": TOKENS,
            },
        ),
    ),
    "moonshot counts inside the last choice": Case(
        provider="moonshot",
        answer=stream(
            text("Hello "),
            text("there"),
            {
                "id": "gen-1",
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "delta": {},
                        "finish_reason": "stop",
                        "usage": {**TOKENS, "cached_tokens": 4},
                    }
                ],
            },
        ),
        said=replace(HI, usage=Usage(10, 4, output_tokens=5)),
    ),
    "perplexity repeats the whole message and its usage, with Windows line ends": Case(
        provider="perplexity",
        answer=raw(
            sse(
                *(
                    {
                        "id": "gen-1",
                        "model": "m",
                        "citations": ["https://example.org"],
                        "usage": {**TOKENS, "completion_tokens": tokens},
                        "choices": [
                            {
                                "index": 0,
                                "finish_reason": finish,
                                "message": {"role": "assistant", "content": so_far},
                                "delta": {"role": "assistant", "content": more},
                            }
                        ],
                    }
                    for tokens, so_far, more, finish in (
                        (2, "Hello ", "Hello ", None),
                        (4, "Hello there", "there", None),
                        (5, "Hello there", "", "stop"),
                    )
                ),
                done=False,
            ).replace(b"\n", b"\r\n")
        ),
    ),
    "perplexity's last chunk has an empty delta beside the whole message": Case(
        provider="perplexity",
        answer=stream(
            text("Hello "),
            text("there"),
            {
                "id": "gen-1",
                "model": "m",
                "usage": TOKENS,
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "delta": {},
                        "message": {"role": "assistant", "content": "Hello there"},
                    }
                ],
            },
        ),
    ),
    "fireworks finishes and counts in one chunk": Case(
        provider="fireworks",
        answer=stream(text("Hello "), text("there"), {**END, "usage": TOKENS, "perf_metrics": {"a": 1}}),
    ),
    "groq counts under x_groq": Case(
        provider="groq",
        answer=stream(
            chunk({"role": "assistant", "content": ""}, x_groq={"id": "req_1"}),
            text("Hello "),
            text("there"),
            {**END, "x_groq": {"id": "req_1", "usage": TOKENS}},
        ),
    ),
    "mistral sends content in parts": Case(
        provider="mistral",
        answer=stream(
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Greet."}]}]}),
            chunk({"content": [{"type": "text", "text": "Hello "}]}),
            text("there"),
            {**END, "usage": TOKENS},
        ),
        said=replace(HI, reasoning="Greet."),
    ),
    "mistral ran out of room": Case(
        provider="mistral",
        answer=stream(text("Hello there"), {**chunk({}, "model_length"), "usage": TOKENS}),
        said=replace(HI, finish="length"),
    ),
    "deepseek keeps a connection open with comments and nulls": Case(
        provider="deepseek",
        answer=raw(
            b": keep-alive\n\n" * 5
            + sse(
                chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
                chunk({"content": None, "reasoning_content": "Greet."}),
                chunk({"content": "Hello there", "reasoning_content": None}),
                {
                    **chunk({"content": "", "reasoning_content": None}, "stop"),
                    "usage": {**TOKENS, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2},
                },
            )
        ),
        said=replace(HI, reasoning="Greet.", usage=Usage(10, 8, output_tokens=5)),
    ),
    "openrouter keeps a connection open and counts last": Case(
        provider="openrouter",
        answer=raw(
            b": OPENROUTER PROCESSING\n\n" * 17
            + sse(
                chunk({"role": "assistant", "content": "", "reasoning": None}, provider="Groq"),
                chunk(
                    {"content": "", "reasoning": "Greet.", "reasoning_details": [{"type": "reasoning.text"}]}
                ),
                text("Hello there"),
                {**END, "native_finish_reason": "stop"},
                chunk(usage={**TOKENS, "cost": 0.00015, "is_byok": False}),
            )
        ),
        said=replace(HI, reasoning="Greet.", reported_nanodollars=150_000),
    ),
    "vllm counts in a chunk whose choices are null": Case(
        provider="mine",
        answer=stream(text("Hello there"), END, {**OVER, "choices": None}),
    ),
    "vllm names its reasoning as openrouter does": Case(
        provider="mine",
        answer=stream(chunk({"reasoning": "Greet."}), text("Hello there"), END, OVER),
        said=replace(HI, reasoning="Greet."),
    ),
    "llama.cpp pings, shows its progress and its timings": Case(
        provider="llamacpp",
        settings={"dialect": "llamacpp"},
        answer=raw(
            b":\n\n"
            + sse(
                chunk({"role": "assistant", "content": None}, prompt_progress={"total": 10, "processed": 5}),
                text("Hello there"),
                END,
                chunk(usage=TOKENS, timings={"prompt_n": 10, "predicted_n": 5}),
            )
        ),
    ),
    "azure filters the prompt first": Case(
        provider="mine",
        answer=stream(
            {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]},
            text("Hello there", usage=None),
            END,
            OVER,
        ),
    ),
    "an unknown reason ends an answer like any other": Case(
        provider="mine", answer=stream(text("Hello there"), {**chunk({}, "repetition"), "usage": TOKENS})
    ),
    "nothing but an end mark ends an answer": Case(provider="mine", answer=stream(text("Hello there"), OVER)),
    "neither an end mark nor a last line end": Case(
        provider="mine", answer=raw(sse(text("Hello there"), OVER, END, done=False).rstrip())
    ),
    "usage before the text": Case(provider="mine", answer=stream(OVER, text("Hello there"), END)),
    "usage twice, the second null": Case(
        provider="mine", answer=stream(text("Hello there", usage=TOKENS), {**END, "usage": None})
    ),
    "no usage at all": Case(
        provider="mine", answer=stream(text("Hello there"), END), said=replace(HI, usage=None)
    ),
    "a whole body where a stream was asked for": Case(
        provider="mine",
        answer=A_BODY,
    ),
    "a whole body with a byte order mark": Case(
        provider="mine", answer=replace(A_BODY, body=b"\xef\xbb\xbf" + A_BODY.body)
    ),
    "a whole body that is called a stream": Case(
        provider="mine", answer=replace(A_BODY, content_type=STREAM)
    ),
    "a stream that is called JSON": Case(
        provider="mine",
        answer=replace(stream(text("Hello there"), END, OVER), content_type="application/json"),
    ),
    "a whole body that does not say why it ends": Case(
        provider="mine",
        answer=json_answer(
            {
                "id": "gen-1",
                "model": "m",
                "choices": [
                    {"message": {"role": "assistant", "content": "Hello there"}, "finish_reason": None}
                ],
                "usage": TOKENS,
            }
        ),
    ),
    "a byte order mark, Windows line ends, no space, two data lines, an id and a retry": Case(
        provider="mine",
        answer=raw(
            b"\xef\xbb\xbfid: 1\r\nretry: 10\r\n\r\n"
            + sse(text("Hello there"), END, OVER)
            .replace(b"data: {", b"data:{\ndata:")
            .replace(b"\n", b"\r\n")
        ),
    ),
    "an emoji, split by escapes": Case(
        provider="mine",
        answer=raw('data: {"choices":[{"delta":{"content":"\\ud83d\\ude80 é 日本"}}]}\n\ndata: [DONE]\n\n'),
        said=Said(text="🚀 é 日本"),
    ),
    # --- tool calls
    "two tool calls in pieces, by index": Case(
        provider="openai",
        answer=stream(
            calls(a_call(0, "call_1", "weather", "")),
            calls(a_call(0, None, None, '{"city":')),
            calls(a_call(1, "call_2", "weather", None)),
            calls(a_call(0, None, None, '"Paris"}'), a_call(1, None, None, '{"city":"Rome"}')),
            chunk({}, "tool_calls"),
            OVER,
        ),
        said=CALLED,
    ),
    "google gives parallel tool calls one index": Case(
        provider="google",
        answer=stream(
            calls(a_call(0, "call_1", "weather", '{"city":"Paris"}')),
            calls(a_call(0, "call_2", "weather", '{"city":"Rome"}')),
            {**chunk({}, "tool_calls"), "usage": TOKENS},
        ),
        said=CALLED,
    ),
    "mistral sends whole tool calls at once": Case(
        provider="mistral",
        answer=stream(
            calls(
                a_call(0, "call_1", "weather", '{"city": "Paris"}'),
                a_call(1, "call_2", "weather", '{"city": "Rome"}'),
                finish="tool_calls",
            ),
            OVER,
        ),
        said=CALLED,
    ),
    "tool calls without an index": Case(
        provider="mine",
        answer=stream(
            calls(a_call(None, "call_1", "weather", "")),
            calls(a_call(None, None, None, '{"city":"Paris"}')),
            calls(a_call(None, "call_2", "weather", '{"city":')),
            calls(a_call(None, "call_2", None, '"Rome"}')),
            chunk({}, "tool_calls"),
            OVER,
        ),
        said=CALLED,
    ),
    "id and name with every piece": Case(
        provider="mine",
        answer=stream(
            calls(a_call(0, "call_1", "weather", '{"city":')),
            calls(a_call(0, "call_1", "weather", '"Paris"}')),
            calls(a_call(1, "call_2", "weather", '{"city":"Rome"}')),
            chunk({}, "tool_calls"),
            OVER,
        ),
        said=CALLED,
    ),
    "arguments as an object, and none": Case(
        provider="mine",
        answer=stream(
            calls(a_call(0, "call_1", "weather", {"city": "Paris"})),
            calls(a_call(1, "call_2", "now", None)),
            chunk({}, "tool_calls"),
            OVER,
        ),
        said=replace(CALLED, tool_calls=(PARIS, ("call_2", "now", {}))),
    ),
    "google's compatible endpoint leaves the ids empty": Case(
        provider="google",
        answer=stream(
            calls(
                a_call(0, "", "weather", '{"city":"Paris"}'),
                a_call(1, "", "weather", '{"city":"Rome"}'),
            ),
            {**chunk({}, "tool_calls"), "usage": TOKENS},
        ),
        said=replace(CALLED, tool_calls=(("call_0", *PARIS[1:]), ("call_1", *ROME[1:]))),
    ),
    "a new id with every piece": Case(
        provider="mine",
        answer=stream(
            calls(a_call(0, "call_1", "weather", "")),
            calls(a_call(0, "call_x", None, '{"city":')),
            calls(a_call(0, "call_y", None, '"Paris"}')),
            chunk({}, "tool_calls"),
            OVER,
        ),
        said=replace(CALLED, tool_calls=(PARIS,)),
    ),
    "the deprecated function call": Case(
        provider="mine",
        answer=stream(
            chunk({"function_call": {"name": "weather", "arguments": '{"city":'}}),
            chunk({"function_call": {"arguments": '"Paris"}'}}),
            chunk({}, "function_call"),
            OVER,
        ),
        said=replace(CALLED, tool_calls=(("call_0", *PARIS[1:]),)),
    ),
    "the deprecated function call in a whole message": Case(
        provider="mine",
        answer=json_answer(
            {
                "id": "gen-1",
                "model": "m",
                "choices": [
                    {
                        "message": {
                            "role": "assistant",
                            "content": None,
                            "function_call": {"name": "weather", "arguments": '{"city":"Paris"}'},
                        },
                        "finish_reason": "function_call",
                    }
                ],
                "usage": TOKENS,
            }
        ),
        said=replace(CALLED, tool_calls=(("call_0", *PARIS[1:]),)),
    ),
    "two answers where one was asked for": Case(
        provider="mine",
        answer=stream(
            text("Hello "),
            {**chunk(), "choices": [{"index": 1, "delta": {"content": "Bye"}, "finish_reason": "length"}]},
            {
                **chunk(),
                "choices": [
                    {"index": 1, "delta": {}, "finish_reason": "error"},
                    {"index": 0, "delta": {"content": "there"}, "finish_reason": "stop"},
                ],
            },
            OVER,
        ),
    ),
    "usage twice, the second all zeros": Case(
        provider="mine",
        answer=stream(
            text("Hello there", usage=TOKENS),
            {**END, "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}},
        ),
    ),
    # --- fill-in-the-middle and raw text
    "codestral fills a hole with deltas": Case(
        provider="codestral",
        prompt=Infill("def f(", "\n"),
        answer=stream(text("Hello "), text("there"), {**END, "usage": TOKENS}),
    ),
    "codestral fills a hole with a whole message": Case(
        provider="codestral",
        prompt=Infill("def f(", "\n"),
        answer=json_answer(
            {
                "id": "gen-1",
                "object": "chat.completion",
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "message": {"content": "Hello there", "tool_calls": None},
                        "finish_reason": "stop",
                    }
                ],
                "usage": TOKENS,
            }
        ),
    ),
    "deepseek fills a hole with texts": Case(
        provider="deepseek",
        prompt=Infill("def f(", "\n"),
        answer=stream(
            *(
                {
                    "id": "gen-1",
                    "model": "m",
                    "choices": [{"index": 0, "text": word, "finish_reason": finish}],
                }
                for word, finish in (("Hello ", None), ("there", None), ("", "stop"))
            ),
            OVER,
        ),
    ),
    "raw text goes on": Case(
        provider="mine",
        prompt=RawText("Once"),
        answer=stream(
            {"id": "gen-1", "model": "m", "choices": [{"text": "Hello there", "finish_reason": "length"}]},
            OVER,
        ),
        said=replace(HI, finish="length"),
    ),
    "llama.cpp fills a hole": Case(
        provider="llamacpp",
        settings={"dialect": "llamacpp"},
        prompt=Infill("def f(", "\n"),
        answer=stream(
            {"content": "Hello ", "stop": False},
            {"content": "there", "stop": False},
            {
                "content": "",
                "stop": True,
                "stop_type": "eos",
                "model": "m",
                "tokens_evaluated": 10,
                "tokens_predicted": 5,
            },
            done=False,
        ),
        said=replace(HI, id=None),
    ),
    # --- ollama's own dialect
    "ollama streams a chat": Case(
        provider="mine",
        settings=OLLAMA,
        answer=ndjson(
            ollama({"content": "", "thinking": "Greet."}),
            ollama({"content": "Hello "}),
            ollama({"content": "there"}),
            ollama({"content": ""}, **OLLAMA_USAGE),
        ),
        said=replace(HI, reasoning="Greet.", id=None),
    ),
    "ollama sends tool calls whole and without ids": Case(
        provider="mine",
        settings=OLLAMA,
        answer=ndjson(
            ollama(
                {
                    "content": "",
                    "tool_calls": [
                        {"function": {"name": "weather", "arguments": {"city": "Paris"}}},
                        {"function": {"name": "weather", "arguments": {"city": "Rome"}}},
                    ],
                }
            ),
            ollama({"content": ""}, **OLLAMA_USAGE),
        ),
        said=replace(CALLED, id=None),
    ),
    # --- what goes wrong in the middle
    "openrouter's error in a chunk": Case(
        provider="openrouter",
        answer=stream(
            text("Hello "),
            chunk(
                {"content": ""},
                "error",
                error={"code": 502, "message": "Upstream gave up", "metadata": {"provider_name": "Groq"}},
            ),
        ),
        said=BROKE,
        kind="overloaded",
        words="Upstream gave up",
    ),
    "openrouter's error after a length": Case(
        provider="openrouter",
        answer=stream(
            text("Hello "),
            chunk({}, "length"),
            chunk({"content": ""}, "error", error={"code": 400, "message": "Token limit reached"}),
        ),
        said=BROKE,
        kind="contextTooLong",
        words="Token limit reached",
    ),
    "openrouter's typed error without a code": Case(
        provider="openrouter",
        answer=stream(
            text("Hello "),
            {"error": {"error_type": "provider_overloaded", "message": "busy", "http_status": 503}},
        ),
        said=BROKE,
        kind="overloaded",
        words="busy",
    ),
    "openrouter's error in a whole body with status 200": Case(
        provider="openrouter",
        answer=json_answer({"error": {"code": 429, "message": "slow down"}, "user_id": "u"}),
        said=NOTHING,
        kind="rateLimited",
        words="slow down",
    ),
    "openrouter's error in the choice of a whole body": Case(
        provider="openrouter",
        answer=json_answer(
            {
                "id": "gen-1",
                "model": "m",
                "choices": [
                    {
                        "message": {"role": "assistant", "content": "Hello "},
                        "finish_reason": "error",
                        "error": {"code": 502, "message": "Upstream gave up"},
                    }
                ],
            }
        ),
        said=BROKE,
        kind="overloaded",
        words="Upstream gave up",
    ),
    "groq's event: error": Case(
        provider="groq",
        answer=raw(
            sse(text("Hello "), done=False)
            + b'event: error\ndata: {"error":{"message":"Failed to call a function.",'
            b'"type":"invalid_request_error","code":"tool_use_failed","status_code":400}}\n\n'
        ),
        said=BROKE,
        kind="refused",
        words="Failed to call a function",
    ),
    "vllm's error under no name": Case(
        provider="mine",
        answer=stream(
            text("Hello "),
            {"object": "error", "message": "engine died", "type": "InternalServerError", "code": 500},
        ),
        said=BROKE,
        kind="overloaded",
        words="engine died",
    ),
    "vllm's error and its end mark": Case(
        provider="mine",
        answer=stream({"error": {"message": "too slow", "type": "GatewayTimeout", "code": 504}}),
        said=NOTHING,
        kind="overloaded",
        words="too slow",
    ),
    "llama.cpp's error in the middle": Case(
        provider="llamacpp",
        settings={"dialect": "llamacpp"},
        answer=stream(
            text("Hello "),
            {"error": {"code": 500, "message": "context shift is disabled", "type": "server_error"}},
            done=False,
        ),
        said=BROKE,
        kind="overloaded",
        words="context shift",
    ),
    "deepseek ran out of machines": Case(
        provider="deepseek",
        answer=stream(text("Hello "), {**chunk({}, "insufficient_system_resource"), "usage": TOKENS}),
        said=replace(HI, text="Hello ", finish="error"),
        kind="overloaded",
    ),
    "openrouter says what the answer cost that it breaks off": Case(
        provider="openrouter",
        answer=stream(
            text("Hello "),
            {
                **chunk({"content": ""}, "error", error={"code": 502, "message": "Upstream gave up"}),
                "usage": {**TOKENS, "cost": 0.5},
            },
        ),
        said=replace(HI, text="Hello ", finish="error", reported_nanodollars=500_000_000),
        kind="overloaded",
        words="Upstream gave up",
    ),
    "groq's error in its own object": Case(
        provider="groq",
        answer=stream(text("Hello "), chunk({}, None, x_groq={"id": "r", "error": "over capacity"})),
        said=BROKE,
        kind="overloaded",
        words="over capacity",
    ),
    "a finish that says error, and nothing else": Case(
        provider="mine",
        answer=stream(text("Hello "), chunk({}, "error")),
        said=BROKE,
        kind="overloaded",
    ),
    "ollama's error in the middle": Case(
        provider="mine",
        settings=OLLAMA,
        answer=ndjson(
            ollama({"content": "Hello "}), {"error": "an error was encountered while running the model"}
        ),
        said=BROKE,
        kind="overloaded",
        words="an error was encountered",
    ),
    "ollama stops in the middle": Case(
        provider="mine",
        settings=OLLAMA,
        answer=ndjson(ollama({"content": "Hello "})),
        said=BROKE,
        kind="brokenReply",
    ),
    "llama.cpp stops in the middle of a hole": Case(
        provider="llamacpp",
        settings={"dialect": "llamacpp"},
        prompt=Infill("def f(", "\n"),
        answer=stream({"content": "Hello ", "stop": False}, done=False),
        said=BROKE,
        kind="brokenReply",
    ),
    "anthropic is overloaded in the middle": Case(
        provider="anthropic",
        answer=anthropic(
            START,
            *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello "})[:2],
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        ),
        said=replace(HI, text="Hello ", finish="error", usage=Usage(10, output_tokens=1)),
        kind="overloaded",
        words="Overloaded",
    ),
    # --- anthropic
    "anthropic invents an event, a block and a delta": Case(
        provider="anthropic",
        answer=anthropic(
            START,
            {"type": "ping"},
            {"type": "weather_report", "rain": True},
            *block(0, {"type": "hologram", "text": "no"}, {"type": "hologram_delta", "text": "no"}),
            *block(
                1,
                {"type": "text", "text": ""},
                {"type": "text_delta", "text": "Hello there"},
                {"type": "citations_delta", "citation": {"cited_text": "no"}},
            ),
            *ended("end_turn"),
        ),
    ),
    "anthropic calls two tools, one without arguments": Case(
        provider="anthropic",
        answer=anthropic(
            START,
            *block(
                0,
                {"type": "tool_use", "id": "call_1", "name": "weather", "input": {}},
                *(
                    {"type": "input_json_delta", "partial_json": piece}
                    for piece in ("", '{"city": "Pa', 'ris"}')
                ),
            ),
            *block(1, {"type": "tool_use", "id": "call_2", "name": "now", "input": {}}),
            *ended("tool_use"),
        ),
        said=replace(CALLED, tool_calls=(PARIS, ("call_2", "now", {}))),
    ),
    "anthropic thinks, partly in secret": Case(
        provider="anthropic",
        answer=anthropic(
            START,
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "Greet."},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            *block(1, {"type": "redacted_thinking", "data": "c2VjcmV0"}),
            *block(2, {"type": "text", "text": "Hello "}, {"type": "text_delta", "text": "there"}),
            *ended("end_turn"),
        ),
        said=replace(HI, reasoning="Greet."),
    ),
    "anthropic counts the cache apart, and says null at the end": Case(
        provider="anthropic",
        answer=anthropic(
            {
                "type": "message_start",
                "message": {
                    **MESSAGE,
                    "usage": {
                        "input_tokens": 10,
                        "cache_read_input_tokens": 100,
                        "cache_creation_input_tokens": 20,
                        "output_tokens": 1,
                    },
                },
            },
            *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello there"}),
            *ended("max_tokens", input_tokens=None, cache_read_input_tokens=None),
        ),
        said=replace(HI, finish="length", usage=Usage(130, 100, 20, output_tokens=5)),
    ),
    "anthropic refuses": Case(
        provider="anthropic",
        answer=anthropic(START, *ended("refusal")),
        said=replace(HI, text="", finish="contentFilter"),
    ),
    "anthropic ran out of its window": Case(
        provider="anthropic",
        answer=json_answer(
            {
                **MESSAGE,
                "content": [{"type": "text", "text": "Hello there"}],
                "stop_reason": "model_context_window_exceeded",
                "usage": {"input_tokens": 10, "output_tokens": 5},
            }
        ),
        said=replace(HI, finish="length"),
    ),
    "anthropic, a whole body that does not say why it ends": Case(
        provider="anthropic",
        answer=json_answer(
            {
                **MESSAGE,
                "content": [{"type": "text", "text": "Hello there"}],
                "stop_reason": None,
                "usage": {"input_tokens": 10, "output_tokens": 5},
            }
        ),
    ),
    "anthropic, a whole body that is called a stream": Case(
        provider="anthropic",
        answer=replace(
            json_answer(
                {
                    **MESSAGE,
                    "content": [{"type": "text", "text": "Hello there"}],
                    "stop_reason": "end_turn",
                    "usage": {"input_tokens": 10, "output_tokens": 5},
                }
            ),
            content_type=STREAM,
        ),
    ),
    "anthropic's error in a whole body with status 200": Case(
        provider="anthropic",
        answer=json_answer({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}),
        said=NOTHING,
        kind="rateLimited",
        words="slow down",
    ),
}


@pytest.mark.parametrize("way", ["whole", "split"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_what_a_vendor_sends_is_understood(upstream: Upstream, http: Http, name: str, way: str):
    case = ANSWERS[name]
    sizes = split_sizes(case.answer.body, name) if way == "split" else None
    heard = await hear(
        upstream,
        http,
        replace(case.answer, chunk_sizes=sizes),
        provider=case.provider,
        model=case.model,
        prompt=case.prompt,
        settings=case.settings,
    )
    said = heard.said
    if case.settings is OLLAMA:  # it gives tool calls no ids, so ours are any
        said = replace(said, tool_calls=tuple(("", *call[1:]) for call in said.tool_calls))
        case = replace(
            case, said=replace(case.said, tool_calls=tuple(("", *call[1:]) for call in case.said.tool_calls))
        )
    assert (heard.error.kind if heard.error else None) == case.kind, heard.error
    assert case.said.differences(said) == []
    if heard.error is not None:
        assert case.words in heard.error.message
        assert heard.error.hint


REFUSALS: dict[str, tuple[str, int, object, Kind]] = {
    "openai, a wrong key": (
        "openai",
        401,
        {
            "error": {
                "message": "Incorrect API key provided",
                "type": "invalid_request_error",
                "code": "invalid_api_key",
            }
        },
        "keyRejected",
    ),
    "openai, no money": (
        "openai",
        429,
        {
            "error": {
                "message": "You exceeded your current quota",
                "type": "insufficient_quota",
                "code": "insufficient_quota",
            }
        },
        "insufficientCredits",
    ),
    "openai, too fast": (
        "openai",
        429,
        {
            "error": {
                "message": "Rate limit reached for requests",
                "type": "requests",
                "code": "rate_limit_exceeded",
            }
        },
        "rateLimited",
    ),
    "openai, too long": (
        "openai",
        400,
        {
            "error": {
                "message": "The maximum context length is 128000 tokens.",
                "code": "context_length_exceeded",
            }
        },
        "contextTooLong",
    ),
    "openai, an unknown model": (
        "openai",
        404,
        {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}},
        "modelNotFound",
    ),
    "openai, a wrong field": (
        "openai",
        400,
        {"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens"}},
        "refused",
    ),
    "openrouter, no credits": (
        "openrouter",
        402,
        {"error": {"code": 402, "message": "Insufficient credits"}, "user_id": "u"},
        "insufficientCredits",
    ),
    "openrouter, moderation": (
        "openrouter",
        403,
        {
            "error": {
                "code": 403,
                "message": "flagged",
                "metadata": {"reasons": ["violence"], "flagged_input": "x"},
            }
        },
        "refused",
    ),
    "openrouter, a dead upstream": (
        "openrouter",
        502,
        {"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "boom"}}},
        "overloaded",
    ),
    "anthropic, overloaded": (
        "anthropic",
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "overloaded",
    ),
    "anthropic, a wrong key": (
        "anthropic",
        401,
        {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
        "keyRejected",
    ),
    "anthropic, too long": (
        "anthropic",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 210000 tokens > 200000",
            },
        },
        "contextTooLong",
    ),
    "google, an error in a list": (
        "google",
        429,
        [{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}],
        "rateLimited",
    ),
    "deepseek, no balance": (
        "deepseek",
        402,
        {
            "error": {
                "message": "Insufficient Balance",
                "type": "unknown_error",
                "code": "invalid_request_error",
            }
        },
        "insufficientCredits",
    ),
    "mistral, a message that is an object": (
        "mistral",
        422,
        {
            "object": "error",
            "message": {"detail": [{"msg": "field required"}]},
            "type": "invalid_request_error",
        },
        "refused",
    ),
    "groq, more than a minute allows": (
        "groq",
        413,
        {
            "error": {
                "message": "Request too large: Limit 6000 tokens per minute (TPM)",
                "code": "rate_limit_exceeded",
            }
        },
        "rateLimited",
    ),
    "xai, words for an error": (
        "xai",
        400,
        {"code": "Client specified an invalid argument", "error": "bad"},
        "refused",
    ),
    "a gateway's page": ("mine", 503, "<html>Service Unavailable</html>", "overloaded"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_of_the_right_kind(upstream: Upstream, http: Http, name: str):
    provider, status, body, kind = REFUSALS[name]
    heard = await hear(upstream, http, json_answer(body, status=status), provider=provider)
    assert isinstance(heard.error, ProviderError)
    assert (heard.error.kind, heard.deltas) == (kind, [])
    assert heard.error.provider == provider
    assert str(status) in heard.error.message
