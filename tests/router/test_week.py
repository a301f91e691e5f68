"""A day of tests/bench/week.toml through the door: what it costs, who plans, what the replay says of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from farebox.app import App
from support.week import (
    Served,
    an_app,
    deserves_the_best,
    is_served_by_the_best,
    live,
    spent,
    strongest,
    week,
)

MOST_OF_THE_STRONGEST = 0.40
DAY, WEEK = week(days=1), week()


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with an_app(tmp_path / "balanced", DAY) as app:
        yield app


@pytest.fixture
async def served(app: App) -> list[Served]:
    return await live(app, DAY)


async def test_a_balanced_week_costs_at_most_two_fifths_of_always_asking_the_strongest(tmp_path: Path):
    async with an_app(tmp_path / "balanced", WEEK) as app:
        cost = spent(await live(app, WEEK))
        saved = (await app.cost_report()).total.saved_nanodollars
        assert saved is not None
        baseline = cost + saved
    async with an_app(tmp_path / "strongest", WEEK) as app:
        always = spent(await live(app, WEEK, strongest(app)))
    assert cost <= MOST_OF_THE_STRONGEST * baseline, f"{cost / baseline:.1%} of the same tokens there"
    assert cost <= MOST_OF_THE_STRONGEST * always, f"{cost / always:.1%} of always asking the strongest"


async def test_who_plans_or_was_let_down_gets_the_strong_tier(app: App, served: list[Served]):
    wanted = [one for one in served if deserves_the_best(one)]
    assert {one.done.route.phase for one in wanted} == {"plan", "act", "check"}
    assert [one.step.name for one in wanted if not is_served_by_the_best(app, one)] == []


async def test_the_replay_agrees_with_the_report_and_with_what_was_done(app: App, served: list[Served]):
    report, replay = await app.cost_report(), await app.replay()
    assert replay.requests == report.total.requests == len(served)
    assert replay.nanodollars == report.total.cost_nanodollars == spent(served)
    outcomes = {outcome.policy: outcome for outcome in replay.outcomes}
    assert outcomes["strongest"].difference_nanodollars == report.total.saved_nanodollars
    assert outcomes["balanced"].difference_nanodollars == 0
    assert outcomes["balanced"].replanned == len(served)
    assert all(model.recorded == model.replayed for model in outcomes["balanced"].models)
    assert outcomes["cheap"].difference_nanodollars != 0
