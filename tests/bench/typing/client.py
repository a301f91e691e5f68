"""How an editor shows ghost text; the same for everybody who is measured, in virtual and in real time.

As in VS Code and Neovim, a ghost is kept while what is typed agrees with it, and hidden by anything else. A
reply for the place where the cursor is replaces it; an empty reply hides it (VS Code does so unless
a provider asks for stability), so a server that wants to keep a ghost has to reply with it.
"""

from bench.typing.tally import PAUSE_MS, Tally
from bench.typing.typist import Key, Typist


class Screen:
    """The ghost text at the cursor, and the counting of what a person sees of it."""

    def __init__(self, typist: Typist, tally: Tally) -> None:
        self._typist = typist
        self._tally = tally
        self._hidden: str | None = None
        self._changed_ms = 0.0
        self._seen_ms: float | None = None
        self._kept = False
        self.ghost: str | None = None
        self.since_ms = 0.0
        """Since when the ghost, or one that it goes on from, has been there."""

    def key(self, now_ms: float, key: Key) -> None:
        """A key was pressed: the typist is past it by now."""
        self._tally.keys += 1
        self._edited(now_ms, key.insert, erased=key.erase > 0)

    def accepted(self, now_ms: float, text: str) -> None:
        """Ghost text was accepted: the typist is past it by now."""
        self._tally.accepts += 1
        self._tally.accepted_chars += len(text)
        self._edited(now_ms, text, erased=False)

    def show(self, now_ms: float, text: str | None) -> None:
        """A reply came for the place where the cursor is."""
        old, new = self.ghost, text or None
        if new == old:
            return
        self.ghost = new
        if new is None:
            self._hidden = old
            return
        before = old if old is not None else self._hidden
        same = before is not None and (new.startswith(before) or before.startswith(new))
        if (old is not None and not same) or (old is None and same):
            self._tally.flickers += 1  # another in its place, or the same one again after it was away
        self._hidden = None
        if self._seen_ms is None:
            self._seen_ms = now_ms
        if old is None or not same:
            self.since_ms = now_ms
            self._count_ghost(new)

    def action_ends(self, planned_ms: float) -> None:
        """The next key or accept is about to come: count what was seen since the last one."""
        seen = self._seen_ms is not None
        if planned_ms >= PAUSE_MS:
            self._tally.pauses += 1
            self._tally.pauses_with_ghost += seen
        self._tally.keys_with_ghost += seen
        if self._seen_ms is not None and not self._kept:
            self._tally.waits_ms.append(self._seen_ms - self._changed_ms)

    def _edited(self, now_ms: float, inserted: str, *, erased: bool) -> None:
        self._changed_ms = now_ms
        self.ghost = _left(self.ghost, inserted, erased=erased)
        self._hidden = _left(self._hidden, inserted, erased=erased)
        self._kept = self.ghost is not None
        self._seen_ms = now_ms if self._kept else None

    def _count_ghost(self, ghost: str) -> None:
        rest = self._typist.rest
        self._tally.ghosts += 1
        line = (
            ghost.partition("\n")[0] if not ghost.startswith("\n") else ghost.lstrip("\n").partition("\n")[0]
        )
        shown = ghost[: ghost.index(line) + len(line)]
        self._tally.wrong_ghosts += rest is None or not rest.startswith(shown)


def _left(ghost: str | None, inserted: str, *, erased: bool) -> str | None:
    """Return what of a ghost text still stands after a change."""
    if ghost is None or erased or not ghost.startswith(inserted) or len(ghost) == len(inserted):
        return None
    return ghost[len(inserted) :]
