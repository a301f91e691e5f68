"""What is counted while somebody types, and the figures that are made of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median, quantiles

PAUSE_MS = 500.0


@dataclass(slots=True)
class Tally:
    """Counts of one or more texts."""

    chars: int = 0
    keys: int = 0
    keys_with_ghost: int = 0
    pauses: int = 0
    pauses_with_ghost: int = 0
    waits_ms: list[float] = field(default_factory=list[float])
    accepts: int = 0
    accepted_chars: int = 0
    ghosts: int = 0
    wrong_ghosts: int = 0
    flickers: int = 0
    requests: int = 0
    tokens: int = 0
    time_ms: float = 0.0
    unexplained: int = 0

    def add(self, other: "Tally") -> None:
        """Add another's counts."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class Figures:
    """What is printed of a tally. None where there was nothing to measure."""

    pause_share: float
    wait_p50_ms: float | None
    wait_p90_ms: float | None
    accepted: float
    requests_per_100_keys: float
    tokens_per_accepted_char: float | None
    wrong_share: float
    flicker_per_100_keys: float
    shown_share: float
    requests: int
    tokens: int
    seconds: float


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up."""
    whole = Tally()
    for one in tallies:
        whole.add(one)
    return whole


def figures(tally: Tally) -> Figures:
    """Work out what is printed."""
    keys = max(1, tally.keys)
    waits = tally.waits_ms
    return Figures(
        pause_share=tally.pauses_with_ghost / max(1, tally.pauses),
        wait_p50_ms=median(waits) if waits else None,
        wait_p90_ms=quantiles(waits, n=10, method="inclusive")[8] if len(waits) > 1 else None,
        accepted=tally.accepted_chars / max(1, tally.chars),
        requests_per_100_keys=100 * tally.requests / keys,
        tokens_per_accepted_char=tally.tokens / tally.accepted_chars if tally.accepted_chars else None,
        wrong_share=tally.wrong_ghosts / max(1, tally.ghosts),
        flicker_per_100_keys=100 * tally.flickers / keys,
        shown_share=tally.keys_with_ghost / keys,
        requests=tally.requests,
        tokens=tally.tokens,
        seconds=tally.time_ms / 1000,
    )
