"""Who is left alone, for how long, and how a single request finds out for all that it is over."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from farebox.errors import (
    BrokenReply,
    ContextTooLong,
    InsufficientCredits,
    KeyRejected,
    Overloaded,
    ProviderError,
    RateLimited,
    Refused,
    UnknownAtProvider,
    Unreachable,
)
from farebox.router.health import (
    ANSWER_LIFE_S,
    ANSWERS_KEPT,
    DAILY_S,
    FAILURES_IN_A_ROW,
    FEWEST_CALLS,
    FIRST_LIMITED_S,
    FIRST_OPEN_S,
    JITTER,
    LEAST_DAILY_S,
    MAX_HINT_S,
    MAX_LADDER_S,
    MAX_PLACES,
    PROBE_LIFE_S,
    REJECTED_S,
    UNKNOWN_S,
    UNPAID_S,
    Health,
    Place,
    Trouble,
    Visit,
)

HERE = Place("acme", "https://api.acme.test:443", "key-1", "big")
WHOLE = replace(HERE, model=None)
ELSEWHERE = (
    replace(HERE, provider="other"),
    replace(HERE, origin="http://127.0.0.1:8080"),
    replace(HERE, key="key-2"),
    replace(HERE, key=None),
)
OTHER_MODEL = replace(HERE, model="small")
FREE_A, FREE_B = replace(HERE, model="a/x:free"), replace(HERE, model="b/y:free")
BREAKING: tuple[type[ProviderError], ...] = (Overloaded, BrokenReply, Unreachable)
MAX_WAIT_S = max(MAX_HINT_S, MAX_LADDER_S * (1 + JITTER))


@dataclass
class Hand:
    """A clock that is moved by hand."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    def move(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass
class Desk:
    """A health with its clock, and without jitter unless a chance is given."""

    clock: Hand
    health: Health

    def fail(self, error: ProviderError | None = None, place: Place = HERE) -> Trouble | None:
        self.health.begin(place).failed(error or failure())
        return self.health.trouble(place)

    def open(self, place: Place = HERE) -> Trouble:
        """Let the breaker open."""
        for _ in range(FAILURES_IN_A_ROW):
            self.fail(place=place)
        return self.trouble(place)

    def trouble(self, place: Place = HERE) -> Trouble:
        found = self.health.trouble(place)
        assert found is not None
        return found

    def is_asked(self, place: Place = HERE) -> bool:
        return self.health.trouble(place) is None


@pytest.fixture
def desk() -> Desk:
    return a_desk()


def a_desk(chance: Callable[[], float] = lambda: 0.5) -> Desk:
    clock = Hand()
    return Desk(clock, Health(clock, chance))


def failure(
    kind: type[ProviderError] = Overloaded,
    *,
    hint_s: float | None = None,
    whole: bool = False,
    daily: bool = False,
    late: bool = False,
) -> ProviderError:
    error = kind("no luck", hint="Wait.", provider="acme", retry_after_s=hint_s, after_first_event=late)
    error.whole_provider = whole
    error.daily_quota = daily
    return error


REFUSED_CONNECTION = failure(Unreachable, whole=True)
LIMITED = failure(RateLimited)

# --- how long ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "wait_s", "is_firm"),
    [
        pytest.param(failure(RateLimited, hint_s=42.0), 42.0, True, id="a limit with its end"),
        pytest.param(failure(RateLimited, hint_s=7 * 24 * 3600.0), MAX_HINT_S, True, id="a week's limit"),
        pytest.param(LIMITED, FIRST_LIMITED_S, False, id="a limit without one"),
        pytest.param(failure(RateLimited, hint_s=0.0), FIRST_LIMITED_S, False, id="a hint of nothing"),
        pytest.param(failure(RateLimited, daily=True), DAILY_S, True, id="a day's allowance"),
        pytest.param(failure(RateLimited, daily=True, hint_s=999.0), 999.0, True, id="one with its end"),
        pytest.param(failure(RateLimited, daily=True, hint_s=0.5), LEAST_DAILY_S, True, id="hardly its end"),
        pytest.param(failure(InsufficientCredits), UNPAID_S, False, id="no credits"),
        pytest.param(failure(KeyRejected), REJECTED_S, False, id="a key not for this model"),
        pytest.param(failure(KeyRejected, whole=True), REJECTED_S, False, id="a wrong key"),
        pytest.param(failure(UnknownAtProvider), UNKNOWN_S, False, id="an unknown model"),
        pytest.param(REFUSED_CONNECTION, FIRST_OPEN_S, False, id="nobody listens"),
        pytest.param(failure(Overloaded, hint_s=42.0), 42.0, False, id="an overload with its end"),
        pytest.param(failure(Overloaded, hint_s=9e9), MAX_HINT_S, False, id="one that never ends"),
    ],
)
def test_one_failure_pauses_for(desk: Desk, error: ProviderError, wait_s: float, is_firm: bool):
    assert desk.fail(error) == Trouble(error.kind, "no luck", wait_s, is_firm=is_firm, is_probed=False)
    desk.clock.move(wait_s * 0.75)
    assert desk.trouble().wait_s == pytest.approx(wait_s * 0.25)
    desk.clock.move(wait_s * 0.25)
    assert desk.is_asked()


