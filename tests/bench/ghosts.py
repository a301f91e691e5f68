"""What a keystroke costs where nothing has to be waited for: hits, shut gates, edits, beside a bare pygls.

Run it as ``python tests/bench/ghosts.py``; README.md here says what each number means.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from support.client import AUTOMATIC  # noqa: E402  the path comes first
from support.environment import clean_environment  # noqa: E402
from support.metamodel import Json  # noqa: E402
from support.traffic import frame, read_message  # noqa: E402
from support.upstream import Answer, Upstream, json_answer, sse  # noqa: E402

LINES = (300, 2_000, 20_000)
TARGET_P95_MS = 5.0
TARGET_LINES = 2_000
"""In larger documents pygls' own bookkeeping alone takes longer."""
KEYS = 150
GAP_S = 0.01
THINKING_S = 0.4
"""Between keys beside a worker that is to be at work: it is quiet while keys come faster."""
WORKSPACE_FILES = 500
STORM_EDITS_PER_S, STORM_S, STORM_EDITS_PER_REQUEST = 10_000, 5, 10
DEBOUNCE_MS = 75
READY_S = 30.0
MODEL = "bench"
TRICKLE_S = 0.012
TRICKLE_CHARS = 600

FAREBOX = (sys.executable, "-m", "farebox", "lsp")
BARE = (sys.executable, str(HERE / "bare_ghosts.py"))


