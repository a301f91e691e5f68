"""Why a target can't take a request: the hard filters of a plan, each with its reason.

Pure: what is known of the target, the request and the budgets comes in, a reason goes out, or None.
"""

from dataclasses import dataclass

from farebox.catalog import ModelInfo
from farebox.errors import BudgetExceeded, ContextTooLong, FareboxError, LocalOnly, Refused
from farebox.messages import Target, minute_text, usd_text
from farebox.providers.address import is_loopback
from farebox.providers.base import Endpoint
from farebox.providers.local_model import is_cloud
from farebox.router.request import Request


@dataclass(frozen=True, slots=True)
class Room:
    """What the tightest budget leaves: its name, the nano-dollars, and when it begins anew (ISO 8601)."""

    name: str
    left_nanodollars: int
    resets_at: str


def unfit(target: Target, info: ModelInfo | None, request: Request) -> FareboxError | None:
    """Return what a request needs that the model does not have; None too where nothing is known of it."""
    if info is None:
        return None
    if info.context_window is not None and request.input_tokens > info.context_window:
        return ContextTooLong(
            f"about {request.input_tokens} tokens don't fit into {target.name}'s {info.context_window}",
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
    return None


def is_elsewhere(endpoint: Endpoint, model: str) -> bool:
    """Say whether a server on this machine asks for a model elsewhere, by its name; Ollama may."""
    return is_loopback(endpoint.base_url) and is_cloud(model)


def not_local(target: Target) -> LocalOnly:
    """Return the reason for a target that is elsewhere while nothing may leave this machine."""
    return LocalOnly(
        f"{target.name} is not on this machine, and local-only mode is on",
        hint="Choose a local model, or set [privacy] local_only = false in your config.",
    )


def too_dear(target: Target, most: int | None, room: Room | None) -> FareboxError | None:
    """Return why a target does not fit into the budgets, or None."""
    if room is None:
        return None
    if most is not None and most <= max(room.left_nanodollars, 0):  # overspent, there is room for 0
        return None
    left = f"and the {room.name} budget has ${usd_text(max(room.left_nanodollars, 0))} left"
    if most is None:
        return BudgetExceeded(
            f"{target.name} has no known price, {left}",
            hint=f"If it costs nothing set free = true in [providers.{target.provider}]; else choose a "
            f"model with a known price, or remove [budgets] {room.name}_usd.",
        )
    return BudgetExceeded(
        f"{target.name} may cost ${usd_text(most)}, {left}",
        hint=f"Raise [budgets] {room.name}_usd, choose a cheaper model, or wait until "
        f"{minute_text(room.resets_at)}.",
    )
