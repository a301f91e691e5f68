"""Which tier of models a piece of work deserves under a strategy.

A table, and what overrides it: evidence that the last answer did not help lifts the next step. Knows no
model and no price.
"""

from typing import Final

from farebox.messages import Complexity, Evidence, Strategy, Tier
from farebox.router.classify import Work

SMALL_TASKS: Final = frozenset({"complete", "title", "commit", "apply"})
"""Work that a fast model does as well as any, and that somebody waits for."""

CODING_TASKS: Final = frozenset({"generate", "edit", "fix", "tests", "document", "agent"})
"""Work that leaves code behind."""

RANKS: Final[dict[Tier, int]] = {"fast": 0, "balanced": 1, "strong": 2}

_PLANNING: Final[dict[Strategy, Tier]] = {"cheap": "balanced", "balanced": "strong", "quality": "strong"}
_ACTING: Final[dict[Strategy, dict[Complexity, Tier]]] = {
    "cheap": {"low": "fast", "medium": "fast", "high": "balanced"},
    "balanced": {"low": "fast", "medium": "balanced", "high": "balanced"},
    "quality": {"low": "strong", "medium": "strong", "high": "strong"},
}
_ONE_UP: Final[dict[Tier, Tier]] = {"fast": "balanced", "balanced": "strong", "strong": "strong"}


def deserved(strategy: Strategy, work: Work, evidence: tuple[Evidence, ...] = ()) -> Tier:
    """Return the tier that a piece of work deserves."""
    if work.task == "complete":
        return "fast"
    if evidence:
        return _ONE_UP[deserved(strategy, work)] if strategy == "cheap" else "strong"
    if work.task in SMALL_TASKS:
        return "fast"
    if work.phase == "plan" or work.task == "review":
        return _PLANNING[strategy]
    return _ACTING[strategy][work.complexity]
