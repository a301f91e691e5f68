"""llama.vim (ggml-org): no debounce, one request at a time, never cancelled, and always one ahead.

Ported from ``autoload/llama.vim``: each cursor move looks back 128 characters for an answer that fits, shows
it and asks for what follows it; then for the place itself, unless an answer is kept for exactly there.
"""

from bench.typing.peers.store import Store, line_before
from bench.typing.policy import Call, Change, Quiet, World

MAX_TOKENS = 128
FIRST_LIMIT_MS, LIMIT_MS = 250.0, 1_000.0
RETRY_MS = 100.0
BACK_CHARS = 128
CACHED = 250
MAX_LINE_SUFFIX = 8


class LlamaVim(Quiet):
    """One buffer of it."""

    replies_once = False

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._job: Call | None = None
        self._shown = False

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        self._shown = False
        self._try_hint(world)
        self._fim(world, "")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        self._fim(world, "")

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._job = None
        self._store.put(call.prefix, call.text)
        if not self._shown:
            self._try_hint(world)

    def _try_hint(self, world: World) -> None:
        here = _context(world.prefix)
        exact = self._store.get(here)
        found = [exact] if exact else self._store.through(here, BACK_CHARS)
        text = max(found, key=len, default="")
        line = line_before(world.prefix)
        if not line.strip():
            lead = min(len(line), len(text) - len(text.lstrip(" \t")))
            text = text[lead:]
        text = text.rstrip("\n")
        if text:
            self._shown = True
            world.show(text)
            self._fim(world, text)

    def _fim(self, world: World, ahead: str) -> None:
        if self._job is not None:
            world.wake(RETRY_MS, "retry")
            return
        if len(world.suffix.partition("\n")[0]) > MAX_LINE_SUFFIX:
            return
        prefix = _context(world.prefix + ahead)
        if self._store.get(prefix) is None:
            limit_ms = LIMIT_MS if ahead else FIRST_LIMIT_MS
            self._job = world.ask(prefix, world.suffix, max_tokens=MAX_TOKENS, limit_ms=limit_ms)


def _context(prefix: str) -> str:
    """On a blank line the indentation is left to the model."""
    line = line_before(prefix)
    return prefix if line.strip() else prefix[: len(prefix) - len(line)]
