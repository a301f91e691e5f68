"""llama.cpp's own ``/infill``, in the shapes that its server really sends."""

import asyncio
from contextlib import aclosing

import pytest

from farebox.errors import BrokenReply, ProviderError
from farebox.messages import Call, Chat, Delta, Finish, Infill, Message, RawText, Text, Usage
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.llamacpp import LlamaCpp
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, sse_answer

HOLE = Call("qwen", Infill("def area(r):\n    return ", "\n"), max_output_tokens=24)


def piece(content: str) -> dict[str, object]:
    return {"index": 0, "content": content, "tokens": [1], "stop": False, "id_slot": 0}


def last(**fields: object) -> dict[str, object]:
    """The closing event, with the fields of a real server."""
    return {
        "index": 0,
        "content": "",
        "tokens": [],
        "id_slot": 0,
        "stop": True,
        "model": "qwen2.5-coder-0.5b",
        "tokens_predicted": 3,
        "tokens_evaluated": 40,
        "truncated": False,
        "stop_type": "eos",
        "stopping_word": "",
        "tokens_cached": 42,
        "timings": {"cache_n": 30, "prompt_n": 10, "predicted_n": 3},
        **fields,
    }


def server(http: Http, base_url: str) -> LlamaCpp:
    return LlamaCpp(http, Endpoint(provider="local", dialect="llamacpp", base_url=base_url, free=True))


async def check(http: Http, upstream: Upstream, answer: Answer, call: Call = HOLE) -> list[Delta]:
    upstream.queue(answer)
    async with aclosing(server(http, upstream.base_url).stream(call)) as deltas:
        return [delta async for delta in deltas]


async def test_a_hole_goes_to_infill_and_its_answer_is_read(http: Http, upstream: Upstream):
    answer = sse_answer(piece("pi"), piece(" * r"), piece(" ** 2"), last(), done=False)
    assert await check(http, upstream, answer) == [
        Text("pi"),
        Text(" * r"),
        Text(" ** 2"),
        Finish("stop", Usage(40, 30, 0, 3), served_model="qwen2.5-coder-0.5b"),
    ]
    sent = upstream.requests[0]
    assert (sent.method, sent.path) == ("POST", "/infill")
    assert sent.json == {
        "input_prefix": "def area(r):\n    return ",
        "input_suffix": "\n",
        "n_predict": 24,
        "cache_prompt": True,
        "stream": True,
    }


async def test_the_limits_of_a_call_are_sent(http: Http, upstream: Upstream):
    call = Call("qwen", Infill("a", "b"), temperature=0.0, stop=("\n",))
    await check(http, upstream, sse_answer(last(), done=False), call)
    sent = upstream.requests[0].json
    assert (sent["n_predict"], sent["temperature"], sent["stop"]) == (-1, 0.0, ["\n"])


async def test_pieces_of_other_files_are_sent_beside_the_hole(http: Http, upstream: Upstream):
    call = Call("qwen", Infill("a", "b", (("lib/a.py", "x = 1"), ("b.py", "y"))))
    await check(http, upstream, sse_answer(last(), done=False), call)
    assert upstream.requests[0].json["input_extra"] == [
        {"filename": "lib/a.py", "text": "x = 1"},
        {"filename": "b.py", "text": "y"},
    ]


@pytest.mark.parametrize("path", [pytest.param("", id="root"), pytest.param("/v1", id="with v1")])
async def test_both_forms_of_the_address_reach_the_same_paths(http: Http, upstream: Upstream, path: str):
    upstream.answer("/infill", sse_answer(last(), done=False))
    upstream.answer("/v1/chat/completions", sse_answer(chunk({"content": "a"}), chunk({}, "stop")))
    upstream.answer("/v1/completions", sse_answer({"choices": [{"text": "b", "finish_reason": "stop"}]}))
    provider = server(http, upstream.origin + path)
    for prompt in (HOLE.prompt, Chat((Message("user", "x"),)), RawText("x")):
        async with aclosing(provider.stream(Call("qwen", prompt))) as deltas:
            assert isinstance([delta async for delta in deltas][-1], Finish)
    assert [one.path for one in upstream.requests] == ["/infill", "/v1/chat/completions", "/v1/completions"]


