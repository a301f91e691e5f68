"""Which models the user could ask for right now, and which local servers are running."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

from farebox import prices
from farebox.errors import FareboxError
from farebox.messages import Target
from farebox.providers.directory import DEFAULT_MODEL, State
from farebox.providers.local import LocalServer
from farebox.router.plan import Planner


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model at one provider; prices are dollars for a million tokens, None if unknown."""

    target: Target
    context_window: int | None
    max_output_tokens: int | None
    input_usd_per_mtok: Decimal | None
    output_usd_per_mtok: Decimal | None
    capabilities: tuple[str, ...]
    state: State


async def models(planner: Planner) -> tuple[ModelLine, ...]:
    """List the catalogue's models at every provider that is set up, and what all other servers serve."""
    await asyncio.to_thread(prices.preload)
    lines: list[ModelLine] = []
    for provider in planner.directory.wanted():
        try:
            endpoint = planner.directory.endpoint(provider)
        except FareboxError:
            endpoint = None
        names = planner.catalog.models_at(provider)
        if endpoint is not None and (endpoint.dialect != "openai" or not names):
            names = await _served(planner, provider)
        lines += [_line(planner, Target(provider, name)) for name in names]
    return tuple(lines)


async def local_servers(planner: Planner) -> list[LocalServer]:
    """Find the model servers that run on this machine at their usual ports."""
    return await planner.directory.discover()


async def _served(planner: Planner, provider: str) -> tuple[str, ...]:
    try:
        return await planner.directory.served_models(provider)
    except FareboxError:
        return (DEFAULT_MODEL,)


def _line(planner: Planner, target: Target) -> ModelLine:
    info = planner.catalog.info(target.provider, target.model)
    try:
        endpoint = planner.directory.endpoint(target.provider)
    except FareboxError:
        endpoint = None
    price = (None, None)
    if endpoint is not None:
        free = (Decimal(0), Decimal(0))
        price = free if endpoint.free else prices.per_million_usd(endpoint.price_id, target.model)
    return ModelLine(
        target=target,
        context_window=info.context_window if info is not None else None,
        max_output_tokens=info.max_output_tokens if info is not None else None,
        input_usd_per_mtok=price[0],
        output_usd_per_mtok=price[1],
        capabilities=tuple(sorted(info.capabilities)) if info is not None else (),
        state=planner.directory.state(target.provider),
    )
