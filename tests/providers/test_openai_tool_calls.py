"""Tool calls put together from fragments, whatever they are keyed by."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import ToolCall
from farebox.providers import openai_tool_calls
from farebox.providers.json_value import parse_object
from farebox.providers.openai_tool_calls import MAX_TOOL_CALLS, MAX_TOOL_CHARS, ToolCalls
from farebox.providers.sse import TooLong


def fragment(arguments: object, name: object = None, **fields: object) -> dict[str, object]:
    function = {"arguments": arguments} | ({"name": name} if name is not None else {})
    return {**fields, "function": function}


def check(*fragments: dict[str, object]) -> list[ToolCall]:
    calls = ToolCalls()
    for one in fragments:
        calls.add(one)
    return list(calls.whole())


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        pytest.param(
            [
                fragment("", "f", index=0, id="a"),
                fragment("", "g", index=1, id="b"),
                fragment('{"x"', index=0),
                fragment("{}", index=1),
                fragment(":1}", index=0),
            ],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")],
            id="by index, interleaved",
        ),
        pytest.param(
            [fragment('{"x"', "f", id="a"), fragment(":1}", id="a"), fragment("{}", "g", id="b")],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")],
            id="by id",
        ),
        pytest.param(
            [fragment('{"x"', "f", id="a"), fragment("{}", "g", id="b"), fragment(":1}", id="a")],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}")],
            id="by id, interleaved",
        ),
        pytest.param(
            [fragment("{}", "f", index=0, id="a"), fragment('{"y":2}', "g", index=0, id="b")],
            [ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"y":2}')],
            id="one index for two whole calls",
        ),
        pytest.param(
            [
                fragment('{"x"', "f", index=0, id="a"),
                fragment(":1}", index=0),
                fragment('{"y"', "f", index=0, id="b"),
                fragment(":2}", index=0),
            ],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", '{"y":2}')],
            id="one index for two calls in fragments",
        ),
        pytest.param(
            [
                fragment('{"x"', "f", index=0, id="a"),
                fragment('{"y"', "f", index=0, id="b"),
                fragment(":1}", index=0, id="a"),
            ],
            [ToolCall("a", "f", '{"x":1}'), ToolCall("b", "f", '{"y"')],
            id="one index for two calls, told apart by id",
        ),
        pytest.param(
            [fragment("{}", "f", index=0), fragment('{"y":2}', "f", index=0)],
            [ToolCall("call_0", "f", "{}"), ToolCall("call_1", "f", '{"y":2}')],
            id="one index for whole calls without ids",
        ),
        pytest.param(
            [fragment('{"x"', "f", id="a"), fragment(":1}")],
            [ToolCall("a", "f", '{"x":1}')],
            id="without either: more of the last",
        ),
        pytest.param(
            [fragment("{}", "f")], [ToolCall("call_0", "f", "{}")], id="without either from the start"
        ),
        pytest.param(
            [fragment("{}", "f"), fragment("{}", "g")],
            [ToolCall("call_0", "f", "{}"), ToolCall("call_1", "g", "{}")],
            id="whole calls without either",
        ),
        pytest.param(
            [fragment("", "f", index=0), fragment("{}", index=0, id="a")],
            [ToolCall("a", "f", "{}")],
            id="an id that comes late",
        ),
        pytest.param([fragment(None, "f", index=0, id="a")], [ToolCall("a", "f", "{}")], id="null"),
        pytest.param([fragment("", "f", index=0, id="a")], [ToolCall("a", "f", "{}")], id="empty"),
        pytest.param([{"index": 0, "id": "a"}], [ToolCall("a", "", "{}")], id="no function"),
        pytest.param(
            [fragment({"x": [1, "ä"]}, "f", index=0, id="a")],
            [ToolCall("a", "f", '{"x": [1, "ä"]}')],
            id="an object instead of a string",
        ),
        pytest.param(
            [fragment("{", "f", index=0, id="a"), fragment("}", "f", index=0, id="a")],
            [ToolCall("a", "f", "{}")],
            id="id and name repeated",
        ),
        pytest.param(
            [fragment("{", "f", index=0), fragment("}", "f", index=0), fragment("", "f", index=0)],
            [ToolCall("call_0", "f", "{}")],
            id="name repeated without an id",
        ),
        pytest.param(
            [fragment("{}", "f", index=10**9, id="a"), fragment("{}", "g", index=-1, id="b")],
            [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")],
            id="an index out of all bounds",
        ),
        pytest.param(
            [fragment("{}", "f", index=True, id="a"), fragment("{}", "g", index=1, id="b")],
            [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")],
            id="an index that is no number",
        ),
        pytest.param(
            [
                fragment("", "f", index=0, id="a1"),
                fragment('{"x":', index=0, id="a2"),
                fragment("1}", index=0, id="a3"),
            ],
            [ToolCall("a1", "f", '{"x":1}')],
            id="a new id in each fragment",
        ),
        pytest.param(
            [fragment("", "f", id="a1"), fragment('{"x":', id="a2"), fragment("1}", id="a3")],
            [ToolCall("a1", "f", '{"x":1}')],
            id="a new id in each fragment, without an index",
        ),
        pytest.param(
            [fragment("", "f", index=0), fragment('{"x":1}', "g", index=0)],
            [ToolCall("call_0", "f", "{}"), ToolCall("call_1", "g", '{"x":1}')],
            id="one index, no ids, another name",
        ),
        pytest.param(
            [fragment("{}", "f", index=0), fragment("{}", "f", index=0, id="b")],
            [ToolCall("call_0", "f", "{}"), ToolCall("b", "f", "{}")],
            id="one index for whole calls, the second with an id",
        ),
        pytest.param(
            [fragment("{}", "f"), fragment("{}", "f", id="call_0"), fragment("{}", "f")],
            [ToolCall("call_0_", "f", "{}"), ToolCall("call_0", "f", "{}"), ToolCall("call_2", "f", "{}")],
            id="an id of our own is not one that was given",
        ),
        pytest.param([fragment("", "", index=0, id="")], [], id="nothing"),
        pytest.param([{}], [], id="no fields"),
    ],
)
def test_tool_calls_add_up(fragments: list[dict[str, object]], expected: list[ToolCall]):
    assert check(*fragments) == expected


def test_more_calls_than_the_bound_are_too_many():
    fragments = [fragment("{}", "f", index=at, id=str(at)) for at in range(MAX_TOOL_CALLS)]
    assert len(check(*fragments)) == MAX_TOOL_CALLS
    with pytest.raises(TooLong, match="tool calls"):
        check(*fragments, fragment("{}", "f", index=MAX_TOOL_CALLS, id="x"))


def test_arguments_have_a_bound_that_all_calls_share():
    half = "x" * (MAX_TOOL_CHARS // 2)
    check(fragment(half, index=0), fragment(half, index=1))
    with pytest.raises(TooLong, match="characters"):
        check(fragment(half, index=0), fragment(half, index=1), fragment("x", index=0))


def test_only_what_is_kept_counts():
    named = fragment("", "f" * 1_000, index=0, id="a")
    repeats = (MAX_TOOL_CHARS // 1_000 + 1) * [named]
    assert check(*repeats) == [ToolCall("a", "f" * 1_000, "{}")]


def test_a_fragment_that_says_nothing_is_none():
    calls = ToolCalls()
    assert not calls.add({"index": 0, "id": "", "function": {"name": "", "arguments": ""}})
    assert calls.add({"index": 0, "function": {"arguments": "{"}})


@pytest.mark.parametrize(
    ("first", "repeated", "parses"),
    [
        pytest.param('{"a":"x"}', fragment("", "f", index=0), 0, id="whole, then its name again"),
        pytest.param('{"a":', fragment("1,", "f", index=0), 0, id="in fragments"),
        pytest.param("{a}", fragment("{a}", "f", index=0), 1, id="no JSON, though it ends like it"),
        pytest.param("{}", fragment("{}", "f", index=0), MAX_TOOL_CALLS - 1, id="whole ones"),
    ],
)
def test_arguments_are_parsed_once_a_call_at_most(
    monkeypatch: pytest.MonkeyPatch, first: str, repeated: dict[str, object], parses: int
):
    parsed: list[str] = []
    monkeypatch.setattr(
        openai_tool_calls, "parse_object", lambda text: parsed.append(text) or parse_object(text)
    )
    check(fragment(first, "f", index=0), *[repeated] * (MAX_TOOL_CALLS - 1))
    assert len(parsed) == parses


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.integers()), min_size=1, max_size=4),
    st.booleans(),
    st.data(),
)
def test_calls_that_are_interleaved_at_random_come_out_whole(
    arguments: list[dict[str, int]], by_index: bool, data: st.DataObject
):
    waiting = {at: json.dumps(one) for at, one in enumerate(arguments)}
    fragments = [fragment("", f"f{at}", **_key(at, by_index=by_index) | {"id": f"id{at}"}) for at in waiting]
    while waiting:
        at = data.draw(st.sampled_from(sorted(waiting)))
        size = data.draw(st.integers(1, len(waiting[at])))
        fragments.append(fragment(waiting[at][:size], **_key(at, by_index=by_index)))
        waiting[at] = waiting[at][size:]
        if not waiting[at]:
            del waiting[at]
    assert check(*fragments) == [
        ToolCall(f"id{at}", f"f{at}", json.dumps(one)) for at, one in enumerate(arguments)
    ]


def _key(at: int, *, by_index: bool) -> dict[str, object]:
    return {"index": at} if by_index else {"id": f"id{at}"}
