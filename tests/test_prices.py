"""Prices against invoices worked out by hand, to the nano-dollar.

The arithmetic stands in each case: a price of $3 per million tokens is 3000 nano-dollars per token. Every
case names its moment, because prices change and some depend on the hour.
"""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot
from genai_prices.types import (
    AbstractUsage,
    ClauseEquals,
    ModelInfo,
    ModelPrice,
    PriceCalculation,
    Provider,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import farebox
from farebox.messages import Usage, nanodollars_from_usd
from farebox.prices import (
    MAX_LINES,
    _memory,
    cost_nanodollars,
    estimate_nanodollars,
    per_million_usd,
    preload,
)
from support.patience import WAIT_S

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEEPSEEK_PEAK = datetime(2026, 11, 20, 2, tzinfo=UTC)


def usage(input_tokens: int, cached: int = 0, written: int = 0, output: int = 0) -> Usage:
    return Usage(
        input_tokens=input_tokens,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )


def check(price_id: str | None, model: str, used: Usage, at: datetime = NOON) -> int | None:
    return cost_nanodollars(used, price_id=price_id, model=model, at=at)


# --- invoices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price_id", "model", "used", "at", "nanodollars"),
    [
        pytest.param(  # $3 in, $0.30 read, $3.75 written, $15 out
            "anthropic",
            "claude-sonnet-4-5",
            usage(100_000, cached=80_000, written=5_000, output=2_000),
            NOON,
            15_000 * 3_000 + 80_000 * 300 + 5_000 * 3_750 + 2_000 * 15_000,  # $0.11775
            id="anthropic-sonnet-4.5-read-and-written",
        ),
        pytest.param(  # more than 200k in: $6, $0.60, $7.50, $22.50 for every token
            "anthropic",
            "claude-sonnet-4-5-20250929",
            usage(210_000, cached=190_000, written=10_000, output=1_000),
            NOON,
            10_000 * 6_000 + 190_000 * 600 + 10_000 * 7_500 + 1_000 * 22_500,  # $0.2715
            id="anthropic-sonnet-4.5-long-context-dated-id",
        ),
        pytest.param(  # $4, $0.20, $5, $20
            "anthropic",
            "claude-opus-5-5",
            usage(7_001, cached=6_000, written=1_000, output=333),
            NOON,
            1 * 4_000 + 6_000 * 200 + 1_000 * 5_000 + 333 * 20_000,  # $0.012864
            id="anthropic-opus-5.5",
        ),
        pytest.param(  # at 100k still $0.10, $0.50
            "anthropic",
            "claude-haiku-5-5",
            usage(100_000, output=100),
            NOON,
            100_000 * 100 + 100 * 500,  # $0.01005
            id="anthropic-haiku-5.5-at-the-step",
        ),
        pytest.param(  # one token more: $0.50, $2.50
            "anthropic",
            "claude-haiku-5-5",
            usage(100_001, output=100),
            NOON,
            100_001 * 500 + 100 * 2_500,  # $0.0502505
            id="anthropic-haiku-5.5-over-the-step",
        ),
        pytest.param(  # $2, $0.10, $2.50, $10
            "openrouter",
            "anthropic/claude-sonnet-5.5",
            usage(50_000, cached=30_000, written=10_000, output=3_000),
            NOON,
            10_000 * 2_000 + 30_000 * 100 + 10_000 * 2_500 + 3_000 * 10_000,  # $0.078
            id="openrouter-sonnet-5.5-read-and-written",
        ),
        pytest.param(  # $0.21, $0.0042, $0.84: 208_740 + 29.4 + 2_520 = 211_289.4
            "openrouter",
            "deepseek/deepseek-v4.1-flash",
            usage(1_001, cached=7, output=3),
            NOON,
            211_289,
            id="openrouter-deepseek-rounded-once",
        ),
        pytest.param(  # $0.25, $0.025, $2
            "openai",
            "gpt-5-mini",
            usage(12_345, cached=4_096, output=678),
            NOON,
            8_249 * 250 + 4_096 * 25 + 678 * 2_000,  # $0.00352065
            id="openai-gpt-5-mini-cached",
        ),
        pytest.param(  # $1, $0.05, $1.25, $5
            "openai",
            "gpt-6.1-terra",
            usage(20_000, cached=10_000, written=4_000, output=500),
            NOON,
            6_000 * 1_000 + 10_000 * 50 + 4_000 * 1_250 + 500 * 5_000,  # $0.014
            id="openai-terra-read-and-written",
        ),
        pytest.param(  # off-peak: $0.15, $0.003, $0.60
            "deepseek",
            "deepseek-v4-flash",
            usage(10_000, cached=8_000, output=500),
            NOON,
            2_000 * 150 + 8_000 * 3 + 500 * 600,  # $0.000624
            id="deepseek-off-peak-cached",
        ),
        pytest.param(  # from 01:00 to 04:00 UTC twice that
            "deepseek",
            "deepseek-v4-flash",
            usage(10_000, cached=8_000, output=500),
            DEEPSEEK_PEAK,
            2_000 * 300 + 8_000 * 6 + 500 * 1_200,  # $0.001248
            id="deepseek-peak-cached",
        ),
        pytest.param(  # $0.30, $0.03, $2.50
            "google",
            "gemini-2.5-flash",
            usage(20_000, cached=15_000, output=1_000),
            NOON,
            5_000 * 300 + 15_000 * 30 + 1_000 * 2_500,  # $0.00445
            id="google-flash-cached",
        ),
        pytest.param(  # more than 200k in: $2.50, $0.25, $15
            "google",
            "gemini-2.5-pro",
            usage(250_000, cached=100_000, output=4_000),
            NOON,
            150_000 * 2_500 + 100_000 * 250 + 4_000 * 15_000,  # $0.46
            id="google-pro-long-context",
        ),
        pytest.param(  # $0.30, no price of its own for reads, $0.90
            "mistral",
            "codestral-latest",
            usage(1_000, cached=600, output=64),
            NOON,
            1_000 * 300 + 64 * 900,  # $0.0003576
            id="mistral-codestral-cached-at-full-price",
        ),
        pytest.param("openai", "gpt-5-mini", usage(0), NOON, 0, id="nothing-used"),
    ],
)
def test_an_invoice_comes_out_to_the_nanodollar(
    price_id: str, model: str, used: Usage, at: datetime, nanodollars: int
) -> None:
    assert check(price_id, model, used, at) == nanodollars


