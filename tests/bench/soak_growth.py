"""What of a soak's figures is growth. Pure: ``lsp/test_soak.py`` holds it against leaks that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias, TypeVar

T = TypeVar("T")

WARM_UP_SHARE = 0.3

MAX_SLOPE_MB_PER_H = 1.0
FEWEST_S = 600.0
"""In less a slope tells nothing: a soak of some minutes fails."""

MAX_RISE_MB = 1.0
"""Of the middle of all looks: what is under way must not get more either."""

Figures: TypeAlias = Sequence[tuple[float, float]]
"""When each was taken, in seconds from the begin, and what it was."""


@dataclass(frozen=True, slots=True)
class Slope:
    """By how much a figure grows in an hour, and the standard error of that."""

    per_h: float
    error_per_h: float

    def __str__(self) -> str:
        """Write it with its sign."""
        return f"{self.per_h:+.2f} ± {self.error_per_h:.2f}"


def of_memory(at_rest_mb: Figures, memory_mb: Figures) -> dict[str, bool]:
    """Say what of a process's memory is to hold, at any moment and at rest, and whether it does.

    Looks at rest are few, so their slope is held against the limit with its error.
    """
    held = warm(at_rest_mb)
    long_s = held[-1][0] - held[0][0]
    if long_s < FEWEST_S:
        return {f"{long_s:.0f} s after warm-up, at least {FEWEST_S:.0f} tell a slope": False}
    grown, at_rest, risen_mb = slope(warm(memory_mb)), slope(held), rise(memory_mb)
    return {
        f"memory after warm-up grows by {grown} MB/h, below {MAX_SLOPE_MB_PER_H:.0f}": (
            grown.per_h < MAX_SLOPE_MB_PER_H
        ),
        f"at rest, {held[0][1]:.1f} to {held[-1][1]:.1f} MB, it grows by {at_rest} MB/h, surely not above"
        f" {MAX_SLOPE_MB_PER_H:.0f}": at_rest.per_h - at_rest.error_per_h < MAX_SLOPE_MB_PER_H,
        f"memory {risen_mb:+.2f} MB from the first to the last quarter after warm-up,"
        f" at most {MAX_RISE_MB:.0f}": risen_mb <= MAX_RISE_MB,
    }


def slope(figures: Figures) -> Slope:
    """Fit a line by least squares."""
    count = len(figures)
    if count < 3:
        return Slope(0.0, float("inf"))
    mean_s = sum(at for at, _ in figures) / count
    mean = sum(figure for _, figure in figures) / count
    spread = sum((at - mean_s) ** 2 for at, _ in figures)
    per_s = sum((at - mean_s) * (figure - mean) for at, figure in figures) / spread
    rest = sum((figure - mean - per_s * (at - mean_s)) ** 2 for at, figure in figures)
    return Slope(3600 * per_s, 3600 * (rest / (count - 2) / spread) ** 0.5)


def warm(figures: Figures) -> Figures:
    """Return what comes after the warm-up."""
    return [one for one in figures if one[0] >= figures[-1][0] * WARM_UP_SHARE]


def rise(figures: Figures) -> float:
    """Return by how much the middle of the last quarter after warm-up is more than that of the first."""
    first, last = _outer_quarters([figure for _, figure in warm(figures)])
    return median(last) - median(first)


def growth(figures: Sequence[int]) -> int:
    """Return by how much the most in the last quarter after warm-up is more than that in the first."""
    first, last = _outer_quarters(figures[int(len(figures) * WARM_UP_SHARE) :])
    return max(last) - max(first)


def _outer_quarters(figures: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    quarter = max(1, len(figures) // 4)
    return figures[:quarter], figures[-quarter:]
