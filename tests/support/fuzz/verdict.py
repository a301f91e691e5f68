"""The judge of a fuzz: how many answers a request must have, and whether a message may be what it is.

The same judge as the test client's, asked once for all messages that differ only in names and ids.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias, cast

from lsprotocol import types as lsp

from support.canary import keys_in
from support.metamodel import Json, error_problems
from support.traffic import judge, key_of

MAX_REMEMBERED = 50_000
MAX_ID_CHARS = 1_000
"""A longer id may be refused without being repeated."""
UNREADABLE_CODES = (-32700, -32600)
"""What may be told of a message whose id could not be read."""

_KNOWN = cast("Mapping[str, tuple[object, ...]]", lsp.METHOD_TO_TYPES)
NOTIFIED = frozenset(method for method, entry in _KNOWN.items() if entry[1] is None)
"""What asks for no answer."""

Key: TypeAlias = str
_HEX = re.compile(r"\b[0-9a-f]{32}\b")
_NUMBER = re.compile(r"(?<![\w.-])\d{1,9}(?![\w.])")


def request_key(message: object) -> Key | None:
    """Return the key of a request that must be answered exactly once; None for all else."""
    match message:
        case {"jsonrpc": "2.0", "method": str(), "id": bool()}:
            return None
        case {"jsonrpc": "2.0", "method": str(), "id": int() as number} if abs(number) < 2**31:
            return key_of(number)
        case {"jsonrpc": "2.0", "method": str(), "id": str() as name} if _can_be_told(name):
            return key_of(name)
        case _:
            return None


def faults_of_answer(request: Json, answer: Json) -> Sequence[str]:
    """Return what is wrong with an answer. A notification that has an id may be answered with nothing."""
    if request["method"] in NOTIFIED and answer.get("result", 0) is None:
        return []
    bare = {name: value for name, value in request.items() if name in ("jsonrpc", "method")}
    if request["method"] == "workspace/executeCommand":
        bare["params"] = {"command": _command(request)}
    return _judged(json.dumps({**bare, "id": 0}), _normal({**answer, "id": 0}))


def faults_of_call(message: Json) -> Sequence[str]:
    """Return what is wrong with a notification or a request of the server's."""
    return _judged(None, _normal(message))


def faults_of_unreadable(message: Json) -> Sequence[str]:
    """Return what is wrong with an error that names no request."""
    error = message.get("error")
    faults = list(error_problems(error))
    if not faults and isinstance(error, dict) and error["code"] not in UNREADABLE_CODES:
        faults.append(f"an error without a request has the code {error['code']}")
    return faults


def keys_shown(body: bytes) -> Sequence[str]:
    """Return the keys in a message."""
    return keys_in(body.decode("utf-8", "replace")) if b"canary" in body or b"012345" in body else []


def _command(request: Json) -> str:
    match request.get("params"):
        case {"command": str() as command}:
            return command
        case _:
            return ""


def _normal(message: Json) -> str:
    """Write a message without what differs from case to case: ids, and small figures."""
    return _NUMBER.sub(_one, _HEX.sub("0" * 32, json.dumps(message)))


def _one(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) == 1 else "11"


@lru_cache(maxsize=MAX_REMEMBERED)
def _judged(request: str | None, message: str) -> tuple[str, ...]:
    sent = [] if request is None else [json.loads(request)]
    return tuple(judge(sent, [json.loads(message)]))


def _can_be_told(name: str) -> bool:
    """Say whether an id comes back as it was sent: it is no riddle, and JSON in UTF-8 can carry it."""
    return len(name) <= MAX_ID_CHARS and not any(0xD800 <= ord(char) < 0xE000 for char in name)
