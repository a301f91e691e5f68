"""Cody: the smart throttle, results of older requests tried on newer ones, and hot streaks.

Ported from ``vscode/src/completions``: smart-throttle.ts, request-manager.ts, reuse-last-candidate.ts,
hot-streak.ts. Its fuzzy cache match is left out, and so is the preloading of the next empty line.
"""

from dataclasses import dataclass

from bench.typing.peers.store import Store, block, first_line, line_before, starts_block
from bench.typing.policy import Call, Change, Quiet, World

TAIL_MS = 25.0
THROTTLE_MS = 250.0
MAX_TOKENS = 256
CACHED = 250
HOT_LINES = 5
SKIPPED_AFTER = (")", "]", "}", ";")


@dataclass(slots=True)
class _Note:
    """What is remembered of a request."""

    multiline: bool
    result: str | None = None
    used: int = 0
    """How much of the stream has gone into completions."""
    prefix: str = ""
    """Where the next completion of the streak begins."""
    lines: int = 0


class Cody(Quiet):
    """One document of it."""

    streams = True

    def __init__(self) -> None:
        self._store = Store(CACHED)
        self._last: tuple[str, str] | None = None
        self._calls: list[Call] = []
        self._line_start: Call | None = None
        self._line_start_at = -1
        self._tail: Call | None = None
        self._tail_pending = False
        self._promoted_ms = 0.0
        self._wanted = False

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        self._wanted = False
        line = line_before(world.prefix)
        if any(char.isalnum() for char in world.suffix.partition("\n")[0]):
            return
        if line.rstrip().endswith(SKIPPED_AFTER) and line.strip():
            return
        text = self._reusable(world.prefix) or self._store.get(world.prefix)
        if text:
            self._show(world, text)
            return
        self._wanted = True
        at = world.prefix.count("\n")
        if not line.strip() and at != self._line_start_at:
            self._abort(world, self._line_start)
            self._line_start_at, self._promoted_ms = at, world.now_ms
            self._line_start = self._ask(world)
            return
        if world.now_ms - self._promoted_ms > THROTTLE_MS and (self._tail or self._tail_pending):
            self._tail, self._promoted_ms = None, world.now_ms
        self._abort(world, self._tail)
        self._tail, self._tail_pending = None, True
        world.wake(TAIL_MS, "tail")

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        self._tail_pending = False
        self._tail = self._ask(world)

    def progress(self, world: World, call: Call) -> None:
        """See Policy."""
        self._extract(world, call)

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        self._extract(world, call)
        if call in self._calls:
            self._calls.remove(call)

    def _ask(self, world: World) -> Call:
        for call in list(self._calls):
            if not _relevant(world.prefix, call):
                self._abort(world, call)
        call = world.ask(world.prefix, world.suffix, max_tokens=MAX_TOKENS)
        before = world.prefix.rstrip().rpartition("\n")[2]
        call.note = _Note(starts_block(before), prefix=call.prefix)
        self._calls.append(call)
        return call

    def _abort(self, world: World, call: Call | None) -> None:
        if call is not None and call in self._calls:
            self._calls.remove(call)
            world.close(call)

    def _extract(self, world: World, call: Call) -> None:
        """Take completions out of a running answer: the first for its place, then the hot streak."""
        note = call.note
        assert isinstance(note, _Note)
        while not call.closed and (found := _completion(call, note)) is not None:
            text, used = found
            first = note.result is None
            if text.strip():
                self._store.put(note.prefix, text)
            if first:
                note.result = text
                self._resolved(world, call, text)
            note.used += used
            note.lines += 0 if first else 1
            if note.lines >= HOT_LINES:
                self._abort(world, call)
                return
            rest = call.text[note.used :]
            skipped = len(rest) - len(rest.lstrip())
            note.used += skipped
            note.prefix = call.prefix + call.text[: note.used]
            if not call.text[note.used :].strip():
                return

    def _resolved(self, world: World, call: Call, text: str) -> None:
        if not self._wanted or not text.strip():
            return
        if call.prefix == world.prefix:
            self._show(world, text)
            return
        candidate = _typed_into(call.prefix, text, world.prefix)
        if candidate:
            # The answer to an older request fits: the newer one of the same line is settled and aborted.
            for other in list(self._calls):
                if other is not call and other.prefix == world.prefix:
                    self._abort(world, other)
            world.sleep("tail")
            self._show(world, candidate)

    def _show(self, world: World, text: str) -> None:
        self._wanted = False
        self._last = (world.prefix, text)
        world.show(text)

    def _reusable(self, prefix: str) -> str | None:
        return _typed_into(*self._last, prefix) if self._last is not None else None


def _typed_into(start: str, text: str, prefix: str) -> str | None:
    """Return what is left of a completion at a later place of the same line."""
    whole = start + text
    if len(prefix) < len(start) or len(prefix) >= len(whole) or not whole.startswith(prefix):
        return None
    return whole[len(prefix) :] if "\n" not in prefix[len(start) :] else None


def _completion(call: Call, note: _Note) -> tuple[str, int] | None:
    """Return the next completion of an answer, and how much of it that takes; None if it is not whole yet."""
    raw = call.text[note.used :]
    if not raw.strip():
        return ("", len(raw)) if call.done and note.result is None else None
    if note.result is None and note.multiline:
        text, ended = block(raw, note.prefix)
        return (text, len(text)) if ended or call.done else None
    text = first_line(raw)
    return (text.rstrip(), len(text)) if len(text) < len(raw) or call.done else None


def _relevant(prefix: str, call: Call) -> bool:
    """Tell whether a running request may still be of use: what it stands for must not have diverged."""
    note = call.note
    assert isinstance(note, _Note)
    inserted = call.prefix + (note.result or "")
    return inserted.startswith(prefix) or prefix.startswith(inserted)
