"""The OpenAI dialect: what is sent, and what is made of the many answers that servers really give."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.errors import BrokenReply, ProviderError, Refused
from farebox.messages import (
    Begun,
    Call,
    Chat,
    Delta,
    Finish,
    Infill,
    Message,
    Prompt,
    RawText,
    Reasoning,
    Text,
    ToolCall,
    Trace,
    Usage,
)
from farebox.providers.base import Deadlines, Endpoint, Quirks
from farebox.providers.http import Http
from farebox.providers.openai import OpenAI
from farebox.providers.openai_request import request
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse, sse_answer

HELLO = Chat((Message("system", "Be brief."), Message("user", "Hello")))
ASK = Call("m", HELLO)
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "cost": 0.0000123}


def endpoint(base_url: str = "http://127.0.0.1:1/v1", **fields: object) -> Endpoint:
    return Endpoint(provider="acme", dialect="openai", base_url=base_url, **fields)  # type: ignore[arg-type]


async def check(http: Http, *answers: Answer, call: Call = ASK, **fields: object) -> list[Delta]:
    """Read one call's answer from a real server that gives the scripted ones, one after the other."""
    async with Upstream() as upstream:
        upstream.queue(*answers)
        async with aclosing(OpenAI(http, endpoint(upstream.base_url, **fields)).stream(call)) as deltas:
            return [delta async for delta in deltas]


async def failure(http: Http, *answers: Answer) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await check(http, *answers)
    assert caught.value.hint
    return caught.value


async def test_the_request_that_arrives_is_the_one_that_was_built(http: Http):
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", sse_answer(chunk({}, "stop")))
        async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            assert [delta async for delta in deltas] == [Finish("stop", None, None, "m", "gen-1")]
        assert upstream.requests[0].json == request(endpoint(), ASK)[1]
        assert upstream.requests[0].headers["content-type"] == "application/json"


# --- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
async def test_a_stream_reads_the_same_however_it_is_split(http: Http, seed: int):
    body = openrouter_stream("Grüße, 世界! 😀 done", USAGE)
    deltas = await check(http, Answer(body=body, content_type="text/event-stream", seed=seed))
    assert "".join(delta.text for delta in deltas if isinstance(delta, Text)) == "Grüße, 世界! 😀 done"
    assert deltas[-1] == Finish("stop", Usage(7, output_tokens=2), 12_300, "m", "gen-1")


async def test_a_stream_split_at_every_byte_reads_the_same(http: Http):
    body = openrouter_stream("ä 😀", USAGE).replace(b"\n", b"\r\n")
    deltas = await check(http, Answer(body=body, content_type="text/event-stream", chunk_sizes=(1,)))
    assert deltas == [Text("ä "), Text("😀"), Finish("stop", Usage(7, output_tokens=2), 12_300, "m", "gen-1")]


FINISH = Finish("stop", None, None, "m", "gen-1")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param(
            [chunk({"reasoning": "r"}), chunk({"content": "a"})], [Reasoning("r"), Text("a")], id="r"
        ),
        pytest.param([chunk({"reasoning_content": "r"})], [Reasoning("r")], id="r by its other name"),
        pytest.param([chunk({"content": [{"type": "text", "text": "a"}]})], [Text("a")], id="a list"),
        pytest.param(
            [
                chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": ""}}]}),
                chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
            ],
            [ToolCall("t", "f", "{}")],
            id="a tool call",
        ),
    ],
)
async def test_a_stream_gives(http: Http, chunks: list[dict[str, object]], expected: list[Delta]):
    assert await check(http, sse_answer(*chunks, chunk({}, "stop"))) == [*expected, FINISH]


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param([chunk({}, "stop"), chunk(usage=USAGE)], id="after the finish"),
        pytest.param([chunk({}, "stop", usage=USAGE)], id="with the finish"),
        pytest.param([chunk({}, "stop", x_groq={"usage": USAGE})], id="in Groq's own object"),
    ],
)
async def test_usage_and_cost_are_read_where_they_come(http: Http, tail: list[dict[str, object]]):
    last = (await check(http, sse_answer(chunk({"content": "a"}), *tail)))[-1]
    assert last == Finish("stop", Usage(7, output_tokens=2), 12_300, "m", "gen-1")


