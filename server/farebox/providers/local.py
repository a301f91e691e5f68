"""What kind of model server answers at an address on the user's own machine, and which models it has.

Servers are told apart by what only one of them has: llama.cpp its ``/props``, Ollama its ``/api/version``, LM
Studio its ``/api/v0/models``. Asking never sends a prompt. Wire facts: llama.cpp ``tools/server/README.md``;
Ollama's API reference (``/api/show``, ``/api/ps``); LM Studio's REST API v0; vLLM's ``/v1/models``.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from farebox.errors import Excluded, LocalOnly, ProviderError, UnknownAtProvider
from farebox.provider_settings import FillStyle
from farebox.providers import reading
from farebox.providers.base import Deadlines, Endpoint, Wire
from farebox.providers.http import Http
from farebox.providers.json_value import EMPTY, JsonObject, array, count, obj, text
from farebox.providers.local_model import UNKNOWN_MODEL, LocalModel, is_cloud, read_show

PROBE_S = 2.0
MAX_MODELS_ASKED: Final = 8
"""How many of its models Ollama is asked about before one is taken for ``default``."""
WELL_KNOWN = (
    ("Ollama", "http://127.0.0.1:11434/v1"),
    ("llama.cpp", "http://127.0.0.1:8080/v1"),
    ("llama.cpp", "http://127.0.0.1:9931/v1"),
    ("LM Studio", "http://127.0.0.1:1234/v1"),
    ("vLLM", "http://127.0.0.1:8000/v1"),
)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running model server: what it is, how to speak to it, which models it serves, the loaded ones first.

    ``known`` is what it says of them by name; Ollama is asked of each when it is first used. ``every`` holds
    for those without an entry: llama.cpp answers to any name with the one model that it runs. ``loaded`` is
    the context of each model that Ollama has in memory.
    """

    kind: str
    base_url: str
    dialect: Wire
    fill: FillStyle
    models: tuple[str, ...]
    known: dict[str, LocalModel] = field(default_factory=dict[str, LocalModel], compare=False)
    every: LocalModel = UNKNOWN_MODEL
    loaded: Mapping[str, int] = field(default_factory=dict[str, int], compare=False)


async def identify(http: Http, endpoint: Endpoint) -> LocalServer:
    """Ask a server what it is. Raises a ProviderError if none answers.

    A model whose name holds the key that the server was sent is left out: names are shown and written down.
    """
    server = await _identified(http, endpoint)
    if endpoint.credential is None:
        return server
    is_key = endpoint.credential.secret.is_in
    return replace(
        server,
        models=tuple(name for name in server.models if not is_key(name)),
        known={name: said for name, said in server.known.items() if not is_key(name)},
        loaded={name: size for name, size in server.loaded.items() if not is_key(name)},
    )


async def _identified(http: Http, endpoint: Endpoint) -> LocalServer:
    base_url = _with_path(endpoint.base_url)
    root = _at(endpoint, base_url.removesuffix("/v1"))
    if endpoint.dialect == "ollama":
        return await _ollama(http, root)
    listed = await http.get(_at(endpoint, base_url), "/models", timeout_s=PROBE_S)
    models = _names(listed)
    props = await _answer(http, root, "/props")
    if "default_generation_settings" in props:
        size = count(obj(props, "default_generation_settings"), "n_ctx") or None
        one = LocalModel(context_tokens=size)
        return LocalServer("llama.cpp", base_url, "llamacpp", "infill", models, every=one)
    if "version" in await _answer(http, root, "/api/version"):
        return await _ollama(http, root)
    studio = _studio_models(await _answer(http, root, "/api/v0/models"))
    if studio:
        return LocalServer("LM Studio", base_url, "openai", "tokens", tuple(studio), known=studio)
    known = _stated_lengths(listed)
    return LocalServer("an OpenAI-compatible server", base_url, "openai", "tokens", models, known=known)


async def discover(http: Http) -> list[LocalServer]:
    """Find the model servers that run at their usual ports on this machine."""

    async def probe(base_url: str) -> LocalServer | None:
        try:
            server = await identify(http, Endpoint(provider="local", dialect="local", base_url=base_url))
        except (ProviderError, Excluded):
            return None
        return server if server.models else None

    found = await asyncio.gather(*(probe(base_url) for _, base_url in WELL_KNOWN))
    return [server for server in found if server is not None]


async def describe(http: Http, endpoint: Endpoint, server: LocalServer, model: str) -> LocalModel:
    """Say what a server knows of a model; Ollama is asked, once for each.

    Raises UnknownAtProvider if Ollama does not have it, and any ProviderError in local-only mode: a model of
    which nothing is known may be a name for one that runs elsewhere.
    """
    if server.dialect == "ollama" and model not in server.known:
        said = await _shown(http, endpoint, server.base_url, model)
        if said is None:
            return replace(UNKNOWN_MODEL, remote=is_cloud(model))
        loaded = server.loaded.get(model) or server.loaded.get(f"{model}:latest")
        server.known[model] = replace(
            said, num_ctx=loaded or said.num_ctx, remote=said.remote or is_cloud(model)
        )
    return server.known.get(model, server.every)


