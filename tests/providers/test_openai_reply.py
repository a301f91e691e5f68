"""What the chunks of one answer add up to."""

from collections.abc import Mapping

import pytest

from farebox.messages import Delta, Finish, Reasoning, Text, ToolCall, Usage
from farebox.providers.json_value import JsonObject, parse_object
from farebox.providers.openai_reply import MAX_TOOL_CALLS, Reply, reported_nanodollars, usage_of
from support.upstream import chunk


def check(*chunks: JsonObject) -> tuple[list[Delta], Reply]:
    reply = Reply()
    deltas = [delta for one in chunks for delta in reply.read(one)]
    return [*deltas, *reply.end()], reply


def finish(*chunks: JsonObject) -> Finish:
    last = check(*chunks)[0][-1]
    assert isinstance(last, Finish)
    return last


def call(arguments: object, **fields: object) -> dict[str, object]:
    """One fragment of a tool call, in a chunk of its own."""
    function = {"arguments": arguments}
    if "name" in fields:
        function["name"] = fields.pop("name")
    return chunk({"tool_calls": [{**fields, "function": function}]})


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
        pytest.param({"content": 7, "tool_calls": "x"}, [], id="nonsense"),
    ],
)
def test_a_delta_reads_as(delta: Mapping[str, object], expected: list[Delta]):
    deltas, _ = check(chunk(delta))
    assert deltas[:-1] == expected


def test_a_text_completion_and_a_whole_message_read_alike():
    assert check({"choices": [{"text": "a"}]})[0][0] == Text("a")
    assert check({"choices": [{"message": {"content": "a"}}]})[0][0] == Text("a")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param(
            [
                call("", index=0, id="a", name="f"),
                call("", index=1, id="b", name="g"),
                call('{"x"', index=0),
                call("{}", index=1),
                call(":1}", index=0),
            ],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")],
            id="by index, interleaved",
        ),
        pytest.param(
            [call('{"x"', id="a", name="f"), call(":1}", id="a"), call("{}", id="b", name="g")],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")],
            id="by id",
        ),
        pytest.param(
            [call('{"x"', id="a", name="f"), call(":1}")],
            [ToolCall("a", "f", '{"x":1}')],
            id="without either: more of the last",
        ),
        pytest.param([call("{}", name="f")], [ToolCall("", "f", "{}")], id="without either from the start"),
        pytest.param([call(None, index=0, id="a", name="f")], [ToolCall("a", "f", "{}")], id="null"),
        pytest.param([call("", index=0, id="a", name="f")], [ToolCall("a", "f", "{}")], id="empty"),
        pytest.param(
            [call({"x": [1, "ä"]}, index=0, id="a", name="f")],
            [ToolCall("a", "f", '{"x": [1, "ä"]}')],
            id="an object instead of a string",
        ),
        pytest.param(
            [call("{", index=0, id="a", name="f"), call("}", index=0, id="a", name="f")],
            [ToolCall("a", "f", "{}")],
            id="id and name repeated",
        ),
    ],
)
def test_tool_calls_add_up(chunks: list[JsonObject], expected: list[Delta]):
    assert check(*chunks)[0][:-1] == expected


def test_the_number_of_tool_calls_has_a_bound():
    deltas, _ = check(*[call("{}", index=at, id=str(at), name="f") for at in range(MAX_TOOL_CALLS + 5)])
    assert len(deltas) == MAX_TOOL_CALLS + 1


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
    ],
)
def test_a_finish_reason_is(reason: str, expected: str):
    assert finish(chunk({}, reason)).reason == expected


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


@pytest.mark.parametrize(
    "where",
    [
        pytest.param({"choices": [], "usage": {"prompt_tokens": 5}}, id="in the last chunk"),
        pytest.param({"choices": [], "x_groq": {"usage": {"prompt_tokens": 5}}}, id="in Groq's own object"),
        pytest.param({"choices": [{"delta": {}, "usage": {"prompt_tokens": 5}}]}, id="in the choice"),
    ],
)
def test_usage_is_found(where: JsonObject):
    assert finish(where).usage == Usage(input_tokens=5)


def test_usage_that_is_null_does_not_hide_what_came_before():
    assert finish(chunk(usage={"prompt_tokens": 5}), chunk(usage=None)).usage == Usage(input_tokens=5)


def test_no_usage_is_none_and_not_zero():
    assert finish(chunk({"content": "a"}, "stop")) == Finish("stop", served_model="m", generation_id="gen-1")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 100,
                "completion_tokens": 50,
                "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 10},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(100, 80, 10, 50, 20),
            id="OpenAI and OpenRouter",
        ),
        pytest.param(
            {"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            Usage(100, 64),
            id="DeepSeek",
        ),
        pytest.param(
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}},
            Usage(5, 5),
            id="no more from the cache than there was",
        ),
        pytest.param({"prompt_tokens": -1, "completion_tokens": "3"}, Usage(), id="nonsense"),
        pytest.param({"prompt_tokens": 5, "prompt_tokens_details": None}, Usage(5), id="null details"),
    ],
)
def test_usage_reads_as(table: JsonObject, expected: Usage):
    assert usage_of(table) == expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param('{"cost": 0.0160614}', 16_061_400, id="a plain cost"),
        pytest.param('{"cost": 0.0000000014}', 1, id="rounded down"),
        pytest.param('{"cost": 0.0000000015}', 2, id="a half is rounded up"),
        pytest.param('{"cost": 0}', 0, id="free is a price"),
        pytest.param('{"cost": null}', None, id="null"),
        pytest.param('{"cost": -1}', None, id="negative"),
        pytest.param('{"cost": "0.1"}', None, id="a string"),
        pytest.param("{}", None, id="none"),
        pytest.param(
            '{"cost": 0.1, "is_byok": false, "cost_details": {"upstream_inference_cost": 0.1}}',
            100_000_000,
            id="the upstream's part is inside the cost",
        ),
        pytest.param(
            '{"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}',
            100_000_000,
            id="the upstream's part is inside the cost, also where nothing is said of the key",
        ),
        pytest.param(
            '{"cost": 0.005, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.1}}',
            105_000_000,
            id="the user's own key paid the upstream, on top",
        ),
        pytest.param('{"cost": 0.005, "is_byok": true}', 5_000_000, id="own key, upstream unknown"),
    ],
)
def test_the_reported_cost_is(usage: str, expected: int | None):
    table = parse_object(usage)
    assert table is not None
    assert reported_nanodollars(table) == expected
