"""What OpenRouter itself says of the models that it sells: their limits, abilities and prices.

Wire facts: OpenRouter's API reference, ``GET /models``. Pure: JSON objects in, frozen records out; where the
list is fetched from and kept is ``listing_file``'s business. An entry that lacks what matters is left out,
a price that can't be read is not known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Final, get_args

from farebox.messages import ReasoningEffort, Usage
from farebox.providers.json_value import JsonObject, array, count, obj, text

MAX_MODELS: Final = 5_000
MAX_OVERRIDES: Final = 16
MAX_WORDS: Final = 64
MAX_PRICE_CHARS: Final = 24
MAX_USD_PER_UNIT: Final = Decimal(1_000)
SMALLEST_EXPONENT: Final = -18
ROUTING_VARIANTS: Final = (":nitro", ":floor", ":online", ":exacto")
"""Endings that choose how a model is served and have no entry of their own."""

_ID = re.compile(r"[\x21-\x7e]{1,200}")
_EFFORTS: Final[tuple[ReasoningEffort, ...]] = get_args(ReasoningEffort)
_PRICES: Final = (
    "prompt",
    "completion",
    "request",
    "image",
    "input_cache_read",
    "input_cache_write",
    "internal_reasoning",
)
_CONDITION: Final = "min_prompt_tokens"
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Override:
    """Other prices (USD a unit) from a number of prompt tokens on.

    ``certain`` is False if it has a further condition, such as an hour of the day, that is not judged here.
    """

    min_prompt_tokens: int
    usd: Mapping[str, Decimal] = field(hash=False)
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ListedPrices:
    """USD a token, a request and an image, by OpenRouter's names; prompt and completion are always there."""

    usd: Mapping[str, Decimal] = field(hash=False)
    overrides: tuple[Override, ...] = ()

    def cost_usd(self, usage: Usage) -> Decimal | None:
        """Return exactly what a usage costs; None if its counts contradict each other, or if a price hangs
        on what is not judged here.
        """
        if not _is_consistent(usage):
            return None
        usd = dict(self.usd)
        for override in self.overrides:
            if usage.input_tokens < override.min_prompt_tokens:
                continue
            if not override.certain:
                return None
            usd |= override.usd
        return _sum(usd, usage)

    def most_usd(self, usage: Usage, *, images: int = 0) -> Decimal:
        """Return the most that a usage may cost, whichever of its overrides holds."""
        usd = dict(self.usd)
        for override in self.overrides:
            if usage.input_tokens >= override.min_prompt_tokens:
                usd |= {name: max(price, usd.get(name, price)) for name, price in override.usd.items()}
        return _sum(usd, usage) + images * usd.get("image", _ZERO)

    def per_million_usd(self) -> tuple[Decimal, Decimal]:
        """Return the dollars for a million input and output tokens of a short prompt."""
        return self.usd["prompt"] * 10**6, self.usd["completion"] * 10**6


def _is_consistent(usage: Usage) -> bool:
    cached = (usage.cached_input_tokens, usage.cache_write_tokens)
    counts = (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, *cached)
    return (
        min(counts) >= 0
        and sum(cached) <= usage.input_tokens
        and usage.reasoning_tokens <= usage.output_tokens
    )


