"""A settings file: read without ever waiting for it, and where in its text a key stands.

It is read on the event loop, and a workspace's comes with the repository: git carries symbolic links, so
it may be one to a terminal, a pipe or a device, which would be waited for without end.
"""

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias, cast

from farebox.errors import ConfigError

MAX_FILE_BYTES = 64 * 1024
MAX_KEY_PARTS = 16
"""tomllib takes the square of them: minutes for a file of one long key."""

_LONG_QUOTES = ('"""', "'''")
_KEY_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+))\s*([.=\]])""", re.ASCII)
_LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.){0,200}+"|'[^'\n]{0,200}+')[ \t]*+\.[ \t]*+)"""
    f"{{{MAX_KEY_PARTS}}}",
    re.ASCII,
)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)

TomlTable: TypeAlias = dict[str, object]


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings: ``text`` is there for files, so that errors can name a line."""

    name: str
    table: TomlTable
    text: str | None = None


def read_file(path: Path) -> Layer:
    """Read a TOML file; an absent one is an empty layer. Raises ConfigError."""
    try:
        raw = _read(path)
    except FileNotFoundError:
        return Layer(str(path), {})
    except OSError as exc:
        raise ConfigError(
            f"can't read {path}: {exc.strerror}", hint="Check the file and its permissions."
        ) from exc
    try:
        text = raw.decode("utf-8-sig")
        _refuse_long_keys(path, text)
        table = cast("TomlTable", tomllib.loads(text, parse_float=Decimal))
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path} is not UTF-8", hint="Save the file as UTF-8.") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: {exc}", hint="Fix the TOML syntax there.") from exc
    except (RecursionError, ValueError, ArithmeticError) as exc:
        # tomllib lets its own limits through: nesting, the digits of an integer, the exponent of a number.
        raise ConfigError(
            f"{path}: nested too deeply, or a number too large", hint="Fix the TOML there."
        ) from exc
    return Layer(str(path), table, text)


def _read(path: Path) -> bytes:
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(
                f"{path} is not a plain file", hint="Remove it, or put a file with settings in its place."
            )
        # Some files of the kernel look plain and have nothing to read yet: that is None.
        raw = cast("bytes | None", file.read(MAX_FILE_BYTES + 1))
    if raw is None:
        raise ConfigError(f"{path} can't be read at once", hint="Put a file with settings in its place.")
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_FILE_BYTES} bytes", hint="Is it the right file?")
    return raw


def _refuse_long_keys(path: Path, text: str) -> None:
    if (found := _LONG_KEY.search(text)) is None:
        return
    line = text.count("\n", 0, found.start()) + 1
    raise ConfigError(
        f"{path}, line {line}: a key has more than {MAX_KEY_PARTS} parts",
        hint="No setting has so long a key: remove it.",
    )


def line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Find the line (from 1) where a key path is set in TOML text, or its nearest table's header."""
    best_depth, best_line = 0, None
    table: tuple[str, ...] = ()
    open_string = ""
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if open_string:
            open_string = "" if open_string in stripped else open_string
            continue
        if stripped.startswith("["):
            here = table = _dotted(stripped.lstrip("["), end="]")
        else:
            key = _dotted(stripped, end="=")
            if not key:
                continue
            here = (*table, *key)
            open_string = next((quotes for quotes in _LONG_QUOTES if stripped.count(quotes) == 1), "")
        depth = len(here)
        common = min(depth, len(path))
        if here[:common] == path[:common] and common > best_depth:
            best_depth, best_line = common, number
    return best_line


def _dotted(text: str, *, end: str) -> tuple[str, ...]:
    """Read a TOML key up to ``end``, split at its dots; quoted parts keep theirs. Empty if it is no key."""
    parts: list[str] = []
    while part := _KEY_PART.match(text):
        parts.append(part[1] or part[2] or part[3] or "")
        if part[4] != ".":
            return tuple(parts) if part[4] == end else ()
        text = text[part.end() :]
    return ()
