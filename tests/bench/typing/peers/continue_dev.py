"""Continue: a debounce of 350 ms for everything, one running generation that is reused while the typing fits.

Ported from ``core/autocomplete``: AutocompleteDebouncer, GeneratorReuseManager, showWhateverWeHaveAtXMs. Its
cache is taken to work, which is generous (the notes say why it may not).
"""

from bench.typing.peers.store import Store
from bench.typing.policy import Call, Change, Quiet, World

DEBOUNCE_MS = 350.0
MODEL_TIMEOUT_MS = 150.0
HARD_STOP = 2.5
MAX_TOKENS = 512
CACHED = 1_000
BACK_CHARS = 1_000


class Continue(Quiet):
    """One document of it."""

    streams = True

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._call: Call | None = None
        self._waiting = False
        self._since_ms = 0.0

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        self._waiting = False
        world.wake(DEBOUNCE_MS, "debounce")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        cached = self._store.through(world.prefix, BACK_CHARS)
        if cached:
            world.show(cached[0])
            return
        self._since_ms, self._waiting = world.now_ms, True
        if self._call is None or not _fits(self._call, world.prefix):
            if self._call is not None and not self._call.done:
                world.close(self._call)
            self._call = world.ask(world.prefix, world.suffix, max_tokens=MAX_TOKENS)
            return
        self._consider(world, self._call)

    def progress(self, world: World, call: Call) -> None:
        """See Policy."""
        self._consider(world, call)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._consider(world, call)

    def _consider(self, world: World, call: Call) -> None:
        if not self._waiting or call is not self._call or not _fits(call, world.prefix):
            return
        rest = (call.prefix + call.text)[len(world.prefix) :]
        waited_ms = world.now_ms - self._since_ms
        lines = rest.rpartition("\n")[0]
        if call.done or (waited_ms > HARD_STOP * MODEL_TIMEOUT_MS and rest.strip()):
            self._show(world, rest)
        elif lines.strip() and waited_ms > MODEL_TIMEOUT_MS:
            self._show(world, lines)

    def _show(self, world: World, text: str) -> None:
        self._waiting = False
        text = text.rstrip()
        if text:
            self._store.put(world.prefix, text)
        world.show(text or None)


def _fits(call: Call, prefix: str) -> bool:
    return len(call.prefix) <= len(prefix) and (call.prefix + call.text).startswith(prefix)
