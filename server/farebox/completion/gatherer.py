"""The snippets that a document's prompts carry now: gathered once a line, and kept while they still serve.

Whoever types on one line sends the same snippets with each key, so that the prompt's head stays the same to
the byte and a provider's prefix cache is hit. Gathering may run in a thread; asking what there is waits for
nothing.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from farebox.completion.choose import WORD
from farebox.completion.context import BUDGET_CHARS, gather
from farebox.completion.index import Index
from farebox.completion.window import Snippet, Window

MAX_DOCUMENTS = 32
KEPT_SHARE = 0.75
"""So much of what would be gathered anew must be shown already for the old list to stay."""


@dataclass(frozen=True, slots=True)
class _Gathered:
    above: str
    snippets: tuple[Snippet, ...]


@dataclass(slots=True)
class Gatherer:
    """The last snippets of each document. ``index`` is what they come from."""

    index: Index
    _last: OrderedDict[str, _Gathered] = field(default_factory=OrderedDict[str, _Gathered])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def snippets(self, path: str) -> tuple[Snippet, ...]:
        """What there is for a document, be it stale; nothing before the first ``refresh``."""
        last = self._last.get(path)
        return last.snippets if last is not None else ()

    def is_stale(self, path: str, window: Window) -> bool:
        """Say whether to gather anew: the cursor is on another line, or what is above it has changed."""
        last = self._last.get(path)
        return last is None or last.above != _above(window)

    def refresh(
        self,
        path: str,
        window: Window,
        *,
        roots: tuple[str, ...] = (),
        budget_chars: int = BUDGET_CHARS,
        diagnostics: tuple[str, ...] = (),
    ) -> tuple[Snippet, ...]:
        """Gather for a window, in any thread, and keep the result. The old list stays if it does as well."""
        new = gather(
            self.index, window, path=path, roots=roots, budget_chars=budget_chars, diagnostics=diagnostics
        )
        old = self.snippets(path)
        if old and self._still_there(old) and _size(old) <= budget_chars and _serves(old, new):
            new = old
        with self._lock:
            self._last[path] = _Gathered(_above(window), new)
            self._last.move_to_end(path)
            while len(self._last) > MAX_DOCUMENTS:
                self._last.popitem(last=False)
        return new

    def forget(self, path: str) -> None:
        """Drop what is kept for a document."""
        with self._lock:
            self._last.pop(path, None)

    def _still_there(self, snippets: tuple[Snippet, ...]) -> bool:
        return all(self.index.source(snippet.path) is not None for snippet in snippets)


def _above(window: Window) -> str:
    return window.prefix[: window.prefix.rfind("\n") + 1]


def _size(snippets: tuple[Snippet, ...]) -> int:
    return sum(len(snippet.text) for snippet in snippets)


def _serves(old: tuple[Snippet, ...], new: tuple[Snippet, ...]) -> bool:
    wanted = _words(new)
    return len(wanted & _words(old)) >= KEPT_SHARE * len(wanted)


def _words(snippets: tuple[Snippet, ...]) -> frozenset[str]:
    return frozenset(word for snippet in snippets for word in WORD.findall(snippet.text))
