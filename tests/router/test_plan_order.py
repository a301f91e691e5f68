"""Who goes before whom in a plan, and who may not follow: roles, privacy, caches and trouble together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import ModelNotFound, RateLimited, Unreachable
from farebox.messages import Call, Chat, Target, Task
from farebox.router.classify import Facts
from farebox.router.plan import Planner
from farebox.router.request import Kept, Request

OPENROUTER, ANTHROPIC = {"OPENROUTER_API_KEY": "k"}, {"ANTHROPIC_API_KEY": "k"}
LOCAL = {"FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:9/v1"}
MEDIUM_CHARS = 20_000

Plan = Callable[..., Planner]


@pytest.fixture
def planner(tmp_path: Path) -> Plan:
    def make(config: str = "", **environment: str) -> Planner:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        return App(Client(name="test"), environment={**folders, **environment}).door().planner

    return make


def a_request(requested: str | None = None, *, task: Task = "chat", chars: int = 4_000) -> Request:
    return Request(task, lambda serving: Call(serving.model, Chat(())), chars, 1_000, requested=requested)


MIXED_ROLE = """[roles]
fast = ["openrouter/openai/gpt-6-luna", "local/default", "anthropic/claude-haiku-5-5"]
"""


def test_a_local_server_does_not_stand_among_the_models_of_a_role(planner: Plan):
    made = planner('[roles]\nfast = "haiku-5.5"', **LOCAL, **ANTHROPIC, **OPENROUTER)
    route = made.plan(a_request("auto", task="complete"))
    assert route.target == Target("anthropic", "claude-haiku-5-5")
    assert route.fallbacks[-1].provider == "local"
    assert "local" not in {target.provider for target in route.fallbacks[:-1]}


def test_nobody_beyond_this_machine_takes_over_from_it_in_a_role_either(planner: Plan):
    made = planner(MIXED_ROLE, **LOCAL, **ANTHROPIC, **OPENROUTER)
    visits = [
        made.health.begin(made.menus.place(Target("openrouter", "openai/gpt-6-luna"))) for _ in range(3)
    ]
    for visit in visits:
        visit.succeeded(3_000)  # too slow for ghost text
    route = made.plan(a_request("auto", task="complete"))
    chain = [route.target.provider, *(target.provider for target in route.fallbacks)]
    assert "local" in chain
    assert set(chain[chain.index("local") :]) == {"local"}


def test_a_conversation_is_not_stayed_with_where_more_people_would_hear_of_it(planner: Plan):
    config = """[providers.openrouter]
