"""The tier that a piece of work deserves: the whole table, and what holds of it."""

from itertools import pairwise, product
from typing import get_args

import pytest

from farebox.messages import Complexity, Evidence, Phase, Strategy, Task, Tier
from farebox.router.classify import Work
from farebox.router.tiers import RANKS, SMALL_TASKS, deserved

STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
EVERY_WORK = [
    Work(task, phase, complexity)
    for task, phase, complexity in product(get_args(Task), get_args(Phase), get_args(Complexity))
]


def tiers(work: Work, *evidence: Evidence) -> list[Tier]:
    """Return what the work deserves under each strategy, from cheap to quality."""
    return [deserved(strategy, work, evidence) for strategy in STRATEGIES]


@pytest.mark.parametrize(
    ("task", "phase", "complexity", "expected"),
    [
        # task, phase, complexity -> cheap, balanced, quality
        ("complete", "act", "low", ["fast", "fast", "fast"]),
        ("complete", "act", "high", ["fast", "fast", "fast"]),
        ("title", "act", "high", ["fast", "fast", "fast"]),
        ("commit", "act", "high", ["fast", "fast", "fast"]),
        ("apply", "act", "high", ["fast", "fast", "fast"]),
        ("plan", "plan", "low", ["balanced", "strong", "strong"]),
        ("plan", "plan", "high", ["balanced", "strong", "strong"]),
        ("agent", "plan", "low", ["balanced", "strong", "strong"]),
        ("review", "check", "low", ["balanced", "strong", "strong"]),
        ("review", "check", "high", ["balanced", "strong", "strong"]),
        ("chat", "act", "low", ["fast", "fast", "strong"]),
        ("chat", "act", "medium", ["fast", "balanced", "strong"]),
        ("chat", "act", "high", ["balanced", "balanced", "strong"]),
        ("edit", "act", "low", ["fast", "fast", "strong"]),
        ("edit", "act", "medium", ["fast", "balanced", "strong"]),
        ("edit", "act", "high", ["balanced", "balanced", "strong"]),
        ("agent", "act", "low", ["fast", "fast", "strong"]),
        ("agent", "check", "medium", ["fast", "balanced", "strong"]),
        ("agent", "act", "high", ["balanced", "balanced", "strong"]),
        ("tests", "check", "medium", ["fast", "balanced", "strong"]),
    ],
)
def test_what_a_work_deserves(task: Task, phase: Phase, complexity: Complexity, expected: list[Tier]):
    assert tiers(Work(task, phase, complexity)) == expected


def test_the_table_has_no_other_kinds_of_work():
    for work in EVERY_WORK:
        if work.task in SMALL_TASKS:
            assert tiers(work) == ["fast", "fast", "fast"]
        elif work.phase == "plan" or work.task == "review":
            assert tiers(work) == ["balanced", "strong", "strong"]
        else:
            assert tiers(work) == tiers(Work("chat", "act", work.complexity))


@pytest.mark.parametrize("evidence", get_args(Evidence))
def test_every_evidence_lifts_alike_and_never_lowers(evidence: Evidence):
    for work in EVERY_WORK:
        if work.task != "complete":
            lifted = tiers(work, evidence)
            assert lifted == tiers(work, evidence, "empty")
            assert lifted[1:] == ["strong", "strong"]
            assert RANKS[lifted[0]] == RANKS[tiers(work)[0]] + 1, "cheap goes one tier up"
            assert all(RANKS[now] >= RANKS[before] for now, before in zip(lifted, tiers(work), strict=True))


def test_ghost_text_is_never_lifted():
    for phase, complexity in product(get_args(Phase), get_args(Complexity)):
        assert tiers(Work("complete", phase, complexity), "rejected", "empty") == ["fast", "fast", "fast"]


def test_a_dearer_strategy_and_a_harder_work_never_take_a_weaker_tier():
    for work in EVERY_WORK:
        ranks = [RANKS[tier] for tier in tiers(work)]
        assert ranks == sorted(ranks)
    for task, phase in product(get_args(Task), get_args(Phase)):
        for easier, harder in pairwise(get_args(Complexity)):
            both = zip(tiers(Work(task, phase, easier)), tiers(Work(task, phase, harder)), strict=True)
            assert all(RANKS[low] <= RANKS[high] for low, high in both)
