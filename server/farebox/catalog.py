"""What farebox knows of models by itself, offline.

A fresh install has to route, complete names and say "did you mean" before it has asked any vendor, and
in local-only mode it never asks one. The facts are data in ``catalog.toml``; this module only reads and
looks up. It knows no wire format, no price and no configuration: who is asked, and for how much, is
decided elsewhere.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, NotRequired, TypeAlias, TypedDict, cast

from farebox.messages import ReasoningEffort, Target, Task, Tier

Capability: TypeAlias = Literal["tools", "images", "reasoning"]
Thinking: TypeAlias = Literal["adaptive", "budget"]

_TYPO_CUTOFF = 0.8
"""How alike two names must be for one to be a typing error of the other."""

_VERSION_CUTOFF = 0.9
"""How alike two names without their numbers must be for them to be versions of one model."""

_LONGEST_NAME_CHARS = 200
"""Longer texts are no model name; they are not compared, which keeps the comparison short."""

_NOTHING: Mapping[str, "ModelInfo"] = MappingProxyType({})

_DATED = re.compile(r"[-@]20\d\d-?\d\d-?\d\d$")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model. ``name`` is canonical; ``ids`` holds what each vendor calls it.

    A model of a vendor's own list has no ``tier`` and no ``ids``, and is called what the vendor calls it;
    ``expires`` is the day (ISO 8601) on which the vendor will withdraw it, if it says so.
    """

    name: str
    tier: Tier | None
    context_window: int | None
    max_output_tokens: int | None
    capabilities: frozenset[Capability]
    ids: Mapping[str, str] = field(hash=False)
    thinking: Thinking | None = None
    efforts: tuple[ReasoningEffort, ...] = ()
    expires: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Every model that farebox knows by itself; look-ups only, nothing ever changes."""

    models: Mapping[str, ModelInfo]
    _aliases: Mapping[str, str]
    _complete_order: tuple[str, ...]
    _chat_orders: Mapping[Tier, tuple[str, ...]]
    _brokers: frozenset[str]
    _spellings: Mapping[str, tuple[str, ...]]
    _by_vendor_id: Mapping[tuple[str, str], ModelInfo]
    _listed: Mapping[str, Mapping[str, ModelInfo]] = field(default_factory=dict[str, Mapping[str, ModelInfo]])

    @property
    def aliases(self) -> Mapping[str, str]:
        """Short name -> canonical name."""
        return self._aliases

    def resolve_alias(self, name: str) -> str | None:
        """Return the canonical model that a short name means, if it is one."""
        return self._aliases.get(name.strip().lower())

    def info(self, provider: str, model_id: str) -> ModelInfo | None:
        """Find a model by what a vendor calls it; dated ids and variants (``:free``) are the same model."""
        wanted = model_id.strip().lower()
        listed = self._listed.get(provider, _NOTHING)
        for spelling in (wanted, _undated(wanted), *self._without_variant(provider, wanted)):
            found = listed.get(spelling) or self._by_vendor_id.get((provider, spelling))
            if found is not None:
                return found
        return None

    def exactly(self, provider: str, model_id: str) -> ModelInfo | None:
        """Find a model of our own by exactly what a vendor calls it."""
        return self._by_vendor_id.get((provider, model_id.lower()))

    def with_listed(self, provider: str, models: Mapping[str, ModelInfo]) -> "Catalog":
        """Add what a vendor's own list says of its models, in place of our own: lower-case id -> model."""
        return replace(
            self, _listed=MappingProxyType({**self._listed, provider: MappingProxyType({**models})})
        )

    def listed_at(self, provider: str) -> tuple[str, ...]:
        """List the models of a vendor's own list that are not ours."""
        listed = self._listed.get(provider, _NOTHING)
        return tuple(model.name for key, model in listed.items() if (provider, key) not in self._by_vendor_id)

    def target(self, name: str, provider: str) -> Target | None:
        """Return a canonical model at one vendor, if that vendor sells it."""
        model = self.models.get(name)
        if model is None or provider not in model.ids:
            return None
        return Target(provider=provider, model=model.ids[provider])

    def models_at(self, provider: str) -> tuple[str, ...]:
        """List what a vendor calls the models that it sells."""
        return tuple(model.ids[provider] for model in self.models.values() if provider in model.ids)

    def vendors_of(self, name: str) -> tuple[str, ...]:
        """List who sells a canonical model, its maker first."""
        model = self.models.get(name)
        return () if model is None else tuple(model.ids)

    def preferred(self, task: Task, tier: Tier) -> tuple[str, ...]:
        """List the canonical models that ``auto`` tries for a tier, best first, with weaker ones at the end.

        Tab completion has an order of its own.
        """
        return self._complete_order if task == "complete" else self._chat_orders[tier]

    def strongest(self, providers: Iterable[str]) -> Target | None:
        """Return the best model that these providers sell: what savings are measured against."""
        available = tuple(providers)
        for name in self._chat_orders["strong"]:
            for provider in available:
                if (target := self.target(name, provider)) is not None:
                    return target
        return None

    def suggest(self, text: str, providers: Iterable[str]) -> str | None:
        """Guess which ``provider/model`` a name that means nothing was meant to be, among these providers."""
        wanted = text.strip().lower()
        if not wanted or len(wanted) > _LONGEST_NAME_CHARS:
            return None
        available = tuple(providers)
        known = self._spellings_at(available)
        if (same := known.get(_letters_and_digits(wanted))) is not None:
            return same
        return (
            _typo(wanted, known)
            or self._at_a_broker(text.strip(), available)
            or _other_version(wanted, known)
        )

    def _without_variant(self, provider: str, model_id: str) -> tuple[str, ...]:
        """Peel off one variant ending, and the date before it."""
        for ending in self._spellings.get(provider, ()):
            if model_id.endswith(ending):
                bare = model_id.removesuffix(ending)
                return bare, _undated(bare)
        return ()

    def _spellings_at(self, providers: tuple[str, ...]) -> dict[str, str]:
        """Map every way to write a model, in letters and digits, to its full name at these providers."""
        known: dict[str, str] = {}
        for provider in providers:
            for model in self.models.values():
                if (target := self.target(model.name, provider)) is None:
                    continue
                for spelling in (target.name, f"{provider}/{model.name}", target.model, model.name):
                    known.setdefault(_letters_and_digits(spelling), target.name)
                known.setdefault(_letters_and_digits(f"{provider}/{_last_part(model.name)}"), target.name)
        for alias, name in self._aliases.items():
            for provider in providers:
                if (target := self.target(name, provider)) is not None:
                    known.setdefault(_letters_and_digits(alias), target.name)
                    known.setdefault(_letters_and_digits(f"{provider}/{alias}"), target.name)
        for provider in providers:
            for model_id in self.listed_at(provider):
                for spelling in (f"{provider}/{model_id}", model_id, _last_part(model_id)):
                    known.setdefault(_letters_and_digits(spelling), f"{provider}/{model_id}")
        return known

    def _at_a_broker(self, text: str, providers: tuple[str, ...]) -> str | None:
        """Put a broker before a name that begins with a maker whose models the broker is known to sell."""
        maker, slash, rest = text.partition("/")
        if not slash or not rest or maker.lower() in providers:
            return None
        for provider in providers:
            if provider in self._brokers and maker.lower() in self._makers_at(provider):
                return f"{provider}/{text}"
        return None

    def _makers_at(self, provider: str) -> set[str]:
        ids = (model.ids.get(provider, "") for model in self.models.values())
        return {model_id.partition("/")[0] for model_id in ids if "/" in model_id}