def test_reasoning_tokens_are_charged_once_as_output() -> None:
    plain = Usage(input_tokens=10, output_tokens=900)
    reasoned = Usage(input_tokens=10, output_tokens=900, reasoning_tokens=800)
    assert check("openai", "gpt-5-mini", reasoned) == check("openai", "gpt-5-mini", plain) == 1_802_500


# --- what is not known, and what is free -------------------------------------------------------


@pytest.mark.parametrize(
    ("price_id", "model", "used"),
    [
        pytest.param(None, "gpt-5-mini", usage(10), id="no-price-id"),
        pytest.param("nobody", "gpt-5-mini", usage(10), id="unknown-provider"),
        pytest.param("openai", "no-such-model", usage(10), id="unknown-model"),
        pytest.param("openai", "", usage(10), id="empty-model"),
        pytest.param("cerebras", "qwen-3-coder-480b", usage(10), id="a-line-without-prices"),
        pytest.param("openai", "text-embedding-3-small", usage(10, output=1), id="output-without-a-price"),
        pytest.param("openai", "whisper-1", usage(10), id="priced-by-the-hour"),
        pytest.param("openai", "gpt-5-mini:nitro", usage(10), id="endings-are-openrouter's"),
        pytest.param("openai", "gpt-5-mini", usage(10, cached=11), id="more-cached-than-sent"),
        pytest.param("openai", "gpt-5-mini", usage(10, cached=6, written=5), id="parts-exceed-the-whole"),
        pytest.param("openai", "gpt-5-mini", usage(-1), id="negative"),
    ],
)
def test_an_unknown_price_is_none_and_never_zero(price_id: str | None, model: str, used: Usage) -> None:
    assert check(price_id, model, used) is None


def test_what_has_no_price_has_none_in_the_list() -> None:
    assert per_million_usd(None, "gpt-5-mini") == (None, None)
    assert per_million_usd("openai", "no-such-model") == (None, None)
    assert per_million_usd("cerebras", "qwen-3-coder-480b") == (None, None)


@pytest.mark.parametrize(
    ("price_id", "model"),
    [
        pytest.param("openrouter", "qwen/qwen3-coder:free", id="known"),
        pytest.param("openrouter", "anthropic/claude-opus-5.5:free", id="unknown-to-the-table"),
        pytest.param("openrouter", "new-maker/new-model:FREE", id="unknown-maker"),
        pytest.param("mistral", "devstral-small:free", id="an-empty-line-of-that-name"),
    ],
)
def test_a_free_variant_costs_nothing(price_id: str, model: str) -> None:
    assert check(price_id, model, usage(1_000, output=1_000)) == 0
    assert per_million_usd(price_id, model) == (0, 0)


