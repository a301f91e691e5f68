"""Chains of three providers, each kind of failure at each place: who is asked, what is told and written."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from farebox.errors import FareboxError, NoRouteLeft
from farebox.messages import Done, FellBack, Retrying, Routed, Target, Text
from farebox.router.retry import MAX_ATTEMPTS
from support.client import Client, Failed
from support.environment import ledger_rows
from support.failing import HELLO, House, Row, a_house, a_request
from support.upstream import Answer, Upstream, json_answer, sse

NAMES = ("one", "two", "three")
CHAIN = '[tasks]\nchat = ["one/m", "two/m", "three/m"]\n'
KEYS = {"OPENROUTER_API_KEY": "k-1", "ANTHROPIC_API_KEY": "k-2", "OPENAI_API_KEY": "k-3"}
VENDORS = ("openrouter", "anthropic", "openai")
SILENT_S = 0.3


@dataclass(frozen=True)
class Fault:
    """A way to fail: the answer (None: nobody listens), the error's kind, and what its message holds.

    ``again`` is how often the same target is asked; ``alone`` that where no other is left. ``billed``: the
    provider has the request, so its cost may be unknown. ``whole``: none of the provider's models is asked.
    """

    answer: Answer | None
    kind: str
    words: str
    again: int = 1
    alone: int = 1
    billed: bool = False
    whole: bool = False


def status(code: int, *, headers: dict[str, str] | None = None) -> Answer:
    return json_answer({"error": {"message": "no"}}, status=code, headers=headers)


BUSY_EVENT = sse({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, done=False)
FAULTS = {
    "429": Fault(status(429), "rateLimited", "answered 429: no", alone=MAX_ATTEMPTS),
    "429-retry-after": Fault(status(429, headers={"Retry-After": "60"}), "rateLimited", "answered 429: no"),
    "402": Fault(status(402), "insufficientCredits", "answered 402: no", whole=True),
    "401": Fault(status(401), "keyRejected", "answered 401: no", whole=True),
    "404": Fault(status(404), "modelNotFound", "answered 404: no"),
    "500": Fault(status(500), "overloaded", "answered 500: no", again=MAX_ATTEMPTS, alone=MAX_ATTEMPTS),
    "503": Fault(status(503), "overloaded", "answered 503: no", again=MAX_ATTEMPTS, alone=MAX_ATTEMPTS),
    "529": Fault(status(529), "overloaded", "answered 529: no", again=MAX_ATTEMPTS, alone=MAX_ATTEMPTS),
    "timeout": Fault(Answer(hang=True), "unreachable", "did not answer within", billed=True),
    "refused": Fault(None, "unreachable", "could not be reached", whole=True),
    "reset": Fault(
        Answer(raw=True, cut_after=0),
        "brokenReply",
        "closed the connection before it answered",
        again=MAX_ATTEMPTS,
        alone=MAX_ATTEMPTS,
        billed=True,
    ),
    "error-in-stream": Fault(
        Answer(body=BUSY_EVENT, content_type="text/event-stream"),
        "overloaded",
        "busy",
        again=MAX_ATTEMPTS,
        alone=MAX_ATTEMPTS,
    ),
}
ONCE = {"x-should-retry": "false"}
ONCE_FAULTS = {
    "401": FAULTS["401"],
    "402": FAULTS["402"],
    "404": FAULTS["404"],
    "429": Fault(status(429, headers=ONCE), "rateLimited", "answered 429: no"),
    "500": Fault(status(500, headers=ONCE), "overloaded", "answered 500: no"),
    "refused": FAULTS["refused"],
}

Step = tuple[Target, str]


def way(targets: tuple[Target, ...], failing: int, fault: Fault) -> list[Step]:
    """Return who is to be asked in which order, and with what outcome, if the first so many fail."""
    steps: list[Step] = []
    gone: set[str] = set()
    for place, target in enumerate(targets):
        if target.provider in gone:
            continue
        if place >= failing:
            return [*steps, (target, "ok")]
        if fault.whole:
            gone.add(target.provider)
        is_last = all(other.provider in gone for other in targets[place + 1 :])
        steps += [(target, fault.kind)] * (fault.alone if is_last else fault.again)
    return steps


async def let_fail(house: House, targets: tuple[Target, ...], fault: Fault) -> None:
    for name in {target.provider for target in targets}:
        if fault.answer is None:
            await house[name].leave()
        else:
            house[name].fail(fault.answer, [target.model for target in targets if target.provider == name])


async def hold_the_bar(house: House, failing: int | None, fault: Fault) -> None:
    """Let the first so many targets of the route fail, ask, and check everything that is told of it."""
    route = await house.door().route(a_request())
    targets = (route.target, *route.fallbacks)
    failing = len(targets) if failing is None else failing
    await let_fail(house, targets[:failing], fault)
    steps = way(targets, failing, fault)
    heard = await house.ask(a_request())

    # who was asked
    reached = [target.provider for target, outcome in steps if fault.answer is not None or outcome == "ok"]
    assert house.log == reached

    # what was told
    assert heard.events[0] == Routed(route)
    told = [event for event in heard.events if isinstance(event, Retrying | FellBack)]
    last = len(steps) - 1
    for at, event in enumerate(told):
        failed, following = steps[at][0], steps[at + 1][0]
        assert f"{failed.provider} " in event.error
        assert fault.words in event.error
        if isinstance(event, Retrying):
            assert (event.target, following, event.max_attempts) == (failed, failed, MAX_ATTEMPTS)
            assert event.attempt == sum(target == failed for target, _ in steps[: at + 1])
        else:
            assert (event.failed, event.max_attempts) == (failed, len(targets))
            assert following != failed
            assert event.attempt == targets.index(failed) + 1
    assert len(told) == last
    done = heard.done
    assert done is not None
    assert [(attempt.target, attempt.outcome) for attempt in done.route.attempts] == steps
    assert all(0 <= attempt.ms < 10_000 for attempt in done.route.attempts)
    if steps[last][1] == "ok":
        check_answer(heard.failure, heard.events[-1], done, steps)
        assert "".join(event.text for event in heard.events if isinstance(event, Text)) == "Hello you"
    else:
        check_end(heard.failure, done, steps, fault)

    # what was written
    check_rows(await house.rows(), steps, fault, done)


def check_answer(failure: FareboxError | None, last: object, done: Done, steps: list[Step]) -> None:
    assert failure is None
    assert last is done
    assert done.route.target == steps[-1][0]
    verdicts = {candidate.target: candidate for candidate in done.route.candidates}
    assert verdicts[done.route.target].verdict == "chosen"
    for target, outcome in steps[:-1]:
        assert (verdicts[target].verdict, verdicts[target].why) == ("dropped", f"tried: {outcome}")
    assert all(candidate.why for candidate in done.route.candidates)


def check_end(failure: FareboxError | None, done: Done, steps: list[Step], fault: Fault) -> None:
    asked = list(dict.fromkeys(target for target, _ in steps))
    assert isinstance(failure, NoRouteLeft)
    assert [one.kind for one in failure.failures] == [fault.kind] * len(asked)
    for target, one in zip(asked, failure.failures, strict=True):
        assert f"{target.provider} " in one.message
        assert fault.words in one.message
        assert one.message in failure.message
    assert (done.finish_reason, done.cancelled) == ("error", False)


def check_rows(rows: list[Row], steps: list[Step], fault: Fault, done: Done) -> None:
    assert [row["attempt"] for row in rows] == list(range(1, len(steps) + 1))
    assert len({row["request_id"] for row in rows}) == 1
    assert len({row["call_id"] for row in rows}) == len(rows)
    told = [(row["model"], row["state"], row["outcome"], row["error_kind"]) for row in rows]
    assert told == [
        (target.name, "settled", *(("ok", None) if outcome == "ok" else ("failed", outcome)))
        for target, outcome in steps
    ]
    costs = [row["cost_nanodollars"] for row in rows]
    for (_, outcome), cost, basis in zip(steps, costs, (row["basis"] for row in rows), strict=True):
        if outcome != "ok" and not fault.billed:
            assert (cost, basis) == (0, "computed"), "who was refused has paid nothing"
        elif outcome != "ok":
            assert cost != 0, "who may have to pay is not told that it was free"
    known = [cost for cost in costs if isinstance(cost, int)]
    assert done.cost.nanodollars == (sum(known) if len(known) == len(costs) else None)


# --- a chain of three ----------------------------------------------------------------------------


@pytest.fixture
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    each = f"first_token_s = {SILENT_S}" if "timeout" in request.node.name else ""
    async with a_house(tmp_path, *NAMES, config=CHAIN, each=each) as house:
        yield house


@pytest.mark.parametrize("failing", [1, 2, 3], ids=["the-first", "two", "all"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_each_failure_at_each_place_leads_to_the_next_and_is_told_and_written(
    house: House, fault: Fault, failing: int
):
    await hold_the_bar(house, failing, fault)


async def test_each_place_may_fail_in_a_way_of_its_own(house: House):
    house["one"].fail(status(402))
    await house["two"].leave()
    heard = await house.ask(a_request())
    done = heard.done
    assert done is not None
    assert [(attempt.target.name, attempt.outcome) for attempt in done.route.attempts] == [
        ("one/m", "insufficientCredits"),
        ("two/m", "unreachable"),
        ("three/m", "ok"),
    ]
    told = [(event.failed.name, event.error) for event in heard.events if isinstance(event, FellBack)]
    assert [name for name, _ in told] == ["one/m", "two/m"]
    assert told[0][1] == "one answered 402: no"
    assert told[1][1] == f"two at {house['two'].base_url} could not be reached"


async def test_a_fallback_that_is_in_trouble_by_now_is_passed_over(house: House):
    """Twenty requests whose first model fails don't all find out that the second one does too."""
    # the plans are made while both are well; then another request's failures become known
    house["two"].fail(status(402))
    house["one"].how = lambda _: status(402)
    first, second = house.door().send(a_request()), house.door().send(a_request())
    waiting = second.events()
    assert isinstance(await anext(waiting), Routed)
    assert [type(event) async for event in first.events()][-1] is Done
    assert house.log == ["one", "two", "three"]
    rest = [event async for event in waiting]
    assert house.log == ["one", "two", "three", "one", "three"]
    assert [event.failed.name for event in rest if isinstance(event, FellBack)] == ["one/m"]
    done = rest[-1]
    assert isinstance(done, Done)
    assert [candidate.verdict for candidate in done.route.candidates] == ["dropped", "dropped", "chosen"]
    assert all(candidate.why for candidate in done.route.candidates)


