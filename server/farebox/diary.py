"""The last things that farebox did, or did not do, and why: what ``explain`` answers from.

Holds ids, routes, counts and reasons; never a prompt, an answer or code. It knows what became of each
completion, so that whoever is told of it counts the same thing once, however often an editor says it.

``textDocument/didShowCompletion`` says what was shown. It is no part of LSP: a client may send nothing but
the command of an item that was accepted. So until a client has sent one in its session, the first item of
each answer to ``textDocument/inlineCompletion`` counts as shown; from then on its notifications alone do.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from farebox.errors import InvalidParams
from farebox.messages import Cost, Done, Route, Usage

MAX_ENTRIES = 500

Tell: TypeAlias = Callable[[str, int, int, int], None]
"""Hears how many more completions of a call were shown, were accepted at all, and were so only in part."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One completion or turn. ``reason`` says why it was what it was, also why nothing was shown.

    ``source`` is where a completion came from, ``silence`` the name of why there was none, ``waited_ms`` how
    long the editor waited for it, ``snippets`` how many pieces of other files the model was shown.
    ``call_id`` is its row in the ledger. ``length`` is that of the text that was offered as a completion, as
    its editor counts; None if none was. ``accepted``: some of it was taken, ``partly``: but not all.
    """

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
    partly: bool = False
    call_id: str | None = None
    length: int | None = None
    source: str | None = None
    silence: str | None = None
    waited_ms: int | None = None
    snippets: int | None = None


def _nobody(_call_id: str, _shown: int, _accepted: int, _partly: int) -> None: ...


class Diary:
    """The newest entries; the oldest make room. ``tell`` hears what users do with completions."""

    def __init__(self, tell: Tell = _nobody) -> None:
        self._tell = tell
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._is_told_of_shown = False
        self.last_model: str | None = None
        """The full name of the model that served last."""

    def write(self, entry: Entry) -> None:
        """Keep an entry. One that is offered again, now that some of it has been typed, is the same one."""
        old = self._entries.pop(entry.id, None)
        if old is not None:
            kept = replace(old, length=entry.length, waited_ms=entry.waited_ms, reason=entry.reason)
            self._entries[entry.id] = replace(kept, source=entry.source)
            return
        self._entries[entry.id] = entry
        if entry.route is not None:
            self._note_model(entry.route)
        while len(self._entries) > MAX_ENTRIES:
            self._entries.popitem(last=False)

    def note_call(self, done: Done) -> None:
        """Write down what a model call came to, where completions were offered while it ran."""
        if done.call_id is None:
            return
        self._note_model(done.route)
        for entry in [one for one in self._entries.values() if one.call_id == done.call_id]:
            self._entries[entry.id] = replace(
                entry,
                route=done.route,
                usage=done.usage,
                cost=done.cost,
                first_token_ms=done.first_token_ms,
                total_ms=done.total_ms,
            )

    def _note_model(self, route: Route) -> None:
        if route.attempts and route.attempts[-1].outcome == "ok":
            self.last_model = route.target.name

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
        """Note that the client has shown a completion; an unknown id is too old to matter."""
        self._is_told_of_shown = True
        self._mark_seen(entry_id)

    def mark_answered(self, entry_id: str) -> None:
        """Note that a client has got a completion to show: it counts as shown if the client never says."""
        if not self._is_told_of_shown:
            self._mark_seen(entry_id)

    def _mark_seen(self, entry_id: str) -> None:
        if (entry := self._offered(entry_id)) is not None:
            self._change(entry, replace(entry, shown=True))

    def mark_accepted(self, entry_id: str, length: int | None = None) -> None:
        """Note that the user has taken a completion, or so much of its beginning; then they have seen it.

        An unknown id is too old to matter, and nothing is no part.
        """
        entry = self._offered(entry_id)
        if entry is None or entry.length is None or (length is not None and length <= 0):
            return
        is_part = length is not None and length < entry.length
        partly = is_part and (entry.partly or not entry.accepted)
        self._change(entry, replace(entry, shown=True, accepted=True, partly=partly))

    def _offered(self, entry_id: str) -> Entry | None:
        entry = self._entries.get(entry_id)
        return entry if entry is not None and entry.length is not None else None

    def _change(self, old: Entry, new: Entry) -> None:
        """Keep what has become of a completion, and tell what is new in it."""
        if new == old:
            return
        self._entries[old.id] = new
        if old.call_id is not None:
            self._tell(
                old.call_id,
                new.shown - old.shown,
                new.accepted - old.accepted,
                new.partly - old.partly,
            )
