"""``farebox complete FILE:LINE:COLUMN``: what ghost text would say there."""

import asyncio
import re
import stat
from collections.abc import Callable
from pathlib import Path

from farebox.app import App
from farebox.cli.chat import footer, stopped
from farebox.cli.running import with_app
from farebox.cli.terminal import note, show, show_json
from farebox.completion import engine
from farebox.completion.hidden import why_withheld
from farebox.completion.languages import language_id_of
from farebox.errors import InvalidParams
from farebox.lsp.results import complete_result
from farebox.places import working_folder
from farebox.router.door import Reply

MAX_FILE_BYTES = 16 * 1024 * 1024


def complete(place: str, *, model: str | None, as_json: bool) -> int:
    """Print a completion; the footer goes to stderr."""
    path, hole_at = _read(place, model)

    async def ask(app: App) -> engine.Completion:
        replies: list[Reply] = []
        try:
            return await engine.complete(app.door(), hole_at(app), app.config(), note_reply=replies.append)
        except asyncio.CancelledError:
            note(stopped(replies[-1].done if replies else None))
            raise

    answer = with_app(ask, file=path)
    if as_json:
        show_json(complete_result(answer).json_value())
        return 0
    for item in answer.items:
        show(item.text)
    if answer.shut is not None:
        note(f"not asked: {answer.shut.detail}")
    if answer.hidden:
        note(why_withheld(answer.hidden))
    if answer.route is not None and answer.cost is not None:
        note(footer(answer.route, answer.usage, answer.cost))
    return 0


def _read(place: str, model: str | None) -> tuple[Path, Callable[[App], engine.Hole]]:
    """Read FILE:LINE:COLUMN and the file. Raises InvalidParams."""
    match = re.fullmatch(r"(.+):([0-9]{1,9}):([0-9]{1,9})", place)
    if match is None:
        raise InvalidParams(
            f"{place} does not end in :LINE:COLUMN",
            hint="Write FILE:LINE:COLUMN, counted from 1: app.py:12:5.",
        )
    path, line, column = Path(match[1]), int(match[2]), int(match[3])
    text = _text_of(path)
    offset = _offset(path, text, line, column)

    def hole(app: App) -> engine.Hole:
        return engine.Hole(
            path=str(path.absolute()),
            language=language_id_of(path.name),
            prefix=text[:offset],
            suffix=text[offset:],
            invoked=True,
            model=model,
            roots=app.client.roots,
            origin=app.client.origin,
        )

    return path, hole


def _text_of(path: Path) -> str:
    """Read a text file. Raises InvalidParams that says what keeps it from being one."""
    try:
        _require_plain(path)
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise InvalidParams(f"{path} is larger than {MAX_FILE_BYTES} bytes", hint="Choose another file.")
        return raw.decode("utf-8")
    except FileNotFoundError:
        raise InvalidParams(
            f"there is no file {path}", hint=f"It is looked for in {working_folder()}."
        ) from None
    except UnicodeDecodeError:
        raise InvalidParams(f"{path} is not UTF-8 text", hint="Convert it to UTF-8 first.") from None
    except PermissionError as error:
        raise InvalidParams(
            f"{path} can't be read: {error.strerror}", hint="Ask for a file that you may read."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        why = getattr(error, "strerror", None) or error
        raise InvalidParams(f"{path} can't be read: {why}", hint="Choose another file.") from None


def _require_plain(path: Path) -> None:
    """Raise InvalidParams unless it is a plain file: to open a pipe would be to wait for its writer."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise InvalidParams(f"{path} is a folder", hint="Name a file in it.")
    if not stat.S_ISREG(mode):
        raise InvalidParams(f"{path} is not a plain file", hint="Choose another file.")


def _offset(path: Path, text: str, line: int, column: int) -> int:
    """Return where a line and column are: one column more than the line has characters is its end."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if not 1 <= line <= len(lines):
        raise InvalidParams(
            f"there is no line {line} in {path}", hint=f"It has {_count(len(lines), 'line')}, counted from 1."
        )
    length = len(lines[line - 1].rstrip("\r\n"))
    if not 1 <= column <= length + 1:
        raise InvalidParams(
            f"there is no column {column} in line {line} of {path}",
            hint=f"It has {_count(length, 'character')}: columns 1 to {length + 1}, the last one is its end.",
        )
    return sum(map(len, lines[: line - 1])) + column - 1


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
