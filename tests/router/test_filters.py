"""The hard filters of a plan: what each lets through, and the reason that it gives."""

from dataclasses import replace
from decimal import Decimal

import pytest

from farebox.catalog import Capability, load
from farebox.errors import BudgetExceeded, ContextTooLong, LocalOnly, Overloaded, RateLimited, Refused
from farebox.ledger.limits import Steps
from farebox.messages import Call, Chat, Target
from farebox.provider_settings import ProviderSettings
from farebox.providers.base import Endpoint, Wire
from farebox.providers.preferences import routing_preferences
from farebox.router.classify import Facts
from farebox.router.filters import (
    Privacy,
    is_elsewhere,
    less_private,
    not_local,
    over_the_cap,
    paused,
    privacy_of,
    too_dear,
    unfit,
)
from farebox.router.health import Trouble
from farebox.router.purse import Standing
from farebox.router.request import BYTES_PER_TOKEN, Request, Serving
from support.standing import standing

TARGET = Target("acme", "m")
MILLION = 1_000_000


def request() -> Request:
    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat(()))

    return Request("chat", render, input_bytes=400, max_output_tokens=100)


def test_nothing_is_held_against_a_model_of_which_nothing_is_known():
    assert unfit(TARGET, None, request()) is None


@pytest.mark.parametrize(
    ("most", "standings"),
    [
        pytest.param(10**12, (), id="no budget"),
        pytest.param(MILLION, (standing(MILLION, 0),), id="to the last cent"),
        pytest.param(0, (standing(MILLION, MILLION + 5),), id="free, though the budget is overspent"),
        pytest.param(9, (standing(MILLION, 999_991, Steps(1, 2)),), id="though it is to be cheap"),
        pytest.param(0, (standing(MILLION, 5, Steps(local_nanodollars=5)),), id="free and local"),
        pytest.param(9, (standing(MILLION, 4, Steps(1, 2, 5, 6)),), id="not yet on the rung"),
    ],
)
def test_a_budget_has_room_for(most: int, standings: tuple[Standing, ...]):
    assert too_dear(TARGET, most, standings, is_local=True) is None


@pytest.mark.parametrize(("most", "word"), [(1_000_001, "may cost $0.001000001"), (None, "no known price")])
def test_a_budget_has_no_room_for(most: int | None, word: str):
    reason = too_dear(TARGET, most, (standing(9 * MILLION, 0), standing(MILLION, 0)), is_local=True)
    assert isinstance(reason, BudgetExceeded)
    assert word in reason.message
    assert "daily_usd" in reason.hint


@pytest.mark.parametrize(
    ("most", "is_local", "steps", "words"),
    [
        pytest.param(
            1, True, Steps(None, None, 950_000, None), "only what costs nothing is sent", id="at-a-price"
        ),
        pytest.param(
            0, False, Steps(None, None, 950_000, None), "only what costs nothing is sent", id="elsewhere"
        ),
        pytest.param(0, True, Steps(1, 2, 3, 950_000), "nothing is sent", id="free-and-local"),
    ],
)
def test_a_rung_of_the_ladder_lets_nobody_pass(most: int, is_local: bool, steps: Steps, words: str):
    calm = standing(MILLION, 0, steps)
    reason = too_dear(TARGET, most, (calm, standing(MILLION, 960_000, steps)), is_local=is_local)
    assert isinstance(reason, BudgetExceeded)
    assert reason.message.startswith(f"the daily budget is at 96 %: {words}")
    rung = "local" if steps.stop_nanodollars is None else "stop"
    assert reason.message.endswith(f"as [budgets.ladder] {rung} = 95 says")
    assert reason.hint == "Raise [budgets] daily_usd or the rung, or wait until 2026-11-22 00:00."


@pytest.mark.parametrize(
    ("most", "steps", "is_refused"),
    [
        pytest.param(1, Steps(), True, id="at-a-price"),
        pytest.param(None, Steps(), True, id="at-an-unknown-one"),
        pytest.param(0, Steps(), False, id="free"),
        pytest.param(0, Steps(stop_nanodollars=MILLION), True, id="free-and-a-rung-that-stops-it"),
    ],
)
def test_a_budget_that_can_not_be_checked_refuses_whom_its_hold_would(
    *, most: int | None, steps: Steps, is_refused: bool
):
    damage = BudgetExceeded("the daily budget can't be checked", hint="Wait.")
    one = replace(standing(MILLION, 0, steps), unchecked=damage)
    assert (too_dear(TARGET, most, (one,), is_local=True) is damage) is is_refused


@pytest.mark.parametrize(
    ("dialect", "model", "elsewhere"),
    [
        ("ollama", "gpt-oss:120b-cloud", True),
        ("local", "glm-4.7:cloud", True),
        ("ollama", "qwen2.5-coder:7b", False),
        ("openai", "gpt-oss:120b-cloud", True),
    ],
)
def test_a_server_on_this_machine_may_ask_for_a_model_elsewhere(dialect: Wire, model: str, elsewhere: bool):
    endpoint = Endpoint("mine", dialect, "http://127.0.0.1:9")
    assert is_elsewhere(endpoint, model) is elsewhere
    assert "local-only" in not_local(Target("mine", model)).message


INFO = load().models["anthropic/claude-haiku-5.5"]


