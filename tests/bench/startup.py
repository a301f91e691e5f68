"""Spawn to ``initialize`` answered: farebox beside a bare pygls server and npm's copilot-language-server.

Run it as ``python tests/bench/startup.py``; README.md here says what each number means.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO, BinaryIO

HERE = Path(__file__).parent
ANSWER_DEADLINE_S = 60
COPILOT = "@github/copilot-language-server"
COPILOT_VERSION = "1.539.0"
BARE, SCRIPT, MODULE = "bare pygls", "farebox lsp", "python -m farebox lsp"
COPILOT_NODE, COPILOT_NATIVE = "copilot (node)", "copilot (native binary)"
TARGETS = {BARE: 1.0, COPILOT_NODE: 0.5}
"""What farebox may take at most, as a share of the other's. What npm's own command starts is node."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one start took, of the whole process tree; None where this system does not tell."""

    wall_ms: float
    cpu_ms: float | None
    rss_mb: float | None


class NoAnswerError(Exception):
    """A server ended, or said nothing in time."""


def main() -> int:
    """Measure, print the table and the verdicts; 1 only if a server does not answer."""
    parser = argparse.ArgumentParser(description="Measure spawn to initialize, interleaved.")
    parser.add_argument("--rounds", type=int, default=10, help="rounds after the warm-up round (10)")
    parser.add_argument("--skip-copilot", action="store_true", help="leave out copilot-language-server")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")

    servers = python_servers()
    if options.skip_copilot:
        print("copilot-language-server: left out, as asked")
    else:
        servers |= copilot_servers()
    request = initialize_request()
    try:
        with environment() as env:
            samples = rounds(servers, request, env, count=options.rounds)
            modules = {
                name: count_modules(servers[name], request, env) for name in (BARE, main_name(servers))
            }
    except NoAnswerError as error:
        print(f"FAIL: {error}")
        return 1
    print_table(samples)
    print_verdicts(samples)
    print("modules imported by then: " + ", ".join(f"{name} {count}" for name, count in modules.items()))
    return 0


# --- who takes part ----------------------------------------------------------------------------


def python_servers() -> dict[str, list[str]]:
    """Return the bare server and farebox, by both of its launchers."""
    servers = {BARE: [sys.executable, str(HERE / "bare_pygls.py")]}
    script = shutil.which("farebox", path=str(Path(sys.executable).parent))
    if script:
        servers[SCRIPT] = [script, "lsp"]
    else:
        print(f"no console script beside {sys.executable}: only `{MODULE}` is measured")
    servers[MODULE] = [sys.executable, "-m", "farebox", "lsp"]
    return servers


def main_name(names: dict[str, list[str]] | dict[str, list[Sample]]) -> str:
    """Return the launcher that counts: the console script, which is what editors run."""
    return SCRIPT if SCRIPT in names else MODULE


