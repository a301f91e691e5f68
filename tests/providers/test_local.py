"""Model servers on the user's own machine are told apart by what only one of them has."""

import dataclasses
import json

import pytest

from farebox.errors import ProviderError
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.local import WELL_KNOWN, LocalServer, choose, describe, discover, identify
from farebox.secrets import Credential, Secret, origin_of
from support.upstream import Answer, Upstream, json_answer

MODELS = json_answer({"object": "list", "data": [{"id": "qwen"}, {"id": "llama"}, {"object": "model"}, 7]})
PROPS = json_answer({"default_generation_settings": {"n_ctx": 4096}, "total_slots": 1})
TAGS = json_answer({"models": [{"name": "qwen", "size": 1}, {"name": "llama"}, {"size": 7}]})
STUDIO = json_answer(
    {
        "object": "list",
        "data": [
            {"id": "llama", "type": "llm", "state": "not-loaded", "max_context_length": 131072},
            {"id": "embed", "type": "embeddings", "state": "loaded", "max_context_length": 2048},
            {
                "id": "qwen",
                "type": "vlm",
                "state": "loaded",
                "max_context_length": 32768,
                "loaded_context_length": 4096,
            },
        ],
    }
)
PROBES = ("/props", "/api/version", "/api/v0/models")


def endpoint(base_url: str) -> Endpoint:
    credential = Credential(Secret("test-0123456789"), origin_of(base_url))
    return Endpoint(
        provider="local", dialect="local", base_url=base_url, credential=credential, loopback_only=True
    )


async def check(http: Http, upstream: Upstream, path: str = "/v1") -> LocalServer:
    server = await identify(http, endpoint(upstream.origin + path))
    assert all(request.method == "GET" for request in upstream.requests)
    assert all("authorization" in request.headers for request in upstream.requests)
    return server


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({"/props": PROPS}, ("llama.cpp", "llamacpp", "infill"), id="llama.cpp"),
        pytest.param(
            {"/api/version": json_answer({"version": "0.30.1"}), "/api/tags": TAGS},
            ("Ollama", "ollama", "tokens"),
            id="Ollama",
        ),
        pytest.param({"/api/v0/models": STUDIO}, ("LM Studio", "openai", "tokens"), id="LM Studio"),
        pytest.param({}, ("an OpenAI-compatible server", "openai", "tokens"), id="another"),
        pytest.param(
            {path: json_answer({"error": "Unexpected endpoint"}) for path in PROBES}
            | {"/api/version": Answer(body=b"<html>")},
            ("an OpenAI-compatible server", "openai", "tokens"),
            id="one that answers everything",
        ),
    ],
)
async def test_a_server_is_told_by_what_only_it_has(
    http: Http, upstream: Upstream, answers: dict[str, Answer], expected: tuple[str, str, str]
):
    upstream.answer("/v1/models", MODELS)
    for path, answer in answers.items():
        upstream.answer(path, answer)
    server = await check(http, upstream)
    assert (server.kind, server.dialect, server.fill) == expected
    assert server.models == ("qwen", "llama")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({"/props": PROPS}, {"qwen": 4096, "any name": 4096}, id="llama.cpp"),
        pytest.param(
            {"/props": json_answer({"default_generation_settings": {"n_ctx": 0}})},
            {"qwen": None},
            id="llama.cpp as a router of several models",
        ),
        pytest.param(
            {"/api/v0/models": STUDIO},
            {"qwen": 4096, "llama": 131072, "embed": None},
            id="LM Studio: as loaded, else what the model has",
        ),
        pytest.param(
            {
                "/v1/models": json_answer(
                    {"data": [{"id": "qwen", "max_model_len": 8192}, {"id": "b", "max_model_len": "x"}]}
                )
            },
            {"qwen": 8192, "b": None},
            id="vLLM",
        ),
        pytest.param({}, {"qwen": None}, id="another"),
    ],
)
async def test_a_server_says_how_long_a_context_is(
    http: Http, upstream: Upstream, answers: dict[str, Answer], expected: dict[str, int | None]
):
    upstream.answer("/v1/models", MODELS)
    for path, answer in answers.items():
        upstream.answer(path, answer)
    server = await check(http, upstream)
    for model, tokens in expected.items():
        said = await describe(http, endpoint(upstream.base_url), server, model)
        assert said.context_tokens == tokens, model


async def test_the_models_in_memory_come_first(http: Http, upstream: Upstream):
    upstream.answer("/v1/models", MODELS)
    upstream.answer("/api/v0/models", STUDIO)
    assert (await check(http, upstream)).models == ("qwen", "llama")
    upstream.answer("/api/version", json_answer({"version": "0.30.1"}))
    upstream.answer("/api/tags", TAGS)
    upstream.answer("/api/ps", json_answer({"models": [{"name": "llama"}, {"name": "removed"}, {}]}))
    assert (await check(http, upstream)).models == ("llama", "qwen")


