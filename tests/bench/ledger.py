"""What the ledger adds to a request, and how soon a million rows are summed up.

Run it as ``python tests/bench/ledger.py``; README.md here says what each number means.
"""

import argparse
import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, aclosing, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import startup  # noqa: E402  they are beside this file, and in the folder above
from door import upstream, verdict  # noqa: E402
from door_upstream import EVENTS, WHOLE  # noqa: E402
from door_ways import KEY, MODEL, question  # noqa: E402

from support.faults import locked  # noqa: E402
from support.million import DAY_MS, Million  # noqa: E402

if TYPE_CHECKING:
    from farebox.app import App

ROWS = 1_000_000
DAYS = 30
WARM_UPS = 10
HEARTBEAT_S = 0.001
LOCKED_S = 10.0
ADDS_MS, REPORT_MS, RATIO = 0.2, 300, 3.0
BUDGETS = """
[budgets]
daily_usd = 100000.0
weekly_usd = 500000.0
monthly_usd = 900000.0
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A door of its own process: with a ledger or without, with budgets or without."""

    name: str
    budgets: bool = False
    beside: str = "no ledger"
    home: str | None = None
    """Which folder its ledger is in; None for a ledger that does nothing."""


NOTHING, NOTHING_BUDGETS = Way("no ledger"), Way("no ledger, budgets", budgets=True)
WAYS = (
    NOTHING,
    Way("empty ledger", home="empty"),
    Way("a million rows", home="million"),
    NOTHING_BUDGETS,
    Way("empty, budgets", budgets=True, beside=NOTHING_BUDGETS.name, home="empty"),
    Way("a million, budgets", budgets=True, beside=NOTHING_BUDGETS.name, home="million"),
)


# --- in a process of its own ---------------------------------------------------------------------


class _NoLedger:
    """Stands where the ledger is, and does nothing; for the door alone."""

    def place(self, _hold: object, _limits: object) -> None:
        """Place nothing."""

    async def placed(self, _placing: object) -> None:
        """Wait for nothing."""

    def settle(self, _settlement: object) -> None:
        """Settle nothing."""

    mark = tell = settle

    def last_known(self, _limit: object) -> object:
        """Say that nothing is spent."""
        from farebox.ledger.records import Spent

        return Spent(0, 0)

    async def close(self) -> None:
        """Close nothing."""


def open_app(folder: Path, url: str, budgets: str, *, has_ledger: bool = True) -> "App":
    """Return a farebox whose ledger is in a folder."""
    from farebox.app import App, Client

    file = folder / f"config-{os.getpid()}.toml"
    file.write_text(
        f'[tasks]\nchat = "openrouter/{MODEL}"\n[providers.openrouter]\nbase_url = "{url}"\n{budgets}'
    )
    environment = {"FAREBOX_HOME": str(folder), "FAREBOX_CONFIG": str(file), "OPENROUTER_API_KEY": KEY}
    app = App(Client("bench"), environment=environment)
    if not has_ledger:
        stand_in: Any = _NoLedger()
        app.ledger = stand_in
    app.warm_up()
    return app


async def ask(app: "App", number: int) -> tuple[float, float]:
    """Send one request; return milliseconds to its first text and to its end."""
    from farebox.messages import Call, Chat, Message, Text
    from farebox.router.request import Request, Serving

    text = question(number)

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", text),)), max_output_tokens=1000)

    began, first, count = time.perf_counter(), None, 0
    request = Request("chat", render, len(text), 1000)
    async with aclosing(app.door().send(request).events()) as events:
        async for event in events:
            if isinstance(event, Text):
                first = first or time.perf_counter()
                count += 1
    if first is None or count != EVENTS:
        raise RuntimeError(f"{count} events of {EVENTS}")
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


async def take_orders(folder: Path, url: str, way: Way) -> None:
    """Send one request for each line of stdin, and answer with what it took."""
    app = open_app(folder, url, BUDGETS if way.budgets else "", has_ledger=way.home is not None)
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        print(*await ask(app, int(line)), flush=True)
    await app.close()


