"""Why a target can't take a request: the hard filters of a plan, each with its reason.

Pure: what is known of the target, the request, the budgets and the target's health comes in, a reason goes
out, or None.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal

from farebox.catalog import ModelInfo
from farebox.errors import (
    BudgetExceeded,
    ContextTooLong,
    FareboxError,
    LocalOnly,
    Overloaded,
    ProviderError,
    RateLimited,
    Refused,
)
from farebox.ledger.limits import STEP_WORDS
from farebox.messages import Target, minute_text, nanodollars_from_usd, usd_text
from farebox.providers.address import AS_WRITTEN, is_loopback
from farebox.providers.base import Endpoint
from farebox.providers.local_model import is_cloud
from farebox.router.health import Trouble
from farebox.router.purse import Standing
from farebox.router.request import Request

Privacy = Literal["local", "unkept", "open"]
"""Who may come to know a prompt: nobody beyond this machine, hosts that keep nothing, or any provider."""

STRICTNESS: Final[dict[Privacy, int]] = {"open": 0, "unkept": 1, "local": 2}
LEAST_ANSWER_TOKENS: Final = 1_024
"""Or an eighth of a small context, or all that is wanted."""

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def unfit(target: Target, info: ModelInfo | None, request: Request) -> FareboxError | None:
    """Return what a request needs that the model does not have; None too where nothing is known of it."""
    if info is None:
        return None
    window = info.context_window
    room = 0 if window is None else _least_answer(window, request)
    if window is not None and request.input_tokens + room > window:
        return ContextTooLong(
            f"about {request.input_tokens} tokens don't fit into {target.name}'s {window}, "
            f"with {room} for the answer",
            hint="Attach less, or choose a model with a larger context.",
            provider=target.provider,
            model=target.model,
        )
    if request.images and "images" not in info.capabilities:
        return Refused(
            f"{target.name} can't read images",
            hint="Choose a model that can: farebox models shows the capabilities.",
            provider=target.provider,
            model=target.model,
        )
    if request.facts.tools and "tools" not in info.capabilities:
        return Refused(
            f"{target.name} can't call tools",
            hint="Choose a model that can: farebox models shows the capabilities.",
            provider=target.provider,
            model=target.model,
        )
    return None


def _least_answer(window: int, request: Request) -> int:
    """Return how many tokens must be left for an answer: one that is cut off at once is paid for as well."""
    return min(LEAST_ANSWER_TOKENS, window // 8, request.max_output_tokens)


def privacy_of(endpoint: Endpoint, model: str) -> Privacy:
    """Say who may come to know what is sent there."""
    if is_loopback(endpoint.base_url) and not is_elsewhere(endpoint, model):
        return "local"
    routing = endpoint.routing
    return "unkept" if routing and (routing.zdr or routing.data_collection == "deny") else "open"


def less_private(target: Target, privacy: Privacy, first: Target, wanted: Privacy) -> LocalOnly | None:
    """Return why a target may not take over from the first one, or None: it would tell more people."""
    if STRICTNESS[privacy] >= STRICTNESS[wanted]:
        return None
    promise = "is on this machine" if wanted == "local" else "is asked to keep nothing"
    return LocalOnly(
        f"{target.name} does not take over from {first.name}, which {promise}",
        hint=f"To allow it, write both into [tasks], in the order in which they are to be asked: "
        f'["{first.name}", "{target.name}"].',
    )


def over_the_cap(target: Target, most: int | None, cap_usd: Decimal | None) -> FareboxError | None:
    """Return why a request may cost more there than one request may, or None."""
    cap = nanodollars_from_usd(cap_usd) if cap_usd is not None else None
    if cap is None or (most is not None and most <= cap):
        return None
    price = "has no known price" if most is None else f"may cost ${usd_text(most)}"
    return BudgetExceeded(
        f"{target.name} {price}, and one request may cost at most ${usd_text(cap)}",
        hint="Raise [budgets] request_usd, attach less, or choose a cheaper model.",
    )


def paused(target: Target, trouble: Trouble) -> ProviderError:
    """Return why a target is left alone for now."""
    if trouble.is_probed:
        what = f"{target.name} failed before, and one request is finding out whether it is back"
    else:
        what = f"{target.name} is left alone for {_duration(trouble.wait_s)} more"
    kind = RateLimited if trouble.kind == "rateLimited" else Overloaded
    return kind(
        f"{what} ({trouble.message})",
        hint="Wait, or name another model. [tasks] takes a list of models to fall back along.",
        provider=target.provider,
        model=target.model,
        retry_after_s=trouble.wait_s,
    )


def _duration(seconds: float) -> str:
    """Write a duration as people say it: ``41 s``, ``5 min``, ``3 h``."""
    if seconds < 2 * _MINUTE_S:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / _MINUTE_S)} min" if seconds < 2 * _HOUR_S else f"{round(seconds / _HOUR_S)} h"


def is_elsewhere(endpoint: Endpoint, model: str) -> bool:
    """Say whether a server on this machine asks for a model elsewhere, by its name; Ollama may."""
    return is_loopback(endpoint.base_url) and is_cloud(model)


def not_local(target: Target) -> LocalOnly:
    """Return the reason for a target that is elsewhere while nothing may leave this machine."""
    return LocalOnly(
        f"{target.name} is not on this machine, and local-only mode is on",
        hint=f"Choose a local model, whose server {AS_WRITTEN}; or set [privacy] local_only = false.",
    )


def too_dear(
    target: Target, most: int | None, standings: Sequence[Standing], *, is_local: bool
) -> BudgetExceeded | None:
    """Return why a target does not fit into the budgets that it counts against, or None.

    ``is_local``: the model is on this machine.
    """
    for one in standings:
        # As the hold does: what costs nothing has room, unless a rung stops it.
        if one.unchecked is not None and (most != 0 or one.limit.steps.stop_nanodollars is not None):
            return one.unchecked
    for one in standings:
        if one.step == "stop":
            return _on_a_rung(one)
    for one in standings:
        if one.step == "local" and not (is_local and most == 0):
            return _on_a_rung(one)
    tightest = min(standings, key=lambda one: one.left_nanodollars, default=None)
    if tightest is None or (most is not None and most <= tightest.left_nanodollars):
        return None
    limit = tightest.limit
    left = f"and the {limit.name} budget has ${usd_text(tightest.left_nanodollars)} left"
    if most is None:
        return BudgetExceeded(
            f"{target.name} has no known price, {left}",
            hint=f"If it costs nothing set free = true in [providers.{target.provider}]; else choose a "
            f"model with a known price, or remove {limit.setting}.",
        )
    return BudgetExceeded(
        f"{target.name} may cost ${usd_text(most)}, {left}",
        hint=f"Raise {limit.setting}, choose a cheaper model, or wait until {minute_text(limit.resets_at)}.",
    )


def _on_a_rung(standing: Standing) -> BudgetExceeded:
    limit, what = standing.limit, STEP_WORDS[standing.step]
    return BudgetExceeded(
        f"the {limit.name} budget is at {standing.percent} %: {what}, as {standing.rung} says",
        hint=f"Raise {limit.setting} or the rung, or wait until {minute_text(limit.resets_at)}.",
    )