async def test_an_end_without_the_mark_is_fine_after_a_finish_reason(http: Http):
    assert await check(http, sse_answer(chunk({"content": "a"}), chunk({}, "stop"), done=False)) == [
        Text("a"),
        FINISH,
    ]


async def test_an_end_mark_without_a_finish_reason_is_fine(http: Http):
    assert await check(http, sse_answer(chunk({"content": "a"}))) == [Text("a"), FINISH]


async def test_a_last_line_without_its_end_is_read(http: Http):
    body = sse(chunk({"content": "a"}), chunk({}, "stop"), done=False).rstrip(b"\n")
    assert await check(http, Answer(body=body, content_type="text/event-stream")) == [Text("a"), FINISH]


@pytest.mark.parametrize("end", [b"data: [DONE]\n\n", b"", b"data: "])
@pytest.mark.parametrize("nothing", [b"data: \n\n", b"data:\n\n", b"event: ping\ndata\n\n", b"data:  \n\n"])
async def test_an_event_without_data_keeps_the_connection_alive_and_says_nothing(
    http: Http, nothing: bytes, end: bytes
):
    pieces = (sse(one, done=False) for one in (chunk({"content": "a"}), chunk({}, "stop")))
    body = nothing + nothing.join(pieces) + nothing + end
    assert await check(http, Answer(body=body, content_type="text/event-stream")) == [Text("a"), FINISH]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sse_answer("", "", done=False), id="only events without data"),
        pytest.param(sse_answer(chunk({"content": "a"}), done=False), id="ended early"),
        pytest.param(sse_answer(chunk({"content": "a"}), cut_after=140), id="cut off between events"),
        pytest.param(sse_answer(chunk({"content": "a"}), cut_after=60), id="cut off inside an event"),
        pytest.param(sse_answer("{not json"), id="an event that is no JSON"),
        pytest.param(sse_answer("[1]"), id="an event that is no object"),
        pytest.param(Answer(content_type="text/event-stream"), id="nothing"),
        pytest.param(
            Answer(content_type="text/event-stream", body=b": OPENROUTER PROCESSING\n\n"), id="only comments"
        ),
        pytest.param(
            Answer(content_type="text/html", body=b"<html>Log in to the Wi-Fi</html>"), id="a page with 200"
        ),
        pytest.param(Answer(body=b"[]"), id="JSON that is no object"),
        pytest.param(Answer(body=b'{"id": "x"'), id="JSON that is cut off"),
        pytest.param(json_answer({}), id="an empty object"),
    ],
)
async def test_an_answer_that_is_not_whole_is_broken(http: Http, answer: Answer):
    error = await failure(http, answer)
    assert isinstance(error, BrokenReply)
    assert "acme" in error.message


async def test_what_came_before_the_cut_was_passed_on(http: Http):
    seen: list[Delta] = []
    async with Upstream() as upstream:
        upstream.queue(sse_answer(chunk({"content": "a"}), chunk({"content": "b"}), cut_after=250))
        async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            with pytest.raises(BrokenReply):
                seen.extend([delta async for delta in _noting(deltas, seen)])
    assert seen[0] == Text("a")


async def _noting(deltas: AsyncIterator[Delta], seen: list[Delta]) -> AsyncIterator[Delta]:
    async for delta in deltas:
        seen.append(delta)
        yield delta