def able(*capabilities: Capability, context_window: int | None = None):
    return replace(INFO, capabilities=frozenset(capabilities), context_window=context_window)


def test_a_model_that_calls_no_tools_gets_no_request_with_tools():
    asked = replace(request(), facts=Facts(tools=True))
    reason = unfit(TARGET, able("images"), asked)
    assert isinstance(reason, Refused)
    assert reason.message == "acme/m can't call tools"
    assert unfit(TARGET, able("tools"), asked) is None
    assert unfit(TARGET, able(), request()) is None


def test_a_model_that_sees_nothing_gets_no_pictures():
    asked = replace(request(), images=1)
    assert isinstance(unfit(TARGET, able("tools"), asked), Refused)
    assert unfit(TARGET, able("images"), asked) is None


@pytest.mark.parametrize(
    ("prompt", "wanted", "window", "fits"),
    [
        (7_003, 8_192, 8_003, True),
        (7_004, 8_192, 8_003, False),
        (198_976, 8_192, 200_000, True),
        (198_977, 8_192, 200_000, False),
        (199_980, 20, 200_000, True),
        (199_981, 20, 200_000, False),
    ],
)
def test_a_prompt_fits_with_an_answer_to_the_last_token(prompt: int, wanted: int, window: int, fits: bool):
    asked = replace(request(), input_bytes=prompt * BYTES_PER_TOKEN, max_output_tokens=wanted)
    reason = unfit(TARGET, able(context_window=window), asked)
    assert isinstance(reason, ContextTooLong) is not fits


@pytest.mark.parametrize(
    ("most", "cap"),
    [
        pytest.param(10**12, None, id="no cap"),
        pytest.param(None, None, id="no cap, no price"),
        pytest.param(50_000_000, Decimal("0.05"), id="to the last nano-dollar"),
        pytest.param(0, Decimal(0), id="free, where nothing may be spent"),
    ],
)
def test_one_request_may_cost(most: int | None, cap: Decimal | None):
    assert over_the_cap(TARGET, most, cap) is None


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (50_000_001, "acme/m may cost $0.050000001, and one request may cost at most $0.05"),
        (None, "acme/m has no known price, and one request may cost at most $0.05"),
    ],
)
def test_one_request_may_not_cost(most: int | None, words: str):
    reason = over_the_cap(TARGET, most, Decimal("0.05"))
    assert isinstance(reason, BudgetExceeded)
    assert reason.message == words
    assert "request_usd" in reason.hint


@pytest.mark.parametrize(
    ("address", "model", "zdr", "privacy"),
    [
        ("http://127.0.0.1:9/v1", "qwen", None, "local"),
        ("http://127.0.0.1:9/v1", "gpt-oss:120b-cloud", None, "open"),
        ("https://openrouter.ai/api/v1", "m", True, "unkept"),
        ("https://openrouter.ai/api/v1", "m", None, "open"),
    ],
)
def test_who_may_come_to_know_a_prompt(address: str, model: str, zdr: bool | None, privacy: Privacy):
    routing = routing_preferences(ProviderSettings(zdr=zdr))
    assert privacy_of(Endpoint("mine", "openai", address, routing=routing), model) == privacy


@pytest.mark.parametrize(
    ("wanted", "allowed"),
    [
        ("local", {"local"}),
        ("unkept", {"local", "unkept"}),
        ("open", {"local", "unkept", "open"}),
    ],
)
def test_nobody_takes_over_who_would_tell_more_people(wanted: Privacy, allowed: set[Privacy]):
    first = Target("here", "m")
    levels: tuple[Privacy, ...] = ("local", "unkept", "open")
    assert {one for one in levels if less_private(TARGET, one, first, wanted) is None} == allowed


@pytest.mark.parametrize(
    ("wanted", "promise"),
    [("local", "is on this machine"), ("unkept", "is asked to keep nothing")],
)
def test_who_may_not_take_over_is_told_with_the_way_to_allow_it(wanted: Privacy, promise: str):
    reason = less_private(TARGET, "open", Target("here", "m"), wanted)
    assert isinstance(reason, LocalOnly)
    assert reason.message == f"acme/m does not take over from here/m, which {promise}"
    assert '["here/m", "acme/m"]' in reason.hint


@pytest.mark.parametrize(
    ("wait_s", "words"),
    [
        (0.2, "1 s"),
        (41.4, "41 s"),
        (119.0, "119 s"),
        (121.0, "2 min"),
        (300.0, "5 min"),
        (7_199.0, "120 min"),
        (7_201.0, "2 h"),
        (86_400.0, "24 h"),
    ],
)
def test_a_pause_is_told_as_people_say_it(wait_s: float, words: str):
    reason = paused(
        TARGET, Trouble("overloaded", "acme answered 503", wait_s, is_firm=False, is_probed=False)
    )
    assert isinstance(reason, Overloaded)
    assert reason.message == f"acme/m is left alone for {words} more (acme answered 503)"
    assert (reason.retry_after_s, reason.provider, reason.model) == (wait_s, "acme", "m")


def test_a_pause_that_is_over_but_not_yet_proven_says_so():
    reason = paused(TARGET, Trouble("rateLimited", "acme answered 429", 0.0, is_firm=False, is_probed=True))
    assert isinstance(reason, RateLimited)
    assert reason.message.startswith(
        "acme/m failed before, and one request is finding out whether it is back"
    )
    assert "acme answered 429" in reason.message
