"""The ``[budgets]`` table: who may spend how much in which time, and what happens on the way there.

Amounts are dollars, rungs of the ladder percent. What of it counts at a moment is said by ``ledger.limits``;
nothing here knows what was spent. A workspace's table, read by the same words, can only tighten the user's.
"""

import os
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Final, TypeVar, cast, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from farebox.messages import Task
from farebox.provider_settings import Section, Usd

MAX_SCOPES = 100
"""How many providers, or workspaces, may have a table of their own."""

EACH: Final = "*"
"""The name of the table of every workspace that has none of its own."""

Percent = Annotated[int, Field(ge=1, le=100)]
Number = TypeVar("Number", int, Decimal)


def real_folder(folder: str) -> str:
    """Return a folder's path without links: the one name that it has, however it is spelled."""
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):  # no path of a folder at all
        return os.path.normpath(folder)


def _folder(value: str) -> str:
    """Accept a folder by any of its paths, ``~`` for the user's home, or EACH."""
    if value == EACH:
        return EACH
    folder = os.path.expanduser(value)  # noqa: PTH111  text
    if not os.path.isabs(folder):  # noqa: PTH117
        raise ValueError(f'{value} is no workspace: write its folder in full, or "{EACH}" for each of them')
    return real_folder(folder)


def _one_each(tables: object) -> object:
    """Refuse two tables of one folder that is spelled in two ways: only one of them would count."""
    if not isinstance(tables, Mapping):
        return tables
    known: dict[str, str] = {}
    for name in map(str, cast("Mapping[object, object]", tables)):
        other = known.setdefault(real_folder(os.path.expanduser(name)), name)  # noqa: PTH111
        if other != name:
            raise ValueError(f"{other} and {name} are one folder: keep one of their tables")
    return cast("Mapping[object, object]", tables)


Folder = Annotated[str, AfterValidator(_folder)]


class Ceilings(Section):
    """Hard limits in dollars, one for each length of time; None is no limit."""

    hourly_usd: Usd | None = None
    daily_usd: Usd | None = None
    weekly_usd: Usd | None = None
    monthly_usd: Usd | None = None

    def lowered(self, other: "Ceilings") -> "Ceilings":
        """Return the lower limit for each length of time."""
        return Ceilings(**{name: _lower(getattr(self, name), getattr(other, name)) for name in PERIODS})


PERIODS: Final = tuple(Ceilings.model_fields)
NO_CEILINGS: Final = Ceilings()


class Rungs(Section):
    """From which percent of a budget on something happens; None is a rung that is not used.

    ``warn``: the user is told, once. ``cheaper``: ``auto`` chooses as ``auto:cheap`` does. ``local``: only
    free models on this machine are asked. ``stop``: none at all is. Of two that begin together the later
    counts.
    """

    warn: Percent | None = None
    cheaper: Percent | None = None
    local: Percent | None = None
    stop: Percent | None = None

    @model_validator(mode="after")
    def _climb(self) -> "Rungs":
        """Refuse a rung below a milder one: that one would never be stood on."""
        for (milder, above), (stricter, percent) in pairwise(self.used):
            if percent < above:
                raise ValueError(f"{stricter} = {percent} can't come before {milder} = {above}")
        return self

    @property
    def used(self) -> tuple[tuple[str, int], ...]:
        """The rungs that are written down, the mildest first, and their percent."""
        steps = ((name, getattr(self, name)) for name in RUNGS if name in self.model_fields_set)
        return tuple((name, percent) for name, percent in steps if percent is not None)


RUNGS: Final = ("warn", "cheaper", "local", "stop")


class Ladder(Rungs):
    """The rungs of every budget of the user's."""

    warn: Percent | None = 80


class TaskBudgets(Section):
    """For each task its own ceilings: what was asked for counts, not what it was taken for."""

    chat: Ceilings = NO_CEILINGS
    complete: Ceilings = NO_CEILINGS
    explain: Ceilings = NO_CEILINGS
    generate: Ceilings = NO_CEILINGS
    edit: Ceilings = NO_CEILINGS
    fix: Ceilings = NO_CEILINGS
    tests: Ceilings = NO_CEILINGS
    document: Ceilings = NO_CEILINGS
    review: Ceilings = NO_CEILINGS
    plan: Ceilings = NO_CEILINGS
    apply: Ceilings = NO_CEILINGS
    commit: Ceilings = NO_CEILINGS
    title: Ceilings = NO_CEILINGS
    agent: Ceilings = NO_CEILINGS

    def of(self, task: Task) -> Ceilings:
        """Return a task's ceilings."""
        found: Ceilings = getattr(self, task)
        return found


