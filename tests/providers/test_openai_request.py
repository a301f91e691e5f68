"""What one call looks like in the dialect."""

from typing import cast

import pytest

from farebox.errors import Refused
from farebox.messages import (
    Call,
    Chat,
    Image,
    Infill,
    Message,
    OneTool,
    Prompt,
    RawText,
    Tool,
    ToolCall,
    ToolChoice,
)
from farebox.providers.base import Endpoint, Quirks, RoutingPreferences
from farebox.providers.openai_request import MAX_SESSION_CHARS, request
from farebox.providers.openai_results import NO_RESULT

HELLO = Chat((Message("system", "Be brief."), Message("user", "Hello")))
ASK = Call("m", HELLO)
TOOL = Tool("read", "Reads a file.", {"type": "object", "properties": {}})
USAGE = {"stream_options": {"include_usage": True}}


def endpoint(**fields: object) -> Endpoint:
    base_url = "http://127.0.0.1:1/v1"
    return Endpoint(provider="acme", dialect="openai", base_url=base_url, **fields)  # type: ignore[arg-type]


def check(call: Call = ASK, **fields: object) -> dict[str, object]:
    """Return the body that asks an endpoint for a call."""
    return request(endpoint(**fields), call)[1]


@pytest.mark.parametrize(
    ("prompt", "path", "expected"),
    [
        pytest.param(
            HELLO,
            "/chat/completions",
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hello"},
                ]
            },
            id="a chat",
        ),
        pytest.param(
            Chat((Message("user", "What is it?", (Image("image/png", "AAAA"),)),)),
            "/chat/completions",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "What is it?"},
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                        ],
                    }
                ]
            },
            id="a chat with a picture",
        ),
        pytest.param(
            Infill("def f(", "\n"), "/fim/completions", {"prompt": "def f(", "suffix": "\n"}, id="a hole"
        ),
        pytest.param(RawText("<PRE> a"), "/completions", {"prompt": "<PRE> a"}, id="raw text"),
    ],
)
def test_a_prompt_is_sent_as(prompt: Prompt, path: str, expected: dict[str, object]):
    call = Call("m", prompt)
    body = {"model": "m", "stream": True, **expected}
    assert request(endpoint(fill_path="/fim/completions"), call) == (path, body | USAGE)
    refusing = endpoint(fill_path="/fim/completions", quirks=Quirks(usage_option=False))
    assert request(refusing, call) == (path, body)


def test_a_picture_that_no_vendor_takes_is_refused_before_it_is_sent():
    with pytest.raises(Refused, match="acme takes no picture of the type image/bmp"):
        check(Call("m", Chat((Message("user", "What?", (Image("image/bmp", "AAAA"),)),))))


def test_a_picture_is_sent_by_the_name_that_vendors_know():
    body = check(Call("m", Chat((Message("user", "", (Image("image/JPG", "AAAA"),)),))))
    url = {"url": "data:image/jpeg;base64,AAAA"}
    assert body["messages"] == [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]


def test_a_tool_call_that_has_no_result_is_sent_with_one():
    turn = Message("assistant", "", tool_calls=(ToolCall("t1", "read", "{}"),))
    body = check(Call("m", Chat((turn, Message("user", "And?")))))
    sent = cast("list[dict[str, object]]", body["messages"])
    assert [one["role"] for one in sent] == ["assistant", "tool", "user"]
    assert sent[1] == {"role": "tool", "tool_call_id": "t1", "content": NO_RESULT}


@pytest.mark.parametrize(
    ("prompt", "field"),
    [
        pytest.param(HELLO, "max_completion_tokens", id="a chat: the vendor's own name"),
        pytest.param(Infill("a", "b"), "max_tokens", id="a hole"),
        pytest.param(RawText("a"), "max_tokens", id="raw text"),
    ],
)
def test_the_limits_of_a_call_are_sent(prompt: Prompt, field: str):
    call = Call("m", prompt, max_output_tokens=9, temperature=0.0, stop=("\n", "x"))
    body = check(call, quirks=Quirks(max_tokens_field="max_completion_tokens"))
    assert (body[field], body["temperature"], body["stop"]) == (9, 0.0, ["\n", "x"])
    assert len({"max_tokens", "max_completion_tokens"} & body.keys()) == 1


def test_what_a_call_does_not_say_is_not_sent():
    quirks = Quirks(session_field="session_id", trace="reasoning_details", reasoning_field="reasoning")
    body = check(routing=RoutingPreferences(), quirks=quirks)
    assert body.keys() == {"model", "stream", "messages", "stream_options"}


