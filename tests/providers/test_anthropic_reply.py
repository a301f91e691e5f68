"""What the events of one answer of the Anthropic dialect add up to."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Delta, Finish, FinishReason, Reasoning, Text, ToolCall, Trace, Usage
from farebox.providers.anthropic_reply import MAX_KEPT_CHARS, MAX_TOOL_CALLS, Reply
from farebox.providers.sse import TooLong
from support.anthropic_events import PING, Event, block, end, start, text, thinking, tool_use


def check(*events: Event) -> list[Delta]:
    reply = Reply("m")
    deltas = [delta for event in events for delta in reply.read(event)]
    return [*deltas, *reply.end()]


def finish(*events: Event) -> Finish:
    last = check(*events)[-1]
    assert isinstance(last, Finish)
    return last


# --- blocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(text(0, "a", "", "b"), [Text("a"), Text("b")], id="text"),
        pytest.param(block(0, {"type": "text", "text": "a"}), [Text("a")], id="text in the block's begin"),
        pytest.param([*text(0, "a"), *text(1, "b")], [Text("a"), Text("b")], id="two blocks of text"),
        pytest.param(thinking(0, "r", "s"), [Reasoning("r"), Reasoning("s")], id="reasoning"),
        pytest.param(
            tool_use(0, "t", "f", '{"x"', ": 1}"), [ToolCall("t", "f", '{"x": 1}')], id="a tool call"
        ),
        pytest.param(tool_use(0, "t", "f"), [ToolCall("t", "f", "{}")], id="a tool call without arguments"),
        pytest.param(
            tool_use(0, "t", "f", '{"x": '), [ToolCall("t", "f", '{"x": ')], id="arguments that were cut off"
        ),
        pytest.param(
            [*tool_use(0, "t", "f", "{}"), *tool_use(1, "u", "g", "{}")],
            [ToolCall("t", "f", "{}"), ToolCall("u", "g", "{}")],
            id="two tool calls",
        ),
        pytest.param(
            [
                *block(
                    0,
                    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                    {"type": "input_json_delta", "partial_json": '{"query": "x"}'},
                ),
                *block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
                *text(2, "a"),
            ],
            [Text("a")],
            id="a tool that the server runs itself",
        ),
        pytest.param(
            [
                *block(
                    0,
                    {"type": "compaction", "content": None},
                    {"type": "compaction_delta", "content": "a summary"},
                ),
                *block(1, {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}),
                *text(2, "a"),
            ],
            [Text("a")],
            id="blocks that are no text",
        ),
        pytest.param(
            block(0, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": {"url": "x"}}),
            [],
            id="citations",
        ),
        pytest.param(
            [PING, {"type": "brand_new"}, {}, {"type": 7}, *block(0, {"type": "brand_new"}, {"type": "new"})],
            [],
            id="what nobody knows yet",
        ),
        pytest.param(
            [
                {"type": "content_block_delta", "index": "x", "delta": "y"},
                {"type": "content_block_stop", "index": 7},
                {"type": "content_block_delta", "delta": {"type": "signature_delta", "signature": "s"}},
                {"type": "content_block_start", "index": -1, "content_block": None},
                {"type": "message_delta", "delta": [], "usage": 3},
            ],
            [],
            id="nonsense",
        ),
    ],
)
def test_an_answer_reads_as(events: list[Event], expected: list[Delta]):
    assert check(start(), *events, *end())[:-1] == expected


def test_a_block_takes_the_place_of_one_that_a_broken_off_message_left_at_its_index():
    broken_off = tool_use(0, "t", "f", '{"x":')[:-1]
    assert check(start(), *broken_off, start(), *tool_use(0, "u", "g"), *end("tool_use"))[:-1] == [
        ToolCall("u", "g", "{}")
    ]


# --- reasoning that goes back ------------------------------------------------------------------


def test_reasoning_is_kept_in_order_as_it_has_to_go_back():
    redacted: Event = {"type": "redacted_thinking", "data": "encrypted"}
    done = finish(start(), *thinking(0, "r", "s"), *block(1, redacted), *text(2, "a"), *end())
    assert done.trace is not None
    assert (done.trace.format, done.trace.model) == ("anthropic", "m")
    assert [json.loads(one) for one in done.trace.blocks] == [
        {"type": "thinking", "thinking": "rs", "signature": "sig"},
        redacted,
    ]


def test_reasoning_that_is_kept_from_us_goes_back_all_the_same():
    trace = finish(start(), *thinking(0), *text(1, "a"), *end()).trace
    assert trace == Trace("anthropic", "m", ('{"type": "thinking", "thinking": "", "signature": "sig"}',))


def test_reasoning_that_nobody_signed_does_not_go_back():
    unsigned = thinking(0, "r", signature="")
    assert finish(start(), *unsigned, *end()).trace is None
    assert finish(start(), *unsigned[:-1], *end()).trace is None


# --- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "toolCalls"),
        ("refusal", "contentFilter"),
        ("brand_new", "stop"),
    ],
)
def test_a_stop_reason_means(reason: str, expected: FinishReason):
    assert finish(start(), *end(reason)).reason == expected


@pytest.mark.parametrize(
    ("events", "early"),
    [
        pytest.param([], True, id="nothing"),
        pytest.param([start(), *text(0, "a")], True, id="no end"),
        pytest.param([start(), *text(0, "a"), end()[0]], False, id="a stop reason"),
        pytest.param([start(), *text(0, "a"), end()[1]], False, id="an end mark"),
        pytest.param([{"type": "message", "content": []}], False, id="a whole message"),
    ],
)
def test_an_answer_ended_early_without_a_reason_and_an_end_mark(events: list[Event], early: bool):
    reply = Reply("m")
    for event in events:
        list(reply.read(event))
    assert reply.ended_early is early


def test_a_finish_names_the_model_and_the_message():
    done = finish(start(model="claude-9-20270101"), *end())
    assert (done.served_model, done.generation_id) == ("claude-9-20270101", "msg_1")
    assert finish(end()[1]) == Finish("stop")


# --- usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(
            {"input_tokens": 9, "output_tokens": 1},
            {"output_tokens": 5},
            Usage(9, output_tokens=5),
            id="input first, output last",
        ),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 1},
            {"input_tokens": None, "output_tokens": 5, "cache_read_input_tokens": None},
            Usage(9, output_tokens=5),
            id="null says nothing",
        ),
        pytest.param(
            {"input_tokens": 3, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20},
            {"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 5},
            Usage(123, cached_input_tokens=100, cache_write_tokens=20, output_tokens=5),
            id="the cache comes on top of the input",
        ),
        pytest.param(
            {"input_tokens": 60_385},
            {"input_tokens": 612, "output_tokens": 9},
            Usage(612, output_tokens=9),
            id="the last count holds",
        ),
        pytest.param(
            {"input_tokens": 1},
            {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 47}},
            Usage(1, output_tokens=50, reasoning_tokens=47),
            id="reasoning",
        ),
        pytest.param(
            {"input_tokens": 1},
            {"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 47}},
            Usage(1, output_tokens=5, reasoning_tokens=5),
            id="more reasoning than output",
        ),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 2},
            {"input_tokens": -1, "output_tokens": "5", "cache_read_input_tokens": 1.5},
            Usage(9, output_tokens=2),
            id="nonsense",
        ),
        pytest.param({}, {}, None, id="none"),
    ],
)
def test_usage_reads_as(first: Event, last: Event, expected: Usage | None):
    assert finish(start(usage=first), *end(usage=last)).usage == expected


# --- a server that does not stream -------------------------------------------------------------


def test_a_whole_message_reads_as_its_stream_would():
    message: Event = {
        "id": "msg_1",
        "type": "message",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "r", "signature": "sig"},
            {"type": "text", "text": "a"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}},
            "nonsense",
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 9, "output_tokens": 5},
    }
    streamed = [
        start(usage={"input_tokens": 9}),
        *thinking(0, "r"),
        *text(1, "a"),
        *tool_use(3, "t", "f", '{"x": 1}'),
        *end("tool_use", {"output_tokens": 5}),
    ]
    assert check(message) == check(*streamed)


# --- bounds ------------------------------------------------------------------------------------


def test_there_may_be_so_many_tool_calls_and_no_more():
    calls = [event for index in range(MAX_TOOL_CALLS) for event in tool_use(index, f"t{index}", "f")]
    assert len(check(start(), *calls, *end("tool_use"))) == MAX_TOOL_CALLS + 1
    with pytest.raises(TooLong, match="tool calls"):
        check(start(), *calls, *tool_use(10**9, "t", "f"))


@pytest.mark.parametrize(
    ("kind", "delta"),
    [
        ("tool_use", {"type": "input_json_delta", "partial_json": "x" * 1024}),
        ("thinking", {"type": "thinking_delta", "thinking": "x" * 1024}),
        ("thinking", {"type": "signature_delta", "signature": "x" * 1024}),
    ],
)
def test_what_has_to_be_kept_may_be_so_long_and_no_longer(kind: str, delta: Event):
    with pytest.raises(TooLong, match="characters"):
        check(start(), *block(0, {"type": kind}, *([delta] * (MAX_KEPT_CHARS // 1024 + 1))))


def test_arguments_that_nest_deeper_than_python_goes_are_too_much():
    deep: object = {}
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TooLong, match="deeply"):
        check(start(), *block(0, {"type": "tool_use", "input": {"x": deep}}))


_TYPES = [
    *("message", "message_start", "content_block_start", "content_block_delta", "content_block_stop"),
    *("message_delta", "message_stop", "thinking", "redacted_thinking", "text", "tool_use", "text_delta"),
    *("thinking_delta", "signature_delta", "input_json_delta"),
]
_KEYS = [
    "type",
    "index",
    "content_block",
    "delta",
    "message",
    "usage",
    "content",
    "input",
    "text",
    "thinking",
]
_JUNK = st.sampled_from([*_TYPES, 0, 1, -1, 1.5, None, True, [], {}, [[]], "\ud800", 10**20])
_INNER = st.dictionaries(st.sampled_from(_KEYS), _JUNK, max_size=4)
_EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(_TYPES)}, optional=dict.fromkeys(_KEYS[1:7], _INNER | _JUNK)
)


@given(st.lists(_EVENTS, max_size=12))
def test_no_event_of_any_shape_breaks_the_reader(events: list[Event]):
    assert isinstance(check(*events)[-1], Finish)
