"""What of a document a completion request carries: the text around the cursor, cut at line starts.

Pure functions of text. They know neither models nor editors; sizes are characters.
"""

import re
from dataclasses import dataclass

MAX_PREFIX_CHARS = 6_000
MAX_SUFFIX_CHARS = 2_000
CUT_STEP_LINES = 32
"""The cut above the cursor moves in steps, so that the head of the prompt stays the same while one types
and the provider's (or llama.cpp's) prefix cache is hit."""

BLOCK_STARTS = "([{:,"


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
    def one_line(self) -> bool:
        """True where only the rest of the line is wanted: text follows, or a statement has been begun.

        A line that is empty so far, or that ends in an opening bracket or a colon, begins a block
        (Cody's rule; nine of ten accepted suggestions are single lines).
        """
        before = self.line_before.rstrip()
        return bool(self.line_after.strip()) or (bool(before) and before[-1] not in BLOCK_STARTS)


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
    if len(text) <= max_chars:
        return text
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)  # splitlines() would also cut at form feeds
    sizes = 0
    first = len(lines)
    while first > 0 and sizes + len(lines[first - 1]) <= max_chars:
        first -= 1
        sizes += len(lines[first])
    if first == len(lines):
        return text[len(text) - max_chars :]
    # Move the cut down to the next step, as long as something is left.
    stepped = -(-first // CUT_STEP_LINES) * CUT_STEP_LINES
    return "".join(lines[stepped if stepped < len(lines) - 1 else first :])


def _head(text: str, max_chars: int) -> str:
    """Keep the beginning of a text, up to a line's end."""
    if len(text) <= max_chars:
        return text
    cut = text.rfind("\n", 0, max_chars)
    return text[: cut + 1] if cut >= 0 else text[:max_chars]
