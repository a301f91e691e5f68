"""The Anthropic dialect against a real server: what arrives there, and what is made of its answers."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farebox.config import Config
from farebox.errors import BrokenReply, Overloaded, ProviderError, Refused
from farebox.messages import (
    Call,
    Chat,
    Delta,
    Finish,
    Infill,
    Message,
    Reasoning,
    Target,
    Text,
    ToolCall,
    Trace,
    Traits,
    Usage,
)
from farebox.providers.anthropic import VERSION, Anthropic
from farebox.providers.anthropic_reply import MAX_TOOL_CALLS
from farebox.providers.anthropic_request import BINDING_BETA, request
from farebox.providers.base import Deadlines, Endpoint
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.secrets import Keys
from support.anthropic_events import PING, answer, end, start, stream, text, thinking, tool_use
from support.upstream import Answer, Upstream, json_answer

ASK = Call("m", Chat((Message("system", "Be brief."), Message("user", "Hello"))))
KEY = "sk-ant-api03-0123456789"
TOKEN = "sk-ant-oat01-0123456789"
TRACE = Trace("anthropic", "m", ('{"type": "thinking", "thinking": "r", "signature": "sig"}',))

USUAL = Deadlines()

EVENTS = [
    start(
        "claude-9",
        {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20},
    ),
    PING,
    *thinking(0, "Grüße", " 世界"),
    *text(1, "Hé", "llo 😀"),
    *tool_use(2, "t", "f", '{"x": ', '"ä"}'),
    *end("tool_use", {"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}),
]
DELTAS = [
    Reasoning("Grüße"),
    Reasoning(" 世界"),
    Text("Hé"),
    Text("llo 😀"),
    ToolCall("t", "f", '{"x": "ä"}'),
    Finish(
        "toolCalls",
        Usage(123, cached_input_tokens=100, cache_write_tokens=20, output_tokens=9, reasoning_tokens=4),
        served_model="claude-9",
        generation_id="msg_1",
        trace=Trace(
            "anthropic", "m", ('{"type": "thinking", "thinking": "Grüße 世界", "signature": "sig"}',)
        ),
    ),
]


def endpoint(base_url: str = "http://127.0.0.1:1/v1", **fields: object) -> Endpoint:
    return Endpoint(provider="acme", dialect="anthropic", base_url=base_url, **fields)  # type: ignore[arg-type]


async def check(http: Http, given: Answer, *, call: Call = ASK, **fields: object) -> list[Delta]:
    """Read one call's answer from a real server that gives the scripted one."""
    async with Upstream() as upstream:
        upstream.queue(given)
        adapter = Anthropic(http, endpoint(upstream.base_url, **fields))
        async with aclosing(adapter.stream(call)) as deltas:
            return [delta async for delta in deltas]


async def failure(http: Http, given: Answer, deadlines: Deadlines = USUAL) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await check(http, given, deadlines=deadlines)
    assert caught.value.hint
    return caught.value


# --- what arrives ------------------------------------------------------------------------------


