"""Questions to a provider, each in a process of its own whose growth is measured.

``Asker`` starts ``python -m support.asker``, which imports farebox once and then forks a child for each
question, so that no question finds the memory that another one left. The child asks the provider ``good``
once, to have all that a process loads at first use, then ``bad``, then ``good`` again; the peak of its
resident memory while ``bad`` answers is the kernel's own figure (``VmHWM``, begun anew by ``clear_refs``).
Linux only.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from support.guard.sitecustomize import watched

MAX_ROUND_S = 30.0


@dataclass(frozen=True)
class Heard:
    """What came of asking ``bad``, and of asking ``good`` after it."""

    kind: str | None
    message: str
    seconds: float
    grown_mb: float
    attempts: int
    text: str
    tool_calls: int
    usage: Mapping[str, int]
    next_text: str


class Asker:
    """The process that forks. One question at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @staticmethod
    @contextmanager
    def running() -> "Generator[Asker]":
        """Start the process; end it at the end."""
        tests = Path(__file__).parents[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "support.asker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=watched({"PATH": os.environ["PATH"], "PYTHONPATH": f"{tests}:{tests.parent / 'server'}"}),
            text=True,
        )
        try:
            yield Asker(process)
        finally:
            process.communicate()

    def ask(self, home: Path, config: str) -> Heard:
        """Ask the providers of a config file that is written to a folder."""
        home.mkdir(parents=True)
        (home / "config.toml").write_text(config, "utf-8")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{home}\n")
        self._process.stdin.flush()
        return Heard(**json.loads(self._process.stdout.readline()))


# --- the process ---------------------------------------------------------------------------------


def _memory_kb(name: str) -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


async def _ask(home: Path) -> Heard:
    from farebox.app import App, Client
    from farebox.errors import FareboxError
    from farebox.messages import Call, Chat, Message, Text, ToolCall
    from farebox.router.door import Reply
    from farebox.router.request import Request, Serving
    from farebox.router.retry import RetryBudget

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    app = App(
        Client(name="test"),
        environment={"FAREBOX_HOME": str(home), "FAREBOX_CONFIG": str(home / "config.toml")},
    )

    async def listen(reply: Reply, heard: list[str]) -> int:
        tool_calls = 0
        async with aclosing(reply.events()) as events:
            async for event in events:
                if isinstance(event, Text):
                    heard.append(event.text[:100])
                tool_calls += isinstance(event, ToolCall)
        return tool_calls

    def reply(model: str) -> Reply:
        door = replace(app.door(), retries=RetryBudget(chance=lambda: 0.0))
        return door.send(Request("chat", render, 40, 100, requested=model))

    await listen(reply("good/m"), [])
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    before_kb = _memory_kb("VmRSS")
    started_s, asked, heard, tool_calls = time.monotonic(), reply("bad/m"), list[str](), 0
    error: FareboxError | None = None
    try:
        async with asyncio.timeout(MAX_ROUND_S):
            tool_calls = await listen(asked, heard)
    except FareboxError as exc:
        error = exc
    seconds, grown_kb = time.monotonic() - started_s, _memory_kb("VmHWM") - before_kb
    after: list[str] = []
    await listen(reply("good/m"), after)
    await app.close()
    return Heard(
        kind=None if error is None else error.kind,
        message="" if error is None else f"{error.message} | {error.hint}",
        seconds=seconds,
        grown_mb=grown_kb / 1024,
        attempts=0 if asked.done is None else len(asked.done.route.attempts),
        text="".join(heard)[:100],
        tool_calls=tool_calls,
        usage={} if asked.done is None else asdict(asked.done.usage),
        next_text="".join(after),
    )


def main() -> None:
    """Fork for each folder that comes on stdin; the child prints what it heard."""
    from farebox import app, prices

    sys.modules[app.__name__] = app  # what is imported here need not be imported by each child
    prices.preload()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            heard = asyncio.run(_ask(Path(line.strip())))
            print(json.dumps(asdict(heard)), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print("{}", flush=True)


if __name__ == "__main__":
    main()
