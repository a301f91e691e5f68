"""``farebox complete FILE:LINE:COLUMN``: what ghost text would say there."""

import re
from collections.abc import Callable
from pathlib import Path

from farebox.app import App
from farebox.cli.chat import footer
from farebox.cli.running import with_app
from farebox.cli.terminal import note, show, show_json
from farebox.completion import engine
from farebox.errors import InvalidParams
from farebox.lsp.methods import CompleteResult, ItemShape
from farebox.shapes import cost_shape, route_shape, usage_shape

MAX_FILE_BYTES = 16 * 1024 * 1024

_LANGUAGES = {
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
    ".go": "go",
    ".java": "java",
    ".js": "javascript",
    ".kt": "kotlin",
    ".lua": "lua",
    ".md": "markdown",
    ".php": "php",
    ".py": "python",
    ".rb": "ruby",
    ".rs": "rust",
    ".sh": "shellscript",
    ".swift": "swift",
    ".ts": "typescript",
}


def complete(place: str, *, model: str | None, as_json: bool) -> int:
    """Print a completion; the footer goes to stderr."""
    path, hole_at = _read(place, model)

    async def ask(app: App) -> engine.Completion:
        hole = hole_at(app)
        return await engine.complete(app.door(), hole, app.config().completion)

    answer = with_app(ask, file=path)
    if as_json:
        result = CompleteResult(
            items=[ItemShape(id=item.id, text=item.text) for item in answer.items],
            reason=answer.reason,
            route=route_shape(answer.route) if answer.route is not None else None,
            usage=usage_shape(answer.usage),
            cost=cost_shape(answer.cost) if answer.cost is not None else None,
        )
        show_json(result.json_value())
        return 0
    for item in answer.items:
        show(item.text)
    if answer.reason is not None:
        note(f"not asked: {answer.reason}")
    elif answer.route is not None and answer.cost is not None:
        note(footer(answer.route, answer.usage, answer.cost))
    return 0


def _read(place: str, model: str | None) -> tuple[Path, Callable[[App], engine.Hole]]:
    """Read FILE:LINE:COLUMN and the file. Raises InvalidParams."""
    match = re.fullmatch(r"(.+):([0-9]{1,9}):([0-9]{1,9})", place)
    if match is None:
        raise InvalidParams(
            f"{place} is no place in a file", hint="Write FILE:LINE:COLUMN, counted from 1: app.py:12:5."
        )
    path, line, column = Path(match[1]), int(match[2]), int(match[3])
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidParams(f"{path} is larger than {MAX_FILE_BYTES} bytes", hint="Choose another file.")
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidParams(f"can't read {path}: {exc}", hint="It must be a UTF-8 text file.") from None
    offset = _offset(text, line, column)

    def hole(app: App) -> engine.Hole:
        return engine.Hole(
            path=str(path.absolute()),
            language=_LANGUAGES.get(path.suffix, path.suffix.removeprefix(".")),
            prefix=text[:offset],
            suffix=text[offset:],
            invoked=True,
            model=model,
            roots=app.client.roots,
            origin=app.client.origin,
        )

    return path, hole


def _offset(text: str, line: int, column: int) -> int:
    """Return where a line and column are; a column past the line's end means its end."""
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if not 1 <= line <= len(lines):
        raise InvalidParams(f"there is no line {line}", hint=f"The file has {len(lines)} lines.")
    length = len(lines[line - 1].rstrip("\r\n"))
    return sum(map(len, lines[: line - 1])) + min(max(column - 1, 0), length)
