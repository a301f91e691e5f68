"""A week of work as data, and what becomes of it: every request of it goes through the real door.

The provider is a loopback server that answers with the week's own token counts: as much of a prompt is cached
as a vendor would have kept. Nobody waits for the minutes between two steps: they are what a request is told,
and what the ledger's rows are dated with afterwards.
"""

import sqlite3
import tomllib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from farebox.app import App, Client
from farebox.messages import Call, Chat, Done, Evidence, Message, Target, Task
from farebox.router.classify import Facts
from farebox.router.request import CACHE_S, MIN_CACHED_TOKENS, Kept, Origin, Request, Serving
from support.upstream import Answer, Recorded, Upstream, openrouter_stream

FILE = Path(__file__).parents[1] / "bench" / "week.toml"
TTL_MS = 5 * 60_000
"""How long the provider keeps a prompt cached after its last use."""

MAX_OUTPUT_TOKENS = 8_192
FIRST_TOKEN_MS = 800
DEFAULT_MINUTES = 0.3
MORNING_HOUR = 9
BREAK_MINUTES = 4
"""Between two conversations."""

TOOLS = {"read": "read_file", "edit": "edit_file", "run": "run_tests"}
After = Literal["user", "read", "edit", "run"]


@dataclass(frozen=True)
class Step:
    """One request of the week. ``kept_tokens`` is what the step before it has left in a cache."""

    conversation: str | None
    kind: str
    day: int
    task: Task
    plans: bool
    after: After
    turn: int
    input_tokens: int
    output_tokens: int
    kept_tokens: int
    gap_ms: int
    started_ms: int
    total_ms: int
    evidence: tuple[Evidence, ...] = ()
    text: str = ""
    files: int = 0
    diagnostics: int = 0

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.conversation}/{self.turn}"


@dataclass(frozen=True)
class Served:
    """A step and what the door made of it."""

    step: Step
    done: Done

    @property
    def nanodollars(self) -> int:
        """What it cost; every price of the week is known."""
        assert self.done.cost.nanodollars is not None
        return self.done.cost.nanodollars


class WeekUpstream(Upstream):
    """OpenRouter with a prompt cache for each conversation at each model, as vendors keep them."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        super().__init__()
        self._steps = {step.name: step for step in steps}
        self._cached: dict[tuple[str, str], tuple[int, int]] = {}

    def _next(self, request: Recorded) -> Answer:
        body = cast("dict[str, Any]", request.json)
        content = body["messages"][-1]["content"]
        step = self._steps[content if isinstance(content, str) else content[0]["text"]]
        model = cast("str", body["model"])
        cached = 0
        if step.conversation is not None:
            tokens, ended_ms = self._cached.get((step.conversation, model), (0, 0))
            is_warm = step.started_ms - ended_ms < TTL_MS and tokens >= MIN_CACHED_TOKENS
            cached = tokens if is_warm else 0
            said = step.input_tokens + step.output_tokens, step.started_ms + step.total_ms
            self._cached[step.conversation, model] = said
        usage = {
            "prompt_tokens": step.input_tokens,
            "completion_tokens": step.output_tokens,
            "total_tokens": step.input_tokens + step.output_tokens,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        return Answer(body=openrouter_stream("ok", usage), content_type="text/event-stream")


# --- the data ----------------------------------------------------------------------------------------


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))


def week(*, days: int | None = None) -> tuple[Step, ...]:
    """Return the steps of the week, or of its first days, in the order in which they are asked."""
    found = [step for day in range(days or _document()["days"]) for step in _day(day)]
    assert len({step.name for step in found}) == len(found)
    return tuple(found)


def monday_ms() -> int:
    """Return the first morning of a week that is over by now."""
    today = datetime.now().astimezone().replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    return round((today - timedelta(days=6)).timestamp() * 1000)


def _day(day: int) -> Iterator[Step]:
    """Yield a day's conversations, one after the other, and what was completed between them."""
    table = _document()
    days = table["days"]
    conversations = [
        (kind, number)
        for kind in table["conversations"]
        for number in range(kind["times"])
        if number * days // kind["times"] == day
    ]
    completions = table["completions"]["times"] // days
    clock_ms = monday_ms() + day * 24 * 3_600_000
    done = 0
    for place, (kind, number) in enumerate(conversations, start=1):
        for step in _conversation(kind, number, day, clock_ms):
            yield step
            clock_ms = step.started_ms + step.total_ms
        clock_ms += BREAK_MINUTES * 60_000
        while done < completions * place // len(conversations):
            yield _completion(day, done, clock_ms)
            clock_ms += 5_000
            done += 1


def _conversation(kind: dict[str, Any], number: int, day: int, started_ms: int) -> Iterator[Step]:
    scale = _scale(number)
    said, clock_ms, turn = round(kind["start"] * scale), started_ms, 0
    for entry in kind["turns"]:
        for nth in range(entry.get("repeat", 1)):
            turn += 1
            kept = said if turn > 1 else 0
            gap_ms = round(entry.get("minutes", DEFAULT_MINUTES) * 60_000) if turn > 1 else 0
            output = round(entry["output"] * scale)
            prompt = said + round(entry["adds"] * scale)
            speaks = "evidence" in entry and nth == 0 and number % entry.get("every", 1) == 0
            step = Step(
                conversation=f"{kind['name']} {number + 1}",
                kind=kind["name"],
                day=day,
                task=kind["task"],
                plans=entry.get("phase") == "plan",
                after=entry["after"],
                turn=turn,
                input_tokens=prompt,
                output_tokens=output,
                kept_tokens=kept,
                gap_ms=gap_ms,
                started_ms=clock_ms + gap_ms,
                total_ms=_answer_ms(output),
                evidence=(entry["evidence"],) if speaks else (),
                text=entry.get("text", ""),
                files=entry.get("files", 0),
                diagnostics=entry.get("diagnostics", 0),
            )
            yield step
            said, clock_ms = prompt + output, step.started_ms + step.total_ms