def copilot_servers() -> dict[str, list[str]]:
    """Install copilot-language-server if need be; return its launchers, none if it can't be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        print("copilot-language-server: left out, there is no npm or no node on the PATH")
        return {}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "farebox-bench"
    package = cache / "node_modules" / COPILOT
    if installed_version(package) != COPILOT_VERSION:
        print(f"installing {COPILOT}@{COPILOT_VERSION} (640 MB) into {cache}: this takes a while", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        arguments = ["--no-save", "--no-audit", "--no-fund", "--prefix", str(cache)]
        done = subprocess.run(
            [npm, "install", *arguments, f"{COPILOT}@{COPILOT_VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"copilot-language-server: left out, npm could not install it\n{done.stderr[-500:]}")
            return {}
    # A version manager's shim would be measured too, and may need the real HOME.
    node = subprocess.run([node, "-p", "process.execPath"], capture_output=True, text=True, check=True).stdout
    servers = {COPILOT_NODE: [node.strip(), str(package / "dist" / "language-server.js"), "--stdio"]}
    for binary in package.parent.glob("copilot-language-server-*/copilot-language-server*"):
        servers[COPILOT_NATIVE] = [str(binary), "--stdio"]
    if COPILOT_NATIVE not in servers:
        print("copilot-language-server: npm has no native binary for this platform; only node is measured")
    return servers


def installed_version(package: Path) -> str | None:
    """Return the version of an npm package; None if it is not there."""
    try:
        return json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None


def initialize_request() -> bytes:
    """Return the message that every server gets, the same for all."""
    params = json.loads((HERE / "initialize.json").read_text(encoding="utf-8"))
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    body = json.dumps(message, separators=(",", ":")).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def environment() -> Generator[dict[str, str]]:
    """Give the servers a home of their own, and Python a place to keep bytecode, as an installed one has."""
    with tempfile.TemporaryDirectory(prefix="farebox-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        env["PYTHONPYCACHEPREFIX"] = str(home / "pycache")
        for name in (
            "HOME",
            "USERPROFILE",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
        ):
            env[name] = folder
        yield env


# --- measuring ---------------------------------------------------------------------------------


def rounds(
    servers: dict[str, list[str]], request: bytes, env: dict[str, str], *, count: int
) -> dict[str, list[Sample]]:
    """Start the servers in turn, round by round, so that noise of the machine falls on all of them."""
    samples: dict[str, list[Sample]] = {name: [] for name in servers}
    for number in range(count + 1):
        for name, command in servers.items():
            sample = start_once(name, command, request, env)
            if number > 0:  # the first round warms caches
                samples[name].append(sample)
    return samples


def start_once(name: str, command: list[str], request: bytes, env: dict[str, str]) -> Sample:
    """Start a server, wait for the answer to ``initialize``, look at what it took, and end it."""
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        with running(command, env, log) as process:
            stdin, stdout = process.stdin, process.stdout
            assert stdin is not None and stdout is not None  # noqa: PT018
            try:
                stdin.write(request)
                stdin.flush()
                read_answer(stdout)
            except (OSError, ValueError, NoAnswerError) as error:
                log.seek(0)
                text = log.read()[-1000:].decode(errors="replace")
                raise NoAnswerError(f"{name} did not answer initialize: {error}\n{text}") from error
            wall_ms = (time.perf_counter() - began) * 1000
            cpu_ms, rss_mb = usage_of_tree(process.pid)
    return Sample(wall_ms, cpu_ms, rss_mb)


@contextmanager
def running(command: list[str], env: dict[str, str], log: BinaryIO) -> Generator["subprocess.Popen[bytes]"]:
    """Run a server and end it with all its children, also when it never answers."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=env, start_new_session=True
    )
    deadline = threading.Timer(ANSWER_DEADLINE_S, process.kill)
    deadline.start()
    try:
        yield process
    finally:
        deadline.cancel()
        end_group(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a server and its children, which have a process group of their own where there are such."""
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def read_answer(stdout: IO[bytes]) -> None:
    """Read messages up to and with the answer to request 1."""
    while True:
        length = 0
        while (line := stdout.readline()) != b"\r\n":
            if not line:
                raise NoAnswerError("it ended or was silent for too long")
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        message = json.loads(stdout.read(length))
        if message.get("id") == 1 and "method" not in message:
            if "result" not in message:
                raise NoAnswerError(str(message.get("error")))
            return


def count_modules(command: list[str], request: bytes, env: dict[str, str]) -> int:
    """Count what a Python server imports before it answers."""
    with (
        tempfile.TemporaryFile() as log,
        running(command, env | {"PYTHONPROFILEIMPORTTIME": "1"}, log) as process,
    ):
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        process.stdin.write(request)
        process.stdin.flush()
        read_answer(process.stdout)
        log.seek(0)
        return log.read().count(b"import time:") - 1  # the first is the heading


# --- what a process tree took --------------------------------------------------------------------


def usage_of_tree(pid: int) -> tuple[float | None, float | None]:
    """Return milliseconds of CPU and MB resident of a process and all its children."""
    if Path("/proc/self/stat").exists():
        root = linux_usage(pid)  # first: the walk over all processes takes time
        usages = [root, *map(linux_usage, linux_children(pid))]
        return sum(cpu_ms for cpu_ms, _ in usages), sum(rss_mb for _, rss_mb in usages)
    try:
        import psutil  # pyright: ignore[reportMissingModuleSource]
    except ImportError:
        return None, None
    root = psutil.Process(pid)
    cpu_ms = rss_mb = 0.0
    for process in (root, *root.children(recursive=True)):
        times = process.cpu_times()
        cpu_ms += (times.user + times.system) * 1000
        rss_mb += process.memory_info().rss / 1e6
    return cpu_ms, rss_mb


def linux_usage(pid: int) -> tuple[float, float]:
    """Return one process's CPU time, with its ended children's, and its resident memory."""
    try:
        fields = stat_fields(pid)
    except OSError:
        return 0.0, 0.0  # it has ended since
    tick_ms = 1000 / os.sysconf("SC_CLK_TCK")
    own_ms = (int(fields[11]) + int(fields[12])) * tick_ms
    with suppress(OSError):
        # The process's CPU clock, as clock_getcpuclockid(3) makes it: the same sum, not in steps of 10 ms.
        own_ms = time.clock_gettime((~pid << 3) | 2) * 1000
    ended_ms = (int(fields[13]) + int(fields[14])) * tick_ms
    return own_ms + ended_ms, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def linux_children(pid: int) -> Generator[int]:
    """Yield the children of a process, and theirs."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents.setdefault(int(stat_fields(int(folder.name))[1]), []).append(int(folder.name))
            except OSError:
                continue
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        waiting += children
        yield from children


def stat_fields(pid: int) -> list[str]:
    """Return /proc/PID/stat from the state on: index 0 is field 3 of proc(5)."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text[text.rindex(")") + 2 :].split()


# --- what is printed -----------------------------------------------------------------------------


def wall(sample: Sample) -> float:
    """Return the wall time."""
    return sample.wall_ms


def cpu(sample: Sample) -> float | None:
    """Return the CPU time."""
    return sample.cpu_ms


def rss(sample: Sample) -> float | None:
    """Return the resident memory."""
    return sample.rss_mb


def middle(samples: list[Sample], field: Callable[[Sample], float | None]) -> float | None:
    """Return the median of a measure; None if this system does not tell it."""
    values = [value for sample in samples if (value := field(sample)) is not None]
    return median(values) if values else None


def ratio(ours: list[Sample], theirs: list[Sample], field: Callable[[Sample], float | None]) -> float | None:
    """Return the median over the rounds of ours / theirs: slow drifts of the machine cancel."""
    pairs = [(field(one), field(other)) for one, other in zip(ours, theirs, strict=True)]
    shares = [one / other for one, other in pairs if one is not None and other]
    return median(shares) if shares else None


def print_table(samples: dict[str, list[Sample]]) -> None:
    """Print one line for each server."""
    count = len(samples[BARE])
    print(f"\nSpawn to initialize answered, median of {count} interleaved rounds; ratios to {BARE}")
    heads = ("wall ms", "min-max", "CPU ms", "RSS MB", "wall ratio", "CPU ratio")
    print(f"{'':24}" + "".join(f"{head:>11}" for head in heads))
    for name, taken in samples.items():
        walls = [sample.wall_ms for sample in taken]
        cells = (
            number(middle(taken, wall), 0),
            f"{min(walls):.0f}-{max(walls):.0f}",
            number(middle(taken, cpu), 0),
            number(middle(taken, rss), 0),
            number(ratio(taken, samples[BARE], wall), 2),
            number(ratio(taken, samples[BARE], cpu), 2),
        )
        print(f"{name:24}" + "".join(f"{cell:>11}" for cell in cells))
    if middle(samples[BARE], cpu) is None:
        print(
            "CPU and RSS: not measured; that needs /proc, or psutil installed. Only wall time was compared."
        )


def number(value: float | None, digits: int) -> str:
    """Write a number that may be missing."""
    return "-" if value is None else f"{value:.{digits}f}"


def print_verdicts(samples: dict[str, list[Sample]]) -> None:
    """Say for each server that farebox is compared with whether the target is met."""
    ours_name = main_name(samples)
    ours = samples[ours_name]
    print()
    for name in (BARE, COPILOT_NODE, COPILOT_NATIVE):
        if name not in samples:
            continue
        shares = (ratio(ours, samples[name], wall), ratio(ours, samples[name], cpu))
        shown = f"{ours_name} / {name}: wall {number(shares[0], 2)}, CPU {number(shares[1], 2)}"
        if name in TARGETS:
            limit = TARGETS[name]
            met = all(share <= limit for share in shares if share is not None)
            print(f"{'PASS' if met else 'FAIL'}: {shown}, at most {limit:.2f}")
        else:
            print(f"      {shown}, no target")


if __name__ == "__main__":
    raise SystemExit(main())
