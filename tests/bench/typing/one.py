"""Some policies in virtual time, fast: ``python tests/bench/typing/one.py NAME`` prints their lines."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.typing.oracle import Oracle
from bench.typing.policies import policies
from bench.typing.table import HEAD, line
from bench.typing.tally import figures, total
from bench.typing.texts import DEFAULT_REGIONS, default_files, targets
from bench.typing.virtual import run


def main() -> int:
    """Run it and print the lines."""
    parser = argparse.ArgumentParser(description="Run policies in virtual time.")
    known = policies()
    parser.add_argument("names", nargs="*", help=f"beginnings of: {', '.join(known)}")
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[120.0, 300.0, 700.0])
    parser.add_argument("--hard", type=float, default=0.2)
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=DEFAULT_REGIONS)
    options = parser.parse_args()
    chosen = [name for name in known if name.startswith(tuple(options.names or [""]))]
    typed = targets(default_files(), count=options.count, seed=options.seed)
    for latency_ms in options.latency_ms:
        oracle = Oracle(typed, latency_ms=latency_ms, hard=options.hard, seed=options.seed)
        print(f"\n{latency_ms:g} ms\n{HEAD}")
        for name in chosen:
            began = time.perf_counter()
            tallies = [
                run(known[name](), target, oracle, seed=options.seed, slots=options.slots) for target in typed
            ]
            print(line(name, figures(total(tallies))), f" {time.perf_counter() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
