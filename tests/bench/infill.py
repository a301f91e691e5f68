"""How well an answer is trimmed: right ones untouched, broken ones repaired exactly, on HumanEval-Infilling.

Run it as ``python tests/bench/infill.py``; README.md here says what the numbers mean.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from infill_faults import FAULTS, moved_echo
from infill_holes import (
    DATA,
    PLACES,
    SPLITS,
    Hole,
    Task,
    as_it_is,
    behind_indent,
    on_empty_line,
    real,
    spans,
    tasks,
)

from farebox.completion.boundary import boundary
from farebox.completion.trim import trim

UNTOUCHED = 0.995
REPAIRED = 0.97
SAMPLE = 600
SEED = 20
PIECE_CHARS = 7

HELD = ("single-line", "multi-line")
"""The rows that the targets are for."""


def main() -> int:
    """Measure, print the tables and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure how answers are trimmed.")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of HumanEval-Infilling")
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"holes of each row ({SAMPLE}); 0 is all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--real", action="store_true", help="also cut holes out of files of this machine")
    parser.add_argument("--show", metavar="ROW/FAULT", help="print answers that were not repaired")
    options = parser.parse_args()
    rows = _rows(options.data, options.seed, real_files=options.real, sample=options.sample)
    if not any(options.data.glob("*.jsonl.gz")):
        print(f"no HumanEval-Infilling in {options.data}: name its folder by --data or FAREBOX_INFILLING")
    print(f"\nTrimmed exactly, % of answers (seed {options.seed})")
    print(f"{'':30}{'holes':>6}" + "".join(f"{name:>9}" for name in (*FAULTS, "moved")))
    shares: dict[str, dict[str, float]] = {}
    for name, holes in rows.items():
        shares[name] = trimmed(name, holes, options.seed, show=options.show)
        print(f"{name:30}{len(holes):>6}" + cells(shares[name], (*FAULTS, "moved")), flush=True)
    print(f"\nAs text runs in, pieces of {PIECE_CHARS} characters: cut at its boundary, then trimmed, %")
    print("right: the middle, or whole lines at its head. exact: all of it. one line: the first line of it")
    names = ("right", "exact", "one line", "over 3", "loop", "fence")
    print(f"{'':30}{'holes':>6}" + "".join(f"{name:>9}" for name in names))
    for name, holes in rows.items():
        shown = running(name, holes, options.seed, options.show)
        print(f"{name:30}{len(holes):>6}" + cells(shown, names), flush=True)
    print()
    for name in HELD:
        for fault, share in shares.get(name, {}).items():
            least = UNTOUCHED if fault == "clean" else REPAIRED
            if fault in FAULTS:
                verdict(f"{name} {fault}", share >= least, f"{share:.1%}, at least {least:.1%}")
    return 0


def verdict(what: str, held: bool, figure: str) -> None:
    """Say whether a target is met."""
    print(f"{'PASS' if held else 'FAIL'}: {what} {figure}")


def cells(shares: dict[str, float], names: Iterable[str]) -> str:
    """Write out shares; a dash where there was nothing to measure."""
    return "".join(f"{shares[name]:>9.1%}" if name in shares else f"{'-':>9}" for name in names)


def _rows(data: Path, seed: int, *, real_files: bool, sample: int) -> dict[str, list[Hole]]:
    found: dict[str, list[Hole]] = {}
    for split in SPLITS:
        whole = tasks(data, split)
        some = _some(whole, sample, seed)
        name = {"SingleLine": "single-line", "MultiLine": "multi-line"}.get(split)
        if name is None:
            found[split] = [as_it_is(task) for task in some]
            continue
        found[name] = [on_empty_line(task) for task in some]
        found[f"{name}, indented"] = [behind_indent(task) for task in some]
        found[f"{name}, as it is"] = [as_it_is(task) for task in some]
        if split == "SingleLine":
            found["random spans (ours)"] = list(spans(whole, seed))[: sample or None]
    if real_files:
        for language in PLACES:
            found[f"{language}, lines"] = real(language, sample or SAMPLE, seed, lines=True)
            found[f"{language}, pieces"] = real(language, sample or SAMPLE, seed, lines=False)
    return {name: holes for name, holes in found.items() if holes}


def _some(whole: list[Task], sample: int, seed: int) -> list[Task]:
    if not sample or sample >= len(whole):
        return whole
    return random.Random(seed).sample(whole, sample)


def trimmed(name: str, holes: list[Hole], seed: int, *, show: str | None) -> dict[str, float]:
    """Return for each fault the share of answers that come out as the middle, but for space at the end."""
    shares: dict[str, float] = {}
    for fault, make in (*FAULTS.items(), ("moved", moved_echo)):
        chance = random.Random(seed)
        right: list[bool] = []
        for hole in holes:
            answer = make(hole, chance)
            if answer is None or not hole.middle.strip():
                continue
            got = (trim(answer, hole.window) or "").rstrip()
            right.append(got == hole.middle.rstrip())
            if not right[-1] and show in (f"{name}/{fault}", f"*/{fault}"):
                _print(hole, answer, got)
        if right:
            shares[fault] = sum(right) / len(right)
    return shares


def _print(hole: Hole, answer: str, got: str) -> None:
    print("-" * 100)
    before, after = hole.window.prefix[-160:], hole.window.suffix[:160]
    print(f"{hole.window.name}\nprefix {before!r}\nmiddle {hole.middle!r}\nanswer {answer!r}")
    print(f"   got {got!r}\nsuffix {after!r}")


def running(name: str, holes: list[Hole], seed: int, show: str | None) -> dict[str, float]:
    """Return the shares of what is shown of running text."""
    right: dict[str, list[bool]] = defaultdict(list)
    for hole in holes:
        middle = hole.middle.rstrip()
        if not middle.strip():
            continue
        shown = cut(hole.middle, hole, one_line=False)
        right["exact"].append(shown == middle)
        right["right"].append(_is_head(shown, middle))
        if not right["right"][-1] and show in (f"{name}/right", "*/right"):
            _print(hole, hole.middle, shown)
        right["one line"].append(cut(hole.middle, hole, one_line=True) == _first_line(middle))
        for fault in ("over 3", "loop", "fence"):
            answer = FAULTS[fault](hole, random.Random(seed))
            if answer is not None:
                right[fault].append(_is_head(cut(answer, hole, one_line=False), middle))
    return {fault: sum(held) / len(held) for fault, held in right.items() if held}


def cut(answer: str, hole: Hole, *, one_line: bool) -> str:
    """Let an answer run in, cut it at its boundary as soon as that is known, and trim it."""
    for end in range(PIECE_CHARS, len(answer) + PIECE_CHARS, PIECE_CHARS):
        at = boundary(answer[:end], hole.window, one_line=one_line)
        if at is not None:
            return (trim(answer[:at], hole.window) or "").rstrip()
    return (trim(answer, hole.window) or "").rstrip()


def _is_head(shown: str, middle: str) -> bool:
    bare = "".join(line.rstrip() + "\n" for line in middle.split("\n"))
    return bool(shown) and bare.startswith("".join(line.rstrip() + "\n" for line in shown.split("\n")))


def _first_line(middle: str) -> str:
    blank = len(middle) - len(middle.lstrip("\n"))
    return middle[:blank] + middle[blank:].partition("\n")[0].rstrip()


if __name__ == "__main__":
    raise SystemExit(main())
