"""All that is known of typing and of answers: a page for each document, and what of it may be shown at a
place.

What is done about it is told in ``flow``, which alone changes it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from farebox.completion.moves import Asked, Ghost, Source
from farebox.completion.pace import Pace
from farebox.completion.spot import Spot, typed_between
from farebox.completion.strand import Strand
from farebox.completion.trim import trim
from farebox.completion.window import Window

MAX_STRANDS: Final = 64
"""Kept for each document: the cache of what models have said."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the user sees, as far as we know."""

    ghost: Ghost
    spot: Spot

    def rest_at(self, now: Spot) -> str | None:
        """Return what is left of it at a later place; None if typing has contradicted it or used it up."""
        typed = typed_between(self.spot, now)
        if typed is None or not self.ghost.text.startswith(typed):
            return None
        return self.ghost.text[len(typed) :] or None


@dataclass(slots=True)
class Page:
    """One document's part of the state.

    ``due_s``: when a model is to be asked about ``last``; ``lapses_s``: when nobody wants its answer.
    """

    strands: list[Strand] = field(default_factory=list[Strand])
    last: Asked | None = None
    waiting: Asked | None = None
    due_s: float | None = None
    lapses_s: float | None = None
    shown: Shown | None = None

    def running(self) -> list[Strand]:
        """Return the answers that are under way."""
        return [strand for strand in self.strands if strand.is_running]

    def keep(self, strand: Strand) -> None:
        """Add a strand; the oldest that has ended makes room."""
        self.strands.append(strand)
        if len(self.strands) > MAX_STRANDS:
            self.strands.remove(next(one for one in self.strands if not one.is_running))


@dataclass(frozen=True, slots=True)
class Policy:
    """What the settings say. ``debounce_s`` None adapts it to the pace."""

    debounce_s: float | None = None
    may_look_ahead: bool = True
    one_line: bool = False


@dataclass(slots=True)
class State:
    """All that is known of typing and of answers, for one editor.

    ``ends_lines``: the model does not begin an answer with a line's end, so a look-ahead's prompt has to
    have it.
    """

    policy: Policy = Policy()
    pace: Pace = field(default_factory=Pace)
    pages: OrderedDict[str, Page] = field(default_factory=OrderedDict[str, Page])
    number: int = 0
    pause_s: float = 0.0
    paused_until_s: float = 0.0
    failed_s: float = 0.0
    ends_lines: bool = False

    def page(self, document: str) -> Page:
        """Return a document's page, now the newest."""
        page = self.pages.setdefault(document, Page())
        self.pages.move_to_end(document)
        return page

    def next_name(self, letter: str) -> str:
        """Return a name that no strand or call has."""
        self.number += 1
        return f"{letter}{self.number}"

    def page_of(self, strand: str) -> tuple[Page, Strand] | None:
        """Find a strand."""
        return next(
            ((page, one) for page in self.pages.values() for one in page.strands if one.id == strand), None
        )


def ghost_now(state: State, spot: Spot, window: Window) -> Ghost | None:
    """Return what would be shown at once at a place, without asking anybody."""
    page = state.pages.get(spot.document)
    return None if page is None else ghost_for(page, Asked(0.0, "", spot, window), state)


def ghost_for(page: Page, event: Asked, state: State) -> Ghost | None:
    """Find what may be shown at once: the rest of what is shown already, else the newest that agrees.

    Only what the embedded completer has said makes room for a model's text that begins with it.
    """
    kept = page.shown.rest_at(event.spot) if page.shown is not None else None
    if kept is not None and event.window.line_after.strip():
        kept = _without_closers(kept, event.window)
    if kept is not None and not kept.strip():
        kept = None
    if page.shown is not None and kept is not None and page.shown.ghost.source != "embedded":
        return replace(page.shown.ghost, text=kept)
    for strand in reversed(page.strands):
        text = strand.ghost_at(event.spot, event.window, one_line=one_line(event.window, state))
        if text is None or (kept is not None and not text.startswith(kept)):
            continue
        call = strand.call_at(strand.rest_at(event.spot) or "")
        return Ghost(f"{strand.id}.{event.spot.offset}", text, _source(strand, event, call), strand.id, call)
    return None if page.shown is None or kept is None else replace(page.shown.ghost, text=kept)


def hidden_for(page: Page, event: Asked, state: State) -> tuple[str, ...]:
    """Return the characters for which what is known is not shown: nobody would see them."""
    line = one_line(event.window, state)
    found = (strand.hidden_at(event.spot, event.window, one_line=line) for strand in reversed(page.strands))
    return next(filter(None, found), ())


def _without_closers(kept: str, window: Window) -> str | None:
    """Cut off what stands behind the cursor by now: an editor closes brackets by itself."""
    cut = trim(kept, window)
    return cut if cut is None or kept.startswith(cut) else kept


def one_line(window: Window, state: State) -> bool:
    return state.policy.one_line or window.one_line


def _source(strand: Strand, event: Asked, call: str | None) -> Source:
    if strand.calls and call != strand.calls[0][1]:
        return "ahead"
    if strand.is_running and not strand.is_ahead:
        return "running"
    return "model" if event.at_s <= strand.began_s else "cache"
