"""What is set up, what is missing and what to do about it: one check after another, each with a hint.

Checks never raise: what goes wrong is what they are for. Asking a provider sends no prompt.
"""

import asyncio
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

import farebox
from farebox import own_files
from farebox.config import Config, WorkspaceConfig
from farebox.errors import FareboxError, Kind, MissingKey
from farebox.ledger.limits import limits_from
from farebox.ledger.store import Ledger
from farebox.messages import Call, Chat, Route, Target, Task, nanodollars_from_usd, usd_text
from farebox.otel import telemetry
from farebox.router import inventory
from farebox.router.door import Door
from farebox.router.request import Request
from farebox.settings_file import read_file

CheckState = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``hint`` is empty where there is nothing to do, ``kind`` is there if an error was met."""

    name: str
    state: CheckState
    message: str
    hint: str = ""
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class _Workspace:
    """A workspace's file that is in effect, and what it says."""

    file: Path
    asked: WorkspaceConfig


async def examine(
    open_door: Callable[[str | None], Door],
    *,
    ledger: Ledger,
    config_file: Path,
    workspace_files: Sequence[Path] = (),
) -> tuple[Check, ...]:
    """Check everything that a request depends on."""
    checks = [_ok("version", f"farebox {farebox.__version__}, Python {platform.python_version()}")]
    try:
        door = open_door(None)
    except FareboxError as error:
        return (*checks, _failed("config", error), *await _data(ledger))
    config = door.planner.config
    workspaces = [found for file in workspace_files if (found := _workspace(file)) is not None]
    checks.append(_config(config_file))
    checks += [_ok("workspace", f"{one.file} {_tightened(one, config)}") for one in workspaces]
    if limits := limits_from(config.budgets, str(workspace_files[0].parent) if workspace_files else None):
        amounts = (f"{limit.name} ${usd_text(limit.limit_nanodollars)}" for limit in limits)
        checks.append(_ok("budgets", ", ".join(amounts)))
    for task in _tasks(config):
        is_off = task == "complete" and not config.completion.enabled
        checks.append(_switched_off(workspaces) if is_off else await _task(door, task))
    agents = _doors_of_agents(open_door, config)
    checks += await asyncio.gather(*(_agent(agents[name], name) for name in agents))
    try:
        wanted = door.directory.wanted()
    except FareboxError as error:  # a key that can't be read
        return (*checks, _failed("keys", error), *await _data(ledger))
    checks += await asyncio.gather(*(_provider(door, name) for name in wanted))
    checks += await _data(ledger)
    checks += await _local_servers(door, agents.values())
    checks += _otel(config)
    return tuple(checks)


def _config(file: Path) -> Check:
    return _ok("config", f"{file}" if file.exists() else f"{file} (not there yet: defaults)")


def _workspace(file: Path) -> _Workspace | None:
    """Read a workspace's file; None if there is none, or if it has just been changed to one that is wrong."""
    try:
        layer = read_file(file)
        return None if layer.text is None else _Workspace(file, WorkspaceConfig.model_validate(layer.table))
    except (FareboxError, ValidationError):
        return None


def _tightened(workspace: _Workspace, config: Config) -> str:
    """Say what of a workspace's file is in effect: a budget may be tighter already."""
    asked, folder = workspace.asked, str(workspace.file.parent)
    amounts = {one.setting: one.limit_nanodollars for one in limits_from(config.budgets, folder)}
    words = [
        f"{'an' if one.name.startswith('h') else 'a'} {one.name} budget of ${usd_text(one.limit_nanodollars)}"
        for one in limits_from(asked.budgets, folder)
        if amounts.get(one.setting) == one.limit_nanodollars
    ]
    own = asked.budgets.request_usd
    if own is not None and own == config.budgets.request_usd:
        words.append(f"a request's budget of ${usd_text(nanodollars_from_usd(own) or 0)}")
    ladder, rungs = config.budgets.ladder, asked.budgets.ladder.used
    if lowered := [f"{rung} = {percent}" for rung, percent in rungs if getattr(ladder, rung) == percent]:
        words.append(f"a ladder with {', '.join(lowered)}")
    if asked.privacy.local_only:
        words.append("local-only mode")
    if count := len(asked.privacy.exclude):
        words.append(f"{count} pattern{'' if count == 1 else 's'} of files that stay here")
    if asked.privacy.gitignore:
        words.append("what git ignores stays here")
    if asked.privacy.secrets is not None:
        words.append(f"secrets in text: {asked.privacy.secrets}")
    if asked.completion.enabled is False:
        words.append("no completion")
    elif languages := asked.completion.disabled_languages:
        words.append(f"no completion for {', '.join(languages)}")
    return f"tightens: {'; '.join(words)}" if words else "tightens nothing"


def _otel(config: Config) -> Iterator[Check]:
    """Say whether usage is exported, where the user wants that."""
    local_only, endpoint = config.privacy.local_only, config.otel.endpoint
    match telemetry.state(config.otel, local_only=local_only):
        case "off":
            return
        case "on":
            yield _ok("otel", f"usage is exported to {endpoint}")
        case "local only":
            why = f"{endpoint} is not on this machine, and local-only mode is on"
            yield Check(
                "otel", "warning", f"usage is not exported: {why}", "Name a collector on this machine."
            )
        case "not installed":
            why = "what that needs is not installed"
            yield Check("otel", "error", f"usage is not exported: {why}", f"Install it: {telemetry.INSTALL}")


