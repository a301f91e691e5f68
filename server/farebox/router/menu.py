"""What a model name means for a piece of work: the targets that a plan chooses from, and why each is there.

A name is ``auto`` (``router.auto``), an alias of the user's, a provider's model or an alias of the catalogue,
which is served by whoever sells that model. Knows no request's size, no price and no health; nothing is sent
and nobody is asked.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, assert_never

from farebox.catalog import Catalog, ModelInfo
from farebox.config import Config
from farebox.errors import ConfigError, FareboxError, MissingKey, ModelNotFound
from farebox.messages import Evidence, Strategy, Target, Task, Tier
from farebox.providers.base import Endpoint
from farebox.providers.directory import DEFAULT_MODEL, Directory, State
from farebox.router.auto import Auto, Choice, asked_strategy, is_auto
from farebox.router.classify import NO_FACTS, Work, classify
from farebox.router.filters import Privacy, is_elsewhere, not_local, privacy_of
from farebox.router.health import Place

MAX_ALIAS_DEPTH = 8
MAX_TARGETS = 8
"""How many targets a named chain may have, and how many of what ``auto`` finds are considered in the end."""

MAX_MENUS = 256
"""How many names are remembered before all are looked up anew."""

MAX_PLACES = 4_096
"""The same for targets: a long catalogue has some hundreds."""

BROKER: Final = "openrouter"
"""Who sells every maker's models: where a token's limit at the maker itself does not count."""

_LOCAL_DIALECTS = ("llamacpp", "ollama", "local")


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice and what holds of it for every request. One ``of_a_plan`` is paid for by the month."""

    choice: Choice
    problem: FareboxError | None
    info: ModelInfo | None
    privacy: Privacy
    place: Place
    of_a_plan: bool

    @property
    def target(self) -> Target:
        """Who would be asked."""
        return self.choice.target

    @property
    def why(self) -> str:
        """Why it is a candidate."""
        return self.choice.why

    @property
    def is_auto(self) -> bool:
        """True if ``auto`` has found it, False if the user has named it."""
        return self.choice.deserved is not None

    @property
    def tier(self) -> Tier | None:
        """The tier of its model; None where nothing is known of it."""
        return self.info.tier if self.info is not None else None


@dataclass(frozen=True)
class Menu:
    """What a name means for a piece of work: ``requested`` as the user reads it, and the offers in order.

    ``sellers`` are who is to be asked first where several sell a model, whatever they charge. ``unready`` is
    what the user has set up and ``auto`` can't use, whatever the request.
    """

    requested: str
    strategy: Strategy
    offers: tuple[Offer, ...]
    sellers: tuple[str, ...] = ()
    unready: tuple[Offer, ...] = ()

    @cached_property
    def has_auto(self) -> bool:
        """Say whether ``auto`` has found any of the offers: only those are put in another order."""
        return any(offer.is_auto for offer in self.offers)

    @cached_property
    def keeps_a_local_place(self) -> bool:
        """Say whether ``auto`` has a server of this machine to offer: it answers without a network."""
        return any(offer.is_auto and offer.privacy == "local" for offer in self.offers)

    @cached_property
    def most_of_a_chain(self) -> int:
        """Return how many candidates one name may give: each later one is left at least one place."""
        return max(MAX_TARGETS + 1 - len({offer.choice.chain for offer in self.offers}), 1)


_MenuKey = tuple[str | None, Work, tuple[Evidence, ...], bool]


