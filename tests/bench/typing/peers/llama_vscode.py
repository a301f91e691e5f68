"""llama.vscode (ggml-org): requests wait for the running one, which is never cancelled; then one ahead.

Ported from ``src/completion.ts``: a cache that looks back to the line's start, and after each answer that is
shown one request for what follows it.
"""

from bench.typing.peers.store import Store, first_line, line_before
from bench.typing.policy import Call, Change, Quiet, World

MAX_TOKENS = 128
LIMIT_MS = 1_000.0
POLL_MS = 150.0
CACHED = 250
MAX_LINE_SUFFIX = 8


class LlamaVscode(Quiet):
    """One document of it."""

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._running: Call | None = None
        self._change = 0

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        self._change += 1
        self._provide(world)

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        self._provide(world)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        text = call.text.rstrip("\n")
        self._store.put(call.prefix, text)
        if call is not self._running:
            return
        self._running = None
        if call.note == self._change:  # else the editor has cancelled it, and shows nothing of it
            self._show(world, text)

    def _provide(self, world: World) -> None:
        if self._running is not None:
            world.wake(POLL_MS, "poll")
            return
        world.sleep("poll")
        if len(world.suffix.partition("\n")[0]) > MAX_LINE_SUFFIX:
            return
        here = _context(world.prefix)
        line = line_before(here)
        found = self._store.through(here, len(line))
        if self._store.get(here) is not None or found:
            self._show(world, found[0] if found else "")
            return
        self._running = world.ask(here, world.suffix, max_tokens=MAX_TOKENS, limit_ms=LIMIT_MS)
        self._running.note = self._change

    def _show(self, world: World, text: str) -> None:
        if not text.strip():
            world.show(None)
            return
        here = _context(world.prefix)
        indentation = len(world.prefix) - len(here)
        lead = min(indentation, len(text) - len(text.lstrip(" \t")))
        world.show(text[lead:])
        ahead = _context(here + text)
        if self._store.get(ahead) is None:
            world.ask(ahead, world.suffix, max_tokens=MAX_TOKENS, limit_ms=LIMIT_MS)
        line = first_line(text)
        if len(line) < len(text):
            self._store.put(here + line + "\n", text[len(line) + 1 :])


def _context(prefix: str) -> str:
    line = line_before(prefix)
    return prefix if line.strip() else prefix[: len(prefix) - len(line)]
