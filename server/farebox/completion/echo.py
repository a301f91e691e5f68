"""What an answer repeats of the text before the cursor: the line's beginning, or whole lines before it.

Models of chat write the line anew that they are asked to go on with, with the indentation they like. Pure.
A line that may stand twice by right stays: only what is followed by more is taken for an echo.
"""

import re

from farebox.completion.surroundings import Around, indent_of

MAX_LINES = 32
LEAST_CHARS = 3
_MARKS = "()[]{};, \t"
_WORD = re.compile(r"\w")
_LETTER = re.compile(r"[^\W\d_]")


def without_echo(text: str, here: Around) -> str:
    """Drop what an answer repeats of the lines before the cursor."""
    lines = text.split("\n")
    numbers = [number for number, line in enumerate(lines) if line.strip()]
    if not numbers:
        return text
    shown = [lines[number] for number in numbers[: MAX_LINES + 2]]
    limit = min(len(here.before), MAX_LINES, len(shown) - 1)
    for count in range(limit, 0, -1):
        if not _same(here.before[-count:], shown[:count]):
            continue
        if here.at_line_start:
            rest = lines[numbers[count - 1] + 1 :]
            if _is_echo(shown[: count + 1], count, here):
                return "\n".join(rest).removeprefix(here.line_before)
            if (moved := _moved(lines, shown, count, here)) is not None:
                back = "\n".join(moved + line if line.strip() else line for line in rest)
                return back.removeprefix(here.line_before)
        elif (rest := _after_line(lines[numbers[count]], here)) is not None:
            return "\n".join([rest, *lines[numbers[count] + 1 :]])
    if not here.at_line_start and numbers[0] == 0 and (rest := _after_line(lines[0], here)) is not None:
        return "\n".join([rest, *lines[1:]])
    return text


def _same(before: tuple[str, ...], shown: list[str]) -> bool:
    return all(one.strip() == other.strip() for one, other in zip(before, shown, strict=True))


def _after_line(line: str, here: Around) -> str | None:
    """Return what follows the repeated beginning of the cursor's line; None if it is not repeated."""
    begun = here.line_before.lstrip()
    if len(begun.strip()) < LEAST_CHARS or not _WORD.search(begun):
        return None
    bare = line.lstrip()
    if bare.startswith(begun):
        return bare[len(begun) :]
    # The space that the cursor stands behind is often left out.
    cut = begun.rstrip()
    if begun != cut and bare.startswith(cut) and bare[len(cut) :][:1] == "":
        return ""
    return None


def _is_echo(shown: list[str], count: int, here: Around) -> bool:
    """Judge whole lines that stand before the cursor as well, more of the answer following."""
    said = "".join(shown[:count])
    last = here.before[-count]
    first_indent = indent_of(here.line_before + shown[0])
    moved = first_indent - indent_of(last)
    letters = len(_LETTER.findall(said))
    if moved == 0 or (here.line_before and indent_of(shown[0]) == indent_of(last)):
        if not said.strip(_MARKS):
            # A closing line stands twice by right where something of its indentation is still open.
            return all(opener.indent != indent_of(last) for opener in here.opened)
        if count == 1 and not letters:
            return here.inside is None and said.strip()[0] in "\"'`*/#-<"
        return count > 1 or len(said.strip()) >= LEAST_CHARS
    return False


def _moved(lines: list[str], shown: list[str], count: int, here: Around) -> str | None:
    """Return the indentation that an echo at the left edge lacks, with all that comes after it."""
    said, above = shown[:count], here.before[len(here.before) - count :]
    lacks = indent_of(above[0]) - indent_of(said[0])
    if lacks <= 0 or any(
        indent_of(two) - indent_of(one) != lacks for one, two in zip(said, above, strict=True)
    ):
        return None
    edge = [line for line in lines if line.strip() and indent_of(line) == 0]
    opens = here.opens_block and indent_of(shown[count]) > indent_of(said[-1])
    if not edge or edge[-1][0] in ")]}" or not _WORD.search("".join(said)) or (count == 1 and not opens):
        return None
    indent = above[0][: len(above[0]) - len(above[0].lstrip())]
    own = len(said[0]) - len(said[0].lstrip())
    return indent[: len(indent) - own] if indent else None
