"""The last things that farebox did, or did not do, and why: what ``explain`` answers from.

Holds ids, routes, counts and reasons; never a prompt, an answer or code.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Literal

from farebox.errors import InvalidParams
from farebox.messages import Cost, Route, Usage

MAX_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One completion or turn. ``reason`` says why it was what it was, also why nothing was shown."""

    id: str
    kind: Literal["completion", "turn"]
    reason: str
    route: Route | None = None
    usage: Usage | None = None
    cost: Cost | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    shown: bool = False
    accepted: bool = False


class Diary:
    """The newest entries; the oldest make room."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.last_model: str | None = None
        """The full name of the model that served last."""

    def write(self, entry: Entry) -> None:
        """Keep an entry."""
        self._entries[entry.id] = entry
        if entry.route is not None and entry.route.attempts and entry.route.attempts[-1].outcome == "ok":
            self.last_model = entry.route.target.name
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def read(self, entry_id: str | None) -> Entry:
        """Return an entry, by default the last. Raises InvalidParams if there is none."""
        entry = (
            self._entries.get(entry_id)
            if entry_id is not None
            else next(reversed(self._entries.values()), None)
        )
        if entry is None:
            raise InvalidParams(
                "nothing has happened yet" if entry_id is None else f"nothing is known of {entry_id}",
                hint=f"Only the last {MAX_ENTRIES} completions and turns are remembered.",
            )
        return entry

    def mark_shown(self, entry_id: str) -> None:
        """Note that the user has seen a completion; an unknown id is too old to matter."""
        if entry_id in self._entries:
            self._entries[entry_id] = replace(self._entries[entry_id], shown=True)

    def mark_accepted(self, entry_id: str) -> None:
        """Note that the user has taken a completion; an unknown id is too old to matter."""
        if entry_id in self._entries:
            self._entries[entry_id] = replace(self._entries[entry_id], shown=True, accepted=True)