@dataclass(slots=True)
class _Memory:
    """What is looked up once: Menus are made anew when settings or keys change, and twice a minute."""

    menus: dict[_MenuKey, Menu] = field(default_factory=dict["_MenuKey", "Menu"])
    endpoints: dict[str, Endpoint | FareboxError] = field(default_factory=dict[str, Endpoint | FareboxError])
    states: dict[str, State] = field(default_factory=dict[str, State])
    places: dict[Target, Place] = field(default_factory=dict[Target, Place])
    ready: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Menus:
    """All that a menu depends on."""

    config: Config
    catalog: Catalog
    directory: Directory
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def menu(
        self, requested: str | None, work: Work, evidence: tuple[Evidence, ...] = (), *, cheaply: bool = False
    ) -> Menu:
        """Return what a name, or no name, means for a piece of work. Raises as ``targets`` does.

        ``cheaply``: any ``auto`` stands for ``auto:cheap``.
        """
        menus, key = self._memory.menus, (requested, work, evidence, cheaply)
        if key not in menus:
            if len(menus) >= MAX_MENUS:
                menus.clear()
            menus[key] = self._menu(*key)
        return menus[key]

    def targets(self, name: str, task: Task) -> tuple[Target, ...]:
        """Return what a model name means. Raises ModelNotFound or ConfigError."""
        names = _Names(self, self._auto(_any_work(task), ()), self.config.strategy)
        return tuple(choice.target for choice in names.resolve(name, "")[:MAX_TARGETS])

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

    def offer(self, choice: Choice) -> Offer:
        """Add to a choice what holds of it for every request."""
        target = choice.target
        endpoint = self.endpoint(target.provider)
        return Offer(
            choice,
            problem=self._problem(target),
            info=self.catalog.info(target.provider, target.model),
            privacy=privacy_of(endpoint, target.model) if isinstance(endpoint, Endpoint) else "open",
            place=self.place(target),
            of_a_plan=isinstance(endpoint, Endpoint) and _is_of_a_plan(endpoint),
        )

    def place(self, target: Target) -> Place:
        """Say whose health counts for a target: another key or address is another place."""
        places = self._memory.places
        if target not in places:
            if len(places) >= MAX_PLACES:
                places.clear()
            places[target] = self._place(target)
        return places[target]

    def _place(self, target: Target) -> Place:
        endpoint = self.endpoint(target.provider)
        if not isinstance(endpoint, Endpoint):
            return Place(target.provider, "", None, target.model)
        credential = endpoint.credential
        mark = credential.secret.mark if credential is not None else None
        return Place(target.provider, endpoint.base_url, mark, target.model)

    def nothing_left(self) -> FareboxError:
        """Say why ``auto`` found nothing: what keeps a provider of the user's from being used, if any."""
        wanted = (Target(name, DEFAULT_MODEL) for name in self.directory.wanted())
        problems = (self._problem(target) for target in wanted)
        return next((problem for problem in problems if problem is not None), _nothing_set_up())

    def vendors_of(self, canonical: str) -> tuple[Target, ...]:
        """List who serves a catalogue model: those that are ready, or else the first that could be."""
        ready = self.ready_providers()
        makers_first = (name for name in self.catalog.vendors_of(canonical) if name in ready)
        order = ready if self.config.provider_order else tuple(makers_first)
        targets = (self.catalog.target(canonical, name) for name in order)
        if found := tuple(target for target in targets if target is not None):
            return found
        others = (*self.directory.wanted(), *self.directory.names())
        known = (self.catalog.target(canonical, name) for name in others)
        return tuple(target for target in known if target is not None)[:1]

    def same_elsewhere(self, target: Target) -> Target | None:
        """Return the same model at the broker, for a token whose limits are those of a plan.

        Such a token (Anthropic's ``ANTHROPIC_AUTH_TOKEN``) is used up for hours; the work need not wait.
        """
        endpoint = self.endpoint(target.provider)
        if not isinstance(endpoint, Endpoint) or not _is_of_a_plan(endpoint):
            return None
        info = self.catalog.info(target.provider, target.model)
        if info is None or self._state(BROKER) != "ready" or BROKER not in self.ready_providers():
            return None
        return self.catalog.target(info.name, BROKER)

    # --- names -> offers ------------------------------------------------------------------------

    def _menu(self, requested: str | None, work: Work, evidence: tuple[Evidence, ...], cheaply: bool) -> Menu:
        # Words may mislead: what the user has set for chat counts for whatever was asked as a chat.
        task = "chat" if work.ground == "words" else work.task
        asked = (requested,) if requested else self.config.tasks.chain(task)
        strategy = "cheap" if cheaply else self._strategy(asked[0] if asked else "auto")
        why = "asked for by name" if requested else self._set_for(task)
        names = _Names(self, self._auto(work, evidence), strategy, cheaply)
        first: dict[Target, Choice] = {}
        for place, name in enumerate(asked or ("auto",)):
            for choice in names.resolve(name, why):
                first.setdefault(choice.target, replace(choice, chain=place))
        has_auto = not asked or any(is_auto(self._meaning(name)) for name in asked)
        return Menu(
            requested=", ".join(asked) or "auto",
            strategy=strategy,
            offers=tuple(map(self.offer, first.values())),
            sellers=self.config.provider_order,
            unready=self._unready(names, tuple(first)) if has_auto else (),
        )

    def _unready(self, names: "_Names", listed: tuple[Target, ...]) -> tuple[Offer, ...]:
        unready = (name for name in self.directory.wanted() if name not in self.ready_providers())
        offers = (self.offer(names.at(name)) for name in unready)
        return tuple(offer for offer in offers if offer.problem is not None and offer.target not in listed)

    def _set_for(self, task: Task) -> str:
        has_own = task != "complete" and (self.config.agent.model or self.config.agent.local)
        return "set for this agent" if has_own else f"set for the task {self.config.tasks.named(task)}"

    def _auto(self, work: Work, evidence: tuple[Evidence, ...]) -> Auto:
        ready = self.ready_providers()
        return Auto(
            catalog=self.catalog,
            hosted=tuple(name for name in ready if not self._is_local(name)),
            local=tuple(name for name in ready if self._is_local(name)),
            work=work,
            evidence=evidence,
        )

    def _meaning(self, name: str) -> str:
        """Follow the user's aliases to what a name stands for."""
        for _ in range(MAX_ALIAS_DEPTH):
            if name not in self.config.models or is_auto(name):
                break
            name = self.config.models[name]
        return name

    def _strategy(self, name: str) -> Strategy:
        """Return the strategy that a name asks for, perhaps through aliases, or else the user's."""
        meaning = self._meaning(name)
        return asked_strategy(meaning, self.config.strategy) if is_auto(meaning) else self.config.strategy

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


