"""The secrets that are known by how they look: ``secrets.toml``, read once and made ready to be asked.

Knows the file's shape; not where a text comes from or what becomes of a secret in it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Final, NotRequired, TypedDict, cast

START_CHARS: Final = 3
"""So many first characters say which words are worth a look. No start in the file is shorter."""


@dataclass(frozen=True)
class Format:
    """One sort of secret. The pattern is compiled where one of its marks is met for the first time."""

    kind: str
    pattern: str
    starts: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    before: int = 0
    near: str | None = None

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern, ready to match."""
        return re.compile(self.pattern, re.ASCII)


@dataclass(frozen=True, slots=True)
class Formats:
    """All of them: by the beginning of a word, by a mark, by what a text is about."""

    by_start: Mapping[bytes, tuple[Format, ...]]
    by_mark: tuple[tuple[str, Format], ...]
    by_word: tuple[tuple[str, tuple[Format, ...]], ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What the name of a secret is made of; ``secrets.toml`` says how."""

    words: tuple[str, ...]
    whole: tuple[str, ...]
    unlike: tuple[str, ...]
    of_a_key: tuple[str, ...]
    about: tuple[str, ...]


class _Table(TypedDict):
    """The shape of a table in secrets.toml; it is ours, and a test holds it to this."""

    kind: str
    pattern: str
    starts: NotRequired[list[str]]
    marks: NotRequired[list[str]]
    before: NotRequired[int]
    near: NotRequired[str]


class _Names(TypedDict):
    words: list[str]
    whole: list[str]
    unlike: list[str]
    of_a_key: list[str]
    about: list[str]


class _Document(TypedDict):
    names: _Names
    format: list[_Table]


@cache
def formats() -> Formats:
    """Read the list."""
    every = known()
    by_start: dict[bytes, tuple[Format, ...]] = {}
    for one in every:
        for start in dict.fromkeys(start[:START_CHARS].encode() for start in one.starts):
            by_start[start] = (*by_start.get(start, ()), one)
    words = dict.fromkeys(one.near for one in every if one.near is not None)
    return Formats(
        by_start,
        tuple((mark, one) for one in every for mark in one.marks),
        tuple((word, tuple(one for one in every if one.near == word)) for word in words),
    )


@cache
def known() -> tuple[Format, ...]:
    """Every format, in the file's order: of two that fit at one place the first counts."""
    return tuple(
        Format(
            table["kind"],
            table["pattern"],
            tuple(table.get("starts", ())),
            tuple(table.get("marks", ())),
            table.get("before", 0),
            table.get("near"),
        )
        for table in _document()["format"]
    )


@cache
def names() -> Names:
    """What names say of a secret."""
    table = _document()["names"]
    every = (table["words"], table["whole"], table["unlike"], table["of_a_key"], table["about"])
    return Names(*map(tuple, every))


@cache
def _document() -> _Document:
    text = files("farebox.privacy").joinpath("secrets.toml").read_text(encoding="utf-8")
    return cast("_Document", cast("object", tomllib.loads(text)))
