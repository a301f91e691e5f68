"""What snippets show of what is typed next, beside the rules of others, and how steady a prompt is.

Run it as ``python tests/bench/context.py [FOLDER or PACKAGE ...]``; README.md says what the numbers mean.
"""

import argparse
import gc
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, quantiles

from context_peers import jaccard, ring
from context_tasks import CHARS_PER_TOKEN, Repository, Task, identifiers, repository

from farebox.completion.context import gather
from farebox.completion.gatherer import Gatherer
from farebox.completion.index import Index
from farebox.completion.window import Snippet, Window, window

TUNED_ON = ("pydantic", "rich", "hypothesis", "pip")
NOT_TUNED_ON = ("openai", "click", "_pytest", "setuptools", "jsonschema")
BUDGETS_TOKENS = (512, 1024, 2048)
TARGETS = {512: 0.23, 2048: 0.37}
MOST_MS = 40.0
STEADY_SHARE = 0.8
TASKS = 40
TYPED_HOLES = 8
TYPED_CHARS = 160
CLOSERS = {"(": ")", "[": "]", "{": "}"}

Strategy = Callable[[Task, int], Sequence[str]]


@dataclass(slots=True)
class Steady:
    """Pairs of prompts of neighbouring keys on one line, and how many share their first 80 %."""

    pairs: int = 0
    same: int = 0

    def note(self, first: bytes, second: bytes) -> None:
        self.pairs += 1
        size = int(STEADY_SHARE * len(first))
        self.same += first[:size] == second[:size]


@dataclass(slots=True)
class Figures:
    """What one folder came to."""

    name: str
    files: int
    tasks: int
    recall: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    wall_ms: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])
    learn_s: float = 0.0
    grown_mb: float = 0.0
    steady: dict[str, Steady] = field(default_factory=dict[str, Steady])


def main() -> int:
    """Measure, print the tables and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure the context of completion prompts.")
    parser.add_argument("what", nargs="*", help="folders of source, or installed packages")
    parser.add_argument("--tasks", type=int, default=TASKS, help=f"holes in each of them ({TASKS})")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    groups = (
        [("given", options.what)]
        if options.what
        else [("tuned on", TUNED_ON), ("not tuned on", NOT_TUNED_ON)]
    )
    print(f"identifier recall in %, a token is {CHARS_PER_TOKEN} characters; holes of 5 lines\n")
    verdicts: list[str] = []
    for group, names in groups:
        figures = [_measured(_folder(name), options.tasks, peers=options.peers) for name in names]
        figures = [one for one in figures if one.tasks]
        if figures:
            _print_table(group, figures)
            verdicts += _verdicts(group, figures)
    print("\n".join(verdicts))
    return 0


def _folder(name: str) -> Path:
    if Path(name).exists():
        return Path(name).resolve()
    found = find_spec(name)
    if found is None or found.origin is None:
        sys.exit(f"{name} is no folder and no installed package")
    return Path(found.origin).parent


def _measured(root: Path, count: int, *, peers: bool) -> Figures:
    repo = repository(root, count=count)
    figures = Figures(repo.name, len(repo.files), len(repo.tasks))
    gc.collect()
    before_mb = _resident_mb()
    began_s = time.perf_counter()
    index = Index()
    for file in repo.files:
        index.learn(file.path, file.language, file.text)
    figures.learn_s = time.perf_counter() - began_s
    figures.grown_mb = _resident_mb() - before_mb
    strategies: dict[str, Strategy] = {"jaccard": jaccard, "ring": ring} if peers else {}
    sums: dict[tuple[str, int], list[float]] = {}
    for number, task in enumerate(repo.tasks):
        # As the worker has it: the hole is not in the file yet.
        index.learn(task.file.path, task.file.language, task.before + "\n" + task.after)
        for tokens in BUDGETS_TOKENS:
            for name, strategy in strategies.items():
                texts = strategy(task, tokens * CHARS_PER_TOKEN)
                sums.setdefault((name, tokens), []).append(_recall(task, texts))
            texts = [snippet.text for snippet in _gathered(index, repo, task, tokens, figures)]
            assert sum(map(len, texts)) <= tokens * CHARS_PER_TOKEN
            sums.setdefault(("farebox", tokens), []).append(_recall(task, texts))
        if number < TYPED_HOLES:
            _type(index, repo, task, figures)
        index.learn(task.file.path, task.file.language, task.file.text)
    figures.recall = {key: mean(values) for key, values in sums.items()}
    return figures


def _gathered(
    index: Index, repo: Repository, task: Task, tokens: int, figures: Figures
) -> tuple[Snippet, ...]:
    around = Window(task.file.path, task.file.language, task.prefix, task.suffix)
    wall_s, cpu_s = time.perf_counter(), time.thread_time()
    found = gather(
        index, around, path=task.file.path, roots=(str(repo.root),), budget_chars=tokens * CHARS_PER_TOKEN
    )
    figures.cpu_ms.append((time.thread_time() - cpu_s) * 1e3)
    figures.wall_ms.append((time.perf_counter() - wall_s) * 1e3)
    return found


def _recall(task: Task, texts: Sequence[str]) -> float:
    return len(task.wanted & identifiers("\n".join(texts))) / len(task.wanted)


def _type(index: Index, repo: Repository, task: Task, figures: Figures) -> None:
    """Type the hole as an editor's user does, and compare the prompts of neighbouring keys."""
    gatherer = Gatherer(index)
    kinds = ("prefix first", "suffix first", "suffix first, brackets closed by the editor")
    last: dict[str, bytes] = {}
    for typed in _keys(task):
        if typed.endswith("\n"):
            last.clear()
        closers = "".join(CLOSERS.get(char, "") for char in _open_brackets(typed))
        for kind in kinds:
            rest = closers if "closed" in kind else ""
            document = task.before + typed
            around = window(task.file.path, task.file.language, document, f"{rest}\n{task.after}")
            if gatherer.is_stale(task.file.path, around):
                gatherer.refresh(task.file.path, around, roots=(str(repo.root),))
            snippets = gatherer.snippets(task.file.path)
            head = "".join(f"{snippet.name}\n{snippet.text}\n" for snippet in snippets)
            prompt = head + (
                around.prefix if kind == "prefix first" else around.steady_suffix + around.prefix
            )
            data = prompt.encode()
            if kind in last:
                figures.steady.setdefault(kind, Steady()).note(last[kind], data)
            last[kind] = data


