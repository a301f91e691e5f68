"""A sleep of the machine is seen where its system tells of one, and only a long one counts."""

import sys

import pytest

from farebox.providers.nap import SLEPT_S, Nap, asleep_s


@pytest.mark.parametrize(
    ("slept_s", "counts"),
    [(0.0, False), (SLEPT_S, False), (SLEPT_S + 0.1, True), (-3_600.0, False)],
    ids=["none", "short", "long", "a clock that went back"],
)
def test_only_a_long_sleep_counts(slept_s: float, counts: bool):
    asleep = [500.0]
    nap = Nap(lambda: sum(asleep))
    asleep.append(slept_s)
    assert nap.was_taken == counts


def test_a_machine_that_is_awake_has_taken_no_nap():
    assert not Nap().was_taken
    assert asleep_s() >= -0.001


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the clock goes on while Windows sleeps")
def test_the_system_tells_how_long_it_has_slept():
    first, second = asleep_s(), asleep_s()
    assert abs(second - first) < 1
