"""Which models the user could ask for right now, and which local servers are running."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from farebox import prices
from farebox.errors import FareboxError, KeyRejected
from farebox.messages import Target
from farebox.providers.directory import DEFAULT_MODEL, State
from farebox.providers.local import LocalServer
from farebox.router.plan import Planner

LineState: TypeAlias = State | Literal["unreachable", "keyRejected", "noModel"]


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model at one provider; prices are dollars for a million tokens, None if unknown."""

    target: Target
    context_window: int | None
    max_output_tokens: int | None
    input_usd_per_mtok: Decimal | None
    output_usd_per_mtok: Decimal | None
    capabilities: tuple[str, ...]
    state: LineState


async def models(planner: Planner, *, every: bool = False) -> tuple[ModelLine, ...]:
    """List the catalogue's models at every provider that is set up, and what all other servers serve.

    ``every`` adds the hundreds that a broker's own list names. A provider of which no model is known has one
    line, whose state says why.
    """
    await asyncio.to_thread(prices.preload)
    lines: list[ModelLine] = []
    for provider in planner.directory.wanted():
        names, state = await _offered(planner, provider)
        names += planner.catalog.listed_at(provider) if every else ()
        lines += [_line(planner, Target(provider, name), state) for name in names or (DEFAULT_MODEL,)]
    return tuple(lines)


async def local_servers(planner: Planner) -> list[LocalServer]:
    """Find the model servers that run on this machine at their usual ports."""
    return await planner.directory.discover()


async def _offered(planner: Planner, provider: str) -> tuple[tuple[str, ...], LineState]:
    state = planner.directory.state(provider)
    names = planner.catalog.models_at(provider)
    try:
        asked = planner.directory.endpoint(provider).dialect not in ("openai", "anthropic") or not names
    except FareboxError:
        return names, state
    if state != "ready" or not asked:
        return names, state
    try:
        served = await planner.directory.served_models(provider)
    except KeyRejected:
        return (), "keyRejected"
    except FareboxError:
        return (), "unreachable"
    return served, "ready" if served else "noModel"


def _line(planner: Planner, target: Target, state: LineState) -> ModelLine:
    info = planner.catalog.info(target.provider, target.model)
    seller = planner.seller(target)
    known = planner.pricing.per_million_usd(seller, target.model) if seller is not None else None
    price = known or (None, None)
    return ModelLine(
        target=target,
        context_window=info.context_window if info is not None else None,
        max_output_tokens=info.max_output_tokens if info is not None else None,
        input_usd_per_mtok=price[0],
        output_usd_per_mtok=price[1],
        capabilities=tuple(sorted(info.capabilities)) if info is not None else (),
        state=state,
    )
