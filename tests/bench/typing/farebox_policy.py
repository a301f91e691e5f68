"""farebox's own flow in virtual time: the same ``decide`` that the server runs, without the server.

Each text is a document of its own in one editor: what is known of the provider's pace stays.
"""

import itertools
from collections.abc import Callable

from bench.typing.policy import Call, Change, Quiet, World
from farebox.completion.embedded import Embedded
from farebox.completion.flow import decide
from farebox.completion.moves import (
    Action,
    Answer,
    Asked,
    Came,
    Changed,
    Ended,
    Event,
    Guess,
    Guessed,
    Start,
    Stop,
    Ticked,
    Wake,
)
from farebox.completion.pages import Policy, State
from farebox.completion.prompt import MAX_BLOCK_TOKENS, MAX_LINE_TOKENS
from farebox.completion.spot import spot_in
from farebox.completion.window import Window, window

NAME, LANGUAGE = "typed.py", "python"
TICK = "tick"

Suggest = Callable[[Window], str | None]


def own_text() -> Suggest:
    """Return the embedded completer as it is where only the typed document is open."""
    embedded = Embedded()

    def suggest(around: Window) -> str | None:
        suggestion = embedded.suggest(around)
        return suggestion.text if suggestion is not None else None

    return suggest


class FareboxPolicy(Quiet):
    """The flow as a policy. ``suggest`` stands for the embedded completer, which knows the typed document."""

    streams = True

    def __init__(self, policy: Policy | None = None, suggest: Suggest | None = None) -> None:
        self._state = State(policy or Policy())
        self._suggest = suggest or own_text()
        self._calls: dict[str, Call] = {}
        self._seen: dict[str, int] = {}
        self._requests = itertools.count()
        self.answers: list[Answer] = []

    def changed(self, world: World, _change: Change) -> None:
        """See Policy."""
        spot = spot_in(NAME, world.prefix, world.suffix)
        self._tell(world, Changed(_s(world), NAME, spot))
        around = window(NAME, LANGUAGE, world.prefix, world.suffix)
        if around.line_after.strip(" \t)]}>\"'`:;,"):
            return
        self._tell(world, Asked(_s(world), f"r{next(self._requests)}", spot, around))

    def progress(self, world: World, call: Call) -> None:
        """See Policy."""
        strand = str(call.note)
        seen = self._seen.get(strand, 0)
        first_s = None if seen or call.first_ms is None else (call.first_ms - call.started_ms) / 1000
        self._seen[strand] = len(call.text)
        self._tell(world, Came(_s(world), strand, call.text[seen:], first_s))

    def finished(self, world: World, call: Call) -> None:
        """See Policy."""
        strand = str(call.note)
        if len(call.text) > self._seen.get(strand, 0):
            self.progress(world, call)
        if self._calls.get(strand) is call:
            del self._calls[strand]
            self._tell(world, Ended(_s(world), strand))

    def timer(self, world: World, _name: str) -> None:
        """See Policy."""
        self._tell(world, Ticked(_s(world)))

    def _tell(self, world: World, event: Event) -> None:
        for action in decide(event, self._state):
            self._do(world, action)

    def _do(self, world: World, action: Action) -> None:
        match action:
            case Answer():
                self.answers.append(action)
                if action.ghost is not None or action.silence not in ("superseded", "changed", "withdrawn"):
                    world.show(action.ghost.text if action.ghost is not None else None)
            case Guess():
                self._tell(world, Guessed(_s(world), action.request, self._suggest(action.window)))
            case Start():
                limit = MAX_LINE_TOKENS if action.one_line else MAX_BLOCK_TOKENS
                stop = ("\n",) if action.one_line else ()
                call = world.ask(action.window.prefix, action.window.suffix, max_tokens=limit, stop=stop)
                call.note = action.strand
                self._calls[action.strand], self._seen[action.strand] = call, 0
            case Stop():
                call = self._calls.pop(action.strand, None)
                if call is not None:
                    world.close(call)
            case Wake():
                world.wake(max(0.0, 1000 * action.at_s - world.now_ms), TICK)


def _s(world: World) -> float:
    return world.now_ms / 1000
