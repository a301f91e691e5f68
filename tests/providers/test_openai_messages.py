"""A conversation in the words of the dialect: roles, tools, pictures, reasoning and where it is cached."""

import pytest

from farebox.messages import Image, Message, ToolCall, Trace
from farebox.providers.base import Quirks
from farebox.providers.openai_messages import MAX_CACHE_MARKS, wire_messages

PNG = Image("image/png", "AAAA")
WEBP = Image("image/webp", "BBBB")
CALL = ToolCall("t1", "read", '{"path":"a"}')
OTHER = ToolCall("t2", "read", '{"path":"b"}')


def check(*messages: Message, quirks: Quirks | None = None, model: str = "m") -> list[dict[str, object]]:
    return wire_messages(messages, model, quirks or Quirks())


def picture(image: Image) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": f"data:{image.mime};base64,{image.data}"}}


def wire_call(call: ToolCall) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def test_text_is_sent_plain():
    assert check(Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello")) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]


def test_pictures_are_sent_as_data_urls_after_the_text():
    assert check(Message("user", "What?", (PNG, WEBP)), Message("user", "", (PNG,))) == [
        {"role": "user", "content": [{"type": "text", "text": "What?"}, picture(PNG), picture(WEBP)]},
        {"role": "user", "content": [picture(PNG)]},
    ]


def test_tool_calls_and_their_results_are_sent():
    messages = (
        Message("assistant", "", tool_calls=(CALL, OTHER)),
        Message("tool", "A", tool_call_id="t1"),
        Message("tool", "", tool_call_id="t2"),
        Message("assistant", "Both.", tool_calls=(CALL,)),
    )
    assert check(*messages) == [
        {"role": "assistant", "content": None, "tool_calls": [wire_call(CALL), wire_call(OTHER)]},
        {"role": "tool", "tool_call_id": "t1", "content": "A"},
        {"role": "tool", "tool_call_id": "t2", "content": ""},
        {"role": "assistant", "content": "Both.", "tool_calls": [wire_call(CALL)]},
    ]


@pytest.mark.parametrize("after", [(), (Message("user", "Well?"),)])
def test_pictures_in_tool_results_follow_all_results_of_the_turn(after: tuple[Message, ...]):
    messages = (
        Message("assistant", "", tool_calls=(CALL, OTHER)),
        Message("tool", "A", (PNG, WEBP), tool_call_id="t1"),
        Message("tool", "", (PNG,), tool_call_id="t2"),
        *after,
    )
    sent = check(*messages)
    assert [one["role"] for one in sent] == [
        "assistant",
        "tool",
        "tool",
        "user",
        *(["user"] if after else []),
    ]
    assert sent[1]["content"] == "A"
    assert sent[2]["content"]
    assert sent[3]["content"] == [
        {"type": "text", "text": "Images in the result of tool call t1:"},
        picture(PNG),
        picture(WEBP),
        {"type": "text", "text": "Images in the result of tool call t2:"},
        picture(PNG),
    ]


def test_each_tool_call_carries_what_stands_for_its_signature_at_google():
    [sent] = check(Message("assistant", "", tool_calls=(CALL,)), quirks=Quirks(thought_signature="skip"))
    extra = {"extra_content": {"google": {"thought_signature": "skip"}}}
    assert sent["tool_calls"] == [wire_call(CALL) | extra]


def test_reasoning_goes_back_to_the_model_that_thought():
    trace = Trace("reasoning_details", "a/m", ('{"type":"reasoning.encrypted","data":"x"}',))
    messages = (Message("user", "Hi"), Message("assistant", "Ho", trace=trace))
    quirks = Quirks(trace="reasoning_details")
    sent = check(*messages, quirks=quirks, model="a/m:nitro")
    assert sent[1]["reasoning_details"] == [{"type": "reasoning.encrypted", "data": "x"}]
    assert "reasoning_details" not in check(*messages, quirks=quirks, model="b/m")[1]
    assert "reasoning_details" not in check(*messages, model="a/m")[1]


def test_reasoning_text_goes_back_where_tools_were_used():
    trace = Trace("reasoning_content", "m", ('"Hm."',))
    plain = Message("assistant", "Ho", trace=trace)
    with_tool = Message("assistant", "", tool_calls=(CALL,), trace=trace)
    quirks = Quirks(trace="reasoning_content")
    assert "reasoning_content" not in check(plain, quirks=quirks)[0]
    sent = check(with_tool, Message("tool", "A", tool_call_id="t1"), plain, quirks=quirks)
    assert [one.get("reasoning_content") for one in sent] == ["Hm.", None, "Hm."]
    offered = wire_messages((plain,), "m", quirks, with_tools=True)
    assert offered[0]["reasoning_content"] == "Hm."


# --- caching -----------------------------------------------------------------------------------

MARKED = Quirks(cache_marks=("anthropic/*",))


def marks(*messages: Message, model: str = "anthropic/claude") -> list[int]:
    """Return which messages are marked; the mark stands on their last text part."""
    found: list[int] = []
    for at, message in enumerate(check(*messages, quirks=MARKED, model=model)):
        parts = message["content"]
        if not isinstance(parts, list):
            continue
        last_text = [part for part in parts if part["type"] == "text"][-1:]
        with_mark = [part for part in parts if "cache_control" in part]
        if with_mark:
            assert with_mark == last_text
            assert with_mark[0]["cache_control"] == {"type": "ephemeral"}
            found.append(at)
    return found


SYSTEM, USER, ANSWER = Message("system", "S"), Message("user", "U"), Message("assistant", "A")
HERE = Message("user", "U", cache_here=True)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param((SYSTEM, USER), [0, 1], id="the system prompt and the only turn"),
        pytest.param((SYSTEM, USER, ANSWER, USER, ANSWER, USER), [0, 3, 5], id="and the last two turns"),
        pytest.param((USER, ANSWER, USER), [0, 2], id="without a system prompt"),
        pytest.param((SYSTEM, HERE, ANSWER, USER), [0, 1], id="where the caller says"),
        pytest.param((SYSTEM, HERE, HERE, HERE, HERE, HERE), [0, 3, 4, 5], id="four at most, the last"),
        pytest.param(
            (HERE, HERE, HERE, HERE, HERE), [1, 2, 3, 4], id="four at most, without a system prompt"
        ),
        pytest.param((SYSTEM, SYSTEM, USER), [1, 2], id="the last system prompt"),
        pytest.param(
            (Message("user", "", (PNG,)), Message("user", "U", (PNG,))), [1], id="never without text"
        ),
        pytest.param(
            (USER, Message("tool", "R", (PNG,), tool_call_id="t", cache_here=True)), [1], id="a tool's result"
        ),
        pytest.param(
            (USER, Message("assistant", "A", tool_calls=(CALL,), cache_here=True)), [1], id="an answer"
        ),
    ],
)
def test_what_is_cached_is(messages: tuple[Message, ...], expected: list[int]):
    assert marks(*messages) == expected
    assert len(expected) <= MAX_CACHE_MARKS


def test_nothing_is_marked_for_a_model_that_caches_by_itself():
    assert marks(SYSTEM, HERE, model="openai/gpt-5") == []
