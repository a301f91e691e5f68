"""The two well-known JSON shapes, read and written."""

import json

import pytest

from farebox.chat.conversation import Conversation, Question, Turn, history
from farebox.cli.standards import read, write
from farebox.errors import InvalidParams
from farebox.messages import Cost, Done, Estimate, FinishReason, Route, Target, Usage

TARGET = Target("box", "m")
ROUTE = Route("m", "chat", "act", "low", "balanced", TARGET, "why", (), (), Estimate(None))
USAGE = Usage(input_tokens=100, cached_input_tokens=40, cache_write_tokens=25, output_tokens=9)


def user(content: object) -> dict[str, object]:
    return {"role": "user", "content": content}


def assistant(content: object) -> dict[str, object]:
    return {"role": "assistant", "content": content}


def a_body(*messages: object, **more: object) -> str:
    return json.dumps({"messages": messages, **more})


def test_messages_become_turns_and_the_last_question():
    body = a_body(user("a"), user("b"), assistant("c"), user("d"), user("e"), model="m", system="s")
    conversation, question = read(body)
    assert [message.text for message in history(conversation.turns, room_chars=100)] == ["a\n\nb", "c"]
    assert (question.text, question.model, question.system) == ("d\n\ne", "m", "s")


def test_system_texts_are_put_together_wherever_they_stand():
    roles = ({"role": "system", "content": "b"}, {"role": "developer", "content": "c"})
    _, question = read(a_body(*roles, user("q"), system="a"))
    assert question.system == "a\n\nb\n\nc"


def test_without_model_or_system_there_is_none():
    conversation, question = read(a_body(user("q"), model="", system=None))
    assert conversation == Conversation("")
    assert question == Question("q")


@pytest.mark.parametrize(
    ("body", "noted"),
    [
        pytest.param(a_body(user("q"), model="m", system="s"), "", id="all-used"),
        pytest.param(
            a_body(user("q"), stream=True, tools=[], temperature=0),
            "not used: stream, tools, temperature\n",
            id="several",
        ),
        pytest.param(a_body(user("q"), tools=None, stream=False), "", id="what-asks-for-nothing"),
        pytest.param(
            a_body({**user("q"), "name": "n"}, {**user("r"), "name": "o", "refusal": None}),
            "not used: messages[].name\n",
            id="of-messages",
        ),
        pytest.param(
            a_body(user("q"), **{"a\nforged\x1b[2J": 1}), "not used: aforged\\u{1b}[2J\n", id="hostile"
        ),
    ],
)
def test_what_is_not_used_is_named_in_one_note(capsys: pytest.CaptureFixture[str], body: str, noted: str):
    read(body)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", noted)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("hello", "stdin is no JSON", id="no-json"),
        pytest.param("", "stdin is no JSON", id="nothing"),
        pytest.param("[1]", "no JSON object", id="no-object"),
        pytest.param("{}", "the last message is not the user's", id="no-messages"),
        pytest.param('{"messages": "hi"}', "the last message is not the user's", id="no-list"),
        pytest.param(a_body(user("q"), assistant("a")), "not the user's", id="the-assistant-last"),
        pytest.param(a_body({"role": "tool", "content": "x"}), "the role tool", id="another-role"),
        pytest.param(a_body({"content": "x"}), "the role None", id="no-role"),
        pytest.param(a_body("hi"), "only text can be read", id="no-message"),
        pytest.param(a_body(user(None)), "only text can be read", id="no-content"),
        pytest.param(a_body(user([{"type": "image_url"}])), "only text can be read", id="a-picture"),
        pytest.param(a_body(user("q"), system=5), "only text can be read", id="system-is-no-text"),
    ],
)
def test_what_cannot_be_read_is_said_with_an_example(text: str, words: str):
    with pytest.raises(InvalidParams, match=words) as caught:
        read(text)
    assert '"messages"' in caught.value.hint


@pytest.mark.parametrize(
    ("reason", "openai", "claude"),
    [
        pytest.param("stop", "stop", "end_turn", id="stop"),
        pytest.param("length", "length", "max_tokens", id="length"),
        pytest.param("toolCalls", "tool_calls", "tool_use", id="tools"),
        pytest.param("contentFilter", "content_filter", "refusal", id="filter"),
    ],
)
def test_the_end_is_named_as_each_api_names_it(reason: FinishReason, openai: str, claude: str):
    turn = Turn("t1", Question("q"), "q", answer="a")
    done = Done(reason, USAGE, Cost(1, "reported"), ROUTE)
    assert write("openai", turn, done)["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": openai}
    ]
    assert write("claude", turn, done)["stop_reason"] == claude


def test_each_api_counts_what_was_cached_in_its_own_way():
    turn = Turn("t1", Question("q"), "q", answer="a")
    done = Done("stop", USAGE, Cost(1, "reported"), ROUTE)
    openai, claude = write("openai", turn, done)["usage"], write("claude", turn, done)["usage"]
    assert isinstance(openai, dict)
    assert (openai["prompt_tokens"], openai["prompt_tokens_details"]) == (100, {"cached_tokens": 40})
    assert claude == {
        "input_tokens": 35,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 25,
        "output_tokens": 9,
    }
