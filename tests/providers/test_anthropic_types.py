"""What we send is what Anthropic's own package says that a request looks like; an unknown key is an error.

The package's types are open where the API is closed: pydantic passes over what a TypedDict does not name, and
looks at an Iterable only when it is iterated. Both are tightened here before they judge.
"""

import json
from functools import cache
from typing import Any

import pytest
from anthropic.types.beta.message_create_params import MessageCreateParamsStreaming as BetaParams
from anthropic.types.message_create_params import MessageCreateParamsStreaming as Params
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from farebox.messages import Call, Chat, Image, Message, OneTool, Tool, ToolCall, Trace, Traits
from farebox.providers.anthropic_request import request
from farebox.providers.base import Endpoint

ENDPOINT = Endpoint(provider="anthropic", dialect="anthropic", base_url="http://127.0.0.1:1/v1")
PICTURE = Image("IMAGE/PNG", "iVBORw0KGgo=")
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
TOOLS = (Tool("look", "Looks.", SCHEMA), Tool("read_file", "", {}))
TRACE = Trace(
    "anthropic",
    "m",
    (
        json.dumps({"type": "thinking", "thinking": "r", "signature": "sig"}),
        json.dumps({"type": "redacted_thinking", "data": "x"}),
    ),
)
USER = Message("user", "What is it?")


def called(trace: Trace | None = None) -> tuple[Message, ...]:
    made = (ToolCall("call:1", "look", '{"x": 1}'), ToolCall("call:2", "look", "no JSON"))
    return (
        USER,
        Message("assistant", "I look.", tool_calls=made, trace=trace),
        Message("tool", "seen", (PICTURE,), tool_call_id="call:1"),
    )


def chat(*messages: Message, **fields: object) -> Call:
    return Call("m", Chat(messages), **fields)  # type: ignore[arg-type]


ADAPTIVE = Traits(thinking="adaptive", efforts=("none", "low", "medium", "high", "xhigh", "max"))
BUDGET = Traits(thinking="budget", max_output_tokens=64_000)

CALLS = {
    "text": chat(USER, stop=("END",), max_output_tokens=100),
    "a conversation": chat(Message("system", "Be brief."), USER, Message("assistant", "A cat."), USER),
    "pictures": chat(Message("user", "What is it?", (PICTURE, Image("image/webp", "UklGRg==")))),
    "tools": chat(USER, tools=TOOLS, parallel_tool_calls=False),
    "any tool": chat(USER, tools=TOOLS, tool_choice="required"),
    "no tool": chat(USER, tools=TOOLS, tool_choice="none"),
    "one tool": chat(USER, tools=TOOLS, tool_choice=OneTool("look"), parallel_tool_calls=False),
    "results of tools": chat(*called(), tools=TOOLS),
    "a lost result": chat(*called()[:2]),
    "a result of nothing": chat(Message("tool", "1", tool_call_id="x")),
    "reasoning by an effort": chat(USER, reasoning="xhigh", traits=ADAPTIVE),
    "reasoning by a budget": chat(USER, reasoning=2000, traits=BUDGET),
    "no reasoning": chat(USER, reasoning="none", traits=ADAPTIVE),
    "reasoning that goes on": chat(*called(TRACE), tools=TOOLS, reasoning=2000, traits=BUDGET),
    "caching": chat(
        Message("system", "Be brief."),
        Message("user", "Long.", cache_here=True),
        Message("assistant", "Yes.", cache_here=True),
        USER,
        tools=TOOLS,
        conversation="c",
    ),
}
BETA_CALLS = CALLS | {
    "reasoning that goes on, bound to its prompt": chat(
        *called(TRACE), tools=TOOLS, reasoning="high", traits=ADAPTIVE
    )
}


@cache
def judge(params: Any) -> SchemaValidator:
    """Return a validator of a request type; it and all that it is made of take no key but their own."""
    return SchemaValidator(_closed(TypeAdapter(params).core_schema))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_closed(one) for one in schema)
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    match made.get("type"):
        case "typed-dict" if made.get("extra_behavior") == "ignore":  # a JSON schema stays open
            made["extra_behavior"] = "forbid"
        case "model-fields" if "extras_schema" not in made:  # an answer's type is no way around
            made["extra_behavior"] = "forbid"
        case "generator":  # would be looked at only when it is iterated
            made["type"] = "list"
        case _:
            pass
    return made


