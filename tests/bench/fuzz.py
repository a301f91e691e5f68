"""Sequences of messages against the real server: ``python tests/bench/fuzz.py --sequences 100000``.

README.md here says what is done and printed. What is found is written as the shortest case that shows it.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.fuzz.campaign import Report, campaign, fails, lives_for  # noqa: E402
from support.fuzz.steps import Layer, read_cases  # noqa: E402

SEQUENCES = 100_000
A_LIFE = 1_000
LAYERS: tuple[Layer, ...] = ("bytes", "grammar", "session")


def main() -> int:
    """Run, or replay, and print the figures."""
    parser = argparse.ArgumentParser(description="Fuzz the server over its pipes.")
    parser.add_argument("--sequences", type=int, default=SEQUENCES, help=f"how many ({SEQUENCES})")
    parser.add_argument("--a-life", type=int, default=A_LIFE, help=f"sequences for each process ({A_LIFE})")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=LAYERS, help="one layer alone")
    parser.add_argument("--finds", type=int, default=5, help="stop after so many finds")
    parser.add_argument("--out", type=Path, default=Path("fuzz-finds.jsonl"), help="where finds are written")
    parser.add_argument("--replay", type=Path, help="run the cases of a file, each in a process of its own")
    options = parser.parse_args()
    if options.replay is not None:
        return asyncio.run(replay(options.replay))
    lives = lives_for(options.sequences, options.a_life)
    if options.only is not None:
        lives = [(options.only, count) for _, count in lives]
    print(f"seed {options.seed}: {options.sequences} sequences in {len(lives)} lives", flush=True)
    began = time.perf_counter()
    report = asyncio.run(
        campaign(options.seed, lives, lambda now: _tell(now, began), most_found=options.finds)
    )
    with options.out.open("a", encoding="utf-8") as out:
        for found in report.found:
            out.write(found.case.line(found.what) + "\n")
            alone = "" if found.alone else " (not by itself)"
            print(f"FOUND in {found.case.name}{alone}, {len(found.case.steps)} steps: {found.what}")
    return _sum_up(report, began)


def _tell(report: Report, began: float) -> None:
    tally, took_s = report.tally, time.perf_counter() - began
    done = sum(tally[layer] for layer in LAYERS)
    print(
        f"{took_s:6.0f} s: {report.lives} lives, {done} sequences ({done / took_s:.0f}/s),"
        f" {tally['messages']} messages, {len(report.found)} found, most {report.most_mb} MB",
        flush=True,
    )


def _sum_up(report: Report, began: float) -> int:
    tally, took_s = report.tally, time.perf_counter() - began
    layers = ", ".join(f"{layer} {tally[layer]}" for layer in LAYERS)
    done = sum(tally[layer] for layer in LAYERS)
    print(f"\n{done} sequences in {took_s:.0f} s ({layers}) in {report.lives} processes")
    print(
        f"{tally['messages']} messages sent, {tally['received']} received; {tally['requests']} answered once"
    )
    print(f"{tally['texts compared']} texts as the oracle has them; at most {report.most_mb} MB")
    same = report.billed == report.booked
    print(
        f"ledger: {tally['ledger rows']} rows, {report.billed} nano-dollars billed, {report.booked} booked"
        f" ({'equal' if same else 'NOT EQUAL'}); {report.estimated} rows that no bill was told of"
    )
    print("PASS" if same and not report.found else f"FAIL: {len(report.found)} found")
    return 0 if same and not report.found else 1


async def replay(file: Path) -> int:
    """Run each case of a file, and say which fail."""
    failed = 0
    for case in read_cases(file):
        what = await fails(case)
        failed += what is not None
        print(f"{case.name}: {'ok' if what is None else what}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
