"""The meter of one attempt: whose figure wins, what is estimated, and what stays unknown."""

from dataclasses import replace
from pathlib import Path

import pytest

from farebox.ledger.records import Mark, Outcome, Routing
from farebox.messages import (
    Begun,
    Call,
    Chat,
    Delta,
    Estimate,
    Finish,
    Reasoning,
    Route,
    Target,
    Text,
    ToolCall,
    Usage,
)
from farebox.providers.base import Endpoint, Quirks, RoutingPreferences
from farebox.providers.listing_file import ListingFile
from farebox.router.charge import Charge, priced_model
from farebox.router.pricing import Pricing
from farebox.router.request import Origin, Request
from farebox.secrets import Credential, Secret

PRICED = Target("openai", "gpt-5-mini")  # $0.25 in, $0.025 cached, $2 out for a million tokens
UNPRICED = Target("openai", "no-such-model")
ADDRESS = "http://127.0.0.1:9/v1"
BASELINE = (Target("openai", "gpt-5"), Endpoint("openai", "openai", ADDRESS, price_id="openai"))
"""$1.25 in, $10 out"""
NOBODYS = ListingFile(Path("no-such-folder") / "models.json")
USAGE = Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=100, reasoning_tokens=60)
INPUT_TOKENS = 50


def a_charge(target: Target = PRICED, *, free: bool = False, baseline: bool = False) -> Charge:
    request = Request(
        "chat",
        lambda serving: Call(serving.model, Chat(())),
        input_bytes=4 * INPUT_TOKENS,
        max_output_tokens=100,
        origin=Origin("/ws", "an editor", "c1"),
        language="python",
    )
    endpoint = Endpoint(target.provider, "openai", ADDRESS, price_id="openai", free=free)
    return Charge(request, target, endpoint, Pricing(NOBODYS), BASELINE if baseline else None)


def told(charge: Charge, *deltas: Delta) -> Charge:
    for delta in deltas:
        charge.note(delta)
    return charge


REPORTED = Finish("stop", USAGE, reported_nanodollars=7)
SILENT = Finish("stop", USAGE)
NO_USAGE = Finish("stop")
UNCOUNTED = Finish("stop", reported_nanodollars=7)
HELLO = Text("eight ch")


@pytest.mark.parametrize(
    ("target", "free", "deltas", "outcome", "nanodollars", "basis"),
    [
        pytest.param(PRICED, False, (HELLO, REPORTED), "ok", 7, "reported", id="reported-wins"),
        pytest.param(PRICED, True, (HELLO, REPORTED), "ok", 7, "reported", id="reported-wins-over-free"),
        pytest.param(PRICED, False, (HELLO, UNCOUNTED), "ok", 7, "reported", id="reported-without-usage"),
        pytest.param(PRICED, False, (HELLO, SILENT), "ok", 360_000, "computed", id="computed"),
        pytest.param(PRICED, False, (HELLO, NO_USAGE), "ok", 16_500, "estimated", id="no-usage"),
        pytest.param(PRICED, False, (HELLO,), "cancelled", 16_500, "estimated", id="cancelled"),
        pytest.param(PRICED, False, (), "cancelled", 12_500, "estimated", id="cancelled-before-a-word"),
        pytest.param(PRICED, False, (HELLO,), "failed", 16_500, "estimated", id="cut-off"),
        pytest.param(PRICED, False, (), "failed", 12_500, "estimated", id="cut-off-before-a-word"),
        pytest.param(UNPRICED, False, (HELLO, SILENT), "ok", None, "unknown", id="unknown-price"),
        pytest.param(UNPRICED, False, (HELLO, NO_USAGE), "ok", None, "unknown", id="unknown-twice"),
        pytest.param(UNPRICED, False, (HELLO, REPORTED), "ok", 7, "reported", id="unknown-but-reported"),
        pytest.param(UNPRICED, True, (HELLO, SILENT), "ok", 0, "computed", id="free"),
        pytest.param(UNPRICED, True, (HELLO,), "cancelled", 0, "estimated", id="free-and-cancelled"),
    ],
)
def test_a_charge_has_an_amount_and_its_basis(
    *,
    target: Target,
    free: bool,
    deltas: tuple[Delta, ...],
    outcome: Outcome,
    nanodollars: int | None,
    basis: str,
):
    settlement = told(a_charge(target, free=free), *deltas).settle(outcome)
    assert (settlement.cost.nanodollars, settlement.cost.basis) == (nanodollars, basis)
    assert settlement.outcome == outcome


