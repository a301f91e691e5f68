"""The wiring: settings are read anew when they change; a broken file stops requests until it is mended."""

import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.config import WORKSPACE_FILE
from farebox.costs import OVERVIEW
from farebox.errors import BudgetExceeded, ConfigError, InvalidParams, ModelNotFound
from farebox.ledger.records import Spent
from farebox.messages import UNKNOWN_TRAITS, Call, Chat, Message, Target
from farebox.router.request import Request
from support.openrouter_models import models, priced
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

OpenApp = Callable[..., App]


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str | None = None, *, client: Client | None = None, **environment: str) -> App:
        if config is not None:
            write(tmp_path / "config.toml", config)
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        opened.append(App(client or Client(name="test"), environment={**folders, **environment}))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def write(file: Path, text: str) -> None:
    """Write a file so that its time differs from the last, however coarse the file system's clock is."""
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text(text, "utf-8")
    os.utime(file, ns=(before + 10**9, before + 10**9))


def a_request(model: str | None = None) -> Request:
    call = Call("m", Chat((Message("user", "hi"),)))
    return Request("chat", lambda _serving: call, 40, 100, requested=model)


async def test_a_changed_file_counts_with_the_next_request(open_app: OpenApp, tmp_path: Path):
    app = open_app('[tasks]\nchat = "local/a"', FAREBOX_LOCAL_BASE_URL="http://127.0.0.1:9")
    first = app.config()
    assert app.config() is first
    assert (await app.door().route(a_request())).target.name == "local/a"
    write(tmp_path / "config.toml", '[tasks]\nchat = "local/b"')
    assert (await app.door().route(a_request())).target.name == "local/b"
    (tmp_path / "config.toml").unlink()
    assert app.config().tasks.chat is None


async def test_a_broken_file_stops_requests_until_it_is_mended(open_app: OpenApp, tmp_path: Path):
    app = open_app("[privacy]\nlocal_only = true")
    assert app.config().privacy.local_only
    write(tmp_path / "config.toml", "[privacy]\nlocal_olny = true")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"config\.toml, line 2: unknown key privacy\.local_olny"):
            app.door()
    report = await app.cost_report()
    assert report.rows == ()
    write(tmp_path / "config.toml", "[privacy]\nlocal_only = true")
    assert app.door().planner.config.privacy.local_only


@pytest.mark.parametrize(
    ("workspace", "budget", "local_only", "exclude", "enabled"),
    [
        pytest.param("[budgets]\ndaily_usd = 1", 1, False, ["a/"], True, id="a-lower-budget"),
        pytest.param("[budgets]\ndaily_usd = 9", 5, False, ["a/"], True, id="a-higher-budget-is-not"),
        pytest.param("[privacy]\nlocal_only = true", 5, True, ["a/"], True, id="local-only"),
        pytest.param('[privacy]\nexclude = ["b/"]', 5, False, ["a/", "b/"], True, id="more-excluded"),
        pytest.param("[completion]\nenabled = false", 5, False, ["a/"], False, id="no-completion"),
    ],
)
def test_a_workspace_file_only_tightens(
    *,
    open_app: OpenApp,
    tmp_path: Path,
    workspace: str,
    budget: int,
    local_only: bool,
    exclude: list[str],
    enabled: bool,
):
    write(tmp_path / WORKSPACE_FILE, workspace)
    client = Client(name="test", roots=(str(tmp_path),))
    found = open_app('[budgets]\ndaily_usd = 5\n[privacy]\nexclude = ["a/"]', client=client).config()
    assert found.budgets.daily_usd == Decimal(budget)
    assert found.privacy.local_only is local_only
    assert found.privacy.exclude == exclude
    assert found.completion.enabled is enabled


@pytest.mark.parametrize(
    "loosening",
    [
        pytest.param('[providers.openai]\nbase_url = "http://evil/v1"', id="an-address"),
        pytest.param("[privacy]\nlocal_only = false", id="not-local"),
        pytest.param("[completion]\nenabled = true", id="completion-on"),
        pytest.param('[tasks]\nchat = "openai/x"', id="a-model"),
        pytest.param('[models]\nsonnet = "openai/x"', id="an-alias"),
        pytest.param('[agents.x]\nlocal = { base_url = "http://evil/v1" }', id="an-agent"),
        pytest.param('[roles]\nfast = "openai/x"', id="a-role"),
    ],
)
def test_a_workspace_file_that_would_loosen_is_an_error(open_app: OpenApp, tmp_path: Path, loosening: str):
    write(tmp_path / WORKSPACE_FILE, loosening)
    app = open_app(client=Client(name="test", roots=(str(tmp_path),)))
    with pytest.raises(ConfigError, match=r"\.farebox\.toml"):
        app.config()


