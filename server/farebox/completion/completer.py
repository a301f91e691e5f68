"""The shell around the flow: carries out what it decides, and tells it what comes of that.

One Completer serves one editor. It holds the requests that wait, the answers under way and the timer; what to
do about any of them is decided in ``flow``. Cancelling a request only withdraws it: the answer under way may
still be of use.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, assert_never

from farebox import crash
from farebox.completion import engine
from farebox.completion.boundary import boundary
from farebox.completion.engine import Filling, Hole, Item, with_line_feeds
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
    Hushed,
    Learned,
    Source,
    Start,
    Stop,
    Ticked,
    Wake,
    Withdrawn,
)
from farebox.completion.outcome import Asking, Outcome, first_asking, hidden_in_all, in_crlf
from farebox.completion.pages import Policy, State, ghost_now
from farebox.completion.spot import Spot, spot_in
from farebox.completion.trim import trim
from farebox.completion.window import Snippet, Window
from farebox.config import Config
from farebox.errors import ConfigError, Excluded, FareboxError
from farebox.frames import without_frames
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
    _waiting: "dict[str, asyncio.Future[Answer]]" = field(default_factory=dict[str, "asyncio.Future[Answer]"])
    _holes: OrderedDict[str, Hole] = field(default_factory=OrderedDict[str, Hole])
    _tasks: "dict[str, asyncio.Task[None]]" = field(default_factory=dict[str, "asyncio.Task[None]"])
    _failure: tuple[Asking | None, FareboxError | None] = (None, None)
    _calls: OrderedDict[str, Asking] = field(default_factory=OrderedDict[str, Asking])
    _by_hand: "dict[str, asyncio.Task[object] | None]" = field(default_factory=dict)
    _timer: asyncio.TimerHandle | None = None
    _wakes_at_s: float = 0.0
    _door: Door | None = None

    # --- what the editor tells ---------------------------------------------------------------------

    async def ghost(self, hole: Hole) -> Outcome:
        """Answer one request for ghost text, as soon as there is something to show. Raises ConfigError."""
        started_s = self.clock()
        has_crlf, hole = hole.has_crlf, hole.plain()
        self._end_older(hole.key)
        config = self.config()
        window = hole.window()
        spot = spot_in(hole.key, hole.prefix, hole.suffix)
        shut = engine.shut_at(hole, window, config, paused=self.is_paused)
        if shut is not None:
            self._tell(Hushed(spot))
            return Outcome(shut=shut)
        self._take_policy(hole, config)
        request = uuid.uuid4().hex
        waiting = self._waiting[request] = asyncio.get_running_loop().create_future()
        try:
            self._tell(Asked(started_s, request, spot, window))
            answer = await waiting
        except asyncio.CancelledError:
            self._tell(Withdrawn(self.clock(), request))
            raise
        finally:
            self._waiting.pop(request, None)
        outcome = self._outcome(answer, waited_ms=round(1000 * (self.clock() - started_s)))
        return in_crlf(outcome) if has_crlf else outcome

    async def candidates(self, hole: Hole) -> Outcome:
        """Answer somebody who has asked by hand: what is known already first, then other ways to go on.

        A newer request, or an edit, cancels it. Raises FareboxError if nobody knows anything.
        """
        has_crlf, hole = hole.has_crlf, hole.plain()
        self._end_older(hole.key)
        self._by_hand[hole.key] = asyncio.current_task()
        try:
            outcome = await self._candidates(hole)
        finally:
            if self._by_hand.get(hole.key) is asyncio.current_task():
                del self._by_hand[hole.key]
        return in_crlf(outcome) if has_crlf else outcome

    def _end_older(self, document: str) -> None:
        """End what somebody has asked for by hand: it is for another text."""
        older = self._by_hand.pop(document, None)
        if older is not None:
            older.cancel()

    async def _candidates(self, hole: Hole) -> Outcome:
        started_s = self.clock()
        config = self.config()
        window = hole.window()
        shut = engine.shut_at(hole, window, config, paused=False)
        if shut is not None and shut.reason != "excluded":  # who asks for that is told by the door's error
            return Outcome(shut=shut)
        self._take_policy(hole, config)
        spot = spot_in(hole.key, hole.prefix, hole.suffix)
        known = ghost_now(self._state, spot, window)
        self._tell(Hushed(spot))
        wanted = config.completion.candidates - (known is not None)
        snippets = await self._snippets(hole, window)
        fillings = [
            Filling(window, snippets, temperature=0 if first and known is None else CANDIDATE_TEMPERATURE)
            for first in (number == 0 for number in range(wanted))
        ]
        answers = await asyncio.gather(
            *(self._fill_once(hole, filling) for filling in fillings), return_exceptions=True
        )
        items = {} if known is None else {known.text: Item(known.id, known.text)}
        raws: dict[str, str] = {}
        for answer in answers:
            if isinstance(answer, BaseException):
                if not isinstance(answer, FareboxError):
                    raise answer
                continue
            asking, raw = answer
            text = trim(raw, window)
            if text is not None and text not in items:
                call = uuid.uuid4().hex
                self._keep(call, asking)
                items[text], raws[call] = Item(f"{call}.{spot.offset}", text), raw
        if not items and (error := next((one for one in answers if isinstance(one, FareboxError)), None)):
            raise error
        self._learn(tuple(items.values()), raws, known, spot)
        asking = self.asking_of(next(iter(items.values())).id) if items else first_asking(answers)
        source: Source | None = known.source if known is not None else "model" if items else None
        hidden = () if items else hidden_in_all(answers, window)
        return Outcome(
            tuple(items.values()),
            source,
            silence=None if items else "hidden" if hidden else "nothing",
            hidden=hidden,
            asking=asking if known is None else self._calls.get(known.call or ""),
            waited_ms=round(1000 * (self.clock() - started_s)),
        )

    def _learn(
        self,
        items: tuple[Item, ...],
        raws: dict[str, str],
        known: Ghost | None,
        spot: Spot,
    ) -> None:
        """Tell the flow what came of asking by hand; the first item, which the user sees, last."""
        shown = known
        for item in reversed(items):
            call = item.id.partition(".")[0]
            if call not in raws:
                continue
            if item is items[0]:
                shown = Ghost(item.id, item.text, "model", call, call)
            self._tell(Learned(self.clock(), call, spot, raws[call], shown))

    def changed(self, document: str, prefix: str | None, suffix: str = "") -> None:
        """Hear of an edit: ``prefix`` and ``suffix`` are what is around the cursor if it was typing."""
        self._end_older(document)
        spot = None
        if prefix is not None:
            spot = spot_in(document, with_line_feeds(prefix), with_line_feeds(suffix))
        self._tell(Changed(self.clock(), document, spot))

    def heeds(self, document: str) -> bool:
        """Whether an edit may matter: somebody waits, or a model is asked, or is to be asked soon."""
        if document in self._by_hand:
            return True
        page = self._state.pages.get(document)
        if page is None:
            return False
        return page.waiting is not None or page.due_s is not None or bool(page.running())

    def closed(self, document: str) -> None:
        """Hear that a document was closed."""
        self._end_older(document)
        self._holes.pop(document, None)
        self._tell(Closed(document))

    def pause(self, *, is_paused: bool) -> None:
        """Rest, or go on. Who asks by hand is answered nevertheless."""
        self.is_paused = is_paused
        if is_paused:
            self._tell(Hushed(None))

    def close(self) -> None:
        """Stop all that runs."""
        for task in self._tasks.values():
            task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def asking_of(self, item: str) -> Asking | None:
        """Return the model call behind an item that somebody has asked for by hand."""
        return self._calls.get(item.partition(".")[0])

    # --- what the flow decides -----------------------------------------------------------------------

    def _take_policy(self, hole: Hole, config: Config) -> None:
        """Follow the settings of this moment; new ones, or a new key, end a pause after failures."""
        self._holes[hole.key] = replace(hole, prefix="", suffix="")
        self._holes.move_to_end(hole.key)
        while len(self._holes) > MAX_CALLS:
            self._holes.popitem(last=False)
        door = self.open_door()
        if door is not self._door:
            self._door = door
            self._state.paused_until_s = self._state.pause_s = 0.0
            self._state.ends_lines, self._failure = False, (None, None)
        settings = config.completion
        self._state.policy = Policy(
            debounce_s=None if settings.debounce_ms is None else settings.debounce_ms / 1000,
            may_look_ahead=settings.look_ahead and not door.is_money_short("complete", hole.origin),
            one_line=settings.lines == "one",
        )

    def _tell(self, event: Event) -> None:
        for action in decide(event, self._state):
            self._do(action)

    def _do(self, action: Action) -> None:
        match action:
            case Answer():
                waiting = self._waiting.get(action.request)
                if waiting is not None and not waiting.done():
                    waiting.set_result(action)
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
        if action.request not in self._waiting:
            return None
        try:
            return self.library().suggest(action.window) if self.config().completion.embedded else None
        except ConfigError:  # the settings were changed while this one waited
            return None
        except Exception as error:  # noqa: BLE001  a bug there must not leave the request waiting
            crash.note(error, "embedded")
            return None

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

    def _outcome(self, answer: Answer, *, waited_ms: int) -> Outcome:
        ghost = answer.ghost
        if ghost is None:
            asking, error = self._failure if answer.silence in ("failed", "backOff") else (None, None)
            asking = asking if answer.silence == "failed" else None  # what it cost is told once
            outcome = Outcome(silence=answer.silence, asking=asking, error=error, waited_ms=waited_ms)
            return replace(outcome, hidden=answer.hidden)
        asking = self._calls.get(ghost.call) if ghost.call is not None else None
        return Outcome((Item(ghost.id, ghost.text),), ghost.source, asking=asking, waited_ms=waited_ms)

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
        asking = Asking()
        self._keep(action.call, asking)
        started_s = self.clock()
        first_s: float | None = None
        ended = Ended(0.0, action.strand)
        try:
            async with self.during():
                snippets = await self._snippets(hole, action.window)
                filling = Filling(action.window, snippets, action.one_line)
                async with aclosing(self._pieces(hole, asking, filling)) as pieces:
                    async for piece in pieces:
                        if not self._is_wanted(action):  # what comes with the last of it is no use any more
                            return
                        first_token_s = None
                        if first_s is None:
                            first_s = self.clock()
                            first_token_s = first_s - started_s
                        self._tell(Came(self.clock(), action.strand, piece, first_token_s))
            self._failure = None, None
        except FareboxError as error:
            self._failure = asking, without_frames(error)
            ended = replace(ended, has_failed=True, pauses=not isinstance(error, Excluded | ConfigError))
        except Exception:  # a bug of ours: whoever waits is answered nevertheless
            ended = replace(ended, has_failed=True, pauses=True)
            raise
        finally:
            if self._is_wanted(action):
                del self._tasks[action.strand]
                self._tell(replace(ended, at_s=self.clock()))
            self.note_done(asking.ended())

    def _is_wanted(self, action: Start) -> bool:
        """Whether the task that asks this is still to do so."""
        return self._tasks.get(action.strand) is asyncio.current_task()

    async def _fill_once(self, hole: Hole, filling: Filling) -> tuple[Asking, str]:
        asking = Asking()
        one_line = engine.one_line(filling.window, self.config())
        try:
            raw = ""
            async with aclosing(self._pieces(hole, asking, filling)) as pieces:
                async for piece in pieces:
                    raw += piece
                    if (end := boundary(raw, filling.window, one_line=one_line)) is not None:
                        return asking, raw[:end]
            return asking, raw
        finally:
            self.note_done(asking.ended())

    def _pieces(self, hole: Hole, asking: Asking, filling: Filling) -> AsyncGenerator[str, None]:
        def note_route(route: Route) -> None:
            asking.route = route

        asking.snippets = len(filling.snippets)
        asking.reply, pieces = engine.start(self.open_door(), hole, filling, note_route)
        return pieces

    async def _snippets(self, hole: Hole, window: Window) -> tuple[Snippet, ...]:
        if not self.config().completion.context:
            return ()
        return await self.library().snippets(hole.path, window)

    def _keep(self, call: str, asking: Asking) -> None:
        self._calls[call] = asking
        while len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)
