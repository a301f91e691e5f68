"""The OpenAI dialect: chat completions and text completions of every compatible server.

Wire facts: the OpenAI API reference (chat, completions, streaming), OpenRouter's API reference, the
Mistral and DeepSeek fill-in-the-middle endpoints. Vendors differ by data in the Endpoint alone.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import assert_never

from farebox.errors import BrokenReply
from farebox.messages import Call, Chat, Delta, Infill, Message, RawText
from farebox.providers import failures
from farebox.providers.base import Endpoint
from farebox.providers.http import Body, Http
from farebox.providers.json_value import JsonObject, parse_object
from farebox.providers.openai_reply import Reply
from farebox.providers.sse import ServerSentEvent, SseDecoder, TooLong

DONE = "[DONE]"


class OpenAI:
    """One endpoint that speaks the OpenAI dialect."""

    def __init__(self, http: Http, endpoint: Endpoint) -> None:
        self._http = http
        self._endpoint = endpoint

    async def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events. See providers.base.Provider."""
        path, body = request(self._endpoint, call)
        async with (
            self._http.post(self._endpoint, path, body, model=call.model) as answer,
            aclosing(_deltas(self._endpoint, call, answer)) as deltas,
        ):
            async for delta in deltas:
                yield delta


def request(endpoint: Endpoint, call: Call) -> tuple[str, dict[str, object]]:
    """Return the path and the JSON body that ask for a call."""
    body: dict[str, object] = {"model": call.model, "stream": True}
    match call.prompt:
        case Chat(messages):
            path = "/chat/completions"
            body["messages"] = [_message(message) for message in messages]
            body["stream_options"] = {"include_usage": True}
            limit_field = endpoint.max_tokens_field
            _add_reasoning(endpoint, call, body)
        case Infill(prefix, suffix):
            path = endpoint.fill_path
            body |= {"prompt": prefix, "suffix": suffix}
            limit_field = "max_tokens"
        case RawText(text):
            path = "/completions"
            body |= {"prompt": text, "stream_options": {"include_usage": True}}
            limit_field = "max_tokens"
        case _:
            assert_never(call.prompt)
    if call.max_output_tokens is not None:
        body[limit_field] = call.max_output_tokens
    if call.temperature is not None:
        body["temperature"] = call.temperature
    if call.stop:
        body["stop"] = list(call.stop)
    if endpoint.routing is not None and (preferences := _preferences(endpoint)):
        body["provider"] = preferences
    return path, body


def _message(message: Message) -> dict[str, object]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, object]] = [{"type": "text", "text": message.text}]
    for image in message.images:
        url = f"data:{image.mime};base64,{image.data}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": message.role, "content": parts}


def _add_reasoning(endpoint: Endpoint, call: Call, body: dict[str, object]) -> None:
    if call.reasoning is None:
        return
    if endpoint.routing is not None:
        body["reasoning"] = {"effort": call.reasoning}
    else:
        body["reasoning_effort"] = call.reasoning


def _preferences(endpoint: Endpoint) -> Mapping[str, object]:
    """OpenRouter's ``provider`` object: only what the user has set."""
    wanted = endpoint.routing
    if wanted is None:
        return {}
    preferences: dict[str, object] = {
        name: list(value)
        for name, value in (("order", wanted.order), ("only", wanted.only), ("ignore", wanted.ignore))
        if value
    }
    if wanted.allow_fallbacks is not None:
        preferences["allow_fallbacks"] = wanted.allow_fallbacks
    if wanted.sort is not None:
        preferences["sort"] = wanted.sort
    return preferences


async def _deltas(endpoint: Endpoint, call: Call, answer: Body) -> AsyncGenerator[Delta, None]:
    """Read a streamed answer, or one whole JSON body where a server does not stream."""
    reply = Reply()
    tables = _whole(endpoint, answer) if "json" in answer.content_type else _streamed(endpoint, answer)
    async with aclosing(tables):
        async for table in tables:
            if table.get("error"):
                raise failures.from_event(endpoint, model=call.model, table=table)
            for delta in reply.read(table):
                yield delta
    if reply.ended_early:
        raise _broken(endpoint, "ended its answer before it was whole")
    for delta in reply.end():
        yield delta


async def _streamed(endpoint: Endpoint, answer: Body) -> AsyncGenerator[JsonObject, None]:
    """Yield the chunks of an event stream, up to its end mark."""
    decoder = SseDecoder()
    seen = False
    try:
        async for chunk in answer.chunks:
            for event in decoder.feed(chunk):
                if event.data.strip() == DONE:
                    yield {DONE: True}
                    return
                if event.is_empty:
                    continue
                seen = True
                yield _chunk(endpoint, event)
        for event in decoder.end():
            if event.data.strip() != DONE and not event.is_empty:
                seen = True
                yield _chunk(endpoint, event)
    except TooLong as exc:
        raise _broken(endpoint, f"sent too much: {exc}") from None
    if not seen:
        raise _broken(endpoint, "answered with no event stream")


def _chunk(endpoint: Endpoint, event: ServerSentEvent) -> JsonObject:
    table = parse_object(event.data)
    if table is None:
        raise _broken(endpoint, "sent an event that is no JSON object")
    return table


async def _whole(endpoint: Endpoint, answer: Body) -> AsyncGenerator[JsonObject, None]:
    raw = b"".join([chunk async for chunk in answer.chunks])
    table = parse_object(raw.decode("utf-8", errors="replace"))
    if table is None:
        raise _broken(endpoint, "sent a body that is no JSON object")
    yield table


def _broken(endpoint: Endpoint, what: str) -> BrokenReply:
    return BrokenReply(
        f"{endpoint.provider} {what}",
        hint="Try again; if it keeps happening, check base_url or choose another model.",
        provider=endpoint.provider,
    )
