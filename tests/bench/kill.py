"""A thousand processes killed while they use the ledger: is everything in it that was billed, and just once?

Run it as ``python tests/bench/kill.py``; README.md here says what is done and counted.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support import billing, books, faults, lives
from support.ledger_worker import environment, until, worker, write_config

OUTLIVES_S = 60
LOOKS_EACH = 50


@dataclass(slots=True)
class Figures:
    """What was seen; ``longest_s`` is how long something was held at most for one that was dead."""

    places: Counter[str] = field(default_factory=Counter[str])
    died_s: dict[str, float] = field(default_factory=dict[str, float])
    longest_s: float = 0.0
    integrity: Counter[str] = field(default_factory=Counter[str])

    def look(self, folder: Path) -> bool:
        """See what is held for the dead; say whether anything is."""
        held = [self.died_s[life] for life in map(lives.life_of, books.held(folder)) if life in self.died_s]
        self.longest_s = max([self.longest_s, *(time.time() - died_s for died_s in held)])
        return bool(held)


async def main() -> int:
    """Kill, count, print; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description="Kill processes that use the ledger, and compare the books.")
    parser.add_argument("--kills", type=int, default=1_000, help="how many (1000)")
    parser.add_argument("--locks", action="store_true", help="keep the ledger locked half of the time")
    parser.add_argument("--seed", type=int, default=1, help="of when and where (1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as name:
        folder = Path(name)
        with billing.provider(environment(folder)) as provider:
            write_config(folder, provider.base_url)
            async with worker(folder) as observer:
                await observer.look()
                began_s = time.monotonic()
                with ExitStack() as stack:
                    if options.locks:
                        stack.enter_context(faults.locked_now_and_then(books.ledger_file(folder)))
                    figures = await kill(options.kills, options.seed, folder)
                took_s = time.monotonic() - began_s
            billed = provider.billed()
        audit = books.audit(folder, billed)
    random_moments, by_themselves = figures.places.pop(lives.A_MOMENT, 0), figures.places.pop("", 0)
    print(
        f"{random_moments + figures.places.total()} killed in {took_s:.0f} s, {lives.AT_ONCE} at once;",
        end=" ",
    )
    print(f"{by_themselves} more came to their own end")
    print(f"{random_moments} at random moments, {figures.places.total()} at {len(figures.places)} lines")
    print(f"{len(billed)} requests were billed, {audit.rows} rows")
    print(f"longest hold of a dead process: {figures.longest_s:.1f} s; held at the end: {len(audit.held)}")
    print(f"integrity_check while they were killed: {dict(figures.integrity)}; at the end: {audit.integrity}")
    is_right = not audit.faults and figures.longest_s <= OUTLIVES_S and set(figures.integrity) == {"ok"}
    for name, found in audit.faults.items():
        print(f"{name}: {found}"[:500])
    print("PASS" if is_right else "FAIL")
    return 0 if is_right else 1


async def kill(count: int, seed: int, folder: Path) -> Figures:
    """Have so many killed, and look at the ledger while that goes on and until nothing is held."""
    figures = Figures()
    with lives.kills(count, environment(folder), seed=seed) as deaths:
        for number, death in enumerate(deaths):
            figures.places[death.place] += 1
            figures.died_s[death.life] = death.died_s
            figures.look(folder)
            if number % LOOKS_EACH == 0:
                figures.integrity[books.integrity(folder)] += 1
    await until(lambda: not figures.look(folder), 2 * OUTLIVES_S)
    return figures


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
