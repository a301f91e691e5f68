"""What a keystroke costs where nothing has to be waited for: hits, shut gates, edits, beside a bare pygls.

Run it as ``python tests/bench/ghosts.py``; README.md here says what each number means.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench.ghosts_editor import MODEL, Editor, Model, Series, document, statement  # noqa: E402
from support.environment import clean_environment  # noqa: E402
from support.metamodel import Json  # noqa: E402
from support.upstream import Upstream  # noqa: E402

LINES = (300, 2_000, 20_000)
TARGET_P95_MS = 5.0
TARGET_LINES = 2_000
"""In larger documents pygls' own bookkeeping alone takes longer."""
KEYS = 150
GAP_S = 0.03
"""Faster than anybody types, and slow enough for what a key sets off to be done before the next one."""
THINKING_S = 0.4
"""Between keys beside a worker that is to be at work: it is quiet while keys come faster."""
WORKSPACE_FILES = 500
STORM_EDITS_PER_S, STORM_S, STORM_EDITS_PER_REQUEST = 10_000, 5, 10
STORM_BOUND_S = 60
"""No more is written after that: the server takes what it can, and the pipe holds the rest back."""
STORM_TOLD_EACH_S = 5
DEBOUNCE_MS = 75
READY_S = 30.0
DEADLINE_S = 100.0

FAREBOX = (sys.executable, "-m", "farebox", "lsp")
BARE = (sys.executable, str(HERE / "bare_ghosts.py"))


# --- the cases ---------------------------------------------------------------------------------------


def type_constant(editor: Editor, series: Series, keys: int, gap_s: float) -> None:
    """Type letters at the cursor: what the bare server answers does not matter."""
    for _ in range(keys):
        editor.key(series, "a")
        time.sleep(gap_s)


def edit_alone(editor: Editor, series: Series, keys: int, gap_s: float) -> None:
    """Type letters, and ask for nothing."""
    for _ in range(keys):
        editor.key(series, "a", asks=False)
        time.sleep(gap_s)


def at_shut_gate(editor: Editor, series: Series, keys: int, gap_s: float) -> None:
    """Type in the middle of a word."""
    editor.insert("word", moves=False)
    type_constant(editor, series, keys, gap_s)


def along_ghosts(editor: Editor, series: Series, keys: int, gap_s: float) -> None:
    """Wait for a ghost at the beginning of a line, unmeasured, and type along it."""
    while len(series.walls_ms) < keys:
        editor.model.turn()
        editor.insert("\n    ")
        shown = editor.ghost()
        while len(shown) > 1 and len(series.walls_ms) < keys:
            time.sleep(gap_s)
            shown = editor.key(series, shown[0])


def beside_own_files(editor: Editor, series: Series, keys: int, gap_s: float) -> None:
    """Type what stands above already, so that the embedded completer knows it."""
    again = f"\n    {statement(1)}\n    {statement(2)}\n    {statement(3)}"
    for char in itertools.islice(itertools.cycle(again), keys):
        editor.key(series, char)
        time.sleep(gap_s)


Case = Callable[[Editor, Series, int, float], None]


@dataclass(frozen=True, slots=True)
class Way:
    """A case: how it is typed, and before which server. ``trickles``: the model's answer goes on and on."""

    name: str
    type: Case
    command: Sequence[str] = FAREBOX
    has_model: bool = True
    trickles: bool = False
    baseline: str = "bare: answer"


WAYS = (
    Way("bare: answer", type_constant, BARE, has_model=False),
    Way("bare: didChange", edit_alone, BARE, has_model=False, baseline="bare: didChange"),
    Way("didChange", edit_alone, baseline="bare: didChange"),
    Way("gate shut", at_shut_gate),
    Way("cache", along_ghosts),
    Way("running text", along_ghosts, trickles=True),
    Way("embedded", beside_own_files, has_model=False),
)


# --- running -----------------------------------------------------------------------------------------


@contextmanager
def editor_of(
    way: Way, lines: int, *, workspace: bool = False, profile: Path | None = None
) -> Generator[Editor]:
    """Run a server and open the document in it."""
    with (
        tempfile.TemporaryDirectory(prefix="farebox-ghosts-", ignore_cleanup_errors=True) as name,
        Upstream.in_thread() as upstream,
    ):
        model = Model(upstream, way.trickles)
        folder = Path(name)
        files = folder / "files"
        files.mkdir()
        if workspace:
            for number in range(WORKSPACE_FILES):
                (files / f"part_{number}.py").write_text(document(200 + number % 200), "utf-8")
        config = ""
        if way.has_model:
            config = (
                f'[tasks]\ncomplete = "local/{MODEL}"\n[providers.local]\nbase_url = "{upstream.base_url}"\n'
            )
            config += f"[completion]\ndebounce_ms = {DEBOUNCE_MS}\n"
        (folder / "config.toml").write_text(config, "utf-8")
        command = [*way.command]
        if profile is not None and way.command is FAREBOX:
            command = [sys.executable, "-m", "cProfile", "-o", str(profile), *command[1:]]
        with (folder / "stderr.log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=clean_environment(folder),
            )
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        try:
            editor = Editor(process, files, lines, model)
            root = files.as_uri() if workspace else None
            start: Json = {"processId": os.getpid(), "rootUri": root, "capabilities": {}}
            editor.request("initialize", start)
            editor.notify("initialized", {})
            if way.command is FAREBOX:
                editor.request("farebox/doctor", {})  # all is imported, and the provider known
            editor.open(document(lines))
            editor.request("bench/nothing", None)
            if not workspace:
                time.sleep(THINKING_S + lines / 20_000)  # the open document is read
            yield editor
            editor.request("shutdown", None)
            editor.notify("exit", None)
            with suppress(OSError):
                process.communicate(timeout=READY_S)
        finally:
            deadline.cancel()
            if process.poll() is None:
                process.kill()
            process.wait()


