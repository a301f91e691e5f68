"""The words for what a file defines and imports. Plain data; nothing here reads a file or a language."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MAX_SIGNATURE_CHARS = 300
MAX_VALUE_CHARS = 120

Kind = Literal["type", "function", "value"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition as one line of text, indented as in its file. ``owner`` is the type that has it."""

    name: str
    kind: Kind
    line: int
    text: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """One import as one line of text. ``names`` are what it brings in, ``module`` where from, as written."""

    module: str
    names: tuple[str, ...]
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Outline:
    """A file's definitions and imports, each in the file's order. Lines count from 0."""

    definitions: tuple[Definition, ...] = ()
    imports: tuple[Import, ...] = ()

    @property
    def text(self) -> str:
        """The skeleton: all definitions, one a line."""
        return "".join(f"{definition.text}\n" for definition in self.definitions)


def one_line(lines: Sequence[str], most_chars: int) -> str:
    """Join a signature's lines to one, indented as the first."""
    if not lines:
        return ""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    joined = " ".join(part for line in lines if (part := line.strip()))
    if len(lines) > 1:
        for opening in "([{":
            joined = joined.replace(f"{opening} ", opening)
        for closing in ")]}":
            joined = joined.replace(f", {closing}", closing).replace(f" {closing}", closing)
    return indent + (joined if len(joined) <= most_chars else joined[: most_chars - 1] + "…")
