"""What the chunks of one answer add up to."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Begun, Delta, Finish, Reasoning, Text, ToolCall, Trace, Usage
from farebox.providers.base import Quirks
from farebox.providers.json_value import JsonObject
from farebox.providers.openai_choice import first_choice
from farebox.providers.openai_reply import Reply, error_in, finish_reason
from support.upstream import chunk


def check(*chunks: JsonObject, quirks: Quirks | None = None) -> tuple[list[Delta], Reply]:
    reply = Reply(quirks, asked="m")
    deltas = [delta for one in chunks for delta in reply.read(one)]
    return [*deltas, *reply.end()], reply


def finish(*chunks: JsonObject, quirks: Quirks | None = None) -> Finish:
    last = check(*chunks, quirks=quirks)[0][-1]
    assert isinstance(last, Finish)
    return last


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        pytest.param({"content": "a"}, [Text("a")], id="text"),
        pytest.param({"content": ""}, [], id="empty text"),
        pytest.param({"role": "assistant", "content": None}, [], id="llama.cpp's first chunk"),
        pytest.param({"reasoning": "r"}, [Reasoning("r")], id="reasoning"),
        pytest.param({"reasoning_content": "r"}, [Reasoning("r")], id="reasoning by its other name"),
        pytest.param(
            {"reasoning": "r", "reasoning_content": "r"}, [Reasoning("r")], id="reasoning under both names"
        ),
        pytest.param({"reasoning": None, "content": "a"}, [Text("a")], id="reasoning that is null"),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]},
            [Reasoning("r")],
            id="a list with thinking",
        ),
        pytest.param(
            {"content": [{"type": "text", "text": "a"}, {"type": "reference"}, "b"]},
            [Text("a")],
            id="a list with text",
        ),
        pytest.param(
            {"content": [{"type": "thinking", "thinking": "r"}, {"type": "text", "text": "a"}]},
            [Reasoning("r"), Text("a")],
            id="a list with thinking that is a string",
        ),
        pytest.param(
            {
                "reasoning_details": [
                    {"type": "reasoning.summary", "summary": "r"},
                    {"type": "x", "data": "y"},
                ]
            },
            [Reasoning("r")],
            id="reasoning in blocks alone",
        ),
        pytest.param(
            {"reasoning": "r", "reasoning_details": [{"type": "reasoning.text", "text": "r"}]},
            [Reasoning("r")],
            id="reasoning in words and in blocks",
        ),
        pytest.param({"content": None, "refusal": "No."}, [Text("No.")], id="a refusal"),
        pytest.param({"refusal": "", "content": "a"}, [Text("a")], id="an empty refusal"),
        pytest.param({"reasoning": "Thinking... "}, [], id="a placeholder"),
        pytest.param(
            {"reasoning": "Thinking", "content": "a"},
            [Reasoning("Thinking"), Text("a")],
            id="what was no placeholder, before the answer",
        ),
        pytest.param({"content": 7, "tool_calls": "x"}, [], id="nonsense"),
        pytest.param({"tool_calls": [None]}, [], id="a tool call that is null"),
        pytest.param(
            {"function_call": {"name": "f", "arguments": "{}"}},
            [ToolCall("call_0", "f", "{}")],
            id="a function call, as it was before tools",
        ),
        pytest.param(
            {
                "function_call": {"name": "f", "arguments": "{}"},
                "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
            },
            [ToolCall("a", "f", "{}")],
            id="a function call that is said twice",
        ),
    ],
)
def test_a_delta_reads_as(delta: Mapping[str, object], expected: list[Delta]):
    deltas, _ = check(chunk(delta))
    assert deltas[:-1] == expected


def test_a_text_completion_and_a_whole_message_read_alike():
    assert check({"choices": [{"text": "a"}]})[0][0] == Text("a")
    assert check({"choices": [{"message": {"content": "a"}}]})[0][0] == Text("a")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param({"delta": {"content": "a"}, "text": "a"}, [Text("a")], id="as text"),
        pytest.param({"delta": {"content": "a"}, "message": {"content": "aa"}}, [Text("a")], id="so far"),
        pytest.param({"delta": {}, "message": {"content": "aa"}}, [], id="at the end"),
        pytest.param({"delta": None, "message": {"content": "a"}}, [Text("a")], id="no delta"),
    ],
)
def test_an_answer_that_is_said_twice_is_read_once(choice: JsonObject, expected: list[Delta]):
    assert check({"choices": [choice]})[0][:-1] == expected


def test_only_the_first_of_several_answers_is_read():
    first = {"index": 0, "delta": {"content": "A"}, "finish_reason": "stop"}
    second = {"index": 1, "delta": {"content": "B"}, "finish_reason": "error", "usage": {"prompt_tokens": 9}}
    for chunks in ([{"choices": [second]}, {"choices": [first]}], [{"choices": [second, first]}]):
        assert check(*chunks)[0] == [Text("A"), Finish("stop")]
        assert [error_in(one, first_choice(one)) for one in chunks] == [None] * len(chunks)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("stop", "stop", id="stop"),
        pytest.param("eos", "stop", id="eos"),
        pytest.param("length", "length", id="length"),
        pytest.param("tool_calls", "toolCalls", id="tool calls"),
        pytest.param("content_filter", "contentFilter", id="filter"),
        pytest.param("error", "error", id="error"),
        pytest.param("something new", "stop", id="unknown"),
        pytest.param("MAX_TOKENS", "length", id="shouted"),
        pytest.param("model_length", "length", id="Mistral's"),
        pytest.param("sensitive", "contentFilter", id="Z.ai's"),
        pytest.param("end_turn", "stop", id="Anthropic's"),
        pytest.param("tool_use", "toolCalls", id="Anthropic's tools"),
        pytest.param("insufficient_system_resource", "error", id="DeepSeek's"),
    ],
)
def test_a_finish_reason_is(reason: str, expected: str):
    assert finish(chunk({}, reason)).reason == expected


def test_a_native_reason_helps_where_the_translated_one_is_unknown():
    assert finish_reason({"finish_reason": "other", "native_finish_reason": "max_tokens"}) == "length"
    assert finish_reason({"finish_reason": "stop", "native_finish_reason": "max_tokens"}) == "stop"
    assert finish_reason({"finish_reason": None, "native_finish_reason": "max_tokens"}) is None


@pytest.mark.parametrize(
    ("last", "ended_early"),
    [
        pytest.param([], True, id="neither"),
        pytest.param([chunk({}, "stop")], False, id="a finish reason"),
        pytest.param([{"[DONE]": True}], False, id="the end mark"),
    ],
)
def test_an_answer_ended_early_if_it_has(last: list[JsonObject], ended_early: bool):
    _, reply = check(chunk({"content": "a"}), *last)
    assert reply.ended_early is ended_early


def test_usage_that_is_null_does_not_hide_what_came_before():
    assert finish(chunk(usage={"prompt_tokens": 5}), chunk(usage=None)).usage == Usage(input_tokens=5)


def test_usage_that_comes_several_times_is_cumulative():
    counts = [{"prompt_tokens": 5, "completion_tokens": written} for written in (1, 2, 3)]
    assert finish(*(chunk(usage=one) for one in counts)).usage == Usage(5, output_tokens=3)


@pytest.mark.parametrize("nonsense", [{}, {"prompt_tokens": -1}, {"completion_tokens": "x"}, {"cost": -1}])
def test_usage_that_is_nonsense_does_not_hide_what_came_before(nonsense: JsonObject):
    good = {"prompt_tokens": 5, "cost": Decimal("0.5")}
    last = finish(chunk(usage=good), chunk(usage=nonsense))
    assert last.usage == Usage(5)
    assert finish(chunk(usage=nonsense)).usage is None


def test_usage_of_all_zeros_does_not_hide_what_came_before():
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "cost": 0}
    last = finish(chunk(usage={"prompt_tokens": 5, "cost": Decimal("0.5")}), chunk(usage=zeros))
    assert (last.usage, last.reported_nanodollars) == (Usage(5), 500_000_000)
    last = finish(chunk(usage=zeros))
    assert (last.usage, last.reported_nanodollars) == (Usage(), 0)


def test_a_cost_may_come_apart_from_the_counts():
    last = finish({"usage": {"prompt_tokens": 5}}, {"usage": {"cost": 1}})
    assert (last.usage, last.reported_nanodollars) == (Usage(5), 10**9)


def test_no_usage_is_none_and_not_zero():
    assert finish(chunk({"content": "a"}, "stop")) == Finish("stop", served_model="m", generation_id="gen-1")


def test_hidden_reasoning_is_counted_where_the_vendor_hides_it():
    usage = {"prompt_tokens": 10, "completion_tokens": 30, "total_tokens": 60}
    hiding = Quirks(reasoning_beside_output=True)
    assert finish(chunk(usage=usage), quirks=hiding).usage == Usage(10, output_tokens=50, reasoning_tokens=20)
    assert finish(chunk(usage=usage)).usage == Usage(10, output_tokens=30)


@pytest.mark.parametrize(
    ("body", "ended_early"),
    [
        pytest.param(
            {"choices": [{"finish_reason": "", "message": {"content": "a"}}]}, False, id="an answer"
        ),
        pytest.param({"choices": []}, True, id="no answer"),
        pytest.param({"choices": [{}]}, True, id="an empty one"),
        pytest.param({}, True, id="nothing"),
    ],
)
def test_a_whole_body_needs_no_finish_reason(body: JsonObject, ended_early: bool):
    reply = Reply(is_whole=True)
    list(reply.read(body))
    assert reply.ended_early is ended_early


# --- reasoning that goes back ------------------------------------------------------------------

SIGNED = {"type": "reasoning.text", "text": "r", "index": 0}


def test_a_trace_comes_with_the_finish_if_the_vendor_wants_it_back():
    chunks = [chunk({"reasoning": "r", "reasoning_details": [SIGNED]}), chunk({"content": "a"}, "stop")]
    assert finish(*chunks).trace is None
    block = '{"type": "reasoning.text", "text": "r", "index": 0}'
    assert finish(*chunks, quirks=Quirks(trace="reasoning_details")).trace == Trace(
        "reasoning_details", "m", (block,)
    )
    assert finish(*chunks, quirks=Quirks(trace="reasoning_content")).trace == Trace(
        "reasoning_content", "m", ('"r"',)
    )


def test_a_placeholder_is_kept_in_the_trace():
    deltas, _ = check(
        chunk({"reasoning": "Thinking... "}),
        chunk({"reasoning": "Thinking... "}),
        chunk({"content": "a"}, "stop"),
        quirks=Quirks(trace="reasoning_content"),
    )
    assert deltas[0] == Text("a")
    last = deltas[-1]
    assert isinstance(last, Finish)
    assert last.trace == Trace("reasoning_content", "m", ('"Thinking... Thinking... "',))


def test_a_trace_names_the_model_that_answered():
    reply = Reply(Quirks(trace="reasoning_content"), asked="a/m", fallbacks=("b/m",))
    list(reply.read({"model": "b/m", "choices": [{"delta": {"reasoning": "r"}, "finish_reason": "stop"}]}))
    *_, last = reply.end()
    assert isinstance(last, Finish)
    assert last.trace is not None
    assert last.trace.model == "b/m"


# --- progress and errors -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "pieces"),
    [
        pytest.param({"role": "assistant", "content": ""}, 0, id="a chunk that says nothing"),
        pytest.param({"tool_calls": [None, {"index": 0}]}, 0, id="tool calls that say nothing"),
        pytest.param({"content": "a"}, 1, id="text"),
        pytest.param({"reasoning": "Thinking... "}, 1, id="reasoning that is not shown"),
        pytest.param({"reasoning_details": [{"type": "reasoning.encrypted"}]}, 1, id="encrypted reasoning"),
        pytest.param({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}, 1, id="a tool call"),
    ],
)
def test_the_model_is_at_work_while_pieces_come(delta: JsonObject, pieces: int):
    assert check(chunk(delta))[1].pieces == pieces


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, None, id="none"),
        pytest.param({"error": None, "choices": []}, None, id="null"),
        pytest.param({"error": {"code": 429}}, {"error": {"code": 429}}, id="at the top"),
        pytest.param({"error": "no"}, {"error": "no"}, id="in words"),
        pytest.param(
            {"object": "error", "message": "no"}, {"error": {"object": "error", "message": "no"}}, id="vLLM's"
        ),
        pytest.param(
            {"choices": [{"error": {"code": 502}, "finish_reason": "error"}]},
            {"error": {"code": 502}, "finish_reason": "error"},
            id="in the choice",
        ),
        pytest.param(
            {"x_groq": {"id": "r", "error": "no"}, "choices": []}, {"id": "r", "error": "no"}, id="Groq's"
        ),
        pytest.param(
            {"choices": [{"delta": {}, "finish_reason": "error"}]},
            {"error": {"message": "the answer ended with error"}},
            id="a reason alone",
        ),
    ],
)
def test_an_error_in_a_chunk_is(table: JsonObject, expected: JsonObject | None):
    assert error_in(table, first_choice(table)) == expected


# --- whatever comes ----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
DELTA = [
    "content",
    "refusal",
    "reasoning",
    "reasoning_details",
    "reasoning_content",
    "tool_calls",
    "function_call",
    "thinking",
]
PARTS = ["thinking", "index", "id", "name", "type", "text", "function", "arguments", "summary", "signature"]
NAMES = st.sampled_from([*DELTA, *PARTS, "usage", "finish_reason", "delta", "message", "error"])
TABLE = st.recursive(
    st.dictionaries(NAMES, JSON, max_size=4),
    lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, max_size=2) | JSON, max_size=4),
    max_leaves=8,
)
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(TABLE, max_size=2) | JSON}, optional={"usage": TABLE | JSON}
)


@given(st.lists(CHUNK, max_size=5), st.sampled_from([None, "reasoning_details", "reasoning_content"]))
def test_no_shape_of_a_chunk_raises(chunks: list[dict[str, object]], trace: object):
    deltas, _ = check(*chunks, quirks=Quirks(trace=trace))  # type: ignore[arg-type]
    assert isinstance(deltas[-1], Finish)
    for one in chunks:
        error_in(one, first_choice(one))


def turned(value: object) -> object:
    """Return the same JSON with the keys of all objects in the opposite order."""
    if isinstance(value, dict):
        items = list(cast("dict[str, object]", value).items())
        return {name: turned(inner) for name, inner in reversed(items)}
    return [turned(one) for one in cast("list[object]", value)] if isinstance(value, list) else value


@given(st.lists(CHUNK, max_size=5))
def test_the_order_of_keys_does_not_matter(chunks: list[dict[str, object]]):
    other = cast("list[dict[str, object]]", turned(list(chunks)))
    quirks = Quirks(trace="reasoning_details")
    deltas, others = (check(*one, quirks=quirks)[0] for one in (chunks, other))
    assert [ordered(delta) for delta in deltas] == [ordered(delta) for delta in others]


def ordered(delta: Delta) -> Delta:
    """Return a delta with the keys of what it holds as JSON in the order of the alphabet."""
    match delta:
        case ToolCall(arguments=arguments):
            return replace(delta, arguments=_sorted(arguments))
        case Finish(trace=Trace(blocks=blocks) as trace):
            return replace(delta, trace=replace(trace, blocks=tuple(map(_sorted, blocks))))
        case _:
            return delta


def _sorted(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:
        return text


ASKABLE = Quirks(generation_path="/generation")


def test_the_first_name_that_comes_is_told_before_what_comes_with_it():
    nameless = {**chunk({"content": "a"}), "id": None}
    deltas, _ = check(nameless, chunk({"content": "b"}), chunk({"content": "c"}), quirks=ASKABLE)
    assert deltas[:-1] == [Text("a"), Begun("gen-1"), Text("b"), Text("c")]


def test_a_name_that_is_known_already_is_not_told_again():
    reply = Reply(ASKABLE, generation_id="gen-0")
    assert reply.read({**chunk({"content": "a"}, "stop"), "id": None}) == [Text("a")]
    assert [delta.generation_id for delta in reply.end() if isinstance(delta, Finish)] == ["gen-0"]
