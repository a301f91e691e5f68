"""Suggestions out of the user's own files, by no model: offline, free, and in about a millisecond.

``learn`` and ``forget`` are one worker thread's; ``suggest`` is called in the event loop's thread meanwhile
and looks at a bounded number of places. A file is known only to files of its family of languages. What stands
right after the cursor is not suggested, nor what looks like a secret.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import RLock
from typing import Final

from farebox.completion.draft import Draft
from farebox.completion.hidden import hidden_in
from farebox.completion.hush import tells_secret
from farebox.completion.odds import FEWEST_CHARS, cut
from farebox.completion.shelf import Shelf
from farebox.completion.votes import steps
from farebox.completion.window import Window

MAX_TOKENS: Final = 4_000_000
"""About 17 MB of text, and 70 MB of memory. Of more, what was learned first is forgotten."""

MAX_DRAFTS: Final = 6

_FAMILIES: Final = {
    language: family
    for family, languages in {
        "javascript": "javascriptreact typescript typescriptreact vue svelte",
        "c": "cpp objective-c objective-cpp cuda-cpp",
        "shellscript": "sh bash zsh",
        "css": "scss less",
    }.items()
    for language in languages.split()
}
"""Languages whose text makes sense in each other."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Text to insert exactly at the cursor, and how likely it is right."""

    text: str
    confidence: float


class Embedded:
    """What has been learned of the workspace, and the drafts that are being typed."""

    def __init__(self, *, max_tokens: int = MAX_TOKENS) -> None:
        self._max_tokens = max_tokens
        self._shelves: dict[str, Shelf] = {}
        self._families: dict[str, str] = {}
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._writing = RLock()

    def learn(self, path: str, language: str, text: str) -> None:
        """Learn a file as it is now, in slices of about a millisecond. In the worker's thread."""
        family = _FAMILIES.get(language, language)
        with self._writing:
            if self._families.get(path, family) != family:
                self.forget(path)
            shelf = self._shelf(family)
            shelf.learn(path, text)
            self._families[path] = family
            others = sum(map(len, list(self._shelves.values()))) - len(shelf)
            shelf.forget_oldest(self._max_tokens - others)
            self._tidy(family)

    def forget(self, path: str) -> None:
        """Forget a file. In the worker's thread; ``suggest`` knows nothing of it from now on."""
        with self._writing:
            family = self._families.pop(path, None)
            if family is not None:
                self._shelves[family].forget(path)
                self._tidy(family)

    def suggest(self, window: Window) -> Suggestion | None:
        """Return how the text goes on at the cursor, if that is likely enough to be shown.

        ``window.prefix`` may be as long as one likes: only what has changed since the last call is read.
        """
        if not window.prefix or (_in_word(window.prefix[-1]) and _in_word(window.suffix[:1])):
            return None
        draft = self._draft(window)
        draft.read(window.prefix)
        found = cut(steps(draft, window.suffix))
        if found is None:
            return None
        text = _before_the_rest(found[0], window)
        if len("".join(text.split())) < FEWEST_CHARS or tells_secret(window.line_before, text):
            return None
        if hidden_in(text, window):
            return None
        return Suggestion(text, found[1])

    def _draft(self, window: Window) -> Draft:
        shelf = self._shelf(_FAMILIES.get(window.language, window.language))
        draft = self._drafts.get(window.name)
        if draft is None or draft.shelf is not shelf:
            self._forget_old_shelves()
            self._drafts[window.name] = draft = Draft(shelf)
        self._drafts.move_to_end(window.name)
        while len(self._drafts) > MAX_DRAFTS:
            self._drafts.popitem(last=False)
        return draft

    def _shelf(self, family: str) -> Shelf:
        shelf = self._shelves.get(family)
        return self._shelves.setdefault(family, Shelf()) if shelf is None else shelf

    def _forget_old_shelves(self) -> None:
        """A draft that was begun before its shelf was tidied keeps the old one, which may be 70 MB."""
        shelves = list(self._shelves.values())
        for name in [name for name, draft in self._drafts.items() if draft.shelf not in shelves]:
            del self._drafts[name]

    def _tidy(self, family: str) -> None:
        if self._shelves[family].untidy:
            self._shelves[family] = self._shelves[family].tidied()


def _before_the_rest(text: str, window: Window) -> str:
    """Return what of a suggestion does not stand after the cursor already."""
    rest = window.line_after.strip()
    if rest:
        text = text.partition("\n")[0].rstrip("\r")
        if text.rstrip().endswith(rest) and (_has_word(rest) or _closes_more(text)):
            text = text.rstrip().removesuffix(rest)
        shared = text.strip()
        return "" if rest.startswith(shared) or (shared.startswith(rest) and _has_word(rest)) else text
    following = window.suffix.lstrip()
    lines = text.split("\n")
    for count in range(len(lines)):
        tail = "\n".join(lines[count:]).strip()
        if tail and following.startswith(tail) and (count == 0 or _has_word(tail)):
            return "\n".join(lines[:count]).rstrip()
    return text


def _closes_more(text: str) -> bool:
    return any(text.count(closer) > text.count(opener) for opener, closer in ("()", "[]", "{}")) or any(
        text.count(quote) % 2 for quote in "\"'`"
    )


def _has_word(text: str) -> bool:
    return any(map(_in_word, text))


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
