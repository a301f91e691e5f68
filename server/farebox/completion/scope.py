"""Where an answer leaves the definition that the cursor is in and begins another one.

Pure. Tells by indentation, in any language: a line at or left of the header of the definition around
the cursor is no part of it. Where blocks are not told by indentation, only a line that begins a
definition is cut at.
"""

import re

from farebox.completion.lexing import brackets, spans
from farebox.completion.reading import CLOSER_OF
from farebox.completion.surroundings import DEFINITION, Around, indent_of, opens_block

_LINE_END = re.compile("\n")
_LEADING = ("@", "#", "//", "/*", "*", "--", "[")


def without_next_scope(text: str, here: Around) -> str:
    """Cut an answer where it goes on with the next definition outside of the cursor's."""
    lines = text.split("\n")
    if len(lines) == 1 or here.is_prose:
        return text
    start = here.indent_at_start(text)
    outside = here.outside(start)
    if outside < 0:
        return text
    cut = leaves_at(lines, outside, here)
    if cut is None or _suffix_goes_on(lines, cut, here):
        return text
    kept = "\n".join(lines[:cut]).rstrip()
    above, _, last = kept.rpartition("\n")
    ends = last.strip() in here.language.block_ends and indent_of(last) <= outside
    return above if ends and last.rstrip() in here.following else kept


def _suffix_goes_on(lines: list[str], cut: int, here: Around) -> bool:
    """Say whether what follows belongs to the last line: then it is meant that the answer has left."""
    last = next(number for number in range(len(lines) - 1, -1, -1) if lines[number].strip() or number == cut)
    if here.rest.strip():
        return all(not line.strip() for line in lines[cut:last]) and last == len(lines) - 1
    below = here.following[0] if here.following else ""
    return opens_block(lines[last]) and indent_of(below) > indent_of(lines[last])


def leaves_at(lines: list[str], outside: int, here: Around) -> int | None:
    """Return the first line that leaves a definition whose header is indented so far, or None."""
    below = [
        number for number, line in enumerate(lines) if number and line.strip() and indent_of(line) <= outside
    ]
    if not below:
        return None
    in_string, in_bracket = _beginnings("\n".join(lines), here)
    for number in below:
        line = lines[number]
        if in_string[number]:
            continue
        begins = DEFINITION.match(line) is not None
        bare = line.strip()
        ends = here.language.indents and bare[0] not in "#)]}" and not _continues(bare, here)
        if begins or (ends and not in_bracket[number]):
            return _with_heading(lines, number, outside)
    return None


def _with_heading(lines: list[str], number: int, outside: int) -> int:
    """Return the first of the comments and decorators that stand right above a line."""
    while number > 1:
        above = lines[number - 1]
        if above.strip() and not (indent_of(above) <= outside and above.strip().startswith(_LEADING)):
            break
        number -= 1
    return number


def _continues(bare: str, here: Around) -> bool:
    word = bare.split(maxsplit=1)[0].rstrip(":")
    return word in here.language.continuations


def _beginnings(text: str, here: Around) -> tuple[list[bool], list[bool]]:
    """Say for each line whether it begins in a string or comment, and whether in a bracket of the text."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(text))]
    in_string, in_bracket = [False] * len(starts), [False] * len(starts)
    number = 0
    for span in spans(text, here.language, here.inside):
        while number < len(starts) and starts[number] < span.end:
            in_string[number] = span.kind != "code" and starts[number] > span.start
            number += 1
    depth, number = 0, 0
    for at, bracket in brackets(text, here.language, here.inside):
        while number < len(starts) and starts[number] <= at:
            in_bracket[number] = depth > 0
            number += 1
        depth += 1 if bracket in CLOSER_OF else -1
    in_bracket[number:] = [depth > 0] * (len(starts) - number)
    return in_string, in_bracket
