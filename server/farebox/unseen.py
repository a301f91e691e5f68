r"""Characters that nobody sees, or that change what one sees, in words that came from outside.

A model, a provider or a file's name may hold escapes that drive a terminal, marks that turn text round, and
letters of no width that smuggle words past a reader. Here stands which of them belong where they are (a
joiner within Persian or an emoji, a mark of direction beside Hebrew, the flag of Scotland) and what becomes
of the others: ``shown`` and ``clean`` write them out as ``\u{202e}``, ``out_of_place`` names them. A few
characters on either side tell what belongs, so text that comes in pieces is judged as the whole would be.
Pure; must not know whose words they are, nor who shows them.
"""

import re
from dataclasses import dataclass
from typing import Final, cast

MAX_WRITTEN: Final = 1_000
"""After so many of one text nothing is judged any more: the rest are replacement characters."""

BYTE_ORDER_MARK: Final = "\ufeff"

LOOK_BACK_CHARS: Final = 80
LOOK_AHEAD_CHARS: Final = 10
"""How much of what is around a character tells whether it belongs there."""

_MARKS: Final = "\u061c\u200e\u200f"
_JOINERS: Final = "\u200c\u200d"
_STYLES: Final = "\ufe0e\ufe0f"
_FLAG_BLACK: Final = "\U0001f3f4"
_FLAG_NAMES: Final = ("gbeng", "gbsct", "gbwls")
"""All that Unicode recommends (RGI_Emoji_Tag_Sequence): any other would be a message."""

_FLAG_CHARS: Final = 7
_KEYS: Final = frozenset("0123456789#*")
_KEYCAP: Final = "\u20e3"
_TAGS: Final = frozenset(map(chr, range(0xE0000, 0xE0080)))
_FORMS: Final = frozenset(map(chr, range(0xE0100, 0xE01F0)))
"""Each behind an ideograph says which form of it is meant, as in Japanese names."""

_AT_TIMES: Final = frozenset("\r" + _MARKS + _JOINERS + _STYLES) | _TAGS | _FORMS
"""The only ones that may belong somewhere."""

DECEIVING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") | _TAGS
"""What turns code round, and letters that nobody sees at all: out of place they are nobody's own."""

