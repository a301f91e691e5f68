"""The indentation of an answer, put right for its place: the first line, the level, tabs or spaces.

Pure. Models repeat the indentation that the cursor already has, or write code as if it stood at the left
edge. Only what cannot be meant as it is written is moved, and a line's own shape is kept.
"""

import re
from itertools import pairwise
from math import gcd
from statistics import mode

from farebox.completion.surroundings import DEFINITION, TAB_COLUMNS, Around, indent_of, opens_block

DEFAULT_STEP = 4
LEAST_LINES_OF_STYLE = 2
_SPACES = re.compile(r"^( {2,})(?=[^\s*])", re.MULTILINE)
_TABS = re.compile(r"^\t", re.MULTILINE)
_LEADING = re.compile(r"^[ \t]+(?=\S)", re.MULTILINE)
_LEAVES = re.compile(r"\s*(?:return|break|continue|raise|throw|pass|goto|exit)\b")
_LABEL = re.compile(r"\s*(?:#|\w+:(?!:)|case\b|default\b|@|--|//|/\*)")


def indented(text: str, here: Around) -> str:
    """Return an answer indented as its place demands."""
    if here.inside is not None or here.is_prose:
        return text
    text = _in_style(text, here)
    if not here.at_line_start:
        return text
    lines = text.split("\n")
    if not lines[0].strip():
        return text
    if here.line_before:
        return "\n".join(_behind_indent(lines, here))
    return "\n".join(_from_edge(lines, here))


# --- tabs or spaces ---------------------------------------------------------------------------------


def _in_style(text: str, here: Around) -> str:
    if "  " not in text and "\t" not in text:
        return text
    document = here.text
    first, line_end, below = text.partition("\n")
    if not here.at_line_start:
        return first + line_end + _in_style_of(below, document)
    return _in_style_of(text, document)


def _in_style_of(text: str, document: str) -> str:
    tabs, spaces = len(_TABS.findall(document)), [len(run) for run in _SPACES.findall(document)]
    if tabs >= LEAST_LINES_OF_STYLE and not spaces and _SPACES.search(text):
        width = _width([len(run) for run in _SPACES.findall(text)])
        return _LEADING.sub(lambda found: _tabbed(found[0], width), text)
    if len(spaces) >= LEAST_LINES_OF_STYLE and not tabs and re.search(r"^ *\t", text, re.MULTILINE):
        width = _width(spaces)
        return _LEADING.sub(lambda found: found[0].replace("\t", " " * width), text)
    return text


def _width(runs: list[int]) -> int:
    """Return the step of indentation in a text by the lengths of its runs of spaces."""
    step = gcd(*runs)
    if step >= 2:  # noqa: PLR2004
        return min(step, TAB_COLUMNS) if step != 6 else 2  # noqa: PLR2004
    return min(run for run in runs)


def _tabbed(indent: str, width: int) -> str:
    if indent.strip(" ") or len(indent) < 2:  # noqa: PLR2004
        return indent
    return "\t" * (len(indent) // width) + " " * (len(indent) % width)


# --- the first line and the level --------------------------------------------------------------------


def _behind_indent(lines: list[str], here: Around) -> list[str]:
    """Put right what comes behind indentation that the cursor's line already has."""
    cursor = indent_of(here.line_before)
    own = indent_of(lines[0])
    if own:
        levels = _levels(here)
        expected = _expected(here)
        if cursor + own == expected or cursor not in levels or (here.opened and own != cursor):
            return lines
        if cursor == expected or (own == cursor and cursor + own not in levels):
            return [lines[0].lstrip(), *lines[1:]]
        return lines
    below = next((line for line in lines[1:] if line.strip()), "")
    if not below or not opens_block(lines[0]) or _is_closer(below):
        return lines
    if lines[1].strip() and 0 < indent_of(below) <= cursor and not _LABEL.match(below):
        return [lines[0], *(_moved(line, here.line_before) for line in lines[1:])]
    return lines


def _from_edge(lines: list[str], here: Around) -> list[str]:
    """Put right what was written at the left edge though the lines above and below stand further in."""
    own = indent_of(lines[0])
    last = next(line for line in reversed(lines) if line.strip())
    first_word = lines[0].split(maxsplit=1)[0].rstrip(";,()")
    if (
        not here.before
        or _LABEL.match(lines[0])
        or _is_closer(lines[0])
        or DEFINITION.match(lines[0])
        or first_word in here.language.block_ends
        or opens_block(last)
    ):
        return lines
    above = indent_of(here.before[-1])
    opens = here.opens_block
    if here.language.indents and opens and here.before[-1].rstrip().endswith(":"):
        if own > above or here.following[:1] == ():
            return lines
        wanted = _expected(here)
    elif here.following and here.following[0].strip()[0] not in ")]}":
        below = indent_of(here.following[0])
        if own or min(above, below) == 0 or opens:
            return lines
        wanted = below if _LEAVES.match(here.before[-1]) else above
    else:
        return lines
    if wanted <= own or any(indent_of(line) < own for line in lines if line.strip()):
        return lines
    pad = _pad(here, wanted - own)
    return [_moved(line, pad) for line in lines]


def _moved(line: str, pad: str) -> str:
    return pad + line if line.strip() else line


def _pad(here: Around, columns: int) -> str:
    uses_tabs = any(line.startswith("\t") for line in (*here.before, *here.following))
    return "\t" * (columns // TAB_COLUMNS) if uses_tabs else " " * columns


def _is_closer(line: str) -> bool:
    return line.strip()[:1] in tuple(")]}")


def _levels(here: Around) -> set[int]:
    return {0, _expected(here)} | {indent_of(line) for line in (*here.before, *here.following)}


def _expected(here: Around) -> int:
    """Return how far the cursor's line should be indented, by the line above it."""
    above = indent_of(here.before[-1]) if here.before else 0
    return above + _unit(here) if here.before and opens_block(here.before[-1]) else above


def _unit(here: Around) -> int:
    """Return the commonest step from a line that opens a block to the next one."""
    lines = [*here.before, *here.following]
    steps = [
        indent_of(lower) - indent_of(upper)
        for upper, lower in pairwise(lines)
        if opens_block(upper) and indent_of(lower) > indent_of(upper)
    ]
    return mode(steps) if steps else DEFAULT_STEP
