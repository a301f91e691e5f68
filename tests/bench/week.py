"""What a week of a developer's work costs under each strategy, and beside always asking the strongest model.

Run it as ``python tests/bench/week.py``; week.toml says what the week is, README.md what the
figures mean.
"""

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from farebox.costs import Report
from farebox.messages import Strategy, usd_text
from farebox.router.replay import Replay
from support.week import (
    Served,
    Step,
    an_app,
    deserves_the_best,
    is_served_by_the_best,
    live,
    spent,
    strongest,
    week,
)

MOST_OF_THE_STRONGEST = 0.40
STRATEGIES: tuple[Strategy, ...] = ("balanced", "cheap", "quality")


@dataclass(frozen=True)
class Lived:
    """One run through the week: what was served, the report and the replay of its ledger."""

    served: list[Served]
    report: Report
    replay: Replay
    best: tuple[int, int]
    """How many steps plan or follow on a failure, and how many of them the strong tier has served."""


def main() -> int:
    """Live the week four times, print what it came to and the verdicts; 1 if one of them is FAIL."""
    began = time.perf_counter()
    steps = week()
    runs = asyncio.run(measure(steps))
    always = spent(runs["strongest"].served)
    _print_week(steps)
    _print_runs(runs, always)
    _print_where(runs["balanced"])
    _print_replay(runs["balanced"])
    verdicts = [*_shares(runs["balanced"], always), *_tiers(runs), *_replays(runs)]
    print()
    for is_met, words in verdicts:
        print(f"{'PASS' if is_met else 'FAIL'}: {words}")
    print(f"      {time.perf_counter() - began:.0f} s in all")
    return 0 if all(is_met for is_met, _ in verdicts) else 1


async def measure(steps: tuple[Step, ...]) -> dict[str, Lived]:
    """Live the week under each strategy, and with the strongest model named; each with its own ledger."""
    runs: dict[str, Lived] = {}
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as folder:
        for name in (*STRATEGIES, "strongest"):
            config = "" if name == "strongest" else f'strategy = "{name}"'
            async with an_app(Path(folder) / name, steps, config) as app:
                app.warm_up()
                served = await live(app, steps, strongest(app) if name == "strongest" else None)
                wanted = [one for one in served if deserves_the_best(one)]
                given = sum(is_served_by_the_best(app, one) for one in wanted)
                report, replay = await app.cost_report(), await app.replay()
                runs[name] = Lived(served, report, replay, (len(wanted), given))
    return runs


def _print_week(steps: tuple[Step, ...]) -> None:
    agents = [step for step in steps if step.task == "agent"]
    asked = [step for step in steps if step.task != "complete"]
    plans = sum(step.plans for step in agents)
    failed = sum(bool(step.evidence) for step in asked)
    sizes = sorted(step.input_tokens for step in agents)
    print(
        f"{len(steps)} requests in {len({step.conversation for step in asked})} conversations: "
        f"{len(agents)} steps of agents ({plans} plans), {len(asked) - len(agents)} others, "
        f"{len(steps) - len(asked)} completions\n"
        f"an agent's prompt has {sizes[0]:,} to {sizes[-1]:,} tokens, median {sizes[len(sizes) // 2]:,}; "
        f"after {failed} of {len(asked)} answers ({failed / len(asked):.0%}) one hears that it did not help\n"
    )


def _print_runs(runs: dict[str, Lived], always: int) -> None:
    heads = ("cost", "of always", "at strongest", "saved", "cached")
    print(f"{'':12}" + "".join(f"{head:>14}" for head in heads))
    for name, run in runs.items():
        cost, saved = spent(run.served), run.report.total.saved_nanodollars or 0
        usage = run.report.total.usage
        cached = usage.cached_input_tokens / usage.input_tokens
        cells = (
            dollars(cost),
            f"{cost / always:.1%}",
            dollars(cost + saved),
            dollars(saved),
            f"{cached:.0%}",
        )
        print(f"{name:12}" + "".join(f"{cell:>14}" for cell in cells))


def _print_where(run: Lived) -> None:
    print("\nWhere balanced's money goes")
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in run.served:
        found = sums[_stage(one), one.done.route.target.name]
        usage = one.done.usage
        for place, amount in enumerate((1, one.nanodollars, usage.input_tokens, usage.cached_input_tokens)):
            found[place] += amount
    whole = spent(run.served)
    for (stage, model), (count, cost, tokens, cached) in sorted(sums.items(), key=lambda item: -item[1][1]):
        shares = f"{cost / whole:>8.1%}  {cached / tokens:.0%} cached"
        print(f"{stage:12}{model:42}{count:6}{dollars(cost):>10}{shares}")


def _stage(one: Served) -> str:
    if one.step.task == "complete":
        return "completions"
    return "escalated" if one.step.evidence else one.done.route.phase


def _print_replay(run: Lived) -> None:
    print("\nThe replay of balanced's ledger")
    for outcome in run.replay.outcomes:
        cost, more = outcome.nanodollars or 0, outcome.difference_nanodollars or 0
        print(f"{outcome.policy:12}{dollars(cost):>10}{dollars(more):>12}  {outcome.replanned} planned again")


Verdict = tuple[bool, str]


def _shares(run: Lived, always: int) -> list[Verdict]:
    cost, saved = spent(run.served), run.report.total.saved_nanodollars or 0
    limit = f"at most {MOST_OF_THE_STRONGEST:.0%}"
    completing = _sum(run, lambda one: one.step.task == "complete")
    return [
        _within(cost, always, f"balanced costs {cost / always:.1%} of always asking the strongest, {limit}"),
        _within(
            cost,
            cost + saved,
            f"balanced costs {cost / (cost + saved):.1%} of the same tokens at the strongest, {limit} "
            f"({dollars(completing)} of it are completions)",
        ),
    ]


def _within(cost: int, whole: int, words: str) -> Verdict:
    return cost <= MOST_OF_THE_STRONGEST * whole, words


def _sum(run: Lived, counts: Callable[[Served], bool]) -> int:
    return sum(one.nanodollars for one in run.served if counts(one))


def _tiers(runs: dict[str, Lived]) -> list[Verdict]:
    run = runs["balanced"]
    plans = sum(one.step.plans for one in run.served)
    escalated = sum(deserves_the_best(one) and bool(one.step.evidence) for one in run.served)
    wanted, given = run.best
    words = (
        f"{given} of {wanted} steps that plan ({plans}) or were escalated ({escalated}) had the strong tier"
    )
    return [(wanted == given, words)]


def _replays(runs: dict[str, Lived]) -> list[Verdict]:
    found: list[Verdict] = []
    for name, run in runs.items():
        by_policy = {outcome.policy: outcome for outcome in run.replay.outcomes}
        saved = run.report.total.saved_nanodollars
        more = by_policy["strongest"].difference_nanodollars
        found.append((saved == more, f"{name}: the report's saving is the replay's, {saved} and {more} n$"))
    for name in STRATEGIES:
        outcome = next(one for one in runs[name].replay.outcomes if one.policy == name)
        same = all(model.recorded == model.replayed for model in outcome.models)
        words = f"replaying {name} changes {outcome.difference_nanodollars} n$, each model has what it had"
        found.append((same and outcome.difference_nanodollars == 0, words))
    return found


def dollars(nanodollars: int) -> str:
    """Write an amount to the cent."""
    cents = round(nanodollars / 10_000_000) * 10_000_000
    return f"{'-' if cents < 0 else ''}${usd_text(abs(cents))}"


if __name__ == "__main__":
    raise SystemExit(main())
