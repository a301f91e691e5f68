"""The shell around the flow: carries out what it decides, and tells it what comes of that.

One Completer serves one editor. It holds the requests that wait, the answers under way and the timer; what to do
about any of them is decided in ``flow``. Cancelling a request only withdraws it: the answer under way may still
be of use.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias, assert_never

from farebox.completion import engine
from farebox.completion.boundary import boundary
from farebox.completion.engine import Filling, Hole, Item
from farebox.completion.flow import decide
from farebox.completion.library import Library
from farebox.completion.moves import (
    Action,
    Answer,
    Asked,
    Came,
    Changed,
    Closed,
    Ended,
    Event,
    Ghost,
    Guess,
    Guessed,
    Learned,
    Source,
    Start,
    Stop,
    Ticked,
    Wake,
    Withdrawn,
)
from farebox.completion.outcome import Asking, Outcome
from farebox.completion.pages import Policy, State, ghost_now
from farebox.completion.spot import spot_in
from farebox.completion.trim import trim
from farebox.completion.window import Snippet, Window
from farebox.config import Config
from farebox.errors import ConfigError, FareboxError
from farebox.messages import Route
from farebox.router.door import Door

MAX_CALLS: Final = 128
"""How many answers' routes and costs are kept, for ``explain``."""
CANDIDATE_TEMPERATURE: Final = 0.7

Spawn: TypeAlias = Callable[[Coroutine[object, object, None]], "asyncio.Task[None] | None"]


@asynccontextmanager
async def _unseen() -> AsyncGenerator[None]:
    yield


@dataclass(slots=True)
class _Waiting:
    future: "asyncio.Future[Answer]"
    hole: Hole


