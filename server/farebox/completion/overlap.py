"""Where an answer begins to repeat what stands after the cursor.

Pure. The rest of the cursor's line, the lines that follow, and the last of them cut anywhere: an answer that
ends so has run on into the suffix. One equal line in the middle repeats by right. A string whose end follows
already is the answer's to leave as it is, wherever in its line the answer ends it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from farebox.completion.closers import is_even
from farebox.completion.lexing import brackets, kind_at_end
from farebox.completion.reading import CLOSER_OF
from farebox.completion.scan import Inside, tokens
from farebox.completion.surroundings import Around

_WORD = re.compile(r"\w")
_HEAD = re.compile(r"\w+")
_TAIL = re.compile(r"\w{1,80}\Z")
_LETTER = re.compile(r"[^\W\d_]")
_BRACKET = re.compile(r"[()\[\]{}]")
_CLOSERS = re.compile(r"""[\s)\]}>"'`]++[:;,{]?""")
"""What editors put behind the cursor by themselves, and what may end the line behind it."""
_OPENER_OF = {closer: opener for opener, closer in CLOSER_OF.items()}
_MAX_LINE_CHARS = 2_000
_LETTERS_OF_TWO = 6
_LETTERS_OF_THREE = 3
_LEAST_LINES = 2
_LEAST_PARTIAL = 12


def without_overlap(text: str, here: Around) -> str:
    """Cut an answer where it begins to repeat the suffix."""
    lines = text.split("\n")
    if here.rest.strip() and not here.at_line_start:
        return _without_rest(text, lines, here)
    for number in range(0 if here.at_line_start else 1, len(lines)):
        if not lines[number].strip():
            continue
        tail = [line.rstrip() for line in lines[number:] if line.strip()]
        if number == 0:
            tail[0] = here.line_before + tail[0]
        if here.rest.strip() and here.following and tail[0].lstrip() == here.following[0].lstrip():
            tail[0] = here.following[0]  # the cursor stands within its indentation
        if _repeats(tail, here.following, here, alone=number == 0):
            return "\n".join(lines[:number])
    inside_line = here.rest.strip() and not here.rest.startswith(("  ", "\t"))
    return _without_rest(text, lines, here) if inside_line else text


def suffix_reached(line: str, here: Around) -> bool:
    """Say whether a whole line of running text is the next one after the cursor."""
    following = here.following[0] if here.following else ""
    return bool(_WORD.search(following)) and line.rstrip() == following


def _repeats(tail: list[str], following: tuple[str, ...], here: Around, *, alone: bool) -> bool:
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tail, following, strict=False)))
    if same == 0:
        return False
    letters = len(_LETTER.findall("".join(tail[:same])))
    to_the_end = same == len(tail) or (
        same == len(tail) - 1 and same < len(following) and following[same].startswith(tail[-1])
    )
    if to_the_end:
        if not _WORD.search("".join(tail[:same])):
            return here.inside is not None or same > 1
        return not alone or letters >= _LETTERS_OF_THREE
    return (same == _LEAST_LINES and letters >= _LETTERS_OF_TWO) or (
        same > _LEAST_LINES and letters >= _LETTERS_OF_THREE
    )


def _without_rest(text: str, lines: list[str], here: Around) -> str:
    """Drop the rest of the cursor's line from an answer, and what of the lines below comes after it."""
    rest = here.rest.strip()
    below = here.following[1:] if here.at_line_start else here.following
    for number, line in enumerate(lines[:-1]):
        bare = line.rstrip()
        if not bare.endswith(rest):
            continue
        tail = [other.rstrip() for other in lines[number + 1 :] if other.strip()]
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(tail, below, strict=False)))
        partial = same == len(tail) - 1 and same < len(below) and below[same].startswith(tail[-1])
        if tail and (same == len(tail) or (partial and (same or len(tail[-1].strip()) >= LEAST_BEGUN))):
            return "\n".join([*lines[:number], bare.removesuffix(rest)])
    shown = text.rstrip()
    kept = shown.removesuffix(rest)
    if kept != shown and _is_double(shown, kept, rest, here):
        return kept
    return _within_string(text, rest, here)


