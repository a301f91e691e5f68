"""Copilot: the current ghost, cached prefixes, running requests, and 200 ms before anything new.

Ported from ``@vscode/chat-lib`` (ghostText.js, current.js, completionsCache.js, asyncCompletions.js,
speculativeRequestCache.js). Its models for multi-line and for filtering are left out.
"""

import re

from bench.typing.peers.store import Store, block, first_line, line_before, starts_block
from bench.typing.policy import Call, Change, Quiet, World

MIN_DELAY_MS = 200.0
ASYNC_MS = 200.0
LINE_TOKENS, BLOCK_TOKENS = 20, 200
CACHED = 100
BACK_CHARS = 1_000
MIN_PROMPT_CHARS = 10
_CLOSERS = re.compile(r"""^\s*[)>}\]"'`]*\s*[:{;,]?\s*$""")


class Copilot(Quiet):
    """One document of it."""

    streams = True

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._current: tuple[str, str] | None = None
        self._calls: list[Call] = []
        self._ahead: set[tuple[int, str]] = set()
        self._wanted = False
        self._issued_ms = 0.0
        self._ready = ""

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        self._wanted = False
        world.sleep("delay")
        world.sleep("async")
        if len(world.prefix) < MIN_PROMPT_CHARS or not _CLOSERS.match(world.suffix.partition("\n")[0]):
            return
        text, typed_as_suggested = self._local(world.prefix)
        if text:
            self._show(world, text, ahead=not typed_as_suggested)
            return
        self._wanted, self._issued_ms = True, world.now_ms
        if any(_may_fit(call, world.prefix) for call in self._calls):
            self._cancel_others(world)
            world.wake(ASYNC_MS, "async")
        else:
            self._ask(world)

    def timer(self, world: World, name: str) -> None:
        """See Policy."""
        if name == "delay":
            self._show(world, self._ready, ahead=True)
        elif self._wanted:
            self._ask(world)

    def progress(self, world: World, call: Call) -> None:
        """See Policy."""
        if self._wanted and call in self._calls and not _may_fit(call, world.prefix):
            self._cancel_others(world)
            if not self._calls:
                world.sleep("async")
                self._ask(world)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        if call in self._calls:
            self._calls.remove(call)
        text = first_line(call.text) if call.note == "line" else block(call.text, call.prefix)[0]
        text = text.rstrip()
        if text.strip():
            self._store.put(call.prefix, text)
        rest = (call.prefix + text)[len(world.prefix) :]
        if self._wanted and (call.prefix + text).startswith(world.prefix) and rest.strip():
            self._wanted, self._ready = False, rest
            world.sleep("async")
            world.wake(max(0.0, self._issued_ms + MIN_DELAY_MS - world.now_ms), "delay")

    def _local(self, prefix: str) -> tuple[str | None, bool]:
        if self._current is not None:
            start, text = self._current
            if len(start) <= len(prefix) < len(start + text) and (start + text).startswith(prefix):
                return (start + text)[len(prefix) :], True
        return next(iter(self._store.through(prefix, BACK_CHARS)), None), False

    def _cancel_others(self, world: World) -> None:
        """Stop what no longer fits, bets on a suggestion that was not taken included."""
        for call in list(self._calls):
            if not _may_fit(call, world.prefix):
                self._calls.remove(call)
                world.close(call)

    def _ask(self, world: World) -> None:
        self._request(world, world.prefix)
        self._cancel_others(world)

    def _request(self, world: World, prefix: str) -> None:
        many = not line_before(prefix).strip() and starts_block(prefix.rstrip().rpartition("\n")[2])
        stop = ("\n\n\n", "\n```") if many else ("\n",)
        call = world.ask(prefix, world.suffix, max_tokens=BLOCK_TOKENS if many else LINE_TOKENS, stop=stop)
        call.note = "block" if many else "line"
        self._calls.append(call)

    def _show(self, world: World, text: str, *, ahead: bool) -> None:
        if ahead:
            self._current = (world.prefix, text)
        world.show(text)
        whole = world.prefix + text
        key = (len(whole), whole[-80:])
        if ahead and key not in self._ahead and not self._store.through(whole, BACK_CHARS):
            self._ahead.add(key)
            self._request(world, whole)


def _may_fit(call: Call, prefix: str) -> bool:
    """A running request fits as long as nothing that it has written differs from what was typed since."""
    typed = prefix[len(call.prefix) :]
    return prefix.startswith(call.prefix) and (not call.text or call.text.startswith(typed))
