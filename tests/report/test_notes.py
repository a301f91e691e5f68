"""What a report says in words: each thing where it is so, and silence where there is nothing to say."""

from dataclasses import replace

import pytest

from farebox.costs import BasisCounts, BudgetLine, Drift, Lost, Report, Suggestions
from farebox.ledger.queries import Latency
from farebox.report.notes import budget_text, footnotes, standing_text, summary
from support.reports import a_report, a_row


def a_total(**parts: object) -> Report:
    return a_report(total=replace(a_row(by=(), basis=BasisCounts(computed=1_200)), **parts))


def test_there_is_nothing_to_say_of_requests_that_just_worked():
    report = a_total()
    assert (summary(report), footnotes(report)) == ((), ())


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        pytest.param(
            Suggestions(120, 31, 4, 41_235_500),
            "tab completion: 31 of 120 shown were accepted (26 %, 4 of them in part), "
            "$0.00133 for each accepted",
            id="some",
        ),
        pytest.param(
            Suggestions(1_200, 300, 0, 0),
            "tab completion: 300 of 1,200 shown were accepted (25 %), $0.00 for each accepted",
            id="free",
        ),
        pytest.param(
            Suggestions(3, 0, 0, 41_235_500), "tab completion: 0 of 3 shown were accepted (0 %)", id="none"
        ),
    ],
)
def test_it_says_what_became_of_tab_completions(taken: Suggestions, words: str):
    assert summary(a_total(suggestions=taken)) == (words,)


def test_it_says_how_long_the_first_token_took():
    assert summary(a_total(first_token=Latency(190, 1_900, 4_000))) == (
        "first token: half of the time within 190 ms, nine times in ten within 1.9 s",
    )


@pytest.mark.parametrize(
    ("failed", "cancelled", "words"),
    [(3, 36, "3 failed, 36 stopped"), (3, 0, "3 failed"), (0, 1, "1 stopped")],
)
def test_it_says_what_did_not_come_to_its_end(failed: int, cancelled: int, words: str):
    assert summary(a_total(failed=failed, cancelled=cancelled)) == (f"of 1,200 requests: {words}",)


def test_a_budget_is_exact_and_its_name_is_harmless():
    line = BudgetLine("da\x1bily", 5 * 10**9, 1_200_000_001, 50_000_000, "2026-03-12T00:00:00+01:00")
    assert budget_text(line) == (
        r"da\u{1b}ily budget: $1.200000001 of $5.00 spent, $0.05 held, resets at 2026-03-12 00:00"
    )


def test_a_budget_with_room_has_nothing_more_to_say_and_any_other_has():
    line = BudgetLine("daily", 100, 50, 0, "2026-03-12T00:00:00+01:00")
    assert standing_text(line) == ""
    assert standing_text(replace(line, step="warn")) == "past 50 %"
    assert standing_text(replace(line, step="cheaper")) == "auto takes cheaper models"
    assert standing_text(replace(line, held_nanodollars=50)).startswith("used up: ")
    assert standing_text(replace(line, is_unchecked=True)) == "can't be checked: the ledger was damaged"
    assert standing_text(replace(line, limit_nanodollars=0)) == "nothing that costs money may be sent"


def test_footnotes_say_what_is_missing_and_what_is_a_guess():
    report = replace(
        a_total(basis=BasisCounts(1, 2, 3, 1), uncertain=2),
        held_requests=1,
        unwritten_requests=2,
        unwritten_nanodollars=1_200_000,
    )
    assert "\n".join(footnotes(report)) == (
        "1 request with an unknown price: not in the cost (unknown, + ?)\n"
        "3 requests with an estimated cost\n"
        "2 requests cut off when farebox was killed: charged by what was last known\n"
        "1 request without an end: still running, or farebox was killed\n"
        "2 requests ($0.0012) not in the sums: the ledger can't be written at the moment; they are kept "
        "until it can"
    )


def test_a_damage_and_a_broken_config_are_footnotes_that_say_what_to_do():
    damages = (
        Lost("2026-11-22T14:03:00+01:00", "led\x1bger.db", 123),
        Lost("2026-11-20T01:02:03+01:00", "a", 1),
    )
    report = replace(a_total(), damages=damages, budgets_error="config.toml, line 2: unknown key")
    assert "\n".join(footnotes(report)) == (
        "the ledger was damaged on 2026-11-22 14:03: 123 requests of led\\u{1b}ger.db were saved, "
        "what else was spent is not known: farebox doctor --accept-damage\n"
        "the ledger was damaged on 2026-11-20 01:02: 1 request of a was saved, "
        "what else was spent is not known: farebox doctor --accept-damage\n"
        "budgets are not shown: config.toml, line 2: unknown key"
    )


@pytest.mark.parametrize(
    ("drift", "words"),
    [
        pytest.param(
            Drift(39, 1_000, 977),
            "the price table is 2.3 % below what was reported, over 39 requests with both",
            id="below",
        ),
        pytest.param(
            Drift(1, 1_000, 1_500),
            "the price table is 50.0 % above what was reported, over 1 request with both",
            id="above",
        ),
        pytest.param(Drift(39, 100_000, 99_951), None, id="rounding"),
        pytest.param(Drift(39, 0, 5), None, id="nothing-reported"),
    ],
)
def test_it_says_how_far_the_price_table_is_from_what_is_reported(drift: Drift, words: str | None):
    assert footnotes(a_total(drift=drift)) == (() if words is None else (words,))
