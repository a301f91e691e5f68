"""The middle layer of the fuzz: messages made after the specification, in which some fields are wrong."""

import random
from collections.abc import Sequence

from lsprotocol import types as lsp

from farebox.lsp.names import COMMAND_PREFIX, METHODS, PREFIX
from support.fuzz.steps import Case, Send
from support.fuzz.values import EXTREMES, Wild, params_types
from support.fuzz.verdict import NOTIFIED
from support.metamodel import Json

HANDLED = (
    lsp.TEXT_DOCUMENT_INLINE_COMPLETION,
    lsp.TEXT_DOCUMENT_DID_OPEN,
    lsp.TEXT_DOCUMENT_DID_CHANGE,
    lsp.TEXT_DOCUMENT_DID_CLOSE,
    lsp.TEXT_DOCUMENT_DID_SAVE,
    lsp.WORKSPACE_EXECUTE_COMMAND,
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION,
    lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS,
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN,
    lsp.NOTEBOOK_DOCUMENT_DID_CHANGE,
    lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL,
    lsp.CANCEL_REQUEST,
    lsp.SET_TRACE,
)
MAX_MESSAGES = 4


def grammar_case(name: str, dice: random.Random) -> Case:
    """Return a case of one to four messages."""
    wild = Wild(dice, dice.choice((0.0, 0.05, 0.1, 0.1, 0.3)))
    count = dice.randint(1, MAX_MESSAGES)
    return Case(name, "grammar", tuple(Send(_message(wild, f"{name}.{at}")) for at in range(count)))


def _message(wild: Wild, request_id: str) -> Json:
    dice = wild.dice
    method, params = _call(wild)
    message: Json = {"jsonrpc": "2.0", "method": method, "params": params}
    if method not in NOTIFIED or dice.random() < 0.03:
        message["id"] = request_id
    if dice.random() < wild.spoil / 2:
        _break(dice, message)
    return message


def _call(wild: Wild) -> tuple[str, object]:
    dice = wild.dice
    kind = dice.random()
    if kind < 0.4:
        name = dice.choice(METHODS)
        params = wild.own(name)
        if dice.random() < 0.3:
            return lsp.WORKSPACE_EXECUTE_COMMAND, {"command": COMMAND_PREFIX + name, "arguments": [params]}
        return PREFIX + name, params
    method = dice.choice(HANDLED if kind < 0.85 else _others())
    return method, wild.lsp(method)


def _others() -> Sequence[str]:
    return [*params_types()]


def _break(dice: random.Random, message: Json) -> None:
    """Make a message one that is none of JSON-RPC."""
    name = dice.choice(("jsonrpc", "method", "params", "id"))
    if dice.random() < 0.4:
        message.pop(name, None)
    else:
        message[name] = dice.choice(EXTREMES)
