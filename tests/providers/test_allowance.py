"""What a key may still spend: in words and cents, and never a word of the key's label."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers.allowance import words

LIMITED: dict[str, object] = {
    "label": "sk-or-v1-116...0ce",
    "limit": 10,
    "limit_remaining": Decimal("3.2049"),
    "limit_reset": "monthly",
    "usage": Decimal("6.7951"),
    "is_free_tier": False,
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({}, "$3.20 of $10.00 left, resets monthly; $6.80 used", id="limited"),
        pytest.param({"limit_reset": None}, "$3.20 of $10.00 left; $6.80 used", id="never resets"),
        pytest.param({"limit_reset": "<b>"}, "$3.20 of $10.00 left; $6.80 used", id="foreign words"),
        pytest.param({"limit_remaining": -1}, "$0.00 of $10.00 left, resets monthly; $6.80 used", id="spent"),
        pytest.param(
            {"limit_remaining": None}, "a limit of $10.00, resets monthly; $6.80 used", id="not left"
        ),
        pytest.param({"limit": None, "limit_remaining": None}, "no limit; $6.80 used", id="no limit"),
        pytest.param(
            {"is_free_tier": True}, "$3.20 of $10.00 left, resets monthly; $6.80 used; free tier", id="free"
        ),
        pytest.param({"usage": 10**30}, "$3.20 of $10.00 left, resets monthly", id="absurd"),
    ],
)
def test_a_key_says_what_is_left(change: dict[str, object], said: str):
    assert words({"data": {**LIMITED, **change}}) == said


@pytest.mark.parametrize(
    "table", [{}, {"data": None}, {"data": {"label": "x"}}, {"data": []}, {"data": {"limit_reset": "daily"}}]
)
def test_an_answer_of_another_kind_says_nothing(table: dict[str, object]):
    assert words(table) is None


@given(
    st.dictionaries(st.sampled_from(sorted(LIMITED)), st.none() | st.integers() | st.text() | st.booleans())
)
def test_nothing_but_our_own_words_is_said(data: dict[str, object]):
    said = words({"data": data}) or ""
    for part in said.replace(",", ";").split("; "):
        assert not part or part[0] in "$anrf"
