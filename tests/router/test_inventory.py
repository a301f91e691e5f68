"""Which models can be asked for: the catalogue's where a key is, a server's own where it is asked."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.catalog import load
from farebox.router import inventory
from support.openrouter_models import models, priced
from support.upstream import Upstream, json_answer

OpenApp = Callable[..., App]


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str = "", **environment: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        opened.append(App(Client(name="test"), environment={**folders, **environment}))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


async def test_a_vendor_with_a_key_has_the_catalogues_models_with_their_prices(open_app: OpenApp):
    lines = await inventory.models(open_app(OPENAI_API_KEY="k").door().planner)
    assert [line.target.model for line in lines] == list(load().models_at("openai"))
    mini = next(line for line in lines if line.target.model == "gpt-5-mini")
    assert (mini.input_usd_per_mtok, mini.output_usd_per_mtok) == (Decimal("0.25"), Decimal(2))
    assert mini.context_window == 400_000
    assert mini.capabilities == ("images", "reasoning", "tools")
    assert {line.state for line in lines} == {"ready"}


async def test_a_vendor_in_the_config_without_its_key_is_listed_as_such(open_app: OpenApp):
    lines = await inventory.models(open_app("[providers.openai]").door().planner)
    assert {line.state for line in lines} == {"missingKey"}
    assert {line.input_usd_per_mtok for line in lines} == {None}


async def test_a_brokers_own_list_is_shown_only_when_all_is_asked_for(open_app: OpenApp):
    async with Upstream() as upstream:
        upstream.answer("/v1/models", json_answer(models(priced("acme/new", "0.000001", "0.000002"))))
        config = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"'
        app = open_app(config, OPENROUTER_API_KEY="k")
        await app.refresh_listing(asked=True)
        few = await inventory.models(app.door().planner)
        every = await inventory.models(app.door().planner, every=True)
        assert [request.path for request in upstream.requests] == ["/v1/models"]
    assert [line.target.model for line in few] == list(load().models_at("openrouter"))
    assert every[: len(few)] == few
    (line,) = every[len(few) :]
    assert line.target.name == "openrouter/acme/new"
    assert (line.input_usd_per_mtok, line.output_usd_per_mtok) == (Decimal(1), Decimal(2))
    assert (line.context_window, line.max_output_tokens) == (100_000, 32_000)
    assert line.capabilities == ("images", "reasoning", "tools")


async def test_with_nothing_set_up_there_is_nothing(open_app: OpenApp):
    assert await inventory.models(open_app().door().planner) == ()


@pytest.mark.parametrize(
    ("config", "price"),
    [
        pytest.param('[providers.local]\nbase_url = "{}"', Decimal(0), id="local"),
        pytest.param('[providers.box]\nbase_url = "{}"', None, id="unknown-to-the-catalogue"),
        pytest.param('[providers.box]\nfree = true\nbase_url = "{}"', Decimal(0), id="free"),
    ],
)
async def test_a_server_of_ones_own_is_asked_what_it_serves(
    open_app: OpenApp, config: str, price: Decimal | None
):
    async with Upstream() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "first"}, {"id": "second"}]}))
        lines = await inventory.models(open_app(config.format(upstream.base_url)).door().planner)
    assert [line.target.model for line in lines] == ["first", "second"]
    assert {line.input_usd_per_mtok for line in lines} == {price}
    assert {line.context_window for line in lines} == {None}


async def test_a_server_that_does_not_answer_is_listed_by_what_it_would_be_called(open_app: OpenApp):
    async with Upstream() as upstream:
        address = upstream.base_url
    lines = await inventory.models(open_app(f'[providers.local]\nbase_url = "{address}"').door().planner)
    assert [line.target.name for line in lines] == ["local/default"]


async def test_local_servers_are_looked_for_on_this_machine_only(open_app: OpenApp):
    for server in await inventory.local_servers(open_app().door().planner):
        assert server.base_url.startswith("http://127.0.0.1:")
        assert server.models
