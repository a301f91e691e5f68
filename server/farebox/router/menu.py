"""What a model name means for a task: the targets that a plan chooses from, and why each is among them.

A name is ``auto``, an alias of the user's, a provider's model or an alias of the catalogue. ``auto`` follows
simple rules: planning and review take the strong tier, tab completion a fast model, everything else the tier
of the strategy; a local server that the user has set up goes first for tab completion and wherever cheap is
asked for. Knows no request's size and no price; nothing is sent and nobody is asked.
"""

from dataclasses import dataclass, field
from typing import assert_never, get_args

from farebox.catalog import Catalog, ModelInfo
from farebox.config import Config
from farebox.errors import ConfigError, FareboxError, MissingKey, ModelNotFound
from farebox.messages import Strategy, Target, Task
from farebox.providers.base import Endpoint
from farebox.providers.directory import DEFAULT_MODEL, Directory, State
from farebox.router.filters import is_elsewhere, not_local

MAX_ALIAS_DEPTH = 8
MAX_TARGETS = 8
MAX_MENUS = 64
"""How many names are remembered before all are looked up anew."""

_LOCAL_DIALECTS = ("llamacpp", "ollama", "local")


@dataclass(frozen=True, slots=True)
class Choice:
    """A target and the words for why it is a candidate."""

    target: Target
    why: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice and what holds of it for every request: why it can't be used, and what its model can do."""

    target: Target
    why: str
    problem: FareboxError | None
    info: ModelInfo | None


@dataclass(frozen=True, slots=True)
class Menu:
    """What a name means for a task: ``requested`` as the user reads it, and the offers, best first."""

    requested: str
    strategy: Strategy
    offers: tuple[Offer, ...]