async def arrived(
    http: Http, environment: Mapping[str, str], call: Call = ASK
) -> tuple[str, Mapping[str, str], Mapping[str, object]]:
    """Ask as the vendor's own table has it; return path, headers and body that reached the server."""
    async with Upstream() as upstream:
        upstream.answer("/v1/messages", answer(start(), *end()))
        config = Config.model_validate({"providers": {"anthropic": {"base_url": upstream.base_url}}})
        keys = Keys(environment=environment, file=Path("/nonexistent/keys.json"))
        opened = await Directory(config, keys, http, servers={}).open(Target("anthropic", call.model))
        async with aclosing(opened.provider.stream(call)) as deltas:
            assert [delta async for delta in deltas]
        sent = upstream.requests[0]
        return sent.path, sent.headers, sent.json


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"ANTHROPIC_API_KEY": KEY}, {"x-api-key": KEY}, id="a key"),
        pytest.param(
            {"ANTHROPIC_AUTH_TOKEN": "abc-0123456789"},
            {"authorization": "Bearer abc-0123456789"},
            id="a token for a gateway",
        ),
        pytest.param(
            {"ANTHROPIC_AUTH_TOKEN": TOKEN},
            {"authorization": f"Bearer {TOKEN}", "anthropic-beta": "oauth-2025-04-20"},
            id="an OAuth token",
        ),
        pytest.param(
            {"ANTHROPIC_API_KEY": TOKEN},
            {"authorization": f"Bearer {TOKEN}", "anthropic-beta": "oauth-2025-04-20"},
            id="an OAuth token where a key is expected",
        ),
        pytest.param(
            {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_AUTH_TOKEN": TOKEN}, {"x-api-key": KEY}, id="both: the key"
        ),
    ],
)
async def test_a_key_goes_where_its_kind_belongs(
    http: Http, environment: Mapping[str, str], expected: Mapping[str, str]
):
    path, headers, _ = await arrived(http, environment)
    assert path == "/v1/messages"
    assert headers["anthropic-version"] == VERSION
    special = ("x-api-key", "authorization", "anthropic-beta")
    assert {name: headers[name] for name in special if name in headers} == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"ANTHROPIC_API_KEY": KEY}, BINDING_BETA),
        ({"ANTHROPIC_AUTH_TOKEN": TOKEN}, f"oauth-2025-04-20,{BINDING_BETA}"),
    ],
)
async def test_a_beta_is_named_by_the_request_that_needs_it(
    http: Http, environment: Mapping[str, str], expected: str
):
    told = (Message("user", "q"), Message("assistant", "a", trace=TRACE), Message("user", "r"))
    call = Call("m", Chat(told), traits=Traits(thinking="adaptive"))
    _, headers, body = await arrived(http, environment, call)
    assert headers["anthropic-beta"] == expected
    assert body["thinking"] == {
        "type": "adaptive",
        "block_binding": {"prefix_mismatch_behavior": "drop_block"},
    }


async def test_the_request_that_arrives_is_the_one_that_was_built_with_the_version_that_it_follows(
    http: Http,
):
    async with Upstream() as upstream:
        upstream.answer("/v1/messages", answer(start(), *end()))
        async with aclosing(Anthropic(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            assert [delta async for delta in deltas]
        assert upstream.requests[0].json == request(endpoint(), ASK)[1]
        assert upstream.requests[0].headers["anthropic-version"] == VERSION


async def test_what_is_refused_beforehand_reaches_nobody(http: Http):
    async with Upstream() as upstream:
        adapter = Anthropic(http, endpoint(upstream.base_url))
        with pytest.raises(Refused):
            await anext(adapter.stream(Call("m", Infill("a", "b"))))
        assert upstream.connections == 0


async def test_the_providers_check_asks_for_its_models(http: Http):
    async with Upstream() as upstream:
        upstream.answer("/v1/models", json_answer({"data": []}))
        config = Config.model_validate({"providers": {"anthropic": {"base_url": upstream.base_url}}})
        keys = Keys(environment={"ANTHROPIC_API_KEY": KEY}, file=Path("/nonexistent/keys.json"))
        await Directory(config, keys, http, servers={}).check("anthropic")
        (sent,) = upstream.requests
        assert (sent.method, sent.headers["x-api-key"], sent.headers["anthropic-version"]) == (
            "GET",
            KEY,
            VERSION,
        )


# --- answers -----------------------------------------------------------------------------------


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
async def test_a_stream_reads_the_same_however_it_is_split(http: Http, data: st.DataObject):
    body = data.draw(st.sampled_from([stream(*EVENTS), stream(*EVENTS).replace(b"\n", b"\r\n")]))
    sizes = data.draw(st.lists(st.integers(1, 60), min_size=1, max_size=200))
    given = Answer(body=body, content_type="text/event-stream", chunk_sizes=sizes)
    assert await check(http, given) == DELTAS


async def test_a_stream_split_at_every_byte_reads_the_same(http: Http):
    assert await check(http, answer(*EVENTS, chunk_sizes=(1,))) == DELTAS


async def test_a_whole_body_is_read_where_a_stream_was_asked_for(http: Http):
    message = {
        "id": "msg_1",
        "type": "message",
        "model": "m",
        "content": [{"type": "text", "text": "a"}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 3, "output_tokens": 1},
    }
    assert await check(http, json_answer(message)) == [
        Text("a"),
        Finish("length", Usage(3, output_tokens=1), served_model="m", generation_id="msg_1"),
    ]


async def test_the_reasoning_of_an_answer_goes_back_with_the_next_call(http: Http):
    finish = (await check(http, answer(*EVENTS)))[-1]
    assert isinstance(finish, Finish)
    told = (
        Message("user", "q"),
        Message("assistant", "a", tool_calls=(ToolCall("t", "f", "{}"),), trace=finish.trace),
        Message("tool", "1", tool_call_id="t"),
    )
    sent = json.dumps(request(endpoint(), Call("m", Chat(told)))[1]["messages"], ensure_ascii=False)
    assert (
        '"content": [{"type": "thinking", "thinking": "Grüße 世界", "signature": "sig"}, {"type": "text"'
        in sent
    )


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(answer(start(), *text(0, "a")), id="ended early"),
        pytest.param(answer(start(), *text(0, "a"), cut_after=400), id="cut off"),
        pytest.param(answer(PING, PING), id="only pings"),
        pytest.param(Answer(content_type="text/event-stream"), id="nothing"),
        pytest.param(
            Answer(content_type="text/event-stream", body=b"event: message_start\ndata: {no\n\n"),
            id="no JSON",
        ),
        pytest.param(
            Answer(content_type="text/html", body=b"<html>Log in to the Wi-Fi</html>"), id="a page with 200"
        ),
        pytest.param(json_answer({}), id="an empty object"),
        pytest.param(Answer(body=b'{"type": "message", "content": ['), id="a message that is cut off"),
        pytest.param(json_answer([]), id="no object"),
    ],
)
async def test_an_answer_that_is_not_whole_is_broken(http: Http, given: Answer):
    error = await failure(http, given)
    assert isinstance(error, BrokenReply)
    assert "acme" in error.message


