"""What a server holds in memory: at rest, after its first ghost text and after its first chat.

Run it as ``python tests/bench/memory.py``; README.md here says what each number means.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import memory
from support.upstream import Upstream

MOST_MB = 80.0
REST_S = 3.0


def main() -> int:
    """Measure, print the table and the verdict."""
    parser = argparse.ArgumentParser(description="Measure the memory of farebox lsp.")
    parser.add_argument("--rounds", type=int, default=3, help="how many servers are started (3)")
    rounds: int = parser.parse_args().rounds
    if not memory.KNOWN:
        print("only Linux tells a process's memory in a file")
        return 0
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, held in one_round().items():
            samples.setdefault(name, []).append(held)
    print(f"Resident MB {REST_S:g} s later, median of {rounds} servers")
    for name, held in samples.items():
        print(f"{name:24}{median(held):>8.1f}")
    idle = median(samples["idle"])
    print(f"\n{'PASS' if idle <= MOST_MB else 'FAIL'}: idle {idle:.1f} MB, at most {MOST_MB:g}")
    return 0


def one_round() -> dict[str, float]:
    """Start a server and do one thing after the other."""
    held: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as folder, Upstream.in_thread() as upstream:
        steps = memory.steps(upstream)
        with memory.client_of(Path(folder), upstream) as client:
            for name, step in steps.items():
                step(client)
                time.sleep(REST_S)
                held[name] = memory.resident_mb(client.pid)
    return held


if __name__ == "__main__":
    sys.exit(main())
