"""What kind of model server answers at an address on the user's own machine, and which are running.

Servers are told apart by what only one of them has: llama.cpp its ``/props``, Ollama its
``/api/version``. Asking never sends a prompt.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from farebox.config import FillStyle
from farebox.errors import ProviderError
from farebox.providers.base import Endpoint, Wire
from farebox.providers.http import Http
from farebox.providers.json_value import array, obj, text

PROBE_S = 2.0
WELL_KNOWN = (
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("llama.cpp", "http://127.0.0.1:8080/v1"),
    ("llama.cpp", "http://127.0.0.1:9931/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
    ("vLLM", "http://127.0.0.1:8000/v1"),
)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running model server: what it is, how to speak to it, which models it serves."""

    kind: str
    base_url: str
    dialect: Wire
    fill: FillStyle
    models: tuple[str, ...]


async def identify(http: Http, endpoint: Endpoint) -> LocalServer:
    """Ask a server what it is. Raises a ProviderError if none answers."""
    base_url = _with_path(endpoint.base_url)
    root = base_url.removesuffix("/v1")
    api = _at(endpoint, base_url)
    models = _model_names(await http.get(api, "/models", timeout_s=PROBE_S))
    if await _answers(http, _at(endpoint, root), "/props", "default_generation_settings"):
        return LocalServer("llama.cpp", base_url, "llamacpp", "infill", models)
    if await _answers(http, _at(endpoint, root), "/api/version", "version"):
        return LocalServer("Ollama", base_url, "openai", "suffix", models)
    return LocalServer("an OpenAI-compatible server", base_url, "openai", "tokens", models)


async def discover(http: Http) -> list[LocalServer]:
    """Find the model servers that run at their usual ports on this machine."""

    async def probe(base_url: str) -> LocalServer | None:
        try:
            server = await identify(http, Endpoint(provider="local", dialect="local", base_url=base_url))
        except ProviderError:
            return None
        return server if server.models else None

    found = await asyncio.gather(*(probe(base_url) for _, base_url in WELL_KNOWN))
    return [server for server in found if server is not None]


async def _answers(http: Http, endpoint: Endpoint, path: str, key: str) -> bool:
    try:
        return key in await http.get(endpoint, path, timeout_s=PROBE_S)
    except ProviderError:
        return False


def _model_names(table: object) -> tuple[str, ...]:
    names = (text(obj(entry), "id") for entry in array(obj(table), "data"))
    return tuple(name for name in names if name)


def _with_path(base_url: str) -> str:
    """An address without a path means the usual ``/v1``."""
    return base_url if urlsplit(base_url).path.strip("/") else f"{base_url}/v1"


def _at(endpoint: Endpoint, base_url: str) -> Endpoint:
    return Endpoint(
        provider=endpoint.provider,
        dialect=endpoint.dialect,
        base_url=base_url,
        credential=endpoint.credential,
        loopback_only=endpoint.loopback_only,
    )
