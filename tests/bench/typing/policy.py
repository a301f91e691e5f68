"""What a policy of asking for ghost text is, and the world that it sees.

A policy hears of changes, of running answers and of its own timers, one at a time; it acts through the world
at once, in the same virtual moment. It knows no clock but ``now_ms`` and no truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Kind = Literal["type", "erase", "accept"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to the document just now: text came in at the cursor, or one character went."""

    kind: Kind
    text: str


@dataclass(eq=False, slots=True)
class Call:
    """One request to the model. ``text`` is what has come so far; ``note`` is the policy's own."""

    prefix: str
    suffix: str
    started_ms: float
    text: str = ""
    done: bool = False
    closed: bool = False
    first_ms: float | None = None
    """When the first token came."""
    limited: bool = False
    """True if it is done and was cut off by its number of tokens."""
    note: object = field(default=None)


class World(Protocol):
    """What a policy can see and do."""

    @property
    def now_ms(self) -> float:
        """The virtual time."""
        ...

    @property
    def prefix(self) -> str:
        """The whole document before the cursor."""
        ...

    @property
    def suffix(self) -> str:
        """The whole document after the cursor."""
        ...

    @property
    def ghost(self) -> str | None:
        """What is on the screen at the cursor; an editor keeps it while what is typed agrees with it."""
        ...

    def ask(
        self,
        prefix: str,
        suffix: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        limit_ms: float | None = None,
    ) -> Call:
        """Send a request. Its end (and, for a policy that streams, each token) is told later."""
        ...

    def close(self, call: Call) -> None:
        """Stop a request; nothing more is heard of it."""
        ...

    def show(self, text: str | None) -> None:
        """Reply for the place where the cursor is: replaces what is shown; None hides it."""
        ...

    def wake(self, after_ms: float, name: str) -> None:
        """Call ``timer`` later; a timer of that name that is still running is set anew."""
        ...

    def sleep(self, name: str) -> None:
        """Stop a timer."""
        ...


class Policy(Protocol):
    """One text's worth of a way to ask: made anew for each text."""

    streams: bool
    """Whether it wants to hear of every token; if not, only of the end."""
    replies_once: bool
    """True for a language server: one reply for each change, no more (an assertion holds it)."""

    def changed(self, world: World, change: Change, /) -> None:
        """The document has changed: a key, or accepted text. The editor asks for ghost text now."""
        ...

    def progress(self, world: World, call: Call, /) -> None:
        """More of an answer has come."""
        ...

    def finished(self, world: World, call: Call, /) -> None:
        """An answer is complete."""
        ...

    def timer(self, world: World, name: str, /) -> None:
        """A timer has run out."""
        ...


class Quiet:
    """A policy that hears of nothing: the base of those that do not need every event."""

    streams = False
    replies_once = True

    def changed(self, world: World, change: Change, /) -> None:
        """See Policy."""

    def progress(self, world: World, call: Call, /) -> None:
        """See Policy."""

    def finished(self, world: World, call: Call, /) -> None:
        """See Policy."""

    def timer(self, world: World, name: str, /) -> None:
        """See Policy."""
