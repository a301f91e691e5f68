"""The upper layer of the fuzz: what an editor does, in an order that none would do it in."""

import random
from dataclasses import dataclass, field
from typing import Literal

from support.canary import FILE_CANARY
from support.client import AUTOMATIC, INVOKED
from support.fuzz.provider import FAULTS
from support.fuzz.steps import Await, Case, Reached, Read, Send, Step
from support.metamodel import Json
from support.units import Encoding, Units, random_edits, random_place, random_text

MAX_STEPS = 9
Kind = Literal[
    "edit", "ghost", "chat", "save", "cancel", "config", "small", "await", "again", "secret", "pipe"
]
_KINDS: dict[Kind, int] = {
    "edit": 8,
    "ghost": 3,
    "chat": 2,
    "cancel": 2,
    "small": 2,
    "save": 1,
    "config": 1,
    "await": 1,
    "again": 1,
    "secret": 1,
    "pipe": 1,
}
"""What is done, and how often beside the others."""


@dataclass(slots=True)
class _Session:
    name: str
    dice: random.Random
    encoding: Encoding
    faulty: bool
    steps: list[Step] = field(default_factory=list[Step])
    open: dict[str, Units] = field(default_factory=dict[str, Units])
    versions: dict[str, int] = field(default_factory=dict[str, int])
    asked: list[str] = field(default_factory=list[str])

    def notify(self, method: str, params: object) -> None:
        self.steps.append(Send({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: object) -> str:
        request_id = f"{self.name}.{len(self.asked)}"
        self.asked.append(request_id)
        self.steps.append(Send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}))
        return request_id

    def begin(self, uri: str, text: str) -> None:
        self.open[uri] = Units(text, self.encoding)
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def any(self) -> str:
        return self.dice.choice(list(self.open))


def session_case(name: str, dice: random.Random, encoding: Encoding, *, faulty: bool) -> Case:
    """Return a case; its documents are its own, and are closed when all is answered."""
    session = _Session(name, dice, encoding, faulty)
    for number in range(dice.choice((1, 1, 2))):
        scheme = dice.choice(("untitled:{}", "file:///fuzz/{}.py"))
        session.begin(scheme.format(f"{name}.{number}"), random_text(dice, dice.choice((0, 4, 12))))
    for kind in dice.choices(list(_KINDS), list(_KINDS.values()), k=dice.randint(2, MAX_STEPS)):
        _act(session, kind)
    if dice.random() < 0.4:
        _chat(session)
    session.steps.append(Read(on=True))
    session.steps += [Await(request_id) for request_id in session.asked]
    for uri in session.open:
        session.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    return Case(name, "session", tuple(session.steps), encoding)


def _act(session: _Session, kind: Kind) -> None:
    dice = session.dice
    match kind:
        case "edit":
            _edit(session)
        case "ghost":
            request_id = _ghost(session)
            if dice.random() < 0.3:
                _cancel(session, request_id)
        case "chat":
            _chat(session)
        case "save":
            session.notify("textDocument/didSave", {"textDocument": {"uri": session.any()}})
        case "cancel":
            _cancel(session, dice.choice([*session.asked, "unknown", f"{session.name}.x"]))
        case "config":
            settings = {"completion": {"debounce_ms": dice.choice((0, 20))}}
            session.notify("workspace/didChangeConfiguration", {"settings": {"farebox": settings}})
        case "small":
            name = dice.choice(("costReport", "models", "conversations", "explain"))
            session.ask(f"farebox/{name}", {})
        case "await":
            session.steps += [Await(request_id) for request_id in session.asked[-1:]]
        case "again":
            _reopen(session)
        case "secret":
            _secret(session)
        case "pipe":
            session.steps.append(Read(on=dice.random() < 0.5))


def _edit(session: _Session) -> None:
    uri = session.any()
    text = session.open[uri]
    changes: list[Json] = []
    if session.dice.random() < 0.05:
        new = random_text(session.dice, 6)
        session.open[uri] = Units(new, session.encoding)
        changes.append({"text": new})
    else:
        for edit in random_edits(session.dice, text, 3):
            text.replace(edit)
            start = {"line": edit.start[0], "character": edit.start[1]}
            end = {"line": edit.end[0], "character": edit.end[1]}
            changes.append({"range": {"start": start, "end": end}, "text": edit.text})
    session.versions[uri] += 1
    document = {"uri": uri, "version": session.versions[uri]}
    session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})


def _ghost(session: _Session) -> str:
    uri = session.any()
    line, character = random_place(session.dice, session.open[uri])
    kind = session.dice.choice((INVOKED, AUTOMATIC, AUTOMATIC))
    position = {"line": line, "character": character}
    params = {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind}}
    return session.ask("textDocument/inlineCompletion", params)


def _chat(session: _Session) -> None:
    dice = session.dice
    marker = f"{session.name}.{len(session.asked)}"
    words = f"marker={marker} pieces={dice.choice((0, 1, 3))} head_ms={dice.choice((0, 0, 5))}"
    stops = dice.choice(("never", "never", "at once", "reached", "late", "twice"))
    if stops in ("reached", "twice"):
        words += " pause_ms=20"
    if session.faulty and dice.random() < 0.3:
        fault = dice.choice(FAULTS)
        stops = "reached" if fault == "silent" else stops
        words += f" fault={fault}"
    request_id = session.ask("farebox/chat", {"text": words, "attachments": [{"uri": session.any()}]})
    match stops:
        case "at once":
            _cancel(session, request_id)
        case "reached" | "twice":
            session.steps.append(Reached(marker))
            _cancel(session, request_id)
            if stops == "twice":
                _cancel(session, request_id)
        case "late":
            session.steps.append(Await(request_id))
            _cancel(session, request_id)
        case _:
            pass


def _cancel(session: _Session, request_id: str) -> None:
    session.notify("$/cancelRequest", {"id": request_id})


def _reopen(session: _Session) -> None:
    """Open a document that is open; or close it, change it while it is closed, and open it again."""
    uri = session.any()
    if session.dice.random() < 0.5:
        session.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        change = {"textDocument": {"uri": uri, "version": 9}, "contentChanges": [{"text": "not open"}]}
        session.notify("textDocument/didChange", change)
    session.begin(uri, random_text(session.dice, 5))


def _secret(session: _Session) -> None:
    """Ask about a file that may not leave."""
    uri = f"file:///fuzz/{session.name}/.env"
    document = {"uri": uri, "languageId": "shellscript", "version": 1, "text": f"A={FILE_CANARY}\n"}
    session.notify("textDocument/didOpen", {"textDocument": document})
    session.ask("farebox/chat", {"text": "what is this?", "attachments": [{"uri": uri}]})
    session.steps.append(Await(session.asked[-1]))
    session.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
