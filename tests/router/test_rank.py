"""The order of what auto found: how much cheaper a model must be, who is slow, and who is stayed with."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.app import App, Client
from farebox.catalog import ModelInfo, load
from farebox.messages import Call, Chat, Route, Strategy, Target, Task, Tier
from farebox.router.auto import DESERVED, FIRST, Choice
from farebox.router.classify import Facts
from farebox.router.health import Health, Place
from farebox.router.menu import Menu, Offer
from farebox.router.plan import Planner
from farebox.router.pricing import Rates
from farebox.router.rank import (
    HALVINGS_A_DOUBLING,
    HALVINGS_A_PLACE,
    SLOW_COMPLETION_MS,
    SLOW_MS,
    SWIFT_COMPLETION_MS,
    SWIFT_MS,
    Staying,
    order_of_waiting,
    ranked,
    slowness,
    staying,
)
from farebox.router.request import CACHE_S, Kept, Request, Serving

INPUT_TOKENS, OUTPUT_TOKENS = 1_000, 500
INFO = load().models["anthropic/claude-haiku-5.5"]


def an_offer(
    name: str, position: int = 0, *, group: int = DESERVED, chain: int = 0, tier: Tier | None = "fast"
) -> Offer:
    target = Target(*name.split("/", 1))
    info: ModelInfo | None = replace(INFO, tier=tier) if tier is not None else None
    choice = Choice(target, "auto: a test", group, position, chain, "fast")
    return Offer(choice, None, info, "open", Place(target.provider, "", None, target.model), of_a_plan=False)


def order(
    offers: list[Offer],
    prices: Mapping[str, float | None],
    *,
    strategy: Strategy = "balanced",
    sellers: tuple[str, ...] = (),
) -> list[str]:
    """Rank offers whose tokens, in and out, cost so much each."""

    def rates_of(target: Target) -> Rates | None:
        price = prices[target.name]
        return None if price is None else Rates(price, price / 10, price, price)

    menu = Menu("auto", strategy, tuple(offers), sellers)
    return [offer.target.name for offer in ranked(menu, INPUT_TOKENS, OUTPUT_TOKENS, rates_of).offers]


# --- quality and price ---------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["cheap", "balanced"])
@pytest.mark.parametrize("places", [1, 2, 5])
def test_a_model_further_down_must_cost_so_much_less_for_each_place(strategy: Strategy, places: int):
    offers = [an_offer("a/best"), an_offer("b/next", places)]
    just_enough = 1_000.0 * 2.0 ** -(HALVINGS_A_PLACE[strategy] * places)
    assert order(offers, {"a/best": 1_000.0, "b/next": just_enough * 1.01}, strategy=strategy)[0] == "a/best"
    assert order(offers, {"a/best": 1_000.0, "b/next": just_enough * 0.99}, strategy=strategy)[0] == "b/next"


def test_the_cheaper_the_strategy_the_less_must_be_saved():
    assert 0 < HALVINGS_A_PLACE["cheap"] < HALVINGS_A_PLACE["balanced"] < HALVINGS_A_PLACE["quality"]


def test_quality_ignores_the_price():
    offers = [an_offer("a/best"), an_offer("b/next", 1)]
    assert order(offers, {"a/best": 1e6, "b/next": 1e-6}, strategy="quality") == ["a/best", "b/next"]


def test_an_unknown_price_counts_as_the_dearest():
    offers = [an_offer("a/unknown"), an_offer("b/dear", 1), an_offer("c/cheap", 2)]
    prices = {"a/unknown": None, "b/dear": 1_000.0, "c/cheap": 10.0}
    assert order(offers, prices) == ["c/cheap", "a/unknown", "b/dear"]


def test_where_no_price_is_known_the_list_decides():
    offers = [an_offer("a/1"), an_offer("b/2", 1), an_offer("c/3", 2)]
    assert order(offers, dict.fromkeys(("a/1", "b/2", "c/3"))) == ["a/1", "b/2", "c/3"]


def test_what_costs_nothing_is_no_cheaper_than_the_cheapest():
    offers = [an_offer("a/paid"), an_offer("b/free", 1)]
    assert order(offers, {"a/paid": 1_000.0, "b/free": 0.0}) == ["a/paid", "b/free"]
    assert order(offers, {"a/paid": 0.0, "b/free": 0.0}) == ["a/paid", "b/free"]


def test_no_price_moves_a_model_out_of_its_group():
    offers = [an_offer("a/deserved"), an_offer("b/near", group=DESERVED + 1)]
    assert order(offers, {"a/deserved": 1_000_000.0, "b/near": 1.0}, strategy="cheap") == [
        "a/deserved",
        "b/near",
    ]


def test_no_price_moves_a_model_before_the_name_that_the_user_wrote_first():
    offers = [an_offer("a/first", group=DESERVED + 1), an_offer("b/second", chain=1)]
    assert order(offers, {"a/first": 1_000_000.0, "b/second": 1.0}) == ["a/first", "b/second"]


def test_the_users_own_choice_keeps_its_order_whatever_it_costs():
    offers = [an_offer("a/dear", 0, group=FIRST), an_offer("b/cheap", 1, group=FIRST)]
    assert order(offers, {"a/dear": 1_000_000.0, "b/cheap": 1.0}, strategy="cheap") == ["a/dear", "b/cheap"]


@pytest.mark.parametrize("strategy", ["cheap", "balanced", "quality"])
def test_of_the_same_model_at_two_providers_the_cheaper_goes_first(strategy: Strategy):
    offers = [an_offer("a/m"), an_offer("b/m"), an_offer("c/other", 1)]
    prices = {"a/m": 1_000.0, "b/m": 990.0, "c/other": 1_000.0}
    assert order(offers, prices, strategy=strategy) == ["b/m", "a/m", "c/other"]


@pytest.mark.parametrize("strategy", ["cheap", "balanced", "quality"])
def test_a_seller_that_the_user_wants_goes_first_whatever_it_charges(strategy: Strategy):
    offers = [an_offer("a/m"), an_offer("b/m"), an_offer("c/other", 1)]
    prices = {"a/m": 1_000.0, "b/m": 10.0, "c/other": 1_000.0}
    assert order(offers, prices, strategy=strategy, sellers=("a",)) == ["a/m", "b/m", "c/other"]


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        pytest.param({}, ["a/m", "b/m", "c/other"], id="nobody-is-slow"),
        pytest.param({"a/m": 0.02}, ["a/m", "b/m", "c/other"], id="a-moment-is-no-reason-to-pay-double"),
        pytest.param({"a/m": 1.2}, ["b/m", "a/m", "c/other"], id="more-than-the-price-makes-up-for"),
        pytest.param({"a/m": 1.2, "b/m": 0.3}, ["a/m", "b/m", "c/other"], id="both-are-slow"),
        pytest.param({"a/m": 5.0, "b/m": 5.0}, ["c/other", "a/m", "b/m"], id="all-who-sell-it-are-slow"),
        pytest.param({"a/m": math.inf}, ["b/m", "a/m", "c/other"], id="too-slow"),
    ],
)
def test_a_wait_is_weighed_against_the_price(waits: dict[str, float], expected: list[str]):
    offers = (an_offer("a/m"), an_offer("b/m"), an_offer("c/other", 1))
    prices = {"a/m": 1_000.0, "b/m": 2_000.0, "c/other": 2_000.0}
    menu = Menu("auto", "balanced", offers)

    def rates_of(target: Target) -> Rates:
        return Rates(*[prices[target.name] / 1_000] * 4)

    ranking = ranked(menu, INPUT_TOKENS, OUTPUT_TOKENS, rates_of)
    place = order_of_waiting(
        menu, ranking, offers, {one.target: waits.get(one.target.name, 0.0) for one in offers}
    )
    assert [offer.target.name for offer in sorted(ranking.offers, key=place)] == expected


# --- with real prices ----------------------------------------------------------------------------

OpenPlanner = Callable[..., Planner]
ANTHROPIC = {"ANTHROPIC_API_KEY": "k"}
OPUS, SONNET = Target("anthropic", "claude-opus-5-5"), Target("anthropic", "claude-sonnet-5-5")
HAIKU = Target("anthropic", "claude-haiku-5-5")


@pytest.fixture
def planner(tmp_path: Path) -> OpenPlanner:
    def make(config: str = "", **environment: str) -> Planner:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        return App(Client(name="test"), environment={**folders, **environment}).door().planner

    return make


def an_edit(tokens: int = 5_000, **change: object) -> Request:
    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat(()))

    request = Request("edit", render, tokens * 4, 8_192, facts=Facts(text="Rename it", turn=2))
    return replace(request, **change)  # type: ignore[arg-type]


def test_a_chain_of_the_users_stays_as_it_is(planner: OpenPlanner):
    config = '[tasks]\nedit = ["anthropic/claude-opus-5-5", "anthropic/claude-haiku-5-5"]'
    route = planner(config, **ANTHROPIC).plan(an_edit())
    assert [route.target, *route.fallbacks] == [OPUS, HAIKU]


# --- slowness ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latency_ms", "task", "halvings"),
    [
        (None, "chat", 0),
        (0, "chat", 0),
        (SWIFT_MS, "chat", 0),
        (2 * SWIFT_MS, "chat", HALVINGS_A_DOUBLING),
        (8 * SWIFT_MS, "chat", 3 * HALVINGS_A_DOUBLING),
        (SLOW_MS, "chat", math.inf),
        (SWIFT_COMPLETION_MS, "complete", 0),
        (2 * SWIFT_COMPLETION_MS, "complete", HALVINGS_A_DOUBLING),
        (SLOW_COMPLETION_MS, "complete", math.inf),
    ],
)
def test_a_wait_counts_as_a_price_and_ghost_text_has_less_patience(
    latency_ms: int | None, task: Task, halvings: float
):
    assert slowness(latency_ms, task) == halvings


@given(st.integers(0, 100_000), st.integers(0, 100_000), st.sampled_from(get_args(Task)))
def test_a_longer_wait_never_counts_less(one_ms: int, other_ms: int, task: Task):
    shorter, longer = sorted((one_ms, other_ms))
    assert slowness(shorter, task) <= slowness(longer, task)


def slowed(made: Planner, *targets: Target, by_ms: int = SLOW_MS) -> Planner:
    """Let some targets have answered late of late."""
    health = Health(clock=lambda: 0.0)
    for target in targets * 3:
        health.begin(made.menus.place(target)).succeeded(by_ms)
    return replace(made, health=health)


OWN_SONNET, BROKERED = SONNET, Target("openrouter", "anthropic/claude-sonnet-5.5")
BOTH = {**ANTHROPIC, "OPENROUTER_API_KEY": "k"}


def test_of_two_who_sell_a_model_the_quicker_goes_first(planner: OpenPlanner):
    def sellers(route: Route) -> list[Target]:
        return [one for one in (route.target, *route.fallbacks) if one in (OWN_SONNET, BROKERED)]

    made = planner(**BOTH)
    assert sellers(made.plan(an_edit())) == [OWN_SONNET, BROKERED]
    late = slowed(made, OWN_SONNET, by_ms=6_000).plan(an_edit())
    assert sellers(late) == [BROKERED, OWN_SONNET]
    (told,) = (one.why for one in late.candidates if one.target == OWN_SONNET)
    assert told.endswith("; its first token has come after 6.0 s of late")
    wanted = planner('[agents.a]\nproviders = ["anthropic", "openrouter"]', **BOTH)
    asked = replace(wanted, menus=replace(wanted.menus, config=wanted.config.for_agent("a")))
    assert sellers(slowed(asked, OWN_SONNET, by_ms=6_000).plan(an_edit())) == [OWN_SONNET, BROKERED]


def test_who_is_slow_goes_behind_its_own_group_and_no_further(planner: OpenPlanner):
    made = planner(**ANTHROPIC, OPENAI_API_KEY="k")
    usual = made.plan(an_edit())
    first, second, third, *rest = usual.target, *usual.fallbacks
    assert {first.name, second.name} == {SONNET.name, "openai/gpt-6.1-terra"}
    late = slowed(made, first).plan(an_edit())
    assert (late.target, late.fallbacks) == (second, (first, third, *rest))


def test_who_is_slow_but_alone_in_its_group_still_goes_first(planner: OpenPlanner):
    route = slowed(planner(**ANTHROPIC), SONNET).plan(an_edit())
    assert [route.target, *route.fallbacks] == [SONNET, OPUS, HAIKU]


# --- staying -------------------------------------------------------------------------------------


def stay(
    kept: Kept, *, here: Tier | None = "fast", there: Tier | None = "fast", price: float | None = 2.0
) -> Staying | None:
    """Ask whether a model of that price is stayed with, where one of price 1 would go first."""
    rates = {"a/first": 1.0, "b/kept": price}

    def rates_of(target: Target) -> Rates | None:
        found = rates[target.name]
        return None if found is None else Rates(found, found / 10, found, found)

    first, offer = an_offer("a/first", tier=there), an_offer(kept.target.name, tier=here)
    return staying(first, [(offer, kept)], an_edit(10_000, caches=True), rates_of)


KEPT = Kept(Target("b", "kept"), 9_000, age_s=10.0)


def test_a_cached_prefix_that_is_worth_more_is_stayed_with():
    found = stay(KEPT)
    assert found is not None
    assert found.cached_tokens == 9_000
    answers = 2 * 700  # of two steps: for an edit no more are expected
    at_kept = 9_000 * 0.2 + 1_000 * 2.0 + 10_000 * 0.2 + answers * 2.0
    at_first = 10_000 * 1.0 + 10_000 * 0.1 + answers * 1.0
    assert (found.steps, found.saved_nanodollars) == (2, round(at_first - at_kept))


@pytest.mark.parametrize(
    ("kept", "here", "there", "price"),
    [
        pytest.param(replace(KEPT, tokens=2_000), "fast", "fast", 2.0, id="not-worth-it"),
        pytest.param(KEPT, "fast", "fast", 20.0, id="far-too-dear"),
        pytest.param(replace(KEPT, age_s=CACHE_S + 1), "fast", "fast", 0.5, id="older-than-five-minutes"),
        pytest.param(KEPT, "fast", "balanced", 0.5, id="a-weaker-model"),
        pytest.param(KEPT, None, "fast", 0.5, id="a-model-of-no-known-tier"),
        pytest.param(KEPT, "fast", "fast", None, id="an-unknown-price"),
        pytest.param(replace(KEPT, target=Target("a", "first")), "fast", "fast", 0.5, id="the-same-model"),
    ],
)
def test_it_is_not_stayed_with(kept: Kept, here: Tier | None, there: Tier | None, price: float | None):
    assert stay(kept, here=here, there=there, price=price) is None


def test_a_stronger_model_may_be_stayed_with_and_no_more_is_cached_than_is_sent():
    found = stay(replace(KEPT, tokens=50_000), here="strong")
    assert found is not None
    assert found.cached_tokens == 10_000


def test_the_reason_says_what_a_change_would_cost(planner: OpenPlanner):
    made = planner(**ANTHROPIC)
    request = an_edit(100_000, caches=True, kept=(Kept(OPUS, 99_000, age_s=30.0),))
    route = made.plan(request)
    assert (route.target, route.tier) == (OPUS, "balanced")
    assert route.fallbacks == (SONNET, HAIKU)
    assert route.reason.startswith(
        "auto: stays with anthropic/claude-opus-5-5, which has about 99000 tokens of this conversation "
        "cached: another would cost about $"
    )
    assert route.candidates[0].why == route.reason
    assert made.plan(replace(request, kept=())).target == SONNET


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"kept": (Kept(OPUS, 99_000, age_s=CACHE_S + 1),)}, id="the-cache-is-cold"),
        pytest.param({"kept": (Kept(OPUS, 2_000, age_s=1.0),)}, id="little-is-cached"),
        pytest.param({"kept": (Kept(HAIKU, 99_000, age_s=1.0),)}, id="it-is-weaker"),
    ],
)
def test_a_conversation_goes_to_another_model_where(planner: OpenPlanner, change: dict[str, object]):
    assert planner(**ANTHROPIC).plan(an_edit(100_000, caches=True, **change)).target == SONNET


def test_evidence_and_a_name_end_staying(planner: OpenPlanner):
    made = planner(**ANTHROPIC)
    request = an_edit(100_000, kept=(Kept(SONNET, 99_000, age_s=1.0),))
    assert made.plan(replace(request, evidence=("rejected",))).target == OPUS
    assert made.plan(replace(request, requested="haiku")).target == HAIKU
