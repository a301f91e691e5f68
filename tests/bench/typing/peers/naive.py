"""The plainest policy: wait until nothing has been typed for a while, then ask; the next key cancels it."""

from bench.typing.policy import Call, Change, Quiet, World

DEBOUNCE_MS = 300.0
MAX_TOKENS = 128


class Naive(Quiet):
    """A fixed debounce, no cache, no reuse."""

    def __init__(self) -> None:
        self._call: Call | None = None

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        if self._call is not None:
            world.close(self._call)
            self._call = None
        world.wake(DEBOUNCE_MS, "debounce")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        self._call = world.ask(world.prefix, world.suffix, max_tokens=MAX_TOKENS)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._call = None
        world.show(call.text.rstrip() or None)