@pytest.mark.parametrize(
    "error",
    [
        *(pytest.param(failure(kind), id=kind.kind) for kind in BREAKING),
        pytest.param(failure(Overloaded, hint_s=0.0), id="with a hint of nothing"),
    ],
)
def test_one_failure_pauses_nobody(desk: Desk, error: ProviderError):
    assert desk.fail(error) is None


@pytest.mark.parametrize("error", [failure(ContextTooLong), failure(Refused)])
def test_what_is_not_the_providers_state_pauses_nobody_however_often(desk: Desk, error: ProviderError):
    assert not any(desk.fail(error) for _ in range(50))


@pytest.mark.parametrize("kind", BREAKING)
@pytest.mark.parametrize("late", [False, True], ids=["before the first event", "after it"])
def test_the_breaker_opens_at_the_third_failure_in_a_row(desk: Desk, kind: type[ProviderError], late: bool):
    found = [desk.fail(failure(kind, late=late)) for _ in range(3)]
    assert found == [None, None, Trouble(kind.kind, "no luck", 15.0, is_firm=False, is_probed=False)]


@pytest.mark.parametrize("sign_of_life", [None, failure(Refused), failure(ContextTooLong)])
def test_a_sign_of_life_between_failures_keeps_it_closed(desk: Desk, sign_of_life: ProviderError | None):
    for _ in range(2):
        assert desk.fail() is None
        assert desk.fail() is None
        visit = desk.health.begin(HERE)
        visit.failed(sign_of_life) if sign_of_life else visit.succeeded(None)
    for _ in range(8):
        desk.health.begin(HERE).succeeded(None)
    assert desk.fail() is None


