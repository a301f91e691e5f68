"""What is known of the health of whoever can be asked: who is paused, until when, how soon they answer.

A request that is bound to fail costs its user a wait, and a provider in trouble its recovery. So a place that
limits, fails or refuses us is left alone for a while; then a single request finds out for all (a circuit
breaker, half open). Pure state of one process: it knows no route, asks nobody, waits for nothing and reads no
clock but the one it is given. Whether a place in trouble is asked all the same is the caller's decision.

Every pause and every recovery has a turn in one sequence with the requests: what a request reports that began
before the pause, or before the recovery, is old news and changes neither. Only what a provider asks for
itself, a time to come back, counts whenever it is heard.
"""

import random
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from farebox.errors import (
    BrokenReply,
    InsufficientCredits,
    KeyRejected,
    Kind,
    Overloaded,
    ProviderError,
    RateLimited,
    UnknownAtProvider,
    Unreachable,
)

MAX_PLACES: Final = 256

MAX_HINT_S: Final = 24 * 3600.0
"""A provider that asks for more is asked again after a day."""

DAILY_S: Final = 3600.0
"""For a day's allowance whose end nobody tells: providers differ in when their day begins."""

LEAST_DAILY_S: Final = 60.0
"""Where it is told to end sooner: Google says "retry in 0.5 s" of a day's requests too."""

FIRST_LIMITED_S: Final = 5.0
FIRST_OPEN_S: Final = 15.0
MAX_LADDER_S: Final = 300.0
"""A pause that nobody asked for doubles from one of these two up to this, before the jitter."""

JITTER: Final = 0.1
"""This part of a pause more or less, so that several editors don't come back at the same moment."""

UNPAID_S: Final = 300.0
REJECTED_S: Final = 600.0
UNKNOWN_S: Final = 600.0

FAILURES_IN_A_ROW: Final = 3
CALLS_KEPT: Final = 20
FEWEST_CALLS: Final = 8
"""As many calls show a rate of failures: half of them and more open the breaker."""

PROBE_LIFE_S: Final = 660.0
"""A probe that has not reported by then is lost: no answer takes longer than 600 s."""

ANSWERS_KEPT: Final = 20
FEWEST_ANSWERS: Final = 3
ANSWER_LIFE_S: Final = 1800.0

FREE: Final = ":free"
"""What the names of OpenRouter's free models end in; as a model's name, all of them: they share one quota."""

_MAX_LEVEL: Final = 16
_FIXED_S: Final[Mapping[Kind, float]] = {
    InsufficientCredits.kind: UNPAID_S,
    KeyRejected.kind: REJECTED_S,
    UnknownAtProvider.kind: UNKNOWN_S,
}
_BREAKING = (Overloaded, BrokenReply, Unreachable)
_TROUBLES = (*_BREAKING, RateLimited, InsufficientCredits, KeyRejected, UnknownAtProvider)


@dataclass(frozen=True, slots=True)
class Place:
    """Who is asked. Trouble at one is none at another key, address or model."""

    provider: str
    origin: str
    """Scheme, host and port."""
    key: str | None
    """A short name of the key in use that tells nothing of it; None: no key."""
    model: str | None
    """None: the whole provider with that key."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a place from being asked now."""

    kind: Kind
    message: str
    """The failure's own."""
    wait_s: float
    """Seconds until it may be asked again."""
    is_firm: bool
    """True: to ask earlier is pointless. False: it may be asked as the last resort."""
    is_probed: bool
    """True: its pause is over, and one request is finding out right now."""


@dataclass(frozen=True, slots=True)
class _Answer:
    first_token_ms: int | None


