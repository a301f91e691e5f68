"""The fault drill: three providers that fail in turn for minutes, and what became of the requests meanwhile.

Each provider is the first choice of a third of the requests. Those arrive one or two seconds apart by a clock
that is moved between them, some in bursts of twenty at once, half of these at the very moment when a pause is
over. Calls go over real sockets, and while they run the clock stands still.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from farebox.messages import Done, FellBack, Target, Task
from farebox.router.health import Place
from support.failing import HELLO, Failing, House, a_house, a_request
from support.upstream import Answer, Recorded, json_answer

NAMES: Final = ("a", "b", "c")
OWN_TASK: Final[dict[str, Task]] = {"a": "chat", "b": "explain", "c": "fix"}
CHAINS: Final = """
[tasks]
chat = ["a/m", "b/m", "c/m"]
explain = ["b/m", "c/m", "a/m"]
fix = ["c/m", "a/m", "b/m"]
"""
STEP_S: Final = (1.0, 2.0)
BURST: Final = 20
BURSTS_IN: Final = 60
"""One step in so many is a burst for no reason."""

RETRY_AFTER_S: Final = 20
SILENT_S: Final = 1.0
BUSY: Final = json_answer({"error": {"message": "busy"}}, status=503)
LIMITED: Final = json_answer(
    {"error": {"message": "slow down"}}, status=429, headers={"Retry-After": str(RETRY_AFTER_S)}
)


@dataclass(frozen=True)
class Phase:
    """So many seconds of a trouble at some providers; ``calm`` has none."""

    what: str
    seconds: float
    names: tuple[str, ...] = ()


PHASES: Final = (
    Phase("calm", 40),
    Phase("503", 180, ("a",)),
    Phase("calm", 130),
    Phase("refused", 180, ("b",)),
    Phase("calm", 130),
    Phase("429", 180, ("c",)),
    Phase("calm", 40),
    Phase("silent", 180, ("a",)),
    Phase("calm", 130),
    Phase("503 half of the time", 180, ("a", "b")),
    Phase("calm", 130),
    Phase("503 at both", 120, ("a", "b")),
    Phase("calm", 130),
)


@dataclass
class Recovery:
    """How a provider came back: when its trouble ended, its last pause, and when it answered again."""

    what: str
    name: str
    ended_s: float
    interval_s: float
    used_s: float | None = None

    @property
    def took_s(self) -> float:
        """Seconds from the end of the trouble to the first answer; endless if there was none."""
        return float("inf") if self.used_s is None else self.used_s - self.ended_s


@dataclass
class Figures:
    """What the drill came to. ``herd`` is the most requests that met a provider in recovery at one moment."""

    asked: int = 0
    answered: int = 0
    sent: int = 0
    herd: int = 0
    probes: int = 0
    bursts: int = 0
    seconds: float = 0.0
    recoveries: list[Recovery] = field(default_factory=list["Recovery"])
    sent_in: Counter[str] = field(default_factory=Counter[str])
    asked_in: Counter[str] = field(default_factory=Counter[str])
    unanswered: list[str] = field(default_factory=list[str])

    @property
    def answered_share(self) -> float:
        """Answered requests of all that were asked."""
        return self.answered / self.asked

    @property
    def sent_for_each(self) -> float:
        """Requests that left for each that was answered."""
        return self.sent / self.answered

    def lines(self) -> list[str]:
        """Write the figures for people."""
        return [
            f"{self.answered} of {self.asked} answered ({self.answered_share:.2%})",
            f"{self.sent} sent ({self.sent_for_each:.3f} for each answered)",
            f"{self.seconds:.0f} virtual seconds, {self.bursts} bursts of {BURST}",
            f"{self.probes} requests to providers in recovery, at most {self.herd} at once",
            *(f"  {what}: {self.asked_in[what]} asked, {self.sent_in[what]} sent" for what in self.asked_in),
            *(
                f"  {one.name} after {one.what}: used again {one.took_s:.1f} s after its recovery, "
                f"the pause then was {one.interval_s:.1f} s"
                for one in self.recoveries
            ),
            *self.unanswered,
        ]


class Drill:
    """One run. What a provider's health is supposed to be is worked out from what is seen outside."""

    def __init__(self, house: House, requests: int, seed: int, *, is_storm: bool) -> None:
        self._house = house
        self._is_storm = is_storm
        self._requests = requests
        self._dice = random.Random(seed)
        self._met: Counter[str] = Counter()  # requests that met a provider in recovery, in this step
        self._failed: set[str] = set()  # who has failed a request in this step
        self._recovering: set[str] = set()
        self._pauses: dict[str, float] = {}
        self._phase = PHASES[0]
        self.figures = Figures()

    async def run(self) -> Figures:
        """Go through all phases, then on in calm until the last request."""
        figures, clock = self.figures, self._house.clock
        began_s = clock.now_s
        for phase in (*PHASES, Phase("calm", float("inf"))):
            self._phase = phase
            await self._begin(phase)
            ends_s = clock.now_s + phase.seconds
            if self._is_storm and phase.names:
                await self._step(at_once=phase.names[0])
            while clock.now_s < ends_s and figures.asked < self._requests:
                await self._step()
            await self._end(phase)
        assert not self._recovering, "the drill ends when all have recovered"
        figures.seconds = clock.now_s - began_s
        figures.sent = len(await self._house.rows())
        arrived = sum(figures.sent_in.values())
        # One whose time is up before it has arrived has a row too, where the machine is busy.
        assert figures.sent >= arrived, f"each request that left has its row: {figures.sent} for {arrived}"
        return figures

    async def _begin(self, phase: Phase) -> None:
        for name in phase.names:
            provider = self._house[name]
            match phase.what:
                case "503" | "503 at both":
                    provider.how = self._watched(provider, lambda: BUSY)
                case "429":
                    provider.how = self._watched(provider, lambda: LIMITED)
                case "silent":
                    provider.how = self._watched(provider, lambda: Answer(hang=True))
                case "503 half of the time":
                    provider.how = self._watched(
                        provider, lambda: BUSY if self._dice.random() < 0.5 else HELLO
                    )
                case "refused":
                    await provider.leave()
                case _:
                    raise AssertionError(phase.what)

    async def _end(self, phase: Phase) -> None:
        for name in phase.names:
            provider = self._house[name]
            if phase.what == "refused":
                await provider.come_back()
            provider.how = self._watched(provider, lambda: HELLO)
            if name in self._recovering:
                recovery = Recovery(phase.what, name, self._house.clock.now_s, self._pauses[name])
                self.figures.recoveries.append(recovery)

    def watch(self) -> None:
        """Count what arrives at the providers."""
        for provider in self._house.providers.values():
            provider.how = self._watched(provider, lambda: HELLO)

    def _watched(self, provider: Failing, answer: Callable[[], Answer]) -> Callable[[Recorded], Answer]:
        def how(_: Recorded) -> Answer:
            self._note_arrival(provider.name)
            return answer()

        return how

    def _note_arrival(self, name: str) -> None:
        self.figures.sent_in[self._phase.what] += 1
        if name in self._recovering:
            self._met[name] += 1

    async def _step(self, at_once: str | None = None) -> None:
        before = {name for name in NAMES if self._is_paused(name)}
        self._house.clock.move(self._dice.uniform(*STEP_S))
        over = sorted(name for name in before if not self._is_paused(name))
        wanted = at_once or (over[0] if over else self._dice.choice(NAMES))
        is_burst = (
            at_once is not None
            or bool(over and self._dice.random() < 0.5)
            or self._dice.randrange(BURSTS_IN) == 0
        )
        left = self._requests - self.figures.asked
        number = min(BURST if is_burst else 1, left)
        self.figures.bursts += is_burst
        self._met.clear()
        self._failed.clear()
        waiting: list[Awaitable[None]] = [self._ask(OWN_TASK[wanted]) for _ in range(number)]
        await asyncio.gather(*waiting)
        self.figures.probes += sum(self._met.values())
        self.figures.herd = max([self.figures.herd, *self._met.values()])
        for name in self._failed:
            trouble = self._house.health.trouble(self._place(name))
            if trouble is not None:
                self._recovering.add(name)
                self._pauses[name] = trouble.wait_s

    async def _ask(self, task: Task) -> None:
        self.figures.asked += 1
        self.figures.asked_in[self._phase.what] += 1
        heard = await self._house.ask(a_request(task=task))
        for event in heard.events:
            if isinstance(event, FellBack):
                self._note_failure(event.failed.provider)
        if heard.failure is None and isinstance(heard.events[-1], Done):
            self.figures.answered += 1
            self._note_success(heard.events[-1].route.target.provider)
        else:
            self.figures.unanswered.append(f"  {self._phase.what}: {heard.failure}")

    def _note_failure(self, name: str) -> None:
        self._failed.add(name)
        if self._phase.what == "refused" and name in self._phase.names:
            self._note_arrival(name)  # where nobody listens, nobody else has noted it

    def _note_success(self, name: str) -> None:
        self._recovering.discard(name)
        for recovery in self.figures.recoveries:
            if recovery.name == name and recovery.used_s is None:
                recovery.used_s = self._house.clock.now_s

    def _is_paused(self, name: str) -> bool:
        return self._house.health.trouble(self._place(name)) is not None

    def _place(self, name: str) -> Place:
        return self._house.door().planner.menus.place(Target(name, "m"))


async def drill(folder: Path, requests: int = 2_000, seed: int = 1, *, is_storm: bool = False) -> Figures:
    """Run the drill with everything below one folder. In a storm each trouble begins as a burst arrives."""
    async with a_house(folder, *NAMES, config=CHAINS, each=f"first_token_s = {SILENT_S}") as house:
        run = Drill(house, requests, seed, is_storm=is_storm)
        run.watch()
        return await run.run()