@pytest.mark.parametrize(
    ("closing", "reason", "usage"),
    [
        pytest.param(last(stop_type="limit"), "length", Usage(40, 30, 0, 3), id="the limit"),
        pytest.param(last(stop_type="word"), "stop", Usage(40, 30, 0, 3), id="a stop word"),
        pytest.param(
            {"stop": True, "stopped_limit": True, "tokens_evaluated": 5}, "length", Usage(5), id="older"
        ),
        pytest.param(
            {"stop": True, "timings": {"cache_n": 3, "prompt_n": 2}}, "stop", Usage(5, 3), id="timings alone"
        ),
        pytest.param({"stop": True}, "stop", Usage(), id="bare"),
    ],
)
async def test_the_closing_event_says(
    http: Http, upstream: Upstream, closing: dict[str, object], reason: str, usage: Usage
):
    finish = (await check(http, upstream, sse_answer(closing, done=False)))[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage) == (reason, usage)


async def test_an_answer_split_at_every_byte_reads_the_same(http: Http, upstream: Upstream):
    answer = sse_answer(piece("ä"), piece("😀"), last(), done=False, chunk_sizes=(1,))
    assert (await check(http, upstream, answer))[:-1] == [Text("ä"), Text("😀")]


async def test_an_event_without_data_keeps_the_connection_alive_and_says_nothing(
    http: Http, upstream: Upstream
):
    answer = sse_answer("", piece("a"), " ", last(), "", done=False)
    assert (await check(http, upstream, answer))[:-1] == [Text("a")]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sse_answer(piece("a"), done=False), id="no closing event"),
        pytest.param(sse_answer(piece("a"), last(), done=False, cut_after=20), id="cut off"),
        pytest.param(sse_answer("{oops", done=False), id="no JSON"),
        pytest.param(Answer(body=b"<html></html>", content_type="text/html"), id="a page"),
    ],
)
async def test_an_answer_that_is_not_whole_is_broken(http: Http, upstream: Upstream, answer: Answer):
    with pytest.raises(BrokenReply) as caught:
        await check(http, upstream, answer)
    assert caught.value.hint


def said(status: int, kind: str, message: str, **fields: object) -> Answer:
    error = {"code": status, "type": kind, "message": message, **fields}
    return json_answer({"error": error}, status=status)


@pytest.mark.parametrize(
    ("answer", "kind", "hint"),
    [
        pytest.param(
            said(501, "not_supported_error", "prefix token is missing"),
            "refused",
            'fill = "chat"',
            id="a model without fill-in-the-middle tokens",
        ),
        pytest.param(
            said(503, "unavailable_error", "Loading model"), "overloaded", "Try again", id="loading"
        ),
        pytest.param(
            said(400, "exceed_context_size_error", "too big", n_prompt_tokens=900, n_ctx=512),
            "contextTooLong",
            "Attach less",
            id="context",
        ),
        pytest.param(said(401, "authentication_error", "Invalid API Key"), "keyRejected", "key", id="key"),
        pytest.param(
            sse_answer({"error": {"code": 500, "message": "slot failed"}}, done=False),
            "overloaded",
            "Try again",
            id="inside the stream",
        ),
    ],
)
async def test_an_error_of_the_server_is_ours(
    http: Http, upstream: Upstream, answer: Answer, kind: str, hint: str
):
    with pytest.raises(ProviderError) as caught:
        await check(http, upstream, answer)
    assert caught.value.kind == kind
    assert hint in caught.value.hint


async def test_closing_the_generator_closes_the_socket(http: Http, upstream: Upstream):
    upstream.queue(sse_answer(piece("a"), done=False, hang=True))
    deltas = server(http, upstream.base_url).stream(HOLE)
    assert await anext(deltas) == Text("a")
    await deltas.aclose()
    await asyncio.wait_for(upstream.closed.wait(), WAIT_S)