# --- the hot path ----------------------------------------------------------------------------------


@contextmanager
def running(way: Way, folder: Path, url: str) -> Generator[Callable[[int], float]]:
    """Run a way in its process; give what has a request sent and returns milliseconds to its first text."""
    command = [sys.executable, __file__, "--way", way.name, "--folder", str(folder), "--url", url]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018

    def send(number: int) -> float:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        process.stdin.write(f"{number}\n")
        process.stdin.flush()
        return float(process.stdout.readline().split()[0])

    try:
        yield send
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def hot_path(folders: dict[str, Path], url: str, rounds: int) -> None:
    """Have all ways take turns, each round in another order; print what a ledger adds."""
    firsts: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with ExitStack() as stack:
        sends = {
            way.name: stack.enter_context(running(way, folders[way.home or "none"], url)) for way in WAYS
        }
        for number in range(WARM_UPS + rounds):
            shift = number % len(WAYS)
            for name in [*firsts][shift:] + [*firsts][:shift]:
                took_ms = sends[name](number)
                if number >= WARM_UPS:
                    firsts[name].append(took_ms)
    print(
        f"\nTo the first token, {rounds} interleaved rounds; ms; adds: median difference to the same without"
    )
    print(f"{'':24}{'median':>9}{'adds':>9}")
    for way in WAYS:
        print(f"{way.name:24}{median(firsts[way.name]):9.2f}{added(firsts, way):9.2f}")
    for way in WAYS:
        if way.home is not None and not way.budgets:  # what checks budgets is more than a record
            adds = added(firsts, way)
            verdict(
                adds <= ADDS_MS, f"{way.name}: adds {adds:.2f} ms to the first token, at most {ADDS_MS:g}"
            )


def added(firsts: dict[str, list[float]], way: Way) -> float:
    """Return the median difference to the same request without a ledger."""
    pairs = zip(firsts[way.name], firsts[way.beside], strict=True)
    return median(one - other for one, other in pairs)


async def blocked(folder: Path, url: str) -> None:
    """Print how long the event loop stood still at most, while nobody and while another process writes."""
    app = open_app(folder, url, "")
    await ask(app, 0)
    for name in ("free", "locked"):
        with ExitStack() as stack:
            if name == "locked":
                stack.enter_context(locked_elsewhere(app.ledger.path))
            gaps: list[float] = []
            heart = asyncio.create_task(beat(gaps))
            firsts: list[float] = []
            ends_s = time.monotonic() + LOCKED_S
            while time.monotonic() < ends_s:
                firsts.append((await ask(app, len(firsts)))[0])
            heart.cancel()
            print(f"{name:7} {len(firsts)} requests, first token at most {max(firsts):.0f} ms,", end=" ")
            print(f"the event loop stood still for {max(gaps):.1f} ms at most")
    await app.close()


async def beat(gaps: list[float]) -> None:
    """Note how late each beat comes, in milliseconds."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(HEARTBEAT_S)
        gaps.append((time.perf_counter() - began - HEARTBEAT_S) * 1000)


@contextmanager
def locked_elsewhere(file: Path) -> Generator[None]:
    """Have another process keep a ledger locked."""
    command = [sys.executable, __file__, "--lock", str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018
    process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


# --- a million rows ------------------------------------------------------------------------------

BARE = """
    SELECT day, model, COUNT(*), SUM(cost_nanodollars), SUM(input_tokens), SUM(output_tokens)
    FROM calls WHERE state = 'settled' AND started_ms >= ? GROUP BY day, model
