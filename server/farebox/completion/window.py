"""What of a document a completion request carries: the text around the cursor, cut at line starts.

Pure functions of text. They know neither models nor editors; sizes are characters.
"""

from dataclasses import dataclass, replace

MAX_PREFIX_CHARS = 12_000
MAX_LOCAL_PREFIX_CHARS = 6_000
"""A model on the user's own machine reads slower."""

MAX_SUFFIX_CHARS = 2_000
CUT_STEP_LINES = 64
"""The cut above the cursor moves in steps, so that the head of the prompt stays the same while one types
and the provider's (or llama.cpp's) prefix cache is hit."""

LINE_STEP_CHARS = 400
"""The current line counts as a multiple of this: typing on it moves no cut."""

BLOCK_STARTS = "([{:,"
CLOSERS = ")]}>\"'`;,"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Pieces of another file, or of this one outside of the window, that a prompt may carry.

    ``path`` is the file's own, ``name`` what a model is told of it.
    """

    path: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Window:
    """The text around the cursor. ``prefix`` starts at a line's start, ``suffix`` ends at a line's end.

    ``name`` is the file's, as a model may see it.
    """

    name: str
    language: str
    prefix: str
    suffix: str

    @property
    def line_before(self) -> str:
        """The current line up to the cursor."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        """The current line from the cursor on."""
        return self.suffix.partition("\n")[0]

    @property
    def steady_suffix(self) -> str:
        """The suffix without closing brackets and quotes alone at the end of the current line.

        Editors put them in and take them away while one types. In a prompt that begins with the suffix they
        would change its head with each key; and a model that does not see them writes them itself.
        """
        rest = self.line_after
        return self.suffix[len(rest) :] if rest and not rest.strip().strip(CLOSERS) else self.suffix

    @property
    def one_line(self) -> bool:
        """True where only the rest of the line is wanted: text follows, or a statement has been begun.

        A line that is empty so far, or that ends in an opening bracket or a colon, begins a block
        (Cody's rule; nine of ten accepted suggestions are single lines).
        """
        before = self.line_before.rstrip()
        return bool(self.line_after.strip()) or (bool(before) and before[-1] not in BLOCK_STARTS)

    def after(self, text: str) -> "Window":
        """Return the window as it is once a text has been put in at the cursor."""
        return replace(self, prefix=self.prefix + text)


def window(
    name: str,
    language: str,
    prefix: str,
    suffix: str,
    *,
    max_prefix_chars: int = MAX_PREFIX_CHARS,
    max_suffix_chars: int = MAX_SUFFIX_CHARS,
) -> Window:
    """Cut a document around the cursor down to a request's size."""
    return Window(name, language, _tail(prefix, max_prefix_chars), _head(suffix, max_suffix_chars))


def _tail(text: str, max_chars: int) -> str:
    """Keep the end of a text, from a line's start; a single overlong line is cut inside."""
    current = text.rfind("\n") + 1
    room = _room(max_chars, len(text) - current)
    if current <= room:
        return text
    if room < 0:
        return text[len(text) - max_chars :]
    start = text.find("\n", current - room - 1) + 1
    # Move the cut down to the next step, as long as a third of the room is used.
    line = text.count("\n", 0, start)
    for step in (CUT_STEP_LINES, CUT_STEP_LINES // 4, CUT_STEP_LINES // 16):
        stepped = _lines_on(text, start, -line % step)
        if current - stepped >= room // 3:
            return text[stepped:]
    return text[start:]


def _lines_on(text: str, start: int, lines: int) -> int:
    for _ in range(lines):
        start = text.find("\n", start) + 1
        if start == 0:
            return len(text)
    return start


def _head(text: str, max_chars: int) -> str:
    """Keep the beginning of a text, up to a line's end."""
    rest = text.find("\n") + 1 or len(text)
    room = _room(max_chars, rest)
    if len(text) - rest <= room:
        return text
    if room < 0:
        return text[:max_chars]
    return text[: text.rfind("\n", rest - 1, rest + room) + 1]


def _room(max_chars: int, line_chars: int) -> int:
    """What is left for other lines beside the current one."""
    room = max_chars - -(-max(line_chars, 1) // LINE_STEP_CHARS) * LINE_STEP_CHARS
    return room if room > 0 else max_chars - line_chars
