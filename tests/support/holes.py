"""Real holes in small files of five languages, and the parsers that say whether a filled one is whole.

In a file of ``tests/data/holes`` each hole is written with its own text in it, between ⟦ and ⟧. One hole at
a time is empty; the others hold their text.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import tree_sitter_c
import tree_sitter_go
import tree_sitter_lua
import tree_sitter_typescript
from tree_sitter import Language, Parser

from support.client import INVOKED, Client
from support.metamodel import Json

FOLDER: Final = Path(__file__).parents[1] / "data" / "holes"
LANGUAGES: Final = {".py": "python", ".ts": "typescript", ".go": "go", ".c": "c", ".lua": "lua"}
CONFIG: Final = """[completion]
look_ahead = false
embedded = false
context = false
candidates = 1
debounce_ms = 0
"""
"""One request for each hole, and no other document that could tell what stood in it."""
WAIT_S: Final = 300.0

_HOLE: Final = re.compile(r"⟦(.*?)⟧", re.DOTALL)
_GRAMMARS: Final = {
    "typescript": tree_sitter_typescript.language_typescript,
    "go": tree_sitter_go.language,
    "c": tree_sitter_c.language,
    "lua": tree_sitter_lua.language,
}


@dataclass(frozen=True)
class Hole:
    """One empty place in a file, and what stood there."""

    file: str
    number: int
    language: str
    before: str
    truth: str
    after: str

    @property
    def name(self) -> str:
        """What it is called in a table."""
        return f"{self.file}:{self.before.count(chr(10)) + 1}"

    def uri(self, kind: int) -> str:
        """Return a document for this hole and this way to ask: no answer serves another."""
        stem, _, suffix = self.file.partition(".")
        return f"file:///ws/{stem}{self.number}{'abc'[kind]}.{suffix}"

    @property
    def place(self) -> tuple[int, int]:
        """Line and character of the cursor. The files are plain ASCII."""
        return self.before.count("\n"), len(self.before) - self.before.rfind("\n") - 1

    def filled(self, text: str) -> str:
        """The file with a text in the hole."""
        return self.before + text + self.after


@dataclass(frozen=True)
class Filling:
    """What a hole was filled with; None, and why, if nothing came."""

    hole: Hole
    text: str | None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether the file can be parsed with it."""
        return self.text is not None and parses(self.hole.language, self.hole.filled(self.text))


def holes(folder: Path = FOLDER) -> Iterator[Hole]:
    """Read all holes of a folder."""
    for file in sorted(one for one in folder.iterdir() if one.suffix in LANGUAGES):
        source = file.read_text("utf-8")
        for number, found in enumerate(_HOLE.finditer(source), 1):
            before, after = _HOLE.sub(r"\1", source[: found.start()]), _HOLE.sub(r"\1", source[found.end() :])
            yield Hole(file.name, number, LANGUAGES[file.suffix], before, found[1], after)


def fill(client: Client, hole: Hole, kind: int = INVOKED) -> Filling:
    """Fill a hole through the whole server."""
    uri = hole.uri(kind)
    client.open(uri, hole.filled(""), hole.language)
    items = client.answer(client.ask_ghost(uri, *hole.place, kind), WAIT_S)["items"]
    assert isinstance(items, list)
    if items:
        return Filling(hole, _text(items[0]))
    return Filling(hole, None, str(client.request("farebox/explain")["reason"]))


def _text(item: Json) -> str:
    text = item["insertText"]
    assert isinstance(text, str)
    return text


def table(fillings: Sequence[Filling]) -> str:
    """Write what came of all holes."""
    lines = [
        f"{filling.hole.name:18} {_verdict(filling)} "
        f"{'exact ' if filling.text == filling.hole.truth else '      '} "
        f"{filling.reason or repr(filling.text)}"
        for filling in fillings
    ]
    shown = [filling for filling in fillings if filling.text is not None]
    whole = sum(filling.is_whole for filling in shown)
    exact = sum(filling.text == filling.hole.truth for filling in shown)
    share = f"{whole} of {len(shown)} shown are whole ({whole_share(fillings):.0%})"
    lines.append(f"{share}, {exact} exactly what stood there")
    lines.append(f"{len(fillings) - len(shown)} of {len(fillings)} holes got nothing")
    return "\n".join(lines)


def _verdict(filling: Filling) -> str:
    if filling.text is None:
        return "nothing"
    return "whole  " if filling.is_whole else "BROKEN "


def whole_share(fillings: Sequence[Filling]) -> float:
    """Return which share of what was shown is whole. Where nothing is shown the file stays as it was."""
    shown = [filling for filling in fillings if filling.text is not None]
    return sum(filling.is_whole for filling in shown) / max(len(shown), 1)


def parses(language: str, text: str) -> bool:
    """Say whether a language's parser finds no error in a text."""
    if language == "python":
        try:
            ast.parse(text)
        except SyntaxError:
            return False
        return True
    return not _parser(language).parse(text.encode()).root_node.has_error


@cache
def _parser(language: str) -> Parser:
    return Parser(Language(_GRAMMARS[language]()))
