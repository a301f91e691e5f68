"""What it would have cost under another policy: to the nano-dollar where known, and nothing made up."""

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from farebox import costs, prices
from farebox.app import App, Client
from farebox.errors import InvalidParams, RateLimited
from farebox.ledger.queries import Query
from farebox.ledger.records import Hold, Outcome, Routing, Settlement
from farebox.messages import UNKNOWN_COST, Call, Chat, Cost, Evidence, Phase, Strategy, Target, Task, Usage
from farebox.router.classify import Facts, Work
from farebox.router.plan import Planner
from farebox.router.replay import POLICIES, STRATEGIES, Policy, Reason, Replay, Sum, replay
from farebox.router.request import Kept, Request

NOW_MS = 1_772_366_400_000
ROUTING = Routing(
    requested="auto",
    strategy="balanced",
    phase="act",
    complexity="high",
    tier="balanced",
    evidence=(),
    images=0,
    tools=False,
    caches=True,
    input_bytes=80_000,
    max_output_tokens=8_192,
)
USAGE = Usage(input_tokens=20_000, cached_input_tokens=15_000, output_tokens=700)
NAMED = replace(ROUTING, requested="opus-5.5", tier=None)
EVERYTHING = Query()
NOBODY = Target("openrouter", "acme/nobody")


