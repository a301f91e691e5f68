"""A month of somebody's work as a ledger would have it: the same for the same seed, to the nano-dollar.

Five models at four providers, four tasks, three folders, two editors, four languages; weekends are quiet,
some requests are cancelled, fail, or have no price, and what was suggested is taken now and then. It goes
into a real ledger through the front door (``fill``): held, settled, told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from farebox.ledger.limits import midnight
from farebox.ledger.records import Hold, Outcome, Settlement, Shown
from farebox.ledger.store import Ledger
from farebox.messages import Cost, CostBasis, Target, Task, Usage

FIRST_DAY = date(2026, 10, 1)
DAYS = 30
SEED = 20_261_001
RUNNING = 3
"""So many requests of the last evening have no end yet."""

FOLDERS = ("/Users/ada/src/farebox", "/Users/ada/src/weather-station", "/Users/ada/clients/acme/invoices")
CLIENTS = ("vscode", "neovim")
LANGUAGES = ("python", "typescript", "rust", "markdown")
BASELINE = "anthropic/claude-opus-4.1"
BASELINE_PRICE = (15_000, 75_000)

_DAYS_OF_A_WEEK_WITH_LITTLE_WORK = (5, 6)
_MINUTES_OF_WORK = (8 * 60, 20 * 60)


@dataclass(frozen=True)
class Model:
    """A model: what a token of input and of output costs in nano-dollars, and how fast it is."""

    target: Target
    price: tuple[int, int] | None
    first_token_ms: int
    basis: CostBasis = "computed"


CODESTRAL = Model(Target("mistral", "codestral-latest"), (300, 900), 210)
QWEN = Model(Target("ollama", "qwen2.5-coder:7b"), (0, 0), 480)
SONNET = Model(Target("openrouter", "anthropic/claude-sonnet-4.5"), (3_000, 15_000), 1_150, "reported")
MINI = Model(Target("openrouter", "openai/gpt-5-mini"), (250, 2_000), 720, "reported")
OPUS = Model(Target("anthropic", "claude-opus-4.1"), (15_000, 75_000), 1_900)

WORK: tuple[tuple[Task, Model, int, int, int], ...] = (
    # what is asked, of whom, how often of a hundred times, and how many tokens go in and come out
    ("complete", CODESTRAL, 52, 1_900, 34),
    ("complete", QWEN, 12, 1_400, 30),
    ("chat", SONNET, 11, 16_000, 700),
    ("chat", MINI, 13, 9_000, 520),
    ("explain", MINI, 6, 5_000, 640),
    ("explain", QWEN, 2, 3_000, 400),
    ("edit", SONNET, 3, 22_000, 1_500),
    ("edit", OPUS, 1, 14_000, 1_900),
)


@dataclass(frozen=True)
class Attempt:
    """One request: how it was held, what it came to (None: it still runs), what was done with its text."""

    hold: Hold
    settlement: Settlement | None
    shown: Shown | None


def attempts(*, days: int = DAYS, first_day: date = FIRST_DAY, a_day: int = 60) -> tuple[Attempt, ...]:
    """Return the requests of so many days, oldest first: ``a_day`` on a working day, more or less."""
    random = Random(SEED)
    moments = list(_moments(random, days, first_day, a_day))
    return tuple(
        _attempt(random, number, moment, runs=number >= len(moments) - RUNNING)
        for number, moment in enumerate(moments)
    )


async def fill(ledger: Ledger, month: tuple[Attempt, ...]) -> None:
    """Write them down as the door does."""
    for attempt in month:
        await ledger.hold(attempt.hold, ())
        if attempt.settlement is not None:
            ledger.settle(attempt.settlement)
        if attempt.shown is not None:
            ledger.tell(attempt.shown)


def _moments(random: Random, days: int, first_day: date, a_day: int) -> Iterator[datetime]:
    for day in range(days):
        begins = midnight(first_day + timedelta(days=day))
        quiet = begins.weekday() in _DAYS_OF_A_WEEK_WITH_LITTLE_WORK
        count = random.choice((0, 0, a_day // 5)) if quiet else round(a_day * random.uniform(0.5, 1.5))
        minutes = sorted(random.uniform(*_MINUTES_OF_WORK) for _ in range(count))
        yield from (begins + timedelta(minutes=minute) for minute in minutes)


def _attempt(random: Random, number: int, moment: datetime, *, runs: bool) -> Attempt:
    (task, model, _, tokens_in, tokens_out), *_ = random.choices(WORK, [work[2] for work in WORK])
    completes = task == "complete"
    hold = Hold(
        call_id=f"month-{number}",
        request_id=f"request-{number}",
        attempt=1,
        task=task,
        target=model.target,
        hold_nanodollars=tokens_in * 2 * (model.price or (0, 0))[0],
        started_ms=round(moment.timestamp() * 1000),
        workspace=random.choices(FOLDERS, (6, 3, 1))[0],
        client=random.choices(CLIENTS, (7, 3))[0],
        conversation=None if completes else f"conversation-{number // 9}",
        language=random.choices(LANGUAGES, (8, 5, 3, 1))[0] if completes else None,
    )
    outcome = random.choices(("ok", "cancelled", "failed"), (92, 6, 2))[0]
    usage = _usage(random, tokens_in, tokens_out, caches=model in (SONNET, OPUS, CODESTRAL))
    settlement = _settlement(random, hold, model, outcome, Usage() if outcome == "failed" else usage)
    was_shown = completes and outcome == "ok" and not runs and random.random() < 0.85
    return Attempt(hold, None if runs else settlement, _shown(random, hold) if was_shown else None)


def _settlement(random: Random, hold: Hold, model: Model, outcome: Outcome, usage: Usage) -> Settlement:
    computed = _price(model.price or (0, 0), usage)
    reported = round(computed * random.uniform(0.98, 1.01)) if model.basis == "reported" else None
    basis, paid = model.basis, reported if reported is not None else computed
    if outcome == "failed":
        basis, paid = "computed", 0
    elif outcome == "cancelled":
        basis, paid, reported = "estimated", computed, None
    cost = Cost(paid, basis, BASELINE, _price(BASELINE_PRICE, usage))
    if model is OPUS and random.random() < 0.2:
        cost, computed = Cost(None, "unknown"), None
    first_ms = round(model.first_token_ms * random.lognormvariate(0, 0.35))
    return Settlement(
        call_id=hold.call_id,
        outcome=outcome,
        usage=usage,
        cost=cost,
        error_kind="overloaded" if outcome == "failed" else None,
        finish_reason="stop" if outcome == "ok" else None,
        reported_nanodollars=reported,
        computed_nanodollars=computed,
        first_token_ms=None if outcome == "failed" else first_ms,
        total_ms=round(first_ms + usage.output_tokens * random.uniform(9, 16)),
        target=hold.target,
        task=hold.task,
    )


def _usage(random: Random, tokens_in: int, tokens_out: int, *, caches: bool) -> Usage:
    into = round(tokens_in * random.lognormvariate(0, 0.4))
    out = max(round(tokens_out * random.lognormvariate(0, 0.5)), 1)
    cached = round(into * random.uniform(0.3, 0.9)) if caches and random.random() < 0.7 else 0
    return Usage(input_tokens=into, cached_input_tokens=cached, output_tokens=out)


def _price(price: tuple[int, int], usage: Usage) -> int:
    """Return what a usage costs where a cached token costs a tenth."""
    fresh = usage.input_tokens - usage.cached_input_tokens
    return fresh * price[0] + usage.cached_input_tokens * price[0] // 10 + usage.output_tokens * price[1]


def _shown(random: Random, hold: Hold) -> Shown:
    accepts = {"python": 0.36, "typescript": 0.31, "rust": 0.22, "markdown": 0.12}[
        hold.language or "markdown"
    ]
    if random.random() >= accepts:
        return Shown(hold.call_id, shown=1)
    return Shown(hold.call_id, shown=1, accepted=1, partly=int(random.random() < 0.2))