"""


async def reports(folder: Path, since_ms: int, rounds: int) -> None:
    """Print how long the month's report takes, beside the bare sum of the same rows."""
    app = open_app(folder, "http://127.0.0.1:9/v1", "")
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since_ms / 1000))
    dimensions = (("day", "model"), ("hour", "model"), ("workspace",), ("conversation",))
    took: dict[tuple[str, ...], list[float]] = {by: [] for by in dimensions}
    bare: list[float] = []
    with closing(sqlite3.connect(f"file:{app.ledger.path}?mode=ro", uri=True)) as connection:
        for _ in range(rounds + 1):
            began = time.perf_counter()
            rows = connection.execute(BARE, (since_ms,)).fetchall()
            bare.append((time.perf_counter() - began) * 1000)
            for by in dimensions:
                began = time.perf_counter()
                report = await app.cost_report(since=since, by=by)
                took[by].append((time.perf_counter() - began) * 1000)
                if by == ("day", "model"):
                    assert report.total.cost_nanodollars == sum(row[3] for row in rows)
                    assert len(report.rows) == len(rows)
    await app.close()
    bare_ms = median(bare[1:])
    print(f"\nThe month's report of {ROWS:,} rows, median of {rounds}; ms")
    print(f"{'the bare sum by day and model':32}{bare_ms:9.0f}")
    for by, each in took.items():
        print(f"{'report by ' + ' and '.join(by):32}{median(each[1:]):9.0f}   first {each[0]:.0f}")
    main_ms = median(took["day", "model"][1:])
    ratio = median(one / other for one, other in zip(took["day", "model"][1:], bare[1:], strict=True))
    verdict(main_ms <= REPORT_MS, f"by day and model: {main_ms:.0f} ms, at most {REPORT_MS}")
    verdict(ratio <= RATIO, f"/ the bare sum: {ratio:.2f}, at most {RATIO:g}")


def starts(folders: dict[str, Path], rounds: int) -> None:
    """Print how long ``initialize`` takes with each ledger."""
    request = startup.initialize_request()
    servers = {
        f"farebox lsp, {name}": [
            "env",
            f"FAREBOX_HOME={folders[name]}",
            sys.executable,
            "-m",
            "farebox",
            "lsp",
        ]
        for name in ("none", "million")
    }
    with startup.environment() as environment:
        samples = startup.rounds(servers, request, environment, count=rounds)
    print(f"\nSpawn to initialize answered, {rounds} interleaved rounds; ms")
    for name, each in samples.items():
        cpu = median(sample.cpu_ms or 0 for sample in each)
        print(f"{name:32}wall {median(sample.wall_ms for sample in each):6.0f}   CPU {cpu:6.0f}")
    none, million = samples.values()
    ratio = median((one.cpu_ms or 1) / (other.cpu_ms or 1) for one, other in zip(million, none, strict=True))
    verdict(ratio < 1.05, f"a million rows / none: CPU {ratio:.2f}, below 1.05")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description="Measure what the ledger adds to a request, and its reports."
    )
    parser.add_argument("--rounds", type=int, default=200, help="of requests, after the warm-up (200)")
    parser.add_argument(
        "--million", type=Path, metavar="FOLDER", help="keep the large ledger there, or reuse it"
    )
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--lock", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        way = next(way for way in WAYS if way.name == options.way)
        asyncio.run(take_orders(options.folder, options.url, way))
        return
    if options.lock:
        with locked(options.lock):
            print("locked", flush=True)
            sys.stdin.read()
        return
    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as name:
        folders = {one: Path(name) / one for one in ("none", "empty", "million")}
        if options.million is not None:
            folders["million"] = options.million
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        million = Million(since_ms=int(time.time()) * 1000 - DAYS * DAY_MS, rows=ROWS, days=DAYS)
        if not (folders["million"] / "ledger.db").exists():
            print(f"writing {ROWS:,} rows: this takes a minute", flush=True)
            million.write(folders["million"] / "ledger.db")
        asyncio.run(reports(folders["million"], million.since_ms, rounds=3))
        starts(folders, rounds=10)
        with upstream() as origin:
            url = f"{origin}/{WHOLE}/v1"
            hot_path(folders, url, options.rounds)
            print()
            asyncio.run(blocked(folders["empty"], url))


if __name__ == "__main__":
    main()
