"""minuet-ai.nvim: a debounce of 400 ms, a throttle of 1 s, and three requests for three candidates.

Ported from ``lua/minuet/virtualtext.lua``: nothing is asked while the typing follows the ghost text.
"""

from bench.typing.policy import Call, Change, Quiet, World

DEBOUNCE_MS, THROTTLE_MS = 400.0, 1_000.0
CANDIDATES = 3
MAX_TOKENS = 256


class Minuet(Quiet):
    """One buffer of it."""

    replies_once = False

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._throttled_until_ms = 0.0
        self._prefix = ""

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        if world.ghost is not None:
            world.sleep("debounce")
        elif world.now_ms >= self._throttled_until_ms:
            world.wake(DEBOUNCE_MS, "debounce")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        if world.now_ms < self._throttled_until_ms:
            return
        self._throttled_until_ms = world.now_ms + THROTTLE_MS
        for call in self._calls:
            world.close(call)
        self._prefix = world.prefix
        ask = [world.ask(world.prefix, world.suffix, max_tokens=MAX_TOKENS) for _ in range(CANDIDATES)]
        self._calls = ask

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._calls.remove(call)
        text = call.text.rstrip()
        if world.prefix == self._prefix and world.ghost is None and text:
            world.show(text)
