"""How soon a cancelled request's socket is closed, as the provider sees it, in every phase of a request.

Run it as ``python tests/bench/cancel.py``; README.md here says what the numbers mean.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from statistics import quantiles

sys.path.insert(0, str(Path(__file__).parents[1]))

from farebox.app import App, Client
from support.dangling import Dangling, Phase, ask, listen

MEASURED: tuple[Phase, ...] = ("handshake", "waiting", "thinking", "streaming")
"""What a provider can see; a connection that is not made yet it can't (tests/router/test_cancel.py does)."""

P99_MS = 50.0
LOST_S = 5.0
"""A socket that is open for so long after its request was cancelled will stay so."""


def main() -> int:
    """Measure, print the table and the verdict; 1 only if a socket stays open."""
    parser = argparse.ArgumentParser(description="Measure cancel to socket closed.")
    parser.add_argument("--cancels", type=int, default=1_000, help="over all phases (1000)")
    options = parser.parse_args()
    taken = asyncio.run(measure(options.cancels))
    print(f"\nCancel to socket closed at the provider, ms, {options.cancels} cancels")
    print(f"{'':12}" + "".join(f"{head:>9}" for head in ("count", "p50", "p99", "max")))
    everything = list(chain.from_iterable(taken.values()))
    for name, times in {**taken, "all": everything}.items():
        closed = [one for one in times if one is not None]
        cells = (f"{len(closed)}/{len(times)}", *(f"{value:.2f}" for value in summary(closed)))
        print(f"{name:12}" + "".join(f"{cell:>9}" for cell in cells))
    return verdict(everything)


def summary(times: list[float]) -> tuple[float, float, float]:
    """Return the median, what 99 of 100 stay below, and the longest."""
    if len(times) < 2:
        only = times[0] if times else 0.0
        return only, only, only
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98], max(times)


def verdict(times: list[float | None]) -> int:
    """Say whether the target is met."""
    lost = times.count(None)
    if lost:
        print(f"FAIL: {lost} sockets were still open after {LOST_S:g} s")
        return 1
    p99 = summary([one for one in times if one is not None])[1]
    print(f"{'PASS' if p99 <= P99_MS else 'FAIL'}: p99 {p99:.2f} ms, at most {P99_MS:g}")
    return 0


async def measure(cancels: int) -> dict[str, list[float | None]]:
    """Cancel one request after the other, the phases in turn."""
    taken: dict[str, list[float | None]] = {phase: [] for phase in MEASURED}
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as home:
        async with Dangling() as dangling:
            config = Path(home) / "config.toml"
            config.write_text(dangling.config(), "utf-8")
            app = App(Client("bench"), environment={"FAREBOX_HOME": home, "FAREBOX_CONFIG": str(config)})
            app.warm_up()
            for number in range(cancels):
                phase = MEASURED[number % len(MEASURED)]
                taken[phase].append(await cancel_once(app, dangling, phase))
            await app.close()
    return taken


async def cancel_once(app: App, dangling: Dangling, phase: Phase) -> float | None:
    """Cancel a request where it is to be; return the milliseconds until its socket was closed."""
    heard = asyncio.Event()
    task = asyncio.create_task(listen(ask(app, phase), heard))
    visit = await dangling.stopped[phase].get()
    if phase == "streaming":
        await heard.wait()
    began = time.perf_counter()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    try:
        await asyncio.wait_for(visit.gone.wait(), LOST_S)
    except TimeoutError:
        return None
    return (visit.gone_s - began) * 1000


if __name__ == "__main__":
    raise SystemExit(main())