@dataclass(slots=True, eq=False)
class Visit:
    """One request to a place. Only its first report counts; without one it is forgotten in time."""

    place: Place
    turn: int
    began_s: float
    _begins: Callable[["Visit"], None]
    _report: Callable[["Visit", _Answer | ProviderError | None], None]
    _is_over: bool = False

    def answers(self) -> None:
        """Report that an answer has begun: nobody needs to wait for its end to know that all is well."""
        if not self._is_over:
            self._begins(self)

    def succeeded(self, first_token_ms: int | None) -> None:
        """Report an answer: there is no trouble at this place and its provider."""
        self._end(_Answer(first_token_ms))

    def failed(self, error: ProviderError) -> None:
        """Report a failure. What is not the provider's state is a sign of life."""
        self._end(error)

    def abandoned(self) -> None:
        """Report a request that was cancelled or never sent: nothing is known, the next one may find out."""
        self._end(None)

    def _end(self, outcome: _Answer | ProviderError | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._report(self, outcome)


@dataclass(frozen=True, slots=True)
class _Pause:
    kind: Kind
    message: str
    until_s: float
    firm_until_s: float

    def joined(self, other: "_Pause") -> "_Pause":
        """Return both as one: it ends with the later, and is told of in its words."""
        later = max(self, other, key=lambda pause: pause.until_s)
        return replace(later, firm_until_s=max(self.firm_until_s, other.firm_until_s))


@dataclass(slots=True)
class _Record:
    """What is remembered of one place. A pause stays when it is over, until a success ends it."""

    pause: _Pause | None = None
    level: int = 0
    """How often the pause has been doubled."""
    turn: int = 0
    """When the pause began, was renewed, or was ended by a success."""
    probe: Visit | None = None
    in_a_row: int = 0
    calls: deque[bool] = field(default_factory=lambda: deque[bool](maxlen=CALLS_KEPT))
    """True for each that failed."""
    answers: deque[tuple[float, int]] = field(
        default_factory=lambda: deque[tuple[float, int]](maxlen=ANSWERS_KEPT)
    )
    """When, and after how many milliseconds the first token came."""

    def trouble(self, now_s: float) -> Trouble | None:
        pause = self.pause
        if pause is None or self.is_half_open(now_s):
            return None
        wait_s = max(pause.until_s - now_s, 0.0)
        is_firm = now_s < pause.firm_until_s
        return Trouble(pause.kind, pause.message, wait_s, is_firm=is_firm, is_probed=wait_s == 0)

    def is_half_open(self, now_s: float) -> bool:
        """Say whether the pause is over and the one probe still to be taken."""
        if self.pause is None or now_s < self.pause.until_s:
            return False
        return self.probe is None or now_s - self.probe.began_s >= PROBE_LIFE_S

    def count(self, *, failed: bool) -> None:
        self.in_a_row = self.in_a_row + 1 if failed else 0
        self.calls.append(failed)

    @property
    def is_failing(self) -> bool:
        if self.in_a_row >= FAILURES_IN_A_ROW:
            return True
        return len(self.calls) >= FEWEST_CALLS and 2 * sum(self.calls) >= len(self.calls)

    def close(self, turn: int) -> None:
        """Forget all trouble."""
        self.pause, self.level, self.turn, self.probe, self.in_a_row = None, 0, turn, None, 0
        self.calls.clear()


def awake_or_not_s() -> float:
    """Return seconds that also pass while the machine sleeps, where its system tells them."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Health:
    """The health of all places, shared by all requests of one event loop. Lives as long as the App."""

    def __init__(
        self, clock: Callable[[], float] = awake_or_not_s, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._turn = 0
        self._records: dict[Place, _Record] = {}  # the one unused longest first

    def trouble(self, place: Place) -> Trouble | None:
        """Return why a place had better not be asked now; None if it may be.

        Changes nothing. None also where the one probe is to be taken: ``begin`` without an ``await`` between.
        """
        if not (records := [record for record in self._seen(place) if record.pause is not None]):
            return None
        now_s = self._clock()
        found = [trouble for record in records if (trouble := record.trouble(now_s)) is not None]
        return max(
            found, key=lambda trouble: (trouble.is_firm, not trouble.is_probed, trouble.wait_s), default=None
        )

    def begin(self, place: Place) -> Visit:
        """Take note that a request goes there now. It is the probe where a pause is over and nobody's is."""
        now_s = self._clock()
        visit = Visit(place, self._next_turn(), now_s, self._welcome, self._hear)
        for seen in _seen_from(place):
            if (record := self._records.pop(seen, None)) is None:
                continue
            self._records[seen] = record
            if record.is_half_open(now_s):
                record.probe = visit
        return visit

    def latency_ms(self, place: Place) -> int | None:
        """Return the median of the last times to a first token; None where too few are known of late."""
        record = self._records.get(place)
        if record is None:
            return None
        since_s = self._clock() - ANSWER_LIFE_S
        late = [first_token_ms for at_s, first_token_ms in record.answers if at_s > since_s]
        return statistics.median_low(late) if len(late) >= FEWEST_ANSWERS else None

    def _welcome(self, visit: Visit) -> None:
        """Take note of an answer that has begun: it may still break off, which then counts as any failure."""
        for record in self._seen(visit.place):
            if record.probe is visit:
                record.probe = None
            self._close(record, visit)
        visit.turn = self._next_turn()

    def _hear(self, visit: Visit, outcome: _Answer | ProviderError | None) -> None:
        """Take the first report of a visit: it gives the probe back, whatever its end."""
        seen = self._seen(visit.place)
        for record in seen:
            if record.probe is visit:
                record.probe = None
        match outcome:
            case None:
                pass
            case _Answer(first_token_ms):
                self._succeeded(visit, seen, first_token_ms)
            case ProviderError() as error if isinstance(error, _TROUBLES):
                self._failed(visit, error)
            case ProviderError():
                self._succeeded(visit, seen, None)

    def _succeeded(self, visit: Visit, seen: list[_Record], first_token_ms: int | None) -> None:
        for record in seen:
            self._close(record, visit)
        own = self._record(visit.place)
        own.count(failed=False)
        if first_token_ms is not None:
            own.answers.append((self._clock(), first_token_ms))

    def _failed(self, visit: Visit, error: ProviderError) -> None:
        concerned = _concerned(visit.place, error)
        whole = _whole(visit.place)
        if concerned != whole and (record := self._records.get(whole)) is not None:
            self._tell_the_whole(record, visit, error)
        record = self._record(concerned)
        hint_s = min(error.retry_after_s or 0.0, MAX_HINT_S)
        if isinstance(error, RateLimited) and error.daily_quota:
            hint_s = max(hint_s, LEAST_DAILY_S) if hint_s > 0 else DAILY_S
        if visit.turn > record.turn:
            self._take_note(record, error, is_hinted=hint_s > 0)
        if hint_s > 0:
            self._pause(record, error, hint_s, is_firm=isinstance(error, RateLimited))

    def _tell_the_whole(self, record: _Record, visit: Visit, error: ProviderError) -> None:
        """Apply to the whole provider what one of its models has met: who refuses is there."""
        if not isinstance(error, Unreachable):
            self._close(record, visit)
        elif visit.turn > record.turn and record.is_half_open(self._clock()):
            self._climb(record, error, FIRST_OPEN_S)

    def _take_note(self, record: _Record, error: ProviderError, *, is_hinted: bool) -> None:
        """Pause a place as its failure asks for; a pause that doubles does so only after its end."""
        is_half_open = record.is_half_open(self._clock())
        if (fixed_s := _FIXED_S.get(error.kind)) is not None:
            self._pause(record, error, fixed_s)
        elif isinstance(error, RateLimited):
            if not is_hinted and (record.pause is None or is_half_open):
                self._climb(record, error, FIRST_LIMITED_S)
        elif is_half_open:
            self._climb(record, error, FIRST_OPEN_S)
        elif record.pause is None:
            record.count(failed=True)
            if record.is_failing or error.whole_provider:
                self._climb(record, error, FIRST_OPEN_S)

    def _climb(self, record: _Record, error: ProviderError, first_s: float) -> None:
        """Pause a place for twice as long as before."""
        wait_s = min(first_s * 2**record.level, MAX_LADDER_S)
        record.level = min(record.level + 1, _MAX_LEVEL)
        self._pause(record, error, wait_s * (1 + JITTER * (2 * self._chance() - 1)))

    def _pause(self, record: _Record, error: ProviderError, wait_s: float, *, is_firm: bool = False) -> None:
        now_s = self._clock()
        pause = _Pause(error.kind, error.message, now_s + wait_s, now_s + wait_s if is_firm else now_s)
        record.pause = pause if record.pause is None else record.pause.joined(pause)
        record.turn = self._next_turn()

    def _close(self, record: _Record, visit: Visit) -> None:
        if record.pause is not None and visit.turn > record.turn:
            record.close(self._next_turn())

    def _next_turn(self) -> int:
        self._turn += 1
        return self._turn

    def _seen(self, place: Place) -> list[_Record]:
        """Return what is known of all that a request to a place depends on."""
        found = map(self._records.get, _seen_from(place))
        return [record for record in found if record is not None]

    def _record(self, place: Place) -> _Record:
        record = self._records.pop(place, None)
        if record is None:
            record = _Record()
            if len(self._records) >= MAX_PLACES:
                del self._records[min(self._records, key=lambda seen: self._records[seen].pause is not None)]
        self._records[place] = record
        return record


@lru_cache(maxsize=2 * MAX_PLACES)
def _seen_from(place: Place) -> tuple[Place, ...]:
    """Return the places whose trouble a request to one of them meets."""
    if place.model is None:
        return (place,)
    if not place.model.endswith(FREE):
        return place, _whole(place)
    return tuple(dict.fromkeys((place, _whole(place), _free(place))))


def _whole(place: Place) -> Place:
    return Place(place.provider, place.origin, place.key, None)  # much faster than replace


def _free(place: Place) -> Place:
    return Place(place.provider, place.origin, place.key, FREE)


def _concerned(place: Place, error: ProviderError) -> Place:
    """Return the place that a failure is about."""
    if error.whole_provider:
        return _whole(place)
    if error.daily_quota and place.model is not None and place.model.endswith(FREE):
        return _free(place)
    return place
