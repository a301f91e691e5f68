"""What one call looks like in the OpenAI dialect: a path and a JSON body.

Pure. Wire facts: the OpenAI API reference (chat, completions), OpenRouter's API reference (``provider``,
``models``), the fill-in-the-middle endpoints of Mistral and DeepSeek. Vendors differ by data in the Endpoint
alone, and a model's name passes through as it is: endings such as ``:free``, ``:nitro`` and ``:floor`` are
the vendor's.
"""

from typing import Final, assert_never

from farebox.messages import Call, Chat, Infill, OneTool, RawText, Tool
from farebox.providers.base import Endpoint, RoutingPreferences
from farebox.providers.openai_effort import reasoning_fields
from farebox.providers.openai_messages import wire_messages
from farebox.providers.openai_models import matches
from farebox.providers.openai_results import with_results
from farebox.providers.pictures import with_known_pictures

MAX_SESSION_CHARS: Final = 64
"""OpenAI's limit of ``prompt_cache_key``; OpenRouter takes 256."""


def request(endpoint: Endpoint, call: Call) -> tuple[str, dict[str, object]]:
    """Return the path and the JSON body that ask for a call.

    Raises Refused for a picture of a kind that no vendor takes.
    """
    quirks = endpoint.quirks
    limit_field = "max_tokens"
    body: dict[str, object] = {"model": call.model, "stream": True}
    match call.prompt:
        case Chat(messages):
            path = "/chat/completions"
            limit_field = quirks.max_tokens_field
            turns = with_results(with_known_pictures(endpoint, call.model, messages))
            body["messages"] = wire_messages(turns, call.model, quirks, with_tools=bool(call.tools))
            body |= _tool_fields(call) | reasoning_fields(call, quirks)
            if quirks.session_field is not None and call.conversation:
                body[quirks.session_field] = call.conversation[:MAX_SESSION_CHARS]
        case Infill(prefix, suffix, _):
            path = endpoint.fill_path
            body |= {"prompt": prefix, "suffix": suffix}
        case RawText(words):
            path = "/completions"
            body["prompt"] = words
        case _:
            assert_never(call.prompt)
    if quirks.usage_option:
        body["stream_options"] = {"include_usage": True}
    if call.max_output_tokens is not None:
        body[limit_field] = call.max_output_tokens
    if call.temperature is not None and not matches(call.model, quirks.fixed_temperature):
        body["temperature"] = call.temperature
    if call.stop and not matches(call.model, quirks.no_stop):
        body["stop"] = list(call.stop)
    if endpoint.routing is not None:
        body |= _routing_fields(call.model, endpoint.routing)
    return path, body


def _tool_fields(call: Call) -> dict[str, object]:
    """Return the tools and what is said of them; ``auto`` and parallel calls go without saying."""
    if not call.tools:
        return {}
    fields: dict[str, object] = {"tools": [_tool(tool) for tool in call.tools]}
    match call.tool_choice:
        case "auto":
            pass
        case "required" | "none":
            fields["tool_choice"] = call.tool_choice
        case OneTool(name):
            fields["tool_choice"] = {"type": "function", "function": {"name": name}}
        case _:
            assert_never(call.tool_choice)
    if not call.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _tool(tool: Tool) -> dict[str, object]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _routing_fields(model: str, wanted: RoutingPreferences) -> dict[str, object]:
    """OpenRouter's ``provider`` object and its ``models`` fallbacks: only what the user has set."""
    said: dict[str, object] = {
        "order": list(wanted.order) or None,
        "only": list(wanted.only) or None,
        "ignore": list(wanted.ignore) or None,
        "allow_fallbacks": wanted.allow_fallbacks,
        "require_parameters": wanted.require_parameters,
        "data_collection": wanted.data_collection,
        "zdr": wanted.zdr,
        "quantizations": list(wanted.quantizations) or None,
        "sort": _sort(wanted),
        "max_price": dict(wanted.max_price) or None,
    }
    provider = {name: value for name, value in said.items() if value is not None}
    fields: dict[str, object] = {"provider": provider} if provider else {}
    if wanted.models:
        fields["models"] = [model, *wanted.models]
    return fields


def _sort(wanted: RoutingPreferences) -> object:
    if wanted.sort is None or wanted.sort_partition is None:
        return wanted.sort
    return {"by": wanted.sort, "partition": wanted.sort_partition}