def check(params: Any, body: object) -> None:
    """Judge a body as it is after its way through JSON. Raises ValidationError."""
    judge(params).validate_python(json.loads(json.dumps(body)))


@pytest.mark.parametrize("name", CALLS)
def test_a_request_is_what_the_package_says_it_is(name: str):
    check(Params, request(ENDPOINT, CALLS[name])[1])


@pytest.mark.parametrize("name", BETA_CALLS)
def test_a_request_is_what_the_package_says_it_is_with_betas(name: str):
    check(BetaParams, request(ENDPOINT, BETA_CALLS[name])[1])


def test_between_them_the_calls_use_all_that_we_can_send():
    sent = json.dumps([request(ENDPOINT, call)[1] for call in BETA_CALLS.values()])
    kinds = (
        "text",
        "image",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "any",
        "auto",
        "tool",
    )
    assert all(f'"type": "{kind}"' in sent for kind in (*kinds, "none", "adaptive", "enabled", "disabled"))
    keys = ("system", "stop_sequences", "output_config", "cache_control", "is_error")
    assert all(f'"{key}"' in sent for key in (*keys, "disable_parallel_tool_use", "block_binding"))


def test_a_temperature_is_all_that_the_package_names_no_longer():
    body = request(ENDPOINT, chat(USER, temperature=0.5))[1]
    with pytest.raises(ValidationError) as caught:
        check(Params, body)
    assert [error["loc"] for error in caught.value.errors()] == [("temperature",)]


def _spoilt(name: str, /, *path: str | int, **fields: object) -> dict[str, Any]:
    """Return a request with some fields of one object in it set."""
    body = json.loads(json.dumps(request(ENDPOINT, BETA_CALLS[name])[1]))
    place = body
    for step in path:
        place = place[step]
    place.update(fields)
    return body


@pytest.mark.parametrize("params", [Params, BetaParams])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_spoilt("text", n=1), id="an unknown key"),
        pytest.param(_spoilt("text", stream=False), id="no stream"),
        pytest.param(_spoilt("text", max_tokens=None), id="no limit"),
        pytest.param(_spoilt("text", "messages", 0, name="x"), id="an unknown key of a turn"),
        pytest.param(_spoilt("text", "messages", 0, role="tool"), id="an unknown role"),
        pytest.param(_spoilt("text", "messages", 0, "content", 0, x=1), id="an unknown key of a text"),
        pytest.param(_spoilt("pictures", "messages", 0, "content", 0, "source", x=1), id="a picture's"),
        pytest.param(
            _spoilt("pictures", "messages", 0, "content", 0, "source", media_type="image/bmp"),
            id="a picture of another type",
        ),
        pytest.param(_spoilt("tools", "tools", 0, parameters={}), id="an unknown key of a tool"),
        pytest.param(_spoilt("tools", "tool_choice", type="required"), id="another API's choice"),
        pytest.param(
            _spoilt("results of tools", "messages", 1, "content", 1, input="{}"), id="arguments as text"
        ),
        pytest.param(_spoilt("results of tools", "messages", 2, "content", 0, id="x"), id="a result's"),
        pytest.param(
            _spoilt("reasoning that goes on", "messages", 1, "content", 0, signature=None), id="no signature"
        ),
        pytest.param(_spoilt("reasoning by an effort", "output_config", effort="minimal"), id="an effort"),
        pytest.param(_spoilt("caching", "system", 0, "cache_control", type="forever"), id="a cache mark"),
    ],
)
def test_the_judge_refuses(params: Any, body: dict[str, Any]):
    with pytest.raises(ValidationError):
        check(params, body)


def test_what_needs_a_beta_is_refused_without_it():
    body = request(ENDPOINT, BETA_CALLS["reasoning that goes on, bound to its prompt"])[1]
    with pytest.raises(ValidationError, match="block_binding"):
        check(Params, body)
