"""What a request for ghost text came to, and the model call behind it: what ``explain`` answers from."""

from dataclasses import dataclass, replace

from farebox.completion import gate
from farebox.completion.engine import Completion, Hole, Item
from farebox.completion.moves import Silence, Source
from farebox.errors import FareboxError
from farebox.messages import Done, Route
from farebox.router.door import Reply


@dataclass(slots=True)
class Asking:
    """One model call: what is known of it so far."""

    hole: Hole
    route: Route | None = None
    reply: Reply | None = None
    snippets: int = 0
    error: FareboxError | None = None

    @property
    def done(self) -> Done | None:
        """What it came to, once it has ended."""
        return self.reply.done if self.reply is not None else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request for ghost text came to: ``items``, or why there are none.

    ``source`` is where the first item came from. ``asking`` is the model call behind it, or the one that failed.
    """

    items: tuple[Item, ...] = ()
    source: Source | None = None
    shut: gate.Shut | None = None
    silence: Silence | None = None
    asking: Asking | None = None
    waited_ms: int = 0


def completion_of(outcome: Outcome) -> Completion:
    """Return an outcome as the completion that ``explain`` and the clients know."""
    asking = outcome.asking
    done = asking.done if asking is not None else None
    known = Completion(outcome.items, outcome.shut).of(done)
    if done is not None or asking is None:
        return known
    call_id = asking.reply.call_id if asking.reply is not None else None
    return replace(known, route=asking.route, call_id=call_id)
