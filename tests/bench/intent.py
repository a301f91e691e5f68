"""How well a request's task is told by its words, on requests that people typed, and how long that takes.

Run it as ``python tests/bench/intent.py``; README.md here says what the numbers mean.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from farebox.messages import Task
from farebox.router.classify import Facts, classify

DATA = Path(__file__).parents[3] / "shared/data/intent/inline-chat.json"
LABELS = ("explain", "generate", "doc", "edit", "unknown", "tests", "fix")
MEANT: dict[Task, str] = {
    "explain": "explain",
    "generate": "generate",
    "document": "doc",
    "edit": "edit",
    "tests": "tests",
    "fix": "fix",
    "review": "explain",
}
"""Our task as the data names it; what it has no name for (chat, plan, commit) is unknown."""

KEYWORDS = (
    ("tests", ("test",)),
    ("doc", ("doc", "comment")),
    ("fix", ("fix", "error", "bug")),
    ("explain", ("explain", "what", "why", "how")),
    ("edit", ("change", "replace", "rename", "refactor", "convert", "remove", "update")),
    ("generate", ("create", "write", "generate", "add", "make")),
)
LEAST_ACCURACY = 0.80
MEDIAN_MS = 1.0
P99_MS = 3.0
TOKENS = 10_000
CHARS = 45_000
CALLS = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was typed, whether beside code, and its label."""

    text: str
    inline: bool
    label: str


def main() -> int:
    """Measure, print the tables and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure how well tasks are told by words.")
    parser.add_argument("--data", type=Path, default=DATA, help="a JSON list of {Request, Intent}")
    parser.add_argument("--calls", type=int, default=CALLS, help=f"timed calls for each text ({CALLS})")
    options = parser.parse_args()
    rows = read(options.data)
    known = [row for row in rows if row.label in LABELS]
    left_out = f", {len(rows) - len(known)} left out: labels unknown here" if len(known) < len(rows) else ""
    print(f"\nTask told by words, {len(known)} requests{left_out}")
    accuracy = print_accuracy(known) if known else 0.0
    median, p99 = print_latency(options.calls)
    print()
    verdict("accuracy", accuracy >= LEAST_ACCURACY, f"{accuracy:.3f}, at least {LEAST_ACCURACY:.2f}")
    verdict("median", median < MEDIAN_MS, f"{median:.2f} ms, less than {MEDIAN_MS:g} ms")
    verdict("p99", p99 < P99_MS, f"{p99:.2f} ms, less than {P99_MS:g} ms")
    return 0


def verdict(what: str, held: bool, figure: str) -> None:
    """Say whether a target is met."""
    print(f"{'PASS' if held else 'FAIL'}: {what} {figure}")


def read(path: Path) -> list[Asked]:
    """Read the requests."""
    rows: list[dict[str, str]] = json.loads(path.read_text("utf-8"))
    return [Asked(row["Request"], row.get("Location") == "inline", row["Intent"]) for row in rows]


def print_accuracy(rows: list[Asked]) -> float:
    """Print who is right how often, and what is taken for what; return our accuracy."""
    common = Counter(row.label for row in rows).most_common(1)[0][0]
    ways: dict[str, Callable[[Asked], str]] = {
        f"always {common}": lambda _: common,
        "keywords": by_keyword,
        "farebox": by_farebox,
    }
    for name, way in ways.items():
        right = sum(way(row) == row.label for row in rows)
        print(f"{name:18}{right / len(rows):>7.3f}  {right}/{len(rows)}")
    told = Counter((row.label, by_farebox(row)) for row in rows)
    print(f"\n{'is, told as:':14}" + "".join(f"{label:>9}" for label in LABELS) + f"{'recall':>9}")
    for label in LABELS:
        counts = [told[label, other] for other in LABELS]
        recall = f"{told[label, label] / sum(counts):.2f}" if any(counts) else "-"
        print(f"{label:14}" + "".join(f"{count or '.':>9}" for count in counts) + f"{recall:>9}")
    return sum(told[label, label] for label in LABELS) / len(rows)


def by_keyword(row: Asked) -> str:
    """Tell a request by the first keyword that stands anywhere in it."""
    text = row.text.lower()
    return next((label for label, words in KEYWORDS if any(word in text for word in words)), "unknown")


def by_farebox(row: Asked) -> str:
    """Tell a request as the router does."""
    facts = Facts(text=row.text, has_selection=row.inline)
    return MEANT.get(classify("chat", facts, input_tokens=500).task, "unknown")


def print_latency(calls: int) -> tuple[float, float]:
    """Print what requests of 10,000 tokens take; return median and p99 of the CPU time over all of them."""
    print(f"\nclassify on {TOKENS:,} tokens ({CHARS:,} characters), ms, {calls} calls each")
    print(f"{'':22}{'p50':>8}{'p99':>8}{'CPU p50':>9}{'CPU p99':>9}")
    everything: list[tuple[float, float]] = []
    for name, text in texts():
        taken = [timed(text) for _ in range(calls)]
        everything += taken
        print(f"{name:22}" + cells(taken))
    print(f"{'all':22}" + cells(everything))
    return ends(cpu for _, cpu in everything)


def cells(taken: list[tuple[float, float]]) -> str:
    """Write out median and p99 of wall and CPU time."""
    wall, cpu = ends(one for one, _ in taken), ends(one for _, one in taken)
    return f"{wall[0]:>8.2f}{wall[1]:>8.2f}{cpu[0]:>9.2f}{cpu[1]:>9.2f}"


def ends(times: Iterable[float]) -> tuple[float, float]:
    """Return the median, and what 99 of 100 stay below."""
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98]


def timed(text: str) -> tuple[float, float]:
    """Classify once; return the milliseconds on the clock and on the CPU."""
    facts = Facts(text=text)
    wall, cpu = time.perf_counter(), time.thread_time()
    classify("chat", facts, input_tokens=TOKENS)
    return (time.perf_counter() - wall) * 1000, (time.thread_time() - cpu) * 1000


def texts() -> list[tuple[str, str]]:
    """Return long requests: usual ones, and such as make a careless pattern slow."""
    prose = "Please refactor the parser so that it handles nested quotes, and return all errors at once. "
    code = Path(__file__).read_text("utf-8")
    pieces = {
        "prose": prose,
        "code": code,
        "code, then a question": code,
        "one letter": "a",
        "short words": "a b ",
        "different words": " ".join(f"w{number * 7919 % 9973:x}ord" for number in range(3_000)),
        "digits": "1",
        "grouped digits": "1,111 ",
        "powers": "10^",
        "punctuation": "!?.,;:-(){}[]'\"",
        "backticks": "`",
        "spaces": " ",
        "lines": "\n",
        "outside ASCII": "äß日本\u0130",
    }
    long = {name: (piece * (CHARS // len(piece) + 1))[:CHARS] for name, piece in pieces.items()}
    long["code, then a question"] += "\nWhat does this do?"
    return list(long.items())


if __name__ == "__main__":
    raise SystemExit(main())
