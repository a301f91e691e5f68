"""The OpenAI dialect: what is sent, and what is made of the many answers that servers really give."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from farebox.errors import BrokenReply, ProviderError, Refused
from farebox.messages import (
    Call,
    Chat,
    Delta,
    Finish,
    Image,
    Infill,
    Message,
    Prompt,
    RawText,
    Reasoning,
    Text,
    ToolCall,
    Usage,
)
from farebox.providers.base import Endpoint, RoutingPreferences
from farebox.providers.http import Http
from farebox.providers.openai import OpenAI, request
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse, sse_answer

HELLO = Chat((Message("system", "Be brief."), Message("user", "Hello")))
ASK = Call("m", HELLO)
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "cost": 0.0000123}


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    yield client
    await client.aclose()


def endpoint(base_url: str = "http://127.0.0.1:1/v1", **fields: object) -> Endpoint:
    return Endpoint(provider="acme", dialect="openai", base_url=base_url, **fields)  # type: ignore[arg-type]


async def check(http: Http, *answers: Answer, call: Call = ASK) -> list[Delta]:
    """Read one call's answer from a real server that gives the scripted one."""
    async with Upstream() as upstream:
        upstream.queue(*answers)
        async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(call)) as deltas:
            return [delta async for delta in deltas]


async def failure(http: Http, *answers: Answer) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await check(http, *answers)
    assert caught.value.hint
    return caught.value


# --- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "path", "expected"),
    [
        pytest.param(
            HELLO,
            "/chat/completions",
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hello"},
                ],
                "stream_options": {"include_usage": True},
            },
            id="a chat",
        ),
        pytest.param(
            Chat((Message("user", "What is it?", (Image("image/png", "AAAA"),)),)),
            "/chat/completions",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "What is it?"},
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                        ],
                    }
                ],
                "stream_options": {"include_usage": True},
            },
            id="a chat with a picture",
        ),
        pytest.param(
            Infill("def f(", "\n"), "/fim/completions", {"prompt": "def f(", "suffix": "\n"}, id="a hole"
        ),
        pytest.param(
            RawText("<PRE> a"),
            "/completions",
            {"prompt": "<PRE> a", "stream_options": {"include_usage": True}},
            id="raw text",
        ),
    ],
)
def test_a_prompt_is_sent_as(prompt: Prompt, path: str, expected: dict[str, object]):
    sent = request(endpoint(fill_path="/fim/completions"), Call("m", prompt))
    assert sent == (path, {"model": "m", "stream": True, **expected})


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        pytest.param(HELLO, "max_completion_tokens", id="a chat: the vendor's own name"),
        pytest.param(Infill("a", "b"), "max_tokens", id="a hole"),
        pytest.param(RawText("a"), "max_tokens", id="raw text"),
    ],
)
def test_the_limits_of_a_call_are_sent(prompt: Prompt, field: str):
    call = Call("m", prompt, max_output_tokens=9, temperature=0.0, stop=("\n", "x"))
    body = request(endpoint(max_tokens_field="max_completion_tokens"), call)[1]
    assert (body[field], body["temperature"], body["stop"]) == (9, 0.0, ["\n", "x"])
    assert len({"max_tokens", "max_completion_tokens"} & body.keys()) == 1


def test_what_a_call_does_not_say_is_not_sent():
    body = request(endpoint(routing=RoutingPreferences()), ASK)[1]
    assert body.keys() == {"model", "stream", "messages", "stream_options"}


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param(RoutingPreferences(), {"reasoning": {"effort": "high"}}, id="OpenRouter's object"),
        pytest.param(None, {"reasoning_effort": "high"}, id="everyone else's field"),
    ],
)
def test_reasoning_is_asked_for_by(routing: RoutingPreferences | None, expected: dict[str, object]):
    body = request(endpoint(routing=routing), Call("m", HELLO, reasoning="high"))[1]
    assert {key: body[key] for key in body if key.startswith("reasoning")} == expected


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param(RoutingPreferences(), None, id="none"),
        pytest.param(RoutingPreferences(allow_fallbacks=False), {"allow_fallbacks": False}, id="a refusal"),
        pytest.param(
            RoutingPreferences(("A", "B"), ("C",), ("D",), allow_fallbacks=True, sort="price"),
            {"order": ["A", "B"], "only": ["C"], "ignore": ["D"], "allow_fallbacks": True, "sort": "price"},
            id="all",
        ),
        pytest.param(None, None, id="no OpenRouter"),
    ],
)
def test_routing_preferences_are_sent_as(
    routing: RoutingPreferences | None, expected: dict[str, object] | None
):
    for prompt in (HELLO, RawText("a")):
        assert request(endpoint(routing=routing), Call("m", prompt))[1].get("provider") == expected


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
