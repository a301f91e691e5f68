"""What each vendor is sent is what the official ``openai`` package calls a request.

The package's own types are the oracle, made strict: unknown keys are forbidden, every list is looked into.
What vendors have added to the dialect is listed here, vendor by vendor, and taken away before the check;
nothing else may be sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, cast, get_args, get_origin

import pytest
from openai.types import completion_create_params
from openai.types.chat import completion_create_params as chat_create_params
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict, get_type_hints, is_typeddict

from farebox.config import Config
from farebox.messages import Call, Chat, Image, Infill, Message, OneTool, RawText, Tool, ToolCall, Trace
from farebox.providers.base import Endpoint
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.openai_request import request
from farebox.providers.vendors import vendors
from farebox.secrets import Keys

EXTENSIONS: Mapping[str, frozenset[str]] = {
    "openrouter": frozenset(
        {
            "provider",
            "models",
            "session_id",
            "reasoning",
            "messages.reasoning_details",
            "messages.content.cache_control",
        }
    ),
    "google": frozenset({"messages.tool_calls.extra_content"}),
    "deepseek": frozenset({"thinking", "messages.reasoning_content"}),
    "zai": frozenset({"thinking", "messages.reasoning_content"}),
}
"""Where ``vendors.toml`` has a vendor leave the dialect: paths of keys, through lists too."""

NAMES = sorted(
    name for name, vendor in vendors().items() if vendor.dialect in ("openai", "local", "llamacpp")
)
MODEL = {"openrouter": "anthropic/claude-sonnet-5.5:nitro"}
ROUTING = {"order": ["Anthropic"], "allow_fallbacks": False, "sort": "price"}


# --- the oracle --------------------------------------------------------------------------------


@cache
def strict(hint: Any) -> Any:
    """Return a type with every TypedDict closed and every Iterable, which pydantic reads lazily, a list."""
    if is_typeddict(hint):
        return closed(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return hint
    if origin is Annotated:
        return strict(args[0])
    inner = tuple(strict(arg) for arg in args)
    if origin in (Union, UnionType):
        return Union[inner]  # noqa: UP007  made at run time
    if origin in (Required, NotRequired):
        return origin[inner[0]]
    if issubclass(origin, Mapping):
        return dict[inner]  # type: ignore[valid-type]
    if issubclass(origin, Sequence | Iterable):
        return list[inner[0]]  # type: ignore[valid-type]
    return hint


def closed(hint: Any) -> Any:
    """Close a TypedDict. The package marks what is required, all else may be left out."""
    fields: dict[str, Any] = {}
    for name, value in get_type_hints(hint, include_extras=True).items():
        wrapped = get_origin(value) in (Required, NotRequired)
        fields[name] = strict(value) if wrapped else NotRequired[strict(value)]
    made = TypedDict(hint.__name__, fields)  # type: ignore[misc]
    made.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[attr-defined]
    return made


@cache
def oracle(kind: Literal["chat", "text"]) -> TypeAdapter[Any]:
    chat = chat_create_params.CompletionCreateParamsStreaming
    text = completion_create_params.CompletionCreateParamsStreaming
    return TypeAdapter(strict(chat if kind == "chat" else text))


def check(name: str, call: Call) -> dict[str, object]:
    """Build what a vendor is sent and hold it against the official type; return it."""
    path, body = request(endpoint(name), call)
    kind = "chat" if path == "/chat/completions" else "text"
    plain = without(body, EXTENSIONS.get(name, frozenset()))
    oracle(kind).validate_python(plain)
    return body


def without(value: object, paths: frozenset[str], at: str = "") -> object:
    """Return JSON without the keys at some paths."""
    if isinstance(value, list):
        return [without(one, paths, at) for one in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    kept = {key: inner for key, inner in cast("dict[str, object]", value).items() if at + key not in paths}
    return {key: without(inner, paths, f"{at}{key}.") for key, inner in kept.items()}


def endpoint(name: str) -> Endpoint:
    environment = {variable: "k-0123456789" for vendor in vendors().values() for variable in vendor.key_env}
    settings = Config.model_validate(
        {"providers": {"local": {"base_url": "http://127.0.0.1:1/v1"}, "openrouter": ROUTING}}
    )
    keys = Keys(environment=environment, file=Path("/nonexistent/keys.json"))
    return Directory(settings, keys, Http(), servers={}).endpoint(name)


# --- calls -------------------------------------------------------------------------------------

PNG = Image("image/png", "AAAA")
READ = Tool("read", "Reads a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
TOOL_CALLS = (ToolCall("t1", "read", '{"path":"a"}'), ToolCall("t2", "read", '{"path":"b"}'))
TEXT = (Message("system", "Be brief."), Message("user", "Hello", cache_here=True))


def traced(name: str) -> Trace | None:
    """Return reasoning as the vendor would have sent it; None if it takes none back."""
    match vendors()[name].quirks.trace:
        case "reasoning_details":
            block = '{"type":"reasoning.text","text":"Hm.","signature":"c2ln","format":"anthropic-claude-v1"}'
            return Trace("reasoning_details", MODEL[name], (block,))
        case "reasoning_content":
            return Trace("reasoning_content", "m", ('"Hm."',))
        case _:
            return None


def calls(name: str) -> dict[str, Call]:
    model = MODEL.get(name, "m-1")
    asked = Message("assistant", "", tool_calls=TOOL_CALLS, trace=traced(name), cache_here=True)
    results = (Message("tool", "A", (PNG,), tool_call_id="t1"), Message("tool", "B", tool_call_id="t2"))
    used = Chat((*TEXT, asked, *results, Message("assistant", "Both.", trace=traced(name))))
    return {
        "text": Call(model, Chat(TEXT), max_output_tokens=99, temperature=0.0, stop=("x",)),
        "images": Call(model, Chat((Message("user", "What?", (PNG, PNG)),))),
        "tools": Call(model, Chat(TEXT), tools=(READ,), tool_choice="required", parallel_tool_calls=False),
        "one tool": Call(model, Chat(TEXT), tools=(READ,), tool_choice=OneTool("read")),
        "tool results": Call(model, used, tools=(READ,)),
        "reasoning": Call(model, used, tools=(READ,), reasoning="high"),
        "a reasoning budget": Call(model, Chat(TEXT), reasoning=2000),
        "no reasoning": Call(model, Chat(TEXT), reasoning="none"),
        "caching": Call(model, used, conversation="c-1"),
        "raw text": Call(model, RawText("<PRE> a"), max_output_tokens=9, stop=("x",)),
        "a hole": Call(model, Infill("a", "b"), max_output_tokens=9, temperature=0.0),
    }


@pytest.mark.parametrize("what", sorted(calls("openai")))
@pytest.mark.parametrize("name", NAMES)
def test_what_a_vendor_is_sent_is_a_request(name: str, what: str):
    assert check(name, calls(name)[what])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        pytest.param("openrouter", "messages.reasoning_details", id="reasoning that OpenRouter wants back"),
        pytest.param("deepseek", "messages.reasoning_content", id="reasoning that DeepSeek wants back"),
    ],
)
def test_the_oracle_has_seen_it(name: str, what: str):
    """Without these the check of continued reasoning would be empty."""
    body = check(name, calls(name)["reasoning"])
    assert without(body, frozenset({what})) != body


@pytest.mark.parametrize("name", sorted(EXTENSIONS))
def test_every_extension_is_sent_by_some_call(name: str):
    bodies = [request(endpoint(name), call)[1] for call in calls(name).values()]
    for path in EXTENSIONS[name] - {"models"}:  # fallback models are set in no table here
        assert any(without(body, frozenset({path})) != body for body in bodies), path


# --- the check can fail ------------------------------------------------------------------------

GOOD: dict[str, object] = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"unknown": 1}, id="an unknown key"),
        pytest.param({"stream": False}, id="no stream"),
        pytest.param({"messages": [{"role": "user"}]}, id="a message without content"),
        pytest.param({"messages": [{"role": "tool", "content": "A"}]}, id="a result of no call"),
        pytest.param({"messages": [{"role": "user", "content": "A", "x": 1}]}, id="an unknown key inside"),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, id="a part without text"
        ),
        pytest.param({"reasoning_effort": "extreme"}, id="an effort that there is not"),
        pytest.param({"stop": [1]}, id="a stop that is no text"),
        pytest.param({"tools": [{"type": "function", "function": {}}]}, id="a tool without a name"),
        pytest.param({"max_tokens": "9"}, id="a limit in words"),
    ],
)
def test_a_wrong_request_is_found(bad: dict[str, object]):
    oracle("chat").validate_python(GOOD)
    with pytest.raises(ValidationError):
        oracle("chat").validate_python(GOOD | bad)


@pytest.mark.parametrize("name", sorted(EXTENSIONS))
def test_an_extension_is_found_where_it_is_not_listed(name: str):
    body = request(endpoint(name), calls(name)["reasoning"])[1]
    with pytest.raises(ValidationError):
        oracle("chat").validate_python(body)
