"""All providers of one user: vendors that farebox knows, adjusted and added to by the user's settings.

Turns data into Endpoints and Endpoints into adapters. Whether a provider *may* be used is the
router's question; this module only says what it would take.
"""

from dataclasses import dataclass, replace
from typing import Literal, assert_never

from farebox.config import Config
from farebox.errors import ConfigError, MissingKey, ModelNotFound
from farebox.messages import Target
from farebox.provider_settings import ProviderSettings
from farebox.providers import allowance
from farebox.providers.address import is_loopback
from farebox.providers.anthropic import Anthropic
from farebox.providers.base import Deadlines, Endpoint, Provider, Wire
from farebox.providers.http import Http
from farebox.providers.llamacpp import LlamaCpp
from farebox.providers.local import LocalServer, choose, discover, identify
from farebox.providers.local_model import LocalModel, is_cloud
from farebox.providers.ollama import Ollama
from farebox.providers.openai import OpenAI
from farebox.providers.preferences import routing_preferences
from farebox.providers.vendors import Vendor, custom, vendors
from farebox.secrets import BadKey, Credential, FoundKey, Keys, origin_of

DEFAULT_MODEL = "default"
"""At a local server: whatever model it has loaded."""

State = Literal["ready", "missingKey", "badKey", "noAddress", "notLocal"]

CHECK_S = 10.0

_NO_SETTINGS = ProviderSettings()


@dataclass(frozen=True, slots=True)
class Opened:
    """A provider ready to be called, and the model's name as it knows it.

    ``context_window``, in tokens, and ``reasons`` are what the user has set or the server itself says of the
    model; None is not known.
    """

    endpoint: Endpoint
    provider: Provider
    model: str
    context_window: int | None = None
    reasons: bool | None = None


