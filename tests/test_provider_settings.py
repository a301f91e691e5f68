"""A provider's table: OpenRouter's settings, their bounds, and errors that name line and known keys."""

from decimal import Decimal
from pathlib import Path

import pytest

from farebox.errors import ConfigError
from farebox.provider_settings import MaxPrice, Sort
from support.settings import check

ALL = """
[providers.openrouter]
order = ["anthropic"]
sort = { by = "throughput", partition = "none" }
max_price = { prompt = 0.1, completion = 2 }
models = ["openai/gpt-5-mini"]
data_collection = "deny"
zdr = true
require_parameters = true
quantizations = ["fp8", "bf16"]
"""


def test_openrouters_settings_are_read(user_file: Path):
    table = check(user_file, ALL).providers["openrouter"]
    assert table.sort == Sort(by="throughput", partition="none")
    assert table.max_price == MaxPrice(prompt=Decimal("0.1"), completion=Decimal(2))
    assert table.models == ["openai/gpt-5-mini"]
    assert (table.data_collection, table.zdr, table.require_parameters) == ("deny", True, True)
    assert table.quantizations == ["fp8", "bf16"]


def test_to_sort_a_word_is_enough(user_file: Path):
    assert (
        check(user_file, '[providers.openrouter]\nsort = "price"\n').providers["openrouter"].sort == "price"
    )


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        pytest.param(
            "max_prise = {}", "unknown key providers.openrouter.max_prise", "max_price?", id="a key"
        ),
        pytest.param(
            "max_price = { promt = 1 }",
            "unknown key providers.openrouter.max_price.promt",
            "prompt?",
            id="below",
        ),
        pytest.param(
            "max_price = { prompt = -1 }", "line 2: providers.openrouter.max_price.prompt", "", id="less"
        ),
        pytest.param("max_price = { prompt = nan }", "max_price.prompt", "", id="no-number"),
        pytest.param('sort = "cheap"', "line 2: providers.openrouter.sort", "Correct", id="sort"),
        pytest.param('sort = { by = "price", of = 1 }', "openrouter.sort", "", id="sort-table"),
        pytest.param('data_collection = "no"', "providers.openrouter.data_collection", "", id="collection"),
        pytest.param('models = ["a/b", ""]', "providers.openrouter.models", "", id="an-empty-name"),
        pytest.param('zdr = "perhaps"', "providers.openrouter.zdr", "", id="no-switch"),
    ],
)
def test_a_setting_that_is_wrong_is_named(user_file: Path, line: str, message: str, hint: str):
    with pytest.raises(ConfigError) as caught:
        check(user_file, f"[providers.openrouter]\n{line}\n")
    assert message in caught.value.message
    assert "line 2" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("word", "fetch"), [("off", False), ("0", False), ("False", False), ("on", True), ("", True)]
)
def test_a_variable_keeps_the_list_of_models_from_being_fetched(user_file: Path, word: str, fetch: bool):
    assert check(user_file, environment={"FAREBOX_FETCH_MODELS": word}).privacy.fetch_models is fetch


def test_the_list_of_models_need_not_be_fetched(user_file: Path):
    assert not check(user_file, "[privacy]\nfetch_models = false\n").privacy.fetch_models
