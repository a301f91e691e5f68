"""``farebox doctor --report``: one text that a user can read and send to whoever is to help.

It holds versions, the states of the doctor's checks, the names of settings, log lines and crash files, which
hold no more themselves. What a user has named, written or chosen freely is counted at most.
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, cast, get_args, get_origin

from farebox import crash, logs, own_files
from farebox.app import App
from farebox.cli.running import with_app
from farebox.cli.terminal import show
from farebox.config import Config
from farebox.doctor import Check
from farebox.errors import ConfigError, FareboxError, InvalidParams
from farebox.places import config_file, data_folder
from farebox.provider_settings import Section
from farebox.redaction import without_keys
from farebox.settings_file import read_file

DEFAULT_FILE: Final = "farebox-report.txt"
ON_STDOUT: Final = "-"
HEADING: Final = "farebox report: no key, prompt, code, address, name or folder of yours is in it\n"
MAX_CRASHES: Final = 3


def report(target: str) -> int:
    """Write the report into a file, or print it; a file that is no earlier report stays as it is."""
    path = None if target == ON_STDOUT else Path(target)
    if path is not None:
        _refuse_other(path)
    text = HEADING + "\n".join(_lines()) + "\n"
    if path is None:
        show(text, end="")
        return 0
    try:
        own_files.replace(path, text.encode())
    except OSError as error:
        raise ConfigError(f"can't write {path}: {error.strerror}", hint="Name another file.") from None
    show(f"{path} is written: read it, and send it to whoever is to help you")
    show(
        "It holds versions, checks, names of settings, log lines and crashes; no key, prompt, code or folder."
    )
    return 0


def _refuse_other(path: Path) -> None:
    try:
        own_files.refuse_planted(path)
        is_ours = not path.exists() or _begins_with(path, HEADING.encode())
    except own_files.NotOwn as error:
        raise InvalidParams(f"{path} {error.why}", hint="Name another file.") from None
    except OSError as error:
        raise InvalidParams(f"can't read {path}: {error.strerror}", hint="Name another file.") from None
    if not is_ours:
        raise InvalidParams(f"{path} is there already, and is no report", hint="Name another file.")


def _begins_with(path: Path, heading: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(heading)) == heading


def _lines() -> Iterator[str]:
    folder = data_folder(os.environ)
    yield from _part("versions", (f"{name} {version}" for name, version in crash.versions().items()))
    yield from _part("checks", _checks())
    yield from _part("settings of the user", _settings_file())
    yield from _part("log", logs.kept(folder))
    yield from _part("crashes", _crashes(folder))
    yield time.strftime("made at %Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _part(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"\n[{title}]"
    yield from lines


def _checks() -> Iterator[str]:
    async def examine(app: App) -> tuple[Check, ...]:
        return await app.examine()

    try:
        checks = with_app(examine)
    except FareboxError as error:
        yield f"none: {error.kind}"
        return
    for check in checks:
        sort = check.name.split(" ")[0]  # what follows is a name that the user has given
        yield f"{check.state:7} {sort}{f' ({check.kind})' if check.kind else ''}"


def _settings_file() -> Iterator[str]:
    try:
        table = read_file(config_file(os.environ)).table
    except FareboxError as error:
        yield f"unreadable: {error.kind}"
        return
    yield from _settings(table, Config, "")


def _settings(table: Mapping[str, object], section: type[Section], before: str) -> Iterator[str]:
    for name, value in table.items():
        known = section.model_fields.get(name)
        if known is None:
            yield f"{before}? is unknown"
        else:
            yield from _setting(before + name, value, known.annotation)


def _setting(name: str, value: object, kind: object) -> Iterator[str]:
    """Tell of one setting; tables whose names are the user's are numbered."""
    parts = list(_parts(kind))
    section = next((one for one in parts if isinstance(one, type) and issubclass(one, Section)), None)
    match value:
        case bool() | int() | float() | Decimal():
            yield f"{name} = {value}"
        case str() if value in parts:
            yield f"{name} = {value}"
        case dict() if get_origin(kind) is dict:
            for number, one in enumerate(cast("dict[str, object]", value).values(), 1):
                yield from _setting(f"{name}.{number}", one, get_args(kind)[1])
        case dict() if section is not None:
            yield from _settings(cast("dict[str, object]", value), section, f"{name}.")
        case list():
            yield f"{name} has {len(cast('list[object]', value))} entries"
        case _:
            yield f"{name} is set"


def _parts(kind: object) -> Iterator[object]:
    """Yield what a type is made of: the words of a Literal, and classes."""
    yield kind
    for part in get_args(kind):
        yield from (part,) if get_origin(kind) is Literal else _parts(part)


def _crashes(folder: Path) -> Iterator[str]:
    for file in reversed(crash.files(folder / crash.FOLDER)[-MAX_CRASHES:]):
        with suppress(OSError):
            yield without_keys(own_files.read(file, crash.MAX_FILE_BYTES).decode("utf-8", "replace"))