async def test_a_whole_body_is_read_where_a_stream_was_asked_for(http: Http):
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    message = {"role": "assistant", "content": "a", "reasoning": "r", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    body = {"id": "gen-1", "model": "m", "choices": [choice], "usage": USAGE}
    assert await check(http, json_answer(body)) == [
        Reasoning("r"),
        Text("a"),
        ToolCall("t", "f", '{"x":1}'),
        Finish("toolCalls", Usage(7, output_tokens=2), 12_300, "m", "gen-1"),
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        pytest.param(
            sse_answer(
                chunk({"content": ""}, "error", error={"code": 429, "message": "upstream is busy"}),
                done=False,
            ),
            "rateLimited",
            "upstream is busy",
            id="OpenRouter, inside the stream",
        ),
        pytest.param(
            Answer(
                content_type="text/event-stream",
                body=b'event: error\ndata: {"error":{"message":"bad tool call","code":"tool_use_failed",'
                b'"status_code":400}}\n\n',
            ),
            "refused",
            "bad tool call",
            id="Groq, inside the stream",
        ),
        pytest.param(
            sse_answer(
                {
                    "choices": [
                        {"delta": {}, "finish_reason": "error", "error": {"code": 429, "message": "too many"}}
                    ]
                },
                done=False,
            ),
            "rateLimited",
            "too many",
            id="OpenRouter, inside the choice",
        ),
        pytest.param(
            sse_answer(chunk({"content": "a"}), chunk({}, "insufficient_system_resource")),
            "overloaded",
            "insufficient_system_resource",
            id="DeepSeek, a finish reason alone",
        ),
        pytest.param(
            sse_answer(chunk({"content": "a"}), chunk(x_groq={"id": "r", "error": "over capacity"})),
            "overloaded",
            "over capacity",
            id="Groq, in its own object, before the end mark",
        ),
        pytest.param(
            json_answer({"error": {"code": 502, "message": "no luck"}}),
            "overloaded",
            "no luck",
            id="OpenRouter, a whole body with 200",
        ),
        pytest.param(
            json_answer({"error": {"code": 402, "message": "add credits"}}, status=402),
            "insufficientCredits",
            "add credits",
            id="a status",
        ),
    ],
)
async def test_an_error_in_the_answer_is_ours_with_its_words(
    http: Http, answer: Answer, kind: str, words: str
):
    error = await failure(http, answer)
    assert (error.kind, error.model) == (kind, "m")
    assert words in error.message


async def test_a_redirect_is_not_followed_and_the_second_host_sees_nothing(http: Http):
    async with Upstream() as second:
        elsewhere = Answer(status=307, headers={"Location": f"{second.base_url}/chat/completions"})
        assert isinstance(await failure(http, elsewhere), Refused)
        assert (second.connections, second.requests) == (0, [])


async def test_streamed_answers_one_after_the_other_share_one_connection(http: Http):
    async with Upstream() as upstream:
        provider = OpenAI(http, endpoint(upstream.base_url))
        upstream.answer(
            "/v1/chat/completions", Answer(body=openrouter_stream("a b"), content_type="text/event-stream")
        )
        for _ in range(3):
            async with aclosing(provider.stream(ASK)) as deltas:
                assert [delta async for delta in deltas] == [Text("a "), Text("b"), FINISH]
        assert (len(upstream.requests), upstream.connections) == (3, 1)


async def test_a_server_that_stays_on_the_line_after_the_end_mark_does_not_delay_the_end(http: Http):
    deltas = await check(http, sse_answer(chunk({"content": "a"}), chunk({}, "stop"), hang=True))
    assert deltas == [Text("a"), FINISH]


# --- what else vendors do ----------------------------------------------------------------------


WHOLE = b'{"id": "gen-1", "model": "m", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'
STREAM = sse(chunk({"content": "a"}), chunk({}, "stop"))


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json", "text/plain", ""])
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n"])
@pytest.mark.parametrize("body", [WHOLE, STREAM, b": ping\n\n" + STREAM], ids=["whole", "stream", "comment"])
@pytest.mark.parametrize("size", [1, 4096])
async def test_an_answer_is_read_by_what_it_is_and_not_by_its_media_type(
    http: Http, content_type: str, before: bytes, body: bytes, size: int
):
    answer = Answer(body=before + body, content_type=content_type, chunk_sizes=(size,))
    assert await check(http, answer) == [Text("a"), FINISH]


