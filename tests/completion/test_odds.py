"""How likely a step is right, and how much is worth showing."""

import math

import pytest

from farebox.completion.odds import cut, odds, weights
from farebox.completion.votes import TRAITS, Step


def step(text: str, likely: float, *, breaks: bool = False) -> Step:
    """Return a step of this likelihood, made by its constant trait alone."""
    one = math.log(likely / (1 - likely)) / weights()[TRAITS.index("one")]
    return Step(text, breaks, word=True, traits=(one, *(0.0,) * (len(TRAITS) - 1)))


def test_a_step_is_as_likely_as_its_traits_say():
    assert odds(step("x", 0.9)) == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        pytest.param([step("return", 0.95)], "return", id="sure"),
        pytest.param([step("return", 0.5)], None, id="unsure"),
        pytest.param([step("ret", 0.99)], None, id="too-short"),
        pytest.param([step("  a b", 0.99)], None, id="too-short-but-for-spaces"),
        pytest.param(
            [step("self.name", 0.97), step("(x)", 0.5)], "self.name", id="stops-where-it-gets-unsure"
        ),
        pytest.param([step("ab", 0.99), step("cdef", 0.98)], "abcdef", id="goes-on-while-sure"),
        pytest.param(
            [step("call()", 0.98), step("\n", 0.99, breaks=True), step("next", 0.99)],
            "call()\nnext",
            id="past-a-line-end-when-very-sure",
        ),
        pytest.param(
            [step("call()", 0.9), step("\n", 0.95, breaks=True), step("next", 0.99)],
            "call()",
            id="not-past-a-line-end-else",
        ),
        pytest.param([step("call()", 0.98), step("\n", 0.99, breaks=True)], "call()", id="no-line-end-last"),
        pytest.param([], None, id="nothing"),
    ],
)
def test_what_is_shown_is_worth_it(steps: list[Step], shown: str | None):
    found = cut(steps)
    assert (found[0] if found is not None else None) == shown


def test_there_is_a_weight_for_every_trait():
    assert len(weights()) == len(TRAITS)
