"""The catalogue with a broker's own list on top: what it adds, and what stays ours."""

from pathlib import Path
from types import MappingProxyType

import pytest

from farebox.catalog import Catalog, load
from farebox.config import Config
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.listing import listed_in
from farebox.providers.listing_file import Listing
from farebox.router.listed import broker, with_listed
from farebox.secrets import Keys
from support.openrouter_models import JsonTable, entry, models

MINI, SONNET, HAIKU = "openai/gpt-5-mini", "anthropic/claude-sonnet-4.5", "anthropic/claude-haiku-5.5"


def known(*entries: JsonTable) -> Catalog:
    listing = Listing("http://h/v1", 1, MappingProxyType(listed_in(models(*entries))))
    return with_listed(load(), "openrouter", listing)


def test_a_model_that_is_not_ours_is_known_by_the_list():
    info = known(entry()).info("openrouter", "ACME/new")
    assert info is not None
    assert (info.name, info.tier) == ("acme/new", None)
    assert (info.context_window, info.max_output_tokens) == (100_000, 32_000)
    assert info.capabilities == {"tools", "images", "reasoning"}
    assert info.efforts == ("none", "low", "medium", "high")
    assert known(entry()).info("openai", "acme/new") is None
    assert load().info("openrouter", "acme/new") is None


def test_a_model_that_reads_only_text_can_not_read_images():
    text = entry(architecture={"input_modalities": ["text"]}, supported_parameters=[])
    info = known(text).info("openrouter", "acme/new")
    assert info is not None
    assert info.capabilities == set()


def test_what_we_know_stays_and_the_list_fills_the_gaps():
    ours = load().info("openrouter", SONNET)
    info = known(entry(SONNET)).info("openrouter", SONNET)
    assert ours is not None
    assert info is not None
    assert (info.name, info.tier, info.ids) == (ours.name, ours.tier, ours.ids)
    assert (info.context_window, info.max_output_tokens) == (200_000, 64_000)
    assert info.efforts == (ours.efforts or ("none", "low", "medium", "high"))


def test_a_variant_with_an_entry_of_its_own_has_its_own_limits():
    info = known(entry(f"{MINI}:free")).info("openrouter", f"{MINI}:free")
    assert info is not None
    assert info.context_window == 100_000
    base = known(entry(f"{MINI}:free")).info("openrouter", MINI)
    assert base == load().info("openrouter", MINI)


def test_auto_and_the_table_of_models_know_only_ours():
    catalog = known(entry(), entry(MINI))
    assert catalog.models == load().models
    assert catalog.models_at("openrouter") == load().models_at("openrouter")
    assert catalog.listed_at("openrouter") == ("acme/new",)
    assert catalog.listed_at("openai") == load().listed_at("openrouter") == ()
    assert catalog.strongest(["openrouter"]) == load().strongest(["openrouter"])


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("acme/turbo-7", "openrouter/acme/turbo-7", id="without its broker"),
        pytest.param("turbo-7", "openrouter/acme/turbo-7", id="without its maker"),
        pytest.param("acme/trubo-7", "openrouter/acme/turbo-7", id="a typing error"),
        pytest.param("gpt-5-mini", f"openrouter/{MINI}", id="ours"),
    ],
)
def test_a_name_that_means_nothing_may_be_meant_for_a_listed_model(name: str, meant: str):
    assert known(entry("acme/turbo-7"), entry(MINI)).suggest(name, ["openrouter"]) == meant


@pytest.mark.parametrize(
    ("settings", "environment", "found"),
    [
        pytest.param({}, {"OPENROUTER_API_KEY": "k"}, True, id="a key"),
        pytest.param({}, {"OPENAI_API_KEY": "k"}, False, id="no key"),
        pytest.param({}, {"OPENROUTER_API_KEY": "two words"}, False, id="a bad key"),
        pytest.param(
            {"privacy": {"local_only": True}}, {"OPENROUTER_API_KEY": "k"}, False, id="local-only mode"
        ),
    ],
)
def test_a_broker_is_one_that_is_ready(
    settings: dict[str, object], environment: dict[str, str], found: bool, tmp_path: Path
):
    keys = Keys(environment=environment, file=tmp_path / "keys.json")
    seller = broker(Directory(Config.model_validate(settings), keys, Http(), servers={}))
    assert (seller.provider if seller is not None else None) == ("openrouter" if found else None)


def test_keys_that_can_not_be_read_are_a_requests_trouble(tmp_path: Path):
    (tmp_path / "keys.json").mkdir()
    keys = Keys(environment={}, file=tmp_path / "keys.json")
    assert broker(Directory(Config(), keys, Http(), servers={})) is None