@dataclass(slots=True)
class Series:
    """The keys of one case: their wall times, and the server's CPU for all of them."""

    walls_ms: list[float] = field(default_factory=list[float])
    cpu_ms: float = 0.0
    ghosts: int = 0

    def percentile(self, percent: int) -> float:
        """Return the wall time that so many of a hundred keys stay below."""
        walls = sorted(self.walls_ms)
        return walls[min(len(walls) - 1, len(walls) * percent // 100)]

    @property
    def cpu_per_key_ms(self) -> float:
        """The server's CPU time for one key, with what it does after the answer."""
        return self.cpu_ms / len(self.walls_ms)


@dataclass(slots=True)
class Model:
    """A llama.cpp on loopback that answers with lines of code: at once, or the second one a character at a time."""

    upstream: Upstream
    trickles: bool
    number: int = 1_000

    def __post_init__(self) -> None:
        """Say what it is."""
        self.upstream.answer("/v1/models", json_answer({"data": [{"id": MODEL}]}))
        props = {"default_generation_settings": {"n_ctx": 32_768}, "total_slots": 4}
        self.upstream.answer("/props", json_answer(props))
        self.turn()

    def turn(self) -> None:
        """Answer with other lines from now on."""
        self.number += 2
        line, below = statement(self.number), f"    {statement(self.number + 1)}"
        if self.trickles:
            below = f"    next_one = ({'x' * TRICKLE_CHARS}"
        first = sse({"content": f"{line}\n", "stop": False}, done=False)
        rest = [sse({"content": char, "stop": False}, done=False) for char in below]
        end = sse({"content": "\n", "stop": True, "stop_type": "eos"}, done=False)
        sizes = (len(first), *map(len, rest), len(end)) if self.trickles else None
        body = first + b"".join(rest) + end
        delay_s = TRICKLE_S if self.trickles else 0.0
        answer = Answer(body=body, content_type="text/event-stream", chunk_sizes=sizes, delay_s=delay_s)
        self.upstream.answer("/infill", answer)

    @property
    def asked(self) -> int:
        """How many holes were to be filled so far."""
        return sum(request.path == "/infill" for request in self.upstream.requests)


class Editor:
    """A client that types at one place of one document, and waits for each answer."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, lines: int, model: Model) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._ids = itertools.count(1)
        self._version = 1
        self.model = model
        self._uri = (folder / "typed.py").as_uri()
        self.line, self.character = lines // 2, 4

    # --- messages ----------------------------------------------------------------------------------

    def request(self, method: str, params: object) -> Json:
        """Send a request and wait for its answer."""
        number = self._ask(method, params)
        self._stdin.flush()
        return self._answer(number)

    def notify(self, method: str, params: object) -> None:
        """Send a notification with what follows next."""
        self._stdin.write(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def _ask(self, method: str, params: object) -> int:
        number = next(self._ids)
        self._stdin.write(frame({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        return number

    def _answer(self, number: int) -> Json:
        while (message := read_message(self._stdout)) is not None:
            if message.get("id") == number and "method" not in message:
                return message
        raise SystemExit("FAIL: the server has ended")

    # --- the document ------------------------------------------------------------------------------

    def open(self, text: str) -> None:
        """Open the document and go to the middle of it."""
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def insert(self, text: str, *, moves: bool = True) -> None:
        """Put text in at the cursor, and go behind it unless it ``moves`` nothing."""
        self._version += 1
        here = {"line": self.line, "character": self.character}
        change = {"range": {"start": here, "end": here}, "text": text}
        document = {"uri": self._uri, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        if moves:
            self.line += text.count("\n")
            last = text.rpartition("\n")[2]
            self.character = len(last) + (0 if "\n" in text else self.character)

    def ask_ghost(self) -> int:
        """Ask for ghost text at the cursor, with what was written before."""
        params = {
            "textDocument": {"uri": self._uri},
            "position": {"line": self.line, "character": self.character},
            "context": {"triggerKind": AUTOMATIC},
        }
        return self._ask("textDocument/inlineCompletion", params)

    def ghost(self) -> str:
        """Wait for the ghost text at the cursor; empty if there is none."""
        number = self.ask_ghost()
        self._stdin.flush()
        return _text(self._answer(number))

    def key(self, series: Series, text: str, *, asks: bool = True, moves: bool = True) -> str:
        """Type a key, and wait for its ghost text, or until the server has come so far."""
        self.insert(text, moves=moves)
        number = self.ask_ghost() if asks else self._ask("bench/nothing", None)
        began = time.perf_counter()
        self._stdin.flush()
        answer = self._answer(number)
        series.walls_ms.append(1000 * (time.perf_counter() - began))
        shown = _text(answer)
        series.ghosts += bool(shown)
        return shown

    def cpu_ms(self) -> float:
        """Return the CPU time that the server has taken so far."""
        with suppress(OSError):
            return time.clock_gettime((~self._process.pid << 3) | 2) * 1000
        return 0.0


def _text(answer: Json) -> str:
    result = answer.get("result")
    items = result.get("items") if isinstance(result, dict) else None
    return str(items[0]["insertText"]) if isinstance(items, list) and items else ""


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


def statement(number: int) -> str:
    """Return a line of code."""
    return f"total_{number} = measure(first_{number}, second, weight=weights[{number}]) + offset_of(first)"


def document(lines: int) -> str:
    """Return a file of small functions, with an indented blank line in its middle."""
    written: list[str] = []
    for number in itertools.count():
        written += [
            f"def step_{number}(first: int, second: int) -> int:",
            f'    """Return what step {number} comes to: "whole" or not."""',
            f"    {statement(number % 50)}",
            f"    if total_{number % 50} > len(weights):  # it's enough",
            f"        return {{'step': {number}}}['step']",
            "    return first + second",
            "",
            "",
        ]
        if len(written) >= lines:
            break
    written[lines // 2] = "    "
    return "\n".join(written[:lines]) + "\n"


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
                process.stdin and process.stdin.close()
            process.wait(READY_S)
        finally:
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
    """Edit as fast as no one can, and count what is asked of a model."""
    way = Way("storm", type_constant)
    with editor_of(way, 300) as editor:
        asked_before = editor.model.asked
        began = time.perf_counter()
        number = 0
        for edit in range(STORM_EDITS_PER_S * STORM_S):
            ahead_s = edit / STORM_EDITS_PER_S - (time.perf_counter() - began)
            if ahead_s > 0.001:  # noqa: PLR2004
                time.sleep(ahead_s)
            editor.insert("ab"[edit % 2])
            if edit % 100 == 99:  # noqa: PLR2004
                editor.insert("\n    ")
            if edit % STORM_EDITS_PER_REQUEST == 0:
                number = editor.ask_ghost()
        written_s = time.perf_counter() - began
        editor.request("bench/nothing", None)
        taken_s = time.perf_counter() - began
        time.sleep(THINKING_S)
        asked = editor.model.asked - asked_before
    windows = round(1000 * taken_s / DEBOUNCE_MS)
    edits = STORM_EDITS_PER_S * STORM_S
    print(
        f"\nStorm: {edits} edits and {edits // STORM_EDITS_PER_REQUEST} requests (the last is {number})"
        f" written in {written_s:.1f} s, all taken after {taken_s:.1f} s"
    )
    met = asked <= windows
    print(f"{_verdict(met)}: {asked} requests to the model in {windows} debounce windows of {DEBOUNCE_MS} ms")
    return met


def main() -> int:
    """Measure, print the table and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure what a keystroke costs.")
    parser.add_argument("--keys", type=int, default=KEYS, help=f"keys for each case ({KEYS})")
    parser.add_argument("--lines", type=int, nargs="*", default=LINES, help="sizes of the document")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--skip-storm", action="store_true")
    parser.add_argument("--skip-workspace", action="store_true")
    parser.add_argument("--profile", type=Path, help="write the server's cProfile here")
    options = parser.parse_args()
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
    print(
        f"\n{title}\n{'':18}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'CPU ms':>8}{'CPU ratio':>10}{'ghosts':>8}"
    )


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


def _verdict(met: bool) -> str:  # noqa: FBT001  a mark, not a mode
    return "PASS" if met else "FAIL"


if __name__ == "__main__":
    raise SystemExit(main())
