"""Which targets a request may go to, in which order, and why. Nothing is sent and nobody is asked.

The Route that ``farebox/route`` shows and the one that a real request takes come from this one
function. ``auto`` follows simple rules: planning and review take the strong tier, tab completion a fast
model, everything else the tier of the strategy; a local server that the user has set up goes first for
tab completion and wherever cheap is asked for.
"""

from dataclasses import dataclass, field, replace
from typing import assert_never, get_args

from farebox.catalog import Catalog, ModelInfo
from farebox.config import Config
from farebox.errors import (
    ConfigError,
    FareboxError,
    MissingKey,
    ModelNotFound,
)
from farebox.messages import (
    UNKNOWN_TRAITS,
    Candidate,
    Complexity,
    Estimate,
    Phase,
    Route,
    Strategy,
    Target,
    Task,
    Traits,
    Usage,
)
from farebox.providers.base import Endpoint
from farebox.providers.directory import DEFAULT_MODEL, Directory, State
from farebox.router.filters import Room, is_elsewhere, not_local, too_dear, unfit
from farebox.router.pricing import Pricing
from farebox.router.request import Request

MAX_ALIAS_DEPTH = 8
MAX_TARGETS = 8
MAX_MENUS = 64
MAX_TRAITS = 64
MAX_ESTIMATES = 1024
ESTIMATE_BITS = 6
LOW_COMPLEXITY_TOKENS = 2_000
MEDIUM_COMPLEXITY_TOKENS = 16_000

_LOCAL_DIALECTS = ("llamacpp", "ollama", "local")
_PHASES: dict[Task, Phase] = {"plan": "plan", "review": "check", "tests": "check"}


_NOT_YET = Target("", "")


@dataclass(frozen=True, slots=True)
class Choice:
    """A target and the words for why it is a candidate."""

    target: Target
    why: str


@dataclass(frozen=True, slots=True)
class _Offer:
    """A choice and what holds of it for every request: why it can't be used, and what its model can do."""

    target: Target
    why: str
    problem: FareboxError | None
    info: ModelInfo | None


@dataclass(frozen=True, slots=True)
class _Menu:
    """What a model name means for a task, whatever the request's size."""

    strategy: Strategy
    requested: str
    offers: tuple[_Offer, ...]


@dataclass(slots=True)
class _Memory:
    """What is looked up once: a Planner is made anew when settings or keys change, and twice a minute."""

    menus: dict[tuple[str | None, Task], _Menu] = field(
        default_factory=dict["tuple[str | None, Task]", "_Menu"]
    )
    traits: dict[Target, Traits] = field(default_factory=dict[Target, Traits])
    endpoints: dict[str, Endpoint | FareboxError] = field(default_factory=dict[str, Endpoint | FareboxError])
    states: dict[str, State] = field(default_factory=dict[str, State])
    estimates: dict[tuple[str, str, int, int, int], int | None] = field(
        default_factory=dict["tuple[str, str, int, int, int]", "int | None"]
    )
    ready: tuple[str, ...] | None = None
    baseline: Target | None = _NOT_YET


