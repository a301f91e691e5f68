"""Text from and for a terminal; what models and providers say may not move the cursor or set a title.

Commands print through ``show``, ``note`` and ``show_json`` alone: the linter forbids ``print`` elsewhere.
"""

import errno
import io
import json
import sys
import threading
from collections.abc import Callable
from typing import TextIO, cast

from farebox.errors import InvalidParams
from farebox.report import clean

MAX_STDIN_CHARS = 64_000_000
WAITING_S = 3.0
"""After this long without an end of stdin, the user is told what is waited for."""

_WAITING = (
    "farebox: still reading stdin, to its end; if there is nothing to read, start farebox with </dev/null"
)


def stdin_is_terminal() -> bool:
    """Say whether what is read would have to be typed."""
    stream = _stdin()
    return stream is not None and stream.isatty()


def read_stdin() -> str:
    """Read all of stdin. Raises InvalidParams if it is not text, or far too long."""
    text = from_stdin(lambda stream: stream.read(MAX_STDIN_CHARS + 1))
    if len(text) > MAX_STDIN_CHARS:
        raise InvalidParams(f"stdin is longer than {MAX_STDIN_CHARS} characters", hint="Pipe in less.")
    return text


def from_stdin(read: Callable[[TextIO], str]) -> str:
    """Read text from stdin; it is UTF-8 if it is not typed. A closed one is empty. Raises InvalidParams."""
    stream = _stdin()
    if stream is None:
        return ""
    _expect_utf8(stream)
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
    print(prompt, end="", file=sys.stderr, flush=True)
    line = ""
    try:
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
    """Take out control and direction-changing characters; keep line ends and tabs."""
    return "\n".join("\t".join(clean(cell) for cell in line.split("\t")) for line in text.split("\n"))


def _expect_utf8(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper) and not stream.isatty():
        stream.reconfigure(encoding="utf-8", errors="strict")


def _stdin() -> TextIO | None:
    """Return stdin; None if who started this process had closed it."""
    return cast("TextIO | None", sys.stdin)
