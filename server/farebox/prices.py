"""What a request costs, from the price table of genai-prices.

The only module that knows that library, which is imported inside the functions: it takes a tenth of a
second that start-up does not have. A price that is not known is None and never zero, and nothing here
raises: a pricing failure must not fail a request. Amounts are exact decimals until they are rounded,
once, to whole nano-dollars. Farebox's usage and the library's agree: cached and cache-written tokens lie
inside the input tokens.

The library takes 0.1 to 0.5 ms to price a usage, or to find that it has no such model, and a plan asks
for many. So what it finds is kept, and a line that holds nothing but rates for tokens is summed up here:
once for every kind of sum the library is asked too, and where the two differ its word stands from then on.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from farebox.messages import Usage, nanodollars_from_usd

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
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
_MILLION: Final = Decimal(1_000_000)

_SUMMED: Final = frozenset({"input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok"})
_NEVER_COUNTED: Final = frozenset({"cache_write_1h_mtok", "web_searches_kcount", "storage_searches_kcount"})
"""Prices of what farebox's usage has no count for, so that they add nothing."""

_UNDERSTOOD: Final = _SUMMED | _NEVER_COUNTED

MAX_LINES: Final = 4_096
"""How many names are remembered, unknown ones too, before all are looked up anew."""

MAX_SUMS: Final = 64
"""How many kinds of sums are remembered for a line."""


class _Rates(NamedTuple):
    """Dollars for a million tokens of each kind; None for what the line has no price for."""

    fresh: Decimal | None
    cached: Decimal | None
    written: Decimal | None
    output: Decimal | None


_Kinds: TypeAlias = tuple[bool, bool, bool, bool]


@dataclass(frozen=True, slots=True)
class _Line:
    """One model of the table; ``agreed`` says for which rates and kinds of tokens our sum is right."""

    provider: "Provider"
    model: "ModelInfo"
    agreed: dict[tuple[_Rates, _Kinds], bool] = field(default_factory=dict[tuple[_Rates, _Kinds], bool])


@dataclass(frozen=True, slots=True)
class _Table:
    """What was looked up in one snapshot of the prices; a new snapshot begins a new one."""

    snapshot: "DataSnapshot"
    lines: dict[tuple[str, str], _Line | None] = field(default_factory=dict[tuple[str, str], _Line | None])

    def line(self, price_id: str, model: str) -> _Line | None:
        """Find a model under its exact name, or else without the ending that steers routing."""
        key = price_id, model
        try:
            return self.lines[key]
        except KeyError:
            pass
        line = self._look_up(price_id, model)
        if len(self.lines) >= MAX_LINES:
            self.lines.clear()
        self.lines[key] = line
        return line

    def _look_up(self, price_id: str, model: str) -> _Line | None:
        for name in _names(price_id, model):
            try:
                return _Line(*self.snapshot.find_provider_model(name, None, price_id, None))
            except LookupError:
                continue
        return None


@dataclass(slots=True)
class _Memory:
    """What this process has loaded; the table is exchanged as a whole, for threads share it."""

    table: _Table | None = None
    preloaded: bool = False


_memory: Final = _Memory()


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the price table, and what it charges at one moment."""

    line: _Line
    prices: "ModelPrice"
    at: datetime

    @property
    def is_free(self) -> bool:
        """An empty line means 'no price' under a free variant's name, and 'no idea' under any other."""
        if not self.line.model.id.endswith(_FREE_VARIANT):
            return False
        return all(value is None for value in vars(self.prices).values())

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
    _memory.preloaded = True


def loaded() -> bool:
    """Tell whether ``preload`` has run in this process: then it needs no thread any more."""
    return _memory.preloaded


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
    """Find a model's line of the table, and what it charges at this moment."""
    line = None if price_id is None else _table().line(price_id, model)
    return None if line is None else _Row(line, line.model.get_prices(at), at)


def _table() -> _Table:
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - deferred for start-up

    snapshot, table = get_snapshot(), _memory.table
    if table is None or table.snapshot is not snapshot:
        table = _memory.table = _Table(snapshot)
    return table


def _names(price_id: str, model: str) -> tuple[str, ...]:
    ending = next((variant for variant in _ROUTING_VARIANTS if model.lower().endswith(variant)), "")
    if price_id != _BROKER or not ending:
        return (model,)
    return model, model[: -len(ending)]


def _charge(usage: Usage, row: _Row) -> Decimal:
    """Return our own sum if the library has once agreed with such a sum, else the library's."""
    prices = cast("dict[str, Decimal | TieredPrices | None]", vars(row.prices))
    if not _UNDERSTOOD.issuperset(prices):
        return _asked(usage, row)
    rates = _rates(prices, usage.input_tokens)
    key = rates, _kinds(usage)
    agreed = row.line.agreed.get(key)
    if agreed:
        return _summed(usage, rates)
    asked = _asked(usage, row)
    if agreed is None and len(row.line.agreed) < MAX_SUMS:
        row.line.agreed[key] = asked == _summed(usage, rates)
    return asked


def _kinds(usage: Usage) -> _Kinds:
    fresh = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    return fresh > 0, usage.cached_input_tokens > 0, usage.cache_write_tokens > 0, usage.output_tokens > 0


def _rates(prices: "dict[str, Decimal | TieredPrices | None]", input_tokens: int) -> _Rates:
    """Return what holds for a request of this size: above a step, every token costs that step's price."""
    return _Rates(
        fresh=_rate(prices.get("input_mtok"), input_tokens),
        cached=_rate(prices.get("cache_read_mtok"), input_tokens),
        written=_rate(prices.get("cache_write_mtok"), input_tokens),
        output=_rate(prices.get("output_mtok"), input_tokens),
    )


def _rate(price: "Decimal | TieredPrices | None", input_tokens: int) -> Decimal | None:
    if price is None or isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if input_tokens > tier.start), price.base)


def _summed(usage: Usage, rates: _Rates) -> Decimal:
    """Multiply and add. Cached and written tokens without a price of their own cost what fresh ones do."""
    fresh = rates.fresh or _FREE
    cached = fresh if rates.cached is None else rates.cached
    written = fresh if rates.written is None else rates.written
    total = (
        (usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens) * fresh
        + usage.cached_input_tokens * cached
        + usage.cache_write_tokens * written
        + usage.output_tokens * (rates.output or _FREE)
    )
    return total / _MILLION


def _asked(usage: Usage, row: _Row) -> Decimal:
    from genai_prices import Usage as PricedUsage  # noqa: PLC0415 - deferred for start-up

    counts = PricedUsage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    model, provider = row.line.model, row.line.provider
    return model.calc_price(counts, provider, genai_request_timestamp=row.at).total_price


def _base(price: "Decimal | TieredPrices | None") -> Decimal | None:
    return price if price is None or isinstance(price, Decimal) else price.base
