"""The soak finds a server that grows, and no other, whatever is under way when it looks."""

import random

import pytest

from bench.soak_growth import MAX_SLOPE_MB_PER_H, growth, of_memory, rise, slope

HELD_MB = 86.0
PROMPT_MB = 1.0
MOST_PROMPTS = 3


Figures = list[tuple[float, float]]


def looks(
    dice: random.Random, minutes: float, mb_per_h: float, *, more_prompts_per_h: float = 0.0
) -> tuple[Figures, Figures]:
    """Look at a process that grows by so much: nine times at rest, and each second, now and then late."""
    rests: Figures = []
    for stage in range(1, 10):
        at_s = 60 * minutes * stage / 9
        rests.append((at_s, HELD_MB + mb_per_h * at_s / 3600 + dice.gauss(0, 0.05)))
    figures: Figures = []
    at_s = 0.0
    while at_s < 60 * minutes:
        under_way_mb = PROMPT_MB * dice.randint(0, MOST_PROMPTS) * (1 + more_prompts_per_h * at_s / 3600)
        figures.append((at_s, HELD_MB + mb_per_h * at_s / 3600 + dice.gauss(0, 0.05) + under_way_mb))
        at_s += 1 + dice.random() * dice.choice((0.001, 0.02))
    return rests, figures


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("minutes", [30, 90])
def test_a_leak_is_found_and_what_comes_and_goes_is_none(seed: int, minutes: int) -> None:
    dice = random.Random(seed)
    assert all(of_memory(*looks(dice, minutes, 0.0)).values())
    assert not all(of_memory(*looks(dice, minutes, 2 * MAX_SLOPE_MB_PER_H)).values())


def test_what_is_under_way_must_not_get_more_either() -> None:
    met = of_memory(*looks(random.Random(7), 90, 0.0, more_prompts_per_h=2.0))
    assert list(met.values()) == [False, True, False]


def test_what_is_held_at_rest_must_not_get_more_either() -> None:
    rests, _ = looks(random.Random(7), 30, 2 * MAX_SLOPE_MB_PER_H)
    _, figures = looks(random.Random(7), 30, 0.0)
    assert list(of_memory(rests, figures).values()) == [True, False, True]


def test_a_soak_of_some_minutes_tells_no_slope() -> None:
    assert not any(of_memory(*looks(random.Random(7), 12, 0.0)).values())


def test_a_line_is_found_and_how_sure_that_is() -> None:
    straight = slope([(60.0 * minute, 80 + 2 * minute / 60) for minute in range(30)])
    assert straight.per_h == pytest.approx(2.0)
    assert straight.error_per_h == pytest.approx(0.0, abs=1e-9)
    dice = random.Random(7)
    noisy = [slope([(60.0 * minute, dice.gauss(80, 0.3)) for minute in range(20)]) for _ in range(200)]
    within = sum(abs(one.per_h) < one.error_per_h for one in noisy)
    assert 0.6 < within / len(noisy) < 0.8, "a standard error holds about two of three"


def test_counts_are_compared_at_their_most_and_memory_in_the_middle() -> None:
    assert growth([9] * 26 + [5, 6] * 30 + [8]) == 2
    assert rise([(float(second), 5.0 + (second >= 100)) for second in range(120)]) == 1.0
