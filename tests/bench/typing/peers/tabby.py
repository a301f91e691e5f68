"""tabby-agent: an adaptive debounce of 100 ms or more, cache hits included; a request aborts the last.

Ported from ``clients/tabby-agent/src/codeCompletion``: debouncer.ts, latencyTracker.ts, cache.ts. The real
1.5.0 runs beside this port (``tabby_agent.py``).
"""

from collections import deque

from bench.typing.peers.store import Store, block, first_line, line_before
from bench.typing.policy import Call, Change, Quiet, World

MAX_TOKENS = 64
MIN_DELAY_MS, MAX_DELAY_MS = 100.0, 1_000.0
RATE_MIN, RATE_MAX = 1.5, 3.0
BASE_MS, BASE_MIN_MS, BASE_MAX_MS = 200.0, 100.0, 400.0
GAPS_MIN, GAPS_MAX = 20, 100
LATENCIES = 10
CACHED = 100
FORWARD_CHARS = 50
MIN_CHARS = 4


class Tabby(Quiet):
    """One document of it."""

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._call: Call | None = None
        self._gaps: deque[float] = deque(maxlen=GAPS_MAX)
        self._base_ms = BASE_MS
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._called_ms = 0.0

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        if self._call is not None:
            world.close(self._call)
            self._call = None
        self._note_gap(world.now_ms)
        score = 0.0
        if not world.prefix[-1:].isalnum():
            score += 0.5
        if not world.suffix.partition("\n")[0].strip():
            score += 0.4
        if not world.suffix.strip():
            score += 0.1
        latency_ms = sum(self._latencies) / len(self._latencies) if self._latencies else 0.0
        delay_ms = (RATE_MAX - (RATE_MAX - RATE_MIN) * score) * self._base_ms - latency_ms
        world.wake(min(MAX_DELAY_MS, max(MIN_DELAY_MS, delay_ms)), "debounce")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        cached = self._store.through(world.prefix, FORWARD_CHARS)
        if cached:
            world.show(cached[0])
            return
        self._call = world.ask(world.prefix, world.suffix, max_tokens=MAX_TOKENS)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._call = None
        self._latencies.append(world.now_ms - call.started_ms)
        before = line_before(call.prefix)
        text = first_line(call.text) if before.strip() else block(call.text, call.prefix)[0]
        text = text.rstrip()
        if len(text.strip()) < MIN_CHARS:
            world.show(None)
            return
        self._store.put(call.prefix, text)
        world.show(text)

    def _note_gap(self, now_ms: float) -> None:
        gap_ms, self._called_ms = now_ms - self._called_ms, now_ms
        if gap_ms > BASE_MAX_MS:
            return
        self._gaps.append(gap_ms)
        if len(self._gaps) > GAPS_MIN:
            self._base_ms = min(BASE_MAX_MS, max(BASE_MIN_MS, sum(self._gaps) / len(self._gaps)))
