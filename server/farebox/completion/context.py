"""What of other files a prompt carries: the snippets for a window, from what the index knows.

A pure question to the index: it reads no file, waits for nothing, and looks at a bounded number of words,
files and lines. What it finds keeps its order and, through ``Gatherer``, its bytes while one line is typed.
"""

from functools import lru_cache
from weakref import WeakKeyDictionary

from farebox.completion.choose import WORD, WORTH, Worth, choose
from farebox.completion.index import Index, Source
from farebox.completion.matches import matches
from farebox.completion.nearby import nearby
from farebox.completion.pieces import DEFAULT, Search, Weights
from farebox.completion.window import Snippet, Window
from farebox.privacy import shown_name

BUDGET_CHARS = 4_000
HEAD_CHARS = 12
"""What a snippet costs in a prompt beside its text and its file's name."""

MAX_OWN_CHARS = 100_000
MAX_WORDS_KEPT = 4
"""Files in which one completes in turn."""


def gather(
    index: Index,
    window: Window,
    *,
    path: str,
    roots: tuple[str, ...] = (),
    budget_chars: int = BUDGET_CHARS,
    diagnostics: tuple[str, ...] = (),
    weights: Weights = DEFAULT,
    worth: Worth = WORTH,
) -> tuple[Snippet, ...]:
    """Find what helps at a cursor, in order of path. ``path`` is the document's own, as it was learned."""
    near = nearby(window, count=index.count, files=len(index), messages=diagnostics)
    own = index.source(path)

    def head_chars(source: Source) -> int:
        return len(_name(source.path, roots)) + HEAD_CHARS

    chosen = choose(
        Search(index, near, path, window.language, weights).pieces(),
        seen=near.seen,
        budget_chars=budget_chars,
        head_chars=head_chars,
        count=index.count,
        files=len(index),
        own_words=_words(own) if own is not None else frozenset[str](),
        worth=worth,
    )
    chosen = sorted(chosen, key=lambda one: one.source.path)
    return tuple(Snippet(one.source.path, _name(one.source.path, roots), one.text) for one in chosen)


@lru_cache(maxsize=4_096)
def _name(path: str, roots: tuple[str, ...]) -> str:
    return shown_name(path, roots)


_known_words: WeakKeyDictionary[Source, frozenset[str]] = WeakKeyDictionary()


def _words(source: Source) -> frozenset[str]:
    """A file's words; kept while it is not learned anew, because one asks again and again."""
    words = _known_words.get(source)
    if words is None:
        if len(_known_words) >= MAX_WORDS_KEPT:
            _known_words.clear()
        _known_words[source] = words = frozenset(matches(WORD, source.text[:MAX_OWN_CHARS]))
    return words