def test_a_model_is_not_sent_what_it_refuses():
    call = Call("m-1", HELLO, temperature=0.0, stop=("x",))
    assert {"temperature", "stop"} <= check(call).keys()
    body = check(call, quirks=Quirks(fixed_temperature=("m-*",), no_stop=("m-*",)))
    assert not {"temperature", "stop"} & body.keys()


@pytest.mark.parametrize("suffix", [":free", ":nitro", ":floor"])
def test_endings_of_a_models_name_pass_through(suffix: str):
    model = f"a/m{suffix}"
    assert check(Call(model, HELLO), routing=RoutingPreferences())["model"] == model


# --- tools and reasoning -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        pytest.param("auto", None, id="what is usual"),
        pytest.param("required", "required", id="some tool"),
        pytest.param("none", "none", id="no tool"),
        pytest.param(OneTool("read"), {"type": "function", "function": {"name": "read"}}, id="one tool"),
    ],
)
def test_tools_are_sent_with_the_choice(choice: ToolChoice, expected: object):
    body = check(Call("m", HELLO, tools=(TOOL,), tool_choice=choice))
    function = {"name": "read", "description": "Reads a file.", "parameters": dict(TOOL.parameters)}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body.get("tool_choice") == expected
    assert "parallel_tool_calls" not in body


def test_parallel_calls_are_spoken_of_only_to_forbid_them():
    assert check(Call("m", HELLO, tools=(TOOL,), parallel_tool_calls=False))["parallel_tool_calls"] is False


def test_without_tools_nothing_is_said_of_them():
    body = check(Call("m", HELLO, tool_choice="required", parallel_tool_calls=False))
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()


def test_reasoning_is_asked_for_in_a_chat_alone():
    quirks = Quirks(reasoning_field="reasoning")
    assert check(Call("m", HELLO, reasoning="high"), quirks=quirks)["reasoning"] == {"effort": "high"}
    assert check(Call("m", HELLO, reasoning=2000), quirks=quirks)["reasoning"] == {"max_tokens": 2000}
    assert "reasoning" not in check(Call("m", RawText("a"), reasoning="high"), quirks=quirks)


# --- OpenRouter --------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["session_id", "prompt_cache_key"])
def test_a_conversation_is_named_where_the_vendor_wants_it(field: str):
    quirks = Quirks(session_field=field)
    assert check(Call("m", HELLO, conversation="c-1"), quirks=quirks)[field] == "c-1"
    assert check(Call("m", HELLO, conversation="c" * 999), quirks=quirks)[field] == "c" * MAX_SESSION_CHARS
    assert field not in check(ASK, quirks=quirks)
    assert field not in check(Call("m", RawText("a"), conversation="c-1"), quirks=quirks)
    assert field not in check(Call("m", HELLO, conversation="c-1"))


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        pytest.param(RoutingPreferences(), None, id="none"),
        pytest.param(RoutingPreferences(allow_fallbacks=False), {"allow_fallbacks": False}, id="a refusal"),
        pytest.param(
            RoutingPreferences(
                ("A", "B"),
                ("C",),
                ("D",),
                allow_fallbacks=True,
                sort="price",
                max_price=(("prompt", 1.5), ("completion", 2.0)),
            ),
            {
                "order": ["A", "B"],
                "only": ["C"],
                "ignore": ["D"],
                "allow_fallbacks": True,
                "sort": "price",
                "max_price": {"prompt": 1.5, "completion": 2.0},
            },
            id="who answers, and for how much",
        ),
        pytest.param(
            RoutingPreferences(
                sort="throughput",
                sort_partition="none",
                data_collection="deny",
                zdr=True,
                require_parameters=False,
                quantizations=("fp8",),
            ),
            {
                "sort": {"by": "throughput", "partition": "none"},
                "data_collection": "deny",
                "zdr": True,
                "require_parameters": False,
                "quantizations": ["fp8"],
            },
            id="what they must keep to",
        ),
        pytest.param(RoutingPreferences(sort_partition="none"), None, id="a partition of nothing"),
        pytest.param(None, None, id="no OpenRouter"),
    ],
)
def test_routing_preferences_are_sent_as(
    routing: RoutingPreferences | None, expected: dict[str, object] | None
):
    for prompt in (HELLO, RawText("a")):
        assert check(Call("m", prompt), routing=routing).get("provider") == expected


def test_fallback_models_follow_the_one_that_is_asked():
    body = check(Call("a/m:nitro", HELLO), routing=RoutingPreferences(models=("b/m", "c/m")))
    assert body["models"] == ["a/m:nitro", "b/m", "c/m"]
    assert body["model"] == "a/m:nitro"
    assert "models" not in check(routing=RoutingPreferences())
