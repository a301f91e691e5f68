"""What a provider has booked for one generation, asked for when its stream ended without usage.

Wire facts: OpenRouter's API reference, ``GET /generation?id=`` and the header ``X-Generation-Id``. The row
appears a moment after the stream has ended, so the first question waits and a failed one is repeated. What is
done with the answer is the caller's question; that there is none must never be his problem.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from farebox.errors import FareboxError
from farebox.messages import Usage, nanodollars_from_usd
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.json_value import JsonObject, count, decimal, obj, text

MAX_ATTEMPTS: Final = 4
MAX_ID_CHARS: Final = 200
LOOKUP_S: Final = 6.0
"""How long all attempts may take together: the answer has been read, and its reader waits for the end."""
ATTEMPT_S: Final = 2.0

_ID_HEADER: Final = "x-generation-id"


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: before the first attempt, after the first failure (doubled after each other), and at most."""

    first_s: float = 0.5
    base_s: float = 0.25
    most_s: float = 1.0
    total_s: float = LOOKUP_S
    attempts: int = MAX_ATTEMPTS

    def waits_s(self) -> Iterator[float]:
        """Yield the wait before each attempt."""
        yield self.first_s
        for failures in range(self.attempts - 1):
            yield min(self.base_s * 2**failures, self.most_s)


USUAL_PACE: Final = Pace()

ONCE: Final = Pace(first_s=0, attempts=1)
"""For who comes back by himself if there is no answer yet."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What a provider has booked. ``reported_nanodollars`` is None where it does not say."""

    usage: Usage
    reported_nanodollars: int | None
    served_model: str | None


def can_ask(endpoint: Endpoint, generation_id: str | None) -> bool:
    """Say whether a provider could tell what a generation of this name came to."""
    return (
        endpoint.quirks.generation_path is not None
        and generation_id is not None
        and 0 < len(generation_id) <= MAX_ID_CHARS
    )


def begun_in(endpoint: Endpoint, headers: Mapping[str, str]) -> str | None:
    """Return what a provider that can be asked later calls the answer with these headers, if it says so."""
    name = headers.get(_ID_HEADER)
    return name if can_ask(endpoint, name) else None


async def lookup(
    http: Http, endpoint: Endpoint, generation_id: str, *, pace: Pace = USUAL_PACE
) -> Billed | None:
    """Ask what a generation came to; None if the provider has no such address, or no answer in time.

    Nothing but a CancelledError leaves this.
    """
    path = endpoint.quirks.generation_path
    if path is None or not can_ask(endpoint, generation_id):
        return None
    name = quote(generation_id.encode("utf-8", errors="replace"), safe="")
    try:
        async with asyncio.timeout(pace.total_s):
            return await _attempts(http, _bounded(endpoint, pace), f"{path}?id={name}", pace)
    except TimeoutError:
        return None


async def _attempts(http: Http, endpoint: Endpoint, path: str, pace: Pace) -> Billed | None:
    for wait_s in pace.waits_s():
        await asyncio.sleep(wait_s)
        try:
            table = await http.get(endpoint, path, timeout_s=min(ATTEMPT_S, pace.total_s))
        except FareboxError:
            continue
        if (billed := billed_in(table)) is not None:
            return billed
    return None


def _bounded(endpoint: Endpoint, pace: Pace) -> Endpoint:
    """Connect within the time that there is, whatever the user allows a request."""
    connect_s = min(endpoint.deadlines.connect_s, pace.total_s)
    return replace(endpoint, deadlines=replace(endpoint.deadlines, connect_s=connect_s))


def billed_in(table: JsonObject) -> Billed | None:
    """Read an answer's ``data``; None if it holds neither a cost nor both numbers of tokens.

    ``total_cost`` is what OpenRouter charged. Where the user's own upstream key paid (``is_byok`` is true),
    the upstream's charge comes on top; otherwise it is part of ``total_cost``.
    """
    data = obj(table, "data")
    reported = _reported(data)
    input_tokens = _tokens(data, "prompt")
    output_tokens = _tokens(data, "completion")
    if reported is None and (input_tokens is None or output_tokens is None):
        return None
    read, written = input_tokens or 0, output_tokens or 0
    return Billed(
        usage=Usage(
            input_tokens=read,
            cached_input_tokens=min(count(data, "native_tokens_cached") or 0, read),
            output_tokens=written,
            reasoning_tokens=min(count(data, "native_tokens_reasoning") or 0, written),
        ),
        reported_nanodollars=reported,
        served_model=text(data, "model") or None,
    )


def _tokens(data: JsonObject, name: str) -> int | None:
    """The model's own count, which is what is billed; else OpenRouter's normalised one."""
    native = count(data, f"native_tokens_{name}")
    return native if native is not None else count(data, f"tokens_{name}")


def _reported(data: JsonObject) -> int | None:
    cost = decimal(data, "total_cost")
    if cost is None:
        cost = decimal(data, "usage")
    if cost is None:
        return None
    if data.get("is_byok") is True:
        cost += decimal(data, "upstream_inference_cost") or 0
    return nanodollars_from_usd(cost)
