"""How likely a step is right, and how much of what the votes say is worth showing.

The weights (``odds.toml``) were fitted on packages that the measurement does not use:
``tests/bench/embedded_fit.py``. Knows traits by their place only.
"""

import math
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final, cast

from farebox.completion.votes import TRAITS, Step

SURE: Final = 0.85
"""Showing what is right less often than this costs more than it gains ..."""

CAUTION_CHARS: Final = 100
"""... unless it is long: so many characters would be worth half as much certainty."""

EAGER_CHARS: Final = 40
"""Of the cuts worth showing the best has most right characters to expect, with so many added to each."""

SURE_OF_A_LINE: Final = 0.9
"""A suggestion goes past a line's end only where it has been right so far this likely."""

FEWEST_CHARS: Final = 4
"""Fewer visible characters are not worth a Tab."""

_HOPELESS: Final = 0.05


def cut(steps: Iterable[Step]) -> tuple[str, float] | None:
    """Return the best part of the steps and how likely it is right; None where none is good enough."""
    best: tuple[str, float] | None = None
    most = 0.0
    text, likely = "", 1.0
    for step in steps:
        likely *= odds(step)
        text += step.text
        if likely < (SURE_OF_A_LINE if step.breaks else _HOPELESS):
            break
        worth = likely * (len(text) + CAUTION_CHARS) > SURE * CAUTION_CHARS
        gain = likely * (len(text) + EAGER_CHARS)
        if worth and gain > most and not step.breaks and len("".join(text.split())) >= FEWEST_CHARS:
            best, most = (text, likely), gain
    return best


def odds(step: Step) -> float:
    """Return how likely a step is right if those before it are."""
    return 1 / (1 + math.exp(-sum(map(float.__mul__, weights(), step.traits))))


@cache
def weights() -> tuple[float, ...]:
    """Return what each trait counts."""
    data = tomllib.loads(files("farebox.completion").joinpath("odds.toml").read_text("utf-8"))
    table = cast("dict[str, float]", data["weights"])
    return tuple(float(table[name]) for name in TRAITS)
