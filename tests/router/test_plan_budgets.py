"""What the rungs of a budget's ladder make of a plan, and of requests that go the whole way."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import BudgetExceeded
from farebox.ledger.limits import Scope
from farebox.messages import Call, Chat, Done, Event, Message, Route, Routed, Task
from farebox.router.request import Origin, Request, Serving
from support.standing import ladder, room, standing
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

OpenApp = Callable[[str], App]

LADDER = ladder(1_000_000_000_000, warn=80, cheaper=90, local=95, stop=100)
"""A budget so large that its rungs are all that counts."""
ALL = 1_000_000_000_000
SERVER = '[providers.own]\nbase_url = "{0}"\nfree = true\n'
PRICED, FREE = "openrouter/openai/gpt-5-mini", "own/m"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path, upstream: Upstream) -> AsyncIterator[OpenApp]:
    """Open an app whose OpenRouter, and whose own free server, are the upstream."""
    opened: list[App] = []

    def make(config: str) -> App:
        table = (
            f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n{SERVER.format(upstream.base_url)}'
        )
        (tmp_path / "config.toml").write_text(config + table, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        environment = {**folders, "OPENROUTER_API_KEY": "k"}
        opened.append(App(Client(name="test", roots=("/src/acme",)), environment=environment))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def _render(serving: Serving) -> Call:
    return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)


def a_request(requested: str | None = None, *, task: Task = "chat") -> Request:
    return Request(task, _render, 4_000, 100, requested=requested, origin=Origin(workspace="/src/acme"))


async def events_of(app: App, request: Request) -> list[Event]:
    async with aclosing(app.door().send(request).events()) as events:
        return [event async for event in events]


async def test_from_a_rung_on_auto_plans_as_auto_cheap_would(open_app: OpenApp):
    planner = open_app("").door().planner
    request = a_request(task="edit")
    usual = planner.plan(request, room(standing(ALL, ALL * 89 // 100, LADDER)))
    braked = planner.plan(request, room(standing(ALL, ALL * 92 // 100, LADDER)))
    cheap = planner.plan(a_request("auto:cheap", task="edit"))
    assert usual == planner.plan(request)
    assert usual.target != cheap.target
    assert (braked.target, braked.fallbacks, braked.strategy) == (cheap.target, cheap.fallbacks, "cheap")
    assert braked.requested == "auto"
    assert braked.reason == (
        f"{cheap.reason}, cheaply: the daily budget is at 92 %, see [budgets.ladder] cheaper = 90"
    )
    assert braked.candidates[0].why == braked.reason


@pytest.mark.parametrize("requested", ["auto:quality", "mine"])
async def test_a_strategy_that_was_asked_for_gives_way_to_the_budget(open_app: OpenApp, requested: str):
    planner = open_app('[models]\nmine = "auto:quality"\n').door().planner
    braked = planner.plan(a_request(requested), room(standing(ALL, ALL * 92 // 100, LADDER)))
    assert braked.target == planner.plan(a_request("auto:cheap")).target


async def test_a_model_that_was_named_is_asked_until_it_no_longer_may_be(open_app: OpenApp):
    planner = open_app("").door().planner
    named = planner.plan(a_request(PRICED), room(standing(ALL, ALL * 92 // 100, LADDER)))
    assert named == planner.plan(a_request(PRICED))


async def test_what_is_free_is_not_given_up_for_something_cheap(open_app: OpenApp):
    planner = open_app('[roles]\ncoding = "own/m"\n').door().planner
    request = a_request(task="edit")
    assert planner.plan(request).target.name == FREE
    assert planner.plan(request, room(standing(ALL, ALL * 92 // 100, LADDER))) == planner.plan(request)


async def test_the_budget_of_a_provider_that_is_not_asked_changes_nothing(open_app: OpenApp):
    planner = open_app("").door().planner
    other = standing(ALL, ALL, LADDER, scope=Scope("provider", "anthropic"))
    assert planner.plan(a_request(), room(other)) == planner.plan(a_request())


async def test_on_the_local_rung_only_what_is_free_and_here_is_asked(open_app: OpenApp):
    planner = open_app(f'[tasks]\nchat = ["{PRICED}", "far/m", "{FREE}"]\n').door().planner
    route = planner.plan(a_request(PRICED))
    assert route.target.name == PRICED
    app = open_app(
        f'[tasks]\nchat = ["{PRICED}", "far/m", "{FREE}"]\n'
        '[providers.far]\nbase_url = "http://192.0.2.1/v1"\nfree = true\n'
    )
    route = app.door().planner.plan(a_request(), room(standing(ALL, ALL * 96 // 100, LADDER)))
    assert route.target.name == FREE
    words = "the daily budget is at 96 %: only what costs nothing is sent, as [budgets.ladder] local"
    assert [one.why.startswith(words) for one in route.candidates] == [True, True, False]


async def test_on_the_last_rung_nobody_is_asked(open_app: OpenApp):
    planner = open_app("").door().planner
    with pytest.raises(BudgetExceeded, match=r"nothing is sent, as .* stop = 100 says"):
        planner.plan(a_request(FREE), room(standing(ALL, ALL, LADDER)))


# --- the whole way -------------------------------------------------------------------------------

COSTS_HALF = Answer(
    body=openrouter_stream("hi", {"prompt_tokens": 9, "completion_tokens": 9, "cost": 0.5}),
    content_type="text/event-stream",
)


FOR_NOTHING = Answer(body=openrouter_stream("hi"), content_type="text/event-stream")


async def steps_of(
    app: App, upstream: Upstream, request: Request, times: int, answer: Answer = COSTS_HALF
) -> list[Route]:
    """Ask so often; what is shown before is what is taken each time."""
    upstream.answer("/v1/chat/completions", answer)
    routes: list[Route] = []
    for _ in range(times):
        shown = await app.door().route(request)
        first, *_, last = await events_of(app, request)
        assert first == Routed(shown)
        assert isinstance(last, Done)
        routes.append(last.route)
    return routes


async def test_a_budget_leads_up_its_ladder_to_the_end(open_app: OpenApp, upstream: Upstream):
    upstream.answer("/v1/models", json_answer({"data": [{"id": "m"}]}))
    app = open_app(
        f'[tasks]\nchat = ["auto", "{FREE}"]\n'
        "[budgets]\ndaily_usd = 2\n[budgets.ladder]\ncheaper = 30\nlocal = 70\nstop = 99\n"
    )
    routes = await steps_of(app, upstream, a_request(task="plan"), 3)
    assert [route.strategy for route in routes] == ["balanced", "balanced", "cheap"]
    assert [route.target.provider for route in routes] == ["openrouter"] * 3
    (free,) = await steps_of(app, upstream, a_request(task="plan"), 1, FOR_NOTHING)
    assert free.target.name == FREE
    assert "only what costs nothing is sent" in free.candidates[0].why


async def test_the_last_rung_holds_for_what_is_free_at_the_hold_too(open_app: OpenApp, upstream: Upstream):
    config = f'[tasks]\nchat = "{FREE}"\n[budgets]\ndaily_usd = 0.6\n[budgets.ladder]\nstop = 80\n'
    app, other = open_app(config), open_app(config)
    assert [route.target.name for route in await steps_of(app, upstream, a_request(), 1, FOR_NOTHING)] == [
        FREE
    ]
    await steps_of(other, upstream, a_request(PRICED), 1)
    await other.ledger.check()
    with pytest.raises(BudgetExceeded, match="daily budget"):
        await events_of(app, a_request())


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("[budgets.tasks.edit]\nhourly_usd = 0.7", "hourly edit"),
        ("[budgets.providers.openrouter]\nweekly_usd = 0.7", "weekly openrouter"),
        ('[budgets.workspaces."/src/acme"]\nmonthly_usd = 0.7', "monthly acme"),
        ('[budgets.workspaces."*"]\nmonthly_usd = 0.7', "monthly acme"),
    ],
)
async def test_each_sort_of_budget_is_kept_and_named(
    open_app: OpenApp, upstream: Upstream, table: str, name: str
):
    app = open_app(f"{table}\n")
    asked = Request("edit", _render, 4_000, 100_000, PRICED, origin=app.client.origin)
    await steps_of(app, upstream, asked, 1)
    for refused in (app.door().route, partial(events_of, app)):
        with pytest.raises(BudgetExceeded, match=rf"the {name} budget has \$0.20 left") as caught:
            await refused(asked)
        assert table.partition("\n")[0] in caught.value.hint


async def test_a_budget_of_a_task_leaves_other_tasks_alone(open_app: OpenApp, upstream: Upstream):
    app = open_app("[budgets.tasks.complete]\nhourly_usd = 0\n")
    await steps_of(app, upstream, a_request(PRICED), 1)
    with pytest.raises(BudgetExceeded, match="the hourly complete budget"):
        await events_of(app, a_request(PRICED, task="complete"))


async def test_what_was_asked_for_counts_not_what_it_was_taken_for(open_app: OpenApp):
    app = open_app("[budgets.tasks.fix]\nhourly_usd = 0\n")
    asked = Request("chat", _render, 40, 100, PRICED, known_work=a_request(task="fix").work)
    assert asked.work.task == "fix"
    assert (await app.door().route(asked)).target.name == PRICED
