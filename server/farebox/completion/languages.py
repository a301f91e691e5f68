"""What farebox knows of programming languages, read from ``languages.toml``.

Completion cuts, compares and judges text of any language, and must not have a branch for each: how comments
and strings are written, which words end a block and what files are called are data. This module only reads
and looks up; it knows no text. An id or a file that nobody has described gets a plain language, never an
error: ghost text has to work in every file.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, NotRequired, TypedDict, cast

Written = Literal["comment", "string"]

UNKNOWN = "unknown"
"""The table of a language that has none."""

BRACKETS = "()[]{}"

_MAX_SUFFIX_CHARS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """One way to write a string, or a comment.

    ``opens_at`` is a regular expression whose first character is one of ``starts``. ``closes`` is a literal
    in which ``{fence}`` stands for the group of that name in ``opens_at``; it is empty where only the
    line's end closes. ``escape`` is the character that takes the meaning of the next one, or ``double``
    where a doubled closer does not close. Without ``lines`` it ends with its line at the latest.
    """

    kind: Written
    opens_at: str
    starts: str
    closes: str
    escape: str = ""
    lines: bool = False
    nested: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language. There is one object of each, so that it can be told apart by identity.

    ``opaque`` are pieces of code, as regular expressions beginning with one of ``opaque_starts``, that only
    look like a beginning of something. ``free_closers`` are closing brackets that may stand alone.
    ``block_ends`` are words that end a block (``end``), ``continuations`` words that go on with a
    statement after its block (``else``) or its head (a shell's ``do``). ``indents``: blocks are told by
    indentation.
    """

    id: str
    line_comments: tuple[str, ...]
    block_comments: tuple[tuple[str, str], ...]
    strings: tuple[Form, ...]
    comments: tuple[Form, ...]
    opaque: tuple[str, ...]
    opaque_starts: str
    free_closers: str
    keywords: frozenset[str]
    indents: bool
    block_ends: frozenset[str]
    continuations: frozenset[str]
    file_suffixes: tuple[str, ...]
    file_names: tuple[str, ...]


class _FormTable(TypedDict):
    kind: NotRequired[Written]
    opens: NotRequired[str]
    opens_at: NotRequired[str]
    starts: NotRequired[str]
    closes: str
    escape: NotRequired[str]
    lines: NotRequired[bool]


class _LanguageTable(TypedDict, total=False):
    like: str
    aliases: list[str]
    file_suffixes: list[str]
    file_names: list[str]
    line_comments: list[str]
    block_comments: list[list[str]]
    nested_comments: bool
    comment_behind: str
    forms: list[str]
    opaque: list[str]
    opaque_starts: str
    free_closers: str
    keywords: str
    indents: bool
    block_ends: list[str]
    continuations: list[str]


class _Data(TypedDict):
    forms: Mapping[str, _FormTable]
    languages: Mapping[str, _LanguageTable]


def language_of(language_id: str) -> Language:
    """Return the language that an editor calls so; a plain one for an id that is not known."""
    known = _languages()
    return known.get(language_id) or known.get(language_id.lower()) or known[UNKNOWN]


def language_id_of(file_name: str) -> str:
    """Return the id of a file's language by its name or path; its suffix where that says nothing."""
    name = file_name.replace("\\", "/").rpartition("/")[2]
    by_name, by_suffix = _files()
    if name in by_name:
        return by_name[name]
    stem, dot, suffix = name.rpartition(".")
    if not dot:
        return ""
    if suffix not in by_suffix and stem in by_name:
        return by_name[stem]  # Dockerfile.dev
    return by_suffix.get(suffix) or by_suffix.get(suffix.lower()) or suffix[:_MAX_SUFFIX_CHARS].lower()


def languages() -> Iterator[Language]:
    """Yield every language that is described, once each."""
    yield from dict.fromkeys(_languages().values())


@cache
def _languages() -> Mapping[str, Language]:
    data = _data()
    found: dict[str, Language] = {}
    for name, table in data["languages"].items():
        language = _language(name, _merged(table, data["languages"]), data["forms"])
        for known_as in (name, *table.get("aliases", ())):
            found[known_as] = language
    return found


@cache
def _files() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return the ids of languages by a file's name, and by its suffix. The first to claim one has it."""
    by_name: dict[str, str] = {}
    by_suffix: dict[str, str] = {}
    for language in languages():
        for name in language.file_names:
            by_name.setdefault(name, language.id)
        for suffix in language.file_suffixes:
            by_suffix.setdefault(suffix, language.id)
    return by_name, by_suffix


@cache
def _data() -> _Data:
    text = files("farebox.completion").joinpath("languages.toml").read_text("utf-8")
    return cast("_Data", cast("object", tomllib.loads(text)))


def _merged(table: _LanguageTable, tables: Mapping[str, _LanguageTable]) -> _LanguageTable:
    """Take over from another language all but what its files and its ids are called."""
    if "like" not in table:
        return table
    base = _merged(tables[table["like"]], tables)
    return {**base, "file_suffixes": [], "file_names": [], "aliases": [], **table}


def _language(name: str, table: _LanguageTable, forms: Mapping[str, _FormTable]) -> Language:
    behind = table.get("comment_behind", "")
    listed = [_form(forms[form]) for form in table.get("forms", ())]
    blocks = tuple((pair[0], pair[1]) for pair in table.get("block_comments", ()))
    return Language(
        id=name,
        line_comments=tuple(table.get("line_comments", ())),
        block_comments=blocks,
        strings=tuple(form for form in listed if form.kind == "string"),
        comments=(
            *(form for form in listed if form.kind == "comment"),
            *(_block_comment(*pair, nested=table.get("nested_comments", False)) for pair in blocks),
            *(_line_comment(mark, behind) for mark in table.get("line_comments", ())),
        ),
        opaque=tuple(table.get("opaque", ())),
        opaque_starts=table.get("opaque_starts", ""),
        free_closers=table.get("free_closers", ""),
        keywords=frozenset(table.get("keywords", "").split()),
        indents=table.get("indents", False),
        block_ends=frozenset(table.get("block_ends", ())),
        continuations=frozenset(table.get("continuations", ())),
        file_suffixes=tuple(table.get("file_suffixes", ())),
        file_names=tuple(table.get("file_names", ())),
    )


def _form(table: _FormTable) -> Form:
    opens = table.get("opens", "")
    return Form(
        kind=table.get("kind", "string"),
        opens_at=table["opens_at"] if "opens_at" in table else re.escape(opens),
        starts=table["starts"] if "starts" in table else opens[0],
        closes=table["closes"],
        escape=table.get("escape", ""),
        lines=table.get("lines", False),
    )


def _block_comment(opens: str, closes: str, *, nested: bool) -> Form:
    return Form("comment", re.escape(opens), opens[0], closes, lines=True, nested=nested)


def _line_comment(opens: str, behind: str) -> Form:
    return Form("comment", f"{behind}{re.escape(opens)}", opens[0], "")
