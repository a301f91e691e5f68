"""The seam between the door and the outside world: one method that turns one call into one stream.

An adapter does nothing else: no retry, no fallback, no price, no log of prompts. ``Endpoint`` is all
that an adapter knows of whom it speaks to; it is made of data (``vendors.toml`` and the user's
settings) by ``providers.directory``.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from farebox.config import FillStyle
from farebox.messages import Call, Delta
from farebox.secrets import Credential

Wire = Literal["openai", "llamacpp", "local"]


@dataclass(frozen=True, slots=True)
class RoutingPreferences:
    """What OpenRouter is told about the hosts behind it (its ``provider`` object)."""

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One configured provider: where it is, how it speaks, what it may be sent.

    ``dialect`` is ``local`` until the server has been asked what it is.
    """

    provider: str
    dialect: Wire
    base_url: str
    credential: Credential | None = None
    price_id: str | None = None
    free: bool = False
    fill: FillStyle = "chat"
    fill_path: str = "/completions"
    check_path: str = "/models"
    max_tokens_field: str = "max_tokens"
    headers: tuple[tuple[str, str], ...] = ()
    routing: RoutingPreferences | None = None
    loopback_only: bool = False


class Provider(Protocol):
    """Anything that can answer a call."""

    def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events; the last one is a Finish.

        Raises a ProviderError if the answer is not whole. Closing the generator closes the socket.
        """
        ...
