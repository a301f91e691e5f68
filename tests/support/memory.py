"""How much memory a process holds, as the system counts it; for tests on Linux."""

import platform
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from support.canary import KEY
from support.client import Client
from support.environment import openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, openrouter_stream

USAGE = {"prompt_tokens": 10, "completion_tokens": 2}
URI = "file:///ws/area.py"
HEAP_BYTES = 64 * 2**20
KNOWN = Path("/proc/self/status").exists()
HAS_HEAPS = KNOWN and platform.libc_ver()[0] == "glibc" and sys.maxsize > 2**32


def resident_mb(pid: int) -> float:
    """Return what a process has in memory."""
    fields = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        if ":" in line
    )
    return int(fields["VmRSS"].split()[0]) / 1024


def heaps_of_threads(pid: int) -> int:
    """Return how many heaps glibc has made for threads: each reserves 64 MiB, from a multiple of that."""
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text("utf-8", "replace").splitlines()]
    spans = [(*(int(end, 16) for end in span.split("-")), len(name)) for span, _, _, _, _, *name in maps]
    return sum(
        start % HEAP_BYTES == 0 and then == end and last == start + HEAP_BYTES and not (name or next_name)
        for (start, end, name), (then, last, next_name) in pairwise(spans)
    )


def settled_mb(pid: int, *, below: float, timeout_s: float = WAIT_S) -> float:
    """Wait until a process holds less than that, or for so long; return what it holds."""
    deadline = time.monotonic() + timeout_s
    while (held := resident_mb(pid)) >= below and time.monotonic() < deadline:
        time.sleep(0.05)
    return held


def steps(upstream: Upstream) -> dict[str, Callable[[Client], object]]:
    """Return what an editor does on its first minute, in order."""
    upstream.answer(
        "/v1/chat/completions",
        Answer(body=openrouter_stream("x = 1", USAGE), content_type="text/event-stream"),
    )

    def ghost(client: Client) -> object:
        client.open(URI, "def main():\n    \n")
        return client.ghost(URI, 1, 4)

    return {
        "idle": lambda client: (client.initialize(), client.request("farebox/costReport")),
        "after the first ghost": ghost,
        "after the first chat": lambda client: client.chat("What is this?"),
    }


def client_of(folder: Path, upstream: Upstream) -> Client:
    """Start a server, not at debug level, that sends everything to a server of the test."""
    environment = {"OPENROUTER_API_KEY": KEY, "FAREBOX_DEBUG": ""}
    return Client(folder, config=openrouter_config(upstream.base_url), environment=environment)
