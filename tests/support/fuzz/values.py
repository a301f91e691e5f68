"""Params made after a description: lsprotocol's types for LSP, our own schema for ours; some fields go wrong.

``Wild`` makes one value; ``spoil`` is how likely each field is left out, or becomes what it may not be.
"""

import enum
import random
import types as python_types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import attrs
from lsprotocol import types as lsp

from farebox.cli.schema import schema as own_schema
from support.metamodel import Json
from support.units import random_text

MAX_DEPTH = 6
MAX_ITEMS = 3

EXTREMES: tuple[object, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**31 - 1,
        2**31,
        -(2**31),
        2**53,
        2**64,
        10**40,
        0.5,
        -0.0,
        1e308,
        5e-324,
    ),
    *(
        "",
        "x",
        "5",
        "\x00",
        "\ud800",
        "\u202e",
        "__proto__",
        "null",
        "a" * 20_000,
        "%00",
        "file://",
        "file:///../..",
    ),
    *([], [[]], {}, {"__proto__": {"x": 1}}, {"": ""}, [None] * 50),
)
URIS = (
    "file:///ws/a.py",
    "untitled:Untitled-1",
    "FILE:///ws/a.py",
    "file:///c%3A/x.py",
    "vscode-notebook-cell:/x#1",
)


@dataclass(slots=True)
class Wild:
    """Makes values with a set of dice."""

    dice: random.Random
    spoil: float = 0.1

    def own(self, method: str) -> object:
        """Return params of one of our methods."""
        schema = _schema()
        return self._by_schema(schema["methods"][method]["params"], schema["$defs"], 0)

    def lsp(self, method: str) -> object:
        """Return params of a method of LSP."""
        kind = params_types()[method]
        return None if kind is None else self._by_type(kind, 0)

    def _spoilt(self) -> bool:
        return self.dice.random() < self.spoil

    # --- our own schema ------------------------------------------------------------------------

    def _by_schema(self, schema: Json, definitions: Json, depth: int) -> object:
        if self._spoilt():
            return self.dice.choice(EXTREMES)
        match schema:
            case {"$ref": str() as name}:
                return self._by_schema(definitions[name.rpartition("/")[2]], definitions, depth)
            case {"const": value}:
                return value
            case {"enum": list() as values}:
                return self.dice.choice(values)
            case {"anyOf": list() as ways} | {"oneOf": list() as ways}:
                return self._by_schema(self.dice.choice(ways), definitions, depth)
            case {"type": "object"}:
                return self._object_by_schema(schema, definitions, depth)
            case {"type": "array", "items": dict() as item}:
                count = 0 if depth > MAX_DEPTH else self.dice.randrange(MAX_ITEMS)
                return [self._by_schema(item, definitions, depth + 1) for _ in range(count)]
            case {"type": "string"}:
                return self._string()
            case {"type": "integer"} | {"type": "number"}:
                return self.dice.choice((0, 1, 3, 100))
            case {"type": "boolean"}:
                return self.dice.random() < 0.5
            case _:
                return None

    def _object_by_schema(self, schema: Json, definitions: Json, depth: int) -> Json:
        required = schema.get("required", ())
        made: Json = {}
        for name, kind in schema.get("properties", {}).items():
            if name not in required and self.dice.random() < 0.6:
                continue
            if not self._spoilt():
                made[name] = self._by_schema(kind, definitions, depth + 1)
        if self._spoilt():
            made["unheardOf"] = self.dice.choice(EXTREMES)
        return made

    # --- lsprotocol's types --------------------------------------------------------------------

    def _by_type(self, kind: object, depth: int) -> object:
        if self._spoilt():
            return self.dice.choice(EXTREMES)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, python_types.UnionType):
            return self._by_type(self.dice.choice(arguments), depth)
        if origin is typing.Literal:
            return self.dice.choice(arguments)
        if origin is tuple:
            return [self._by_type(one, depth + 1) for one in arguments if one is not ...]
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return {self._string(): self._by_type(arguments[1], depth + 1)}
        if isinstance(origin, type) and issubclass(origin, Sequence):
            count = 0 if depth > MAX_DEPTH else self.dice.randrange(MAX_ITEMS)
            return [self._by_type(arguments[0], depth + 1) for _ in range(count)]
        return self._by_class(kind, depth) if isinstance(kind, type) else self.dice.choice(EXTREMES)

    def _by_class(self, kind: type[object], depth: int) -> object:
        if attrs.has(kind):
            return {} if depth > MAX_DEPTH else self._structure(kind, depth)
        if issubclass(kind, enum.Enum):
            return self.dice.choice([one.value for one in kind])
        plain: dict[type[object], Callable[[], object]] = {
            str: self._string,
            bool: lambda: self.dice.random() < 0.5,
            int: lambda: self.dice.choice((0, 1, 2, 7)),
            float: lambda: 0.5,
        }
        return plain.get(kind, lambda: None)()

    def _structure(self, kind: type[object], depth: int) -> Json:
        made: Json = {}
        for name, field_type, required in _fields(kind):
            if (required or self.dice.random() < 0.3) and not self._spoilt():
                made[name] = self._by_type(field_type, depth + 1)
        return made

    def _string(self) -> str:
        return self.dice.choice((self.dice.choice(URIS), random_text(self.dice, 3), "python", "chat", "x"))


@cache
def params_types() -> Mapping[str, object]:
    """Return the type of each method's params that LSP knows."""
    return {
        method: entry[2]
        for method, entry in lsp.METHOD_TO_TYPES.items()
        if method not in (lsp.INITIALIZE, lsp.SHUTDOWN, lsp.EXIT)
    }


@cache
def _schema() -> Json:
    return own_schema()


@cache
def _fields(kind: type[object]) -> Sequence[tuple[str, object, bool]]:
    resolved = attrs.resolve_types(kind, vars(lsp) | vars(typing))  # pyright: ignore[reportArgumentType]
    return [
        (_camel(field.name), field.type, field.default is attrs.NOTHING) for field in attrs.fields(resolved)
    ]


def _camel(name: str) -> str:
    first, *rest = name.strip("_").split("_")
    return first + "".join(word.capitalize() for word in rest)
