"""Where a request would go and why: every kind of name, every reason to drop a target, and no socket."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox import prices
from farebox.app import App, Client
from farebox.catalog import load
from farebox.errors import (
    BudgetExceeded,
    ConfigError,
    ContextTooLong,
    FareboxError,
    LocalOnly,
    MissingKey,
    ModelNotFound,
    Refused,
)
from farebox.messages import Call, Chat, Strategy, Target, Task, Tier, Usage
from farebox.router.menu import MAX_TARGETS
from farebox.router.plan import Planner
from farebox.router.request import Request, Serving
from support.standing import room, standing

OPENROUTER = {"OPENROUTER_API_KEY": "k"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "k"}
DEEPSEEK = "deepseek/deepseek-v4-pro"
LOCAL = {"FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:9/v1"}

SONNET = "openrouter/anthropic/claude-sonnet-4.5"
OSS = "openrouter/openai/gpt-oss-20b"
NO_NETWORK = "[privacy]\nlocal_only = true"
PINNED = '[tasks]\nchat = "local/pinned"'
MEDIUM_CHARS = 20_000
BOX = '[providers.box]\nbase_url = "http://h/v1"'

Plan = Callable[..., Planner]

_network: list[tuple[str, object]] = []


def _note_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        _network.append((event, arguments[1:]))


sys.addaudithook(_note_network)  # it can't be removed; it only takes notes


@pytest.fixture
def planner(tmp_path: Path) -> Plan:
    def make(config: str = "", **environment: str) -> Planner:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        return App(Client(name="test"), environment={**folders, **environment}).door().planner

    return make


def _render(serving: Serving) -> Call:
    return Call(serving.model, Chat(()))


def a_request(
    requested: str | None = None, *, task: Task = "chat", chars: int = 4_000, images: bool = False
) -> Request:
    return Request(task, _render, chars, 1_000, requested=requested, images=images)


@pytest.mark.parametrize(
    ("config", "environment", "requested", "target"),
    [
        pytest.param("", OPENROUTER, "openrouter/acme/new-1", "openrouter/acme/new-1", id="full-name"),
        pytest.param('[models]\nfast = "local/x"', LOCAL, "fast", "local/x", id="user-alias"),
        pytest.param('[models]\na = "b"\nb = "local/x"', LOCAL, "a", "local/x", id="alias-of-alias"),
        pytest.param('[models]\nmine = "sonnet-4.5"', OPENROUTER, "mine", SONNET, id="of-a-catalogue-alias"),
        pytest.param("", ANTHROPIC, "opus-4.5", "anthropic/claude-opus-4-5", id="alias-at-its-maker"),
        pytest.param("", OPENROUTER, "sonnet-4.5", SONNET, id="alias-at-the-broker"),
        pytest.param("[providers.anthropic]", OPENROUTER, "sonnet-4.5", SONNET, id="alias-where-a-key-is"),
        pytest.param("", LOCAL, "ollama", "ollama/default", id="bare-local-provider"),
        pytest.param(
            "", OPENROUTER, "deepseek", "openrouter/deepseek/deepseek-v4-pro", id="named-like-a-vendor"
        ),
        pytest.param(BOX, {}, "box/a/b", "box/a/b", id="provider-of-ones-own"),
        pytest.param(PINNED, LOCAL, None, "local/pinned", id="pinned-for-the-task"),
        pytest.param(PINNED, LOCAL, "local/asked", "local/asked", id="asked-for-wins"),
    ],
)
def test_a_name_means_a_target(
    *, planner: Plan, config: str, environment: dict[str, str], requested: str | None, target: str
):
    route = planner(config, **environment).plan(a_request(requested))
    assert route.target.name == target
    assert [candidate.verdict for candidate in route.candidates] == ["chosen"]


@pytest.mark.parametrize(
    ("config", "requested", "kind", "words"),
    [
        pytest.param("", "z-ai/glm-4.7", ModelNotFound, "mean openrouter/z-ai/glm-4.7?", id="no-provider"),
        pytest.param("", "openrouter", ModelNotFound, "Write openrouter/MODEL", id="no-model"),
        pytest.param("", "sonet-4.5", ModelNotFound, f"Did you mean {SONNET}?", id="typo"),
        pytest.param("", "auto:fastest", ModelNotFound, "Use auto, auto:cheap", id="unknown-strategy"),
        pytest.param('[models]\na = "b"\nb = "a"', "a", ConfigError, "full name", id="circular-alias"),
        pytest.param('[models]\na = "gone"', "a", ModelNotFound, "openrouter/gone", id="alias-of-nothing"),
        pytest.param("", "anthropic/claude-opus-4-5", MissingKey, "ANTHROPIC_API_KEY", id="missing-key"),
        pytest.param("", "local/x", ConfigError, "Set FAREBOX_LOCAL_BASE_URL", id="no-address-local"),
        pytest.param("[providers.box]", "box/x", ConfigError, "[providers.box]", id="no-address"),
        pytest.param(NO_NETWORK, "openrouter/x", LocalOnly, "Choose a local model", id="local-only"),
        pytest.param(NO_NETWORK, "auto", LocalOnly, "Choose a local model", id="auto-when-local-only"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_to_do(
    planner: Plan, config: str, requested: str, kind: type[FareboxError], words: str
):
    with pytest.raises(kind) as caught:
        planner(config, **OPENROUTER).plan(a_request(requested))
    assert words in caught.value.hint


@pytest.mark.parametrize(
    ("fallbacks", "dearer"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["openai/gpt-5-nano"], None, id="a-cheaper-one"),
        pytest.param(
            ["openai/gpt-5-nano", "anthropic/claude-opus-4.5"], "anthropic/claude-opus-4.5", id="a-dearer"
        ),
        pytest.param(["acme/unheard-of"], "acme/unheard-of", id="one-without-a-price"),
    ],
)
def test_where_another_model_may_answer_the_dearest_is_held(
    planner: Plan, fallbacks: list[str], dearer: str | None
):
    alone = planner(**OPENROUTER)
    made = planner(f"[providers.openrouter]\nmodels = {fallbacks}", **OPENROUTER)
    request = a_request("openrouter/openai/gpt-5-mini")
    most = alone.estimate(Target("openrouter", dearer or "openai/gpt-5-mini"), request)
    assert made.plan(request).estimate.nanodollars == most
    assert (most is None) == (dearer == "acme/unheard-of")


def test_with_nothing_set_up_auto_says_how_to_begin(planner: Plan):
    with pytest.raises(MissingKey, match="no model provider is set up") as caught:
        planner().plan(a_request())
    assert "OPENROUTER_API_KEY" in caught.value.hint
    assert "FAREBOX_LOCAL_BASE_URL" in caught.value.hint


def test_a_list_is_a_fallback_chain_in_its_order(planner: Plan):
    chain = '[tasks]\nchat = ["local/b", "openrouter/acme/a", "local/b", "local/c"]'
    route = planner(chain, **LOCAL, **OPENROUTER).plan(a_request())
    assert route.requested == "local/b, openrouter/acme/a, local/b, local/c"
    assert route.target.name == "local/b"
    assert [target.name for target in route.fallbacks] == ["openrouter/acme/a", "local/c"]
    assert route.reason == "set for the task chat"


@pytest.mark.parametrize(
    ("first", "chars", "images", "problem", "why"),
    [
        pytest.param("openai/gpt-5", 1, False, MissingKey, "no key for openai", id="missing-key"),
        pytest.param("box/m", 1, False, ConfigError, "the provider box has no address", id="no-address"),
        pytest.param(OSS, 131_072 * 4 + 1, False, ContextTooLong, "131073 tokens", id="too-long"),
        pytest.param(OSS, 1, True, Refused, "can't read images", id="images"),
    ],
)
def test_a_target_that_cannot_is_dropped_with_its_reason_and_raised_when_it_is_the_only_one(
    *, planner: Plan, first: str, chars: int, images: bool, problem: type[FareboxError], why: str
):
    plan = planner(f'[providers.box]\n[tasks]\nchat = ["{first}", "sonnet-5.5"]', **OPENROUTER).plan
    route = plan(a_request(chars=chars, images=images))
    dropped, chosen = route.candidates
    assert (dropped.target.name, dropped.verdict) == (first, "dropped")
    assert why in dropped.why
    assert dropped.estimated_nanodollars is None
    assert chosen.verdict == "chosen"
    assert route.target == chosen.target
    with pytest.raises(problem, match=why):
        plan(a_request(first, chars=chars, images=images))


def test_a_prompt_that_just_fits_is_not_dropped(planner: Plan):
    request = a_request(OSS, chars=(131_072 - 1_000) * 4)  # it wants 1,000 of answer
    assert planner(**OPENROUTER).plan(request).complexity == "high"


def test_in_local_only_mode_the_local_server_is_all_that_is_left(planner: Plan):
    config = '[privacy]\nlocal_only = true\n[tasks]\nchat = ["openrouter/x", "local/y"]'
    route = planner(config, **LOCAL, **OPENROUTER).plan(a_request())
    assert [one.verdict for one in route.candidates] == ["dropped", "chosen"]
    assert route.target.name == "local/y"


@pytest.mark.parametrize(
    ("config", "name", "strategy"),
    [
        pytest.param("", "auto", "balanced", id="auto"),
        pytest.param('strategy = "cheap"', "auto", "cheap", id="auto-takes-the-config's"),
        pytest.param('strategy = "cheap"', None, "cheap", id="no-name-is-auto"),
        pytest.param('strategy = "cheap"', "auto:quality", "quality", id="asked-for"),
        pytest.param("", "auto:cheap", "cheap", id="cheap"),
        pytest.param('[models]\na = "b"\nb = "auto:cheap"', "a", "cheap", id="through-an-alias"),
        pytest.param('[tasks]\nchat = "auto:quality"', None, "quality", id="set-for-the-task"),
    ],
)
def test_auto_follows_the_strategy(planner: Plan, config: str, name: str | None, strategy: str):
    tiers = {"cheap": "fast", "balanced": "balanced", "quality": "strong"}
    route = planner(config, **OPENROUTER).plan(a_request(name, chars=MEDIUM_CHARS))
    assert (route.strategy, route.tier) == (strategy, tiers[strategy])
    info = load().info("openrouter", route.target.model)
    assert info is not None
    assert info.tier == route.tier
    assert route.reason.endswith(f"auto: the {route.tier} tier for the task chat, of medium complexity")
    assert 0 < len(route.fallbacks) < MAX_TARGETS


@pytest.mark.parametrize(
    ("task", "phase", "tiers"),
    [
        pytest.param("plan", "plan", ["balanced", "strong", "strong"], id="plan"),
        pytest.param("review", "check", ["balanced", "strong", "strong"], id="review"),
        pytest.param("tests", "check", ["fast", "balanced", "strong"], id="tests"),
        pytest.param("commit", "act", ["fast", "fast", "fast"], id="a-commit-message"),
        pytest.param("complete", "act", ["fast", "fast", "fast"], id="tab-completion"),
    ],
)
def test_each_task_takes_the_tier_that_it_deserves(planner: Plan, task: Task, phase: str, tiers: list[Tier]):
    for strategy, tier in zip(get_args(Strategy), tiers, strict=True):
        route = planner(f'strategy = "{strategy}"', **OPENROUTER).plan(
            a_request(None, task=task, chars=MEDIUM_CHARS)
        )
        assert (route.phase, route.tier) == (phase, tier)
        info = load().info("openrouter", route.target.model)
        assert info is not None
        assert info.tier == tier


@pytest.mark.parametrize(
    ("task", "name", "first"),
    [
        pytest.param("complete", "auto", True, id="tab-completion"),
        pytest.param("chat", "auto:cheap", True, id="cheap"),
        pytest.param("plan", "auto:cheap", False, id="planning-for-cheap"),
        pytest.param("chat", "auto", False, id="chat"),
    ],
)
def test_the_users_own_server_goes_first_for_completion_and_for_what_is_easy_and_cheap(
    planner: Plan, task: Task, name: str, first: bool
):
    route = planner(**LOCAL, **ANTHROPIC).plan(a_request(name, task=task))
    targets = [route.target.name, *(target.name for target in route.fallbacks)]
    assert targets.index("local/default") == (0 if first else len(targets) - 1)


@pytest.mark.parametrize(
    ("config", "environment", "left_out"),
    [
        pytest.param(
            NO_NETWORK,
            {**LOCAL, **OPENROUTER, **ANTHROPIC},
            {"openrouter": "local-only mode is on", "anthropic": "local-only mode is on"},
            id="local-only",
        ),
        pytest.param(
            '[providers.openrouter]\nsort = "price"',
            ANTHROPIC,
            {"openrouter": "no key for openrouter"},
            id="missing-key",
        ),
        pytest.param("", {**OPENROUTER, **ANTHROPIC}, {}, id="nobody"),
    ],
)
def test_what_is_set_up_and_can_not_be_used_is_left_out_with_its_reason(
    planner: Plan, config: str, environment: dict[str, str], left_out: dict[str, str]
):
    made = planner(config, **environment)
    for task in ("chat", "plan", "complete"):
        route = made.plan(a_request(None, task=task))
        dropped = {one.target.provider: one.why for one in route.candidates if one.verdict == "dropped"}
        assert dropped.keys() == left_out.keys()
        assert all(words in dropped[provider] for provider, words in left_out.items())


def test_what_auto_gives_to_this_machine_stays_there(planner: Plan):
    route = planner(**LOCAL, **ANTHROPIC).plan(a_request("auto", task="complete"))
    assert (route.target.name, route.fallbacks) == ("local/default", ())
    dropped = [one for one in route.candidates if one.verdict == "dropped"]
    assert dropped
    assert all(
        "does not take over from local/default, which is on this machine" in one.why for one in dropped
    )
    both = planner('[tasks]\ncomplete = ["local", "haiku"]', **LOCAL, **ANTHROPIC).plan(
        a_request(None, task="complete")
    )
    assert [target.provider for target in both.fallbacks] == ["anthropic"]


def test_a_host_that_keeps_nothing_is_not_followed_by_one_that_may(planner: Plan):
    route = planner("[providers.openrouter]\nzdr = true", **OPENROUTER, **ANTHROPIC).plan(a_request("auto"))
    chain = [route.target.provider, *(one.provider for one in route.fallbacks)]
    assert chain == ["anthropic", *["openrouter"] * (len(chain) - 1)]
    assert len(chain) == MAX_TARGETS
    dropped = [one for one in route.candidates if one.verdict == "dropped"]
    assert {one.target.provider for one in dropped} <= {"anthropic"}
    both = planner(**OPENROUTER, **ANTHROPIC).plan(a_request("auto", chars=MEDIUM_CHARS))
    assert both.target.provider == "openrouter"
    assert "anthropic" in {one.provider for one in both.fallbacks}, "or this test shows nothing"


def test_auto_uses_a_server_that_the_catalogue_does_not_know_when_there_is_nothing_else(planner: Plan):
    config = '[providers.workstation]\nbase_url = "http://127.0.0.1:8000/v1"'
    assert planner(config).plan(a_request()).target.name == "workstation/default"
    beside = planner(config, **ANTHROPIC).plan(a_request(task="complete"))
    assert beside.target.provider == "anthropic"
    assert beside.fallbacks[-1].name == "workstation/default"


def test_tab_completion_does_not_take_the_model_of_the_chat(planner: Plan):
    made = planner('[tasks]\nchat = "sonnet-5.5"', **ANTHROPIC)
    assert made.plan(a_request(task="complete")).target.model == "claude-haiku-5-5"
    assert made.plan(a_request(task="fix")).target.model == "claude-sonnet-5-5"


def test_the_estimate_is_the_most_it_may_cost_beside_what_the_strongest_would(planner: Plan):
    route = planner(**OPENROUTER).plan(a_request("openrouter/openai/gpt-5-mini", chars=400_000))
    estimate = route.estimate
    assert estimate.nanodollars == 133_334 * 250 + 1_000 * 2_000  # $0.25 and $2 for a million tokens
    assert route.candidates[0].estimated_nanodollars == estimate.nanodollars
    assert estimate.baseline_model == "openrouter/anthropic/claude-opus-5.5"
    assert (estimate.baseline_nanodollars or 0) > (estimate.nanodollars or 0)
    assert (estimate.saved_percent or 0) > 0


def test_an_estimate_is_rounded_up_by_little(planner: Plan):
    made = planner(**OPENROUTER)
    for size in (2**bits + more for bits in range(24) for more in (-1, 0, 1)):
        request = a_request(chars=size * 3)
        assert request.most_input_tokens == size
        exact = size * 250 + 1_000 * 2_000
        estimate = made.estimate(Target("openrouter", "openai/gpt-5-mini"), request)
        assert estimate is not None
        assert exact <= estimate <= exact * 33 // 32


@pytest.mark.parametrize("tokens", [196_700, 199_999, 200_000, 200_001])
def test_an_estimate_is_not_rounded_up_to_where_tokens_cost_more(planner: Plan, tokens: int):
    request = a_request(chars=tokens * 3)
    estimate = planner(**ANTHROPIC).estimate(Target("anthropic", "claude-sonnet-4-5"), request)
    usage = Usage(input_tokens=tokens, output_tokens=1_000)
    exact = prices.cost_nanodollars(usage, price_id="anthropic", model="claude-sonnet-4-5")
    assert estimate == exact
    assert estimate is not None


@pytest.mark.parametrize(
    ("requested", "nanodollars"),
    [
        pytest.param("local/x", 0, id="free"),
        pytest.param("openrouter/acme/no-such-model", None, id="unknown"),
    ],
)
def test_an_estimate_is_zero_only_where_it_is_free(planner: Plan, requested: str, nanodollars: int | None):
    route = planner(**LOCAL, **OPENROUTER).plan(a_request(requested))
    assert route.estimate.nanodollars == nanodollars
    assert route.candidates[0].estimated_nanodollars == nanodollars


def test_a_budget_that_is_overspent_has_room_for_what_is_free(planner: Plan):
    plan = planner('[tasks]\nchat = ["sonnet-4.5", "local/x"]', **LOCAL, **OPENROUTER).plan
    overspent = room(standing(1_000, 1_001))
    route = plan(a_request(), overspent)
    assert [one.verdict for one in route.candidates] == ["dropped", "chosen"]
    assert route.target.name == "local/x"
    with pytest.raises(BudgetExceeded, match=r"the daily budget has \$0\.00 left"):
        plan(a_request("sonnet-4.5"), overspent)


_NAMES = st.sampled_from(
    ["auto", "auto:cheap", "sonnet", "opus-4.5", "local/a", "local", SONNET, "openai/gpt-5", "mine"]
)
_ENVIRONMENTS = st.lists(st.sampled_from([OPENROUTER, ANTHROPIC, LOCAL]), max_size=3)


@given(
    chain=st.lists(_NAMES, max_size=4),
    environments=_ENVIRONMENTS,
    task=st.sampled_from(["chat", "complete", "review", "tests"]),
    chars=st.integers(0, 6_000_000),
    images=st.booleans(),
)
def test_a_plan_is_deterministic_whole_and_made_without_the_network(
    *,
    tmp_path_factory: pytest.TempPathFactory,
    chain: list[str],
    environments: list[dict[str, str]],
    task: Task,
    chars: int,
    images: bool,
):
    folder = tmp_path_factory.getbasetemp()
    settings = {"models": {"mine": "auto:quality"}, "tasks": {task: chain} if chain else {}}
    environment = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(folder / "none.toml")}
    for more in environments:
        environment |= more
    made = App(Client(name="test", settings=settings), environment=environment).door().planner
    request = a_request(task=task, chars=chars, images=images)
    _network.clear()
    route = None
    with suppress(FareboxError):
        route = made.plan(request)
    assert _network == []
    if route is None:
        return
    assert made.plan(request) == route
    assert all(candidate.why for candidate in route.candidates)
    used = [one.target for one in route.candidates if one.verdict != "dropped"]
    assert used == [route.target, *route.fallbacks]
    assert [one.verdict for one in route.candidates if one.target == route.target] == ["chosen"]
    assert len({one.target for one in route.candidates}) == len(route.candidates)
    assert len(used) <= MAX_TARGETS


def test_a_model_that_ollama_asks_for_elsewhere_is_neither_local_nor_free(planner: Plan):
    elsewhere = a_request(requested="ollama/gpt-oss:120b-cloud")
    own = "[providers.ollama]\n"
    with pytest.raises(LocalOnly):
        planner(f"{own}[privacy]\nlocal_only = true").plan(elsewhere)
    assert planner(own).plan(elsewhere).estimate.nanodollars is None
    assert planner(own).plan(a_request(requested="ollama/qwen2.5-coder")).estimate.nanodollars == 0
