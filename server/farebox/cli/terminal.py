"""Text from and for a terminal; what models and providers say may not move the cursor or set a title.

Commands print through ``show``, ``note`` and ``show_json`` alone: the linter forbids ``print`` elsewhere.
"""

import errno
import io
import json
import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from typing import TextIO, cast

from farebox.errors import InvalidParams
from farebox.unseen import clean

MAX_STDIN_CHARS = 64_000_000
WAITING_S = 3.0
"""After this long without an end of stdin, the user is told what is waited for."""

_UNDECODED = re.compile("[\udc80-\udcff]")
"""How Python keeps bytes that are no text."""

_WAITING = (
    "farebox: still reading stdin, to its end; if there is nothing to read, start farebox with </dev/null"
)


def stdin_is_terminal() -> bool:
    """Say whether what is read would have to be typed."""
    stream = _stdin()
    return stream is not None and stream.isatty()


def stdin_is_pipe() -> bool:
    """Say whether stdin comes from another command, or a program that started this one."""
    stream = _stdin()
    try:
        return stream is not None and stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:
        return False


def read_stdin(*, strict: bool = True) -> str:
    """Read all of stdin. Raises InvalidParams if it is far too long, or not text and strictly read.

    Else bytes that are no UTF-8 are replaced, and that is noted.
    """
    text = from_stdin(
        lambda stream: stream.read(MAX_STDIN_CHARS + 1), errors="strict" if strict else "surrogateescape"
    )
    if len(text) > MAX_STDIN_CHARS:
        raise InvalidParams(f"stdin is longer than {MAX_STDIN_CHARS} characters", hint="Pipe in less.")
    return text if strict else _without_bytes(text)


def _without_bytes(text: str) -> str:
    text, count = _UNDECODED.subn("\ufffd", text)
    if count:
        note(f"not all of stdin is UTF-8: {count} {'byte was' if count == 1 else 'bytes were'} replaced")
    return text


def from_stdin(read: Callable[[TextIO], str], *, errors: str = "strict") -> str:
    """Read text from stdin; it is UTF-8 if it is not typed. A closed one is empty. Raises InvalidParams."""
    stream = _stdin()
    if stream is None:
        return ""
    _expect_utf8(stream, errors)
    reminder = threading.Timer(WAITING_S, note, [_WAITING])
    reminder.daemon = True
    reminder.start()
    try:
        return read(stream)
    except UnicodeDecodeError:
        raise InvalidParams("stdin is not UTF-8 text", hint="Convert it to UTF-8 first.") from None
    except OSError as error:
        if error.errno == errno.EBADF:  # nohup gives one that can't be read
            return ""
        raise
    finally:
        reminder.cancel()


def ask(prompt: str) -> str:
    """Ask for one line at the terminal, by a prompt on stderr; return nothing at Ctrl-D."""
    line = ""
    try:
        print(prompt, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        raise InvalidParams("what was typed is no text", hint="Check the terminal's encoding.") from None
    finally:
        if not line.endswith("\n"):  # Ctrl-D and Ctrl-C leave the cursor behind the prompt
            note("")
    return line.rstrip("\n")


def show(text: str, *, end: str = "\n") -> None:
    """Print for a person, on stdout."""
    print(harmless(text), end=end, flush=True)


def note(text: str) -> None:
    """Print on stderr what is not the answer itself."""
    print(harmless(text), file=sys.stderr)


def show_json(value: object) -> None:
    """Print for a program; JSON in ASCII has no control character in it but line ends."""
    print(json.dumps(value, indent=2))


def harmless(text: str) -> str:
    """Write out what nobody sees, and keep line ends and tabs."""
    return "\n".join("\t".join(clean(cell) for cell in line.split("\t")) for line in text.split("\n"))


def _expect_utf8(stream: TextIO, errors: str) -> None:
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8", errors=errors)


def _stdin() -> TextIO | None:
    """Return stdin; None if who started this process had closed it."""
    return cast("TextIO | None", sys.stdin)