@dataclass(frozen=True, slots=True)
class Planner:
    """All that a plan depends on."""

    config: Config
    catalog: Catalog
    directory: Directory
    pricing: Pricing
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def plan(self, request: Request, room: Room | None = None) -> Route:
        """Decide within what the budgets leave. Raises a FareboxError that says why if no target is left."""
        menu = self._menu(request)
        candidates: list[Candidate] = []
        problems: list[FareboxError] = []
        usable: list[_Offer] = []
        for offer in menu.offers:
            target = offer.target
            most = self.estimate(target, request)
            problem = offer.problem or unfit(target, offer.info, request) or too_dear(target, most, room)
            if problem is not None:
                problems.append(problem)
                candidates.append(Candidate(target, "dropped", problem.message))
                continue
            verdict = "fallback" if usable else "chosen"
            usable.append(offer)
            candidates.append(Candidate(target, verdict, offer.why, most))
        if not usable:
            # An error that is remembered must not gather the frames, and prompts, of all who met it.
            raise (problems[0] if problems else self._nothing_left()).with_traceback(None)
        chosen = usable[0]
        return Route(
            requested=menu.requested,
            task=request.task,
            phase=_PHASES.get(request.task, "act"),
            complexity=_complexity(request.input_tokens),
            strategy=menu.strategy,
            target=chosen.target,
            reason=chosen.why,
            fallbacks=tuple(offer.target for offer in usable[1:]),
            candidates=tuple(candidates),
            estimate=self.estimate_with_baseline(chosen.target, request),
        )

    def estimate(self, target: Target, request: Request) -> int | None:
        """The most that a request may cost there, in nano-dollars; None if the price is unknown.

        The size of the prompt is rounded up, by 3 % at most, so that the same sum serves the next requests.
        """
        input_tokens = _rounded_up(request.most_input_tokens)
        most = Usage(input_tokens=input_tokens, output_tokens=request.max_output_tokens)
        key = (target.provider, target.model, most.input_tokens, most.output_tokens, request.images)
        estimates = self._memory.estimates
        if key not in estimates:
            if len(estimates) >= MAX_ESTIMATES:
                estimates.clear()
            endpoint = self.seller(target)
            estimates[key] = (
                self.pricing.most_nanodollars(endpoint, target.model, most, images=request.images)
                if endpoint is not None
                else None
            )
        return estimates[key]

    def traits(self, target: Target) -> Traits:
        """Return what is known of a model that changes how it is asked."""
        known = self._memory.traits
        if target not in known:
            if len(known) >= MAX_TRAITS:
                known.clear()
            known[target] = self._look_up_traits(target)
        return known[target]

    def _look_up_traits(self, target: Target) -> Traits:
        info = self.catalog.info(target.provider, target.model)
        if info is None:
            return UNKNOWN_TRAITS
        return Traits(
            context_window=info.context_window,
            max_output_tokens=info.max_output_tokens,
            reasons="reasoning" in info.capabilities,
            thinking=info.thinking,
            efforts=info.efforts,
        )

    def targets(self, name: str, task: Task) -> tuple[Target, ...]:
        """Return what a model name means. Raises ModelNotFound or ConfigError."""
        choices = self._resolve(name, task, self.config.strategy, "")
        return tuple(choice.target for choice in choices)

    def baseline(self) -> Target | None:
        """The strongest model that the user could have used instead."""
        memory = self._memory
        if memory.baseline is _NOT_YET:
            memory.baseline = self.catalog.strongest(self._ready_providers())
        return memory.baseline

    def seller(self, target: Target) -> Endpoint | None:
        """Return the provider of a target as pricing knows it; None if it is not set up."""
        endpoint = self._endpoint(target.provider)
        if not isinstance(endpoint, Endpoint):
            return None
        if not endpoint.free or not is_elsewhere(endpoint, target.model):
            return endpoint
        told = self.config.providers.get(target.provider)
        return replace(endpoint, free=told is not None and told.free is True)

    # --- names -> choices ----------------------------------------------------------------------

    def _menu(self, request: Request) -> _Menu:
        """Look up once what a name means for a task. Raises as ``targets`` does."""
        key = request.requested, request.task
        menus = self._memory.menus
        if key not in menus:
            if len(menus) >= MAX_MENUS:
                menus.clear()
            strategy = self._strategy(request)
            requested, choices = self._choices(request, strategy)
            menus[key] = _Menu(strategy, requested, tuple(map(self._offer, choices)))
        return menus[key]

    def _offer(self, choice: Choice) -> _Offer:
        target = choice.target
        info = self.catalog.info(target.provider, target.model)
        return _Offer(target, choice.why, self._problem(target), info)

    def _strategy(self, request: Request) -> Strategy:
        names = self._names(request)
        name = names[0] if names else "auto"
        for _ in range(MAX_ALIAS_DEPTH):
            if name not in self.config.models or _is_auto(name):
                break
            name = self.config.models[name]
        suffix = name.partition(":")[2] if _is_auto(name) else ""
        for strategy in get_args(Strategy):
            if strategy == suffix:
                return strategy
        return self.config.strategy

    def _names(self, request: Request) -> tuple[str, ...]:
        return (request.requested,) if request.requested else self.config.tasks.chain(request.task)

    def _choices(self, request: Request, strategy: Strategy) -> tuple[str, tuple[Choice, ...]]:
        names = self._names(request)
        if not names:
            return "auto", self._auto(request.task, strategy)
        why = "asked for by name" if request.requested else f"set for the task {request.task}"
        first: dict[Target, Choice] = {}
        for name in names:
            for choice in self._resolve(name, request.task, strategy, why):
                first.setdefault(choice.target, choice)
        return ", ".join(names), tuple(first.values())[:MAX_TARGETS]

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
        for provider in (*self._ready_providers(), *self.directory.wanted(), *self.directory.names()):
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
        ready = self._ready_providers()
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

    def _ready_providers(self) -> tuple[str, ...]:
        memory = self._memory
        if memory.ready is None:
            wanted = self.directory.wanted()
            memory.ready = tuple(name for name in wanted if self._state(name) == "ready")
        return memory.ready

    def _is_local(self, provider: str) -> bool:
        endpoint = self._endpoint(provider)
        return isinstance(endpoint, Endpoint) and (endpoint.free or endpoint.dialect in _LOCAL_DIALECTS)

    def _state(self, provider: str) -> State:
        states = self._memory.states
        if provider not in states:
            states[provider] = self.directory.state(provider)
        return states[provider]

    def _endpoint(self, provider: str) -> Endpoint | FareboxError:
        """Describe a provider, or return why it can't be."""
        endpoints = self._memory.endpoints
        if provider not in endpoints:
            try:
                endpoints[provider] = self.directory.endpoint(provider)
            except FareboxError as exc:
                endpoints[provider] = exc
        return endpoints[provider]

    # --- filters and prices ------------------------------------------------------------------------

    def _problem(self, target: Target) -> FareboxError | None:
        """Return why a target can't take any request, or None."""
        state = self._state(target.provider)
        match state:
            case "missingKey" | "badKey" | "noAddress":
                found = self._endpoint(target.provider)
                return found if isinstance(found, FareboxError) else None
            case "notLocal":
                return not_local(target)
            case "ready":
                pass
            case _:
                assert_never(state)
        endpoint = self._endpoint(target.provider)
        if isinstance(endpoint, Endpoint) and endpoint.loopback_only and is_elsewhere(endpoint, target.model):
            return not_local(target)
        return None

    def _nothing_left(self) -> FareboxError:
        """Say why ``auto`` found nothing: what keeps a provider of the user's from being used, if any."""
        wanted = (Target(name, DEFAULT_MODEL) for name in self.directory.wanted())
        problems = (self._problem(target) for target in wanted)
        return next((problem for problem in problems if problem is not None), _nothing_set_up())

    def estimate_with_baseline(self, target: Target, request: Request) -> Estimate:
        """Estimate a request at a target, and at the strongest model."""
        baseline = self.baseline()
        return Estimate(
            nanodollars=self.estimate(target, request),
            baseline_model=baseline.name if baseline is not None else None,
            baseline_nanodollars=self.estimate(baseline, request) if baseline is not None else None,
        )


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


def _rounded_up(tokens: int) -> int:
    """Round a count up to one with few significant bits."""
    step = 1 << max(tokens.bit_length() - ESTIMATE_BITS, 0)
    return -(-tokens // step) * step


def _complexity(input_tokens: int) -> Complexity:
    if input_tokens <= LOW_COMPLEXITY_TOKENS:
        return "low"
    return "medium" if input_tokens <= MEDIUM_COMPLEXITY_TOKENS else "high"


def _nothing_set_up() -> MissingKey:
    return MissingKey(
        "no model provider is set up",
        hint="Set a key such as OPENROUTER_API_KEY (or: farebox auth login openrouter), or run a local "
        "server and set FAREBOX_LOCAL_BASE_URL=http://127.0.0.1:8080/v1.",
    )