@cache
def load() -> Catalog:
    """Read the catalogue that ships with the package, once."""
    text = files("farebox").joinpath("catalog.toml").read_text(encoding="utf-8")
    return _catalog(cast("_Document", cast("object", tomllib.loads(text))))


# --- the file ----------------------------------------------------------------------------------


class _Model(TypedDict):
    tier: Tier
    context_window: NotRequired[int]
    max_output_tokens: NotRequired[int]
    capabilities: list[Capability]
    thinking: NotRequired[Thinking]
    efforts: NotRequired[list[ReasoningEffort]]
    ids: dict[str, str]


class _Order(TypedDict):
    order: list[str]


class _Defaults(TypedDict):
    complete: _Order
    chat: dict[Tier, _Order]


class _Document(TypedDict):
    """The shape of catalog.toml; it is ours, and a test holds it to this."""

    brokers: list[str]
    models: dict[str, _Model]
    aliases: dict[str, str]
    defaults: _Defaults
    spellings: dict[str, list[str]]


def _catalog(document: _Document) -> Catalog:
    models = {name: _model_info(name, entry) for name, entry in document["models"].items()}
    by_vendor_id = {
        (vendor, model_id.lower()): model
        for model in models.values()
        for vendor, model_id in model.ids.items()
    }
    chat_orders: dict[Tier, tuple[str, ...]] = {
        tier: tuple(table["order"]) for tier, table in document["defaults"]["chat"].items()
    }
    spellings = {vendor: tuple(endings) for vendor, endings in document["spellings"].items()}
    return Catalog(
        models=MappingProxyType(models),
        _aliases=MappingProxyType({_last_part(name): name for name in models} | document["aliases"]),
        _complete_order=tuple(document["defaults"]["complete"]["order"]),
        _chat_orders=MappingProxyType(chat_orders),
        _brokers=frozenset(document["brokers"]),
        _spellings=MappingProxyType(spellings),
        _by_vendor_id=MappingProxyType(by_vendor_id),
    )


def _model_info(name: str, entry: _Model) -> ModelInfo:
    return ModelInfo(
        name=name,
        tier=entry["tier"],
        context_window=entry.get("context_window"),
        max_output_tokens=entry.get("max_output_tokens"),
        capabilities=frozenset(entry["capabilities"]),
        ids=MappingProxyType(dict(entry["ids"])),
        thinking=entry.get("thinking"),
        efforts=tuple(entry.get("efforts", ())),
    )


# --- names -------------------------------------------------------------------------------------


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _undated(model_id: str) -> str:
    return _DATED.sub("", model_id)


def _letters_and_digits(name: str) -> str:
    """Reduce a name to what people remember of it: ``sonnet-4.5`` and ``Sonnet_4-5`` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _digits(name: str) -> str:
    return re.sub(r"\D", "", name)


def _letters(name: str) -> str:
    return re.sub(r"\d", "", name)


def _typo(wanted: str, known: Mapping[str, str]) -> str | None:
    """Find the most alike name with the same numbers: a typing error is in the letters."""
    spelt = _letters_and_digits(wanted)
    same_number = {name: full for name, full in known.items() if _digits(name) == _digits(spelt)}
    return _closest(spelt, same_number, cutoff=_TYPO_CUTOFF)


def _other_version(wanted: str, known: Mapping[str, str]) -> str | None:
    """Find the newest model of nearly that name, whatever its number; the file lists new before old."""
    newest: dict[str, str] = {}
    for name, full in known.items():
        newest.setdefault(_letters(name), full)
    return _closest(_letters(_letters_and_digits(wanted)), newest, cutoff=_VERSION_CUTOFF)


def _closest(wanted: str, known: Mapping[str, str], *, cutoff: float) -> str | None:
    matches = difflib.get_close_matches(wanted, known, n=1, cutoff=cutoff)
    return known[matches[0]] if matches else None