@dataclass(slots=True)
class _Memory:
    """What is looked up once: Menus are made anew when settings or keys change, and twice a minute."""

    menus: dict[tuple[str | None, Task], Menu] = field(
        default_factory=dict["tuple[str | None, Task]", "Menu"]
    )
    endpoints: dict[str, Endpoint | FareboxError] = field(default_factory=dict[str, Endpoint | FareboxError])
    states: dict[str, State] = field(default_factory=dict[str, State])
    ready: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Menus:
    """All that a menu depends on."""

    config: Config
    catalog: Catalog
    directory: Directory
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def menu(self, requested: str | None, task: Task) -> Menu:
        """Return what a name, or no name, means for a task. Raises as ``targets`` does."""
        menus = self._memory.menus
        if (requested, task) not in menus:
            if len(menus) >= MAX_MENUS:
                menus.clear()
            menus[requested, task] = self._menu(requested, task)
        return menus[requested, task]

    def targets(self, name: str, task: Task) -> tuple[Target, ...]:
        """Return what a model name means. Raises ModelNotFound or ConfigError."""
        choices = self._resolve(name, task, self.config.strategy, "")
        return tuple(choice.target for choice in choices)

    def ready_providers(self) -> tuple[str, ...]:
        """List the providers that can be asked."""
        memory = self._memory
        if memory.ready is None:
            wanted = self.directory.wanted()
            memory.ready = tuple(name for name in wanted if self._state(name) == "ready")
        return memory.ready

    def endpoint(self, provider: str) -> Endpoint | FareboxError:
        """Describe a provider, or return why it can't be."""
        endpoints = self._memory.endpoints
        if provider not in endpoints:
            try:
                endpoints[provider] = self.directory.endpoint(provider)
            except FareboxError as exc:
                endpoints[provider] = exc
        return endpoints[provider]

    def nothing_left(self) -> FareboxError:
        """Say why ``auto`` found nothing: what keeps a provider of the user's from being used, if any."""
        wanted = (Target(name, DEFAULT_MODEL) for name in self.directory.wanted())
        problems = (self._problem(target) for target in wanted)
        return next((problem for problem in problems if problem is not None), _nothing_set_up())

    # --- names -> choices ----------------------------------------------------------------------

    def _menu(self, requested: str | None, task: Task) -> Menu:
        names = (requested,) if requested else self.config.tasks.chain(task)
        strategy = self._strategy(names[0] if names else "auto")
        if not names:
            return Menu("auto", strategy, tuple(map(self._offer, self._auto(task, strategy))))
        why = "asked for by name" if requested else f"set for the task {task}"
        first: dict[Target, Choice] = {}
        for name in names:
            for choice in self._resolve(name, task, strategy, why):
                first.setdefault(choice.target, choice)
        offers = tuple(map(self._offer, tuple(first.values())[:MAX_TARGETS]))
        return Menu(", ".join(names), strategy, offers)

    def _offer(self, choice: Choice) -> Offer:
        target = choice.target
        info = self.catalog.info(target.provider, target.model)
        return Offer(target, choice.why, self._problem(target), info)

    def _strategy(self, name: str) -> Strategy:
        """Return the strategy that a name asks for, perhaps through aliases, or else the user's."""
        for _ in range(MAX_ALIAS_DEPTH):
            if name not in self.config.models or _is_auto(name):
                break
            name = self.config.models[name]
        suffix = name.partition(":")[2] if _is_auto(name) else ""
        for strategy in get_args(Strategy):
            if strategy == suffix:
                return strategy
        return self.config.strategy

    def _resolve(
        self, name: str, task: Task, strategy: Strategy, why: str, *, depth: int = 0
    ) -> tuple[Choice, ...]:
        """Turn one name into choices: auto, a user's alias, provider/model, or a catalogue alias."""
        if _is_auto(name):
            return self._auto(task, _asked_strategy(name, strategy))
        if (alias := self.config.models.get(name)) is not None:
            if depth >= MAX_ALIAS_DEPTH:
                raise ConfigError(
                    f"the alias {name} leads in a circle", hint=f"Set [models] {name} to a model's full name."
                )
            return self._resolve(alias, task, strategy, f"{why}, through the alias {name}", depth=depth + 1)
        if (canonical := self.catalog.resolve_alias(name)) is not None:
            return (Choice(self._vendor_for(canonical), f"{why}, through the alias {name}"),)
        provider, _, model = name.partition("/")
        if provider not in self.directory.names():
            raise self._unknown(name)
        if not model and self.directory.needs_key(provider):
            raise ModelNotFound(
                f"{name} is a provider and no model",
                hint=f"Write {provider}/MODEL; farebox models lists the known ones.",
            )
        return (Choice(Target(provider, model or DEFAULT_MODEL), why),)

    def _vendor_for(self, canonical: str) -> Target:
        """Choose who serves a catalogue model: the first provider that has it, those that are ready first."""
        for provider in (*self.ready_providers(), *self.directory.wanted(), *self.directory.names()):
            target = self.catalog.target(canonical, provider)
            if target is not None:
                return target
        raise self._unknown(canonical)

    def _unknown(self, name: str) -> ModelNotFound:
        known = self.directory.names()
        suggestion = self.catalog.suggest(name, self.directory.wanted()) or self.catalog.suggest(name, known)
        hint = (
            f"Did you mean {suggestion}?"
            if suggestion
            else f"A name begins with its provider, such as openrouter/{name}. Providers: {', '.join(known)}."
        )
        first, slash, _ = name.partition("/")
        what = f"there is no provider {first}" if slash else f"there is no model or alias {name}"
        return ModelNotFound(f"{name}: {what}" if slash else what, hint=hint)

    # --- auto ------------------------------------------------------------------------------------

    def _auto(self, task: Task, strategy: Strategy) -> tuple[Choice, ...]:
        ready = self.ready_providers()
        local = tuple(
            Choice(Target(name, DEFAULT_MODEL), "auto: the local server that you have set up")
            for name in ready
            if self._is_local(name)
        )
        tier: Strategy = "quality" if task in ("plan", "review") else strategy
        hosted = tuple(
            Choice(target, self._auto_reason(task, tier))
            for canonical in self.catalog.preferred(task, tier)
            for name in ready
            if (target := self.catalog.target(canonical, name)) is not None
        )
        unlisted = tuple(
            Choice(Target(name, DEFAULT_MODEL), "auto: the provider that you have set up")
            for name in ready
            if not self._is_local(name) and not self.catalog.models_at(name)
        )
        local_first = task == "complete" or tier == "cheap" or not hosted
        ordered = (*local, *hosted, *unlisted) if local_first else (*hosted, *local, *unlisted)
        return ordered[:MAX_TARGETS]

    def _auto_reason(self, task: Task, tier: Strategy) -> str:
        if task == "complete":
            return "auto: a fast model, as tab completion needs"
        if task in ("plan", "review"):
            return f"auto: {task} takes the strong tier"
        return f"auto: the strategy is {tier}"

    def _is_local(self, provider: str) -> bool:
        endpoint = self.endpoint(provider)
        return isinstance(endpoint, Endpoint) and (endpoint.free or endpoint.dialect in _LOCAL_DIALECTS)

    def _state(self, provider: str) -> State:
        states = self._memory.states
        if provider not in states:
            states[provider] = self.directory.state(provider)
        return states[provider]

    def _problem(self, target: Target) -> FareboxError | None:
        """Return why a target can't take any request, or None."""
        state = self._state(target.provider)
        match state:
            case "missingKey" | "badKey" | "noAddress":
                found = self.endpoint(target.provider)
                return found if isinstance(found, FareboxError) else None
            case "notLocal":
                return not_local(target)
            case "ready":
                pass
            case _:
                assert_never(state)
        endpoint = self.endpoint(target.provider)
        if isinstance(endpoint, Endpoint) and endpoint.loopback_only and is_elsewhere(endpoint, target.model):
            return not_local(target)
        return None


def _is_auto(name: str) -> bool:
    return name == "auto" or name.startswith("auto:")


def _asked_strategy(name: str, default: Strategy) -> Strategy:
    asked = name.partition(":")[2]
    if not asked:
        return default
    for strategy in get_args(Strategy):
        if strategy == asked:
            return strategy
    raise ModelNotFound(
        f"{name}: there is no strategy {asked}",
        hint="Use auto, auto:cheap, auto:balanced or auto:quality.",
    )


def _nothing_set_up() -> MissingKey:
    return MissingKey(
        "no model provider is set up",
        hint="Set a key such as OPENROUTER_API_KEY (or: farebox auth login openrouter), or run a local "
        "server and set FAREBOX_LOCAL_BASE_URL=http://127.0.0.1:8080/v1.",
    )