def _keys(task: Task) -> Iterator[str]:
    hole = task.file.text[len(task.before) : len(task.file.text) - len(task.after)]
    for count in range(min(len(hole), TYPED_CHARS)):
        yield hole[:count]


def _open_brackets(typed: str) -> str:
    """The brackets of the current line that are open, the innermost first."""
    opened: list[str] = []
    for char in typed.rpartition("\n")[2]:
        if char in CLOSERS:
            opened.append(char)
        elif opened and char == CLOSERS[opened[-1]]:
            opened.pop()
    return "".join(reversed(opened))


def _resident_mb() -> float:
    """Resident memory now; the most there ever was where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _print_table(group: str, all_figures: Sequence[Figures]) -> None:
    names = list(dict.fromkeys(name for figures in all_figures for name, _ in figures.recall))
    heads = "".join(f"{f'{name} @{tokens}':>15}" for name in names for tokens in BUDGETS_TOKENS)
    print(
        f"{group:14}{'files':>6}{'holes':>6}{heads}{'wall p95':>10}{'CPU p95':>9}{'learned s':>10}{'MB':>6}"
    )
    for figures in all_figures:
        row = "".join(f"{100 * figures.recall[name, t]:15.1f}" for name in names for t in BUDGETS_TOKENS)
        print(
            f"{figures.name[:13]:14}{figures.files:6}{figures.tasks:6}{row}{_p95(figures.wall_ms):10.1f}"
            f"{_p95(figures.cpu_ms):9.1f}{figures.learn_s:10.1f}{figures.grown_mb:6.0f}"
        )
    row = "".join(
        f"{100 * mean(figures.recall[name, t] for figures in all_figures):15.1f}"
        for name in names
        for t in BUDGETS_TOKENS
    )
    print(f"{'mean':26}{row}\n")


def _verdicts(group: str, all_figures: Sequence[Figures]) -> Iterator[str]:
    for tokens, target in TARGETS.items():
        reached = mean(figures.recall["farebox", tokens] for figures in all_figures)
        verdict = "PASS" if reached >= target else "FAIL"
        least = f"at least {100 * target:.0f} %"
        yield f"{verdict}: {group}: recall at {tokens} tokens {100 * reached:.1f} %, {least}"
    wall = [ms for figures in all_figures for ms in figures.wall_ms]
    cpu = [ms for figures in all_figures for ms in figures.cpu_ms]
    verdict = "PASS" if _p95(wall) < MOST_MS else "FAIL"
    yield (
        f"{verdict}: {group}: gather() {mean(wall):.1f} ms on average, {_p95(wall):.1f} ms p95"
        f" (of its thread's CPU {_p95(cpu):.1f}), below {MOST_MS:.0f} ms"
    )
    for kind in dict.fromkeys(kind for figures in all_figures for kind in figures.steady):
        found = [figures.steady[kind] for figures in all_figures if kind in figures.steady]
        same, pairs = sum(one.same for one in found), sum(one.pairs for one in found)
        verdict = "PASS" if same == pairs else "FAIL"
        yield f"{verdict}: {group}: first 80 % the same for {same} of {pairs} neighbouring keys, {kind}"


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else 0.0


if __name__ == "__main__":
    sys.exit(main())