def _within_string(text: str, rest: str, here: Around) -> str:
    """Cut an answer that ends the string whose end follows already, where it is last back in the like.

    There all is as it is at the cursor, so that what follows closes just what it closes now.
    """
    inside = here.inside
    if inside is None or inside.kind != "string" or not inside.closes or not _CLOSERS.fullmatch(rest):
        return text
    head, closes, _ = rest.partition(inside.closes)
    level = _openers("".join(head.split()))
    if not closes or not _left_open(_BRACKET.findall(here.line_before)).endswith(level):
        return text
    line, _, _ = text.partition("\n")
    if len(line) > _MAX_LINE_CHARS or _ends_alike(text, inside, level, here):
        return text
    at = max(_places_alike(line, inside, level, here), default=None)
    return text if at is None else line[:at]


def _ends_alike(text: str, inside: Inside, level: str, here: Around) -> bool:
    """Say whether all is at an answer's end as it is at the cursor, as far as what follows closes it."""
    behind: Inside | None = inside
    for token in tokens(text, here.language, inside):
        behind = token.inside
    if behind is None or (behind.form, behind.closes) != (inside.form, inside.closes):
        return False
    return not level or _left_open(_BRACKET.findall(text), level) == level


def _places_alike(line: str, inside: Inside, level: str, here: Around) -> Iterator[int]:
    """Yield where a line closes a string like the cursor's in the same brackets.

    ``level`` are those within the string that what follows closes first: then, where they are closed.
    """
    outer = "".join(opener.bracket for opener in here.opened)
    code = dict(brackets(line, here.language, inside))
    closed = tuple(_closed_at(line, level)) if level else ()
    opened = outer
    for token in tokens(line, here.language, inside):
        if token.form is None:
            opened = _left_open((code[at] for at in range(token.start, token.end) if at in code), opened)
        if token.form != inside.form or opened != outer:
            continue
        yield from (at for at in closed if token.start <= at < token.end)
        end = token.end - len(inside.closes)
        if not level and token.inside is None and line.startswith(inside.closes, end):
            yield end


def _closed_at(line: str, level: str) -> Iterator[int]:
    """Yield where a line closes the last of the brackets that are open, the others being as they were."""
    opened = level
    for match in _BRACKET.finditer(line):
        if opened == level and match[0] == CLOSER_OF[level[-1]]:
            yield match.start()
        opened = _left_open(match[0], opened)


def _openers(closers: str) -> str:
    return "".join(_OPENER_OF.get(closer, closer) for closer in reversed(closers))


def _left_open(row: Iterable[str], opened: str = "") -> str:
    """Return the brackets that a row of them leaves open. A closer that does not fit closes nothing."""
    for bracket in row:
        if bracket in CLOSER_OF:
            opened += bracket
        elif opened and CLOSER_OF[opened[-1]] == bracket:
            opened = opened[:-1]
    return opened


LEAST_BEGUN = 5
"""So many characters of a line that was cut off tell which line it was to be."""


def _is_double(shown: str, kept: str, rest: str, here: Around) -> bool:
    """Say whether an answer that ends as its line goes on has written the rest of the line as well."""
    if _WORD.search(rest):
        joined = rest[0].isalnum() and (kept or here.line_before)[-1:].isalnum()
        if _completes_word(shown, kept, rest, here):
            return True
        words_meet = here.rest[0].isspace() and _WORD.match(rest) and not _WORD.match(kept[-1:])
        return bool(words_meet) or (
            len(rest) > 1 and (not joined or (len(rest) >= LEAST_BEGUN and not rest.isalnum()))
        )
    if rest[0] in "\"'`":
        before = kind_at_end(here.prefix + kept, here.language)
        after = kind_at_end(here.prefix + shown[: len(kept) + 1], here.language)
        return before == "string" and after != "string"
    if any(bracket in rest for bracket in "()[]{}"):
        return not is_even(shown, here) and is_even(kept, here)
    return set(rest) <= set(";,:")


def _completes_word(shown: str, kept: str, rest: str, here: Around) -> bool:
    """Say whether the suffix begins within a word that it makes known, and makes none behind the answer."""
    head = _HEAD.match(rest)
    begun = _TAIL.search(kept or here.line_before)
    if head is None or begun is None or here.rest[:1].isspace():
        return False
    behind = _TAIL.search(shown)
    whole, double = begun[0] + head[0], (behind[0] if behind is not None else "") + head[0]
    return _is_known(whole, here) and not _is_known(double, here)


def _is_known(word: str, here: Around) -> bool:
    return word in here.language.keywords or re.search(rf"\b{re.escape(word)}\b", here.prefix) is not None
