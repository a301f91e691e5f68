"""A conversation as the Messages API takes it: what it would refuse is put right before it is sent."""

import base64
import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import Refused
from farebox.messages import Call, Chat, Image, Message, RawText, ToolCall, Trace
from farebox.providers.anthropic_turns import (
    MAX_DEPTH,
    NO_RESULT,
    RAW_ARGUMENTS,
    Block,
    system_blocks,
    turns,
)
from farebox.providers.base import Endpoint
from farebox.providers.pictures import IMAGE_TYPES

ENDPOINT = Endpoint(provider="acme", dialect="anthropic", base_url="http://127.0.0.1:1/v1")
PNG = base64.b64encode(b"\x89PNG").decode()
THOUGHT: Block = {"type": "thinking", "thinking": "Grüße", "signature": "c2ln"}
REDACTED: Block = {"type": "redacted_thinking", "data": "AAAA"}


def woven(*messages: Message, model: str = "m", traces: bool = True) -> list[tuple[str, list[Block]]]:
    """Return role and blocks of each turn."""
    call = Call(model, Chat(messages))
    return [(turn.role, turn.content) for turn in turns(ENDPOINT, call, messages, traces=traces)]


def said(text: str) -> Block:
    return {"type": "text", "text": text}


def asked(call_id: str, **arguments: object) -> Block:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": arguments}


def result(call_id: str, content: object) -> Block:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def missing(call_id: str) -> Block:
    return {"type": "tool_result", "tool_use_id": call_id, "is_error": True, "content": NO_RESULT}


def calls(*ids: str, text: str = "", arguments: str = "{}", trace: Trace | None = None) -> Message:
    made = tuple(ToolCall(one, "f", arguments) for one in ids)
    return Message("assistant", text, tool_calls=made, trace=trace)


def answer(call_id: str | None, text: str, *images: Image) -> Message:
    return Message("tool", text, images, tool_call_id=call_id)


USER, ASSISTANT = Message("user", "q"), Message("assistant", "a")


# --- roles -------------------------------------------------------------------------------------


def test_system_messages_go_to_the_top_wherever_they_stand():
    messages = (Message("system", "one"), USER, Message("system", " \n"), ASSISTANT, Message("system", "two"))
    assert system_blocks(messages) == [said("one"), said("two")]
    assert woven(*messages) == [("user", [said("q")]), ("assistant", [said("a")])]


def test_messages_of_one_role_in_a_row_become_one_turn():
    assert woven(USER, Message("user", "r"), ASSISTANT, Message("assistant", "b"), USER) == [
        ("user", [said("q"), said("r")]),
        ("assistant", [said("a"), said("b")]),
        ("user", [said("q")]),
    ]


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_a_blank_text_is_not_sent(blank: str):
    assert woven(Message("user", blank, (Image("image/png", PNG),)), Message("assistant", blank), USER) == [
        ("user", [_image("image/png"), said("q")])
    ]
    assert woven(USER, calls("t", text=blank), answer("t", blank)) == [
        ("user", [said("q")]),
        ("assistant", [asked("t")]),
        ("user", [{"type": "tool_result", "tool_use_id": "t"}]),
    ]


def test_a_last_answer_to_be_continued_ends_without_white_space():
    assert woven(USER, Message("assistant", "def f(\n ")) == [
        ("user", [said("q")]),
        ("assistant", [said("def f(")]),
    ]
    assert woven(USER, Message("assistant", "a \n"), USER)[1] == ("assistant", [said("a \n")])


def test_a_conversation_of_nothing_has_no_turns():
    assert woven() == []


# --- tools -------------------------------------------------------------------------------------


def test_results_stand_together_before_all_else_in_the_turn_after_their_calls():
    assert woven(USER, calls("t", "u", text="a"), answer("u", "2"), USER, answer("t", "1")) == [
        ("user", [said("q")]),
        ("assistant", [said("a"), asked("t"), asked("u")]),
        ("user", [result("u", "2"), result("t", "1"), said("q")]),
    ]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param([], [missing("t"), missing("u")], id="at the end"),
        pytest.param([USER], [missing("t"), missing("u"), said("q")], id="before a question"),
        pytest.param([answer("u", "2")], [result("u", "2"), missing("t")], id="beside a result"),
        pytest.param([answer("t", "1"), ASSISTANT], [result("t", "1"), missing("u")], id="before an answer"),
    ],
)
def test_a_call_without_a_result_gets_an_error_for_one(after: list[Message], expected: list[Block]):
    assert woven(USER, calls("t", "u"), *after)[2] == ("user", expected)


