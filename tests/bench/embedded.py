"""What the embedded completer is worth: files of installed packages, typed by who takes what is right.

Run it as ``python tests/bench/embedded.py``; README.md here says what the numbers mean.
"""

import argparse
import random
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from farebox.completion.embedded import Embedded, Suggestion
from farebox.completion.window import Window

SITE = Path(sysconfig.get_paths()["purelib"])
PACKAGES = ("click", "cattrs", "pygls", "rich", "httpx2")
LANGUAGES = {
    ".py": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".ts": "typescript",
    ".lua": "lua",
    ".go": "go",
    ".rs": "rust",
    ".java": "java",
    ".c": "c",
    ".h": "c",
    ".cpp": "cpp",
    ".rb": "ruby",
    ".php": "php",
    ".vim": "vim",
    ".scm": "scheme",
}
MOST_CHARS = 150_000
HELD_CHARS = (2_000, 10_000)
ACCEPTED = 0.06
RIGHT = 0.45
ANSWER_MS = 5.0
MEMORY_MB = 100
MEMORY_FILES = 2_000
LAG_MS = 5.0


@dataclass(slots=True)
class Typed:
    """What typing came to. ``strict`` counts each position at which anything is shown."""

    chars: int = 0
    shown: int = 0
    right: int = 0
    accepted: int = 0
    strict_shown: int = 0
    strict_right: int = 0
    strict_accepted: int = 0
    latencies_ms: list[float] = field(default_factory=list[float])
    cpu_ms: list[float] = field(default_factory=list[float])

    def add(self, other: "Typed") -> None:
        """Add another one's counts."""
        self.chars += other.chars
        self.shown += other.shown
        self.right += other.right
        self.accepted += other.accepted
        self.strict_shown += other.strict_shown
        self.strict_right += other.strict_right
        self.strict_accepted += other.strict_accepted
        self.latencies_ms += other.latencies_ms
        self.cpu_ms += other.cpu_ms


@dataclass(frozen=True, slots=True)
class Project:
    """A folder's files of one language: those that are learned, and those that are typed."""

    name: str
    language: str
    learned: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str], ...]


def main() -> int:
    """Measure, print the tables and the verdict."""
    parser = argparse.ArgumentParser(description="Measure the embedded completer.")
    parser.add_argument("projects", nargs="*", help="packages, or folders of any language")
    parser.add_argument("--held", type=int, default=3, help="files to type of each (3)")
    parser.add_argument("--seed", type=int, default=1, help="chooses these files (1)")
    parser.add_argument("--only-memory", action="store_true", help="measure the memory of this process")
    parser.add_argument("--skip-memory", action="store_true", help="neither memory nor lag")
    options = parser.parse_args()
    if options.only_memory:
        print(f"{memory_mb():.1f}")
        return 0
    total = Typed()
    print(
        "                                        typed through            each position        answer ms\n"
        "project             files    chars   shown accepted  right   shown accepted  right"
        "     p50    p95  CPU p95"
    )
    for name in options.projects or PACKAGES:
        project = project_of(name, held=options.held, seed=options.seed)
        if not project.held:
            print(f"{project.name}: no file of a fitting size to type")
            continue
        typed = type_project(project)
        print(row(f"{project.name} ({project.language})", len(project.held), typed), flush=True)
        total.add(typed)
    print(row("all", 0, total))
    print()
    verdict("characters accepted", total.accepted / total.chars, ACCEPTED, least=True)
    verdict("suggestions right", total.right / max(total.shown, 1), RIGHT, least=True)
    verdict("each position: accepted", total.strict_accepted / total.chars, ACCEPTED, least=True)
    verdict("each position: right", total.strict_right / max(total.strict_shown, 1), RIGHT, least=True)
    verdict("an answer, p95, ms", percentile(total.latencies_ms, 0.95), ANSWER_MS, least=False)
    verdict("an answer, p95, ms of CPU", percentile(total.cpu_ms, 0.95), ANSWER_MS, least=False)
    if not options.skip_memory:
        grown = subprocess.run(
            [sys.executable, __file__, "--only-memory"], check=True, capture_output=True, text=True
        )
        verdict(f"memory for {MEMORY_FILES} files, MB", float(grown.stdout), MEMORY_MB, least=False)
        quiet, busy, answers = lag_ms()
        print(f"      lag of a 5 ms timer, p95: {quiet:.2f} ms with nothing to learn")
        print(f"      the same while a thread learns: {busy:.2f} ms")
        verdict("what learning adds to it, ms", busy - quiet, LAG_MS, least=False)
        verdict("an answer meanwhile, p95, ms", answers, ANSWER_MS, least=False)
    return 0


def row(name: str, files: int, typed: Typed) -> str:
    """Return a line of the table."""
    return (
        f"{name[:20]:20}{files or '':5}{typed.chars:9}"
        f"{typed.shown:8}{typed.accepted / typed.chars:9.1%}{typed.right / max(typed.shown, 1):7.0%}"
        f"{typed.strict_shown:8}{typed.strict_accepted / typed.chars:9.1%}"
        f"{typed.strict_right / max(typed.strict_shown, 1):7.0%}"
        f"{percentile(typed.latencies_ms, 0.5):8.2f}{percentile(typed.latencies_ms, 0.95):7.2f}"
        f"{percentile(typed.cpu_ms, 0.95):9.2f}"
    )


def verdict(name: str, value: float, target: float, *, least: bool) -> None:
    """Print whether a figure meets its target."""
    good = value >= target if least else value < target
    print(f"{'PASS' if good else 'FAIL'}: {name}: {value:.3g}, {'at least' if least else 'below'} {target:g}")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of them lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


# --- projects ------------------------------------------------------------------------------------