def _tasks(config: Config) -> Iterator[Task]:
    """Yield chat, complete and every other task that has models of its own."""
    yield from ("chat", "complete")
    for task in get_args(Task):
        if task not in ("chat", "complete") and getattr(config.tasks, task) is not None:
            yield task


def _switched_off(workspaces: Sequence[_Workspace]) -> Check:
    by = next((one.file for one in workspaces if one.asked.completion.enabled is False), None)
    hint = (
        "Set [completion] enabled = true to have it."
        if by is None
        else f"Take [completion] enabled out of {by}."
    )
    return Check("complete", "warning", "completion is switched off: [completion] enabled = false", hint)


def _doors_of_agents(open_door: Callable[[str | None], Door], config: Config) -> dict[str, Door]:
    """Open a door for each agent, unless it has just been taken out of the settings."""
    doors: dict[str, Door] = {}
    for name in sorted(config.agents):
        with suppress(FareboxError):
            doors[name] = open_door(name)
    return doors


async def _agent(door: Door, name: str) -> Check:
    """Say which model an agent would use, and whether the server of its own is there."""
    check = await _task(door, "chat", name=f"agent {name}", table=f"[agents.{name}]")
    if check.state == "error" or door.planner.config.agent.local is None:
        return check
    try:
        await door.directory.check("local")
    except FareboxError as error:
        return _failed(check.name, error)
    return check


async def _task(door: Door, task: Task, *, name: str | None = None, table: str = "[tasks]") -> Check:
    """Say which model a task would use; ``table`` is where the user has set it, ``name`` the check's."""
    name = name or task
    request = Request(
        task=task,
        render=lambda serving: Call(serving.model, Chat(())),
        input_bytes=1_000,
        max_output_tokens=100,
    )
    try:
        route = await door.route(request)
    except FareboxError as error:
        return _failed(name, error)
    goes_to = f"{route.target.name} ({route.reason})"
    dropped = await _dropped_first(door, request, route)
    if dropped is not None:
        first, problem = dropped
        words = f"{goes_to}, since {first.name} is left out: {problem.message}"
        return Check(name, "warning", words, problem.hint)
    info = door.planner.catalog.info(route.target.provider, route.target.model)
    if info is not None and info.expires is not None:
        warning = f"{goes_to}, which {route.target.provider} will withdraw on {info.expires}"
        return Check(name, "warning", warning, f"Set another model for {task} in {table} before then.")
    languages = door.planner.config.completion.disabled_languages if task == "complete" else ()
    not_for = f"; not for {', '.join(languages)}" if languages else ""
    return _ok(name, f"{goes_to}{not_for}")


async def _dropped_first(door: Door, request: Request, route: Route) -> tuple[Target, FareboxError] | None:
    """Return the first model that the user has set for a task and why it is not asked, if it isn't."""
    chain = door.planner.config.tasks.chain(request.task)
    if not chain or chain[0].partition(":")[0] == "auto":
        return None
    first = door.planner.menus.targets(chain[0], request.task)[0]
    if all(one.target != first or one.verdict != "dropped" for one in route.candidates):
        return None
    try:
        await door.route(replace(request, requested=first.name))
    except FareboxError as error:
        return first, error
    return None  # it has just become usable


async def _provider(door: Door, name: str) -> Check:
    try:
        allowance = await door.directory.check(name)
    except FareboxError as error:
        return _failed(f"provider {name}", error)
    found = door.directory.key(name)
    words = ("answers", f"key from {found.detail}" if found is not None else "", allowance or "")
    return _ok(f"provider {name}", "; ".join(word for word in words if word))


async def _data(ledger: Ledger) -> list[Check]:
    checks, folder = [await _ledger(ledger)], ledger.path.parent
    if own_files.is_open_to_others(folder):
        why = f"{folder} can be changed by others, so they can replace the ledger and the keys"
        checks.append(Check("data", "warning", why, f"chmod 700 {folder}"))
    return checks


async def _ledger(ledger: Ledger) -> Check:
    try:
        await ledger.check()
    except FareboxError as error:
        return _failed("ledger", error)
    damages = await ledger.damages()
    if damages:
        saved = ", ".join(f"{one.saved_calls} requests of {one.file}" for one in damages)
        return Check(
            "ledger",
            "warning",
            f"{ledger.path} was damaged: {saved} could be saved. What else was spent is not known, "
            "so a budget of that time can't be checked",
            "wait until the budgets reset, or let what was saved count as all: "
            "farebox doctor --accept-damage",
        )
    return _ok("ledger", f"{ledger.path}")


async def _local_servers(door: Door, agents: Iterable[Door]) -> list[Check]:
    """Point out running model servers that neither the user nor an agent of theirs is set up for."""
    known = {
        one.directory.endpoint(name).base_url.removesuffix("/v1")
        for one in (door, *agents)
        for name in one.directory.wanted()
        if one.directory.state(name) == "ready"
    }
    return [
        Check(
            "local server",
            "ok",
            f"{server.kind} runs at {server.base_url} and is not used",
            f"To use it: FAREBOX_LOCAL_BASE_URL={server.base_url}",
        )
        for server in await inventory.local_servers(door.planner)
        if server.base_url.removesuffix("/v1") not in known
    ]


def _ok(name: str, message: str) -> Check:
    return Check(name, "ok", message)


def _failed(name: str, error: FareboxError) -> Check:
    state: CheckState = "warning" if isinstance(error, MissingKey) and name != "chat" else "error"
    return Check(name, state, error.message, error.hint, error.kind)
