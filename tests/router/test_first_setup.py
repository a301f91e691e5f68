"""What each first set-up does with each kind of work, with no other setting: a table of expectations.

A row: the set-up, the work, who is asked, the tier, who is asked after a failure and in which order, and
words of the reason. ``...`` at the end of a chain stands for more.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import ContextTooLong, MissingKey
from farebox.messages import Call, Chat, Route, Task
from farebox.router.classify import Facts
from farebox.router.plan import Planner
from farebox.router.request import Request, Serving

ADDRESS = "http://127.0.0.1:11434"
SERVER = {"FAREBOX_LOCAL_BASE_URL": ADDRESS}
OLLAMA_TABLE = f'[providers.ollama]\nbase_url = "{ADDRESS}"'
OPENROUTER = {"OPENROUTER_API_KEY": "k"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "k"}

SETUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a local address": ("", SERVER),
    "ollama's table": (OLLAMA_TABLE, {}),
    "openrouter": ("", OPENROUTER),
    "anthropic": ("", ANTHROPIC),
    "all": ("", {**SERVER, **OPENROUTER, **ANTHROPIC}),
    "nothing": ("", {}),
}


def _render(serving: Serving) -> Call:
    return Call(serving.model, Chat(()))


def work(
    task: Task = "chat", size: int = 600, *, output: int = 8_192, images: int = 0, **facts: str | bool
) -> Request:
    text, tools = str(facts.get("text", "")), bool(facts.get("tools", False))
    read = 1 if facts.get("read") else 0
    about = Facts(text, tools=tools, tool_results=read, last_tool="read_file" if read else None)
    return Request(task, _render, size, output, images=images, facts=about)


WORK: Mapping[str, Request] = {
    "tab completion": work("complete", 6_000, output=256),
    "an easy question": work(text="What does this function do?"),
    "a medium edit": work("edit", 20_000, text="Rename the parameter everywhere"),
    "a plan": work("plan", 20_000, text="Plan the move to asyncio"),
    "a commit message": work("commit", 8_000),
    "too large for the fast model": work("commit", 4_100_000),
    "a picture": work(images=1, text="Explain this picture"),
    "an agent's first step": work(text="Add a flag", tools=True),
    "an agent's next step": work(text="Add a flag", tools=True, read=True),
}

HAIKU, SONNET, OPUS = "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5"
BROKER_HAIKU = "openrouter/anthropic/claude-haiku-5.5"
BROKER_SONNET = "openrouter/anthropic/claude-sonnet-5.5"
BROKER_OPUS = "openrouter/anthropic/claude-opus-5.5"
LUNA, TERRA, SOL = (
    "openrouter/openai/gpt-6-luna",
    "openrouter/openai/gpt-6.1-terra",
    "openrouter/openai/gpt-6.1-sol",
)
FLASH, CODESTRAL = "openrouter/deepseek/deepseek-v4.1-flash", "openrouter/mistralai/codestral-2508"
HERE, OLLAMA = "local/default", "ollama/default"
ITS_OWN = "the local server that you have set up"
PLANNING, TAB = "planning takes the strong tier", "as tab completion needs"
COMMIT = "the task commit needs no more than a fast model"
EASY, EDIT = "the fast tier for the task explain, of low complexity", "the balanced tier for the task edit"
STEP = "the fast tier for the task agent"

Row = tuple[str, str, str, str, list[str], str]
TABLE: list[Row] = [
    # set-up, work, model, tier, then, why
    ("openrouter", "tab completion", CODESTRAL, "fast", [BROKER_HAIKU, FLASH, "..."], TAB),
    ("openrouter", "an easy question", BROKER_HAIKU, "fast", [LUNA, FLASH, "..."], EASY),
    ("openrouter", "a medium edit", TERRA, "balanced", [BROKER_SONNET, "..."], EDIT),
    ("openrouter", "a plan", SOL, "strong", [BROKER_OPUS, "..."], PLANNING),
    ("openrouter", "a commit message", BROKER_HAIKU, "fast", [LUNA, FLASH, "..."], COMMIT),
    ("openrouter", "too large for the fast model", LUNA, "fast", [TERRA, "..."], COMMIT),
    ("openrouter", "a picture", BROKER_HAIKU, "fast", [LUNA, FLASH, "..."], EASY),
    ("openrouter", "an agent's first step", SOL, "strong", [BROKER_OPUS, "..."], PLANNING),
    ("openrouter", "an agent's next step", BROKER_HAIKU, "fast", [LUNA, FLASH, "..."], STEP),
    ("anthropic", "tab completion", HAIKU, "fast", [], TAB),
    ("anthropic", "an easy question", HAIKU, "fast", [SONNET, OPUS], EASY),
    ("anthropic", "a medium edit", SONNET, "balanced", [OPUS, HAIKU], EDIT),
    ("anthropic", "a plan", OPUS, "strong", [SONNET, HAIKU], PLANNING),
    ("anthropic", "a commit message", HAIKU, "fast", [SONNET], COMMIT),
    ("anthropic", "a picture", HAIKU, "fast", [SONNET, OPUS], EASY),
    ("anthropic", "an agent's first step", OPUS, "strong", [SONNET, HAIKU], PLANNING),
    ("anthropic", "an agent's next step", HAIKU, "fast", [SONNET, OPUS], STEP),
    ("all", "tab completion", HERE, "fast", [], ITS_OWN),
    ("all", "an easy question", HAIKU, "fast", [BROKER_HAIKU, LUNA, "..."], EASY),
    ("all", "a medium edit", TERRA, "balanced", [SONNET, BROKER_SONNET, "..."], EDIT),
    ("all", "a plan", SOL, "strong", [OPUS, BROKER_OPUS, "..."], PLANNING),
    ("all", "a commit message", HAIKU, "fast", [BROKER_HAIKU, LUNA, "..."], COMMIT),
    ("all", "too large for the fast model", LUNA, "fast", [TERRA, "..."], COMMIT),
    ("all", "a picture", HAIKU, "fast", [BROKER_HAIKU, LUNA, "..."], EASY),
    ("all", "an agent's first step", SOL, "strong", [OPUS, BROKER_OPUS, "..."], PLANNING),
    ("all", "an agent's next step", HAIKU, "fast", [BROKER_HAIKU, LUNA, "..."], STEP),
]
"""With a local server alone everything goes there: see the test of that."""

Open = Callable[[str], Planner]


@pytest.fixture
def planner(tmp_path: Path) -> Open:
    def make(setup: str) -> Planner:
        config, environment = SETUPS[setup]
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        return App(Client(name="test"), environment={**folders, **environment}).door().planner

    return make


def chain_of(route: Route) -> list[str]:
    return [target.name for target in (route.target, *route.fallbacks)]


@pytest.mark.parametrize(
    ("setup", "kind", "model", "tier", "then", "why"),
    [pytest.param(*row, id=f"{row[0]}-{row[1]}".replace(" ", "-")) for row in TABLE],
)
def test_it_routes_sensibly_with_no_other_setting(
    *, planner: Open, setup: str, kind: str, model: str, tier: str, then: list[str], why: str
):
    route = planner(setup).plan(WORK[kind])
    chain = chain_of(route)
    if then[-1:] == ["..."]:
        assert len(chain) > len(then)
        chain = [*chain[: len(then)], "..."]
    assert (chain, route.tier) == ([model, *then], tier)
    assert why in route.reason


@pytest.mark.parametrize("kind", WORK)
@pytest.mark.parametrize(("setup", "model"), [("a local address", HERE), ("ollama's table", OLLAMA)])
def test_with_a_local_server_alone_everything_goes_there(planner: Open, setup: str, model: str, kind: str):
    route = planner(setup).plan(WORK[kind])
    assert (route.target.name, route.fallbacks) == (model, ())
    assert ITS_OWN in route.reason
    assert route.estimate.nanodollars == 0


def test_the_table_has_a_row_for_every_set_up_and_work():
    alone = {"a local address", "ollama's table", "nothing"}
    wanted = {(setup, kind) for setup in SETUPS if setup not in alone for kind in WORK}
    assert wanted - {(row[0], row[1]) for row in TABLE} == {("anthropic", "too large for the fast model")}


def test_what_fits_nowhere_says_so(planner: Open):
    with pytest.raises(ContextTooLong, match="don't fit into anthropic/claude-haiku-5-5's 1000000"):
        planner("anthropic").plan(WORK["too large for the fast model"])


@pytest.mark.parametrize("kind", WORK)
def test_with_nothing_set_up_every_request_says_how_to_begin(planner: Open, kind: str):
    with pytest.raises(MissingKey, match="no model provider is set up"):
        planner("nothing").plan(WORK[kind])


@pytest.mark.parametrize("setup", ["openrouter", "anthropic", "all"])
@pytest.mark.parametrize("kind", WORK)
def test_whoever_is_in_a_chain_can_do_the_work(planner: Open, setup: str, kind: str):
    request, made = WORK[kind], planner(setup)
    if (setup, kind) == ("anthropic", "too large for the fast model"):
        return
    route = made.plan(request)
    for target in (route.target, *route.fallbacks):
        info = made.catalog.info(target.provider, target.model)
        if info is None:
            assert target.name == HERE
            continue
        assert not request.images or "images" in info.capabilities
        assert not request.facts.tools or "tools" in info.capabilities
        assert info.context_window is None or request.input_tokens <= info.context_window


@pytest.mark.parametrize("kind", [kind for kind in WORK if kind != "tab completion"])
def test_where_two_providers_are_set_up_the_second_in_a_chain_is_not_all_at_the_first(
    planner: Open, kind: str
):
    route = planner("all").plan(WORK[kind])
    if kind != "too large for the fast model":  # Anthropic has nothing that large
        assert {"openrouter", "anthropic"} <= {target.provider for target in (route.target, *route.fallbacks)}
