"""Processes that use farebox's door and are killed, one after the other, by the hundred; not for Windows.

A parent that has imported all of farebox, and has started no thread, forks a life in a few milliseconds. Each
life sends requests in several lanes until it dies: half of them at a random moment, half as soon as the
ledger's thread comes to a certain line of the ledger's code, before that line is done. Which lines there are
the lives find out themselves, so every line that runs has its turn, and so has every write in them.

``python tests/support/lives.py KILLS SEED`` prints a line of JSON for each death, once it has been waited
for; the lives find their settings as any farebox does. ``kills`` runs it. Nothing of farebox is replaced.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

if __name__ == "__main__":  # started as a file, not as part of a package
    sys.path.insert(0, str(Path(__file__).parent.parent))

from support.billing import Script
from support.ledger_worker import ask
from support.patience import WAIT_S

AT_ONCE = 4
LANES = 3
LONGEST_S = 0.3
TRIPWIRE_S = 3.0
"""How long a life may take to come to the line where it is to die; then it is killed where it is."""
TRIES = 3
REQUESTS = 5
"""Of each lane of a life with a tripwire, before it closes its ledger: there are lines as well."""

A_MOMENT = "a random moment"


@dataclass(frozen=True, slots=True)
class Death:
    """``place`` is where a life was killed, such as ``holds.py:88``; "" if it came to its own end."""

    life: str
    place: str
    died_s: float


@contextmanager
def kills(count: int, environment: Mapping[str, str], *, seed: int) -> Generator[Iterator[Death]]:
    """Have so many lives killed; yield each death as it comes."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(count), str(seed)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(environment),
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield (Death(**json.loads(line)) for line in process.stdout)
        assert process.wait(WAIT_S) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def life_of(marker: str) -> str:
    """Return whose request it was."""
    return marker.partition("/")[0]


# --- a life ----------------------------------------------------------------------------------------