class Book:
    """A real ledger, written by hand, and the planner of an app with OpenRouter's key."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.count = 0

    @property
    def planner(self) -> Planner:
        return self.app.door().planner

    @property
    def baseline(self) -> Target:
        found = self.planner.baseline()
        assert found is not None
        return found

    def price(self, target: Target, usage: Usage = USAGE) -> int:
        seller = self.planner.seller(target)
        assert seller is not None
        cost = self.planner.pricing.cost_nanodollars(seller, target.model, usage)
        assert cost is not None
        return cost

    def planned(
        self, strategy: Strategy, routing: Routing = ROUTING, *, task: Task = "chat", kept: Kept | None = None
    ) -> Target:
        request = Request(
            task,
            lambda serving: Call(serving.model, Chat(())),
            routing.input_bytes,
            routing.max_output_tokens,
            requested=f"auto:{strategy}",
            caches=routing.caches,
            facts=Facts(tools=routing.tools),
            evidence=routing.evidence,
            kept=() if kept is None else (kept,),
            known_work=Work(task, routing.phase, routing.complexity),
        )
        return self.planner.plan(request).target

    async def write(
        self,
        target: Target,
        cost: int | None,
        *,
        at_s: float | None = None,
        routing: Routing | None = ROUTING,
        task: Task = "chat",
        outcome: Outcome = "ok",
        usage: Usage = USAGE,
        conversation: str | None = None,
        baseline: int | None = None,
        baseline_model: str | None = None,
        total_ms: int = 1_000,
        workspace: str = "/w",
    ) -> None:
        self.count += 1
        name = f"c{self.count:03}"
        started_ms = NOW_MS + round((self.count if at_s is None else at_s) * 1000)
        origin = (workspace, "test", conversation)
        routing = replace(routing, task=task) if routing is not None else None
        hold = Hold(name, name, 1, task, target, 1, started_ms, *origin, routing=routing)
        await self.app.ledger.hold(hold, ())
        at = baseline_model or (None if baseline is None else self.baseline.name)
        known = UNKNOWN_COST if cost is None else Cost(cost, "computed")
        paid = replace(known, baseline_model=at, baseline_nanodollars=baseline)
        self.app.ledger.settle(Settlement(name, outcome, usage, paid, total_ms=total_ms))

    async def replay(self, *policies: Policy, query: Query = EVERYTHING) -> Replay:
        return await replay(self.app.ledger, self.planner, query, policies or POLICIES)


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    prices.preload()
    environment = {
        "FAREBOX_HOME": str(tmp_path / "home"),
        "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
        "FAREBOX_FETCH_MODELS": "off",
        "OPENROUTER_API_KEY": "k",
    }
    app = App(Client("test"), environment=environment)
    yield Book(app)
    await app.close()


async def a_mixed_week(book: Book) -> None:
    """Write what a ledger may hold: every kind of row that is counted in another way."""
    cheap = book.planned("cheap")
    await book.write(cheap, 111, baseline=999)
    await book.write(book.planned("balanced"), 2_222, baseline=3_333)
    await book.write(book.baseline, 4_000, baseline=4_500)  # reported, and less than the table says
    await book.write(book.planned("quality"), 50, baseline=7, routing=NAMED)  # a negative saving
    await book.write(cheap, 0, baseline=0, outcome="failed", usage=Usage())
    await book.write(NOBODY, None, baseline=77)
    await book.write(NOBODY, 12)  # known, and without a baseline
    await book.write(cheap, 60, baseline=600, routing=None)
    await book.write(cheap, 5, baseline=500, outcome="cancelled")


async def test_the_strongest_costs_more_by_exactly_what_the_report_calls_saved(book: Book):
    await a_mixed_week(book)
    report = await costs.report(book.app.ledger, since="1971-01-01")
    found = await book.replay("strongest")
    (outcome,) = found.outcomes
    assert report.total.saved_nanodollars == 888 + 1_111 + 500 - 43 + 0 + 540 + 495
    assert outcome.difference_nanodollars == report.total.saved_nanodollars
    assert (outcome.replanned, outcome.kept) == (7, (("unpriced", 2),))


async def test_the_sums_of_what_was_recorded_are_those_of_the_report(book: Book):
    await a_mixed_week(book)
    await book.app.ledger.hold(Hold("held", "held", 1, "chat", NOBODY, 5, NOW_MS), ())
    report = await costs.report(book.app.ledger, since="1971-01-01")
    found = await book.replay("cheap")
    assert found.requests == report.total.requests == 9
    assert found.nanodollars == report.total.cost_nanodollars
    assert found.saved_nanodollars == report.total.saved_nanodollars
    assert found.baseline_nanodollars == 999 + 3_333 + 4_500 + 7 + 0 + 600 + 500
    assert found.unpriced == (NOBODY.name,)


async def test_an_empty_ledger_has_nothing_to_be_replayed(book: Book):
    found = await book.replay()
    report = await costs.report(book.app.ledger)
    assert (found.requests, found.nanodollars, found.saved_nanodollars) == (0, 0, None)
    assert (report.total.cost_nanodollars, report.total.saved_nanodollars) == (0, None)
    assert [(one.policy, one.nanodollars, one.models) for one in found.outcomes] == [
        (policy, 0, ()) for policy in POLICIES
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_same_strategy_chooses_and_costs_the_same(book: Book, strategy: Strategy):
    phases: tuple[tuple[Phase, tuple[Evidence, ...]], ...] = (("plan", ()), ("act", ()), ("act", ("undone",)))
    last: Kept | None = None
    for number, (phase, evidence) in enumerate(phases * 4):
        at_s = number * 400.0 if number % 3 == 2 else number * 400.0 - 350
        routing = replace(ROUTING, phase=phase, evidence=evidence, tools=True, strategy=strategy)
        kept = None if last is None else replace(last, age_s=at_s - last.age_s)
        target = book.planned(strategy, routing, task="agent", kept=kept)
        await book.write(target, 1_000 + number, at_s=at_s, routing=routing, task="agent", conversation="c")
        last = Kept(target, 20_700, age_s=at_s + 1)  # the moment of its end, until the next one is known
    (outcome,) = (await book.replay(strategy)).outcomes
    assert outcome.difference_nanodollars == 0
    assert outcome.replanned == 12
    assert all(model.recorded == model.replayed for model in outcome.models)


async def test_another_choice_is_priced_by_the_recorded_usage(book: Book):
    recorded, other = book.planned("quality"), book.planned("cheap")
    assert recorded != other
    await book.write(recorded, 90_000_000, baseline=90_000_000)
    (outcome,) = (await book.replay("cheap")).outcomes
    assert outcome.nanodollars == book.price(other)
    assert outcome.difference_nanodollars == book.price(other) - 90_000_000
    sums = {one.name: (one.recorded, one.replayed) for one in outcome.models}
    assert sums == {
        recorded.name: (Sum(1, 90_000_000), Sum(0, 0)),
        other.name: (Sum(0, 0), Sum(1, book.price(other))),
    }


async def test_the_baseline_costs_what_it_was_recorded_to_cost(book: Book):
    routing = replace(ROUTING, phase="plan")
    assert book.planned("quality", routing) == book.baseline
    await book.write(book.planned("cheap", routing), 10, baseline=123_457, routing=routing)
    (outcome,) = (await book.replay("quality")).outcomes
    assert outcome.nanodollars == 123_457


async def test_a_baseline_of_another_day_is_priced_anew(book: Book):
    await book.write(NOBODY, 10, baseline=5, baseline_model="openrouter/acme/once-strong")
    (outcome,) = (await book.replay("strongest")).outcomes
    assert outcome.nanodollars == book.price(book.baseline)


@pytest.mark.parametrize(
    ("cost", "routing", "outcome", "reason"),
    [
        pytest.param(40, NAMED, "ok", "named", id="named"),
        pytest.param(40, ROUTING, "failed", "failed", id="failed"),
        pytest.param(None, ROUTING, "ok", "unpriced", id="unknown"),
        pytest.param(40, None, "ok", "unrecorded", id="older-than-the-record"),
        pytest.param(40, replace(ROUTING, input_bytes=10**9), "ok", "unplannable", id="fits-nowhere"),
    ],
)
async def test_what_is_not_decided_anew_stays_and_is_counted(
    *, book: Book, cost: int | None, routing: Routing | None, outcome: Outcome, reason: Reason
):
    await book.write(NOBODY, cost, routing=routing, outcome=outcome)
    for found in (await book.replay(*STRATEGIES)).outcomes:
        assert (found.replanned, found.kept) == (0, ((reason, 1),))
        assert found.nanodollars == cost
        assert all(model.recorded == model.replayed for model in found.models)


async def test_a_name_that_leads_to_auto_was_decided_by_auto(book: Book):
    routing = replace(ROUTING, requested="mine")  # [models] mine = "auto"
    await book.write(NOBODY, 40, routing=routing)
    (outcome,) = (await book.replay("balanced")).outcomes
    assert outcome.replanned == 1


async def test_a_conversation_stays_where_the_replay_itself_had_sent_it(book: Book):
    plan, act = replace(ROUTING, phase="plan"), replace(ROUTING, input_bytes=84_000)
    first = book.planned("balanced", plan)
    soon = book.planned("balanced", act, kept=Kept(first, 20_700, age_s=10))
    late = book.planned("balanced", act, kept=Kept(soon, 20_700, age_s=900))
    assert len({first, soon, late}) > 1, "or this test shows nothing"
    for routing, at_s in ((plan, 0), (act, 11), (act, 912)):
        await book.write(NOBODY, 1, at_s=at_s, routing=routing, conversation="c")
    await book.write(NOBODY, 1, at_s=913, routing=act, conversation="another")
    (outcome,) = (await book.replay("balanced")).outcomes
    expected = [first, soon, late, book.planned("balanced", act)]
    sums = {one.name: one.replayed.requests for one in outcome.models if one.name != NOBODY.name}
    assert sums == {target.name: expected.count(target) for target in expected}


async def test_another_task_begins_another_prompt_of_which_nothing_is_cached(book: Book):
    plan, act = replace(ROUTING, phase="plan"), replace(ROUTING, input_bytes=84_000)
    first = book.planned("balanced", plan, task="plan")
    fresh = book.planned("balanced", act, task="edit")
    stayed = book.planned("balanced", act, task="edit", kept=Kept(first, 20_700, age_s=10))
    assert stayed != fresh, "or this test shows nothing"
    steps: tuple[tuple[Routing, Task, int], ...] = ((plan, "plan", 0), (act, "edit", 11), (act, "edit", 22))
    for routing, task, at_s in steps:
        await book.write(NOBODY, 1, at_s=at_s, routing=routing, task=task, conversation="c")
    (outcome,) = (await book.replay("balanced")).outcomes
    sums = {one.name: one.replayed.requests for one in outcome.models if one.name != NOBODY.name}
    assert sums == {first.name: 1, fresh.name: 2}


async def test_whoever_is_paused_now_takes_part_all_the_same(book: Book):
    target = book.planned("balanced")
    await book.write(target, 40)
    visit = book.planner.health.begin(book.planner.menus.place(target))
    visit.failed(RateLimited("busy", hint="", provider="openrouter", retry_after_s=600))
    assert book.planned("balanced") != target
    (outcome,) = (await book.replay("balanced")).outcomes
    assert outcome.difference_nanodollars == 0


async def test_only_the_time_and_workspace_that_are_asked_for_are_replayed(book: Book):
    for number in range(4):
        await book.write(NOBODY, 10, at_s=number, workspace="/a" if number % 2 else "/b")
    query = Query(since_ms=NOW_MS + 1_000, until_ms=NOW_MS + 3_000, workspace="/a")
    found = await book.replay("strongest", query=query)
    assert (found.requests, found.nanodollars) == (1, 10)


async def test_more_than_can_be_replayed_is_refused(book: Book):
    for _ in range(2):
        await book.write(NOBODY, 10)
    ledger, planner = book.app.ledger, book.planner
    assert (await replay(ledger, planner, EVERYTHING, ("cheap",), most=2)).requests == 2
    await book.write(NOBODY, 10)
    with pytest.raises(InvalidParams, match="more than 2 requests"):
        await replay(ledger, planner, EVERYTHING, ("cheap",), most=2)


_sockets: list[str] = []


def _note_sockets(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith("socket."):
        _sockets.append(event)


sys.addaudithook(_note_sockets)  # it can't be removed; it only takes notes


async def test_no_socket_is_opened(book: Book):
    await a_mixed_week(book)
    await book.app.ledger.check()
    _sockets.clear()
    await book.replay()
    assert _sockets == []