async def test_what_runs_there_is_asked_where_no_model_is_named(http: Http, upstream: Upstream):
    upstream.answer("/v1/models", MODELS)
    upstream.answer("/props", PROPS)
    server = await check(http, upstream)
    model, said = await choose(http, endpoint(upstream.base_url), server, None)
    assert (model, said.context_tokens) == ("qwen", 4096)
    nothing = dataclasses.replace(server, models=())
    assert (await choose(http, endpoint(upstream.base_url), nothing, None))[0] is None


async def test_an_address_without_a_path_means_v1(http: Http, upstream: Upstream):
    upstream.answer("/v1/models", MODELS)
    assert (await check(http, upstream, "")).base_url == upstream.base_url


async def test_another_path_is_kept(http: Http, upstream: Upstream):
    upstream.answer("/openai/models", MODELS)
    assert (await check(http, upstream, "/openai")).base_url == f"{upstream.origin}/openai"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(json_answer({}, status=404), "modelNotFound", id="no such path"),
        pytest.param(json_answer({"error": {"message": "no"}}, status=401), "keyRejected", id="a bad key"),
        pytest.param(
            json_answer({"error": {"code": 503, "message": "Loading model"}}, status=503),
            "overloaded",
            id="loading",
        ),
        pytest.param(Answer(body=json.dumps([1]).encode()), "brokenReply", id="a list"),
    ],
)
async def test_a_server_that_has_no_models_to_show_is_an_error(
    http: Http, upstream: Upstream, answer: Answer, kind: str
):
    upstream.queue(answer)
    with pytest.raises(ProviderError) as caught:
        await check(http, upstream)
    assert caught.value.kind == kind


async def test_nothing_at_an_address_is_unreachable(http: Http):
    async with Upstream() as gone:
        where = endpoint(gone.base_url)
    with pytest.raises(ProviderError) as caught:
        await identify(http, where)
    assert caught.value.kind == "unreachable"


async def test_discover_asks_only_loopback_and_finds_only_what_runs(http: Http):
    assert all(base_url.startswith("http://127.0.0.1:") for _, base_url in WELL_KNOWN)
    found = {server.base_url for server in await discover(http)}
    assert found <= {base_url for _, base_url in WELL_KNOWN}


async def test_discover_finds_nothing_at_closed_ports(http: Http):
    for _, base_url in WELL_KNOWN:
        try:
            await http.get(endpoint(base_url), "/models", timeout_s=1.0)
        except ProviderError as error:
            if error.kind == "unreachable":
                continue
        pytest.skip(f"something answers at {base_url} on this machine")
    assert await discover(http) == []


# --- a server that calls a model by the key ----------------------------------------------------


NAMED_SO = ("test-0123456789", "models/TEST-0123456789.gguf", "test\\u002d0123456789", "test%2D0123456789")


@pytest.mark.parametrize("name", NAMED_SO)
@pytest.mark.parametrize("kind", ["llama.cpp", "Ollama", "LM Studio", "an OpenAI-compatible server"])
async def test_a_model_whose_name_holds_the_key_is_not_listed(
    http: Http, upstream: Upstream, kind: str, name: str
):
    entries = [{"id": name, "max_model_len": 5}, {"id": "qwen", "max_model_len": 5}]
    upstream.answer("/v1/models", json_answer({"data": entries}))
    match kind:
        case "llama.cpp":
            upstream.answer("/props", PROPS)
        case "Ollama":
            upstream.answer("/api/version", json_answer({"version": "0.30.1"}))
            models = json_answer({"models": [{"name": name, "context_length": 7}, {"name": "qwen"}]})
            upstream.answer("/api/tags", models)
            upstream.answer("/api/ps", models)
        case "LM Studio":
            data = [{**entry, "type": "llm", "max_context_length": 9} for entry in entries]
            upstream.answer("/api/v0/models", json_answer({"data": data}))
        case _:
            pass
    server = await check(http, upstream)
    assert (server.kind, server.models) == (kind, ("qwen",))
    assert name not in server.known
    assert name not in server.loaded


async def test_a_server_without_a_key_may_call_its_models_as_it_likes(http: Http, upstream: Upstream):
    upstream.answer("/v1/models", json_answer({"data": [{"id": NAMED_SO[0]}]}))
    server = await identify(http, dataclasses.replace(endpoint(upstream.base_url), credential=None))
    assert server.models == NAMED_SO[:1]