@pytest.mark.parametrize(
    ("target", "finish", "reported", "computed"),
    [
        pytest.param(PRICED, REPORTED, 7, 360_000, id="both"),
        pytest.param(PRICED, SILENT, None, 360_000, id="nothing-reported"),
        pytest.param(UNPRICED, REPORTED, 7, None, id="no-price"),
        pytest.param(UNPRICED, SILENT, None, None, id="neither"),
        pytest.param(PRICED, UNCOUNTED, 7, None, id="no-usage-to-compute-from"),
    ],
)
@pytest.mark.parametrize("outcome", ["ok", "cancelled", "failed"])
def test_what_was_computed_is_kept_beside_what_was_reported(
    target: Target, finish: Finish, reported: int | None, computed: int | None, outcome: Outcome
):
    settlement = told(a_charge(target), HELLO, finish).settle(outcome)
    assert (settlement.reported_nanodollars, settlement.computed_nanodollars) == (reported, computed)


@pytest.mark.parametrize(
    ("fallbacks", "served", "computed"),
    [
        pytest.param((), "gpt-5", 360_000, id="no-other-may-answer"),
        pytest.param(("gpt-5",), "gpt-5", 1_800_000, id="another-did"),
        pytest.param(("gpt-5",), None, 360_000, id="not-said-who"),
        pytest.param(("gpt-5",), "unheard-of", None, id="one-without-a-price"),
    ],
)
def test_where_another_model_may_answer_the_one_that_did_is_charged(
    fallbacks: tuple[str, ...], served: str | None, computed: int | None
):
    charge = a_charge()
    charge.endpoint = replace(charge.endpoint, routing=RoutingPreferences(models=fallbacks))
    told(charge, Finish("stop", USAGE, served_model=served))
    assert charge.settle("ok").computed_nanodollars == computed


def test_an_estimate_counts_all_that_was_seen():
    call = ToolCall("1", "read", '{"path": 1}')
    usage = told(a_charge(), HELLO, Reasoning("x" * 9), call).settle("cancelled").usage
    assert usage == Usage(input_tokens=INPUT_TOKENS, output_tokens=6 + 3, reasoning_tokens=3)


@pytest.mark.parametrize(
    ("deltas", "outcome", "reason"),
    [
        pytest.param((SILENT,), "ok", "stop", id="the-provider's"),
        pytest.param((Finish("length", USAGE),), "ok", "length", id="too-long"),
        pytest.param((HELLO,), "cancelled", "cancelled", id="cancelled"),
        pytest.param((HELLO,), "failed", "error", id="failed"),
    ],
)
def test_a_charge_says_how_it_ended(deltas: tuple[Delta, ...], outcome: Outcome, reason: str):
    settlement = told(a_charge(), *deltas).settle(outcome, error_kind="brokenReply")
    assert settlement.finish_reason == reason
    assert settlement.error_kind == "brokenReply"


def test_an_absurd_figure_gives_way_to_the_computed_one():
    absurd = Finish("stop", USAGE, reported_nanodollars=10**16)
    cost, usual = (told(a_charge(), finish).settle("ok").cost for finish in (absurd, Finish("stop", USAGE)))
    assert (cost.nanodollars, cost.basis) == (usual.nanodollars, "computed")
    assert cost.nanodollars
    unpriced = told(a_charge(UNPRICED), absurd).settle("ok").cost
    assert (unpriced.nanodollars, unpriced.basis) == (None, "unknown")


def test_savings_are_measured_against_the_strongest_model():
    cost = told(a_charge(baseline=True), HELLO, SILENT).settle("ok").cost
    # 600 * 1250 + 400 * 125 + 100 * 10000
    assert (cost.baseline_model, cost.baseline_nanodollars) == ("openai/gpt-5", 1_800_000)
    assert cost.saved_nanodollars == 1_800_000 - 360_000


def test_nothing_is_saved_where_the_cost_is_unknown():
    charge = told(a_charge(UNPRICED, baseline=True), HELLO, SILENT)
    assert charge.settle("ok").cost.saved_nanodollars is None


def test_the_clock_of_the_first_token_starts_with_the_first_event_and_not_with_the_finish():
    charge = a_charge()
    told(charge, SILENT)
    assert charge.first_token_ms is None
    assert not charge.passed_something
    told(charge, HELLO)
    assert charge.passed_something
    assert charge.first_token_ms is not None
    assert 0 <= charge.first_token_ms <= charge.total_ms


def test_a_hold_says_who_asks_and_for_what():
    charge = a_charge()
    route = Route(
        requested="auto:cheap",
        task="chat",
        phase="plan",
        complexity="high",
        strategy="cheap",
        target=PRICED,
        reason="",
        fallbacks=(),
        candidates=(),
        estimate=Estimate(99),
        tier="balanced",
    )
    hold = charge.hold("request", 2, 99, route)
    assert (hold.call_id, hold.request_id, hold.attempt) == (charge.call_id, "request", 2)
    assert (hold.workspace, hold.client, hold.conversation) == ("/ws", "an editor", "c1")
    assert hold.language == "python"
    assert (hold.task, hold.target, hold.hold_nanodollars) == ("chat", PRICED, 99)
    assert hold.routing == Routing(
        *("auto:cheap", "cheap", "plan", "high", "balanced", ()),
        images=0,
        tools=False,
        caches=False,
        input_bytes=4 * INPUT_TOKENS,
        max_output_tokens=100,
    )
    assert a_charge().call_id != charge.call_id


