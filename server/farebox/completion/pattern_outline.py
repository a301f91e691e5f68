"""The outline of a file in any language, by the patterns of ``definitions.toml``.

Lines are looked at one by one, and what belongs to what is told by indentation: honest guesses, in time
that grows with the text. Overlong lines, those of minified files, are passed over.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import cast

from farebox.completion.outline import (
    MAX_SIGNATURE_CHARS,
    MAX_VALUE_CHARS,
    Definition,
    Import,
    Kind,
    Outline,
    one_line,
)

MAX_LINE_CHARS = 300
MAX_SIGNATURE_LINES = 12
MAX_DEFINITIONS = 1_500
MAX_IMPORTS = 300
MAX_IMPORT_LINES = 40

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_NOT_NAMES = frozenset(
    (
        *(
            "import",
            "from",
            "as",
            "use",
            "using",
            "static",
            "type",
            "export",
            "const",
            "let",
            "var",
            "require",
        ),
        *("default", "pub", "include", "local", "mod"),
    )
)
_FILE_SUFFIX = re.compile(r"\.(?:hh?|h(?:pp|xx)|[cm]?[jt]sx?|lua|rb|php)$")
_COMMENTS = ("//", "#!", "*", "/*", "--", '"""', "'''", "<!--")


@dataclass(frozen=True, slots=True)
class Patterns:
    """How one language's definitions look."""

    containers: tuple[re.Pattern[str], ...]
    functions: tuple[re.Pattern[str], ...]
    values: tuple[re.Pattern[str], ...]
    members: tuple[re.Pattern[str], ...]
    imports: tuple[re.Pattern[str], ...]
    closed: re.Pattern[str]
    labels: re.Pattern[str] | None


@dataclass(slots=True)
class _Container:
    name: str
    indent: int
    member_indent: int = -1


@dataclass(slots=True)
class _Found:
    definitions: list[Definition] = field(default_factory=list[Definition])
    imports: list[Import] = field(default_factory=list[Import])


def read(text: str, language: str, first_line: int = 0) -> Outline:
    """Read an outline; an empty one for a language without patterns. ``first_line`` is the text's own."""
    patterns = patterns_of(language)
    if patterns is None:
        return Outline()
    lines = text.split("\n")
    found = _Found()
    open_: list[_Container] = []
    at = 0
    while at < len(lines) and len(found.definitions) < MAX_DEFINITIONS:
        at += _read_line(lines, at, patterns=patterns, open_=open_, found=found, first_line=first_line)
    return Outline(tuple(found.definitions), tuple(found.imports[:MAX_IMPORTS]))


def _read_line(
    lines: list[str],
    at: int,
    *,
    patterns: Patterns,
    open_: list[_Container],
    found: _Found,
    first_line: int,
) -> int:
    """Look at one line. Returns how many lines it took."""
    line = lines[at].rstrip()
    code = line.lstrip()
    if not code or len(line) > MAX_LINE_CHARS or code.startswith(_COMMENTS):
        return 1
    if patterns.labels is not None and patterns.labels.fullmatch(code):
        return 1
    indent = len(line) - len(code)
    while open_ and indent <= open_[-1].indent and code[0] not in "{)":
        open_.pop()
    if imported := _match(patterns.imports, code):
        return _add_import(lines, at, imported, found, first_line)
    if import_end := _import_block(lines, at, patterns):
        text = one_line(lines[at : at + import_end], 10 * MAX_SIGNATURE_CHARS)
        if whole := _match(patterns.imports, text.strip()):
            names = _names(text, whole["module"])
            found.imports.append(Import(whole["module"], names, first_line + at, text))
            return import_end
    owner = open_[-1] if open_ else None
    if owner is not None and owner.member_indent < 0 and code[0] not in "{})":
        owner.member_indent = indent
    kind, match = _definition(patterns, code, indent, owner)
    if match is None:
        return 1
    owner_name = match.groupdict().get("owner") or (owner.name if owner is not None else "")
    signature = _signature(lines, at, MAX_VALUE_CHARS if kind == "value" else MAX_SIGNATURE_CHARS)
    if match["name"]:
        found.definitions.append(Definition(match["name"], kind, first_line + at, signature, owner_name))
    if kind == "type" and not code.endswith(";"):
        open_.append(_Container(match["name"], indent))
    return 1


