"""What it is worth to send the questions that look hard to a strong model, and the rest to a weak one.

Run it as ``python tests/bench/difficulty.py``; README.md here says what the numbers mean.
"""

import argparse
import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from farebox.router.classify import Facts, Work, classify, difficulty
from farebox.router.tiers import deserved

DATA = Path(__file__).parents[3] / "shared/data/difficulty/livecodebench-dev.jsonl"
PAIRS = (
    ("GPT-4O-mini-2024-07-18", "O1-Mini-2024-09-12 (N=1)"),
    ("GPT-4O-mini-2024-07-18", "GPT-4O-2024-08-06"),
    ("Claude-3-Haiku", "Claude-3.5-Sonnet-20241022"),
    ("Gemini-Flash-1.5-002", "O1-Preview-2024-09-12 (N=1)"),
    ("Gemini-Flash-1.5-002", "Gemini-Pro-1.5-002"),
    ("LLama3.1-8b-Ins", "LLama3.1-405b-Ins-FP8"),
    ("LLama3.1-70b-Ins", "LLama3.1-405b-Ins-FP8"),
)
RATIO = 20.0
SAMPLES = 300
NOISE_SDS = 2
"""A loss of less than so many standard deviations can't be told from chance."""

SEED = 20_261


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the router sees it, its cost in tokens, and each model's share of right answers."""

    score: float
    work: Work
    tokens: int
    cost: float
    right: dict[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """A question for a pair of models: what each gets right of it, and where it would go."""

    score: float
    length: float
    weak: float
    strong: float
    cost: float
    to_strong: bool


@dataclass(frozen=True, slots=True)
class Point:
    """What a routing comes to: shares of calls and extra cost, quality, and a random mix's at that cost."""

    calls: float
    cost: float
    quality: float
    random: float


def main() -> int:
    """Measure, print the tables and the verdict."""
    parser = argparse.ArgumentParser(description="Measure routing by difficulty.")
    parser.add_argument("--data", type=Path, default=DATA, help="JSON lines of {question, repair_pass1}")
    parser.add_argument("--ratio", type=float, default=RATIO, help=f"price of strong / weak ({RATIO:g})")
    parser.add_argument("--by-length", action="store_true", help="a question costs its tokens, not 1")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"bootstrap samples ({SAMPLES})")
    options = parser.parse_args()
    questions = read(options.data, by_length=options.by_length)
    pairs = {pair: cases_of(questions, *pair) for pair in PAIRS}
    pairs = {pair: cases for pair, cases in pairs.items() if cases}
    cost = "as many tokens as it is long" if options.by_length else "the same"
    print(f"\n{len(questions)} questions; each costs {cost}; price of strong : weak = {options.ratio:g} : 1")
    print_complexities(questions)
    print_areas(pairs, options.samples)
    print_balanced(pairs, options.samples, options.ratio)
    return 0


def read(path: Path, *, by_length: bool) -> list[Question]:
    """Read the questions and have them classified."""
    lines = path.read_text("utf-8").splitlines()
    return [question_of(json.loads(line), by_length=by_length) for line in lines if line.strip()]