def test_the_breaker_opens_when_half_of_the_last_calls_failed(desk: Desk):
    for _ in range(FEWEST_CALLS // 2 - 1):
        desk.health.begin(HERE).succeeded(None)
        assert desk.fail() is None
    desk.health.begin(HERE).succeeded(None)
    assert desk.fail() is not None


def test_old_successes_are_no_merit_for_ever(desk: Desk):
    for _ in range(1000):
        desk.health.begin(HERE).succeeded(None)
    found: list[Trouble | None] = []
    for _ in range(10):
        desk.health.begin(HERE).succeeded(None)
        found.append(desk.fail())
    assert found[-1]
    assert not any(found[:-1])


def test_what_the_breaker_has_counted_is_forgotten_when_it_closes(desk: Desk):
    while desk.is_asked():
        desk.health.begin(HERE).succeeded(None)
        desk.fail()
    desk.health.begin(HERE).succeeded(None)
    assert [bool(desk.fail()) for _ in range(FAILURES_IN_A_ROW)] == [False, False, True]


@pytest.mark.parametrize(
    ("error", "first_s"),
    [
        pytest.param(failure(), FIRST_OPEN_S, id="an open breaker"),
        pytest.param(LIMITED, FIRST_LIMITED_S, id="a limit without an end"),
    ],
)
def test_the_pause_doubles_with_each_failed_probe_up_to_its_cap(
    desk: Desk, error: ProviderError, first_s: float
):
    desk.open() if error.kind == "overloaded" else desk.fail(error)
    waits = [desk.trouble().wait_s]
    for _ in range(1100):  # 2 ** 1100 is no float
        desk.clock.move(desk.trouble().wait_s)
        found = desk.fail(error)
        assert found
        waits.append(found.wait_s)
    assert waits[:4] == [first_s, 2 * first_s, 4 * first_s, 8 * first_s]
    assert waits[-1] == max(waits) == MAX_LADDER_S
    desk.clock.move(MAX_LADDER_S)
    desk.health.begin(HERE).succeeded(None)
    desk.open() if error.kind == "overloaded" else desk.fail(error)
    assert desk.trouble().wait_s == first_s, "a success starts it anew"


def test_a_pause_of_fixed_length_does_not_grow(desk: Desk):
    for _ in range(5):
        found = desk.fail(failure(InsufficientCredits))
        assert found
        assert found.wait_s == UNPAID_S
        desk.clock.move(UNPAID_S)


def test_several_editors_do_not_come_back_at_the_same_moment():
    waits = [a_desk(lambda chance=chance: chance).open().wait_s for chance in (0.0, 0.25, 1.0)]
    assert waits == pytest.approx([13.5, 14.25, 16.5])


def test_a_failure_while_it_is_paused_does_not_prolong_it(desk: Desk):
    desk.open()
    desk.clock.move(10.0)
    for _ in range(20):
        desk.fail()  # as the last resort
        desk.fail(LIMITED)
    assert desk.trouble().wait_s == 5.0


def test_a_firm_pause_stays_firm_beside_a_longer_one_that_is_not(desk: Desk):
    desk.fail(failure(RateLimited, hint_s=60.0))
    desk.fail(failure(InsufficientCredits))
    assert (desk.trouble().is_firm, desk.trouble().wait_s) == (True, UNPAID_S)
    desk.clock.move(60.0)
    assert (desk.trouble().is_firm, desk.trouble().wait_s) == (False, UNPAID_S - 60.0)


# --- whom ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "others_are_asked"),
    [
        (failure(RateLimited, hint_s=9.0), True),
        (failure(RateLimited, daily=True), True),
        (failure(InsufficientCredits), True),
        (failure(KeyRejected), True),
        (failure(UnknownAtProvider), True),
        (failure(KeyRejected, whole=True), False),
        (REFUSED_CONNECTION, False),
    ],
)
def test_another_model_is_asked_unless_it_is_about_the_whole_provider(
    desk: Desk, error: ProviderError, others_are_asked: bool
):
    desk.fail(error)
    assert desk.is_asked(OTHER_MODEL) is others_are_asked
    assert desk.is_asked(WHOLE) is others_are_asked
    assert all(map(desk.is_asked, ELSEWHERE))
    assert all(desk.is_asked(replace(place, model=None)) for place in ELSEWHERE)


def test_the_daily_quota_of_free_models_is_one_for_all_of_a_key(desk: Desk):
    desk.fail(failure(RateLimited, daily=True, hint_s=999.0), FREE_A)
    assert desk.trouble(FREE_B) == desk.trouble(FREE_A)
    assert desk.trouble(FREE_B).is_firm
    assert desk.is_asked(HERE)
    assert desk.is_asked(WHOLE)
    assert desk.is_asked(replace(FREE_A, key="key-2"))


def test_after_the_day_one_free_model_finds_out_for_all(desk: Desk):
    desk.fail(failure(RateLimited, daily=True), FREE_A)
    desk.clock.move(DAILY_S)
    probe = desk.health.begin(FREE_A)
    assert desk.trouble(FREE_B).is_probed
    probe.succeeded(1)
    assert desk.is_asked(FREE_A)
    assert desk.is_asked(FREE_B)


def test_any_other_limit_of_a_free_model_is_its_own(desk: Desk):
    desk.fail(failure(RateLimited, hint_s=9.0), FREE_A)
    assert desk.is_asked(FREE_B)


def test_the_worst_of_a_places_troubles_is_told(desk: Desk):
    desk.fail(failure(RateLimited, hint_s=3.0))
    desk.fail(REFUSED_CONNECTION, OTHER_MODEL)
    assert (desk.trouble().kind, desk.trouble().wait_s) == ("rateLimited", 3.0), "what is firm goes first"
    desk.clock.move(3.0)
    assert (desk.trouble().kind, desk.trouble().wait_s) == ("unreachable", FIRST_OPEN_S - 3.0)