@pytest.mark.parametrize("ending", ["nitro", "floor", "online", "exacto"])
def test_routing_variants_cost_what_the_model_costs(ending: str) -> None:
    model = "anthropic/claude-sonnet-5.5"
    used = usage(1_000, output=1_000)
    assert check("openrouter", f"{model}:{ending}", used) == check("openrouter", model, used) == 12_000_000


# --- the other questions -----------------------------------------------------------------------


def test_an_estimate_is_the_cost_with_nothing_cached() -> None:
    estimate = estimate_nanodollars(
        input_tokens=1_000, output_tokens=200, price_id="openai", model="gpt-5-mini", at=NOON
    )
    assert estimate == 1_000 * 250 + 200 * 2_000
    assert estimate_nanodollars(input_tokens=1, output_tokens=1, price_id=None, model="gpt-5-mini") is None


@pytest.mark.parametrize(
    ("price_id", "model", "expected"),
    [
        pytest.param("openai", "gpt-5-mini", (Decimal("0.25"), Decimal(2)), id="flat"),
        pytest.param("anthropic", "claude-sonnet-4-5", (Decimal(3), Decimal(15)), id="lowest-tier"),
        pytest.param("x-ai", "grok-code-fast-1", (Decimal("0.2"), Decimal("1.5")), id="xai"),
        pytest.param("openrouter", "z-ai/glm-4.7:nitro", (Decimal("0.6"), Decimal("2.2")), id="variant"),
    ],
)
def test_the_models_list_shows_dollars_per_million(
    price_id: str, model: str, expected: tuple[Decimal, Decimal]
) -> None:
    assert per_million_usd(price_id, model, at=NOON) == expected


def test_a_price_is_that_of_now_if_no_moment_is_given() -> None:
    assert cost_nanodollars(usage(10), price_id="openai", model="gpt-5-mini") == 2_500


def run_python(code: str) -> str:
    """Run code in a fresh interpreter that sees the same packages, and return what it prints."""
    server = str(Path(farebox.__file__).parents[1])
    script = f"import sys; sys.path.insert(0, {server!r})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    return done.stdout.strip()


def test_importing_loads_neither_the_price_library_nor_what_it_brings() -> None:
    slow = "{'genai_prices', 'pydantic', 'httpx2', 'httpx'}"
    load = "import farebox.prices, farebox.catalog\nfarebox.catalog.load()"
    code = f"{load}\nprint(sorted({slow} & set(sys.modules)))"
    assert run_python(code) == "[]"


def test_preloading_loads_the_table() -> None:
    code = "import farebox.prices\nfarebox.prices.preload()\nprint('genai_prices.data' in sys.modules)"
    assert run_python(code) == "True"
    preload()


def test_it_is_known_whether_the_table_has_been_loaded() -> None:
    code = (
        "from farebox import prices\n"
        "before = prices.loaded()\nprices.preload()\nprint(before, prices.loaded())"
    )
    assert run_python(code) == "False True"


# --- what is remembered ------------------------------------------------------------------------


def rated_models() -> list[tuple[str, str]]:
    """Every model of the table under its first id, by the provider that has it."""
    return [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]


def library_nanodollars(price_id: str, model: str, used: Usage, at: datetime) -> int | None:
    """Price a usage with the library alone."""
    counts = PricedUsage(
        input_tokens=used.input_tokens,
        cache_read_tokens=used.cached_input_tokens,
        cache_write_tokens=used.cache_write_tokens,
        output_tokens=used.output_tokens,
    )
    try:
        price = calc_price(counts, model, provider_id=price_id, genai_request_timestamp=at)
    except (LookupError, ValueError):
        return None
    return nanodollars_from_usd(price.total_price)


@settings(deadline=None, max_examples=400)
@given(
    priced=st.sampled_from(rated_models()),
    sizes=st.lists(
        st.tuples(*[st.sampled_from([0, 1, 7, 4_097, 128_001, 200_001, 1_000_003])] * 4),
        min_size=2,
        max_size=4,
    ),
    at=st.sampled_from([NOON, DEEPSEEK_PEAK, datetime(2024, 1, 1, tzinfo=UTC)]),
)
def test_what_is_remembered_is_what_the_library_says_for_every_model_of_the_table(
    priced: tuple[str, str], sizes: list[tuple[int, int, int, int]], at: datetime
) -> None:
    price_id, model = priced
    for size in [*sizes, *sizes]:
        used = parts_usage(*size)
        cost = check(price_id, model, used, at)
        if cost:  # zero and unknown are told apart by rules of our own, tested above
            assert cost == library_nanodollars(price_id, model, used, at)