def _definition(
    patterns: Patterns, code: str, indent: int, owner: _Container | None
) -> tuple[Kind, re.Match[str] | None]:
    if match := _match(patterns.containers, code):
        return "type", match
    if match := _match(patterns.functions, code):
        return "function", match
    if patterns.closed.match(code):
        return "value", None
    if owner is not None and indent == owner.member_indent:
        match = _match(patterns.members, code)
        is_call = match is not None and "(" in code[match.end() - 1 : match.end() + 1]
        return ("function" if is_call else "value"), match
    return "value", (_match(patterns.values, code) if indent == 0 else None)


def _signature(lines: list[str], at: int, most_chars: int) -> str:
    """A definition's lines up to where its brackets are closed, without the body that it opens."""
    depth = 0
    end = at
    for end in range(at, min(at + MAX_SIGNATURE_LINES, len(lines))):
        line = lines[end][:MAX_LINE_CHARS]
        depth += line.count("(") - line.count(")")
        if depth <= 0:
            break
    text = one_line(lines[at : end + 1], most_chars).rstrip()
    return text.removesuffix("{").removesuffix(":").rstrip() or text


def _add_import(lines: list[str], at: int, imported: re.Match[str], found: _Found, first_line: int) -> int:
    end = at
    depth = 0
    for end in range(at, min(at + MAX_IMPORT_LINES, len(lines))):
        line = lines[end]
        depth += sum(map(line.count, "({")) - sum(map(line.count, ")}"))
        if depth <= 0:
            break
    text = one_line(lines[at : end + 1], 10 * MAX_SIGNATURE_CHARS)
    module = imported["module"]
    found.imports.append(Import(module, _names(text, module), first_line + at, text))
    return end + 1 - at


def _import_block(lines: list[str], at: int, patterns: Patterns) -> int:
    """How many lines an import takes whose module stands on its last one (``} from "x"``)."""
    if not re.match(r"\s*(?:import|export)\b[^;]*\{[^}]*$", lines[at]) or not patterns.imports:
        return 0
    for end in range(at, min(at + MAX_IMPORT_LINES, len(lines))):
        if "}" in lines[end]:
            return end + 1 - at
    return 0


def _names(text: str, module: str) -> tuple[str, ...]:
    words = [word for word in _WORD.findall(text.replace(module, " ", 1)) if word not in _NOT_NAMES]
    last = [word for word in _WORD.findall(_FILE_SUFFIX.sub("", module))[-1:] if word not in words]
    return tuple(dict.fromkeys([*words, *last]))


def _match(patterns: tuple[re.Pattern[str], ...], code: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := pattern.match(code)) is not None), None)


def patterns_of(language: str) -> Patterns | None:
    """The patterns of an LSP language id (or a file's suffix), or None."""
    return _all_patterns().get(language.lower())


@cache
def _all_patterns() -> Mapping[str, Patterns]:
    data = resources.files("farebox.completion").joinpath("definitions.toml").read_text("utf-8")
    tables = cast("Mapping[str, Mapping[str, list[str] | str]]", tomllib.loads(data))
    known: dict[str, Patterns] = {}
    for table in tables.values():
        patterns = Patterns(
            containers=_compiled(table["containers"]),
            functions=_compiled(table["functions"]),
            values=_compiled(table["values"]),
            members=_compiled(table["members"]),
            imports=_compiled(table["imports"]),
            closed=re.compile(str(table["closed"])),
            labels=re.compile(str(table["labels"])) if "labels" in table else None,
        )
        known.update(dict.fromkeys(table["languages"], patterns))
    return known


def _compiled(texts: list[str] | str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(text) for text in texts)
