"""What a request costs, from the price table of genai-prices.

The only module that knows that library, which is imported inside the functions: it takes a tenth of a
second that start-up does not have. A price that is not known is None and never zero, and nothing here
raises: a pricing failure must not fail a request. Amounts are exact decimals until they are rounded,
once, to whole nano-dollars. Farebox's usage and the library's agree: cached and cache-written tokens lie
inside the input tokens.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from farebox.messages import Usage, nanodollars_from_usd

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices

_PRICING_FAILURES: Final = (
    LookupError,  # a provider or a model that the table does not have
    ValueError,  # token counts that contradict each other
    ArithmeticError,
    AttributeError,
    TypeError,
    ImportError,
)
"""All that a look-up in the library may raise; each means that the price is not known."""

_BROKER = "openrouter"
_FREE_VARIANT = ":free"
_ROUTING_VARIANTS = (":nitro", ":floor", ":online", ":exacto")
"""OpenRouter endings that only choose how a model is served; what they add, OpenRouter reports itself."""

_FREE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the price table, and what it charges at one moment."""

    provider: "Provider"
    model: "ModelInfo"
    prices: "ModelPrice"
    at: datetime

    @property
    def is_free(self) -> bool:
        """An empty line means 'no price' under a free variant's name, and 'no idea' under any other."""
        nothing = all(value is None for value in vars(self.prices).values())
        return nothing and self.model.id.endswith(_FREE_VARIANT)

    def covers(self, usage: Usage) -> bool:
        """Tell whether every token that was used has a price; the library counts the others as zero."""
        has_input = self.prices.input_mtok is not None
        has_output = self.prices.output_mtok is not None
        return (has_input or usage.input_tokens == 0) and (has_output or usage.output_tokens == 0)


def cost_nanodollars(
    usage: Usage, *, price_id: str | None, model: str, at: datetime | None = None
) -> int | None:
    """Return what this usage costs, or None where that is not known.

    ``price_id`` is the library's name for the provider; ``at`` is when the request was made (now, if not
    given), for prices change and some depend on the hour.
    """
    try:
        usd = _cost_usd(usage, price_id, model, at or datetime.now(UTC))
    except _PRICING_FAILURES:
        return None
    return None if usd is None else nanodollars_from_usd(usd)


def estimate_nanodollars(
    *, input_tokens: int, output_tokens: int, price_id: str | None, model: str, at: datetime | None = None
) -> int | None:
    """Return what a request of this size costs when nothing of it is cached."""
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens)
    return cost_nanodollars(usage, price_id=price_id, model=model, at=at)


def per_million_usd(
    price_id: str | None, model: str, *, at: datetime | None = None
) -> tuple[Decimal | None, Decimal | None]:
    """Return the dollars for a million input and output tokens; of a tiered price, the lowest tier."""
    if _is_free_by_name(price_id, model):
        return _FREE, _FREE
    try:
        row = _row(price_id, model, at or datetime.now(UTC))
        if row is None:
            return None, None
        if row.is_free:
            return _FREE, _FREE
        return _base(row.prices.input_mtok), _base(row.prices.output_mtok)
    except _PRICING_FAILURES:
        return None, None


def preload() -> None:
    """Load the price table now; called in a thread, it keeps the first look-up off the event loop."""
    estimate_nanodollars(input_tokens=1, output_tokens=1, price_id="openai", model="gpt-5-mini")


def _cost_usd(usage: Usage, price_id: str | None, model: str, at: datetime) -> Decimal | None:
    if min(usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens) < 0:
        return None
    if usage.cached_input_tokens + usage.cache_write_tokens > usage.input_tokens:
        return None
    if _is_free_by_name(price_id, model):
        return _FREE
    row = _row(price_id, model, at)
    if row is None:
        return None
    if row.is_free:
        return _FREE
    return _charge(usage, row) if row.covers(usage) else None


def _is_free_by_name(price_id: str | None, model: str) -> bool:
    return price_id == _BROKER and model.lower().endswith(_FREE_VARIANT)


def _row(price_id: str | None, model: str, at: datetime) -> _Row | None:
    """Find a line of the table: under the exact name, or else without the ending that steers routing."""
    if price_id is None:
        return None
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - deferred for start-up

    for name in _names(price_id, model):
        try:
            provider, found = get_snapshot().find_provider_model(name, None, price_id, None)
        except LookupError:
            continue
        return _Row(provider, found, found.get_prices(at), at)
    return None


def _names(price_id: str, model: str) -> tuple[str, ...]:
    ending = next((variant for variant in _ROUTING_VARIANTS if model.lower().endswith(variant)), "")
    if price_id != _BROKER or not ending:
        return (model,)
    return model, model[: -len(ending)]


def _charge(usage: Usage, row: _Row) -> Decimal:
    from genai_prices import Usage as PricedUsage  # noqa: PLC0415 - deferred for start-up

    counts = PricedUsage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    return row.model.calc_price(counts, row.provider, genai_request_timestamp=row.at).total_price


def _base(price: "Decimal | TieredPrices | None") -> Decimal | None:
    return price if price is None or isinstance(price, Decimal) else price.base
