"""What a JSON-RPC message is: a request, a notification, an answer, or none. Pure; knows no methods."""

from dataclasses import dataclass
from typing import Final, TypeAlias, cast

VERSION: Final = "2.0"
MAX_ID_CHARS: Final = 1024
"""An id is sent back: it is no way to have us keep a book."""

MessageId: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """Something to be answered."""

    id: MessageId
    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Notification:
    """Something that is told."""

    method: str
    params: object


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers a request of ours; ``error`` is None if it went well.

    Without an id it says that a request of ours could not be read.
    """

    id: MessageId | None
    result: object
    error: object


@dataclass(frozen=True, slots=True)
class Invalid:
    """A JSON value that is no message. ``id`` is what it is to be answered with."""

    id: MessageId | None
    words: str


Envelope: TypeAlias = Request | Notification | Answer | Invalid


def read(value: object) -> Envelope:
    """Tell what a JSON value is."""
    if isinstance(value, list):
        return Invalid(None, "batches are not part of this protocol")
    if not isinstance(value, dict):
        return Invalid(None, "a message must be an object")
    message = cast("dict[str, object]", value)
    message_id = _id(message.get("id"))
    if message.get("jsonrpc") != VERSION:
        return Invalid(message_id, f'jsonrpc must be "{VERSION}"')
    if "id" in message and message_id is None:
        if message["id"] is None and "error" in message and "method" not in message:
            return Answer(None, None, message["error"])
        return Invalid(None, "id must be an integer or a string")
    if "method" not in message:
        return _answer(message_id, message)
    method = message["method"]
    if not isinstance(method, str):
        return Invalid(message_id, "method must be a string")
    params = message.get("params")
    return Notification(method, params) if message_id is None else Request(message_id, method, params)


def _answer(message_id: MessageId | None, message: dict[str, object]) -> Answer | Invalid:
    if message_id is None or not ("result" in message or "error" in message):
        return Invalid(message_id, "a message must have a method, a result or an error")
    return Answer(message_id, message.get("result"), message.get("error"))


def _id(value: object) -> MessageId | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case str() if len(value) <= MAX_ID_CHARS:
            return value
        case _:
            return None
