"""Every tool call goes out with its result right after it, whatever the conversation looked like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Message, ToolCall
from farebox.providers.openai_results import NO_RESULT, with_results

USER, ANSWER = Message("user", "U"), Message("assistant", "A")


def calls(*ids: str) -> Message:
    return Message("assistant", "", tool_calls=tuple(ToolCall(one, "f", "{}") for one in ids))


def result(call_id: str, text: str = "R") -> Message:
    return Message("tool", text, tool_call_id=call_id)


def missing(call_id: str) -> Message:
    return result(call_id, NO_RESULT)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param((), (), id="nothing"),
        pytest.param((USER, ANSWER, USER), (USER, ANSWER, USER), id="no calls"),
        pytest.param(
            (USER, calls("a", "b"), result("b"), result("a"), ANSWER),
            (USER, calls("a", "b"), result("b"), result("a"), ANSWER),
            id="all are answered",
        ),
        pytest.param((calls("a"),), (calls("a"), missing("a")), id="the last turn calls"),
        pytest.param((calls("a"), USER), (calls("a"), missing("a"), USER), id="the user goes on"),
        pytest.param((calls("a"), ANSWER), (calls("a"), missing("a"), ANSWER), id="the assistant goes on"),
        pytest.param(
            (calls("a", "b"), result("b"), USER),
            (calls("a", "b"), result("b"), missing("a"), USER),
            id="one of two is answered",
        ),
        pytest.param(
            (calls("a"), USER, result("a"), ANSWER),
            (calls("a"), result("a"), USER, ANSWER),
            id="a result that comes late is moved up",
        ),
        pytest.param(
            (calls("a"), ANSWER, result("a")),
            (calls("a"), missing("a"), ANSWER, result("a")),
            id="a result that comes too late stays where it is",
        ),
        pytest.param(
            (calls("", ""), result("", "1"), result("", "2")),
            (calls("", ""), result("", "1"), result("", "2")),
            id="two calls of one id",
        ),
        pytest.param(
            (calls("a"), result("a", "1"), calls("a"), result("a", "2")),
            (calls("a"), result("a", "1"), calls("a"), result("a", "2")),
            id="one id in two turns",
        ),
        pytest.param((USER, result("x"), USER), (USER, result("x"), USER), id="a result of no call"),
    ],
)
def test_a_conversation_goes_out_as(messages: tuple[Message, ...], expected: tuple[Message, ...]):
    assert with_results(messages) == expected
    assert with_results(expected) == expected


IDS = st.sampled_from(["a", "b", ""])
TURNS = st.one_of(
    st.lists(IDS, max_size=3).map(lambda ids: calls(*ids)), IDS.map(result), st.just(USER), st.just(ANSWER)
)


@given(st.lists(TURNS, max_size=12))
def test_no_call_is_without_a_result_right_after_it_and_nothing_is_lost(messages: list[Message]):
    sent = with_results(tuple(messages))
    for at, message in enumerate(sent):
        asked = [call.id for call in message.tool_calls]
        following = sent[at + 1 : at + 1 + len(asked)]
        assert sorted(asked) == sorted(one.tool_call_id or "" for one in following)
        assert all(one.role == "tool" for one in following)
    kept = [one for one in sent if one.text != NO_RESULT]
    assert sorted(map(repr, kept)) == sorted(map(repr, messages))
    assert [one for one in kept if one.role != "tool"] == [one for one in messages if one.role != "tool"]
