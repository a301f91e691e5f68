"""Runs many cases: lives of a few hundred each, and for what is found the shortest case that shows it."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from support.fuzz.byte_cases import byte_case
from support.fuzz.grammar_cases import grammar_case
from support.fuzz.life import Broken, Ending, Life, a_life, an_ending
from support.fuzz.session_cases import session_case
from support.fuzz.steps import Case, Layer, Step
from support.units import ENCODINGS

LANES = 8
"""Cases of the upper layers that run side by side in one process."""
SHRINK_HANG_S = 8.0
MAX_SHRINK_RUNS = 25
SHARES: dict[Layer, float] = {"bytes": 0.45, "grammar": 0.4, "session": 0.15}
FAULTY_LIVES = 0.25


@dataclass(frozen=True, slots=True)
class Found:
    """Something wrong: in which case, in what words; ``alone``: the case shows it in a process of its own."""

    case: Case
    what: str
    alone: bool


@dataclass(slots=True)
class Report:
    """What a campaign came to."""

    tally: Counter[str] = field(default_factory=Counter[str])
    most_mb: int = 0
    lives: int = 0
    billed: int = 0
    booked: int = 0
    estimated: int = 0
    found: list[Found] = field(default_factory=list[Found])


def cases_of_life(seed: str, layer: Layer, count: int) -> Sequence[Case]:
    """Make the cases of one life."""
    dice = random.Random(f"{seed} {layer}")
    encoding, faulty = dice.choice(ENCODINGS), dice.random() < FAULTY_LIVES
    cases: list[Case] = []
    for number in range(count):
        name = f"{seed}n{number}"
        own = random.Random(name)
        match layer:
            case "bytes":
                cases.append(byte_case(name, own))
            case "grammar":
                cases.append(grammar_case(name, own))
            case "session":
                cases.append(session_case(name, own, encoding, faulty=faulty))
    return cases


async def campaign(
    seed: int, lives: Sequence[tuple[Layer, int]], tell: Callable[[Report], object], *, most_found: int = 5
) -> Report:
    """Run lives, each of a layer and so many cases, until so much has been found."""
    report = Report()
    for number, (layer, count) in enumerate(lives):
        name = f"f{seed}l{number}"
        found = await run_life(cases_of_life(name, layer, count), an_ending(random.Random(name)), report)
        if found is not None:
            report.found.append(found)
        report.lives += 1
        tell(report)
        if len(report.found) >= most_found:
            break
    return report


async def run_life(cases: Sequence[Case], ending: Ending, report: Report) -> Found | None:
    """Run cases in one process; return the first thing that was wrong, as short as it gets."""
    broken = await _run(cases, ending, report)
    if broken is None:
        return None
    case = next((one for one in cases if one.name == broken.case), cases[0])
    short = await shrink(case, ending)
    return Found(short or case, str(broken), short is not None)


async def _run(
    cases: Sequence[Case], ending: Ending, report: Report | None = None, hang_s: float | None = None
) -> Broken | None:
    options = {} if hang_s is None else {"hang_s": hang_s}
    life: Life | None = None
    try:
        spoilt = any(case.layer == "bytes" for case in cases)
        async with a_life(cases[0].encoding, lenient=spoilt, **options) as life:
            todo = iter(cases)
            lanes = 1 if spoilt else LANES
            async with asyncio.TaskGroup() as group:
                for _ in range(lanes):
                    group.create_task(_lane(life, todo))
            audit = await life.end(ending)
            if report is not None:
                report.billed += audit.billed
                report.booked += audit.booked
                report.estimated += audit.estimated
                report.tally["ledger rows"] += audit.rows
    except Broken as broken:
        return broken
    except ExceptionGroup as group:
        return _first(group)
    finally:
        if report is not None and life is not None:
            report.most_mb = max(report.most_mb, life.tally.pop("most MB", 0))
            report.tally.update(life.tally)
    return None


async def _lane(life: Life, todo: Iterator[Case]) -> None:
    for case in todo:
        await life.run(case)


def _first(group: "ExceptionGroup[Exception]") -> Broken:
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    if isinstance(one, Broken):
        return one
    raise one


async def fails(case: Case, ending: Ending = "exit") -> str | None:
    """Return what is wrong with a case in a process of its own."""
    broken = await _run([case], ending, hang_s=SHRINK_HANG_S)
    return None if broken is None else str(broken)


async def shrink(case: Case, ending: Ending) -> Case | None:
    """Leave out steps while the case still fails; None if it does not fail by itself."""
    if await fails(case, ending) is None:
        return None
    runs = 0
    async for shorter in _shorter(case):
        runs += 1
        if runs > MAX_SHRINK_RUNS:
            break
        if await fails(shorter.case, ending) is not None:
            shorter.keep()
            case = shorter.case
    return case


@dataclass(slots=True)
class _Try:
    case: Case
    kept: bool = False

    def keep(self) -> None:
        self.kept = True


async def _shorter(case: Case) -> AsyncGenerator[_Try]:
    steps: list[Step] = list(case.steps)
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            one = _Try(case.with_steps(steps[:at] + steps[at + size :]))
            yield one
            if one.kept:
                steps = list(one.case.steps)
            else:
                at += size
        size //= 2


def lives_for(sequences: int, a_life: int) -> Sequence[tuple[Layer, int]]:
    """Share so many sequences out among lives of the three layers."""
    plan: list[tuple[Layer, int]] = []
    for layer, share in SHARES.items():
        left = round(sequences * share)
        while left > 0:
            plan.append((layer, min(a_life, left)))
            left -= a_life
    random.Random(sequences).shuffle(plan)
    return plan
