"""Providers that fail as a test wants, when it wants, and a door whose pauses end as a hand moves a clock."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from farebox.app import App, Client
from farebox.errors import FareboxError
from farebox.messages import Call, Chat, Done, Event, Message, Task
from farebox.router.door import Door
from farebox.router.health import Health
from farebox.router.request import Request, Serving
from farebox.router.retry import RetryBudget
from support import anthropic_events as anthropic
from support.upstream import Answer, Recorded, Upstream, openrouter_stream

USAGE = {"prompt_tokens": 10, "completion_tokens": 2}
HELLO = Answer(body=openrouter_stream("Hello you", USAGE), content_type="text/event-stream")
MESSAGE = anthropic.answer(
    anthropic.start(usage={"input_tokens": 10, "output_tokens": 1}),
    *anthropic.text(0, "Hello ", "you"),
    *anthropic.end(usage={"output_tokens": 2}),
)

Row: TypeAlias = dict[str, object]


@dataclass
class Hand:
    """A clock that is moved by hand."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def move(self, seconds: float) -> None:
        self.now_s += seconds


def healthy(request: Recorded) -> Answer:
    """Answer in the dialect that is asked."""
    return MESSAGE if request.path.endswith("/messages") else HELLO


class Failing(Upstream):
    """A provider whose answer a function decides each time; it can also be gone, and come back.

    ``log`` is shared by all providers of a test: their names in the order in which they were asked.
    """

    def __init__(self, name: str, log: list[str]) -> None:
        super().__init__()
        self.name = name
        self.log = log
        self.how: Callable[[Recorded], Answer] = healthy

    def _next(self, request: Recorded) -> Answer:
        self.log.append(self.name)
        return self.how(request)

    def fail(self, answer: Answer, models: Iterable[str] | None = None) -> None:
        """Answer so for some models, or for all."""
        named = None if models is None else frozenset(models)
        self.how = lambda asked: answer if named is None or asked.json["model"] in named else healthy(asked)

    async def leave(self) -> None:
        """Close every connection, and listen no more: who connects is refused."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def come_back(self) -> None:
        """Listen at the same address again."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1024 * 1024)


@dataclass
class House:
    """An app, its providers by name, and the one health and retry budget that all its doors have."""

    app: App
    providers: Mapping[str, Failing]
    log: list[str]
    clock: Hand = field(default_factory=Hand)
    health: Health = field(init=False)
    retries: RetryBudget = field(default_factory=lambda: RetryBudget(chance=lambda: 0.0))

    def __post_init__(self) -> None:
        self.health = Health(self.clock, lambda: 0.5)

    def __getitem__(self, name: str) -> Failing:
        return self.providers[name]

    def door(self) -> Door:
        """Open the app's own door, but for the clock and the dice."""
        door = self.app.door()
        return replace(door, planner=replace(door.planner, health=self.health), retries=self.retries)

    async def ask(self, request: Request) -> "Heard":
        """Send a request and listen to its end."""
        reply = self.door().send(request)
        events: list[Event] = []
        failure: FareboxError | None = None
        try:
            async with aclosing(reply.events()) as heard:
                async for event in heard:
                    events.append(event)  # noqa: PERF401  what has come must be kept when an error ends it
        except FareboxError as error:
            failure = error
        return Heard(events, failure, reply.done)

    async def rows(self) -> list[Row]:
        """Read the ledger as another program would."""
        await self.app.ledger.check()  # what was handed over before is written now
        with closing(sqlite3.connect(self.app.ledger.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM calls ORDER BY rowid")]


@dataclass(frozen=True)
class Heard:
    """What came of one request; ``done`` is there after a failure too, if anything was sent."""

    events: list[Event]
    failure: FareboxError | None
    done: Done | None


@asynccontextmanager
async def a_house(
    folder: Path,
    *names: str,
    config: str = "",
    environment: Mapping[str, str] | None = None,
    each: str = "",
    own: Mapping[str, str] | None = None,
) -> AsyncGenerator[House]:
    """Open an app whose providers of these names are at servers of their own.

    ``config`` goes before their tables, ``each`` into every table, ``own`` into that of one provider.
    """
    log: list[str] = []
    providers = {name: Failing(name, log) for name in names}
    for provider in providers.values():
        await provider.__aenter__()
    tables = "".join(
        f'[providers.{name}]\nbase_url = "{provider.base_url}"\n{each}\n{(own or {}).get(name, "")}\n'
        for name, provider in providers.items()
    )
    (folder / "config.toml").write_text(f"{config}\n{tables}", "utf-8")
    folders = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(folder / "config.toml")}
    app = App(Client(name="test"), environment={**folders, **(environment or {})})
    try:
        yield House(app, providers, log)
    finally:
        await app.close()
        for provider in providers.values():
            await provider.__aexit__()


def a_request(requested: str | None = None, *, task: Task = "chat", **options: object) -> Request:
    """Ask for something short."""

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    request = Request(task, render, 40, 100, requested=requested)
    return replace(request, **options)  # type: ignore[arg-type]
