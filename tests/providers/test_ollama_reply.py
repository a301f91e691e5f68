"""What the lines of Ollama's answers add up to; bodies as its API reference and its source show them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Delta, Finish, Reasoning, Text, ToolCall, Trace, Usage
from farebox.providers.json_value import parse_object
from farebox.providers.ollama_reply import MAX_TOOL_CALLS, Reply
from farebox.providers.sse import TooLong

LAST: dict[str, object] = {
    "model": "llama3.2",
    "created_at": "2023-08-04T19:22:45.499127Z",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 4883583458,
    "load_duration": 1334875,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 342546000,
    "eval_count": 282,
    "eval_duration": 4535599000,
}


def said(**message: object) -> dict[str, object]:
    return {"model": "llama3.2", "message": {"role": "assistant", **message}, "done": False}


def check(*lines: dict[str, object]) -> list[Delta]:
    reply = Reply()
    deltas: list[Delta] = []
    for line in lines:
        table = parse_object(json.dumps(line))
        assert table is not None
        deltas += reply.read(table)
    assert reply.done == (lines[-1].get("done") is True)
    return [*deltas, *reply.end()]


def test_a_chat_is_its_content_and_the_counts_of_its_last_line():
    assert check(said(content="The"), said(content=" sky"), LAST) == [
        Text("The"),
        Text(" sky"),
        Finish("stop", Usage(26, output_tokens=282), served_model="llama3.2"),
    ]


def test_a_completion_is_its_response():
    last: dict[str, object] = {
        "model": "codellama:code",
        "response": "b",
        "done": True,
        "done_reason": "length",
        "eval_count": 3,
    }
    assert check({"model": "codellama:code", "response": "a", "done": False}, last) == [
        Text("a"),
        Text("b"),
        Finish("length", None, served_model="codellama:code"),
    ]


def test_thoughts_are_reasoning_in_both():
    assert check(said(content="", thinking="Hm"), LAST)[0] == Reasoning("Hm")
    assert check({"response": "", "thinking": "Hm", "done": False}, LAST)[0] == Reasoning("Hm")


def test_a_prompt_that_was_not_counted_has_no_usage():
    uncounted: dict[str, object] = {
        name: value for name, value in LAST.items() if name != "prompt_eval_count"
    }
    assert check(uncounted) == [Finish("stop", None, served_model="llama3.2")]
    assert check({**LAST, "prompt_eval_count": 0}) == check(uncounted)


def test_a_tool_call_comes_whole_as_json_text_and_gets_an_id():
    call = {"function": {"name": "get_weather", "arguments": {"city": "Århus", "days": 1.5}}}
    given_id = {"id": "call_px63ad04", "function": {"index": 1, "name": "now", "arguments": {}}}
    assert check(said(content="", tool_calls=[call]), said(content="", tool_calls=[given_id]), LAST) == [
        ToolCall("call_0", "get_weather", '{"city": "Århus", "days": 1.5}'),
        ToolCall("call_px63ad04", "now", "{}"),
        Finish("toolCalls", Usage(26, output_tokens=282), served_model="llama3.2"),
    ]


def test_thoughts_before_a_tool_call_are_kept_for_the_next_turn():
    call = {"function": {"name": "now", "arguments": {}}}
    finish = check(said(thinking='a "b'), said(thinking="c"), said(tool_calls=[call]), LAST)[-1]
    assert isinstance(finish, Finish)
    assert finish.trace == Trace("reasoning_content", "llama3.2", ('"a \\"bc"',))


def test_what_is_loaded_or_unloaded_has_said_nothing():
    for reason in ("load", "unload"):
        assert check({**LAST, "done_reason": reason})[-1] == Finish(
            "stop", Usage(26, output_tokens=282), served_model="llama3.2"
        )


def test_no_more_tool_calls_are_kept_than_a_bound():
    call = {"function": {"name": "f", "arguments": "{}"}}
    deltas = check(said(tool_calls=[call] * (MAX_TOOL_CALLS + 5)), LAST)
    assert len([delta for delta in deltas if isinstance(delta, ToolCall)]) == MAX_TOOL_CALLS


def test_an_argument_beyond_a_floats_range_stays_json():
    reply = Reply()
    table = parse_object(
        '{"message": {"tool_calls": [{"function": {"name": "f", "arguments": {"x": 1.0e999}}}]}}'
    )
    assert table is not None
    assert list(reply.read(table)) == []
    call = next(iter(reply.end()))
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"x": "1.0E+999"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["model", "message", "response", "thinking", "content", "tool_calls", "function", "arguments", "done"]
)


@given(
    st.lists(
        st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=4), max_size=5), max_size=4
    )
)
def test_no_shape_of_a_line_can_break_it(lines: list[dict[str, object]]):
    reply = Reply()
    deltas = [delta for line in lines for delta in reply.read(line)]
    assert isinstance([*deltas, *reply.end()][-1], Finish)


def test_tool_calls_that_no_model_writes_are_too_long():
    reply = Reply()
    call = {"function": {"name": "f", "arguments": {"text": "x" * 300_000}}}
    with pytest.raises(TooLong):
        list(reply.read({"message": {"tool_calls": [call] * 8}}))
