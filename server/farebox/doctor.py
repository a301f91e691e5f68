"""What is set up, what is missing and what to do about it: one check after another, each with a hint.

Checks never raise: what goes wrong is what they are for. Asking a provider sends no prompt.
"""

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import farebox
from farebox.errors import FareboxError, MissingKey
from farebox.ledger.store import Ledger
from farebox.messages import Call, Chat, Task
from farebox.router import inventory
from farebox.router.door import Door
from farebox.router.request import Request

CheckState = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``hint`` is empty where there is nothing to do."""

    name: str
    state: CheckState
    message: str
    hint: str = ""


async def examine(open_door: Callable[[], Door], *, ledger: Ledger, config_file: Path) -> tuple[Check, ...]:
    """Check everything that a request depends on."""
    checks = [_ok("version", f"farebox {farebox.__version__}, Python {platform.python_version()}")]
    try:
        door = open_door()
    except FareboxError as error:
        return (*checks, _failed("config", error), await _ledger(ledger))
    checks.append(_config(config_file))
    checks += [await _task(door, "chat"), await _task(door, "complete")]
    try:
        wanted = door.directory.wanted()
    except FareboxError as error:  # a key that can't be read
        return (*checks, _failed("keys", error), await _ledger(ledger))
    checks += await asyncio.gather(*(_provider(door, name) for name in wanted))
    checks.append(await _ledger(ledger))
    checks += await _local_servers(door)
    return tuple(checks)


def _config(file: Path) -> Check:
    return _ok("config", f"{file}" if file.exists() else f"{file} (not there yet: defaults)")


async def _task(door: Door, task: Task) -> Check:
    request = Request(
        task=task,
        render=lambda serving: Call(serving.model, Chat(())),
        input_bytes=1_000,
        max_output_tokens=100,
    )
    try:
        route = await door.route(request)
    except FareboxError as error:
        return _failed(task, error)
    return _ok(task, f"{route.target.name} ({route.reason})")


async def _provider(door: Door, name: str) -> Check:
    try:
        await door.directory.check(name)
    except FareboxError as error:
        return _failed(f"provider {name}", error)
    found = door.directory.key(name)
    return _ok(f"provider {name}", "answers" if found is None else f"answers; key from {found.detail}")


async def _ledger(ledger: Ledger) -> Check:
    try:
        await ledger.check()
    except FareboxError as error:
        return _failed("ledger", error)
    return _ok("ledger", f"{ledger.path}")


async def _local_servers(door: Door) -> list[Check]:
    """Point out running model servers that the user has not set up."""
    known = {
        door.directory.endpoint(name).base_url.removesuffix("/v1")
        for name in door.directory.wanted()
        if door.directory.state(name) == "ready"
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
    return Check(name, state, error.message, error.hint)