async def test_where_all_fallbacks_are_in_trouble_by_now_the_next_is_asked(house: House):
    first, second = house.door().send(a_request()), house.door().send(a_request())
    for name in NAMES:
        house[name].fail(status(402))
    waiting = second.events()
    await anext(waiting)
    with pytest.raises(NoRouteLeft):
        [event async for event in first.events()]
    house["two"].how = lambda _: HELLO
    rest = [event async for event in waiting]
    assert house.log == ["one", "two", "three", "one", "two"]
    assert isinstance(rest[-1], Done)


# --- a chain of auto's ---------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [1, 2, None], ids=["the-first", "two", "all"])
@pytest.mark.parametrize("fault", ONCE_FAULTS.values(), ids=ONCE_FAULTS)
async def test_what_auto_has_chosen_is_walked_in_order_too(tmp_path: Path, fault: Fault, failing: int | None):
    async with a_house(tmp_path, *VENDORS, environment=KEYS) as house:
        route = await house.door().route(a_request())
        assert {target.provider for target in (route.target, *route.fallbacks)} == set(VENDORS)
        await hold_the_bar(house, failing, fault)


# --- as a client sees it -------------------------------------------------------------------------


@pytest.fixture
def upstreams() -> Iterator[dict[str, Upstream]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(Upstream.in_thread()) for name in NAMES}