async def test_what_came_before_the_cut_was_passed_on_and_no_tool_is_called(http: Http):
    events = [*EVENTS[:-2], {"type": "content_block_start", "index": 3, "content_block": {"type": "text"}}]
    async with Upstream() as upstream:
        upstream.queue(answer(*events))
        seen: list[Delta] = []
        async with aclosing(Anthropic(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            with pytest.raises(BrokenReply, match="before it was whole"):
                seen.extend([delta async for delta in _noting(deltas, seen)])
    assert seen == DELTAS[:4]


async def _noting(deltas: AsyncIterator[Delta], seen: list[Delta]) -> AsyncIterator[Delta]:
    async for delta in deltas:
        seen.append(delta)
        yield delta


async def test_an_answer_with_too_many_tool_calls_is_broken(http: Http):
    calls = [event for at in range(MAX_TOOL_CALLS + 1) for event in tool_use(at, f"t{at}", "f")]
    error = await failure(http, answer(start(), *calls, *end("tool_use")))
    assert isinstance(error, BrokenReply)
    assert f"more than {MAX_TOOL_CALLS} tool calls" in error.message


def refusal(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


@pytest.mark.parametrize("before", [[], [start(), *text(0, "a")]], ids=["at once", "after some text"])
async def test_an_error_inside_the_stream_is_raised(http: Http, before: list[Mapping[str, object]]):
    error = await failure(http, answer(*before, refusal("overloaded_error", "Overloaded")))
    assert isinstance(error, Overloaded)
    assert "Overloaded" in error.message


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", "refused"),
        (401, "authentication_error", "keyRejected"),
        (402, "billing_error", "insufficientCredits"),
        (403, "permission_error", "keyRejected"),
        (404, "not_found_error", "modelNotFound"),
        (413, "request_too_large", "refused"),
        (429, "rate_limit_error", "rateLimited"),
        (500, "api_error", "overloaded"),
        (529, "overloaded_error", "overloaded"),
    ],
)
async def test_a_refused_request_is_raised_as(http: Http, status: int, kind: str, expected: str):
    error = await failure(http, json_answer(refusal(kind, "Its words."), status=status))
    assert (error.kind, error.model) == (expected, "m")
    assert "Its words." in error.message


# --- deadlines ---------------------------------------------------------------------------------


async def test_pings_do_not_hold_up_the_deadline_for_the_next_token(http: Http):
    given = answer(start(), *text(0, "a")[:-1], *[PING] * 200, chunk_sizes=(40,), delay_s=0.05)
    error = await failure(http, given, deadlines=Deadlines(first_token_s=30.0, gap_s=1.5, total_s=30.0))
    assert "stopped sending" in error.message


async def test_arguments_that_are_still_coming_do(http: Http):
    calls = tool_use(0, "t", "f", *["x"] * 20)
    given = answer(start(), *calls, *end("tool_use"), chunk_sizes=(130,), delay_s=0.1)
    deadlines = Deadlines(first_token_s=1.5, gap_s=1.5, total_s=30.0)
    assert (await check(http, given, deadlines=deadlines))[0] == ToolCall("t", "f", "x" * 20)