class Directory:
    """The providers of one Config and one set of keys: each is looked up once, so a Directory is made anew
    when one of these has changed.

    ``servers`` is what local servers turned out to be; it outlives the Directory.
    """

    def __init__(self, config: Config, keys: Keys, http: Http, *, servers: dict[str, LocalServer]) -> None:
        self._config = config
        self._keys = keys
        self._http = http
        self._servers = servers
        self._found: dict[str, FoundKey | None] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def names(self) -> tuple[str, ...]:
        """Every provider name that a model name may begin with; those to be asked first come first."""
        known = dict.fromkeys([*self._config.set_up, *vendors()])
        first = [name for name in self._config.provider_order if name in known]
        return tuple(dict.fromkeys([*first, *known]))

    def wanted(self) -> tuple[str, ...]:
        """The providers that the user has set up: by a key, an address or a table of their own."""
        return tuple(name for name in self.names() if self._is_wanted(name))

    def _is_wanted(self, name: str) -> bool:
        if name in self._config.set_up:
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
            origin = self.origin(name)
            self._found[name] = (
                self._keys.remembered(name, origin)
                if self._is_withheld(name)
                else self._keys.find(name, self.key_variables(name), origin=origin)
            )
        return self._found[name]

    def known_keys(self) -> tuple[str, ...]:
        """Return the keys that have been looked up so far: no text may carry one."""
        return tuple(found.secret.reveal() for found in self._found.values() if found is not None)

    def origin(self, name: str) -> str | None:
        """Return the origin of the address in use; None if the provider has none."""
        base_url = self._base_url(name)
        return origin_of(base_url) if base_url is not None else None

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
        if name not in self._endpoints:
            self._endpoints[name] = self._describe(name)
        return self._endpoints[name]

    def _describe(self, name: str) -> Endpoint:
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
                hint=self._way_to_a_key(name),
            )
        dialect: Wire = settings.dialect or vendor.dialect
        special = found is not None and found.secret.begins_with(vendor.bearer_prefix)
        bearer = special or (found is not None and found.detail in vendor.bearer_env)
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
            headers=(*vendor.headers, *(vendor.bearer_headers if special else ())),
            key_header="Authorization" if bearer else vendor.key_header,
            quirks=vendor.quirks,
            deadlines=_deadlines(settings),
            context_tokens=settings.context_tokens,
            keep_alive=settings.keep_alive,
            routing=routing_preferences(settings) if vendor.routing else None,
            loopback_only=self._config.privacy.local_only,
        )

    def _way_to_a_key(self, name: str) -> str:
        if (elsewhere := self._keys.remembered_for(name)) is not None:
            return (
                f"The key that your editor has set was meant for {elsewhere}, not for {self.origin(name)}. "
                f"If {name} has moved, set it there again."
            )
        if self._is_withheld(name):
            return (
                f"Your key does not go to an address from the client's settings. "
                f"Set base_url of [providers.{name}] in your own config.toml."
            )
        return f"Set {self.key_variables(name)[0]}, or run: farebox auth login {name}"

    def _credential(self, name: str, found: FoundKey | None, base_url: str) -> Credential | None:
        """Bind a key: the client's own to the address in use, all others to the user's own address."""
        bound_to = base_url if found is not None and found.source == "client" else self._own_url(name)
        if found is None or bound_to is None:
            return None
        return Credential(found.secret, origin_of(bound_to))

    async def open(self, target: Target) -> Opened:
        """Make a target callable; a local server is asked what it is, once. Raises FareboxError."""
        endpoint, model = self.endpoint(target.provider), target.model
        if endpoint.dialect in ("local", "ollama") or model == DEFAULT_MODEL:
            return await self._open_asked(endpoint, model)
        return Opened(endpoint, self._adapter(endpoint), model, endpoint.context_tokens)

    async def _open_asked(self, endpoint: Endpoint, model: str) -> Opened:
        """Make a target callable at a server that has to say what it is, or what it knows of its model."""
        server = await self._identify(endpoint)
        chosen, said = await choose(self._http, endpoint, server, None if model == DEFAULT_MODEL else model)
        settings = self._settings(endpoint.provider)
        if endpoint.dialect in ("local", "ollama"):
            fill = settings.fill or said.fill or server.fill
            free = endpoint.free and (settings.free is not None or not said.remote)
            endpoint = replace(
                endpoint, dialect=server.dialect, base_url=server.base_url, fill=fill, free=free
            )
        return Opened(
            endpoint,
            self._adapter(endpoint, server.known),
            chosen or model,
            context_window=endpoint.context_tokens or said.context_tokens,
            reasons=None if said.think is None else bool(said.think),
        )

    async def check(self, name: str) -> str | None:
        """Ask a provider for something cheap; return what its key may still spend, if it says so.

        Raises a FareboxError if the provider or the key is no good.
        """
        endpoint = self.endpoint(name)
        if endpoint.dialect not in ("openai", "anthropic"):
            await identify(self._http, endpoint)
            return None
        return allowance.words(await self._http.get(endpoint, endpoint.check_path, timeout_s=CHECK_S))

    async def served_models(self, name: str) -> tuple[str, ...]:
        """Ask a local server which models it serves. Raises a FareboxError if it does not answer."""
        endpoint = self.endpoint(name)
        server = await self._identify(endpoint)
        hidden = endpoint.loopback_only and server.dialect == "ollama"
        return tuple(model for model in server.models if not (hidden and is_cloud(model)))

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

    def _adapter(self, endpoint: Endpoint, known: dict[str, LocalModel] | None = None) -> Provider:
        match endpoint.dialect:
            case "openai":
                return OpenAI(self._http, endpoint)
            case "anthropic":
                return Anthropic(self._http, endpoint)
            case "ollama":
                return Ollama(self._http, endpoint, known)
            case "llamacpp" | "local":
                return LlamaCpp(self._http, endpoint)
            case _:
                assert_never(endpoint.dialect)

    def _vendor(self, name: str) -> Vendor:
        return vendors().get(name) or custom(self._settings(name).dialect)

    def _settings(self, name: str) -> ProviderSettings:
        return self._config.providers.get(name, _NO_SETTINGS)

    def _base_url(self, name: str) -> str | None:
        return self._settings(name).base_url or self._vendor(name).base_url


def _deadlines(settings: ProviderSettings) -> Deadlines:
    usual = Deadlines()
    return Deadlines(
        connect_s=settings.connect_s or usual.connect_s,
        first_token_s=settings.first_token_s or usual.first_token_s,
        gap_s=settings.gap_s or usual.gap_s,
        total_s=settings.total_s or usual.total_s,
    )
