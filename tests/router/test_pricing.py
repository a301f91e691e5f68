"""One price for the estimate, the hold, the cost and the list: whose it is, and what stays unknown."""

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from farebox.messages import Usage
from farebox.providers.base import Endpoint, RoutingPreferences
from farebox.providers.listing_file import ListingFile
from farebox.router.pricing import Pricing
from support.openrouter_models import JsonTable, entry, priced

ADDRESS = "http://127.0.0.1:9/v1"
USAGE = Usage(input_tokens=1_000, output_tokens=100)
MINI = "openai/gpt-5-mini"  # $0.25 in, $2 out in the price table: 450,000
TABLE = 450_000
DEAR = priced("acme/dear", "0.001", "0")  # $1
CHEAP = priced("acme/cheap", "0.000001", "0")  # $0.001
LISTED_MINI = priced(MINI, "0.000001", "0.000001")


def pricing(tmp_path: Path, *entries: JsonTable, days: int = 0, base_url: str = ADDRESS) -> Pricing:
    file = tmp_path / "models.json"
    fetched_s = int(time.time()) - days * 86_400
    file.write_text(json.dumps({"base_url": base_url, "fetched_s": fetched_s, "data": entries}), "utf-8")
    return Pricing(ListingFile(file))


def openrouter(*models: str, free: bool = False) -> Endpoint:
    routing = RoutingPreferences(models=models)
    return Endpoint("openrouter", "openai", ADDRESS, price_id="openrouter", routing=routing, free=free)


OPENAI = Endpoint("openai", "openai", ADDRESS, price_id="openai")
NOBODY = Endpoint("box", "openai", ADDRESS)


@pytest.mark.parametrize(
    ("endpoint", "model", "days", "nanodollars"),
    [
        pytest.param(openrouter(), MINI, 0, 1_100_000, id="the list goes before the table"),
        pytest.param(openrouter(), f"{MINI}:nitro", 0, 1_100_000, id="however it is routed"),
        pytest.param(openrouter(), MINI, 8, TABLE, id="but not an old one"),
        pytest.param(openrouter(), "openai/gpt-5", 0, 2_250_000, id="the table where it is silent"),
        pytest.param(openrouter(), "acme/varies", 0, None, id="a price that varies"),
        pytest.param(openrouter(), "acme/none", 0, None, id="nobody knows"),
        pytest.param(openrouter(free=True), MINI, 0, 0, id="free by the user's word"),
        pytest.param(OPENAI, "gpt-5-mini", 0, TABLE, id="another vendor has no list"),
        pytest.param(NOBODY, MINI, 0, None, id="a server of one's own"),
    ],
)
def test_a_usage_costs_the_same_before_and_after(
    tmp_path: Path, endpoint: Endpoint, model: str, days: int, nanodollars: int | None
):
    made = pricing(tmp_path, LISTED_MINI, priced("acme/varies", "-1", "-1"), days=days)
    assert made.cost_nanodollars(endpoint, model, USAGE) == nanodollars
    assert made.most_nanodollars(endpoint, model, USAGE) == nanodollars


def test_the_list_of_another_address_does_not_count(tmp_path: Path):
    made = pricing(tmp_path, LISTED_MINI, base_url="http://127.0.0.1:10/v1")
    assert made.cost_nanodollars(openrouter(), MINI, USAGE) == TABLE


@pytest.mark.parametrize(
    ("models", "nanodollars"),
    [
        pytest.param((), 10**6, id="alone"),
        pytest.param(("acme/dear",), 10**9, id="a dearer one"),
        pytest.param(("acme/cheap", "acme/dear", MINI), 10**9, id="the dearest"),
        pytest.param(("acme/none",), None, id="one that nobody knows"),
    ],
)
def test_of_models_that_may_answer_the_dearest_is_held(
    tmp_path: Path, models: tuple[str, ...], nanodollars: int | None
):
    made = pricing(tmp_path, DEAR, CHEAP, LISTED_MINI)
    assert made.most_nanodollars(openrouter(*models), "acme/cheap", USAGE) == nanodollars


def test_pictures_and_long_prompts_count_in_what_is_held(tmp_path: Path):
    step = {"min_prompt_tokens": 1_000, "prompt": "0.000002"}
    made = pricing(
        tmp_path,
        entry(pricing={"prompt": "0.000001", "completion": "0", "image": "0.01", "overrides": [step]}),
    )
    assert made.most_nanodollars(openrouter(), "acme/new", USAGE, images=2) == 22_000_000
    assert made.cost_nanodollars(openrouter(), "acme/new", USAGE) == 2_000_000


def test_the_sum_is_rounded_once(tmp_path: Path):
    made = pricing(tmp_path, priced("a/b", "0.0000000004", "0.0000000004"))
    assert made.cost_nanodollars(openrouter(), "a/b", Usage(input_tokens=1, output_tokens=1)) == 1


@pytest.mark.parametrize(
    ("endpoint", "model", "dollars"),
    [
        pytest.param(openrouter(), MINI, ("1", "1"), id="listed"),
        pytest.param(openrouter(), "openai/gpt-5", ("1.25", "10"), id="the table's"),
        pytest.param(openrouter(free=True), MINI, ("0", "0"), id="free"),
        pytest.param(openrouter(), "acme/none", (None, None), id="unknown"),
    ],
)
def test_a_model_has_a_price_for_a_million_tokens(
    tmp_path: Path, endpoint: Endpoint, model: str, dollars: tuple[str | None, str | None]
):
    expected = tuple(None if one is None else Decimal(one) for one in dollars)
    assert pricing(tmp_path, LISTED_MINI).per_million_usd(endpoint, model) == expected
