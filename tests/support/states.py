"""What may have happened before a request, and a watch over the sockets of this process."""

import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from farebox.errors import (
    BrokenReply,
    FareboxError,
    InsufficientCredits,
    KeyRejected,
    Overloaded,
    ProviderError,
    RateLimited,
    UnknownAtProvider,
    Unreachable,
)
from farebox.router.door import Door
from farebox.router.health import Health, Place, Visit
from farebox.router.request import Request

SOCKETS = ("socket.__new__", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind")
KINDS: tuple[type[ProviderError], ...] = (
    Overloaded,
    RateLimited,
    Unreachable,
    KeyRejected,
    InsufficientCredits,
    UnknownAtProvider,
    BrokenReply,
)


class Watch:
    """Takes note of every socket while it is on. An audit hook can't be removed."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, name: str, arguments: tuple[object, ...]) -> None:
        if self.is_on and name in SOCKETS:
            self.seen.append(f"{name}{arguments[1:]}")

    @contextmanager
    def on(self) -> Generator[None]:
        self.seen, self.is_on = [], True
        try:
            yield
        finally:
            self.is_on = False


WATCH = Watch()


@dataclass(slots=True)
class Clock:
    """A clock that is moved by hand."""

    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True)
class Step:
    """What befalls one of the places that a request could go to, and how much time passes then.

    ``kind`` is a failure, a time to the first token, or None for a visit that is still under way.
    """

    at: int
    times: int
    kind: type[ProviderError] | int | None
    whole: bool
    hint_s: float | None
    pause_s: float

    def happen(self, health: Health, place: Place, clock: Clock) -> None:
        for _ in range(self.times):
            visit = health.begin(replace(place, model=None) if self.whole and self.at % 3 == 0 else place)
            self._report(visit)
        clock.now_s += self.pause_s

    def _report(self, visit: Visit) -> None:
        if isinstance(self.kind, int):
            visit.succeeded(self.kind)
        elif self.kind is not None:
            error = self.kind("no", hint="", provider=visit.place.provider, retry_after_s=self.hint_s)
            error.whole_provider = self.whole
            visit.failed(error)


STEPS = st.lists(
    st.builds(
        Step,
        at=st.integers(0, 12),
        times=st.sampled_from([1, 3, 3, 8]),
        kind=st.sampled_from([*KINDS, 200, 3_000, 40_000, None]),
        whole=st.booleans(),
        hint_s=st.sampled_from([None, None, 5.0, 90.0, 100_000.0]),
        pause_s=st.sampled_from([0.0, 0.5, 6.0, 16.0, 400.0]),
    ),
    max_size=8,
)


def befall(door: Door, steps: list[Step], clock: Clock, request: Request) -> Door:
    """Let things happen to the places that a request could go to; return the door that knows of them."""
    health = Health(clock, chance=lambda: 0.5)
    planner = replace(door.planner, health=health)
    with suppress(FareboxError):
        offers = planner.menus.menu(request.requested, request.work, request.evidence).offers
        for step in steps if offers else ():
            step.happen(health, offers[step.at % len(offers)].place, clock)
    return replace(door, planner=planner)