async def test_a_whole_body_without_a_finish_reason_is_whole(http: Http):
    message = {"role": "assistant", "content": "4", "tool_calls": None, "refusal": ""}
    body = {"id": "", "model": "m", "choices": [{"finish_reason": "", "message": message}]}
    assert await check(http, json_answer(body)) == [Text("4"), Finish("stop", served_model="m")]


@pytest.mark.parametrize(
    ("prompt", "choice"),
    [
        pytest.param(Infill("a", "b"), {"delta": {"role": "assistant", "content": "x"}}, id="Codestral"),
        pytest.param(Infill("a", "b"), {"text": "x", "index": 0, "logprobs": None}, id="DeepSeek"),
        pytest.param(RawText("a"), {"text": "x", "index": 0}, id="raw text"),
    ],
)
async def test_a_hole_is_filled(http: Http, prompt: Prompt, choice: dict[str, object]):
    chunks = [{**chunk(), "choices": [one]} for one in (choice, {**choice, "finish_reason": "length"})]
    deltas = await check(http, sse_answer(*chunks), call=Call("m", prompt))
    assert deltas == [Text("x"), Text("x"), Finish("length", served_model="m", generation_id="gen-1")]


async def test_a_whole_fill_is_read(http: Http):
    body = {"id": "f", "model": "m", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}
    deltas = await check(http, json_answer(body), call=Call("m", Infill("a", "b")))
    assert deltas == [Text("x"), Finish("stop", served_model="m", generation_id="f")]


async def test_reasoning_blocks_come_back_with_the_next_turn_as_they_came(http: Http):
    blocks = [
        {"type": "reasoning.text", "text": "Hm", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "text": ".", "index": 0},
        {"type": "reasoning.text", "signature": "c2ln", "index": 0},
    ]
    pieces = [chunk({"reasoning": one.get("text"), "reasoning_details": [one]}) for one in blocks]
    quirks = Quirks(trace="reasoning_details", reasoning_field="reasoning")
    deltas = await check(
        http, sse_answer(*pieces, chunk({"content": "a"}, "stop")), call=Call("a/m", HELLO), quirks=quirks
    )
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    assert isinstance(finish.trace, Trace)
    turn = Message("assistant", "a", trace=finish.trace)
    async with Upstream() as upstream:
        upstream.queue(sse_answer(chunk({}, "stop")))
        again = Call("a/m:nitro", Chat((*HELLO.messages, turn, Message("user", "And?"))))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=quirks))
        async with aclosing(provider.stream(again)) as stream:
            assert [delta async for delta in stream]
        sent = upstream.requests[0].json["messages"]
        assert isinstance(sent, list)
        merged = {"text": "Hm.", "index": 0, "format": "anthropic-claude-v1", "signature": "c2ln"}
        assert sent[2]["reasoning_details"] == [{"type": "reasoning.text", **merged}]


BILLED = {
    "data": {"id": "gen-1", "total_cost": 0.002, "native_tokens_prompt": 7, "native_tokens_completion": 2}
}


async def test_a_stream_that_ended_without_usage_is_asked_for(http: Http):
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", sse_answer(chunk({"content": "a"}, "stop")))
        upstream.answer("/v1/generation", json_answer(BILLED))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=Quirks(generation_path="/generation")))
        async with aclosing(provider.stream(ASK)) as stream:
            deltas = [delta async for delta in stream]
        finish = Finish("stop", Usage(7, output_tokens=2), 2_000_000, "m", "gen-1")
        assert deltas == [Begun("gen-1"), Text("a"), finish]
        assert [one.path for one in upstream.requests] == ["/v1/chat/completions", "/v1/generation?id=gen-1"]


IN_A_HEADER = {"X-Generation-Id": "gen-1"}