def test_the_file_of_a_workspace_that_is_not_trusted_is_not_read(open_app: OpenApp, tmp_path: Path):
    write(tmp_path / WORKSPACE_FILE, "this is no TOML")
    app = open_app(client=Client(name="test", roots=(str(tmp_path),), trusted=False))
    assert app.config().budgets.daily_usd is None
    assert not app.door().trusted


def test_another_folder_or_other_settings_count_at_once(open_app: OpenApp, tmp_path: Path):
    write(tmp_path / WORKSPACE_FILE, "[privacy]\nlocal_only = true")
    app = open_app()
    assert not app.config().privacy.local_only
    app.change_client(Client(name="test", roots=(str(tmp_path),), settings={"strategy": "cheap"}))
    assert app.config().privacy.local_only
    assert app.config().strategy == "cheap"
    assert app.client.origin.workspace == str(tmp_path)
    app.change_client(Client(name="test"))
    assert not app.config().privacy.local_only
    assert app.client.origin.workspace is None


def test_the_clients_settings_win_over_the_file_and_the_file_over_the_environment(open_app: OpenApp):
    local = '[providers.local]\nbase_url = "http://127.0.0.1:2"\n'
    client = Client(name="test", settings={"strategy": "quality"})
    app = open_app('strategy = "cheap"\n' + local, client=client, FAREBOX_LOCAL_BASE_URL="http://127.0.0.1:1")
    assert app.config().strategy == "quality"
    assert app.config().providers["local"].base_url == "http://127.0.0.1:2"


async def test_another_model_for_a_task_lasts_as_long_as_the_app(open_app: OpenApp, tmp_path: Path):
    app = open_app('[tasks]\nchat = "local/a"', FAREBOX_LOCAL_BASE_URL="http://127.0.0.1:9")
    app.set_model("chat", "local/other")
    assert (await app.door().route(a_request())).target.name == "local/other"
    write(tmp_path / "config.toml", '[tasks]\nchat = "local/b"\ncomplete = "local/c"')
    assert (await app.door().route(a_request())).target.name == "local/other"
    assert app.config().tasks.complete == "local/c"
    with pytest.raises(ModelNotFound):
        app.set_model("chat", "z-ai/glm-4.7")
    assert (await app.door().route(a_request())).target.name == "local/other"


