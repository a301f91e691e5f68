"""Whom ``farebox demo`` speaks to, and the words for it: what they say is what then happens.

What is set up is used if it can take both of the demo's requests; the routes that are named are theirs.
Otherwise the server gets no settings of the user's: it is in local-only mode with every task pinned to one
address on this machine, so that a key in the environment is of no use to it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, get_args

from farebox.app import App, Client
from farebox.cli.stdio_client import Json
from farebox.errors import FareboxError
from farebox.messages import Route, Task
from farebox.providers.local import LocalServer
from farebox.providers.simulated import SimulatedServer
from farebox.router import inventory
from farebox.router.door import Door

PlanAll: TypeAlias = Callable[[Door], Awaitable[Sequence[Route]]]

_MODEL_ALONE: Json = {"completion": {"embedded": False, "look_ahead": False}}
"""The server shows what its model says, however long that takes, and asks it once."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Whom the demo speaks to: words for the user, and how the server is told."""

    words: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    settings: Json = field(default_factory=lambda: dict(_MODEL_ALONE))


def without_a_model(home: Path) -> Stage:
    """A server with nothing set up: what it shows comes out of the user's own files."""
    return Stage("without any model", _apart(home), {"privacy": {"local_only": True}})


async def choose(stack: AsyncExitStack, home: Path, plan_all: PlanAll, *, simulated: bool) -> Stage:
    """Choose what is set up, a local server or the simulated one. Raises ConfigError for a broken config."""
    if simulated:
        return await _simulated(stack, home, "as you asked")
    app = App(Client(name="demo"))
    try:
        door = app.door()
        try:
            return _as_set_up(await plan_all(door))
        except FareboxError as error:
            problem = error.message
        servers = await inventory.local_servers(door.planner)
    finally:
        await app.close()
    if servers:
        return found_running(servers[0], home, problem)
    return await _simulated(stack, home, f"{problem}, and no local model server runs")


def found_running(server: LocalServer, home: Path, problem: str) -> Stage:
    """Use a model server that runs on this machine, and nothing else."""
    words = (
        f"with {server.kind} at {server.base_url}, found running on this machine:\n"
        f"{problem}. No other is asked."
    )
    provider: Json = {"base_url": server.base_url}
    return Stage(words, _apart(home), _pinned("local", "default", provider))


def _as_set_up(routes: Sequence[Route]) -> Stage:
    used = [candidate for route in routes for candidate in route.candidates if candidate.verdict != "dropped"]
    is_free = all(candidate.estimated_nanodollars == 0 for candidate in used)
    lines = [
        f"with what you have set up.{'' if is_free else ' This costs what it costs.'}",
        *(f"{_shown_as(route)}: {route.target.name}{_else(route)}" for route in routes),
    ]
    return Stage("\n".join(lines))


def _shown_as(route: Route) -> str:
    """Name what the demo shows: whatever its question is found to be, that is its chat."""
    return "complete" if route.task == "complete" else "chat"


def _else(route: Route) -> str:
    """Say how many others are asked if the first fails, and whose they are."""
    providers = dict.fromkeys(target.provider for target in route.fallbacks)
    return f", else {len(route.fallbacks)} more of {', '.join(providers)}" if providers else ""


async def _simulated(stack: AsyncExitStack, home: Path, why: str) -> Stage:
    server = await stack.enter_async_context(SimulatedServer())
    words = (
        f"with the simulated provider: {why}.\n"
        "It is a small program on this machine, no model: its answers and prices are made up."
    )
    provider: Json = {"dialect": "openai", "base_url": server.base_url}
    return Stage(words, _apart(home), _pinned("simulated", "echo", provider))


def _apart(home: Path) -> dict[str, str]:
    """Keep the user's settings, keys and ledger out of it."""
    return {
        "FAREBOX_HOME": str(home),
        "FAREBOX_CONFIG": str(home / "config.toml"),
        "FAREBOX_LOCAL_BASE_URL": "",
    }


def _pinned(provider: str, model: str, settings: Json) -> Json:
    return {
        **_MODEL_ALONE,
        "privacy": {"local_only": True},
        "providers": {provider: settings},
        "tasks": dict.fromkeys(get_args(Task), f"{provider}/{model}"),
    }