@pytest.fixture
def client(tmp_path: Path, upstreams: dict[str, Upstream]) -> Iterator[Client]:
    tables = "".join(
        f'[providers.{name}]\nbase_url = "{upstream.base_url}"\n' for name, upstream in upstreams.items()
    )
    with Client(tmp_path, config=CHAIN + tables) as client:
        client.initialize()
        yield client


def test_a_client_hears_of_each_attempt(client: Client, upstreams: dict[str, Upstream]) -> None:
    upstreams["one"].queue(status(402))
    upstreams["two"].queue(status(503), status(503, headers=ONCE))
    upstreams["three"].queue(HELLO)
    answer = client.chat("Hello")
    assert answer["text"] == "Hello you"
    events = [params["event"] for params in client.notifications("farebox/chatEvent")]
    assert [event["type"] for event in events] == ["route", "retry", "retry", "retry", "text", "text", "done"]
    assert [(event["attempt"], event["maxAttempts"], event["error"]) for event in events[1:4]] == [
        (1, 3, "one answered 402: no"),
        (1, 3, "two answered 503: no"),
        (2, 3, "two answered 503: no"),
    ]
    route = answer["route"]
    assert [(one["model"], one["outcome"]) for one in route["attempts"]] == [
        ("one/m", "insufficientCredits"),
        ("two/m", "overloaded"),
        ("two/m", "overloaded"),
        ("three/m", "ok"),
    ]
    client.close()
    rows = ledger_rows(client.folder)
    assert [(row["attempt"], row["model"], row["outcome"]) for row in rows] == [
        (1, "one/m", "failed"),
        (2, "two/m", "failed"),
        (3, "two/m", "failed"),
        (4, "three/m", "ok"),
    ]


def test_a_client_whose_models_all_failed_is_told_of_each(
    client: Client, upstreams: dict[str, Upstream]
) -> None:
    upstreams["one"].queue(status(402))
    upstreams["two"].queue(status(404))
    upstreams["three"].queue(status(401))
    with pytest.raises(Failed) as failed:
        client.chat("Hello")
    assert failed.value.data["kind"] == "noRouteLeft"
    for words in ("one answered 402: no", "two answered 404: no", "three answered 401: no"):
        assert words in failed.value.message
    events = [params["event"] for params in client.notifications("farebox/chatEvent")]
    assert [event["error"] for event in events if event["type"] == "retry"] == [
        "one answered 402: no",
        "two answered 404: no",
    ]
    again = client.request("farebox/explain")
    assert "three answered 401: no" in again["reason"]
    client.close()
    assert [row["error_kind"] for row in ledger_rows(client.folder)] == [
        "insufficientCredits",
        "modelNotFound",
        "keyRejected",
    ]