class _Tripwire:
    """Tells each line of the ledger's code that runs; kills this process at the n-th visit of one of them."""

    def __init__(self, told: int, place: str | None, visits: int) -> None:
        self._told, self._place, self._visits = told, place, visits
        self._seen: set[str] = set()

    def enter(self, frame: FrameType, _event: str, _argument: object) -> Any:
        """Follow a function if it is the ledger's; see ``threading.settrace``."""
        return self._step if "/farebox/ledger/" in frame.f_code.co_filename else None

    def _step(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event != "line":
            return self._step
        place = f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"  # noqa: PTH119  for each line
        if place not in self._seen:
            self._seen.add(place)
            os.write(self._told, f"{place}\n".encode())
        if place == self._place:
            self._visits -= 1
            if self._visits == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._step


async def _live(life: str, dice: random.Random, requests: int | None) -> None:
    """Send requests in several lanes, so many in each; some of them are stopped, and later corrected."""
    from farebox.app import App, Client
    from farebox.ledger.records import Shown

    app = App(Client("life"))
    corrects = asyncio.create_task(app.correct_estimates())

    async def lane(name: int) -> None:
        for number in itertools.count() if requests is None else range(requests):
            script = Script(
                pieces=dice.randint(1, 4),
                pause_ms=dice.choice((0, 0, 3, 10)),
                base=dice.randint(1, 50_000),
                each=dice.randint(0, 9_999),
            )
            stop_after = dice.choice((None, None, None, 1, 2))
            asked = await ask(app, f"{life}/{name}/{number}", script, stop_after=stop_after)
            if asked.call_id is not None:
                app.ledger.tell(Shown(asked.call_id, shown=1, accepted=dice.randint(0, 1)))

    await asyncio.gather(*map(lane, range(LANES)))
    corrects.cancel()
    await app.close()


def _fork(life: str, told: int, place: str | None, dice: random.Random) -> int:
    """Start a life; return its process id."""
    seed, visits = dice.random(), dice.randint(1, 3)
    if pid := os.fork():
        return pid
    try:
        if place is not None:
            threading.settrace(_Tripwire(told, place, visits).enter)
        asyncio.run(_live(life, random.Random(seed), None if place is None else REQUESTS))
        os._exit(0)
    except BaseException:  # noqa: BLE001  a life never returns into its parent's code
        traceback.print_exc()
    finally:
        os._exit(1)


# --- the parent --------------------------------------------------------------------------------------


class _Places:
    """The lines where lives have died, and where they have yet to."""

    def __init__(self) -> None:
        self._tries: dict[str, int] = {}
        self._waiting: deque[str] = deque()

    def add(self, places: list[str]) -> None:
        """Take note of lines that run."""
        for place in places:
            if place not in self._tries:
                self._tries[place] = 0
                self._waiting.append(place)

    def next(self, dice: random.Random) -> str:
        """Choose where to die: where nobody has, as long as there is such a line."""
        if not self._tries:
            return "the first life only looks around"
        return self._waiting.popleft() if self._waiting else dice.choice(list(self._tries))

    def missed(self, place: str) -> None:
        """Have another life go for a line that its first one did not come to."""
        self._tries[place] = self._tries.get(place, TRIES) + 1
        if self._tries[place] < TRIES:
            self._waiting.append(place)


@dataclass(slots=True)
class _Alive:
    life: str
    place: str | None
    due_s: float


class _Parent:
    """Keeps some lives going until enough of them were killed."""

    def __init__(self, count: int, dice: random.Random) -> None:
        self._count, self._dice = count, dice
        self._places, self._alive = _Places(), dict[int, _Alive]()
        self._killed = 0
        self._told, self._tell = os.pipe()
        os.set_blocking(self._told, False)

    def run(self) -> None:
        """Start and bury lives until all are dead."""
        for number in itertools.count():
            while len(self._alive) == AT_ONCE or (self._alive and self._is_enough):
                self._places.add(_read(self._told))
                self._bury()
                time.sleep(0.002)
            if self._is_enough:
                return
            self._start(f"life-{number}", self._places.next(self._dice) if number % 2 else None)

    @property
    def _is_enough(self) -> bool:
        return self._killed + len(self._alive) >= self._count

    def _start(self, life: str, place: str | None) -> None:
        most_s = TRIPWIRE_S if place is not None else self._dice.uniform(0, LONGEST_S)
        pid = _fork(life, self._tell, place, self._dice)
        self._alive[pid] = _Alive(life, place, time.monotonic() + most_s)

    def _bury(self) -> None:
        """Kill whose time has come, and tell of all who are dead."""
        for pid, one in list(self._alive.items()):
            is_late = time.monotonic() >= one.due_s
            if is_late:
                os.kill(pid, signal.SIGKILL)
            found, status = os.waitpid(pid, 0 if is_late else os.WNOHANG)
            if found == 0:
                continue
            del self._alive[pid]
            was_killed = os.WIFSIGNALED(status)
            if one.place is not None and (is_late or not was_killed):
                self._places.missed(one.place)
            self._killed += was_killed
            self._say(one, was_killed=was_killed, is_late=is_late, status=status)

    def _say(self, one: _Alive, *, was_killed: bool, is_late: bool, status: int) -> None:
        if not was_killed and os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"{one.life} broke down")
        place = (A_MOMENT if is_late or one.place is None else one.place) if was_killed else ""
        print(json.dumps(asdict(Death(one.life, place, time.time()))), flush=True)


def _read(told: int) -> list[str]:
    try:
        return os.read(told, 1 << 20).decode().split()
    except BlockingIOError:
        return []


def main() -> None:
    """Import all that a life needs, then begin."""
    from farebox import prices
    from farebox.app import App
    from farebox.ledger import store

    assert App and store  # noqa: PT018  what is imported now no life has to import
    prices.preload()
    _Parent(int(sys.argv[1]), random.Random(sys.argv[2])).run()


if __name__ == "__main__":
    main()
