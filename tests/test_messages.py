"""Money as whole nano-dollars: exact both ways, and never a guess."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import (
    MAX_NANODOLLARS,
    UNKNOWN_COST,
    Cost,
    Estimate,
    Target,
    nanodollars_from_usd,
    usd_text,
)

AMOUNTS = st.integers(0, MAX_NANODOLLARS // 10**9 * 10**9)


def check(usd: Decimal | float | int | str) -> int | None:
    return nanodollars_from_usd(usd)


@given(amount=AMOUNTS)
def test_an_amount_survives_its_text(amount: int):
    assert check(usd_text(amount)) == amount
    assert check(Decimal(usd_text(amount))) == amount


@given(amount=st.integers())
def test_the_text_of_an_amount_is_exact(amount: int):
    text = usd_text(amount)
    whole, _, fraction = text.removeprefix("-").partition(".")
    assert int(whole) * 10**9 + int(fraction.ljust(9, "0")) == abs(amount)
    assert text.startswith("-") == (amount < 0)
    assert 2 <= len(fraction) <= 9
    assert "e" not in text.lower()


@given(cents=st.integers(0, 10**11))
def test_a_float_is_read_by_what_its_sender_wrote(cents: int):
    assert check(float(f"{cents / 100:.2f}")) == cents * 10**7


@pytest.mark.parametrize(
    ("usd", "nanodollars"),
    [
        pytest.param("0.000213", 213_000, id="text"),
        pytest.param(0.1, 100_000_000, id="float"),
        pytest.param(3, 3_000_000_000, id="integer"),
        pytest.param(Decimal("1.5"), 1_500_000_000, id="decimal"),
        pytest.param(2.13e-07, 213, id="float-with-an-exponent"),
        pytest.param("2E-9", 2, id="text-with-an-exponent"),
        pytest.param(0, 0, id="zero"),
        pytest.param("-0.0", 0, id="minus-zero"),
        pytest.param("0.0000000004", 0, id="less-than-half-a-nano-dollar"),
        pytest.param("0.0000000005", 1, id="half-a-nano-dollar"),
        pytest.param("0.0000000025", 3, id="half-goes-up-not-to-even"),
        pytest.param("9223372036", 9_223_372_036 * 10**9, id="the-most"),
        pytest.param("9223372037", None, id="more-than-a-ledger-holds"),
        pytest.param(1e308, None, id="a-huge-float"),
        pytest.param("9e999999", None, id="more-than-a-decimal-holds"),
        pytest.param(10**400, None, id="a-huge-integer"),
        pytest.param("1e-999999", 0, id="next-to-nothing"),
        pytest.param(-0.01, None, id="negative"),
        pytest.param("-1", None, id="negative-text"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param("nan", None, id="nan-text"),
        pytest.param(Decimal("sNaN"), None, id="signalling-nan"),
        pytest.param(float("inf"), None, id="infinity"),
        pytest.param(float("-inf"), None, id="minus-infinity"),
        pytest.param("", None, id="empty"),
        pytest.param("$5", None, id="a-sign"),
        pytest.param("1,5", None, id="a-comma"),
        pytest.param("five", None, id="a-word"),
        pytest.param(True, None, id="a-truth-value"),
    ],
)
def test_reads_dollars(usd: Decimal | float | int | str, nanodollars: int | None):
    assert check(usd) == nanodollars


@given(text=st.text())
def test_any_text_is_an_amount_or_none(text: str):
    amount = check(text)
    assert amount is None or 0 <= amount <= MAX_NANODOLLARS


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [
        pytest.param(213_000, "0.000213", id="small"),
        pytest.param(0, "0.00", id="zero"),
        pytest.param(1, "0.000000001", id="one"),
        pytest.param(1_500_000_000, "1.50", id="two-places-at-least"),
        pytest.param(-213_000, "-0.000213", id="negative"),
        pytest.param(12_000_000_000, "12.00", id="whole"),
    ],
)
def test_writes_dollars(nanodollars: int, text: str):
    assert usd_text(nanodollars) == text


@pytest.mark.parametrize(
    ("cost", "saved"),
    [
        pytest.param(Cost(1_000, "computed", "opus", 5_000), 4_000, id="cheaper"),
        pytest.param(Cost(5_000, "computed", "opus", 1_000), -4_000, id="dearer"),
        pytest.param(Cost(0, "computed", "opus", 1_000), 1_000, id="free"),
        pytest.param(Cost(1_000, "computed", "opus", 0), -1_000, id="a-free-baseline"),
        pytest.param(Cost(1_000, "reported"), None, id="no-baseline"),
        pytest.param(Cost(None, "unknown", "opus", 1_000), None, id="no-price"),
        pytest.param(UNKNOWN_COST, None, id="nothing-known"),
    ],
)
def test_what_was_saved_is_known_only_with_both_prices(cost: Cost, saved: int | None):
    assert cost.saved_nanodollars == saved


@pytest.mark.parametrize(
    ("estimate", "percent"),
    [
        pytest.param(Estimate(250, "opus", 1_000), 75, id="cheaper"),
        pytest.param(Estimate(1_000, "opus", 1_000), 0, id="the-same"),
        pytest.param(Estimate(3_000, "opus", 1_000), -200, id="dearer"),
        pytest.param(Estimate(0, "opus", 1_000), 100, id="free"),
        pytest.param(Estimate(1, "opus", 3), 67, id="rounded"),
        pytest.param(Estimate(1, "opus", 0), None, id="a-free-baseline"),
        pytest.param(Estimate(None, "opus", 1_000), None, id="no-price"),
        pytest.param(Estimate(1), None, id="no-baseline"),
    ],
)
def test_the_saving_in_percent(estimate: Estimate, percent: int | None):
    assert estimate.saved_percent == percent


def test_a_target_is_named_as_users_write_it():
    assert Target("openrouter", "z-ai/glm-4.7").name == "openrouter/z-ai/glm-4.7"
