"""The seam between the door and the outside world: one method that turns one call into one stream.

An adapter does nothing else: no retry, no fallback, no price, no log of prompts. ``Endpoint`` is all
that an adapter knows of whom it speaks to; it is made of data (``vendors.toml`` and the user's
settings) by ``providers.directory``.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal, Protocol

from farebox.config import FillStyle
from farebox.messages import Call, Delta, ReasoningEffort, TraceFormat
from farebox.secrets import Credential

Wire = Literal["openai", "anthropic", "ollama", "llamacpp", "local"]
ReasoningField = Literal["reasoning_effort", "reasoning", "thinking", "none"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long an answer may take: to connect, to its first token, between two tokens, and as a whole.

    A local model may have to be loaded before its first token, a hosted one may think; a user who waits can
    cancel at any time.
    """

    connect_s: float = 5.0
    first_token_s: float = 180.0
    gap_s: float = 120.0
    total_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a vendor departs from the OpenAI dialect; ``vendors.toml`` says what each means."""

    max_tokens_field: str = "max_tokens"
    usage_option: bool = True
    reasoning_field: ReasoningField = "reasoning_effort"
    efforts: tuple[ReasoningEffort, ...] = ()
    no_effort: tuple[str, ...] = ()
    tools_without_reasoning: tuple[str, ...] = ()
    fixed_temperature: tuple[str, ...] = ()
    no_stop: tuple[str, ...] = ()
    reasoning_beside_output: bool = False
    trace: TraceFormat | None = None
    no_reasoning: str | None = None
    thought_signature: str | None = None
    session_field: str | None = None
    cache_marks: tuple[str, ...] = ()
    generation_path: str | None = None


@dataclass(frozen=True, slots=True)
class RoutingPreferences:
    """What OpenRouter is told about the hosts behind it; nothing, or None, is not said.

    The fields are those of its ``provider`` object (OpenRouter, provider routing), with two exceptions:
    ``sort_partition`` makes ``sort`` the object ``{by, partition}``, and ``models``, which may answer in
    place of one that can't, is a field of the request itself. ``max_price`` pairs ``prompt`` or
    ``completion`` (USD for a million tokens), ``request`` or ``image`` (USD for one) with an amount.
    """

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool | None = None
    sort: str | None = None
    max_price: tuple[tuple[str, float], ...] = ()
    models: tuple[str, ...] = ()
    sort_partition: str | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    require_parameters: bool | None = None
    quantizations: tuple[str, ...] = ()


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
    headers: tuple[tuple[str, str], ...] = ()
    key_header: Literal["Authorization", "x-api-key"] = "Authorization"
    quirks: Quirks = Quirks()
    routing: RoutingPreferences | None = None
    deadlines: Deadlines = Deadlines()
    context_tokens: int | None = None
    keep_alive: str | None = None
    loopback_only: bool = False


class Provider(Protocol):
    """Anything that can answer a call."""

    def stream(self, call: Call) -> AsyncGenerator[Delta, None]:
        """Yield the answer's events; the last one is a Finish.

        Raises a ProviderError if the answer is not whole. Closing the generator closes the socket.
        """
        ...
