"""The outline of a Python file, by Python's own parser.

A file is parsed in parts, cut where statements begin at the left edge: no part holds the interpreter for
long, and one that no parser takes, because somebody is typing in it, is read by patterns alone.
"""

import ast
import re
import warnings
from collections.abc import Iterator

from farebox.completion import pattern_outline
from farebox.completion.outline import (
    MAX_SIGNATURE_CHARS,
    MAX_VALUE_CHARS,
    Definition,
    Import,
    Kind,
    Outline,
    one_line,
)

PART_CHARS = 1_500
"""A part's tree takes 150 bytes a character while it is read, and one syntax error spoils the whole part."""

MAX_PART_CHARS = 60_000
"""A single statement that is longer is read by patterns: parsing holds the interpreter's lock."""

MAX_DEFINITIONS = 1_500

_BEGINS = re.compile(
    r"(?:class|def|async|from|import|if|try|@)\b|@|(?!else\b|except\b|finally\b)[A-Za-z_]\w*[^\S\n]*[:=]"
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read(text: str) -> Outline:
    """Read a file's outline; parts with a syntax error by patterns."""
    definitions: list[Definition] = []
    imports: list[Import] = []
    for first, source in _parts(text):
        part = _read_part(source, first)
        definitions += part.definitions
        imports += part.imports
        if len(definitions) >= MAX_DEFINITIONS:
            break
    return Outline(tuple(definitions[:MAX_DEFINITIONS]), tuple(imports))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text where a statement begins at the left edge and what came before is long enough.

    Yields the number of each part's first line, and the part without its last line end.
    """
    first = number = start = at = end = 0
    decorated = False
    while end >= 0:
        if at - start >= PART_CHARS and not decorated and _BEGINS.match(text, at):
            yield first, text[start : at - 1]
            first, start = number, at
        decorated = text.startswith("@", at) or (decorated and text[at : at + 1] in " \t)#\n")
        end = text.find("\n", at)
        at, number = end + 1, number + 1
    yield first, text[start:]


def _read_part(source: str, first: int) -> Outline:
    if len(source) <= MAX_PART_CHARS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in other people's strings
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
        else:
            reader = _Reader(source.splitlines() if "\f" in source else source.split("\n"), first)
            reader.read(tree.body, "")
            return Outline(tuple(reader.definitions), tuple(reader.imports))
    return pattern_outline.read(source, "python", first)


class _Reader:
    """Collects what the statements of one part define."""

    def __init__(self, lines: list[str], first: int) -> None:
        self.definitions: list[Definition] = []
        self.imports: list[Import] = []
        self._lines = lines
        self._first = first

    def read(self, statements: list[ast.stmt], owner: str, *, depth: int = 0) -> None:
        for node in statements:
            match node:
                case ast.ClassDef():
                    self._add(node, node.name, "type", owner, self._head(node))
                    self.read(node.body, node.name, depth=depth + 1)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._add(node, node.name, "function", owner, self._head(node))
                    self._attributes(node, owner)
                case ast.Assign(targets=targets):
                    for name in _plain_names(targets):
                        self._add(node, name, "value", owner, self._line_of(node))
                        break
                case ast.AnnAssign(target=ast.Name(id=name)):
                    self._add(node, name, "value", owner, self._line_of(node))
                case ast.Import(names=names):
                    self._import(node, names[0].name, [alias.asname or alias.name for alias in names])
                case ast.ImportFrom(module=module, names=names, level=level):
                    brought = [alias.asname or alias.name for alias in names]
                    self._import(node, "." * level + (module or ""), brought)
                case ast.If(body=body, orelse=orelse):
                    self.read(body, owner, depth=depth)
                    self.read(orelse, owner, depth=depth)
                case ast.Try(body=body, handlers=handlers, orelse=orelse):
                    self.read([*body, *orelse], owner, depth=depth)
                    for handler in handlers:
                        self.read(handler.body, owner, depth=depth)
                case _:
                    pass

    def _attributes(self, node: _Function, owner: str) -> None:
        """What ``__init__`` sets on self are the members of the class."""
        if not owner or node.name not in {"__init__", "__new__", "__attrs_post_init__"}:
            return
        for statement in node.body:
            targets = (
                statement.targets
                if isinstance(statement, ast.Assign)
                else [statement.target]
                if isinstance(statement, ast.AnnAssign)
                else []
            )
            for target in targets:
                if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
                    self._add(statement, target.attr, "value", owner, self._line_of(statement))

    def _head(self, node: _Function | ast.ClassDef) -> str:
        """The lines of a definition up to its body; a body on the same line is dropped."""
        last = node.body[0].lineno - 1
        lines = self._lines[node.lineno - 1 : max(last, node.lineno)]
        if last == node.lineno - 1:
            body_at = len(lines[0].encode()[: node.body[0].col_offset].decode(errors="ignore"))
            lines = [lines[0][:body_at]]
        code = [line for line in lines if not line.lstrip().startswith(("#", "@"))]
        return one_line(code, MAX_SIGNATURE_CHARS).removesuffix(":")

    def _line_of(self, node: ast.stmt) -> str:
        return one_line(self._lines[node.lineno - 1 : node.end_lineno], MAX_VALUE_CHARS)

    def _add(self, node: ast.stmt, name: str, kind: Kind, owner: str, text: str) -> None:
        line = self._first + node.lineno - 1
        self.definitions.append(Definition(name, kind, line, text, owner))

    def _import(self, node: ast.stmt, module: str, names: list[str]) -> None:
        text = one_line(self._lines[node.lineno - 1 : node.end_lineno], 10 * MAX_SIGNATURE_CHARS)
        self.imports.append(Import(module, tuple(names), self._first + node.lineno - 1, text))


def _plain_names(targets: list[ast.expr]) -> Iterator[str]:
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id
