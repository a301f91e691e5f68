"""``farebox status`` as a shell's prompt waits for it, beside ``python -c pass`` and ``farebox --version``.

Run it as ``python tests/bench/status.py``; README.md here says what each number means.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PYTHON, VERSION = "python -c pass", "farebox --version"
NO_LEDGER, LEDGER, BUDGETS = "status, no ledger", "status", "status, budgets"
MOST_OF_VERSION = 1.5
CALLS = 20_000
DAYS = 60

FILL = f"""
import asyncio, sys, time
from pathlib import Path
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage

async def fill():
    ledger = Ledger(Path(sys.argv[1]))
    now_ms = time.time_ns() // 1_000_000
    for number in range({CALLS}):
        name, target = f"c{{number}}", Target("openai", f"gpt-{{number % 5}}")
        started_ms = now_ms - number * {DAYS} * 86_400_000 // {CALLS}
        await ledger.hold(Hold(name, name, 1, "chat", target, 1, started_ms), ())
        ledger.settle(Settlement(name, "ok", Usage(9, 9), Cost(1000, "reported")))
    await ledger.close()

asyncio.run(fill())
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run took, of wall time and of the CPU."""

    wall_ms: float
    cpu_ms: float


def main() -> int:
    """Measure, print the table and the verdict."""
    parser = argparse.ArgumentParser(description="Measure farebox status, interleaved.")
    parser.add_argument("--rounds", type=int, default=20, help="rounds after the warm-up round (20)")
    rounds: int = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as folder:
        ways = prepared(Path(folder))
        samples: dict[str, list[Sample]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, (command, environment) in ways.items():
                sample = run(command, environment, folder)
                if number:
                    samples[name].append(sample)
    print(f"Until it has ended, median of {rounds} interleaved rounds; a ledger of {CALLS:,} requests")
    print(f"{'':22}{'wall ms':>9}{'CPU ms':>9}{'CPU / python':>15}{'CPU / --version':>18}")
    for name, taken in samples.items():
        cells = (
            f"{median(one.wall_ms for one in taken):.0f}",
            f"{median(one.cpu_ms for one in taken):.0f}",
            f"{ratio(taken, samples[PYTHON]):.2f}",
            f"{ratio(taken, samples[VERSION]):.2f}",
        )
        print(f"{name:22}{cells[0]:>9}{cells[1]:>9}{cells[2]:>15}{cells[3]:>18}")
    share = ratio(samples[LEDGER], samples[VERSION])
    verdict = "PASS" if share <= MOST_OF_VERSION else "FAIL"
    print(f"\n{verdict}: status / --version: CPU {share:.2f}, at most {MOST_OF_VERSION:.2f}")
    return 0


def prepared(folder: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return each way with its command and environment; two of them have a ledger that was filled."""
    farebox = [sys.executable, "-m", "farebox"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FAREBOX_", "PYTHON"))}
    clean["PYTHONPYCACHEPREFIX"] = str(folder / "pycache")
    plain = clean | {"FAREBOX_HOME": str(folder / "none"), "FAREBOX_CONFIG": str(folder / "none.toml")}
    filled = plain | {"FAREBOX_HOME": str(folder / "filled")}
    budgets = folder / "budgets.toml"
    budgets.write_text("[budgets]\ndaily_usd = 5\nmonthly_usd = 50\n", encoding="utf-8")
    (folder / "filled").mkdir()
    subprocess.run([sys.executable, "-c", FILL, str(folder / "filled" / "ledger.db")], env=plain, check=True)
    return {
        PYTHON: ([sys.executable, "-c", "pass"], plain),
        VERSION: ([*farebox, "--version"], plain),
        NO_LEDGER: ([*farebox, "status"], plain),
        LEDGER: ([*farebox, "status"], filled),
        BUDGETS: ([*farebox, "status"], filled | {"FAREBOX_CONFIG": str(budgets)}),
    }


def run(command: list[str], environment: dict[str, str], folder: str) -> Sample:
    """Run a command to its end."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    wall_ms = (time.perf_counter() - began) * 1000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Sample(wall_ms, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)


def ratio(ours: list[Sample], theirs: list[Sample]) -> float:
    """Return the median over the rounds of ours / theirs: slow drifts of the machine cancel."""
    return median(one.cpu_ms / other.cpu_ms for one, other in zip(ours, theirs, strict=True))


if __name__ == "__main__":
    sys.exit(main())