def measure(way: Way, lines: int, keys: int, *, workspace: bool, profile: Path | None) -> Series:
    """Type one case."""
    series = Series()
    with editor_of(way, lines, workspace=workspace, profile=profile) as editor:
        warm = Series()
        if way.command is FAREBOX:
            way.type(editor, warm, min(10, keys), GAP_S)
        before_ms = editor.cpu_ms()
        way.type(editor, series, keys, THINKING_S if workspace else GAP_S)
        series.cpu_ms = editor.cpu_ms() - before_ms
    return series


def storm() -> bool:
    """Edit as fast as no one can, and count what is asked of a model and what is answered."""
    way = Way("storm", type_constant)
    answered: Counter[str] = Counter()
    asked: list[str] = []
    print(f"\nStorm: {STORM_EDITS_PER_S} edits a second for {STORM_S} s", flush=True)
    with editor_of(way, 300) as editor:
        asked_before = editor.model.asked
        draining = editor.drain(answered)
        began = told = time.perf_counter()
        edits = 0
        while edits < STORM_EDITS_PER_S * STORM_S and (now := time.perf_counter()) - began < STORM_BOUND_S:
            ahead_s = edits / STORM_EDITS_PER_S - (now - began)
            if ahead_s > 0.001:
                time.sleep(ahead_s)
            editor.insert("\n    " if edits % 100 == 99 else "ab"[edits % 2])
            if edits % STORM_EDITS_PER_REQUEST == 0:
                asked.append(str(editor.ask_ghost()))
            edits += 1
            if now - told > STORM_TOLD_EACH_S:
                told = now
                print(f"  {now - began:5.1f} s: {edits} edits written", flush=True)
        written_s = time.perf_counter() - began
        editor.ask_last()
        draining.join()
        taken_s = time.perf_counter() - began
        time.sleep(THINKING_S)
        upstream_requests = editor.model.asked - asked_before
        editor.insert("\n    ")
        shown = editor.ghost()
    windows = 1 + int(1000 * taken_s / DEBOUNCE_MS)
    print(
        f"  {edits} edits and {len(asked)} requests written in {written_s:.1f} s,"
        f" all taken after {taken_s:.1f} s: {edits / taken_s:.0f} edits a second"
    )
    once = sum(answered[number] == 1 for number in asked)
    verdicts = (upstream_requests <= windows, once == len(asked), bool(shown))
    print(
        f"{_verdict(verdicts[0])}: {upstream_requests} requests to the model"
        f" in {windows} debounce windows of {DEBOUNCE_MS} ms"
    )
    print(f"{_verdict(verdicts[1])}: {once} of {len(asked)} requests were answered once")
    print(f"{_verdict(verdicts[2])}: a key after the storm has a ghost")
    return all(verdicts)


def main() -> int:
    """Measure, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure what a keystroke costs.")
    parser.add_argument("--keys", type=int, default=KEYS, help=f"keys for each case ({KEYS})")
    parser.add_argument("--lines", type=int, nargs="*", default=LINES, help="sizes of the document")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--skip-storm", action="store_true")
    parser.add_argument("--only-storm", action="store_true")
    parser.add_argument("--skip-workspace", action="store_true")
    parser.add_argument("--profile", type=Path, help="write the server's cProfile here")
    options = parser.parse_args()
    if options.only_storm:
        return 0 if storm() else 1
    ways = [way for way in WAYS if options.only in way.name]
    verdicts: list[bool] = []
    for lines in options.lines:
        print_head(f"{lines} lines")
        done: dict[str, Series] = {}
        for way in ways:
            done[way.name] = measure(way, lines, options.keys, workspace=False, profile=options.profile)
            print_line(way, done, None if lines > TARGET_LINES else verdicts)
    if not options.skip_workspace:
        print_head(f"{TARGET_LINES} lines, a key each {THINKING_S} s while {WORKSPACE_FILES} files are read")
        done = {}
        for way in ways:
            keys = min(40, options.keys)
            done[way.name] = measure(way, TARGET_LINES, keys, workspace=True, profile=options.profile)
            print_line(way, done, verdicts)
    if not options.skip_storm:
        verdicts.append(storm())
    return 0 if all(verdicts) else 1


def print_head(title: str) -> None:
    """Print the head of a table."""
    heads = ("p50 ms", "p95 ms", "p99 ms", "CPU ms")
    print(f"\n{title}\n{'':18}{''.join(f'{head:>8}' for head in heads)}{'CPU ratio':>10}{'ghosts':>8}")


def print_line(way: Way, done: dict[str, Series], verdicts: list[bool] | None) -> None:
    """Print a case; judge it if it has a target."""
    series = done[way.name]
    base = done.get(way.baseline)
    walls = "".join(f"{series.percentile(percent):8.2f}" for percent in (50, 95, 99))
    ratio = f"{series.cpu_per_key_ms / base.cpu_per_key_ms:10.2f}" if base and base.cpu_ms else f"{'-':>10}"
    shown = f"{series.ghosts / len(series.walls_ms):8.0%}"
    verdict = ""
    if verdicts is not None and way.command is FAREBOX:
        verdicts.append(series.percentile(95) < TARGET_P95_MS)
        verdict = f"  {_verdict(verdicts[-1])}"
    print(f"{way.name:18}{walls}{series.cpu_per_key_ms:8.2f}{ratio}{shown}{verdict}", flush=True)


def _verdict(met: bool) -> str:
    return "PASS" if met else "FAIL"


if __name__ == "__main__":
    raise SystemExit(main())
