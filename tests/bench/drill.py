"""The fault drill with its figures; ``support/drill.py`` says what happens in it.

Run it as ``python tests/bench/drill.py``; README.md here says what the numbers mean.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.drill import Figures, drill

MIN_ANSWERED = 0.999
MAX_SENT = 1.1


def main() -> int:
    """Run the drill once for each seed, print the figures and the verdicts; 1 if one fails."""
    parser = argparse.ArgumentParser(description="Run the fault drill.")
    parser.add_argument("--requests", type=int, default=2_000, help="in each run (2000)")
    parser.add_argument("--seeds", type=int, default=3, help="runs, each with other dice (3)")
    parser.add_argument("--storm", action="store_true", help="each trouble begins in the middle of a burst")
    options = parser.parse_args()
    passed = True
    for seed in range(1, options.seeds + 1):
        with tempfile.TemporaryDirectory(prefix="farebox-bench-") as home:
            figures = asyncio.run(drill(Path(home), options.requests, seed, is_storm=options.storm))
        print(f"\nseed {seed}", *figures.lines(), sep="\n")
        passed = verdict(figures) and passed
    return 0 if passed else 1


def verdict(figures: Figures) -> bool:
    """Print and say whether the targets are met."""
    met = {
        f"answered {figures.answered_share:.2%}, at least {MIN_ANSWERED:.1%}": (
            figures.answered_share >= MIN_ANSWERED
        ),
        f"sent {figures.sent_for_each:.3f} for each answered, at most {MAX_SENT}": (
            figures.sent_for_each <= MAX_SENT
        ),
        f"{figures.herd} at once at a provider in recovery, at most 1": figures.herd <= 1,
        "used again within one pause of the recovery": all(
            one.took_s <= one.interval_s for one in figures.recoveries
        ),
    }
    for words, is_met in met.items():
        print(f"{'PASS' if is_met else 'FAIL'}: {words}")
    return all(met.values())


if __name__ == "__main__":
    raise SystemExit(main())
