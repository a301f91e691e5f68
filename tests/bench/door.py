"""What farebox's door adds to a request: beside bare httpx2, the ``openai`` package and litellm.

Run it as ``python tests/bench/door.py``; README.md here says what each number means.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

from door_upstream import EVENTS, PACED, PAUSE_S, WHOLE
from door_ways import AUTO, HTTPX2, LITELLM, ONE, OPENAI

HERE = Path(__file__).parent
LITELLM_VERSION = "1.106.2"
WARM_UPS = 10
FIRST_MS, TOTAL_MS, SHARE = 1.0, 3.0, 0.25
"""What the door may add to httpx2: to the first token, to a whole stream, and as a share of litellm's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one request took."""

    first_ms: float
    total_ms: float
    cpu_ms: float


class Contestant:
    """A process that sends requests in one way, one for each line that it gets."""

    def __init__(self, name: str, python: str, url: str, folder: Path) -> None:
        self.name = name
        environment = {key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")}
        self._process = subprocess.Popen(
            [python, str(HERE / "door_ways.py"), name, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "HOME": str(folder), "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        )

    def run(self, number: int) -> Sample:
        """Have one request sent. Raises RuntimeError if the process has ended."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended before it had answered")
        return Sample(*json.loads(line))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def main() -> int:
    """Measure, print the tables and the verdicts; 1 only if something does not answer."""
    parser = argparse.ArgumentParser(description="Measure what the door adds to a request, interleaved.")
    parser.add_argument("--rounds", type=int, default=300, help="rounds after the warm-up (300)")
    parser.add_argument("--litellm", metavar="PYTHON", help="an interpreter that has litellm")
    parser.add_argument("--skip-litellm", action="store_true", help="leave out litellm")
    options = parser.parse_args()
    pythons = interpreters(options.litellm, skip_litellm=options.skip_litellm)
    try:
        with upstream() as origin:
            for kind in (WHOLE, PACED):
                samples = measure(pythons, f"{origin}/{kind}/v1", rounds=options.rounds)
                print_table(kind, samples)
                print_verdicts(samples)
    except RuntimeError as error:
        print(f"FAIL: {error}")
        return 1
    return 0


# --- who takes part ----------------------------------------------------------------------------


def interpreters(litellm: str | None, *, skip_litellm: bool) -> dict[str, str]:
    """Return the contestants, and the Python that each runs in."""
    pythons: dict[str, str] = dict.fromkeys((HTTPX2, ONE, AUTO), sys.executable)
    if find_spec("openai"):
        pythons[OPENAI] = sys.executable
    else:
        print("openai: left out, this Python does not have it")
    found = None if skip_litellm else litellm or litellm_python()
    if found is None:
        print("litellm: left out")
    else:
        pythons[LITELLM] = found
    return pythons


def litellm_python() -> str | None:
    """Return a Python with litellm, in a folder of its own; install it there if need be."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "farebox-bench"
    folder = cache / f"litellm-{LITELLM_VERSION}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "installed").exists():
        print(f"installing litellm {LITELLM_VERSION} into {folder}: this takes a while", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-q", f"litellm=={LITELLM_VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"pip could not install litellm\n{done.stderr[-500:]}")
            return None
        (folder / "installed").touch()
    return str(python)


# --- the upstream --------------------------------------------------------------------------------


@contextmanager
def upstream() -> Generator[str]:
    """Run the upstream in a process of its own; give its origin."""
    command = [sys.executable, str(HERE / "door_upstream.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


# --- measuring -------------------------------------------------------------------------------------


def measure(pythons: dict[str, str], url: str, *, rounds: int) -> dict[str, list[Sample]]:
    """Have the contestants take turns, each round in another order, so that noise falls on all of them."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="farebox-bench-")))
        contestants = [Contestant(name, python, url, folder) for name, python in pythons.items()]
        for contestant in contestants:
            stack.callback(contestant.close)
        samples: dict[str, list[Sample]] = {name: [] for name in pythons}
        for number in range(WARM_UPS + rounds):
            shift = number % len(contestants)
            order = contestants[shift:] + contestants[:shift]
            for contestant in order if number % 2 else reversed(order):
                sample = contestant.run(number)
                if number >= WARM_UPS:
                    samples[contestant.name].append(sample)
        return samples


def added(samples: dict[str, list[Sample]], name: str) -> tuple[float, float]:
    """Return what one adds to httpx2, to the first token and to the whole: the median over the rounds."""
    pairs = list(zip(samples[name], samples[HTTPX2], strict=True))
    return (
        median(one.first_ms - bare.first_ms for one, bare in pairs),
        median(one.total_ms - bare.total_ms for one, bare in pairs),
    )


def print_table(kind: str, samples: dict[str, list[Sample]]) -> None:
    """Print one line for each contestant."""
    how = "in one write" if kind == WHOLE else f"one each {PAUSE_S * 1000:g} ms"
    count = len(samples[HTTPX2])
    print(f"\n{EVENTS} events, {how}; {count} interleaved rounds; ms; adds: median difference to httpx2")
    heads = ("first", "p95", "adds", "stream", "p95", "adds", "CPU")
    print(f"{'':24}" + "".join(f"{head:>9}" for head in heads))
    for name, taken in samples.items():
        firsts, totals = [one.first_ms for one in taken], [one.total_ms for one in taken]
        first, total = added(samples, name)
        cpu = median(one.cpu_ms for one in taken)
        cells = (median(firsts), p95(firsts), first, median(totals), p95(totals), total, cpu)
        print(f"{name:24}" + "".join(f"{cell:9.2f}" for cell in cells))


def p95(values: list[float]) -> float:
    """Return what 95 of 100 stay below."""
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def print_verdicts(samples: dict[str, list[Sample]]) -> None:
    """Say for each target whether it is met."""
    for name in (ONE, AUTO):
        first, total = added(samples, name)
        verdict(first <= FIRST_MS, f"{name}: adds {first:.2f} ms to the first token, at most {FIRST_MS:g}")
        verdict(total <= TOTAL_MS, f"{name}: adds {total:.2f} ms to the stream, at most {TOTAL_MS:g}")
        if LITELLM in samples:
            theirs = added(samples, LITELLM)
            shares = first / theirs[0], total / theirs[1]
            words = f"first token {shares[0]:.2f}, stream {shares[1]:.2f}"
            verdict(max(shares) <= SHARE, f"{name} / litellm, what each adds: {words}, at most {SHARE:g}")


def verdict(met: bool, what: str) -> None:
    """Print a line with PASS or FAIL."""
    print(f"{'PASS' if met else 'FAIL'}: {what}")


if __name__ == "__main__":
    raise SystemExit(main())