async def choose(
    http: Http, endpoint: Endpoint, server: LocalServer, wanted: str | None
) -> tuple[str | None, LocalModel]:
    """Return the model to ask, and what the server knows of it. Without a wanted one: what runs there.

    Raises LocalOnly for a model that Ollama asks for elsewhere, where nothing may leave this machine, and
    UnknownAtProvider if it has none that runs here; else as ``describe``.
    """
    if wanted is None:
        wanted = await _default(http, endpoint, server)
    elif server.dialect == "ollama" and is_cloud(wanted):
        _keep_here(endpoint, wanted)
    if wanted is None:
        return None, server.every
    said = await describe(http, endpoint, server, wanted)
    if said.remote:
        _keep_here(endpoint, wanted)
    return wanted, said


async def _default(http: Http, endpoint: Endpoint, server: LocalServer) -> str | None:
    """Choose a model that writes text, on this machine."""
    if server.dialect != "ollama":
        return next(iter(server.models), None)
    here = [model for model in server.models if not is_cloud(model)]
    for model in here[:MAX_MODELS_ASKED]:
        with suppress(UnknownAtProvider):  # removed since it was listed
            said = await describe(http, endpoint, server, model)
            if said.completes and not said.remote:
                return model
    raise UnknownAtProvider(
        f"{endpoint.provider} has no model that runs on this machine",
        hint="Bring one, for example with: ollama pull qwen2.5-coder:7b",
        provider=endpoint.provider,
    )


def _keep_here(endpoint: Endpoint, model: str) -> None:
    if endpoint.loopback_only:
        raise LocalOnly(
            f"{endpoint.provider}/{model} runs at ollama.com, and local-only mode is on",
            hint="Choose a model that runs here, or set [privacy] local_only = false in your config.",
        )


# --- what servers say --------------------------------------------------------------------------


async def _answer(http: Http, endpoint: Endpoint, path: str) -> JsonObject:
    try:
        return await http.get(endpoint, path, timeout_s=PROBE_S)
    except ProviderError:
        return EMPTY


async def _ollama(http: Http, root: Endpoint) -> LocalServer:
    """List Ollama's models, those in memory first: another has to be loaded."""
    api = _at(root, f"{root.base_url}/api")
    tags = await http.get(api, "/tags", timeout_s=PROBE_S)
    loaded = _loaded(await _answer(http, api, "/ps"))
    here = [name for entry in array(tags, "models") if (name := text(obj(entry), "name"))]
    ordered = tuple(dict.fromkeys((*(name for name in loaded if name in here), *here)))
    return LocalServer("Ollama", root.base_url, "ollama", "tokens", ordered, loaded=loaded)


async def _shown(http: Http, endpoint: Endpoint, root: str, model: str) -> LocalModel | None:
    """Ask Ollama about a model. None if it can't say now: then the request itself will tell why."""
    api = replace(
        endpoint,
        base_url=f"{root}/api",
        deadlines=Deadlines(connect_s=PROBE_S, first_token_s=PROBE_S, total_s=PROBE_S),
    )
    try:
        async with http.post(api, "/show", {"model": model}, model=model) as answer:
            return read_show(await reading.whole(api, answer))
    except UnknownAtProvider as error:
        error.hint = f"Bring it with: ollama pull {model}"
        raise
    except ProviderError:
        if endpoint.loopback_only:
            raise
        return None


def _loaded(table: JsonObject) -> dict[str, int]:
    """Read ``/api/ps``: the models in memory and the context of each, 0 if it is not said."""
    entries = [obj(entry) for entry in array(table, "models")]
    return {name: count(one, "context_length") or 0 for one in entries if (name := text(one, "name"))}


def _studio_models(table: JsonObject) -> dict[str, LocalModel]:
    """Read LM Studio's models, those in memory first; embedding models answer no prompt."""
    entries = [obj(entry) for entry in array(table, "data")]
    entries = [entry for entry in entries if "max_context_length" in entry and text(entry, "id")]
    entries.sort(key=lambda entry: text(entry, "state") != "loaded")
    return {
        text(entry, "id"): LocalModel(
            context_tokens=count(entry, "loaded_context_length") or count(entry, "max_context_length") or None
        )
        for entry in entries
        if text(entry, "type") != "embeddings"
    }


def _stated_lengths(table: JsonObject) -> dict[str, LocalModel]:
    """Read the ``max_model_len`` that vLLM adds to each model of ``/v1/models``."""
    entries = [obj(entry) for entry in array(table, "data")]
    return {
        name: LocalModel(context_tokens=length)
        for entry in entries
        if (name := text(entry, "id")) and (length := count(entry, "max_model_len"))
    }


def _names(table: JsonObject) -> tuple[str, ...]:
    names = (text(obj(entry), "id") for entry in array(table, "data"))
    return tuple(name for name in names if name)


def _with_path(base_url: str) -> str:
    """An address without a path means the usual ``/v1``."""
    return base_url if urlsplit(base_url).path.strip("/") else f"{base_url}/v1"


def _at(endpoint: Endpoint, base_url: str) -> Endpoint:
    return replace(endpoint, base_url=base_url)
