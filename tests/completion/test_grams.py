"""Where a run of tokens has stood before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.completion.grams import END, MAX_MATCH, Grams

RUNS = st.lists(st.integers(1, 4), max_size=40)


def filled(*runs: list[int], bits: int = 4) -> Grams:
    grams = Grams(bits, (3, 1))
    for run in runs:
        grams.extend(run)
    return grams


def agreed(tokens: list[int], at: int, context: list[int]) -> int:
    count = 0
    while (
        count < min(len(context), MAX_MATCH)
        and at - 1 - count > 0
        and tokens[at - 1 - count] == context[count]
    ):
        count += 1
    return count


@given(RUNS, st.lists(st.integers(1, 4), min_size=1, max_size=6))
@settings(deadline=None)
def test_every_place_of_a_context_is_found_with_what_agrees(run: list[int], context: list[int]):
    grams = filled(run)
    tokens = grams.tokens.tolist()
    expected = {at: count for at in range(1, len(tokens)) if (count := agreed(tokens, at, context))}
    assert dict(grams.places(context, 1_000)) == expected


@given(RUNS, RUNS, st.lists(st.integers(1, 4), min_size=1, max_size=6))
@settings(deadline=None)
def test_what_is_unlearned_leaves_no_trace(run: list[int], more: list[int], context: list[int]):
    grams = filled(run)
    before = grams.places(context, 1_000)
    size = len(grams.tokens)
    grams.extend(more)
    grams.truncate(size)
    assert grams.places(context, 1_000) == before
    grams.extend(more)
    assert grams.places(context, 1_000) == filled(run, more).places(context, 1_000)


@given(RUNS, st.data())
@settings(deadline=None)
def test_learning_in_parts_is_learning_at_once(run: list[int], data: st.DataObject):
    cut = data.draw(st.integers(0, len(run)))
    assert filled(run[:cut], run[cut:]).places([1, 2], 99) == filled(run).places([1, 2], 99)


def test_nothing_is_found_of_what_is_forgotten():
    grams = filled([1, 2, 3, END, 1, 2, 4, END])
    assert {grams.tokens[at] for at, _ in grams.places([2, 1], 10)} == {3, 4}
    grams.forget(5, 8)
    assert {grams.tokens[at] for at, _ in grams.places([2, 1], 10)} == {3}


@given(RUNS, RUNS, st.lists(st.integers(1, 4), max_size=6))
@settings(deadline=None)
def test_tokens_of_a_kind_are_found_with_what_agrees_before_them(
    run: list[int], more: list[int], context: list[int]
):
    grams = Grams(4, (1,), kinds=(0, 0, 5, 5, 6))
    grams.extend(run)
    size = len(grams.tokens)
    grams.extend(more)
    grams.truncate(size)
    tokens = grams.tokens.tolist()
    expected = [(at, agreed(tokens, at, context)) for at in range(len(tokens)) if tokens[at] in (2, 3)]
    assert grams.places_of(5, context, 1_000) == expected[::-1]
    assert grams.places_of(0, context, 1_000) == []


def test_the_newest_places_come_first_and_their_number_is_bounded():
    grams = filled([1, 2] * 50)
    places = grams.places([1], 5)
    assert len(places) == 5
    assert [at for at, _ in places] == sorted((at for at, _ in places), reverse=True)