@pytest.mark.parametrize("call_id", ["t", "nobody", None])
def test_a_result_without_a_call_becomes_text(call_id: str | None):
    late = answer(call_id, "late", Image("image/png", PNG))
    assert woven(calls("t"), answer("t", "1"), ASSISTANT, late)[-1] == (
        "user",
        [_image("image/png"), said("late")],
    )


def test_a_second_result_of_a_call_becomes_text():
    assert woven(calls("t"), answer("t", "1"), answer("t", "2"))[-1] == (
        "user",
        [result("t", "1"), said("2")],
    )


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["call:1", "call.1", "ö/2"], ["call_1", "call_1_2", "__2"]),
        (["", ""], ["call", "call_2"]),
        (["t", "t"], ["t", "t_2"]),
        (["t_2", "t", "t"], ["t_2", "t", "t_3"]),
        (["toolu_01-Ab"], ["toolu_01-Ab"]),
    ],
)
def test_ids_are_made_to_match_and_to_differ(ids: list[str], expected: list[str]):
    results = [answer(one, str(at)) for at, one in enumerate(ids)]
    assert woven(calls(*ids), *results) == [
        ("assistant", [asked(one) for one in expected]),
        ("user", [result(one, str(at)) for at, one in enumerate(expected)]),
    ]


def test_an_id_that_comes_again_in_a_later_turn_means_the_later_call():
    assert woven(calls("t"), answer("t", "1"), calls("t"), answer("t", "2")) == [
        ("assistant", [asked("t")]),
        ("user", [result("t", "1")]),
        ("assistant", [asked("t_2")]),
        ("user", [result("t_2", "2")]),
    ]


DEEP = f'{{"x": {"[" * (MAX_DEPTH + 1)}{"]" * (MAX_DEPTH + 1)}}}'


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"x": [1, 2.5, "é"]}', {"x": [1, 2.5, "é"]}),
        ("", {}),
        (" \n", {}),
        ("{}", {}),
        ('{"x": ', {RAW_ARGUMENTS: '{"x": '}),
        ("[1]", {RAW_ARGUMENTS: "[1]"}),
        ("null", {RAW_ARGUMENTS: "null"}),
        ('{"x": NaN}', {RAW_ARGUMENTS: '{"x": NaN}'}),
        ('{"x": -Infinity}', {RAW_ARGUMENTS: '{"x": -Infinity}'}),
        ('{"x": 1e999}', {RAW_ARGUMENTS: '{"x": 1e999}'}),
        ('{"x": ' + "9" * 5000 + "}", {RAW_ARGUMENTS: '{"x": ' + "9" * 5000 + "}"}),
        (DEEP, {RAW_ARGUMENTS: DEEP}),
        ("[" * 100_000, {RAW_ARGUMENTS: "[" * 100_000}),
    ],
    ids=lambda value: str(value)[:20],
)
def test_arguments_are_sent_as_an_object(arguments: str, expected: Block):
    assert woven(calls("t", arguments=arguments))[0] == ("assistant", [asked("t", **expected)])


