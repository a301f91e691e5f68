"""What the user's own files know: suggestions without a model, and pieces of other files for a prompt.

It keeps what learns from them (``embedded``, ``index``) and the worker that feeds it (``workspace``)
together, and begins anew when the folders or what may be read of them change. It never waits for its worker.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from farebox.completion.embedded import Embedded
from farebox.completion.families import all_markers
from farebox.completion.gatherer import Gatherer
from farebox.completion.index import Index
from farebox.completion.languages import language_of
from farebox.completion.lexing import inside_at_end
from farebox.completion.odds import weights
from farebox.completion.window import Snippet, Window
from farebox.completion.workspace import Workspace
from farebox.privacy import NO_RULES, Rules

GATHER_TIMEOUT_S: Final = 0.04
"""How long a request waits for its context; then it takes that of the last one."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """Which folders are read, and what of them not.

    ``is_trusted`` false: only what is open. ``hides_secrets``: none is learned.
    """

    rules: Rules = NO_RULES
    is_trusted: bool = True
    hides_secrets: bool = True


def warm_up() -> None:
    """Read now, in any thread, what the first key would have to wait for."""
    language_of("")
    all_markers()
    weights()


class Grammars:
    """Makes the expressions of a language in the worker's thread, before a key needs them."""

    def learn(self, _path: str, language: str, _text: str, /) -> None:
        """Make ready for a file's language."""
        inside_at_end("", language_of(language))

    def forget(self, path: str) -> None:
        """Keep what is ready."""


class Library:
    """The user's files, as completion knows them."""

    def __init__(self) -> None:
        self._shelves: Shelves | None = None
        self._open: dict[str, tuple[str, Callable[[], str]]] = {}
        self._gathering: asyncio.Future[tuple[Snippet, ...]] | None = None
        self._embedded = Embedded()
        self._index = Index()
        self._gatherer = Gatherer(self._index)
        self._workspace = Workspace((Grammars(), self._index, self._embedded), reads_files=False)

    def follow(self, shelves: Shelves) -> None:
        """Read these folders from now on; what was learned under other rules is forgotten."""
        if shelves == self._shelves:
            return
        self.close()
        self._shelves = shelves
        self._embedded, self._index = Embedded(), Index()
        self._gatherer = Gatherer(self._index)
        self._workspace = Workspace(
            (Grammars(), self._index, self._embedded),
            shelves.rules,
            reads_files=shelves.is_trusted,
            hides_secrets=shelves.hides_secrets,
        )
        for path, (language, read) in self._open.items():
            self._workspace.opened(path, language, read)
        self._workspace.start()

    def close(self) -> None:
        """Let the worker end."""
        self._workspace.end()

    def settle(self, timeout_s: float) -> bool:
        """Wait until all files have been read once."""
        return self._workspace.settle(timeout_s)

    # --- documents ---------------------------------------------------------------------------------

    def opened(self, path: str, language: str, read: Callable[[], str]) -> None:
        """Hear of an open document; ``read`` returns its text when it is learned, in another thread."""
        self._open[path] = (language, read)
        self._workspace.opened(path, language, read)

    def changed(self, path: str, language: str, read: Callable[[], str], line: int | None) -> None:
        """Hear that a document reads otherwise now; ``line`` is where it was edited."""
        self._open[path] = (language, read)
        self._workspace.touch()
        self._workspace.changed(path, language, read)
        if line is not None:
            self._index.edited(path, line)

    def closed(self, path: str) -> None:
        """Hear that a document is closed."""
        self._open.pop(path, None)
        self._workspace.closed(path)
        self._gatherer.forget(path)

    # --- questions ---------------------------------------------------------------------------------

    def suggest(self, window: Window) -> str | None:
        """Return what most likely comes next by the user's own files alone; None if that is not likely."""
        suggestion = self._embedded.suggest(window)
        return suggestion.text if suggestion is not None else None

    async def snippets(self, path: str, window: Window) -> tuple[Snippet, ...]:
        """Return pieces of other files for a prompt: the last ones while new ones take too long."""
        if self._gatherer.is_stale(path, window):
            if self._gathering is None or self._gathering.done():
                self._gathering = self._gather(path, window)
            await asyncio.wait([self._gathering], timeout=GATHER_TIMEOUT_S)
        return self._gatherer.snippets(path)

    def _gather(self, path: str, window: Window) -> "asyncio.Future[tuple[Snippet, ...]]":
        roots = self._shelves.rules.roots if self._shelves is not None else ()
        refresh = partial(self._gatherer.refresh, path, window, roots=roots)
        return asyncio.get_running_loop().run_in_executor(None, refresh)
