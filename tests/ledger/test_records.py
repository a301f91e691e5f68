"""What of foreign figures and names is believed."""

import pytest

from farebox.ledger.records import (
    MAX_CALL_NANODOLLARS,
    MAX_TEXT_CHARACTERS,
    Settlement,
    Spent,
    believable,
    bookable,
    storable_text,
)
from farebox.messages import Cost, Usage


@pytest.mark.parametrize(
    ("told", "kept"),
    [(None, None), (-1, None), (0, 0), (MAX_CALL_NANODOLLARS, MAX_CALL_NANODOLLARS), (10**30, None)],
)
def test_an_amount_beyond_belief_is_not_known(told: int | None, kept: int | None):
    assert believable(told) == kept


def test_millions_of_the_dearest_calls_have_an_exact_sum():
    assert 9 * 10**6 * MAX_CALL_NANODOLLARS < 2**63


def test_a_settlement_that_is_believable_stays_the_same_object():
    settlement = Settlement("c", "ok", Usage(1, 1, 1, 1, 1), Cost(5, "reported"))
    assert bookable(settlement) is settlement


def test_text_that_no_database_takes_is_made_storable():
    assert storable_text(None) is None
    assert storable_text("a\0b\ud800") == "ab?"
    assert storable_text("x" * 5_000) == "x" * MAX_TEXT_CHARACTERS


def test_holding_and_paying_add_up():
    assert Spent(1, 2).holding(3).plus(4) == Spent(5, 5)
    assert Spent(5, 5).nanodollars == 10