def _sum(usd: Mapping[str, Decimal], usage: Usage) -> Decimal:
    """Price inclusive counts: what was read from a cache or written to one lies inside the input."""
    prompt, completion = usd["prompt"], usd["completion"]
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    thought = usd.get("internal_reasoning") or completion  # 0 says: not priced apart
    return (
        usd.get("request", _ZERO)
        + (usage.input_tokens - cached - written) * prompt
        + cached * usd.get("input_cache_read", prompt)
        + written * usd.get("input_cache_write", prompt)
        + (usage.output_tokens - usage.reasoning_tokens) * completion
        + usage.reasoning_tokens * thought
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """One model of the list. ``prices`` is None where they are not fixed, as those of ``openrouter/auto``.

    ``efforts`` are from weak to strong, and empty where they are not known. ``expires`` is a day (ISO 8601).
    """

    id: str
    canonical_slug: str
    context_length: int | None
    max_completion_tokens: int | None
    prices: ListedPrices | None
    input_modalities: frozenset[str]
    supported_parameters: frozenset[str]
    efforts: tuple[ReasoningEffort, ...]
    must_reason: bool
    expires: str | None


def listed_in(table: JsonObject) -> dict[str, Listed]:
    """Read an answer of ``GET /models``, or what ``kept`` has left of one: lower-case id -> model."""
    models = (_listed(obj(item)) for item in array(table, "data")[:MAX_MODELS])
    return {model.id.lower(): model for model in models if model is not None}


def kept(table: JsonObject) -> list[JsonObject]:
    """Return what of an answer is worth keeping, in OpenRouter's own shape and of plain JSON values."""
    items = (obj(item) for item in array(table, "data")[:MAX_MODELS])
    return [_kept(item) for item in items if _listed(item) is not None]


def find(models: Mapping[str, Listed], name: str) -> Listed | None:
    """Find a model by its id, or by its id without an ending that only steers routing."""
    wanted = name.strip().lower()
    if (found := models.get(wanted)) is not None:
        return found
    ending = next((variant for variant in ROUTING_VARIANTS if wanted.endswith(variant)), None)
    return models.get(wanted.removesuffix(ending)) if ending is not None else None


def _listed(item: JsonObject) -> Listed | None:
    name, modalities = text(item, "id"), _words(obj(item, "architecture"), "input_modalities")
    if _ID.fullmatch(name) is None or not modalities:
        return None
    top, reasoning = obj(item, "top_provider"), obj(item, "reasoning")
    windows = [size for size in (count(item, "context_length"), count(top, "context_length")) if size]
    slug = text(item, "canonical_slug")
    return Listed(
        id=name,
        canonical_slug=slug if _ID.fullmatch(slug) else name,
        context_length=min(windows, default=None),
        max_completion_tokens=count(top, "max_completion_tokens") or None,
        prices=_prices(obj(item, "pricing")),
        input_modalities=frozenset(modalities),
        supported_parameters=frozenset(_words(item, "supported_parameters")),
        efforts=_efforts(reasoning),
        must_reason=reasoning.get("mandatory") is True,
        expires=_day(item),
    )


def _efforts(reasoning: JsonObject) -> tuple[ReasoningEffort, ...]:
    """Sort the efforts; where a model need not reason, ``none`` is one of them."""
    named = set(_words(reasoning, "supported_efforts"))
    if named and reasoning.get("mandatory") is False:
        named.add("none")
    return tuple(effort for effort in _EFFORTS if effort in named)


def _prices(table: JsonObject) -> ListedPrices | None:
    usd = dict(_known_prices(table))
    if len(usd) != _given(table) or not {"prompt", "completion"} <= usd.keys():
        return None  # one that can't be read would be left out of every sum
    overrides = tuple(_override(obj(item)) for item in array(table, "overrides")[:MAX_OVERRIDES])
    return ListedPrices(MappingProxyType(usd), overrides)


def _override(table: JsonObject) -> Override:
    usd = dict(_known_prices(table))
    others = {name for name in table if name not in _PRICES and not _is_price_of_other_things(name)}
    return Override(
        min_prompt_tokens=count(table, _CONDITION) or 0,
        usd=MappingProxyType(usd),
        certain=len(usd) == _given(table)
        and others <= {_CONDITION}
        and (not others or count(table, _CONDITION) is not None),
    )


def _given(table: JsonObject) -> int:
    """Count the prices that an entry gives, readable or not."""
    return sum(table.get(name) is not None for name in _PRICES)


def _is_price_of_other_things(name: str) -> bool:
    """Say whether a key of an override is a price of something that farebox does not ask for."""
    return name in ("audio", "audio_output", "web_search", "input_cache_write_1h", "input_audio_cache")


def _known_prices(table: JsonObject) -> Iterator[tuple[str, Decimal]]:
    for name in _PRICES:
        if (price := _price(text(table, name))) is not None:
            yield name, price


def _price(words: str) -> Decimal | None:
    """Read a decimal string; a negative price says that it varies."""
    if not 0 < len(words) <= MAX_PRICE_CHARS:
        return None
    try:
        price = Decimal(words)
    except InvalidOperation:
        return None
    if not price.is_finite() or not 0 <= price <= MAX_USD_PER_UNIT:
        return None
    exponent = price.as_tuple().exponent
    return price if isinstance(exponent, int) and exponent >= SMALLEST_EXPONENT else None


def _words(table: JsonObject, key: str) -> list[str]:
    return [
        word for word in array(table, key)[:MAX_WORDS] if isinstance(word, str) and len(word) <= MAX_WORDS
    ]


def _day(item: JsonObject) -> str | None:
    day = text(item, "expiration_date")[:10]
    return day if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day, re.ASCII) else None


def _kept(item: JsonObject) -> JsonObject:
    top, reasoning, pricing = (obj(item, key) for key in ("top_provider", "reasoning", "pricing"))
    overrides = [_texts_and_counts(obj(one)) for one in array(pricing, "overrides")[:MAX_OVERRIDES]]
    return {
        "id": text(item, "id"),
        "canonical_slug": text(item, "canonical_slug"),
        "context_length": count(item, "context_length"),
        "top_provider": {key: count(top, key) for key in ("context_length", "max_completion_tokens")},
        "architecture": {"input_modalities": _words(obj(item, "architecture"), "input_modalities")},
        "pricing": {
            **{name: text(pricing, name) for name in _PRICES if pricing.get(name) is not None},
            **({"overrides": overrides} if overrides else {}),
        },
        "supported_parameters": _words(item, "supported_parameters"),
        "reasoning": {
            "supported_efforts": _words(reasoning, "supported_efforts"),
            **({"mandatory": must} if isinstance(must := reasoning.get("mandatory"), bool) else {}),
        },
        "expiration_date": _day(item),
    }


def _texts_and_counts(table: JsonObject) -> JsonObject:
    """Keep an override's keys: one that is not understood makes it uncertain, so it must not get lost."""
    few = list(table.items())[:MAX_WORDS]
    return {
        key[:MAX_WORDS]: value[:MAX_WORDS] if isinstance(value, str) else count(table, key)
        for key, value in few
    }
