"""What a request for ghost text came to, and the model call behind it: what ``explain`` answers from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farebox.completion import gate
from farebox.completion.engine import Completion, Item
from farebox.completion.moves import Silence, Source
from farebox.completion.trim import hidden
from farebox.completion.window import Window
from farebox.errors import FareboxError
from farebox.messages import Done, Route
from farebox.router.door import Reply


@dataclass(slots=True)
class Asking:
    """One model call: what is known of it so far."""

    route: Route | None = None
    reply: Reply | None = None
    snippets: int = 0
    _done: Done | None = None

    @property
    def done(self) -> Done | None:
        """What it came to, once it has ended."""
        return self.reply.done if self.reply is not None else self._done

    def ended(self) -> "Asking":
        """Let go of the reply, which keeps the prompt, where it has told what it came to."""
        if (done := self.done) is not None:
            self._done, self.reply = done, None
        return self


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request for ghost text came to: ``items``, or why there are none.

    ``source`` is where the first item came from, ``asking`` the model call behind it. ``error`` is why no
    model answers, ``hidden`` are the characters nobody would see for which what it said is withheld.
    """

    items: tuple[Item, ...] = ()
    source: Source | None = None
    shut: gate.Shut | None = None
    silence: Silence | None = None
    asking: Asking | None = None
    error: FareboxError | None = None
    waited_ms: int = 0
    hidden: tuple[str, ...] = ()


def completion_of(outcome: Outcome) -> Completion:
    """Return an outcome as the completion that ``explain`` and the clients know."""
    asking = outcome.asking
    done = asking.done if asking is not None else None
    known = Completion(outcome.items, outcome.shut).of(done)
    if done is not None or asking is None:
        return known
    call_id = asking.reply.call_id if asking.reply is not None else None
    return replace(known, route=asking.route, call_id=call_id)


def first_asking(answers: Sequence[tuple[Asking, str] | BaseException]) -> Asking | None:
    """Return the first of several model calls that has answered."""
    return next((answer[0] for answer in answers if not isinstance(answer, BaseException)), None)


def hidden_in_all(answers: Sequence[tuple[Asking, str] | BaseException], window: Window) -> tuple[str, ...]:
    """Return the characters for which answers are withheld, each once."""
    found = (hidden(answer[1], window) for answer in answers if not isinstance(answer, BaseException))
    return tuple(dict.fromkeys(char for chars in found for char in chars))


def in_crlf(outcome: Outcome) -> Outcome:
    """Return an outcome for a document whose lines end as on Windows."""
    items = tuple(replace(item, text=item.text.replace("\n", "\r\n")) for item in outcome.items)
    return replace(outcome, items=items)