@dataclass(frozen=True, slots=True)
class _Names:
    """Turns names into choices for one piece of work."""

    menus: Menus
    auto: Auto
    strategy: Strategy
    cheaply: bool = False

    def resolve(self, name: str, why: str, *, depth: int = 0) -> tuple[Choice, ...]:
        """Turn one name into choices: auto, a user's alias, provider/model, or a catalogue alias."""
        menus = self.menus
        if is_auto(name):
            return self._by_auto("cheap" if self.cheaply else asked_strategy(name, self.strategy))
        if (alias := menus.config.models.get(name)) is not None:
            if depth >= MAX_ALIAS_DEPTH:
                raise ConfigError(
                    f"the alias {name} leads in a circle", hint=f"Set [models] {name} to a model's full name."
                )
            return self.resolve(alias, f"{why}, through the alias {name}", depth=depth + 1)
        if (canonical := menus.catalog.resolve_alias(name)) is not None:
            through = f"{why}, through the alias {name}"
            if not (sellers := menus.vendors_of(canonical)):
                raise self._unknown(canonical)
            return tuple(Choice(target, through) for target in sellers)
        return self._by_full_name(name, why)

    def _by_full_name(self, name: str, why: str) -> tuple[Choice, ...]:
        directory = self.menus.directory
        provider, _, model = name.partition("/")
        if provider not in directory.names():
            raise self._unknown(name)
        if not model and directory.needs_key(provider):
            raise ModelNotFound(
                f"{name} is a provider and no model",
                hint=f"Write {provider}/MODEL; farebox models lists the known ones.",
            )
        named = Target(provider, model or DEFAULT_MODEL)
        elsewhere = self.menus.same_elsewhere(named)
        if elsewhere is None:
            return (Choice(named, why),)
        return (Choice(named, why), Choice(elsewhere, f"the same model, while {provider}'s limit is used up"))

    def _by_auto(self, strategy: Strategy) -> tuple[Choice, ...]:
        return self.auto.choices(strategy, self._role)

    def at(self, provider: str) -> Choice:
        """Return what ``auto`` would have chosen at a provider that can't be used."""
        return self.auto.at(provider, self.strategy, self._role)

    def _role(self, tier: Tier) -> tuple[Target, ...]:
        """Return the models that the user has set for a tier."""
        names = self.menus.config.roles.chain(tier)
        try:
            return tuple(choice.target for name in names for choice in self.resolve(name, ""))
        except ModelNotFound as error:
            raise ModelNotFound(f"[roles], the {tier} tier: {error.message}", hint=error.hint) from None

    def _unknown(self, name: str) -> ModelNotFound:
        catalog, directory = self.menus.catalog, self.menus.directory
        known = directory.names()
        suggestion = catalog.suggest(name, directory.wanted()) or catalog.suggest(name, known)
        hint = (
            f"Did you mean {suggestion}?"
            if suggestion
            else f"A name begins with its provider, such as openrouter/{name}. Providers: {', '.join(known)}."
        )
        first, slash, _ = name.partition("/")
        what = f"there is no provider {first}" if slash else f"there is no model or alias {name}"
        return ModelNotFound(f"{name}: {what}" if slash else what, hint=hint)


def _any_work(task: Task) -> Work:
    return classify(task, NO_FACTS, input_tokens=0)


def _is_of_a_plan(endpoint: Endpoint) -> bool:
    """Say whether the key is a bearer token where keys go into another header: its limits are a plan's."""
    return endpoint.dialect == "anthropic" and endpoint.key_header == "Authorization"


def _nothing_set_up() -> MissingKey:
    return MissingKey(
        "no model provider is set up",
        hint="Set a key such as OPENROUTER_API_KEY (or: farebox auth login openrouter), or run a local "
        "server and set FAREBOX_LOCAL_BASE_URL=http://127.0.0.1:8080/v1.",
    )
