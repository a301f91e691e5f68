"""One sequence of a fuzz: what is done to a server, step by step, and the same as a line of JSON.

Nothing is in a step but what is sent: what must come of it is found out anew, so any step can be left out.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from support.metamodel import Json
from support.traffic import frame
from support.units import Encoding

Layer: TypeAlias = Literal["bytes", "grammar", "session"]


@dataclass(frozen=True, slots=True)
class Send:
    """A message. ``body`` is what JSON could not carry in a corpus: the same, written otherwise."""

    message: object
    body: str | None = None

    @property
    def raw(self) -> bytes:
        """The message with its header."""
        if self.body is None and isinstance(self.message, dict):
            return frame(self.message)
        data = (json.dumps(self.message) if self.body is None else self.body).encode("utf-8", "surrogatepass")
        return b"Content-Length: %d\r\n\r\n%b" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that may be no message at all."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for the answer to a request."""

    request_id: int | str


@dataclass(frozen=True, slots=True)
class Reached:
    """Wait until a question has reached its model, or has been answered without."""

    marker: str


@dataclass(frozen=True, slots=True)
class Read:
    """Stop to read what the server says, or go on."""

    on: bool


Step: TypeAlias = Send | Raw | Await | Reached | Read


@dataclass(frozen=True, slots=True)
class Case:
    """A sequence, and where it came from."""

    name: str
    layer: Layer
    steps: tuple[Step, ...]
    encoding: Encoding = "utf-16"

    def with_steps(self, steps: Iterable[Step]) -> "Case":
        """Return the same with other steps."""
        return replace(self, steps=tuple(steps))

    def line(self, found: str = "") -> str:
        """Return it as a line of JSON."""
        table = {"name": self.name, "layer": self.layer, "encoding": self.encoding, "found": found}
        return json.dumps({**table, "steps": [_table(step) for step in self.steps]})


def read_cases(file: Path) -> Sequence[Case]:
    """Read a file of such lines."""
    return [read_case(line) for line in file.read_text("utf-8").splitlines() if line]


def read_case(line: str) -> Case:
    """Read one."""
    table: Json = json.loads(line)
    steps = tuple(_step(step) for step in table["steps"])
    return Case(table["name"], table["layer"], steps, table["encoding"])


def _table(step: Step) -> Json:
    match step:
        case Send(message, None):
            return {"send": message}
        case Send(_, body):
            return {"body": body}
        case Raw(data):
            return {"raw": data.decode("latin-1")}
        case Await(request_id):
            return {"await": request_id}
        case Reached(marker):
            return {"reached": marker}
        case Read(on):
            return {"read": on}


def _step(table: Json) -> Step:
    match table:
        case {"send": message}:
            return Send(message)
        case {"body": str() as body}:
            return Send(None, body)
        case {"raw": str() as data}:
            return Raw(data.encode("latin-1"))
        case {"await": int() | str() as request_id}:
            return Await(request_id)
        case {"reached": str() as marker}:
            return Reached(marker)
        case {"read": bool() as on}:
            return Read(on)
        case _:
            raise ValueError(f"no step: {table}")
