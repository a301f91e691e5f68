"""One session's messages as they went over the wire: framing, and the judgement of all of them together.

Shared by our own test client and by the tap that foreign clients run through.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import IO, NoReturn

from support import metamodel
from support.metamodel import Json

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_LENGTH = re.compile(rb"Content-Length: ([0-9]+)\r\n")
_TYPE = re.compile(rb"Content-Type: application/vscode-jsonrpc; ?charset=utf-8\r\n")


class Malformed(Exception):
    """There is something on stdout that is no message."""


def frame(message: Json) -> bytes:
    """Write a message as it goes over the wire."""
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def read_message(stream: IO[bytes]) -> Json | None:
    """Read one message; None at the end. Raises Malformed for every byte that does not belong."""
    length: int | None = None
    while (line := stream.readline()) != b"\r\n":
        if not line and length is None:
            return None
        if match := _LENGTH.fullmatch(line):
            length = int(match[1])
        elif not _TYPE.fullmatch(line):
            raise Malformed(f"no header: {line[:200]!r}")
    if length is None or length > MAX_MESSAGE_BYTES:
        raise Malformed(f"a message of length {length}")
    body = stream.read(length)
    if len(body) < length:
        raise Malformed("the last message is cut off")
    message = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    if _holds_half_a_character(message):
        raise Malformed(f"half a character: {body[:200]!r}")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise Malformed(f"no JSON-RPC message: {body[:200]!r}")
    return message


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"no JSON: {name}")


def _holds_half_a_character(message: object) -> bool:
    try:
        json.dumps(message, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def read_all(stream: IO[bytes]) -> list[Json]:
    """Read every message of a recorded stream."""
    return list(iter(lambda: read_message(stream), None))


def judge(sent: Sequence[Json], received: Sequence[Json]) -> list[str]:
    """Return all that is wrong with what a server sent, given what its client sent."""
    asked = {key_of(message["id"]): message for message in sent if "method" in message and "id" in message}
    answers: dict[str, int] = dict.fromkeys(asked, 0)
    faults: list[str] = []
    for message in received:
        if "method" in message:
            faults += _of_call(message)
            continue
        key = key_of(message.get("id"))
        if key not in asked:
            faults.append(f"an answer to no request: {json.dumps(message)[:200]}")
            continue
        answers[key] += 1
        faults += [f"{asked[key]['method']}: {fault}" for fault in _of_response(asked[key], message)]
    for key, count in answers.items():
        if count != 1:
            faults.append(f"{asked[key]['method']} (id {key}) was answered {count} times")
    return faults


def key_of(request_id: object) -> str:
    """Tell the ids 1 and "1" apart."""
    return json.dumps(request_id)


def _of_call(message: Json) -> Iterator[str]:
    method = str(message["method"])
    if not set(message) <= {"jsonrpc", "id", "method", "params"}:
        yield f"{method}: unknown keys {sorted(message)}"
    if "id" in message:
        yield f"{method}: a request that no client here has offered to answer"
    for problem in metamodel.problems(method, "params", message.get("params")):
        yield f"{method}: {problem}"


def _of_response(request: Json, message: Json) -> Iterator[str]:
    if not set(message) <= {"jsonrpc", "id", "result", "error"} or ("result" in message) == (
        "error" in message
    ):
        yield f"not exactly one of result and error: {sorted(message)}"
    elif "error" in message:
        yield from metamodel.error_problems(message["error"])
    else:
        yield from _of_result(request, message["result"])


def _of_result(request: Json, result: object) -> Iterator[str]:
    method = str(request["method"])
    params = request.get("params")
    if method == "workspace/executeCommand" and isinstance(params, dict):
        # The result of a command is LSPAny: it is one of ours, or there is none.
        method = str(params["command"])
        if method == "farebox.didAcceptCompletionItem":
            yield from [] if result is None else [f"a result where there is none: {result}"]
            return
    yield from metamodel.problems(method, "result", result)
    if method == "initialize" and isinstance(params, dict) and isinstance(result, dict):
        general = params.get("capabilities", {}).get("general") or {}
        chosen = result["capabilities"].get("positionEncoding", "utf-16")
        if chosen not in ("utf-16", *general.get("positionEncodings", ())):
            yield f"positions in {chosen}, which the client has not offered"
