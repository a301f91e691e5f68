"""One ``[providers.NAME]`` table: what a user may set of a known vendor, or of a server of their own.

A setting that only a provider which chooses among hosts understands, as OpenRouter does, is in
ROUTING_SETTINGS. No key (credential) is ever a setting.
"""

import ipaddress
import re
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_ADDRESS_LENGTH = 2000

_HOST = re.compile(r"(?:\[([^\[\]]+)\]|((?:[\w-]{1,63}\.)*[\w-]{1,63}\.?))(?::\d*)?", re.ASCII)
_DIGITS_AND_DOTS = re.compile(r"\d+(?:\.\d+){3}", re.ASCII)

Dialect = Literal["openai", "anthropic", "ollama", "llamacpp"]
FillStyle = Literal["infill", "suffix", "tokens", "chat"]


def _http_url(value: str) -> str:
    """Accept a plain http(s) address: no user, no query, no fragment."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as http://127.0.0.1:8080/v1")
    if parts.port == 0 or not re.fullmatch(r"[\x21-\x7e]+", value):  # reading the port checks its range
        raise ValueError("must be an address with no space, no control character and a real port")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a plain address: no user name, password, query or fragment")
    if not _is_host(parts.netloc) or len(value) > MAX_ADDRESS_LENGTH:
        raise ValueError("must be an address with a real host: a name, an IPv4 address or an IPv6 one in []")
    return value.rstrip("/")


def _is_host(netloc: str) -> bool:
    """Say whether something can be reached there: the HTTP library raises an error of its own if not."""
    host = _HOST.fullmatch(netloc)
    if host is None:
        return False
    try:
        if host[1]:
            ipaddress.IPv6Address(host[1])
        elif _DIGITS_AND_DOTS.fullmatch(host[2]):
            ipaddress.IPv4Address(host[2])
    except ValueError:
        return False
    return True


HttpUrl = Annotated[str, AfterValidator(_http_url)]


Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
MAX_TOTAL_S = 840.0
"""A hold in the ledger counts for 15 minutes: no request may run for longer."""
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]


class Section(BaseModel):
    """A frozen table that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MaxPrice(Section):
    """The most that a host behind OpenRouter may charge, in dollars.

    ``prompt`` and ``completion`` are for a million tokens, ``request`` and ``image`` for one.
    """

    prompt: Usd | None = None
    completion: Usd | None = None
    request: Usd | None = None
    image: Usd | None = None


SortBy = Literal["price", "throughput", "latency"]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)]


class Sort(Section):
    """How OpenRouter sorts hosts; ``partition = "none"`` sorts those of all models of a list together."""

    by: SortBy
    partition: Literal["model", "none"] | None = None


class ProviderSettings(Section):
    """One ``[providers.NAME]`` table: a known vendor adjusted, or a server of the user's own."""

    dialect: Dialect | None = None
    base_url: HttpUrl | None = None
    key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    fill: FillStyle | None = None
    free: bool | None = None
    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    sort: SortBy | Sort | None = None
    max_price: MaxPrice | None = None
    models: Names | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    require_parameters: bool | None = None
    quantizations: Names | None = None
    connect_s: Seconds | None = None
    first_token_s: Seconds | None = None
    gap_s: Seconds | None = None
    total_s: Annotated[float, Field(gt=0, le=MAX_TOTAL_S, allow_inf_nan=False)] | None = None
    context_tokens: Annotated[int, Field(ge=512, le=10_000_000)] | None = None
    keep_alive: Annotated[str, Field(pattern=r"^(-1|\d{1,6}(s|m|h)?)$")] | None = None


ROUTING_SETTINGS = (
    "order",
    "only",
    "ignore",
    "allow_fallbacks",
    "sort",
    "max_price",
    "models",
    "data_collection",
    "zdr",
    "require_parameters",
    "quantizations",
)
"""The settings of a provider that only one that chooses among hosts, as OpenRouter does, understands."""