zdr = true
[roles]
planning = "openrouter/anthropic/claude-opus-5.5"
coding = "openrouter/anthropic/claude-opus-5.5"
"""
    made = planner(config, **ANTHROPIC, **OPENROUTER)
    kept = (Kept(Target("anthropic", "claude-opus-5-5"), 19_000, age_s=10),)
    asked = replace(a_request("auto", chars=80_000), kept=kept, caches=True)
    route = made.plan(asked)
    assert route.target == Target("openrouter", "anthropic/claude-opus-5.5")
    assert "anthropic" not in {target.provider for target in route.fallbacks}


@pytest.mark.parametrize(
    ("config", "environment", "down"),
    [
        pytest.param('strategy = "cheap"', LOCAL, Target("local", "default"), id="this-machine"),
        pytest.param(
            '[roles]\nfast = "openrouter/openai/gpt-oss-20b"\n[providers.openrouter]\nzdr = true',
            OPENROUTER,
            Target("openrouter", "openai/gpt-oss-20b"),
            id="a-host-that-keeps-nothing",
        ),
    ],
)
def test_trouble_does_not_lead_a_conversation_to_where_more_people_hear_of_it(
    planner: Plan, config: str, environment: dict[str, str], down: Target
):
    made = planner(config, **environment, **ANTHROPIC)
    asked = replace(a_request("auto"), caches=True)
    assert made.plan(asked).target == down
    failure = RateLimited("used up", hint="", provider=down.provider, retry_after_s=600)
    failure.whole_provider = True
    made.health.begin(made.menus.place(down)).failed(failure)
    kept = (Kept(Target("anthropic", "claude-haiku-5-5"), 1_100, age_s=10),)
    for known in ((), kept):
        with pytest.raises(RateLimited, match="left alone"):
            made.plan(replace(asked, kept=known))


def test_a_mistake_in_one_role_is_nothing_to_what_does_not_ask_for_it(planner: Plan):
    made = planner('[roles]\ncoding = "nosuch"', **OPENROUTER)
    assert made.plan(a_request("auto", task="complete")).target.provider == "openrouter"
    with pytest.raises(ModelNotFound, match="nosuch"):
        made.plan(a_request("auto", task="edit"))


def test_a_role_goes_before_the_conversations_model(planner: Plan):
    made = planner('[roles]\ncoding = "openrouter/openai/gpt-6.1-terra"', **OPENROUTER)
    kept = (Kept(Target("openrouter", "anthropic/claude-opus-5.5"), 19_000, age_s=10),)
    route = made.plan(replace(a_request("auto", chars=80_000), kept=kept, caches=True))
    assert route.target == Target("openrouter", "openai/gpt-6.1-terra")


@pytest.mark.parametrize(
    ("key", "comes_back"), [("ANTHROPIC_AUTH_TOKEN", True), ("ANTHROPIC_API_KEY", False)]
)
def test_a_conversation_comes_back_to_a_plan_that_has_begun_anew(planner: Plan, key: str, comes_back: bool):
    made = planner('[roles]\ncoding = "sonnet-5.5"', **OPENROUTER, **{key: "k"})
    own, brokered = (
        Target("anthropic", "claude-sonnet-5-5"),
        Target("openrouter", "anthropic/claude-sonnet-5.5"),
    )
    asked = replace(a_request("auto", chars=80_000), caches=True)
    assert made.plan(asked).target == own
    later = replace(asked, kept=(Kept(brokered, 19_000, age_s=10),))
    assert made.plan(later).target == (own if comes_back else brokered)
    used_up = RateLimited("used up", hint="", provider="anthropic", retry_after_s=3_600)
    made.health.begin(made.menus.place(own)).failed(used_up)
    assert made.plan(later).target == brokered


def test_those_who_are_left_alone_take_no_place_from_the_others(planner: Plan):
    made = planner(**ANTHROPIC, **OPENROUTER)
    down = Unreachable("nobody there", hint="", provider="openrouter")
    down.whole_provider = True
    made.health.begin(made.menus.place(Target("openrouter", "any"))).failed(down)
    busy = RateLimited("too fast", hint="", provider="anthropic", retry_after_s=60)
    made.health.begin(made.menus.place(Target("anthropic", "claude-opus-5-5"))).failed(busy)
    route = made.plan(a_request("auto:quality", chars=MEDIUM_CHARS))
    assert route.target == Target("anthropic", "claude-sonnet-5-5")


def test_a_guess_from_words_does_not_put_another_model_in_the_place_of_the_chats(planner: Plan):
    made = planner('[tasks]\nchat = "opus-5.5"\nfix = "haiku-5.5"', **ANTHROPIC)
    asked = replace(a_request(None), facts=Facts("fix the bug in here please"))
    route = made.plan(asked)
    assert (route.task, route.ground, route.target.model) == ("fix", "words", "claude-opus-5-5")
    assert made.plan(a_request(None, task="fix")).target.model == "claude-haiku-5-5"


def test_a_role_that_means_nothing_is_named(planner: Plan):
    with pytest.raises(ModelNotFound, match=r"\[roles\], the strong tier: .*opsu"):
        planner('[roles]\nplanning = "opsu"', **OPENROUTER).plan(a_request("auto"))