@dataclass(slots=True)
class Completer:
    """Ghost text for one editor. ``during`` is around each model call, for the status."""

    open_door: Callable[[], Door]
    config: Callable[[], Config]
    library: Callable[[], Library]
    spawn: Spawn
    during: Callable[[], AbstractAsyncContextManager[None]] = _unseen
    note_done: Callable[[Asking], None] = lambda _: None
    is_paused: bool = False
    clock: Callable[[], float] = time.monotonic
    _state: State = field(default_factory=State)
    _waiting: dict[str, _Waiting] = field(default_factory=dict[str, _Waiting])
    _holes: OrderedDict[str, Hole] = field(default_factory=OrderedDict[str, Hole])
    _tasks: "dict[str, asyncio.Task[None]]" = field(default_factory=dict[str, "asyncio.Task[None]"])
    _calls: OrderedDict[str, Asking] = field(default_factory=OrderedDict[str, Asking])
    _by_hand: "dict[str, asyncio.Task[object]]" = field(default_factory=dict[str, "asyncio.Task[object]"])
    _timer: asyncio.TimerHandle | None = None
    _wakes_at_s: float = 0.0
    _door: Door | None = None

    # --- what the editor tells ---------------------------------------------------------------------

    async def ghost(self, hole: Hole) -> Outcome:
        """Answer one request for ghost text, as soon as there is something to show. Raises ConfigError.

        A newer request for the document, or an edit of it, ends this one: ``silence`` says so.
        """
        started_s = self.clock()
        self._end_older(hole.path)
        config = self.config()
        window = hole.window()
        shut = engine.shut_at(hole, window, config, paused=self.is_paused)
        if shut is not None:
            return Outcome(shut=shut)
        self._take_policy(config)
        request = uuid.uuid4().hex
        waiting = _Waiting(asyncio.get_running_loop().create_future(), hole)
        self._waiting[request] = waiting
        self._holes[hole.path] = hole
        self._holes.move_to_end(hole.path)
        while len(self._holes) > MAX_CALLS:
            self._holes.popitem(last=False)
        spot = spot_in(hole.path, hole.prefix, hole.suffix)
        self._tell(Asked(started_s, request, spot, window))
        try:
            answer = await waiting.future
        except asyncio.CancelledError:
            self._tell(Withdrawn(request))
            raise
        finally:
            self._waiting.pop(request, None)
        return self._outcome(answer, hole, waited_ms=round(1000 * (self.clock() - started_s)))

    async def candidates(self, hole: Hole) -> Outcome:
        """Answer somebody who has asked by hand: what is known already first, then other ways to go on.

        A newer request for the document, or an edit of it, cancels this one. Raises FareboxError if no model
        answers and nothing was known.
        """
        self._end_older(hole.path)
        task = asyncio.current_task()
        if task is not None:
            self._by_hand[hole.path] = task
        try:
            return await self._candidates(hole)
        finally:
            if self._by_hand.get(hole.path) is task:
                del self._by_hand[hole.path]

    def _end_older(self, path: str) -> None:
        """End what somebody has asked for by hand: it is for another text."""
        older = self._by_hand.pop(path, None)
        if older is not None:
            older.cancel()

    async def _candidates(self, hole: Hole) -> Outcome:
        started_s = self.clock()
        config = self.config()
        window = hole.window()
        shut = engine.shut_at(hole, window, config, paused=False)
        if shut is not None and shut.reason != "excluded":  # who asks for that is told by the door's error
            return Outcome(shut=shut)
        self._take_policy(config)
        spot = spot_in(hole.path, hole.prefix, hole.suffix)
        known = ghost_now(self._state, spot, window)
        wanted = config.completion.candidates - (known is not None)
        one_line = engine.one_line(window, config)
        snippets = await self._snippets(hole, window)
        fillings = [
            Filling(window, snippets, one_line, 0 if number == 0 and known is None else CANDIDATE_TEMPERATURE)
            for number in range(wanted)
        ]
        answers = await asyncio.gather(
            *(self._fill_once(hole, filling) for filling in fillings), return_exceptions=True
        )
        items: dict[str, Item] = {}
        if known is not None:
            items[known.text] = Item(known.id, known.text)
        askings: list[Asking] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                if not isinstance(answer, FareboxError):
                    raise answer
                continue
            asking, raw = answer
            askings.append(asking)
            text = trim(raw, window)
            if text is not None and text not in items:
                strand = uuid.uuid4().hex
                self._keep(strand, asking)
                items[text] = Item(f"{strand}.0", text)
                self._tell(Learned(self.clock(), strand, spot, window, raw))
        if not items and not askings:
            raise next(answer for answer in answers if isinstance(answer, FareboxError))
        first = self._calls.get(known.strand or "") if known is not None else next(iter(askings), None)
        source: Source | None = known.source if known is not None else "model" if items else None
        return Outcome(
            tuple(items.values()),
            source,
            silence=None if items else "nothing",
            asking=first,
            waited_ms=round(1000 * (self.clock() - started_s)),
        )

    def changed(self, path: str, prefix: str | None, suffix: str = "") -> None:
        """Hear of an edit: ``prefix`` and ``suffix`` are what is around the cursor if it was typing, else None."""
        self._end_older(path)
        spot = None if prefix is None else spot_in(path, prefix, suffix)
        self._tell(Changed(self.clock(), path, spot))

    def heeds(self, path: str) -> bool:
        """Whether an edit of a document may matter: somebody waits, or an answer is under way there."""
        page = self._state.pages.get(path)
        if path in self._by_hand:
            return True
        return page is not None and (page.waiting is not None or bool(page.running()))

    def closed(self, path: str) -> None:
        """Hear that a document was closed."""
        self._holes.pop(path, None)
        self._tell(Closed(path))

    def close(self) -> None:
        """Stop all that runs."""
        for task in self._tasks.values():
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def asking_of(self, item: str) -> Asking | None:
        """Return the model call behind an item."""
        return self._calls.get(item.partition(".")[0])

    # --- what the flow decides -----------------------------------------------------------------------

    def _take_policy(self, config: Config) -> None:
        """Follow the settings of this moment; new ones, or a new key, end a pause."""
        door = self.open_door()
        if door is not self._door:
            self._door = door
            self._state.paused_until_s = self._state.pause_s = 0.0
        settings = config.completion
        self._state.policy = Policy(
            debounce_s=None if settings.debounce_ms is None else settings.debounce_ms / 1000,
            may_look_ahead=settings.look_ahead,
            one_line=settings.lines == "one",
        )

    def _tell(self, event: Event) -> None:
        for action in decide(event, self._state):
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Answer():
                waiting = self._waiting.get(action.request)
                if waiting is not None and not waiting.future.done():
                    waiting.future.set_result(action)
            case Guess():
                self._tell(Guessed(self.clock(), action.request, self._guess(action)))
            case Start():
                self._start(action)
            case Stop():
                task = self._tasks.pop(action.strand, None)
                if task is not None:
                    task.cancel()
            case Wake():
                self._wake(action.at_s)
            case _:
                assert_never(action)

    def _guess(self, action: Guess) -> str | None:
        waiting = self._waiting.get(action.request)
        if waiting is None:
            return None
        try:
            may_guess = self.config().completion.embedded
        except ConfigError:  # the settings were changed while this one waited
            return None
        return self.library().suggest(action.window) if may_guess else None

    def _wake(self, at_s: float) -> None:
        if self._timer is not None and self._wakes_at_s <= at_s:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at_s = at_s
        delay_s = max(0.0, at_s - self.clock())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._tell(Ticked(self.clock()))

    def _outcome(self, answer: Answer, hole: Hole, *, waited_ms: int) -> Outcome:
        ghost = answer.ghost
        if ghost is None:
            asking = self._failed_at(hole) if answer.silence in ("failed", "backOff") else None
            return Outcome(silence=answer.silence, asking=asking, waited_ms=waited_ms)
        asking = self._calls.get(ghost.strand) if ghost.strand is not None else None
        return Outcome((_item(ghost),), ghost.source, asking=asking, waited_ms=waited_ms)

    def _failed_at(self, hole: Hole) -> Asking | None:
        return next((one for one in reversed(self._calls.values()) if one.error is not None), None)

    # --- model calls ---------------------------------------------------------------------------------

    def _start(self, action: Start) -> None:
        hole = self._holes.get(action.spot.document)
        if hole is None:
            return
        task = self.spawn(self._run(action, hole))
        if task is not None:
            self._tasks[action.strand] = task

    async def _run(self, action: Start, hole: Hole) -> None:
        """Ask a model, and tell the flow what comes. The flow stops it by cancelling the task."""
        asking = Asking(hole)
        self._keep(action.strand, asking)
        started_s = self.clock()
        first_s: float | None = None
        try:
            async with self.during():
                snippets = await self._snippets(hole, action.window)
                filling = Filling(action.window, snippets, action.one_line)
                async with aclosing(self._pieces(asking, filling)) as pieces:
                    async for piece in pieces:
                        first_token_s = None
                        if first_s is None:
                            first_s = self.clock()
                            first_token_s = first_s - started_s
                        self._tell(Came(self.clock(), action.strand, piece, first_token_s))
        except FareboxError as error:
            asking.error = error
            self._forget_task(action.strand)
            self._tell(Ended(self.clock(), action.strand, has_failed=True, pauses=True))
        except Exception:  # a bug of ours: whoever waits is answered nevertheless
            self._forget_task(action.strand)
            self._tell(Ended(self.clock(), action.strand, has_failed=True, pauses=True))
            raise
        else:
            self._forget_task(action.strand)
            self._tell(Ended(self.clock(), action.strand))
        finally:
            self.note_done(asking)

    def _forget_task(self, strand: str) -> None:
        """The task ends by itself: nobody need stop it."""
        if self._tasks.get(strand) is asyncio.current_task():
            del self._tasks[strand]

    async def _fill_once(self, hole: Hole, filling: Filling) -> tuple[Asking, str]:
        asking = Asking(hole)
        try:
            raw = ""
            async with aclosing(self._pieces(asking, filling)) as pieces:
                async for piece in pieces:
                    raw += piece
                    if (end := boundary(raw, filling.window, one_line=filling.one_line)) is not None:
                        return asking, raw[:end]
            return asking, raw
        finally:
            self.note_done(asking)

    def _pieces(self, asking: Asking, filling: Filling) -> AsyncGenerator[str, None]:
        def note_route(route: Route) -> None:
            asking.route = route

        asking.snippets = len(filling.snippets)
        asking.reply, pieces = engine.start(self.open_door(), asking.hole, filling, note_route)
        return pieces

    async def _snippets(self, hole: Hole, window: Window) -> tuple[Snippet, ...]:
        if not self.config().completion.context:
            return ()
        return await self.library().snippets(hole.path, window)

    def _keep(self, strand: str, asking: Asking) -> None:
        self._calls[strand] = asking
        self._calls.move_to_end(strand)
        while len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)


def _item(ghost: Ghost) -> Item:
    return Item(ghost.id, ghost.text)
