"""The fill-in-the-middle formats of model families: who a model's name belongs to, and a hole in its tokens.

Every format is data (``fim.toml``). Where pieces of other files belong is part of it; a family that has no
place for them gets them as comments before the prefix, which any model of code can read.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, cast

from farebox.completion.languages import language_of
from farebox.completion.window import Snippet, Window

DEFAULT_COMMENT: Final = "#"

_FIELD: Final = re.compile(r"\{(files|prefix|suffix|name|text)\}")


@dataclass(frozen=True, slots=True)
class Family:
    """One family's format; ``fim.toml`` says what each field means."""

    form: str
    head: str
    file: str
    current: str
    plain: bool
    markers: tuple[str, ...]
    stops: tuple[str, ...]

    def raw(self, window: Window, snippets: tuple[Snippet, ...] = ()) -> str:
        """Write a hole in this family's tokens. A snippet that holds one of them is left out."""
        kept = tuple(one for one in snippets if not self._is_in(one.text + one.name))
        commented = "" if self.file else as_comments(kept, window.language)
        files = self.files(window, kept) if self.file else ""
        is_suffix_first = self.form.find("{suffix}") < self.form.find("{prefix}")
        suffix = window.steady_suffix if is_suffix_first else window.suffix
        fields = {"prefix": commented + window.prefix, "suffix": suffix, "name": window.name}
        return _filled(self.form, {**fields, "files": files})

    def files(self, window: Window, snippets: tuple[Snippet, ...]) -> str:
        """Write what stands before a hole where there are pieces of other files; else nothing."""
        if not snippets:
            return ""
        pieces = [_filled(self.file, {"name": one.name, "text": one.text}) for one in snippets]
        return f"{self.head}{''.join(pieces)}{_filled(self.current, {'name': window.name})}"

    def _is_in(self, text: str) -> bool:
        return any(marker.strip() in text for marker in (*self.markers, *self.stops) if marker.strip())


def family_of(model: str) -> Family | None:
    """Find the family that a model's name belongs to."""
    name = model.lower()
    return next((family for parts, family in _families() if any(part in name for part in parts)), None)


@cache
def all_markers() -> tuple[str, ...]:
    """Every token of every family: none of them is ever code."""
    markers = {marker.strip() for _, one in _families() for marker in (*one.markers, *one.stops)}
    return tuple(sorted((marker for marker in markers if len(marker) > 1), key=len, reverse=True))


def as_comments(snippets: Iterable[Snippet], language_id: str) -> str:
    """Write pieces of other files as comments of a language; nothing where there are none."""
    language = language_of(language_id)
    blocks = [f"{one.name}\n{one.text.rstrip()}" for one in snippets]
    if not language.line_comments and language.block_comments:
        opens, closes = language.block_comments[0]
        return "".join(f"{opens} {_broken_up(block, closes)} {closes}\n\n" for block in blocks)
    mark = language.line_comments[0] if language.line_comments else DEFAULT_COMMENT
    return "".join(
        "".join(f"{mark} {line}".rstrip() + "\n" for line in block.split("\n")) + "\n" for block in blocks
    )


def _broken_up(text: str, mark: str) -> str:
    """Part the characters of what ends a comment: the rest of a text that holds it would stand as code."""
    while len(mark) > 1 and mark in text:
        text = text.replace(mark, f"{mark[:-1]} {mark[-1]}")
    return text


def _filled(form: str, fields: Mapping[str, str]) -> str:
    """Put each field in its place, once: what is put in may itself look like a field."""
    return _FIELD.sub(lambda found: fields.get(found[1], ""), form)


@cache
def _families() -> tuple[tuple[tuple[str, ...], Family], ...]:
    data = resources.files("farebox.completion").joinpath("fim.toml").read_text("utf-8")
    tables = cast("Mapping[str, Mapping[str, object]]", tomllib.loads(data))
    return tuple(
        (
            tuple(cast("list[str]", table["match"])),
            Family(
                form=str(table["form"]),
                head=str(table.get("head", "")),
                file=str(table.get("file", "")),
                current=str(table.get("current", "")),
                plain=table.get("plain") is True,
                markers=tuple(cast("list[str]", table["markers"])),
                stops=tuple(cast("list[str]", table["stops"])),
            ),
        )
        for table in tables.values()
    )
