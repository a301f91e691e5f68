"""What a command writes into a file that the user names, instead of printing it: whole, or not at all.

It must not know what it writes.
"""

import contextlib
import shutil
import uuid
from pathlib import Path

from farebox.errors import InvalidParams


def save(text: str, file: Path) -> None:
    """Write text as UTF-8, in place of what the file held; what can't be replaced, as a pipe, is written to.

    A link stays, and so do the permissions of a file that is there. Raises InvalidParams for a place where
    nothing can be written, as a full disk.
    """
    if file.is_dir():
        raise InvalidParams(f"{str(file)!r} is a folder", hint="Name a file.")
    try:
        if file.exists() and not file.is_file():
            file.write_text(text, "utf-8", newline="")
        else:
            _replace(text, file.resolve())
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidParams(
            f"{str(file)!r} can't be written: there is no folder {str(file.parent)!r}",
            hint="Make the folder first, or name another file.",
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # a full disk, links in a circle, a NUL
        said = (isinstance(error, OSError) and error.strerror) or str(error)
        raise InvalidParams(f"{str(file)!r} can't be written: {said}", hint="Name another file.") from None


def _replace(text: str, file: Path) -> None:
    beside = file.with_name(f".{file.name[:100]}-{uuid.uuid4().hex}")
    try:
        with beside.open("x", encoding="utf-8", newline="") as out:
            out.write(text)
        if file.exists():
            shutil.copymode(file, beside)
        beside.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
