"""The typist in real time: the same keys and the same screen as in virtual time, before a real server.

Whoever is measured is told of each change and replies whenever it likes; a reply counts only if the document
has not changed since.
"""

import asyncio
from typing import Protocol

from bench.typing.client import Screen
from bench.typing.tally import Tally
from bench.typing.texts import Target
from bench.typing.typist import SEEN_MS, Typist


class Place:
    """Where the cursor is in a document, as LSP counts."""

    def __init__(self, before: str) -> None:
        self.line = before.count("\n")
        self._text = before[before.rfind("\n") + 1 :]

    @property
    def here(self) -> dict[str, int]:
        """The LSP position."""
        return {"line": self.line, "character": len(self._text.encode("utf-16-le")) // 2}

    def insert(self, text: str) -> None:
        """Move behind an insertion."""
        self.line += text.count("\n")
        self._text = text[text.rfind("\n") + 1 :] if "\n" in text else self._text + text

    def erase(self) -> None:
        """Move back over one character of the line."""
        self._text = self._text[:-1]


class Editor(Protocol):
    """One open document of the server that is measured."""

    async def change(self, inserted: str, *, erased: int, accepted: bool) -> None:
        """Tell of a change, and ask for ghost text."""
        ...


class Session:
    """One text typed before one server."""

    def __init__(self, target: Target, tally: Tally, *, seed: int) -> None:
        self._typist = Typist(target.region, f"{seed}/{target.name}")
        self._tally = tally
        self._screen = Screen(self._typist, tally)
        self._changed = asyncio.Event()
        tally.chars = len(target.region)

    def show(self, text: str | None) -> None:
        """A reply came for the place where the cursor is."""
        self._screen.show(_now_ms(), text)
        self._changed.set()

    @property
    def ghost(self) -> str | None:
        """What is on the screen."""
        return self._screen.ghost

    async def type(self, editor: Editor, *, max_keys: int | None = None) -> None:
        """Type the text to its end, or so many keys of it."""
        began = last = _now_ms()
        while not self._typist.done and (max_keys is None or self._tally.keys < max_keys):
            key = self._typist.next_key()
            due = last + key.gap_ms
            taken = await self._until(due)
            self._screen.action_ends(key.gap_ms)
            now = _now_ms()
            # A late machine types late, but the keys after it keep their distance.
            last = max(due, now - key.gap_ms) if taken is None else now
            if taken is None:
                self._typist.press(key)
                self._screen.key(now, key)
                await editor.change(key.insert, erased=key.erase, accepted=False)
            else:
                self._typist.accept(taken)
                self._screen.accepted(now, taken)
                await editor.change(taken, erased=0, accepted=True)
        if not self._typist.done:
            self._tally.chars = self._typist.at
        self._tally.time_ms = _now_ms() - began

    async def _until(self, due_ms: float) -> str | None:
        """Wait for the next key's time; return what of the ghost text is taken before it."""
        while True:
            now = _now_ms()
            ghost = self._screen.ghost
            look = self._screen.since_ms + SEEN_MS if ghost is not None else None
            if ghost is not None and look is not None and look <= now:
                taken = self._typist.taken(ghost)
                if taken is not None:
                    return taken
                look = None
            if now >= due_ms:
                return None
            until = due_ms if look is None else min(due_ms, look)
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), max(0.0, until - now) / 1000)
            except TimeoutError:
                continue


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1000