@pytest.mark.parametrize(
    ("path", "headers", "name", "expected"),
    [
        pytest.param("/generation", {}, "gen-1", [Begun("gen-1"), Text("a")], id="in its first chunk"),
        pytest.param(
            "/generation",
            {"X-Generation-Id": "gen-1"},
            "gen-1",
            [Begun("gen-1"), Text("a")],
            id="in a header",
        ),
        pytest.param("/generation", {}, None, [Text("a")], id="never"),
        pytest.param(
            None, {"X-Generation-Id": "gen-1"}, "gen-1", [Text("a")], id="where nobody can be asked"
        ),
    ],
)
async def test_what_a_provider_calls_an_answer_is_told_once_as_it_begins(
    http: Http, path: str | None, headers: dict[str, str], name: str | None, expected: list[Delta]
):
    one, last = ({**piece, "id": name} for piece in (chunk({"content": "a"}), chunk({}, "stop", usage=USAGE)))
    async with Upstream() as upstream:
        upstream.queue(replace(sse_answer(one, last), headers=headers))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=Quirks(generation_path=path)))
        async with aclosing(provider.stream(ASK)) as stream:
            deltas = [delta async for delta in stream]
        assert deltas[:-1] == expected
        assert isinstance(deltas[-1], Finish)


async def test_a_header_names_an_answer_before_anything_else_has_come(http: Http):
    async with Upstream() as upstream:
        held_back = Answer(body=b": OPENROUTER PROCESSING\n\n", content_type="text/event-stream", hang=True)
        upstream.queue(replace(held_back, headers=IN_A_HEADER))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=Quirks(generation_path="/generation")))
        async with aclosing(provider.stream(ASK)) as stream:
            assert await anext(stream) == Begun("gen-1")


@pytest.mark.parametrize(
    ("last", "path"),
    [
        pytest.param(chunk({}, "stop", usage=USAGE), "/generation", id="usage came"),
        pytest.param(chunk({}, "stop"), None, id="there is nobody to ask"),
        pytest.param({**chunk({}, "stop"), "id": None}, "/generation", id="the generation has no id"),
    ],
)
async def test_nothing_is_asked_for_if(http: Http, last: dict[str, object], path: str | None):
    async with Upstream() as upstream:
        upstream.queue(sse_answer(last))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=Quirks(generation_path=path)))
        async with aclosing(provider.stream(ASK)) as stream:
            assert [delta async for delta in stream]
        assert len(upstream.requests) == 1


async def test_an_answer_that_broke_off_is_not_asked_for(http: Http):
    async with Upstream() as upstream:
        upstream.queue(sse_answer(chunk({"content": "a"}), done=False))
        provider = OpenAI(http, endpoint(upstream.base_url, quirks=Quirks(generation_path="/generation")))
        with pytest.raises(BrokenReply):
            async with aclosing(provider.stream(ASK)) as stream:
                [delta async for delta in stream]
        assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "delta",
    [
        pytest.param({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, id="a tool call"),
        pytest.param({"reasoning": "Thinking... "}, id="reasoning that is not shown"),
    ],
)
async def test_a_model_that_works_in_silence_is_not_late(http: Http, delta: dict[str, object]):
    pieces = [chunk(delta) for _ in range(12)]
    body = sse(*pieces, chunk({}, "stop"))
    slow = Answer(body=body, content_type="text/event-stream", chunk_sizes=(len(sse(pieces[0], done=False)),))
    patient = Deadlines(first_token_s=0.6, gap_s=0.6)
    answer = replace(slow, delay_s=0.08)
    assert isinstance((await check(http, answer, deadlines=patient))[-1], Finish)


async def test_chunks_that_say_nothing_do_not_stop_the_clock(http: Http):
    body = sse(*[chunk({"content": ""}) for _ in range(50)])
    each = len(sse(chunk({"content": ""}), done=False))
    slow = Answer(body=body, content_type="text/event-stream", chunk_sizes=(each,), delay_s=0.05)
    with pytest.raises(BrokenReply):
        await check(http, slow, deadlines=Deadlines(first_token_s=0.3, gap_s=0.3))