def question_of(row: dict[str, object], *, by_length: bool) -> Question:
    """Classify a question as a chat that names no task."""
    text, rates = row["question"], row["repair_pass1"]
    assert isinstance(text, str)
    assert isinstance(rates, dict)
    facts, tokens = Facts(text=text), max(1, len(text) // 4)
    work = classify("chat", facts, input_tokens=tokens)
    score = difficulty(work.task, facts, input_tokens=tokens)
    right = {name: rate for name, rate in rates.items() if rate is not None and not math.isnan(rate)}
    return Question(score, work, tokens, tokens if by_length else 1.0, right)


def cases_of(questions: list[Question], weak: str, strong: str) -> list[Case]:
    """Return the questions that both models have answered."""
    return [
        Case(
            one.score,
            one.tokens,
            one.right[weak],
            one.right[strong],
            one.cost,
            deserved("balanced", one.work) != "fast",
        )
        for one in questions
        if weak in one.right and strong in one.right
    ]


def print_complexities(questions: list[Question]) -> None:
    """Print how many questions are of which complexity."""
    counts = Counter(one.work.complexity for one in questions)
    print("complexity: " + ", ".join(f"{name} {counts[name]}" for name in ("low", "medium", "high")))


def print_areas(pairs: dict[tuple[str, str], list[Case]], samples: int) -> None:
    """Print the area under each pair's curve, on all questions and on two halves that share none."""
    heads = ("weak", "strong", "APGR", "sd", "half 1", "half 2", "length", "best")
    print("\nQuality of both; area under the cost-quality curve (random 0.50)")
    print(f"{'':34}" + "".join(f"{head:>8}" for head in heads))
    columns: list[list[float]] = []
    for pair, cases in pairs.items():
        order = list(range(len(cases)))
        random.Random(SEED).shuffle(order)
        halves = [[cases[at] for at in order[start::2]] for start in (0, 1)]
        figures = [
            fmean(case.weak for case in cases),
            fmean(case.strong for case in cases),
            area(cases),
            stdev(resampled(cases, area, samples)),
            *(area(half) for half in halves),
            area(cases, lambda case: case.length),
            area(cases, lambda case: case.strong - case.weak),
        ]
        columns.append(figures)
        print(f"{label(pair):34}" + "".join(f"{figure:>8.3f}" for figure in figures))
    means = [fmean(column) for column in zip(*columns, strict=True)]
    print(f"{'mean':34}" + "".join(f"{mean:>8.3f}" for mean in means))


def print_balanced(pairs: dict[tuple[str, str], list[Case]], samples: int, ratio: float) -> None:
    """Print where the strategy balanced stands for each pair, and the verdict over all of them."""
    heads = ("calls", "cost", "quality", "random", "strong", "gain", "sd")
    print(
        "\nStrategy balanced: strong calls, cost (always strong is 1), quality, a random mix's at that cost"
    )
    print(f"{'':34}" + "".join(f"{head:>8}" for head in heads))
    gains: list[float] = []
    worse = 0
    for pair, cases in pairs.items():
        point, noise = balanced(cases), stdev(resampled(cases, gain, samples))
        gains.append(point.quality - point.random)
        worse += gains[-1] < -NOISE_SDS * noise
        cost = (1 + point.cost * (ratio - 1)) / ratio
        strong = fmean(case.strong for case in cases)
        figures = (point.calls, cost, point.quality, point.random, strong, gains[-1], noise)
        print(f"{label(pair):34}" + "".join(f"{figure:>8.3f}" for figure in figures))
    print()
    verdict(
        fmean(gains) >= 0, f"over all pairs balanced gains {fmean(gains):+.4f} on a random mix at its cost"
    )
    reach = f"worst {min(gains):+.4f}, {worse} of {len(gains)} pairs worse by more than {NOISE_SDS} sd"
    verdict(not worse, f"balanced is never worse than a random mix at the same cost: {reach}")


def verdict(held: bool, what: str) -> None:
    """Say whether a target is met."""
    print(f"{'PASS' if held else 'FAIL'}: {what}")


def balanced(cases: Sequence[Case]) -> Point:
    """Route as the strategy does, and mix at random at the same cost."""
    weak, strong = fmean(case.weak for case in cases), fmean(case.strong for case in cases)
    extra = sum(case.cost for case in cases if case.to_strong) / sum(case.cost for case in cases)
    return Point(
        calls=fmean(case.to_strong for case in cases),
        cost=extra,
        quality=fmean(case.strong if case.to_strong else case.weak for case in cases),
        random=weak + extra * (strong - weak),
    )


def gain(cases: Sequence[Case]) -> float:
    """Return what the strategy is better by than a random mix at the same cost."""
    point = balanced(cases)
    return point.quality - point.random


def area(cases: Sequence[Case], key: Callable[[Case], float] = lambda case: case.score) -> float:
    """Return the mean share of the quality gap that is won as ever more of the cost goes to the strong."""
    gap = sum(case.strong - case.weak for case in cases)
    cost = sum(case.cost for case in cases)
    won = covered = 0.0
    for case in sorted(cases, key=key, reverse=True):
        before = won
        won += (case.strong - case.weak) / gap if gap else 0.0
        covered += (before + won) / 2 * case.cost / cost
    return covered


def resampled(cases: list[Case], figure: Callable[[Sequence[Case]], float], samples: int) -> list[float]:
    """Return a figure on bootstrap samples of the questions."""
    dice = random.Random(SEED)
    return [figure(dice.choices(cases, k=len(cases))) for _ in range(samples)]


def label(pair: tuple[str, str]) -> str:
    """Return the short names of a pair."""
    return " -> ".join("-".join(name.split(" ")[0].split("-")[:3])[:15] for name in pair)


if __name__ == "__main__":
    raise SystemExit(main())
