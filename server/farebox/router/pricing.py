"""What a usage costs: nothing at a free provider, else what its own list or else the price table says.

The one place where this is decided, for the estimate of a plan, the hold in the ledger, the cost of an
attempt and the list of models alike. A price that nobody knows is None and never zero.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from farebox import prices
from farebox.messages import Usage, nanodollars_from_usd
from farebox.providers.base import Endpoint
from farebox.providers.listing import ListedPrices
from farebox.providers.listing_file import ListingFile

_FREE: Final = Decimal(0)


SAMPLE_TOKENS: Final = 1_000
SAMPLE_BITS: Final = 3
MAX_SAMPLED_TOKENS: Final = 16_000
"""A prompt up to this is priced as a small one; a longer one by about its size, for prices have steps."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Nano-dollars for a token of the prompt: fresh, cached, or written to a cache; and of the answer."""

    fresh: float
    cached: float
    written: float
    output: float


@dataclass(frozen=True, slots=True)
class Pricing:
    """The prices of this moment."""

    listings: ListingFile

    def cost_nanodollars(self, endpoint: Endpoint, model: str, usage: Usage) -> int | None:
        """Return what a usage costs; None if that is not known."""
        if endpoint.free:
            return 0
        listed = self._listed(endpoint, model)
        usd = listed.cost_usd(usage) if listed is not None else None
        if usd is not None:
            return nanodollars_from_usd(usd)
        return prices.cost_nanodollars(usage, price_id=endpoint.price_id, model=model)

    def most_nanodollars(
        self, endpoint: Endpoint, model: str, usage: Usage, *, images: int = 0
    ) -> int | None:
        """Return the most that a request of this size may cost, none of it cached; None if that is not known.

        Where the provider may answer with another model of the user's list, the dearest of them counts.
        """
        if endpoint.free:
            return 0
        others = endpoint.routing.models if endpoint.routing is not None else ()
        amounts = [self._most(endpoint, name, usage, images) for name in dict.fromkeys((model, *others))]
        known = [amount for amount in amounts if amount is not None]
        return max(known) if len(known) == len(amounts) else None

    def per_million_usd(self, endpoint: Endpoint, model: str) -> tuple[Decimal | None, Decimal | None]:
        """Return the dollars for a million input and output tokens; None where it is not known."""
        if endpoint.free:
            return _FREE, _FREE
        listed = self._listed(endpoint, model)
        if listed is not None:
            return listed.per_million_usd()
        return prices.per_million_usd(endpoint.price_id, model)

    def rates(self, endpoint: Endpoint, model: str, size: int) -> Rates | None:
        """Return what a token costs in a prompt of this size; None if that is not known."""
        samples = (
            Usage(size),
            Usage(size, cached_input_tokens=size),
            Usage(size, cache_write_tokens=size),
            Usage(size, output_tokens=size),
        )
        costs = [self.cost_nanodollars(endpoint, model, usage) for usage in samples]
        known = [cost / size for cost in costs if cost is not None]
        if len(known) < len(samples):
            return None
        fresh, cached, written, both = known
        return Rates(fresh, cached, written, output=both - fresh)

    def _most(self, endpoint: Endpoint, model: str, usage: Usage, images: int) -> int | None:
        listed = self._listed(endpoint, model)
        if listed is not None:
            return nanodollars_from_usd(listed.most_usd(usage, images=images))
        return prices.cost_nanodollars(usage, price_id=endpoint.price_id, model=model)

    def _listed(self, endpoint: Endpoint, model: str) -> ListedPrices | None:
        """Find a model's price in the list of a provider that routes as OpenRouter does."""
        if endpoint.routing is None:
            return None
        listing = self.listings.at(endpoint.base_url)
        found = listing.find(model)
        return found.prices if found is not None and self.listings.has_fresh_prices(listing) else None


def sample_size(input_tokens: int) -> int:
    """Return the size of the prompt by whose price one of so many tokens is compared."""
    if input_tokens <= MAX_SAMPLED_TOKENS:
        return SAMPLE_TOKENS
    step = 1 << (input_tokens.bit_length() - SAMPLE_BITS)
    return input_tokens // step * step
