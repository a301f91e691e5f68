"""What waits and look-aheads are made of: the rhythm of keys, and how soon a model answers."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.pace import (
    GAPS,
    MAX_GAP_S,
    MAX_LOOK_AHEAD_CHARS,
    MAX_MOMENT_S,
    USUAL_FIRST_TOKEN_S,
    USUAL_GAP_S,
    Pace,
)


def typing(gap_s: float, keys: int = GAPS + 1) -> Pace:
    """Return the pace of somebody who types evenly."""
    pace = Pace()
    for number in range(keys):
        pace.keyed(100 + number * gap_s)
    return pace


def test_before_anything_is_known_the_usual_is_taken():
    assert (Pace().gap_s, Pace().first_token_s) == (USUAL_GAP_S, USUAL_FIRST_TOKEN_S)


def test_the_rhythm_follows_the_keys():
    assert round(typing(0.1).gap_s, 6) == 0.1
    assert round(typing(0.25).gap_s, 6) == 0.25


def test_a_thought_and_a_machine_are_no_rhythm():
    assert typing(3.0).gap_s == USUAL_GAP_S
    assert typing(0.0001).gap_s == USUAL_GAP_S


def test_only_the_newest_keys_and_answers_count():
    pace = typing(0.1)
    for number in range(GAPS + 1):
        pace.keyed(1_000 + number * 0.3)
        pace.answered(0.7)
    assert (round(pace.gap_s, 6), pace.first_token_s) == (0.3, 0.7)


def test_who_types_slower_is_waited_for_longer():
    for letters in (0, 1, 5):
        assert typing(0.08).moment_s(letters=letters) < typing(0.2).moment_s(letters=letters)


def test_right_after_a_word_has_begun_the_wait_is_longest():
    pace = typing(0.1)
    assert pace.moment_s(letters=1) > pace.moment_s(letters=0)
    assert pace.moment_s(letters=1) > pace.moment_s(letters=6)


def test_a_slow_model_is_asked_further_ahead():
    slow, fast = typing(0.1), typing(0.1)
    slow.answered(1.5)
    fast.answered(0.1)
    assert slow.look_ahead_chars > fast.look_ahead_chars


@given(
    st.lists(st.floats(min_value=0, max_value=1e4), max_size=2 * GAPS),
    st.lists(st.floats(min_value=0, max_value=1e4), max_size=GAPS),
    st.integers(min_value=0, max_value=100),
)
def test_whatever_happens_all_waits_are_bounded(gaps_s: list[float], firsts_s: list[float], letters: int):
    pace = Pace()
    for at_s in itertools.accumulate(gaps_s):
        pace.keyed(at_s)
    for first_s in firsts_s:
        pace.answered(first_s)
    assert 0 < pace.gap_s <= max(MAX_GAP_S, USUAL_GAP_S)
    assert 0 <= pace.moment_s(letters=letters) <= MAX_MOMENT_S
    assert 0 < pace.look_ahead_chars <= MAX_LOOK_AHEAD_CHARS
