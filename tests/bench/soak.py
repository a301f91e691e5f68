"""Types for half an hour beside an upstream that misbehaves: ``python tests/bench/soak.py --minutes 30``.

README.md here says what each number means. What the process has is read from /proc: Linux alone.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from bench.soak_client import Client, Sample  # noqa: E402
from bench.soak_growth import growth, of_memory  # noqa: E402
from bench.soak_upstream import Upstream  # noqa: E402

EDITS_PER_S = 20
EDITS_A_GHOST = 2
EDITS_A_PAUSE = 200
PAUSE_S = 1.0
"""So often does one stop to think: what learns of the document waits for that. The next keys come quicker."""
EDITS_AN_OPENING = 3_000
"""So often is the document closed and opened again."""
CHAT_EACH_S = 3.0
CANCELLED_SHARE = 0.3
STAGES = 9
"""Between them all is taken back, and nobody types or asks: what the server has then, it holds."""
REST_S = 40.0
"""What requests leave behind is given back each 20 seconds."""
SAMPLE_EACH_S = 1.0
IDLE_S = 10.0
MAX_IDLE_MB = 80.0
MAX_MORE = 4
"""Of descriptors, threads and tasks: so many requests more may be under way at a moment."""

MAX_DOCUMENT_CHARS = 20_000
"""It stays about so long: what a growing one takes, and a closed one gives back, would hide a slope."""
END_S = 60.0
WORDS = (
    "total = ",
    "measure(",
    "value",
    ")\n    ",
    "\n\ndef step():\n    ",
    "return x",
    "# a note\n",
    "é",
    "😀",
)


@dataclass(slots=True)
class Soak:
    """What was done, and what the process had meanwhile."""

    dice: random.Random
    tally: Counter[str] = field(default_factory=Counter[str])
    samples: list[Sample] = field(default_factory=list[Sample])
    """Looks at any moment while one types."""
    rests: list[Sample] = field(default_factory=list[Sample])
    """Looks between two stages."""
    began_s: float = field(default_factory=time.monotonic)

    def look(self, client: Client) -> Sample:
        """Look at the process now."""
        return client.sample(time.monotonic() - self.began_s)


async def edit(client: Client, soak: Soak, until_s: float) -> None:
    """Type, ask for ghost text, and sometimes take that back; what is over a length goes at the other end."""
    due = time.monotonic()
    while time.monotonic() < until_s:
        client.type(soak.dice.choice(WORDS))
        soak.tally["edits"] += 1
        number = soak.tally["edits"]
        if number % EDITS_A_GHOST == 0:
            request = client.ask_ghost(invoked=soak.dice.random() < 0.1)
            soak.tally["ghosts"] += 1
            if soak.dice.random() < CANCELLED_SHARE:
                client.cancel(request)
        while client.chars > MAX_DOCUMENT_CHARS:
            client.forget_a_line()
        if number % EDITS_AN_OPENING == 0:
            client.close()
            client.open()
        await client.drain()
        if number % EDITS_A_PAUSE == 0:
            await asyncio.sleep(PAUSE_S)
        due += 1 / EDITS_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def chat(client: Client, soak: Soak, until_s: float) -> None:
    """Ask questions, one at a time in each lane, and take some back."""
    while time.monotonic() < until_s:
        request = client.ask_chat()
        soak.tally["chats"] += 1
        if soak.dice.random() < CANCELLED_SHARE:
            await asyncio.sleep(soak.dice.random())
            client.cancel(request)
        await client.answered(request)
        await asyncio.sleep(CHAT_EACH_S)


async def sample(client: Client, soak: Soak, until_s: float) -> None:
    """Look at the process now and then."""
    while time.monotonic() < until_s:
        soak.samples.append(soak.look(client))
        await asyncio.sleep(SAMPLE_EACH_S)


async def stage(client: Client, soak: Soak, minutes: float) -> None:
    """Type for so long, then take all back, rest, and look at what is held."""
    until_s = time.monotonic() + 60 * minutes
    async with asyncio.TaskGroup() as group:
        group.create_task(edit(client, soak, until_s))
        group.create_task(sample(client, soak, until_s))
        lanes = [group.create_task(chat(client, soak, until_s)) for _ in range(2)]
        await asyncio.sleep(60 * minutes)
        while not all(lane.done() for lane in lanes):
            client.cancel_all()
            await asyncio.wait(lanes, timeout=1.0)
    client.cancel_all()
    await client.rest(END_S)
    await asyncio.sleep(REST_S)
    soak.rests.append(soak.look(client))
    last = soak.samples[-1]
    print(
        f"{last.at_s:6.0f} s: {last} {dict(soak.tally)}; at rest {soak.rests[-1].rss_mb:.1f} MB", flush=True
    )


async def run(minutes: float, seed: int) -> bool:
    """Soak a server, and print what came of it."""
    soak = Soak(random.Random(seed))
    folder = Path(tempfile.mkdtemp(prefix="farebox-soak-"))
    try:
        async with Upstream(random.Random(seed)) as upstream:
            client = await Client.start(folder, upstream.base_url)
            await asyncio.sleep(IDLE_S)
            idle = client.sample(0.0)
            print(f"idle after {IDLE_S:.0f} s: {idle}", flush=True)
            client.open()
            soak.began_s = time.monotonic()
            for _ in range(STAGES):
                await stage(client, soak, minutes / STAGES)
            tasks = client.tasks()
            unanswered = await client.rest(END_S)
            code = await client.end()
            print(f"upstream: {dict(upstream.played)}; answers: {dict(client.answers)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return judge(soak, idle, tasks, unanswered, code)


def judge(soak: Soak, idle: Sample, tasks: Sequence[int], unanswered: int, code: int) -> bool:
    """Print the verdicts."""
    held, memory = ([(one.at_s, one.rss_mb) for one in looks] for looks in (soak.rests, soak.samples))
    more = {
        "descriptors": growth([one.descriptors for one in soak.samples]),
        "threads": growth([one.threads for one in soak.samples]),
        f"tasks, {min(tasks)} to {max(tasks)} in {len(tasks)} looks,": growth(tasks),
    }
    last = soak.samples[-1]
    print(f"{dict(soak.tally)} in {last.at_s:.0f} s; the most ever {last.peak_mb:.1f} MB")
    verdicts = {
        f"idle memory {idle.rss_mb:.1f} MB, at most {MAX_IDLE_MB:.0f}": idle.rss_mb <= MAX_IDLE_MB,
        **of_memory(held, memory),
        **{
            f"{name} {number:+d} from the first to the last quarter after warm-up": number <= MAX_MORE
            for name, number in more.items()
        },
        f"{unanswered} requests without an answer": unanswered == 0,
        f"exit code {code}": code == 0,
    }
    for what, met in verdicts.items():
        print(f"{'PASS' if met else 'FAIL'}: {what}")
    return all(verdicts.values())


def main() -> int:
    """Soak."""
    parser = argparse.ArgumentParser(description="Type for half an hour beside a misbehaving upstream.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if not Path("/proc/self/status").exists():
        print("SKIP: this system has no /proc to read memory and descriptors from")
        return 0
    with suppress(KeyboardInterrupt):
        return 0 if asyncio.run(run(options.minutes, options.seed)) else 1
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
