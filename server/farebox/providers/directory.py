"""All providers of one user: vendors that farebox knows, adjusted and added to by the user's settings.

Turns data into Endpoints and Endpoints into adapters. Whether a provider *may* be used is the
router's question; this module only says what it would take.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal, assert_never, cast

from farebox.config import Config, FillStyle, ProviderSettings
from farebox.errors import ConfigError, MissingKey, ModelNotFound
from farebox.messages import Target
from farebox.providers.base import Endpoint, Provider, RoutingPreferences, Wire
from farebox.providers.http import Http, is_loopback
from farebox.providers.json_value import JsonObject, array, obj, text
from farebox.providers.llamacpp import LlamaCpp
from farebox.providers.local import LocalServer, discover, identify
from farebox.providers.openai import OpenAI
from farebox.secrets import BadKey, Credential, FoundKey, Keys, origin_of

DEFAULT_MODEL = "default"
"""At a local server: whatever model it has loaded."""

State = Literal["ready", "missingKey", "badKey", "noAddress", "notLocal"]

_NO_SETTINGS = ProviderSettings()


@dataclass(frozen=True, slots=True)
class Vendor:
    """One table of ``vendors.toml``."""

    dialect: Wire
    base_url: str | None
    key_env: tuple[str, ...]
    price_id: str | None
    free: bool
    opt_in: bool
    fill: FillStyle | None
    fill_path: str
    check_path: str
    max_tokens_field: str
    routing: bool
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A provider ready to be called, and the model's name as it knows it."""

    endpoint: Endpoint
    provider: Provider
    model: str


@cache
def vendors() -> Mapping[str, Vendor]:
    """Read ``vendors.toml``."""
    data = resources.files("farebox.providers").joinpath("vendors.toml").read_text("utf-8")
    tables = cast("JsonObject", tomllib.loads(data))
    return {name: _vendor(obj(table)) for name, table in tables.items()}


def _vendor(table: JsonObject) -> Vendor:
    return Vendor(
        dialect=cast("Wire", text(table, "dialect") or "openai"),
        base_url=text(table, "base_url") or None,
        key_env=tuple(str(name) for name in array(table, "key_env")),
        price_id=text(table, "price_id") or None,
        free=table.get("free") is True,
        opt_in=table.get("opt_in") is True,
        fill=cast("FillStyle | None", text(table, "fill") or None),
        fill_path=text(table, "fill_path") or "/completions",
        check_path=text(table, "check_path") or "/models",
        max_tokens_field=text(table, "max_tokens") or "max_tokens",
        routing=table.get("routing") is True,
        headers=tuple((name, str(value)) for name, value in obj(table, "headers").items()),
    )


_CUSTOM = _vendor({})


