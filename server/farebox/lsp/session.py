"""One client's session: builds the App once it is needed, and tells the client how things stand.

The App's imports (pydantic, the HTTP library, SQLite, prices) take longer than all else at start-up, so
nothing here imports them before ``initialize`` is answered.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import localtime
from typing import TYPE_CHECKING, Final, Protocol, cast

from farebox import crash
from farebox.errors import BudgetExceeded, FareboxError, InvalidParams, Kind, NoRouteLeft, ProviderError
from farebox.lsp import ballast, standing
from farebox.lsp.ending import STOP_S
from farebox.lsp.names import STATUS

if TYPE_CHECKING:
    from farebox.app import App, Client
    from farebox.completion.completer import Completer
    from farebox.lsp.documents import Documents
    from farebox.lsp.editing import Editing
    from farebox.router.purse import Spending

_log = logging.getLogger("farebox.lsp")

_TOLD_ONCE: frozenset[Kind] = frozenset(
    {
        "config",
        "missingKey",
        "keyRejected",
        "insufficientCredits",
        "modelNotFound",
        "budgetExceeded",
        "unreachable",
        "noRouteLeft",
    }
)
"""Errors of automatic completion that the user can do something about: shown once, not at every key."""

POLL_S: Final = 0.5
"""How often to look whether the ledger or a setting has changed: either is seen within a second."""

_STATES: dict[Kind, str] = {"unreachable": "offline", "budgetExceeded": "budget", "excluded": "inactive"}
_STATES["missingKey"] = "inactive"  # a newcomer has broken nothing
_WITHOUT_A_MODEL: frozenset[Kind] = frozenset({"missingKey", "unreachable"})
_UNTIL_THEN: Final = "Until then, suggestions come from your own files (embedded/workspace)."


class Wire(Protocol):
    """What a session needs of the connection."""

    def notify_json(self, method: str, params: object) -> None:
        """Send a notification of our own."""
        ...

    def show_warning(self, message: str) -> None:
        """Show the user a warning."""
        ...

    @property
    def documents(self) -> "Documents":
        """The documents that are open."""
        ...


class Session:
    """The state of one connection."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._describe: Callable[[], Client] | None = None
        self._app: App | None = None
        self._editing: Editing | None = None
        self._client_changed = False
        self._closing: asyncio.Task[None] | None = None
        self._building: asyncio.Task[None] | None = None
        self._told: set[tuple[Kind, str | None]] = set()
        self._said: dict[str, object] = {}
        self._money: dict[str, object] = {}
        self._status: dict[str, object] = {}
        self._has_failed = False
        self._kept: str | None = None
        self._warned: set[tuple[str, int]] = set()
        self._seen: Seen | None = None
        self._running = 0
        self._requests: set[asyncio.Task[object]] = set()
        self._background: set[asyncio.Task[None]] = set()

    def begin(self, describe: "Callable[[], Client]") -> None:
        """Learn how to describe the client, once ``initialize`` has said who it is."""
        self._describe = describe

    async def app(self) -> "App":
        """Return the App, built at first use, off the event loop; who is cancelled stops no building."""
        assert self._describe is not None  # noqa: S101  no request comes before initialize
        if self._app is None:
            if self._building is None or self._building.done():  # perhaps it has failed
                self._building = asyncio.create_task(self._build(self._describe))
            await asyncio.shield(self._building)
        app = cast("App", self._app)
        if self._client_changed:  # perhaps while the App was being built
            self._client_changed = False
            app.change_client(self._describe())
        return app

    async def _build(self, describe: "Callable[[], Client]") -> None:
        self._client_changed = False
        self._app = await asyncio.to_thread(_build, describe)
        self._editing = self._begin_editing(self._app)

    async def warm_up(self) -> None:
        """Import and load, in the background, what the first request will need."""
        app = await self.app()
        self.in_background(self._watch())
        self.in_background(standing.watch(app))
        await asyncio.to_thread(app.warm_up)
        self.in_background(ballast.keep_light())
        await app.refresh_listing(asked=False)
        self.in_background(app.correct_estimates())

    async def completer(self) -> "Completer":
        """Return the completer, built with the App."""
        await self.app()
        assert self._editing is not None  # noqa: S101  it is built there
        return self._editing.completer

    def with_editing(self, tell: "Callable[[Editing], None]") -> None:
        """Tell completion of an edit; what happens before there is any is heard of when it begins."""
        if self._editing is not None:
            tell(self._editing)

    def client_changed(self) -> None:
        """Take over changed settings or folders before the next request."""
        self._client_changed = True

    async def close(self) -> None:
        """Stop what runs, so that it is settled; then close connections and write the last rows. Once."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        running = {*self._requests, *self._background, *filter(None, [self._building])}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=STOP_S)
        if self._editing is not None:
            self._editing.completer.close()
        if self._app is not None:
            await self._app.close()

    def close_now(self) -> None:
        """Write the ledger's last rows when there is no event loop any more."""
        if self._app is not None:
            self._app.ledger.close_now()

    @contextlib.contextmanager
    def stoppable(self) -> Generator[None]:
        """Let ``close`` stop the task that runs this."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._requests.add(task)
        try:
            yield
        finally:
            self._requests.discard(task)

    def _begin_editing(self, app: "App") -> "Editing":
        from farebox.completion.completer import Completer  # noqa: PLC0415  deferred for start-up
        from farebox.completion.outcome import Asking  # noqa: PLC0415  deferred for start-up
        from farebox.lsp.editing import Editing  # noqa: PLC0415  deferred for start-up

        def note_done(asking: Asking) -> None:
            if asking.done is not None:
                app.diary.note_call(asking.done)

        completer = Completer(
            app.door,
            app.config,
            app.library,
            self.in_background,
            during=lambda: self.request(quietly=True),
            note_done=note_done,
        )
        editing = Editing(completer, app.library)
        editing.begin(self._wire.documents)
        return editing

    # --- status --------------------------------------------------------------------------------

    @asynccontextmanager
    async def request(self, *, quietly: bool) -> AsyncGenerator[None]:
        """Show in the status that a request runs and how it ended.

        ``quietly`` is a request that the user did not make by hand: its first failure of each sort is
        shown as a message, because no reply will show it; and again after completion has worked.
        """
        self._running += 1
        self._send_status("busy", "working")
        try:
            yield
        except FareboxError as error:
            self._running -= 1
            if isinstance(error, InvalidParams):
                self.in_background(self._announce_ready())  # the caller's mistake, not our state
            else:
                self._failed(error, quietly=quietly)
            raise
        except BaseException:
            self._running -= 1
            self.in_background(self._announce_ready())
            raise
        self._running -= 1
        if quietly or self._served_completion():
            self._told.clear()
        self.in_background(self._announce_ready())

    def _served_completion(self) -> bool:
        """Say whether the last thing done was a completion: one that the gate kept back proves nothing."""
        if self._app is None:
            return False
        try:
            entry = self._app.diary.read(None)
        except InvalidParams:  # nothing was done yet
            return False
        attempts = entry.route.attempts if entry.route is not None else ()
        return entry.kind == "completion" and any(attempt.outcome == "ok" for attempt in attempts)

    def in_background(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None] | None":
        """Run something that nobody waits for, and log if it fails; nothing while the session closes."""
        if self._closing is not None:
            work.close()
            return None
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background_done)
        return task

    def _background_done(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            crash.note(error, "background")

    async def _announce_ready(self) -> None:
        app = await self.app()
        spending = await self._spending(app)
        if not self._running:
            self._send_ready(app, spending)

    async def _spending(self, app: "App") -> "Spending | None":
        """Ask what was spent, for every status from now on, and warn of what is nearly used up.

        None while the ledger can't say.
        """
        from farebox.lsp import money  # noqa: PLC0415  deferred for start-up

        self._seen = _seen(app)
        try:
            spending = await app.spending()
        except FareboxError:
            self._money = {}
            return None
        self._money = money.fields(spending)
        for warned in money.warnings(spending):
            if warned.period not in self._warned:
                self._warned.add(warned.period)
                self._wire.show_warning(f"farebox: {warned.message}")
        return spending

    def _send_ready(self, app: "App", spending: "Spending | None") -> None:
        """Say that farebox is ready, as far as the settings and money let it be."""
        from farebox.lsp import money  # noqa: PLC0415  deferred for start-up

        try:
            app.config()
        except FareboxError as error:
            self._send_failure(error)
            return
        self._has_failed = False
        state, message = ("ready", "ready") if spending is None else money.standing_words(spending)
        if state == "ready" and self._editing is not None and self._editing.completer.is_paused:
            state, message = "inactive", "tab completion is paused"
        if state == "ready" and self._kept is not None:
            state, message = "inactive", self._kept
        self._send_status(state, message, model=app.diary.last_model)

    async def _watch(self) -> None:
        """Tell what others spend, and that the settings have changed, until cancelled."""
        while True:
            app = await self.app()  # with what the client has changed
            seen, before = _seen(app), self._seen
            if seen != before:
                said, spending = self._said, await self._spending(app)
                if self._said is said and not self._running and self._is_outdated(seen, before, spending):
                    self._send_ready(app, spending)
                self._send()
            await asyncio.sleep(POLL_S)

    def _is_outdated(self, now: "Seen", before: "Seen | None", spending: "Spending | None") -> bool:
        """Say whether what was said is to be said anew.

        A failure stays until a setting changes; that of a budget only until an hour begins: a budget may too.
        """
        if before is not None and now.settings != before.settings:
            return True
        if self._has_failed:
            return before is not None and now.hour != before.hour and self._said["state"] == "budget"
        has_news = spending is not None and bool(spending.today_nanodollars or spending.standings)
        return bool(self._said) or has_news

    def tell_standing(self) -> None:
        """Say anew how things stand, unless a request is running: it will, in the end."""
        self.in_background(self._announce_ready())

    def stand_at(self, kept: str | None) -> None:
        """Hear what keeps the document that the user is at from every model, or that nothing does."""
        if kept != self._kept:
            self._kept = kept
            self.tell_standing()

    def fail_quietly(self, error: FareboxError) -> None:
        """Show in the status what has kept ghost text away before any model was asked."""
        self._failed(error, quietly=True)

    def _failed(self, error: FareboxError, *, quietly: bool) -> None:
        _log.warning("request failed", extra={"kind": error.kind})
        self._send_failure(error)
        trouble = (error.kind, _particular(error))
        if quietly and error.kind in _TOLD_ONCE and trouble not in self._told:
            parts = error.failures if isinstance(error, NoRouteLeft) else ()
            self._told |= {trouble, *((part.kind, _particular(part)) for part in parts)}
            self._wire.show_warning(f"farebox: {self._words(error)}")

    def _send_failure(self, error: FareboxError) -> None:
        self._has_failed = True
        self._send_status(_STATES.get(error.kind, "error"), self._words(error))

    def _words(self, error: FareboxError) -> str:
        words = f"{error.message}. {error.hint}"
        return (
            f"{words} {_UNTIL_THEN}" if error.kind in _WITHOUT_A_MODEL and self._suggests_alone() else words
        )

    def _suggests_alone(self) -> bool:
        """Say whether there is ghost text without a model."""
        try:
            return self._app is not None and self._app.config().completion.embedded
        except FareboxError:
            return False

    def _send_status(self, state: str, message: str, *, model: str | None = None) -> None:
        self._said = {"state": state, "message": message, **({} if model is None else {"model": model})}
        self._send()

    def _send(self) -> None:
        """Send what was said last, with what is known of money by now, if that is news."""
        status = {**self._said, **self._money}
        if self._said and status != self._status:
            self._status = status
            self._wire.notify_json(STATUS, status)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a status depends on beside requests: each part is something that changes when that does."""

    ledger: object
    hour: tuple[int, int]
    settings: object


def _seen(app: "App") -> Seen:
    now = localtime()  # with the user's hours every budget's periods change
    return Seen(app.ledger.stamp(), (now.tm_yday, now.tm_hour), app.settings_stamp())


def _build(describe: "Callable[[], Client]") -> "App":
    from farebox.app import App  # noqa: PLC0415  deferred for start-up

    crash.catch_faults()  # here, because it has to find out where the data folder is
    return App(describe())


def _particular(error: FareboxError) -> str | None:
    """Return what tells one trouble from another of its kind.

    Not always the message: a budget's holds an estimate, a provider's own words, which change with every key.
    """
    match error:
        case ProviderError():
            return error.provider
        case BudgetExceeded() | NoRouteLeft():
            return None
        case _:
            return error.message