async def test_tool_calls_have_a_bound(http: Http):
    calls = [{"index": at, "id": str(at), "function": {"name": "f"}} for at in range(200)]
    with pytest.raises(BrokenReply, match="sent too much"):
        await check(http, sse_answer(chunk({"content": "a"}), chunk({"tool_calls": calls}, "stop")))


async def test_what_is_said_beside_too_many_tool_calls_is_passed_on(http: Http):
    calls = [{"index": at, "id": str(at), "function": {"name": "f"}} for at in range(200)]
    whole = json_answer({"choices": [{"message": {"content": "a", "tool_calls": calls}}]})
    seen: list[Delta] = []
    async with Upstream() as upstream:
        upstream.queue(whole)
        async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            with pytest.raises(BrokenReply, match="sent too much"):
                seen.extend([delta async for delta in _noting(deltas, seen)])
    assert seen == [Text("a")]


async def test_reasoning_beyond_its_bound_does_not_go_back_but_the_answer_is_whole(http: Http):
    blocks = [{"type": "reasoning.encrypted", "index": at} for at in range(5000)]
    answer = sse_answer(chunk({"reasoning_details": blocks}), chunk({"content": "a"}, "stop"))
    assert await check(http, answer, quirks=Quirks(trace="reasoning_details")) == [Text("a"), FINISH]


async def test_long_reasoning_in_small_fragments_goes_back(http: Http):
    block = {"type": "reasoning.text", "text": " word", "format": "anthropic-claude-v1", "index": 0}
    pieces = [chunk({"reasoning_details": [block]}) for _ in range(25_000)]
    answer = sse_answer(*pieces, chunk({"content": "a"}, "stop"))
    *_, last = await check(http, answer, quirks=Quirks(trace="reasoning_details"))
    assert isinstance(last, Finish)
    assert last.trace is not None
    assert json.loads(last.trace.blocks[0]) == {**block, "text": " word" * 25_000}


@pytest.mark.parametrize("index", [10**9, -1, True, "0", 1.5, None])
async def test_no_index_of_a_tool_call_does_harm(http: Http, index: object):
    call = {"index": index, "id": "t", "function": {"name": "f", "arguments": "{}"}}
    assert await check(http, sse_answer(chunk({"tool_calls": [call]}), chunk({}, "stop"))) == [
        ToolCall("t", "f", "{}"),
        FINISH,
    ]


PIECES = [
    chunk({"reasoning": "Thinking... "}),
    chunk({"reasoning": "Ähem 😀", "content": ""}),
    chunk({"content": [{"type": "text", "text": "世界"}]}),
    chunk({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": '{"ß'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '": 1}'}}]}, "tool_calls"),
    chunk(usage=USAGE),
]


def test_bytes_split_anywhere_with_keys_in_any_order_read_the_same():
    with asyncio.Runner() as runner:
        client = Http()

        @settings(max_examples=50, deadline=None)
        @given(
            sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30),
            reverse=st.booleans(),
            end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
            between=st.sampled_from([b"\n\n", b"\n\n: ping\n\n", b"\n\n:\nevent: x\n\n"]),
        )
        def reads_the_same(sizes: list[int], reverse: bool, end: bytes, between: bytes) -> None:
            pieces = [dict(reversed(piece.items())) for piece in PIECES] if reverse else PIECES
            body = sse(*pieces).replace(b"\n\n", between).replace(b"\n", end)
            answer = Answer(body=body, content_type="text/event-stream", chunk_sizes=sizes)
            assert runner.run(check(client, answer)) == [
                Reasoning("Thinking... Ähem 😀"),
                Text("世界"),
                ToolCall("t", "f", '{"ß": 1}'),
                Finish("toolCalls", Usage(7, output_tokens=2), 12_300, "m", "gen-1"),
            ]

        reads_the_same()
        runner.run(client.aclose())