def project_of(name: str, *, held: int, seed: int) -> Project:
    """Read a package of this Python's, or any folder: the language with most files there is typed."""
    folder = Path(name) if Path(name).is_dir() else SITE / name
    by_suffix: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in LANGUAGES and path.is_file():
            by_suffix.setdefault(path.suffix, []).append(path)
    if not by_suffix:
        sys.exit(f"{folder}: no file of a known language")
    suffix = max(by_suffix, key=lambda suffix: len(by_suffix[suffix]))
    texts = [(str(path), text) for path in by_suffix[suffix] if (text := read(path))]
    least, most = HELD_CHARS
    fit = [file for file in texts if least <= len(file[1]) <= most]
    typed = random.Random(seed).sample(fit, min(held, len(fit), max(len(texts) - 1, 0)))
    kept = {path for path, _ in typed}
    return Project(
        folder.name,
        LANGUAGES[suffix],
        tuple(file for file in texts if file[0] not in kept),
        tuple(typed),
    )


def read(path: Path) -> str:
    """Return a file's text; nothing if it is none, or of an unusual size."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if len(text) <= MOST_CHARS else ""


# --- typing --------------------------------------------------------------------------------------


def type_project(project: Project) -> Typed:
    """Learn a project and type what was held back of it, both ways."""
    embedded = Embedded()
    for path, text in project.learned:
        embedded.learn(path, project.language, text)
    total = Typed()
    for path, text in project.held:
        total.add(type_through(embedded, path, project.language, text))
        total.add(type_strictly(embedded, path, project.language, text))
    return total


def type_through(embedded: Embedded, path: str, language: str, text: str) -> Typed:
    """Type a file in an editor that keeps a suggestion for as long as the keys agree with it."""
    typed = Typed(chars=len(text))
    ghost = ""
    at = 0
    while at < len(text):
        if not ghost:
            start, start_cpu = time.perf_counter(), time.thread_time()
            suggestion = ask(embedded, path, language, text[:at])
            typed.cpu_ms.append((time.thread_time() - start_cpu) * 1000)
            typed.latencies_ms.append((time.perf_counter() - start) * 1000)
            if suggestion is not None:
                ghost = suggestion.text
                typed.shown += 1
        if ghost and is_right(text, at, ghost):
            typed.right += 1
            typed.accepted += len(ghost)
            at += len(ghost)
            ghost = ""
            continue
        ghost = ghost[1:] if ghost[:1] == text[at] else ""
        at += 1
    return typed


def type_strictly(embedded: Embedded, path: str, language: str, text: str) -> Typed:
    """Type a file where each position counts by itself: what is wrong is wrong again at the next key."""
    typed = Typed()
    name = f"{path} strictly"
    at = 0
    while at < len(text):
        suggestion = ask(embedded, name, language, text[:at])
        if suggestion is not None:
            typed.strict_shown += 1
            if is_right(text, at, suggestion.text):
                typed.strict_right += 1
                typed.strict_accepted += len(suggestion.text)
                at += len(suggestion.text)
                continue
        at += 1
    return typed


def ask(embedded: Embedded, name: str, language: str, prefix: str) -> Suggestion | None:
    """Ask for a suggestion at the end of what is typed."""
    return embedded.suggest(Window(name, language, prefix, ""))


def is_right(text: str, at: int, suggestion: str) -> bool:
    """Say whether the file goes on with all of the suggestion, and does not go on with its last word."""
    if not text.startswith(suggestion, at):
        return False
    end = at + len(suggestion)
    return not (in_word(text[end - 1]) and in_word(text[end : end + 1]))


def in_word(char: str) -> bool:
    """Say whether a character belongs to a word."""
    return char.isalnum() or char == "_"


# --- costs ---------------------------------------------------------------------------------------


def python_files(count: int) -> list[Path]:
    """Return some of the Python files that are installed here, the same each time."""
    paths = sorted(path for path in SITE.rglob("*.py") if 500 < path.stat().st_size < MOST_CHARS)
    return random.Random(1).sample(paths, min(count, len(paths)))


def memory_mb() -> float:
    """Return by how much this process grows when it learns MEMORY_FILES files."""
    paths = python_files(MEMORY_FILES)
    embedded = Embedded()
    ask(embedded, "warm", "python", "import ")
    before = resident_mb()
    for path in paths:
        embedded.learn(str(path), "python", read(path))
    return resident_mb() - before


def resident_mb() -> float:
    """Return the resident memory of this process."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def lag_ms() -> tuple[float, float, float]:
    """Return how late a timer of this thread is, quiet and while another learns, and what answers take."""
    texts = [(str(path), read(path)) for path in python_files(200)]
    embedded = Embedded()
    quiet, _ = ticks(embedded, texts[0][1], threading.Event(), 200)
    done = threading.Event()

    def learn() -> None:
        for path, text in texts[1:]:
            embedded.learn(path, "python", text)
        done.set()

    worker = threading.Thread(target=learn)
    worker.start()
    busy, answers = ticks(embedded, texts[0][1], done, 5_000)
    worker.join()
    return percentile(quiet, 0.95), percentile(busy, 0.95), percentile(answers, 0.95)


def ticks(embedded: Embedded, text: str, done: threading.Event, most: int) -> tuple[list[float], list[float]]:
    """Sleep and ask by turns; return how much too long each sleep was, and how long each answer took."""
    lags: list[float] = []
    answers: list[float] = []
    for number in range(most):
        if done.is_set():
            break
        start = time.perf_counter()
        time.sleep(0.005)
        woken = time.perf_counter()
        ask(embedded, "typed.py", "python", text[: 1 + number % len(text)])
        lags.append((woken - start) * 1000 - 5)
        answers.append((time.perf_counter() - woken) * 1000)
    return lags, answers


if __name__ == "__main__":
    sys.exit(main())
