"""Who is asked for what: ``[tasks]``, ``[roles]`` and the ``[agents.NAME]`` tables, named set-ups for chat.

A role is a list that ``auto`` chooses from, so it names models and never ``auto`` itself. An agent may have a
model, words and a local server of its own; what it leaves open is as it is without an agent.
"""

from collections.abc import Mapping
from typing import Annotated, cast

from pydantic import AfterValidator, Field

from farebox.errors import ConfigError
from farebox.messages import Task, Tier
from farebox.provider_settings import Names, ProviderSettings, Section

MAX_AGENTS = 32
MAX_SYSTEM_CHARS = 20_000

LOCAL_MODEL = "local/default"
"""Whatever model the local server has loaded."""

ModelName = Annotated[str, Field(min_length=1, max_length=200)]
AgentName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def chain_of(value: str | list[str] | None) -> tuple[str, ...]:
    """Return what is set as one model name, or as a list of them, in its order."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _no_auto(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse a role that asks back for what asks for it."""
    for name in chain_of(value):
        if _is_auto(name):
            raise ValueError(f"{name} is not a model: a role is what auto chooses from")
    return value


def _is_auto(name: str) -> bool:
    return name == "auto" or name.startswith("auto:")


class Tasks(Section):
    """For each task a model, an alias, ``auto`` or an ordered list of them (a fallback chain)."""

    chat: ModelName | list[ModelName] | None = None
    complete: ModelName | list[ModelName] | None = None
    explain: ModelName | list[ModelName] | None = None
    generate: ModelName | list[ModelName] | None = None
    edit: ModelName | list[ModelName] | None = None
    fix: ModelName | list[ModelName] | None = None
    tests: ModelName | list[ModelName] | None = None
    document: ModelName | list[ModelName] | None = None
    review: ModelName | list[ModelName] | None = None
    plan: ModelName | list[ModelName] | None = None
    apply: ModelName | list[ModelName] | None = None
    commit: ModelName | list[ModelName] | None = None
    title: ModelName | list[ModelName] | None = None
    agent: ModelName | list[ModelName] | None = None

    def chain(self, task: Task) -> tuple[str, ...]:
        """Return the models set for a task; a task with none of its own takes chat's, if it is a chat."""
        return chain_of(cast("str | list[str] | None", getattr(self, self.named(task))))

    def named(self, task: Task) -> Task:
        """Return the task whose models a task takes: its own, or chat's."""
        return task if task == "complete" or getattr(self, task) is not None else "chat"


RoleModels = Annotated[ModelName | list[ModelName] | None, AfterValidator(_no_auto)]


class Roles(Section):
    """The models that ``auto`` takes first for the strong, the balanced and the fast tier.

    The one for coding also writes the code that the fast tier would do for, unless cheap is asked for.
    """

    planning: RoleModels = None
    coding: RoleModels = None
    fast: RoleModels = None

    def chain(self, tier: Tier) -> tuple[str, ...]:
        """Return the models set for a tier."""
        return chain_of({"strong": self.planning, "balanced": self.coding, "fast": self.fast}[tier])

    def check(self, aliases: Mapping[str, str]) -> None:
        """Refuse a role whose alias leads to auto: only the merged settings tell. Raises ConfigError."""
        for role in Roles.model_fields:
            for name in chain_of(getattr(self, role)):
                if _is_auto(_end_of(name, aliases)):
                    raise ConfigError(
                        f"roles.{role}: the alias {name} leads to auto, and a role is what auto chooses from",
                        hint=f"Name a model in roles.{role}, or set [models] {name} to one.",
                    )


def _end_of(name: str, aliases: Mapping[str, str]) -> str:
    """Follow aliases to their end; in a circle to anywhere on it."""
    for _ in aliases:
        name = aliases.get(name, name)
    return name


class AgentSettings(Section):
    """One ``[agents.NAME]`` table.

    ``providers`` are asked first where several sell a model, ``order`` are hosts behind OpenRouter, as in
    ``[providers.openrouter]``; ``local`` is a server of the agent's own.
    """

    model: ModelName | list[ModelName] | None = None
    system: Annotated[str, Field(max_length=MAX_SYSTEM_CHARS)] | None = None
    providers: Names = Field(default_factory=list[str])
    order: Names | None = None
    local: ProviderSettings | None = None

    @property
    def chain(self) -> tuple[str, ...]:
        """Its models, or its own server's; none: what the task would take."""
        return chain_of(self.model) or ((LOCAL_MODEL,) if self.local is not None else ())

    def server(self, shared: ProviderSettings | None) -> ProviderSettings | None:
        """Return the local server that it uses: its own, or everybody's, adjusted where it gives no address.

        A server with an address of its own takes nothing from everybody's, least of all its ``key_env``.
        """
        own = self.local
        if own is None or shared is None or own.base_url is not None:
            return shared if own is None else own
        changes = {key: getattr(own, key) for key in own.model_fields_set if getattr(own, key) is not None}
        return shared.model_copy(update=changes)


NO_AGENT = AgentSettings()
