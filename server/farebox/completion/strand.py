"""What a model expects to be typed from a place on: one text, perhaps still growing, of one or more requests.

Pure. What of it may be shown at a later place is told by ``boundary`` and ``trim``.
"""

from dataclasses import dataclass
from typing import Final

from farebox.completion.boundary import boundary
from farebox.completion.spot import Spot, typed_between
from farebox.completion.trim import hidden, trim
from farebox.completion.window import Window

MAX_LEAD_CHARS: Final = 48
"""By how much typing may be ahead of an answer that is still to come."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much of an answer is enough: so many lines, or so many characters of two lines or more."""

    lines: int
    chars: int


@dataclass(slots=True)
class Strand:
    """``text`` is what is expected from ``spot`` on. A request under way goes on from ``asked_from``.

    ``asked`` is what it was shown of the document, None without one: many strands are kept, and a window is
    large. ``wanted`` is how much of an answer is waited for.
    ``is_whole``: no more of it will come, or is needed. ``is_closed``: what follows is not worth asking for.
    """

    id: str
    spot: Spot
    asked: Window | None
    one_line: bool
    wanted: Wanted
    began_s: float
    text: str = ""
    asked_from: int = 0
    is_whole: bool = False
    is_closed: bool = False
    is_ahead: bool = False
    calls: tuple[tuple[int, str], ...] = ()
    """Where in the text each model call's part begins."""

    @property
    def is_running(self) -> bool:
        """Whether a request is under way."""
        return self.asked is not None

    def call_at(self, rest: str) -> str | None:
        """Return the model call that the first of what is left came from."""
        at = len(self.text) - len(rest)
        return next((call for begins, call in reversed(self.calls) if begins <= at), None)

    def forget_typed(self, typed: str) -> None:
        """Begin behind what has been typed of it."""
        self.spot, self.text = self.spot.onward(typed), self.text[len(typed) :]
        self.asked_from = max(0, self.asked_from - len(typed))
        calls = [(at - len(typed), call) for at, call in self.calls]
        first = max((number for number, (at, _) in enumerate(calls) if at <= 0), default=0)
        self.calls = tuple((max(0, at), call) for at, call in calls[first:])

    def rest_at(self, now: Spot) -> str | None:
        """Return what is left of the text at a later place; None if it says something else.

        While it grows, typing may be ahead of it: then nothing is left yet.
        """
        typed = typed_between(self.spot, now)
        if typed is None:
            return None
        if self.text.startswith(typed):
            return self.text[len(typed) :]
        lead = len(typed) - len(self.text)
        is_ahead = self.is_running and lead <= MAX_LEAD_CHARS and typed.startswith(self.text)
        return "" if is_ahead else None

    def ghost_at(self, now: Spot, window: Window, *, one_line: bool) -> str | None:
        """Return what is worth showing at a place: a whole line, statement or block of what is left."""
        part = self._part_at(now, window, one_line=one_line)
        return None if part is None else trim(part, window)

    def hidden_at(self, now: Spot, window: Window, *, one_line: bool) -> tuple[str, ...]:
        """Return the characters for which it is withheld at a place: nobody would see them."""
        part = self._part_at(now, window, one_line=one_line)
        return () if part is None else hidden(part, window)

    def _part_at(self, now: Spot, window: Window, *, one_line: bool) -> str | None:
        rest = self.rest_at(now)
        if rest is None or not rest.strip():
            return None
        end = boundary(rest, window, one_line=one_line)
        if end is None and not self.is_whole:
            end = self.asked_from - (len(self.text) - len(rest))  # all that was there before it was taken on
            if end <= 0:
                return None
        return rest if end is None else rest[:end]

    @property
    def is_enough(self) -> bool:
        """Whether the running answer has come to the end of what it was asked for."""
        return self._end() is not None

    def _end(self) -> int | None:
        """Return where the lines that are wanted end, once they are there; or where the answer ends."""
        end, window, one_line = self.asked_from, self.asked, self.one_line
        if window is None:
            return None
        while (size := boundary(self.text[end:], window, one_line=one_line)) is not None:
            part = self.text[end : end + size]
            end += size
            if not part.strip() or self._has_enough(end):
                return end
            window = window.after(part)
            one_line = window.one_line
        return self._full_at()

    def _full_at(self) -> int | None:
        """Return where there are as many lines as are wanted, whatever they are."""
        at = self.asked_from
        while (line_end := self.text.find("\n", at)) >= 0:
            if self._has_enough(line_end):
                return line_end
            at = line_end + 1
        return None

    def _has_enough(self, end: int) -> bool:
        """Whether the lines up to an end are as many as are wanted."""
        so_far = self.text[self.asked_from : end]
        count = sum(1 for line in so_far.split("\n") if line.strip())
        return count >= self.wanted.lines or (count > 1 and len(so_far) >= self.wanted.chars)

    def finish(self) -> None:
        """Let no more of it come: it is what was asked for. Whole lines that came beyond that are kept."""
        end = self._end()
        if end is not None:
            self.text = self.text[: max(end, self.text.rfind("\n") + 1)]
        self.asked, self.is_whole = None, True

    @property
    def goes_astray(self) -> bool:
        """Whether a look-ahead goes on within a line that was whole already, or forgets the indentation."""
        if self.asked is None or not self.is_ahead:
            return False
        come = self.text[self.asked_from :]
        if self.asked.line_before.strip():
            return come.lstrip(" \t")[:1] not in ("", "\n", "\r")
        above = self.asked.prefix.rstrip("\r\n").rpartition("\n")[2]
        return above[:1] in (" ", "\t") and come[:1].isalnum()

    def give_up(self) -> None:
        """Take back what a look-ahead has brought: nothing follows."""
        self.text = self.text[: self.asked_from]
        self.asked, self.is_whole, self.is_closed = None, True, True

    def stop(self) -> None:
        """Let no more of it come, whatever it is by now."""
        self.asked = None

    def go_on(self, window: Window, text: str, at_s: float, wanted: Wanted, call: str) -> None:
        """Let a look-ahead take it on behind ``text``, as the window shows the document then."""
        self.text, self.asked, self.asked_from = text, window, len(text)
        self.one_line, self.wanted = window.one_line, wanted
        self.is_whole, self.is_ahead, self.began_s = False, True, at_s
        self.calls = (*self.calls, (len(text), call))
