"""Fit the weights of the embedded completer (completion/odds.toml) on projects that its bench does not type.

Run it as ``python tests/bench/embedded_fit.py FOLDER ...``; it prints the file. README.md here says more.
"""

import argparse
import math
import random
import sys
from collections.abc import Sequence
from operator import mul

from embedded import Project, in_word, project_of

from farebox.completion.draft import Draft
from farebox.completion.shelf import Shelf
from farebox.completion.votes import TRAITS, steps

PACKAGES = (
    "hypothesis",
    "_pytest",
    "setuptools",
    "pydantic",
    "opentelemetry",
    "importlinter",
    "jsonschema",
    "keyring",
    "packaging",
)
SHARE = 0.12
"""So many of the positions are asked at."""

MOST_SAMPLES = 60_000
ROUNDS = 8
RIDGE = 1.0

Sample = tuple[tuple[float, ...], bool]


def main() -> int:
    """Sample, fit, and print the weights."""
    parser = argparse.ArgumentParser(description="Fit the weights of the embedded completer.")
    parser.add_argument(
        "projects", nargs="*", help="packages, or folders of any language, beside the usual ones"
    )
    parser.add_argument("--held", type=int, default=6, help="files to type of each (6)")
    options = parser.parse_args()
    chance = random.Random(3)
    samples: list[Sample] = []
    for name in (*PACKAGES, *options.projects):
        samples += samples_of(project_of(name, held=options.held, seed=3), chance)
        print(f"{name}: {len(samples)}", file=sys.stderr, flush=True)
    chance.shuffle(samples)
    known, unseen = samples[:MOST_SAMPLES], samples[MOST_SAMPLES : 2 * MOST_SAMPLES]
    weights = fit(known)
    print("# What each trait of a step counts (votes.py): a logistic regression over positions of files of")
    print(f"# {', '.join((*PACKAGES, *(name.rpartition('/')[2] for name in options.projects)))}.")
    print(
        "# Made by `python tests/bench/embedded_fit.py`, with folders of JavaScript and Lua beside its own."
    )
    print(
        f"# Loss {loss(known, weights):.3f} there and {loss(unseen, weights):.3f} on as many other positions."
    )
    print("[weights]")
    for name, weight in zip(TRAITS, weights, strict=True):
        print(f"{name} = {weight:.3f}")
    return 0


def samples_of(project: Project, chance: random.Random) -> list[Sample]:
    """Return the steps at some positions of the held files, up to the first wrong one at each."""
    shelf = Shelf()
    for path, text in project.learned:
        shelf.learn(path, text)
    shelf = shelf.tidied()
    samples: list[Sample] = []
    for _, text in project.held:
        draft = Draft(shelf)
        for position in range(1, len(text)):
            if chance.random() > SHARE:
                continue
            draft.read(text[:position])
            at = position
            for step in steps(draft, ""):
                end = at + len(step.text)
                inside = step.word and in_word(text[end : end + 1])
                right = text.startswith(step.text, at) and not inside
                samples.append((step.traits, right))
                if not right:
                    break
                at = end
    return samples


def fit(samples: Sequence[Sample]) -> list[float]:
    """Return the weights of a logistic regression, by Newton's method."""
    size = len(TRAITS)
    weights = [0.0] * size
    for _ in range(ROUNDS):
        slope = [-RIDGE * weight for weight in weights]
        bend = [[0.0] * size for _ in range(size)]
        for traits, right in samples:
            likely = 1 / (1 + math.exp(-sum(map(mul, weights, traits))))
            spread = likely * (1 - likely)
            for row, value in enumerate(traits):
                if value:
                    slope[row] += (right - likely) * value
                    scaled, line = spread * value, bend[row]
                    for column in range(row + 1):
                        line[column] += scaled * traits[column]
        for row in range(size):
            bend[row][row] += RIDGE
            for column in range(row):
                bend[column][row] = bend[row][column]
        weights = [weight + change for weight, change in zip(weights, solved(bend, slope), strict=True)]
    return weights


def solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a positive definite system by elimination."""
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for pivot, line in enumerate(rows):
        head = line[pivot]
        line[:] = [value / head for value in line]
        for other in rows:
            if other is not line and (factor := other[pivot]):
                other[:] = [value - factor * mine for value, mine in zip(other, line, strict=True)]
    return [line[-1] for line in rows]


def loss(samples: Sequence[Sample], weights: list[float]) -> float:
    """Return the mean surprise at the samples, in nats."""
    surprise = 0.0
    for traits, right in samples:
        odds = sum(map(mul, weights, traits))
        surprise += math.log1p(math.exp(-odds if right else odds))
    return surprise / max(len(samples), 1)


if __name__ == "__main__":
    sys.exit(main())
