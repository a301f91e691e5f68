"""The words of the flow: what may happen while one types, and what may be done about it. No behaviour."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from farebox.completion.spot import Spot
from farebox.completion.window import Window

Source = Literal["cache", "running", "model", "ahead", "embedded"]
"""Where a suggestion came from: an earlier answer, a growing one, one just asked for, one asked for in
advance, the user's own files."""

Silence = Literal["superseded", "changed", "nothing", "hidden", "failed", "backOff", "withdrawn", "notAsked"]
"""Why there was none. ``hidden``: it holds what nobody would see."""


# --- what happens -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """An editor asks for a suggestion. ``may_ask``: a model may be asked, at all."""

    at_s: float
    request: str
    spot: Spot
    window: Window
    may_ask: bool = True


@dataclass(frozen=True, slots=True)
class Guessed:
    """What the embedded completer says to a ``Guess``: None if it is not sure."""

    at_s: float
    request: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A document was edited, before anybody asks. ``spot`` is the cursor if it was typing, else None."""

    at_s: float
    document: str
    spot: Spot | None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The editor does not want the answer any more. What is on its way may still be of use."""

    at_s: float
    request: str


@dataclass(frozen=True, slots=True)
class Came:
    """More of an answer; ``first_token_s`` with the first of it."""

    at_s: float
    strand: str
    text: str
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer is whole, or has failed."""

    at_s: float
    strand: str
    has_failed: bool = False
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """A whole answer that somebody has asked for by hand."""

    at_s: float
    strand: str
    spot: Spot
    text: str
    shown: "Ghost | None" = None
    """What the user sees now that this is known."""


@dataclass(frozen=True, slots=True)
class Hushed:
    """Nothing is to be shown at a place, or asked for: the gate is shut there, or somebody asks by hand.

    ``stops``: nor is anything that runs of use any more; without a ``spot`` that holds for every document.
    """

    spot: Spot | None
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Ticked:
    """A moment that was asked for has come."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Closed:
    """A document was closed."""

    document: str


Event: TypeAlias = Asked | Guessed | Changed | Withdrawn | Came | Ended | Learned | Hushed | Ticked | Closed


# --- what is to be done --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ghost:
    """A suggestion. ``id`` stays the same while one types along it."""

    id: str
    text: str
    source: Source
    strand: str | None
    call: str | None = None
    """The model call that its beginning came from."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request: with a ghost, or why there is none. ``hidden``: the characters nobody would see."""

    request: str
    ghost: Ghost | None
    silence: Silence | None = None
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """Ask the embedded completer at once."""

    request: str
    window: Window


@dataclass(frozen=True, slots=True)
class Start:
    """Ask a model to fill the hole of a window."""

    strand: str
    call: str
    window: Window
    spot: Spot
    one_line: bool
    is_ahead: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Close the stream of an answer."""

    strand: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Tick at that time."""

    at_s: float


Action: TypeAlias = Answer | Guess | Start | Stop | Wake