async def test_what_is_spent_today_is_what_the_ledger_says(open_app: OpenApp):
    async with Upstream() as upstream:
        body = openrouter_stream("Hi", {"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.000213})
        upstream.queue(Answer(body=body, content_type="text/event-stream"))
        app = open_app(
            f'[budgets]\ndaily_usd = 1\n[providers.openrouter]\nbase_url = "{upstream.base_url}"',
            OPENROUTER_API_KEY="k",
        )
        assert (await app.spending()).today_nanodollars == 0
        async for _ in app.door().send(a_request("openrouter/openai/gpt-5-mini")).events():
            pass
    spending = await app.spending()
    assert spending.today_nanodollars == 213_000
    assert [(one.limit.name, one.spent) for one in spending.standings] == [("daily", Spent(213_000, 0))]
    report = await app.cost_report(since="today", by=("model",))
    assert [row.cost_nanodollars for row in report.rows] == [213_000]
    assert [(line.name, line.spent_nanodollars) for line in report.budgets] == [("daily", 213_000)]
    overview = await app.cost_overview(since="today")
    assert [report.by for report in overview.reports] == list(OVERVIEW)
    assert {report.total.cost_nanodollars for report in overview.reports} == {213_000}
    assert {report.budgets for report in overview.reports} == {report.budgets}


async def test_a_dry_run_refuses_as_a_request_would_while_a_budget_can_not_be_checked(open_app: OpenApp):
    app = open_app("[budgets]\ndaily_usd = 1\n[providers.openai]", OPENAI_API_KEY="k")
    asked = a_request("openai/gpt-5-mini")
    assert (await app.door().route(asked)).target.model == "gpt-5-mini"
    with closing(sqlite3.connect(app.ledger.path)) as connection, connection:
        now_ms = time.time_ns() // 10**6
        connection.execute("INSERT INTO damages (at_ms, file, saved_calls) VALUES (?, 'x', 0)", (now_ms,))
    for ask in (app.door().route, app.door().plan):
        with pytest.raises(BudgetExceeded, match="the daily budget can't be checked: the ledger was damaged"):
            await ask(asked)
    await app.ledger.accept_damage()
    assert (await app.door().route(asked)).target.model == "gpt-5-mini"


def test_a_key_that_is_remembered_counts_at_once(open_app: OpenApp):
    app = open_app("[providers.openai]")
    assert app.door().directory.state("openai") == "missingKey"
    app.set_key("openai", "k")
    assert app.door().directory.state("openai") == "ready"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/v1/models", json_answer(models(priced("acme/new", "0.000001", "0.000002"))))
        yield server


OPENROUTER = '[providers.openrouter]\nbase_url = "{}"\n'
KEY = {"OPENROUTER_API_KEY": "k"}


async def test_openrouters_list_is_known_once_it_was_fetched_and_by_the_next_app(
    open_app: OpenApp, upstream: Upstream
):
    app = open_app(OPENROUTER.format(upstream.base_url), **KEY)
    target = Target("openrouter", "acme/new")
    assert app.door().planner.traits(target) == UNKNOWN_TRAITS
    assert upstream.requests == []
    await app.refresh_listing(asked=True)
    for one in (app, open_app(**KEY)):
        planner = one.door().planner
        assert planner.traits(target).context_window == 100_000
        assert planner.traits(target).reasons
        assert planner.estimate(target, a_request()) == 14 * 1_000 + 100 * 2_000
        assert one.door().planner.catalog is planner.catalog, "put together once"
    await app.refresh_listing(asked=True)
    assert [request.path for request in upstream.requests] == ["/v1/models"]


@pytest.mark.parametrize(
    ("more", "environment"),
    [
        pytest.param("[privacy]\nlocal_only = true", KEY, id="local-only"),
        pytest.param("[privacy]\nfetch_models = false", KEY, id="not-wanted"),
        pytest.param("", {**KEY, "FAREBOX_FETCH_MODELS": "off"}, id="not-wanted-here"),
        pytest.param("", {}, id="no-key"),
        pytest.param("", {"OPENROUTER_API_KEY": "two words"}, id="bad-key"),
        pytest.param("no TOML", KEY, id="broken-config"),
    ],
)
async def test_the_list_is_not_fetched(
    open_app: OpenApp, upstream: Upstream, more: str, environment: dict[str, str]
):
    app = open_app(OPENROUTER.format(upstream.base_url) + more, **environment)
    await app.refresh_listing(asked=True)
    assert upstream.connections == 0


async def test_the_list_is_fetched_unasked_from_openrouter_alone(open_app: OpenApp, upstream: Upstream):
    app = open_app(OPENROUTER.format(upstream.base_url), **KEY)
    await app.refresh_listing(asked=False)
    assert upstream.connections == 0


async def test_warming_up_and_opening_the_door_ask_nobody(open_app: OpenApp, upstream: Upstream):
    app = open_app(OPENROUTER.format(upstream.base_url), **KEY)
    app.warm_up()
    app.door()
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        pytest.param("openai", "zdr = true", id="privacy"),
        pytest.param("groq", "zdr = false", id="even-if-off"),
        pytest.param("box", 'models = ["a/b"]', id="a-server-of-ones-own"),
        pytest.param("local", "max_price = { prompt = 1 }", id="a-local-server"),
    ],
)
def test_a_setting_for_openrouter_alone_is_refused_elsewhere(open_app: OpenApp, name: str, setting: str):
    app = open_app(f"[providers.{name}]\n{setting}")
    key = setting.partition(" ")[0]
    for _ in range(2):
        with pytest.raises(ConfigError, match=rf"providers\.{name}\.{key}: {name} would not heed") as caught:
            app.config()
        assert "[providers.openrouter]" in caught.value.hint
    open_app(f"[providers.openrouter]\n{setting}").config()


def test_nor_is_it_heeded_by_an_agents_own_server(open_app: OpenApp):
    app = open_app('[agents.x]\nlocal = { base_url = "http://127.0.0.1:9/v1", zdr = true }')
    with pytest.raises(ConfigError, match=r"^agents\.x\.local\.zdr: local would not heed") as caught:
        app.config()
    assert "[agents.x.local]" in caught.value.hint


@pytest.mark.parametrize(
    ("provider", "hint"),
    [
        pytest.param("antropic", "Did you mean anthropic?", id="a-slip"),
        pytest.param("zzz", "Known: box, ", id="like-nothing"),
    ],
)
def test_an_agent_asks_no_provider_that_is_none(open_app: OpenApp, provider: str, hint: str):
    app = open_app(f'[providers.box]\n[agents.x]\nproviders = ["openai", "box", "{provider}"]')
    with pytest.raises(
        ConfigError, match=rf"agents\.x\.providers: there is no provider {provider}"
    ) as caught:
        app.config()
    assert hint in caught.value.hint


def test_nor_is_there_a_budget_of_a_provider_that_is_none(open_app: OpenApp):
    app = open_app("[budgets]\n[budgets.providers.antropic]\ndaily_usd = 1")
    words = r"config\.toml, line 2: budgets\.providers\.antropic: there is no provider antropic"
    with pytest.raises(ConfigError, match=words) as caught:
        app.config()
    assert caught.value.hint == "Did you mean anthropic?"