class SharedBudgets(Ceilings):
    """What the user's table and a workspace's have in common: ceilings of all spending, and of parts of it.

    ``request_usd`` is the most that one request may cost.
    """

    request_usd: Usd | None = None
    tasks: TaskBudgets = TaskBudgets()
    providers: Annotated[dict[str, Ceilings], Field(max_length=MAX_SCOPES)] = Field(
        default_factory=dict[str, Ceilings]
    )
    workspaces: Annotated[
        dict[Folder, Ceilings], Field(max_length=MAX_SCOPES), BeforeValidator(_one_each)
    ] = Field(default_factory=dict[str, Ceilings])

    @cached_property
    def own(self) -> Ceilings:
        """The ceilings of all spending."""
        return Ceilings(**{name: getattr(self, name) for name in PERIODS})

    @cached_property
    def of_tasks(self) -> tuple[tuple[Task, Ceilings], ...]:
        """The tasks that have ceilings of their own."""
        every = ((task, self.tasks.of(task)) for task in get_args(Task))
        return tuple((task, ceilings) for task, ceilings in every if ceilings != NO_CEILINGS)

    def workspace_key(self, folder: str) -> str:
        """Return which table a workspace goes by, its folder without links: its own, or that of each."""
        return folder if folder in self.workspaces else EACH

    def of_workspace(self, folder: str) -> Ceilings:
        """Return a workspace's ceilings."""
        return self.workspaces.get(self.workspace_key(folder), NO_CEILINGS)

    @cached_property
    def has_ceilings(self) -> bool:
        """Say whether anything is limited beyond a single request."""
        tables = (self.own, *self.providers.values(), *self.workspaces.values())
        return bool(self.of_tasks) or any(table != NO_CEILINGS for table in tables)

    def __hash__(self) -> int:
        """Hash the ceilings of all spending, which equal budgets have in common: it is the key of a cache."""
        return hash(self.own)


class WorkspaceBudgets(SharedBudgets):
    """The budgets of a ``.farebox.toml``: rungs that it does not name stay the user's."""

    ladder: Rungs = Rungs()
    __hash__ = SharedBudgets.__hash__


class Budgets(SharedBudgets):
    """The user's budgets. At 100 % of one nothing that costs money leaves, whatever the ladder says."""

    ladder: Ladder = Ladder()
    __hash__ = SharedBudgets.__hash__

    def tightened(self, workspace: WorkspaceBudgets) -> "Budgets":
        """Return the lower of both everywhere: never looser than this, whatever a workspace says."""
        tasks = {task: self.tasks.of(task).lowered(workspace.tasks.of(task)) for task in get_args(Task)}
        rungs = {name: _lower(getattr(self.ladder, name), getattr(workspace.ladder, name)) for name in RUNGS}
        return Budgets.model_construct(
            **dict(self.own.lowered(workspace.own)),
            request_usd=_lower(self.request_usd, workspace.request_usd),
            tasks=TaskBudgets(**tasks),
            providers=_lowered(self.providers, workspace.providers),
            workspaces=_lowered(self.workspaces, workspace.workspaces, other=EACH),
            ladder=Ladder.model_construct(
                **rungs
            ),  # each rung is as low as either says: that may be no climb
        )


def _lowered(
    first: Mapping[str, Ceilings], second: Mapping[str, Ceilings], *, other: str | None = None
) -> dict[str, Ceilings]:
    """Lower table by table; ``other`` names the one that stands in where there is none."""

    def of(tables: Mapping[str, Ceilings], name: str) -> Ceilings:
        return tables.get(name, tables.get(other, NO_CEILINGS) if other else NO_CEILINGS)

    return {name: of(first, name).lowered(of(second, name)) for name in sorted({*first, *second})}


def _lower(first: Number | None, second: Number | None) -> Number | None:
    return min((one for one in (first, second) if one is not None), default=None)