@given(st.text(max_size=40) | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_arguments_of_any_shape_can_be_sent(arguments: str):
    sent = woven(calls("t", arguments=arguments))
    assert json.dumps(sent, allow_nan=False)


_MESSAGES = st.lists(
    st.one_of(
        st.builds(
            Message, st.sampled_from(["system", "user", "assistant"]), st.sampled_from(["", " ", "x "])
        ),
        st.lists(st.sampled_from(["", "a", "b", "a.", "a_"]), max_size=3).map(lambda ids: calls(*ids)),
        st.builds(answer, st.sampled_from(["", "a", "b", "a.", None]), st.sampled_from(["", "1"])),
    ),
    max_size=10,
)


@given(_MESSAGES)
def test_whatever_the_messages_the_api_would_take_the_turns(messages: list[Message]):
    sent = woven(*messages)
    roles = [role for role, _ in sent]
    assert all(one != other for one, other in pairwise(roles))
    ids = [str(block["id"]) for _, blocks in sent for block in blocks if block["type"] == "tool_use"]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch("[a-zA-Z0-9_-]+", one) for one in ids)
    for at, (_, blocks) in enumerate(sent):
        assert blocks
        assert all(str(block["text"]).strip() for block in blocks if block["type"] == "text")
        made = {block["id"] for block in blocks if block["type"] == "tool_use"}
        following = sent[at + 1][1] if at + 1 < len(sent) else []
        given_back = [block["tool_use_id"] for block in following if block["type"] == "tool_result"]
        assert len(given_back) == len(made)
        assert set(given_back) == made
        kinds = [block["type"] == "tool_result" for block in following]
        assert kinds == sorted(kinds, reverse=True)


# --- pictures ----------------------------------------------------------------------------------


def _image(kind: str) -> Block:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": PNG}}


@pytest.mark.parametrize(
    ("mime", "sent"),
    [*zip(IMAGE_TYPES, IMAGE_TYPES, strict=True), ("Image/PNG", "image/png"), ("image/jpg", "image/jpeg")],
)
def test_a_picture_is_sent_before_the_words(mime: str, sent: str):
    assert woven(Message("user", "q", (Image(mime, PNG),))) == [("user", [_image(sent), said("q")])]


def test_a_picture_goes_into_the_result_of_a_tool():
    assert woven(calls("t"), answer("t", "seen", Image("image/webp", PNG)))[1] == (
        "user",
        [result("t", [_image("image/webp"), said("seen")])],
    )


@pytest.mark.parametrize("mime", ["image/svg+xml", "image/bmp", "image/tiff", "application/pdf", "", "png"])
@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_picture_of_another_type_is_refused_before_it_is_sent(mime: str, role: str):
    image = Image(mime, PNG)
    message = Message("user", "q", (image,)) if role == "user" else answer("t", "", image)
    with pytest.raises(Refused, match="acme takes no picture") as caught:
        woven(calls("t"), message)
    assert "PNG, JPEG, GIF or WebP" in caught.value.hint
    assert caught.value.model == "m"


# --- reasoning ---------------------------------------------------------------------------------


def trace(*blocks: str, model: str = "m") -> Trace:
    return Trace("anthropic", model, blocks)


KEPT = trace(json.dumps(THOUGHT, ensure_ascii=False), json.dumps(REDACTED))


def test_reasoning_goes_back_unchanged_before_what_its_turn_says():
    assert woven(USER, calls("t", text="a", trace=KEPT), answer("t", "1"))[1] == (
        "assistant",
        [THOUGHT, REDACTED, said("a"), asked("t")],
    )


@pytest.mark.parametrize(
    ("given", "traces"),
    [
        pytest.param(trace(*KEPT.blocks, model="another"), True, id="of another model"),
        pytest.param(Trace("reasoning_details", "m", KEPT.blocks), True, id="of another API"),
        pytest.param(trace("[1]", "{cut"), True, id="that can't be read"),
        pytest.param(KEPT, False, id="that is not wanted"),
        pytest.param(None, True, id="that is not there"),
    ],
)
def test_reasoning_does_not_go_back(given: Trace | None, traces: bool):
    message = Message("assistant", "a", trace=given)
    assert woven(USER, message, USER, traces=traces)[1] == ("assistant", [said("a")])


def test_reasoning_alone_is_no_turn():
    assert woven(USER, Message("assistant", "", trace=KEPT), USER) == [("user", [said("q"), said("q")])]


def test_a_turn_says_whether_it_began_with_reasoning():
    messages = (USER, Message("assistant", "a", trace=KEPT), USER, ASSISTANT)
    made = turns(ENDPOINT, Call("m", RawText("")), messages, traces=True)
    assert [turn.thinks_first for turn in made] == [False, True, False, False]