def test_a_workspace_may_know_providers_that_are_none_here(open_app: OpenApp, tmp_path: Path):
    write(
        tmp_path / WORKSPACE_FILE,
        "[budgets.providers.colleague]\ndaily_usd = 1\n[budgets.providers.openai]\ndaily_usd = 2",
    )
    app = open_app()
    app.change_client(Client(name="test", roots=(str(tmp_path),)))
    assert list(app.config().budgets.providers) == ["openai"]


def test_a_workspace_has_one_name_by_whichever_link_it_is_opened(tmp_path: Path):
    (tmp_path / "real" / "inner").mkdir(parents=True)
    real, link = tmp_path / "real", tmp_path / "link"
    link.symlink_to(real)
    client = Client(name="test", roots=(str(tmp_path / "other"), str(link), str(link / "inner")))
    asked = {
        f"{link}/a.py": real,
        f"{real}/a.py": real,
        f"{link}/inner/../inner/a.py": real / "inner",
        f"{link}er/a.py": tmp_path / "other",
        "a.py": tmp_path / "other",
    }
    assert {file: client.origin_of(file).workspace for file in asked} == {
        f: str(to) for f, to in asked.items()
    }
    assert client.origin_of("a.py", f"{link}/a.py").workspace == str(real), "the first that is in one"
    assert client.origin.workspace == str(tmp_path / "other")
    assert Client(name="test").origin_of("/a.py").workspace is None


def test_a_workspaces_budget_meets_it_by_whichever_link_either_is_named(open_app: OpenApp, tmp_path: Path):
    (tmp_path / "real").mkdir()
    links = [tmp_path / "link", tmp_path / "other"]
    for link in links:
        link.symlink_to(tmp_path / "real")
    app = open_app(f'[budgets.workspaces."{links[0]}"]\ndaily_usd = 1')
    for root in (*links, tmp_path / "real"):
        client = Client(name="test", roots=(str(root),))
        app.change_client(client)
        (limit,) = app.door().limits(client.origin)
        assert limit.scope.value == str(tmp_path / "real")


def test_the_settings_stamp_changes_with_a_file_and_with_the_client(open_app: OpenApp, tmp_path: Path):
    app = open_app("[budgets]")
    before = app.settings_stamp()
    assert app.settings_stamp() == before
    write(tmp_path / "config.toml", "[budgets]\ndaily_usd = 1")
    assert (after := app.settings_stamp()) != before
    app.change_client(Client(name="test", settings={"strategy": "cheap"}))
    assert app.settings_stamp() != after


AGENTS = """
[tasks]
chat = "local/shared"
[agents.one]
model = "local/one"
[agents.two]
local = { base_url = "http://127.0.0.1:8/v1" }
"""


async def test_each_agent_has_a_door_that_stays_while_nothing_changes(open_app: OpenApp, tmp_path: Path):
    app = open_app(AGENTS, FAREBOX_LOCAL_BASE_URL="http://127.0.0.1:9/v1")
    doors = {name: app.door(name) for name in (None, "one", "two")}
    assert len({id(door) for door in doors.values()}) == 3
    for name in ("two", None, "one", "two"):
        assert app.door(name) is doors[name]
    names = {name: (await door.route(a_request())).target.name for name, door in doors.items()}
    assert names == {None: "local/shared", "one": "local/one", "two": "local/default"}
    assert (await doors["one"].route(a_request("local/asked"))).target.name == "local/asked"
    assert len({id(door.retries) for door in doors.values()}) == 1
    write(tmp_path / "config.toml", AGENTS.replace("local/one", "local/other"))
    assert (await app.door("one").route(a_request())).target.name == "local/other"
    assert all(app.door(name) is not door for name, door in doors.items())
    app.set_key("openai", "k")
    assert app.door("two").directory.state("openai") == "ready"


def test_there_is_no_door_for_an_agent_that_is_not_set_up(open_app: OpenApp):
    app = open_app(AGENTS)
    with pytest.raises(InvalidParams, match="there is no agent three") as caught:
        app.door("three")
    assert caught.value.hint.startswith("Known: one, two.")


async def test_warming_up_and_closing_can_be_done_twice(open_app: OpenApp):
    app = open_app()
    for _ in range(2):
        app.warm_up()
    for _ in range(2):
        await app.close()


def test_folders_come_from_the_environment_or_the_platform(tmp_path: Path):
    app = App(Client(name="test"), environment={"FAREBOX_HOME": str(tmp_path)})
    assert app.config_file.name == "config.toml"
    assert app.config_file.parent.name == "farebox"