@pytest.mark.parametrize(
    ("error", "closes"),
    [(failure(), True), (failure(RateLimited, hint_s=5.0), True), (failure(Unreachable), False)],
    ids=["an overload", "a limit", "a time-out"],
)
def test_a_model_that_answers_at_all_shows_that_its_provider_is_there(
    desk: Desk, error: ProviderError, closes: bool
):
    desk.fail(REFUSED_CONNECTION)
    desk.clock.move(FIRST_OPEN_S)
    desk.fail(error)
    assert desk.is_asked(OTHER_MODEL) is closes
    if not closes:
        assert desk.trouble(OTHER_MODEL).wait_s == 2 * FIRST_OPEN_S


# --- half open -----------------------------------------------------------------------------------

ENDED = [
    pytest.param([failure()] * 3, id="a breaker"),
    pytest.param([LIMITED], id="a limit"),
    pytest.param([failure(RateLimited, hint_s=15.0)], id="a firm limit"),
    pytest.param([failure(InsufficientCredits)], id="no credits"),
    pytest.param([failure(KeyRejected, whole=True)], id="a wrong key"),
    pytest.param([REFUSED_CONNECTION], id="nobody there"),
]


@pytest.mark.parametrize("errors", ENDED)
def test_when_a_pause_is_over_one_request_finds_out(desk: Desk, errors: list[ProviderError]):
    for error in errors:
        desk.fail(error)
    desk.clock.move(desk.trouble().wait_s)
    assert desk.is_asked()
    assert desk.is_asked(), "to look takes nothing"
    probe = desk.health.begin(HERE)
    expected = Trouble(errors[0].kind, "no luck", 0.0, is_firm=False, is_probed=True)
    assert desk.trouble() == expected
    desk.health.begin(HERE).abandoned()
    assert desk.trouble() == expected, "who came later is not the probe, and does not give it back"
    probe.abandoned()
    assert desk.is_asked(), "an abandoned probe is given back"
    probe = desk.health.begin(HERE)
    assert desk.trouble() == expected
    probe.succeeded(5)
    assert desk.is_asked()
    desk.health.begin(HERE)
    assert desk.is_asked(), "all is well: there are no probes any more"


@pytest.mark.parametrize("errors", ENDED)
def test_a_probe_that_fails_pauses_again(desk: Desk, errors: list[ProviderError]):
    for error in errors:
        desk.fail(error)
    desk.clock.move(desk.trouble().wait_s)
    found = desk.fail(errors[0])
    assert found
    assert (found.is_probed, found.wait_s > 0) == (False, True)


def test_a_lost_probe_expires(desk: Desk):
    desk.open()
    desk.clock.move(FIRST_OPEN_S)
    lost = desk.health.begin(HERE)
    desk.clock.move(PROBE_LIFE_S - 1)
    assert desk.trouble().is_probed
    desk.clock.move(1)
    assert desk.is_asked()
    desk.health.begin(HERE)
    lost.abandoned()
    assert desk.trouble().is_probed, "the lost one does not give back what is another's by now"


def test_only_the_first_report_of_a_visit_counts(desk: Desk):
    visit = desk.health.begin(HERE)
    visit.succeeded(5)
    for _ in range(9):
        visit.failed(REFUSED_CONNECTION)
    assert desk.is_asked()
    desk.fail(REFUSED_CONNECTION)
    visit.succeeded(5)
    assert not desk.is_asked()


# --- old news ------------------------------------------------------------------------------------


def test_a_success_that_began_before_the_pause_does_not_end_it(desk: Desk):
    early = desk.health.begin(HERE)
    desk.open()
    early.succeeded(5)
    assert desk.trouble().wait_s == FIRST_OPEN_S


def test_a_success_as_the_last_resort_ends_the_pause(desk: Desk):
    desk.open()
    desk.health.begin(HERE).succeeded(5)
    assert desk.is_asked()


def test_requests_that_fail_together_pause_once(desk: Desk):
    for visit in [desk.health.begin(HERE) for _ in range(50)]:
        visit.failed(LIMITED)
    assert desk.trouble().wait_s == FIRST_LIMITED_S


def test_failures_from_before_the_recovery_do_not_open_it_again(desk: Desk):
    early = [desk.health.begin(HERE) for _ in range(10)]
    desk.open()
    desk.clock.move(FIRST_OPEN_S)
    desk.health.begin(HERE).succeeded(5)
    for visit in early:
        visit.failed(failure())
    assert desk.is_asked()