_UNSEEN: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls but tab and line feed, separators of lines, half characters, and what Unicode calls ignorable."""

_PAIRS: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BREAKS: Final = re.compile(r"\r\n|[\n\t]")

_LEFTWARD: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_SOON_LEFTWARD: Final = re.compile(
    rf"[^\w\n{_UNSEEN.pattern[1:-1]}]{{0,{LOOK_AHEAD_CHARS - 2}}}{_LEFTWARD.pattern}"
)
_JOINING: Final = re.compile(
    "[\u0620-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1800-\u180a\u1810-\u18af\ua840-\ua8ff"
    "\ua980-\ua9ff\uaa60-\uaa7f\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010aff\U00011000-\U00011fff]"
)
"""Letters and marks of the scripts that are written with joiners, from Arabic to the Indic ones."""

_IDEOGRAPH: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_PICTURE: Final = re.compile(
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_AFTER_PICTURE: Final = re.compile(rf"{_PICTURE.pattern}\ufe0f?\Z")
_FLAG: Final = re.compile(
    rf"{_FLAG_BLACK}(?:{'|'.join(_FLAG_NAMES)})~".translate(
        {ord(char): 0xE0000 + ord(char) for char in "abcdefghijklmnopqrstuvwxyz"} | {ord("~"): 0xE007F}
    )
)


def shown(text: str) -> str:
    r"""Write out what is out of place, as ``\u{202e}``; any other text stays as it is."""
    if _UNSEEN.search(text) is None:
        return text
    running = Running()
    return running.more(text) + running.end()


def clean(text: str) -> str:
    """Do as ``shown``, and leave out line ends and tabs: a name in a table stays in its place."""
    return shown(_BREAKS.sub("", shown(text)))


def shown_in(value: object) -> object:
    """Do as ``shown`` in every text of a JSON value, the names of its fields among them."""
    match value:
        case str():
            return shown(value)
        case dict():
            table = cast("dict[str, object]", value)
            return {shown(name): shown_in(inner) for name, inner in table.items()}
        case list():
            return [shown_in(inner) for inner in cast("list[object]", value)]
        case _:
            return value


def out_of_place(text: str, before: str = "", after: str = "") -> tuple[str, ...]:
    """Return the characters of a text, each once, that do not belong there, between what is around it.

    A document may begin with a byte order mark: where nothing is before, so may the text.
    """
    text = text if before else text.removeprefix(BYTE_ORDER_MARK)
    before = before[-LOOK_BACK_CHARS:]
    whole = before + text + after[:LOOK_AHEAD_CHARS]
    found = _UNSEEN.finditer(whole, len(before), len(before) + len(text))
    return tuple(dict.fromkeys(one[0] for one in found if not _belongs(one[0], *_around(whole, one))))


def code_point(char: str) -> str:
    """Name a character as Unicode does: ``U+202E``."""
    return f"U+{ord(char):04X}"


@dataclass(slots=True)
class Running:
    """``shown`` for a text that comes in pieces: together they give what the whole would.

    What can only be judged by what follows is held back, a few characters at most, until ``end``. What is
    before a character is taken as it was given out, so that a text that has been here once stays as it is.
    """

    _given: str = ""
    _held: str = ""
    _written: int = 0

    def more(self, piece: str) -> str:
        """Take a piece and return what is certain by now."""
        text = _joined(self._held + piece)
        undecided = _UNSEEN.search(text, max(0, len(text) - LOOK_AHEAD_CHARS))
        return self._give(text, undecided.start() if undecided is not None else len(text))

    def end(self) -> str:
        """Return what was held back: nothing follows."""
        return self._give(self._held, len(self._held))

    def _give(self, text: str, size: int) -> str:
        parts: list[str] = []
        at = 0
        for found in _UNSEEN.finditer(text, 0, size):
            if self._written >= MAX_WRITTEN:
                break
            parts.append(self._note(text[at : found.start()]))
            at = found.end()
            char = found[0]
            if not _belongs(char, self._given, text[at : at + LOOK_AHEAD_CHARS]):
                self._written += 1
                char = f"\\u{{{ord(char):x}}}"
            parts.append(self._note(char))
        rest = text[at:size]
        parts.append(self._note(_UNSEEN.sub("\ufffd", rest) if self._written >= MAX_WRITTEN else rest))
        self._held = text[size:]
        return "".join(parts)

    def _note(self, given: str) -> str:
        self._given = (self._given + given[-LOOK_BACK_CHARS:])[-LOOK_BACK_CHARS:]
        return given


def _around(text: str, found: re.Match[str]) -> tuple[str, str]:
    at = found.start()
    return text[max(0, at - LOOK_BACK_CHARS) : at], text[at + 1 : at + 1 + LOOK_AHEAD_CHARS]


def _joined(text: str) -> str:
    """Make one character of the two halves of one, as they come where a stream was cut between them."""
    return _PAIRS.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)


def _belongs(char: str, before: str, after: str) -> bool:
    """Say whether an unseen character is part of what people write, by what is around it."""
    if char not in _AT_TIMES:
        return False
    last, following = before[-1:], after[:1]
    if char == "\r":
        return following == "\n"
    if char in _MARKS:
        return _UNSEEN.match(last) is None and _is_near_leftward(before, after)
    if char in _STYLES:
        return _PICTURE.match(last) is not None or (last in _KEYS and following == _KEYCAP)
    if char in _JOINERS:
        return _JOINING.match(last) is not None or _joins_what_follows(char, before, following)
    if char in _FORMS:
        return _IDEOGRAPH.match(last) is not None
    flag = before.rfind(_FLAG_BLACK, max(0, len(before) - _FLAG_CHARS))
    found = _FLAG.match(before + char + after, flag) if flag >= 0 else None
    return found is not None and found.end() > len(before)


def _joins_what_follows(char: str, before: str, following: str) -> bool:
    """Say whether a joiner binds the next picture, or an ending to a word that is of no joining script."""
    if char == "\u200d":
        return bool(_PICTURE.match(following) and _AFTER_PICTURE.search(before[-2:]))
    return before != "" and not _UNSEEN.match(before[-1]) and _JOINING.match(following) is not None


def _is_near_leftward(before: str, after: str) -> bool:
    """Say whether a letter that is read from right to left stands before in the line or soon after."""
    line = before.rpartition("\n")[2]
    return _LEFTWARD.search(line) is not None or _SOON_LEFTWARD.match(after) is not None