class Directory:
    """The providers of one Config at one moment: made anew for each request, so keys are looked up once.

    ``servers`` is what local servers turned out to be; it outlives the Directory.
    """

    def __init__(self, config: Config, keys: Keys, http: Http, *, servers: dict[str, LocalServer]) -> None:
        self._config = config
        self._keys = keys
        self._http = http
        self._servers = servers
        self._found: dict[str, FoundKey | None] = {}

    def names(self) -> tuple[str, ...]:
        """Every provider name that a model name may begin with."""
        return tuple(dict.fromkeys([*self._config.providers, *vendors()]))

    def wanted(self) -> tuple[str, ...]:
        """The providers that the user has set up: by a key, an address or a table of their own."""
        return tuple(name for name in self.names() if self._is_wanted(name))

    def _is_wanted(self, name: str) -> bool:
        if name in self._config.providers:
            return True
        vendor = vendors()[name]
        if vendor.opt_in or not vendor.key_env:
            return False
        try:
            return self.key(name) is not None
        except BadKey:
            return True

    def state(self, name: str) -> State:
        """Say what keeps a provider from being used, if anything."""
        base_url = self._base_url(name)
        if base_url is None:
            return "noAddress"
        if self._config.privacy.local_only and not is_loopback(base_url):
            return "notLocal"
        try:
            found = self.key(name)
        except BadKey:
            return "badKey"
        return "missingKey" if found is None and self.needs_key(name) else "ready"

    def key(self, name: str) -> FoundKey | None:
        """Find the key that may be sent to the provider's address. Raises BadKey."""
        if name not in self._found:
            self._found[name] = (
                self._keys.remembered(name)
                if self._is_withheld(name)
                else self._keys.find(name, self.key_variables(name))
            )
        return self._found[name]

    def _is_withheld(self, name: str) -> bool:
        """Say whether the client's settings lead to where the user's own keys do not belong."""
        base_url, own = self._base_url(name), self._own_url(name)
        return base_url is not None and (own is None or origin_of(own) != origin_of(base_url))

    def _own_url(self, name: str) -> str | None:
        """The address that the user's own settings or ``vendors.toml`` give a provider."""
        own = self._config.client_addresses.get(name, self._settings(name).base_url)
        return own or self._vendor(name).base_url

    def key_variables(self, name: str) -> tuple[str, ...]:
        """The environment variables that may hold the provider's key."""
        own = self._settings(name).key_env
        return (own,) if own is not None else self._vendor(name).key_env

    def needs_key(self, name: str) -> bool:
        """Say whether requests without a key make no sense there."""
        return bool(self.key_variables(name))

    def endpoint(self, name: str) -> Endpoint:
        """Describe a provider. Raises ModelNotFound, ConfigError (BadKey) or MissingKey."""
        if name not in self.names():
            raise ModelNotFound(f"there is no provider {name}", hint=f"Known: {', '.join(self.names())}.")
        vendor, settings = self._vendor(name), self._settings(name)
        base_url = self._base_url(name)
        if base_url is None:
            raise ConfigError(
                f"the provider {name} has no address",
                hint="Set FAREBOX_LOCAL_BASE_URL=http://127.0.0.1:8080/v1"
                if name == "local"
                else f"Set base_url in [providers.{name}].",
            )
        found = self.key(name)
        if found is None and self.needs_key(name):
            raise MissingKey(
                f"no key for {name}",
                hint=f"Set {self.key_variables(name)[0]}, or run: farebox auth login {name}"
                if not self._is_withheld(name)
                else f"Your key does not go to an address from the client's settings. "
                f"Set base_url of [providers.{name}] in your own config.toml.",
            )
        dialect: Wire = settings.dialect or vendor.dialect
        return Endpoint(
            provider=name,
            dialect=dialect,
            base_url=base_url,
            credential=self._credential(name, found, base_url),
            price_id=vendor.price_id,
            free=vendor.free if settings.free is None else settings.free,
            fill=settings.fill or vendor.fill or ("infill" if dialect == "llamacpp" else "chat"),
            fill_path=vendor.fill_path,
            check_path=vendor.check_path,
            max_tokens_field=vendor.max_tokens_field,
            headers=vendor.headers,
            routing=_routing(settings) if vendor.routing else None,
            loopback_only=self._config.privacy.local_only,
        )

    def _credential(self, name: str, found: FoundKey | None, base_url: str) -> Credential | None:
        """Bind a key: the client's own to the address in use, all others to the user's own address."""
        bound_to = base_url if found is not None and found.source == "client" else self._own_url(name)
        if found is None or bound_to is None:
            return None
        return Credential(found.secret, origin_of(bound_to))

    async def open(self, target: Target) -> Opened:
        """Make a target callable; a local server is asked what it is, once. Raises FareboxError."""
        endpoint, model = self.endpoint(target.provider), target.model
        if endpoint.dialect == "local" or model == DEFAULT_MODEL:
            server = await self._identify(endpoint)
            if endpoint.dialect == "local":
                fill = self._settings(target.provider).fill or server.fill
                endpoint = replace(endpoint, dialect=server.dialect, base_url=server.base_url, fill=fill)
            if model == DEFAULT_MODEL and server.models:
                model = server.models[0]
        return Opened(endpoint, self._adapter(endpoint), model)

    async def check(self, name: str) -> None:
        """Ask a provider for something cheap. Raises a FareboxError if it or the key is no good."""
        endpoint = self.endpoint(name)
        if endpoint.dialect == "openai":
            await self._http.get(endpoint, endpoint.check_path, timeout_s=10.0)
        else:
            await identify(self._http, endpoint)

    async def served_models(self, name: str) -> tuple[str, ...]:
        """Ask a local server which models it serves. Raises a FareboxError if it does not answer."""
        return (await self._identify(self.endpoint(name))).models

    async def discover(self) -> list[LocalServer]:
        """Find the model servers that run on this machine at their usual ports."""
        return await discover(self._http)

    def forget(self, name: str) -> None:
        """Ask a local server anew what it is: it has failed, so it may have been restarted as another."""
        base_url = self._base_url(name)
        if base_url is not None:
            self._servers.pop(base_url, None)

    async def _identify(self, endpoint: Endpoint) -> LocalServer:
        known = self._servers.get(endpoint.base_url)
        if known is None:
            known = self._servers[endpoint.base_url] = await identify(self._http, endpoint)
        return known

    def _adapter(self, endpoint: Endpoint) -> Provider:
        match endpoint.dialect:
            case "openai":
                return OpenAI(self._http, endpoint)
            case "llamacpp" | "local":
                return LlamaCpp(self._http, endpoint)
            case _:
                assert_never(endpoint.dialect)

    def _vendor(self, name: str) -> Vendor:
        return vendors().get(name, _CUSTOM)

    def _settings(self, name: str) -> ProviderSettings:
        return self._config.providers.get(name, _NO_SETTINGS)

    def _base_url(self, name: str) -> str | None:
        return self._settings(name).base_url or self._vendor(name).base_url


def _routing(settings: ProviderSettings) -> RoutingPreferences:
    return RoutingPreferences(
        order=tuple(settings.order or ()),
        only=tuple(settings.only or ()),
        ignore=tuple(settings.ignore or ()),
        allow_fallbacks=settings.allow_fallbacks,
        sort=settings.sort,
    )