def _completion(day: int, number: int, started_ms: int) -> Step:
    table = _document()["completions"]
    scale = _scale(number)
    output = round(table["output"] * scale)
    return Step(
        conversation=None,
        kind="completion",
        day=day,
        task="complete",
        plans=False,
        after="user",
        turn=day * 10_000 + number,
        input_tokens=round(table["start"] * scale),
        output_tokens=output,
        kept_tokens=0,
        gap_ms=0,
        started_ms=started_ms,
        total_ms=_answer_ms(output),
    )


def _scale(number: int) -> float:
    scales = _document()["scales"]
    return scales[number % len(scales)]


def _answer_ms(output_tokens: int) -> int:
    return FIRST_TOKEN_MS + output_tokens * 1_000 // _document()["tokens_per_second"]


# --- through the door --------------------------------------------------------------------------------


@asynccontextmanager
async def an_app(folder: Path, steps: tuple[Step, ...], config: str = "") -> AsyncGenerator[App]:
    """Open an app whose OpenRouter is the week's, with a ledger of its own in a folder."""
    async with WeekUpstream(steps) as upstream:
        folder.mkdir(parents=True, exist_ok=True)
        table = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n'
        (folder / "config.toml").write_text(f"{config}\n{table}", "utf-8")
        environment = {
            "FAREBOX_HOME": str(folder / "home"),
            "FAREBOX_CONFIG": str(folder / "config.toml"),
            "FAREBOX_FETCH_MODELS": "off",
            "OPENROUTER_API_KEY": "k",
        }
        app = App(Client("week"), environment=environment)
        try:
            yield app
        finally:
            await app.close()


async def live(app: App, steps: tuple[Step, ...], model: str | None = None) -> list[Served]:
    """Ask everything in turn, ``auto`` or one model, and date the ledger's rows as the week has it."""
    served: list[Served] = []
    earlier: dict[str, list[Served]] = {}
    for step in steps:
        before = earlier.setdefault(step.conversation, []) if step.conversation is not None else []
        one = Served(step, await _ask(app, _request(step, before, model)))
        served.append(one)
        before.append(one)
    await app.ledger.check()  # what was handed over before is written now
    _date(app.ledger.path, steps)
    return served


async def _ask(app: App, request: Request) -> Done:
    async with aclosing(app.door().send(request).events()) as events:
        found = [event async for event in events]
    done = found[-1]
    assert isinstance(done, Done)
    return done


def _request(step: Step, before: Sequence[Served], model: str | None) -> Request:
    agent = step.task == "agent"
    called = TOOLS.get(step.after)

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", step.name),)), max_output_tokens=MAX_OUTPUT_TOKENS)

    return Request(
        step.task,
        render,
        round(step.input_tokens * _document()["bytes_per_token"]),
        MAX_OUTPUT_TOKENS,
        requested=model,
        caches=step.task != "complete" and step.input_tokens >= MIN_CACHED_TOKENS,
        origin=Origin("week", "bench", step.conversation),
        facts=Facts(
            text=step.text,
            files=step.files,
            diagnostics=step.diagnostics,
            turn=step.turn,
            tools=agent,
            tool_results=1 if called else 0,
            last_tool=called,
        ),
        evidence=step.evidence,
        kept=_kept(step, before),
    )


def _kept(step: Step, before: Sequence[Served]) -> tuple[Kept, ...]:
    """Say what a chat would: each model that has served a turn has that turn's prompt and answer."""
    found: dict[Target, Kept] = {}
    for one in reversed(before):
        target, usage = one.done.route.target, one.done.usage
        age_s = (step.started_ms - one.step.started_ms - one.step.total_ms) / 1000
        tokens = usage.input_tokens + usage.output_tokens
        if age_s <= CACHE_S and tokens >= MIN_CACHED_TOKENS:
            found.setdefault(target, Kept(target, tokens, age_s))
    return tuple(found.values())


def _date(path: Path, steps: tuple[Step, ...]) -> None:
    """Put the week's own times in the place of the minute that it took; rows stand in the order of asking."""
    with closing(sqlite3.connect(path)) as connection, connection:
        rowids = [row[0] for row in connection.execute("SELECT rowid FROM calls ORDER BY rowid")]
        for rowid, step in zip(rowids, steps, strict=True):
            started = datetime.fromtimestamp(step.started_ms / 1000).astimezone()
            connection.execute(
                "UPDATE calls SET started_ms = ?, total_ms = ?, day = ?, hour = ? WHERE rowid = ?",
                (step.started_ms, step.total_ms, f"{started:%Y-%m-%d}", f"{started:%Y-%m-%d %H}:00", rowid),
            )


# --- what it came to ---------------------------------------------------------------------------------


def spent(served: Sequence[Served]) -> int:
    """Return what all of it cost, in nano-dollars."""
    return sum(one.nanodollars for one in served)


def deserves_the_best(one: Served) -> bool:
    """Say whether a step plans, or follows on an answer that did not help; ghost text never does."""
    return one.step.plans or bool(one.step.evidence)


def is_served_by_the_best(app: App, one: Served) -> bool:
    """Say whether a model of the strong tier has answered."""
    target = one.done.route.target
    info = app.door().planner.catalog.info(target.provider, target.model)
    return info is not None and info.tier == "strong"


def strongest(app: App) -> str:
    """Name the model that savings are measured against."""
    target = app.door().planner.baseline()
    assert target is not None
    return target.name
