"""Type real source files into farebox and its peers, before the same model, and print what it came to.

Run it as ``python tests/bench/typing``; README.md beside the benches says what each number means.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.typing.farebox_server import type_at_farebox
from bench.typing.oracle import Oracle
from bench.typing.peers import PEERS
from bench.typing.policies import FAREBOX, policies
from bench.typing.tabby_agent import tabby_command, type_at_tabby
from bench.typing.table import HEAD, line
from bench.typing.tally import Figures, Tally, figures, total
from bench.typing.texts import Target, default_files, targets
from bench.typing.verdict import verdicts
from bench.typing.virtual import run

OVER_STDIO, REAL_TABBY = "farebox (stdio)", "tabby-agent 1.5.0 (stdio)"
TypeOne = Callable[[Target], Awaitable[Tally]]


def main() -> int:
    """Measure at each latency, print tables and verdicts."""
    options = arguments()
    files = [Path(name) for name in options.files] if options.files else default_files()
    typed = targets(files, count=options.count, seed=options.seed)
    if not typed:
        print("FAIL: no file holds a block of 8 to 40 lines that could be typed")
        return 1
    print(
        f"{len(typed)} texts, {sum(len(one.region) for one in typed)} characters: "
        + ", ".join(t.name for t in typed)
    )
    tabby = None if options.skip_tabby or options.skip_server else tabby_command()
    for latency_ms in options.latency_ms:
        oracle = Oracle(typed, latency_ms=latency_ms, hard=options.hard, seed=options.seed)
        slots = f", {options.slots} slots" if options.slots else ""
        print(
            f"\nFirst token after {latency_ms:g} ms, {options.hard:g} of the words hard{slots}\n{HEAD}",
            flush=True,
        )
        found = virtual(typed, oracle, options)
        unexplained = 0
        if not options.skip_server:
            tally = asyncio.run(all_typed(typed, options.parallel, farebox(oracle, options)))
            unexplained = tally.unexplained
            found[OVER_STDIO] = show(OVER_STDIO, tally)
        if tabby is not None:
            tally = asyncio.run(all_typed(typed, options.parallel, agent(tabby, oracle, options)))
            found[REAL_TABBY] = show(REAL_TABBY, tally)
        peers = {name: one for name, one in found.items() if name in PEERS or name == REAL_TABBY}
        for name in (OVER_STDIO, FAREBOX):
            if name in found:
                print("\n".join(verdicts(name, found[name], peers)))
        if options.explain_check and not options.skip_server:
            word = "PASS" if unexplained == 0 else "FAIL"
            print(f"{word}: explain gave no reason for {unexplained} keystrokes, target 0")
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Type source files into farebox and its peers.")
    parser.add_argument(
        "--files", nargs="+", help="source files to take regions of (Python's library and others)"
    )
    parser.add_argument("--latency-ms", type=float, nargs="+", default=[120.0, 300.0, 700.0])
    parser.add_argument(
        "--hard", type=float, default=0.2, help="share of words that are wrong at first (0.2)"
    )
    parser.add_argument("--slots", type=int, default=0, help="requests served at a time; 0: all (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keys", type=int, help="stop each text after so many keys")
    parser.add_argument("--count", type=int, default=12, help="how many regions are typed (12)")
    parser.add_argument("--parallel", type=int, default=6, help="texts typed at once in real time (6)")
    parser.add_argument("--skip-server", action="store_true", help="virtual time only: half a minute")
    parser.add_argument("--skip-tabby", action="store_true", help="without npm's tabby-agent")
    parser.add_argument("--explain-check", action="store_true", help="ask why, after each answer")
    return parser.parse_args()


def virtual(typed: Sequence[Target], oracle: Oracle, options: argparse.Namespace) -> dict[str, Figures]:
    """Run every policy in virtual time."""
    found: dict[str, Figures] = {}
    for name, policy in policies().items():
        tallies = [
            run(policy(), target, oracle, seed=options.seed, slots=options.slots, max_keys=options.keys)
            for target in typed
        ]
        found[name] = show(name, total(tallies))
    return found


def farebox(oracle: Oracle, options: argparse.Namespace) -> TypeOne:
    """Return what types one text at farebox."""
    return lambda target: type_at_farebox(
        target,
        oracle,
        seed=options.seed,
        slots=options.slots,
        max_keys=options.keys,
        explain=options.explain_check,
    )


def agent(command: Sequence[str], oracle: Oracle, options: argparse.Namespace) -> TypeOne:
    """Return what types one text at tabby-agent."""
    return lambda target: type_at_tabby(
        command, target, oracle, seed=options.seed, slots=options.slots, max_keys=options.keys
    )


async def all_typed(typed: Sequence[Target], parallel: int, type_one: TypeOne) -> Tally:
    """Type all texts in real time, some at once, each before a server of its own."""
    free = asyncio.Semaphore(parallel)

    async def one(target: Target) -> Tally:
        async with free:
            return await type_one(target)

    return total(await asyncio.gather(*(one(target) for target in typed)))


def show(name: str, tally: Tally) -> Figures:
    """Print one line."""
    result = figures(tally)
    print(line(name, result), flush=True)
    return result


if __name__ == "__main__":
    began = time.perf_counter()
    code = main()
    print(f"\n{time.perf_counter() - began:.0f} s")
    sys.exit(code)