def test_a_price_that_depends_on_the_hour_is_that_of_each_request() -> None:
    used = usage(10_000, cached=8_000, output=500)
    for _ in range(3):
        assert check("deepseek", "deepseek-v4-flash", used, NOON) == 624_000
        assert check("deepseek", "deepseek-v4-flash", used, DEEPSEEK_PEAK) == 1_248_000


def test_a_new_table_counts_from_its_first_request_on() -> None:
    before = check("openai", "gpt-5-mini", usage(1_000))
    assert check("openai", "brand-new", usage(1_000)) is None
    model = ModelInfo(
        id="brand-new",
        match=ClauseEquals("brand-new"),
        prices=ModelPrice(input_mtok=Decimal(9), output_mtok=Decimal(9)),
    )
    provider = Provider(id="openai", name="OpenAI", api_pattern="", models=[model])
    set_custom_snapshot(DataSnapshot([provider], from_auto_update=True))
    try:
        assert check("openai", "brand-new", usage(1_000)) == 9_000_000
        assert check("openai", "gpt-5-mini", usage(1_000)) is None
    finally:
        set_custom_snapshot(None)
    assert check("openai", "gpt-5-mini", usage(1_000)) == before


def test_names_without_end_are_not_all_remembered() -> None:
    for number in range(MAX_LINES + 10):
        assert check("x-ai", f"no-such-model-{number}", usage(1)) is None
    table = _memory.table
    assert table is not None
    assert len(table.lines) <= MAX_LINES
    assert check("openai", "gpt-5-mini", usage(10)) == 2_500


def test_where_our_sum_is_not_the_librarys_its_word_stands() -> None:
    class Dearer(ModelInfo):
        """A later library that adds a cent to every request."""

        def calc_price(self, usage: AbstractUsage, provider: Provider, **moment: Any) -> PriceCalculation:
            price = super().calc_price(usage, provider, **moment)
            return replace(price, total_price=price.total_price + Decimal("0.01"))

    prices = ModelPrice(input_mtok=Decimal(9), output_mtok=Decimal(9))
    model = Dearer(id="m", match=ClauseEquals("m"), prices=prices)
    provider = Provider(id="openai", name="OpenAI", api_pattern="", models=[model])
    set_custom_snapshot(DataSnapshot([provider], from_auto_update=True))
    try:
        for size in (1_000, 2_000, 3_000):
            assert check("openai", "m", usage(size)) == size * 9_000 + 10_000_000
    finally:
        set_custom_snapshot(None)


# --- properties --------------------------------------------------------------------------------

PRICED = [
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-5-5"),
    ("openrouter", "anthropic/claude-sonnet-5.5"),
    ("openrouter", "google/gemini-2.5-flash"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-6.1-sol"),
    ("deepseek", "deepseek-v4-pro"),
    ("google", "gemini-2.5-pro"),
    ("x-ai", "grok-4.7"),
    ("mistral", "codestral-latest"),
]
COUNTS = st.integers(min_value=0, max_value=400_000)
PARTS = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS)


def parts_usage(fresh: int, cached: int, written: int, output: int) -> Usage:
    return usage(fresh + cached + written, cached=cached, written=written, output=output)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(PRICED), PARTS, PARTS)
def test_more_tokens_never_cost_less(
    priced: tuple[str, str], some: tuple[int, int, int, int], more: tuple[int, int, int, int]
) -> None:
    price_id, model = priced
    less = check(price_id, model, parts_usage(*some))
    total = check(price_id, model, parts_usage(*(a + b for a, b in zip(some, more, strict=True))))
    assert less is not None
    assert total is not None
    assert 0 <= less <= total


@settings(deadline=None)
@given(
    st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["openrouter", "openai", "litellm"])),
    st.text(max_size=30),
    st.tuples(*[st.integers(min_value=-5, max_value=10**15)] * 4),
)
def test_no_name_and_no_count_ever_raises(
    price_id: str | None, model: str, counts: tuple[int, int, int, int]
) -> None:
    cost = check(price_id, model, usage(*counts))
    assert cost is None or cost >= 0
    per_million_usd(price_id, model)