def test_a_time_out_from_before_the_providers_pause_does_not_double_it(desk: Desk):
    early = desk.health.begin(HERE)
    desk.fail(REFUSED_CONNECTION)
    desk.clock.move(FIRST_OPEN_S)
    early.failed(failure(Unreachable))
    assert desk.is_asked()


def test_a_time_to_come_back_counts_whenever_it_is_heard(desk: Desk):
    early = desk.health.begin(HERE)
    desk.fail(failure(RateLimited, hint_s=10.0))
    early.failed(failure(RateLimited, hint_s=60.0))
    assert (desk.trouble().is_firm, desk.trouble().wait_s) == (True, 60.0)


# --- how soon they answer ------------------------------------------------------------------------


def answer(desk: Desk, *first_token_ms: int | None) -> int | None:
    for each in first_token_ms:
        desk.health.begin(HERE).succeeded(each)
    return desk.health.latency_ms(HERE)


def test_the_latency_is_the_median_of_the_last_answers(desk: Desk):
    assert answer(desk, None, 500, 100, None) is None
    assert answer(desk, 300) == 300
    assert answer(desk, *[7] * ANSWERS_KEPT) == 7
    assert desk.health.latency_ms(OTHER_MODEL) is None
    desk.clock.move(ANSWER_LIFE_S - 1)
    assert answer(desk, 9, 9) == 7
    desk.clock.move(1)
    assert desk.health.latency_ms(HERE) is None, "two are too few"
    assert answer(desk, 8) == 9


# --- bounds --------------------------------------------------------------------------------------


def test_the_places_without_trouble_and_longest_unused_are_forgotten_first(desk: Desk):
    places = [replace(HERE, model=f"m{number}") for number in range(MAX_PLACES)]
    for place in places:
        for _ in range(3):
            desk.health.begin(place).succeeded(5)
        if place == places[0]:
            desk.fail(failure(InsufficientCredits), place)
    desk.health.begin(places[1])
    answer(desk, 5, 5, 5)
    assert not desk.is_asked(places[0])
    kept = [place for place in places if desk.health.latency_ms(place) is not None]
    assert kept == [*places[:2], *places[3:]]


def test_ever_more_places_in_trouble_are_not_all_remembered(desk: Desk):
    places = [replace(HERE, model=f"m{number}") for number in range(3 * MAX_PLACES)]
    for place in places:
        desk.fail(failure(InsufficientCredits), place)
    assert [place for place in places if not desk.is_asked(place)] == places[-MAX_PLACES:]


@pytest.mark.parametrize("takes_s", [0.0, 0.5, 7.0])
@pytest.mark.parametrize("kind", [*BREAKING, RateLimited])
def test_a_herd_sends_a_dead_place_no_more_than_its_probes(kind: type[ProviderError], takes_s: float):
    """100 callers look once a second for ten minutes."""
    callers, seconds = 100, 600
    desk = a_desk()
    sent = 0
    running: list[tuple[float, Visit]] = []
    for _ in range(seconds):
        for _ in range(callers):
            if desk.is_asked():
                running.append((desk.clock.now_s + takes_s, desk.health.begin(HERE)))
                sent += 1
            for ends_s, visit in running.copy():
                if ends_s <= desk.clock.now_s:
                    visit.failed(failure(kind))
                    running.remove((ends_s, visit))
        desk.clock.move(1.0)
    at_first = FAILURES_IN_A_ROW if takes_s == 0 else callers * (1 + int(takes_s))
    assert sent <= at_first + 8, "5 + 10 + ... s, or 15 + 30 + ... s, and so on, are ten minutes after 8"


# --- whatever happens ----------------------------------------------------------------------------

PLACES = (HERE, OTHER_MODEL, WHOLE, FREE_A, FREE_B, *ELSEWHERE)
errors = st.builds(
    failure,
    st.sampled_from(
        [*BREAKING, RateLimited, InsufficientCredits, KeyRejected, UnknownAtProvider, ContextTooLong, Refused]
    ),
    hint_s=st.none() | st.floats(0, 7 * 24 * 3600),
    whole=st.booleans(),
    daily=st.booleans(),
    late=st.booleans(),
)