def test_a_refused_request_cost_nothing():
    settlement = a_charge().settle("failed", may_be_billed=False)
    assert (settlement.cost.nanodollars, settlement.cost.basis) == (0, "computed")


def test_a_settlement_says_whose_it_is():
    settlement = told(a_charge(), HELLO, SILENT).settle("ok")
    assert (settlement.target, settlement.task) == (PRICED, "chat")


# --- what may be made right later --------------------------------------------------------------

BEGUN = Begun("gen-1")
KEY = "sk-or-test-0123456789"


def an_askable_charge(target: Target = PRICED) -> Charge:
    charge = a_charge(target)
    credential = Credential(Secret(KEY), "http://127.0.0.1:9")
    charge.endpoint = replace(
        charge.endpoint, quirks=Quirks(generation_path="/generation"), credential=credential
    )
    return charge


def test_the_name_of_an_answer_is_no_part_of_it():
    charge = a_charge()
    assert not charge.note(BEGUN)
    assert not charge.passed_something
    assert charge.note(HELLO)


@pytest.mark.parametrize(
    ("deltas", "outcome", "expected"),
    [
        pytest.param((BEGUN, HELLO), "cancelled", True, id="stopped"),
        pytest.param((BEGUN,), "cancelled", True, id="stopped-before-a-word"),
        pytest.param((BEGUN, HELLO), "failed", True, id="cut-off"),
        pytest.param((BEGUN, NO_USAGE), "ok", True, id="no-usage"),
        pytest.param((Finish("stop", generation_id="gen-1"),), "ok", True, id="named-at-its-end"),
        pytest.param((BEGUN, SILENT), "ok", False, id="computed"),
        pytest.param((BEGUN, REPORTED), "ok", False, id="reported"),
        pytest.param((BEGUN, UNCOUNTED), "ok", False, id="reported-without-usage"),
        pytest.param((HELLO,), "cancelled", False, id="nameless"),
        pytest.param((Begun("x" * 201), HELLO), "cancelled", False, id="a-name-without-end"),
    ],
)
@pytest.mark.parametrize("target", [PRICED, UNPRICED], ids=["priced", "unpriced"])
def test_a_guess_can_be_corrected_if_its_provider_can_be_asked_by_name(
    *, target: Target, deltas: tuple[Delta, ...], outcome: Outcome, expected: bool
):
    assert told(an_askable_charge(target), *deltas).settle(outcome).correctable is expected
    assert not told(a_charge(target), *deltas).settle(outcome).correctable


def test_a_refused_request_is_no_guess():
    assert not told(an_askable_charge(), BEGUN).settle("failed", may_be_billed=False).correctable


def test_a_stopped_answer_keeps_its_name():
    assert told(an_askable_charge(), BEGUN, HELLO).settle("cancelled").generation_id == "gen-1"


def test_a_key_in_a_name_is_not_written_down():
    charge = told(an_askable_charge(), Begun(f"gen-{KEY}"), HELLO)
    assert KEY not in str(charge.mark().generation_id)
    assert KEY not in str(charge.settle("cancelled").generation_id)


def test_a_mark_says_what_the_attempt_would_be_charged_now():
    charge = an_askable_charge()
    assert charge.mark() == Mark(charge.call_id, 12_500)
    told(charge, BEGUN, HELLO)
    assert charge.mark() == Mark(charge.call_id, 16_500, "gen-1")
    assert charge.settle("cancelled").cost.nanodollars == 16_500
    unpriced = told(a_charge(UNPRICED), HELLO)
    assert unpriced.mark() == Mark(unpriced.call_id, None)


@pytest.mark.parametrize(
    ("others", "served", "expected"),
    [
        pytest.param((), "gpt-5", "gpt-5-mini", id="no-other-may-answer"),
        pytest.param(("gpt-5",), "gpt-5", "gpt-5", id="another-did"),
        pytest.param(("gpt-5",), None, "gpt-5-mini", id="not-said-who"),
    ],
)
def test_the_price_is_that_of(others: tuple[str, ...], served: str | None, expected: str):
    endpoint = replace(a_charge().endpoint, routing=RoutingPreferences(models=others))
    assert priced_model(endpoint, PRICED, served) == expected


def test_a_cost_that_nobody_can_say_counts_as_what_was_held_for_it():
    charge = a_charge(UNPRICED)
    told(charge, Finish("stop", USAGE))
    assert charge.settle("ok").cost.basis == "unknown"
    charge.held_nanodollars = 5_000
    settlement = charge.settle("ok")
    assert (settlement.cost.nanodollars, settlement.cost.basis) == (5_000, "estimated")
    assert settlement.computed_nanodollars is None