class AnyOrder(RuleBasedStateMachine):
    """Requests begin and end in any order at any place; some never do."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Hand()
        self.chance = 0.5
        self.health = Health(self.clock, lambda: self.chance)
        self.visits: list[Visit] = []

    @rule(place=st.sampled_from(PLACES), polite=st.booleans())
    def begin(self, place: Place, polite: bool) -> None:
        if not polite or self.health.trouble(place) is None:
            self.visits.append(self.health.begin(place))

    @rule(error=errors, chance=st.floats(0, 1), data=st.data())
    @precondition(lambda self: self.visits)
    def fail(self, error: ProviderError, chance: float, data: st.DataObject) -> None:
        self.chance = chance
        visit = data.draw(st.sampled_from(self.visits))
        others = [place for place in PLACES if not _is_close(place, visit.place)]
        before = [self.health.trouble(place) for place in others]
        visit.failed(error)
        assert [self.health.trouble(place) for place in others] == before

    @rule(ms=st.none() | st.integers(0, 10_000), data=st.data())
    @precondition(lambda self: self.visits)
    def succeed(self, ms: int | None, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.visits)).succeeded(ms)

    @rule(data=st.data())
    @precondition(lambda self: self.visits)
    def abandon(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.visits)).abandoned()

    @rule(place=st.sampled_from(PLACES), error=errors, times=st.integers(1, FAILURES_IN_A_ROW))
    def fail_at_once(self, place: Place, error: ProviderError, times: int) -> None:
        for _ in range(times):
            self.health.begin(place).failed(error)

    @rule(place=st.sampled_from(PLACES), ms=st.none() | st.integers(0, 10_000))
    def answer_at_once(self, place: Place, ms: int | None) -> None:
        self.health.begin(place).succeeded(ms)
        assert self.health.trouble(place) is None
        assert self.health.trouble(replace(place, model=None)) is None

    @rule(place=st.sampled_from(PLACES))
    def probe_alone(self, place: Place) -> None:
        """Wait for the end of all pauses, then ask twice: the second is told that there is a probe."""
        while (trouble := self.health.trouble(place)) is not None:
            self.clock.move(PROBE_LIFE_S if trouble.is_probed else trouble.wait_s)
        first = self.health.begin(place)
        if (trouble := self.health.trouble(place)) is None:
            first.abandoned()
            return
        assert (trouble.is_probed, trouble.is_firm, trouble.wait_s) == (True, False, 0.0)
        self.health.begin(place).abandoned()
        assert self.health.trouble(place) == trouble, "who is not the probe does not give it back"
        first.abandoned()
        assert self.health.trouble(place) is None

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 15.0, 300.0, 3600.0]) | st.floats(0, MAX_HINT_S))
    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)

    @invariant()
    def to_look_changes_nothing(self) -> None:
        found = [self.health.trouble(place) for place in PLACES]
        assert [self.health.trouble(place) for place in reversed(PLACES)] == found[::-1]

    @invariant()
    def waits_have_an_end(self) -> None:
        for place in PLACES:
            trouble = self.health.trouble(place)
            if trouble is not None:
                assert 0 <= trouble.wait_s <= MAX_WAIT_S + 1e-6
                assert trouble.wait_s > 0 or trouble.is_probed
                assert not (trouble.is_firm and trouble.is_probed)

    @invariant()
    def latencies_are_sound(self) -> None:
        for place in PLACES:
            latency_ms = self.health.latency_ms(place)
            assert latency_ms is None or 0 <= latency_ms <= 10_000


def _is_close(place: Place, other: Place) -> bool:
    return replace(place, model=None) == replace(other, model=None)


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "fail", "limit", "succeed", "abandon"]), st.floats(0, 400), st.integers(0)
        ),
        max_size=60,
    )
)
@settings(deadline=None)
def test_among_the_polite_at_most_one_probe_is_out_at_any_time(steps: list[tuple[str, float, int]]):
    """Who asks only where there is no trouble never finds two requests out that began after a pause."""
    desk = a_desk()
    desk.open()
    out: list[Visit] = []
    for step, seconds, which in steps:
        desk.clock.move(min(seconds, 10.0) if out else seconds)  # none is out for so long that it is lost
        if step == "ask":
            out += [desk.health.begin(HERE)] if desk.is_asked() else []
        elif out:
            visit = out.pop(which % len(out))
            match step:
                case "succeed":
                    visit.succeeded(1)
                    return  # all is well, and nobody is a probe any more
                case "abandon":
                    visit.abandoned()
                case _:
                    visit.failed(LIMITED if step == "limit" else failure())
        assert len(out) <= 1
