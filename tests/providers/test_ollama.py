"""Ollama's own dialect against a real server that answers as its API reference says."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from farebox.config import Config
from farebox.errors import BrokenReply, ContextTooLong, LocalOnly, ProviderError, UnknownAtProvider
from farebox.messages import (
    Call,
    Chat,
    Delta,
    Finish,
    Infill,
    Message,
    RawText,
    Reasoning,
    Target,
    Text,
    Usage,
)
from farebox.providers.base import Deadlines, Endpoint
from farebox.providers.directory import DEFAULT_MODEL, Directory, Opened
from farebox.providers.http import Http
from farebox.providers.json_value import obj
from farebox.providers.local_model import LocalModel
from farebox.providers.ollama import Ollama
from farebox.secrets import Keys
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, json_answer

ASK = Call("qwen3:8b", Chat((Message("user", "Why is the sky blue?"),)))
LAST = {
    "model": "qwen3:8b",
    "created_at": "2026-10-26T17:15:24.166576Z",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 4883583458,
    "prompt_eval_count": 26,
    "eval_count": 3,
}
SHOWN = {
    "details": {"family": "qwen2"},
    "model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768},
    "capabilities": ["completion", "tools", "insert"],
}


def lines(*objects: object, **options: object) -> Answer:
    """Answer with one JSON object a line."""
    body = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()
    return Answer(body=body, content_type="application/x-ndjson", **options)  # type: ignore[arg-type]


def said(content: str, **message: object) -> dict[str, object]:
    message = {"role": "assistant", "content": content, **message}
    return {"model": "qwen3:8b", "message": message, "done": False}


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/api/tags", json_answer({"models": [{"name": "qwen3:8b"}, {"name": "coder:7b"}]}))
        server.answer("/v1/models", json_answer({"data": [{"id": "qwen3:8b"}, {"id": "coder:7b"}]}))
        server.answer("/api/version", json_answer({"version": "0.40.12"}))
        server.answer("/api/show", json_answer(SHOWN))
        yield server


def endpoint(base_url: str, **fields: object) -> Endpoint:
    return Endpoint("ollama", "ollama", base_url, free=True, **fields)  # type: ignore[arg-type]


async def check(http: Http, upstream: Upstream, answer: Answer, call: Call = ASK) -> list[Delta]:
    upstream.queue(answer)
    async with aclosing(Ollama(http, endpoint(upstream.origin)).stream(call)) as deltas:
        return [delta async for delta in deltas]


FINISH = Finish("stop", Usage(26, output_tokens=3), served_model="qwen3:8b")


@pytest.mark.parametrize("split", [{}, {"chunk_sizes": (1,)}, {"seed": 3}], ids=["whole", "bytes", "random"])
async def test_a_chat_streams(http: Http, upstream: Upstream, split: dict[str, object]):
    answer = lines(said("", thinking="Hm."), said("Bläu"), said("e 😀"), LAST, **split)
    assert await check(http, upstream, answer) == [Reasoning("Hm."), Text("Bläu"), Text("e 😀"), FINISH]
    (sent,) = upstream.requests
    assert (sent.method, sent.path) == ("POST", "/api/chat")
    assert sent.json["messages"] == [{"role": "user", "content": "Why is the sky blue?"}]


@pytest.mark.parametrize(
    "prompt", [Infill("def f(", "\n"), RawText("<PRE> def f(")], ids=["a hole", "raw text"]
)
async def test_a_hole_and_raw_text_go_to_generate(http: Http, upstream: Upstream, prompt: Infill | RawText):
    last = {**LAST, "response": "):", "done_reason": "length"}
    call = Call("qwen3:8b", prompt, max_output_tokens=24)
    assert await check(http, upstream, lines({"response": "x", "done": False}, last), call) == [
        Text("x"),
        Text("):"),
        Finish("length", Usage(26, output_tokens=3), served_model="qwen3:8b"),
    ]
    assert upstream.requests[0].path == "/api/generate"


async def test_a_body_that_does_not_stream_reads_the_same(http: Http, upstream: Upstream):
    message = {"role": "assistant", "content": "Blue.", "thinking": "Hm."}
    whole = Answer(
        body=json.dumps({**LAST, "message": message}, indent=2).encode(),
        content_type="application/json; charset=utf-8",
    )
    assert await check(http, upstream, whole) == [Reasoning("Hm."), Text("Blue."), FINISH]


@pytest.mark.parametrize("path", ["", "/v1", "/api"])
async def test_every_form_of_the_address_reaches_the_same_path(http: Http, upstream: Upstream, path: str):
    upstream.answer("/api/chat", lines(LAST))
    async with aclosing(Ollama(http, endpoint(upstream.origin + path)).stream(ASK)) as deltas:
        assert [delta async for delta in deltas] == [FINISH]


async def test_what_comes_after_the_end_is_not_read(http: Http, upstream: Upstream):
    assert await check(http, upstream, lines(LAST, said("more"), hang=True)) == [FINISH]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lines(said("a")), id="no line says done"),
        pytest.param(lines(said("a"), LAST, cut_after=100), id="cut off"),
        pytest.param(lines(), id="nothing"),
        pytest.param(Answer(body=b'{"oops\n', content_type="application/x-ndjson"), id="no JSON"),
        pytest.param(Answer(body=b"<html></html>", content_type="text/html"), id="a page"),
        pytest.param(json_answer({"model": "m", "done": False}), id="a whole body that is not done"),
    ],
)
async def test_an_answer_that_is_not_whole_is_broken(http: Http, upstream: Upstream, answer: Answer):
    with pytest.raises(BrokenReply) as caught:
        await check(http, upstream, answer)
    assert caught.value.hint


async def test_what_came_before_a_break_has_been_passed_on(http: Http, upstream: Upstream):
    upstream.queue(lines(said("a"), {"error": "an error was encountered while running the model"}))
    deltas = Ollama(http, endpoint(upstream.origin)).stream(ASK)
    assert await anext(deltas) == Text("a")
    with pytest.raises(ProviderError, match="an error was encountered while running the model"):
        await anext(deltas)


TOO_LONG = "request (2622 tokens) exceeds the available context size (512 tokens), try increasing it"
NESTED = {"error": {"code": 400, "message": TOO_LONG, "type": "exceed_context_size_error"}}


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        pytest.param(404, "model 'qwen3:8b' not found", "modelNotFound", id="not there"),
        pytest.param(400, '"qwen3:8b" does not support tools', "refused", id="can't"),
        pytest.param(400, "the input length exceeds the context length", "contextTooLong", id="0.12.6"),
        pytest.param(400, json.dumps(NESTED), "contextTooLong", id="0.40: llama-server's words"),
        pytest.param(
            503, "server busy, please try again. maximum pending requests exceeded", "overloaded", id="busy"
        ),
        pytest.param(401, "unauthorized", "keyRejected", id="a cloud model, not signed in"),
    ],
)
async def test_a_refusal_keeps_ollamas_words(
    http: Http, upstream: Upstream, status: int, words: str, kind: str
):
    with pytest.raises(ProviderError) as caught:
        await check(http, upstream, json_answer({"error": words}, status=status))
    assert caught.value.kind == kind
    assert caught.value.hint
    assert (TOO_LONG if TOO_LONG in words else words) in caught.value.message


async def test_a_prompt_that_does_not_fit_never_leaves(http: Http, upstream: Upstream):
    provider = Ollama(http, endpoint(upstream.origin), {"qwen3:8b": LocalModel(context_tokens=2_048)})
    call = Call("qwen3:8b", Chat((Message("user", "x" * 20_000),)))
    with pytest.raises(ContextTooLong):
        async with aclosing(provider.stream(call)) as deltas:
            await anext(deltas)
    assert upstream.connections == 0


async def test_a_context_that_has_grown_is_kept(http: Http, upstream: Upstream):
    """Else tab completion and chat in turns would have Ollama load the model anew each time."""
    known = {"qwen3:8b": LocalModel(context_tokens=131_072)}
    provider = Ollama(http, endpoint(upstream.origin), known)
    for text in ("x", "x" * 60_000, "x"):
        upstream.queue(lines(LAST))
        async with aclosing(provider.stream(Call("qwen3:8b", Chat((Message("user", text),))))) as deltas:
            assert [delta async for delta in deltas] == [FINISH]
    assert [obj(one.json, "options")["num_ctx"] for one in upstream.requests] == [16_384, 32_768, 32_768]


async def test_lines_that_say_nothing_do_not_keep_an_answer_alive(http: Http, upstream: Upstream):
    slow = lines(said("a"), *[said("")] * 50, delay_s=0.02, chunk_sizes=(120,))
    upstream.queue(slow)
    deadlines = Deadlines(gap_s=0.2)
    provider = Ollama(http, endpoint(upstream.origin, deadlines=deadlines))
    with pytest.raises(BrokenReply, match="stopped sending"):
        async with aclosing(provider.stream(ASK)) as deltas:
            assert [delta async for delta in deltas] == []


async def test_closing_the_generator_closes_the_socket(http: Http, upstream: Upstream):
    upstream.queue(lines(said("a"), hang=True))
    deltas = Ollama(http, endpoint(upstream.origin)).stream(ASK)
    assert await anext(deltas) == Text("a")
    await deltas.aclose()
    await asyncio.wait_for(upstream.closed.wait(), WAIT_S)


# --- through the directory -----------------------------------------------------------------------


def directory(http: Http, upstream: Upstream, *, local_only: bool = False, **fields: object) -> Directory:
    settings: Mapping[str, object] = {
        "providers": {
            "ollama": {"base_url": upstream.origin, **fields},
            "local": {"base_url": upstream.base_url},
        },
        "privacy": {"local_only": local_only},
    }
    keys = Keys(environment={}, file=Path("/nonexistent/keys.json"))
    return Directory(Config.model_validate(settings), keys, http, servers={})


async def open_model(directory: Directory, model: str) -> Opened:
    return await directory.open(Target("ollama", model))


@pytest.mark.parametrize("provider", ["ollama", "local"])
async def test_a_model_is_asked_about_once(http: Http, upstream: Upstream, provider: str):
    """It makes no difference whether the server is known to be Ollama, or found out to be."""
    opening = directory(http, upstream)
    for _ in range(3):
        opened = await opening.open(Target(provider, "coder:7b"))
        assert isinstance(opened.provider, Ollama)
        assert (opened.endpoint.fill, opened.context_window, opened.reasons) == ("suffix", 32_768, False)
        assert (opened.endpoint.base_url, opened.endpoint.free) == (upstream.origin, True)
    paths = [request.path for request in upstream.requests]
    assert [paths.count(path) for path in ("/api/tags", "/api/show")] == [1, 1]
    opening.forget(provider)
    await opening.open(Target(provider, "coder:7b"))
    assert [request.path for request in upstream.requests].count("/api/show") == 2


async def test_the_adapter_knows_what_the_server_said_of_the_model(http: Http, upstream: Upstream):
    opened = await open_model(directory(http, upstream), "coder:7b")
    upstream.queue(lines(LAST))
    call = Call("coder:7b", Chat((Message("user", "x" * 200_000),)))
    with pytest.raises(ContextTooLong):
        async with aclosing(opened.provider.stream(call)) as deltas:
            await anext(deltas)


@pytest.mark.parametrize(
    ("capabilities", "fill", "reasons"),
    [
        (["completion", "insert"], "suffix", False),
        (["completion"], "tokens", False),
        (["completion", "thinking"], "tokens", True),
        (None, "tokens", None),
    ],
)
async def test_how_a_hole_is_filled_depends_on_the_model(
    http: Http, upstream: Upstream, capabilities: object, fill: str, reasons: bool | None
):
    upstream.answer("/api/show", json_answer({**SHOWN, "capabilities": capabilities}))
    opened = await open_model(directory(http, upstream), "coder:7b")
    assert (opened.endpoint.fill, opened.reasons) == (fill, reasons)


async def test_what_the_user_has_set_wins(http: Http, upstream: Upstream):
    opened = await open_model(directory(http, upstream, fill="chat", context_tokens=8_192), "coder:7b")
    assert (opened.endpoint.fill, opened.context_window) == ("chat", 8_192)


async def test_a_model_that_is_not_there_is_named_with_the_way_to_bring_it(http: Http, upstream: Upstream):
    upstream.answer("/api/show", json_answer({"error": "model 'nope' not found"}, status=404))
    with pytest.raises(UnknownAtProvider, match="model 'nope' not found") as caught:
        await open_model(directory(http, upstream), "nope")
    assert caught.value.hint == "Bring it with: ollama pull nope"


async def test_a_server_that_can_not_say_is_asked_again_later(http: Http, upstream: Upstream):
    opening = directory(http, upstream)
    upstream.answer("/api/show", json_answer({"error": "busy"}, status=503))
    assert (await open_model(opening, "coder:7b")).context_window is None
    upstream.answer("/api/show", json_answer(SHOWN))
    assert (await open_model(opening, "coder:7b")).context_window == 32_768


async def test_default_is_the_model_in_memory_as_it_is_loaded(http: Http, upstream: Upstream):
    loaded = {"models": [{"name": "coder:7b", "context_length": 24_576}]}
    upstream.answer("/api/ps", json_answer(loaded))
    opened = await open_model(directory(http, upstream), DEFAULT_MODEL)
    assert opened.model == "coder:7b"
    upstream.queue(lines(LAST))
    async with aclosing(opened.provider.stream(Call("coder:7b", ASK.prompt))) as deltas:
        assert [delta async for delta in deltas]
    assert obj(upstream.requests[-1].json, "options")["num_ctx"] == 24_576


# --- cloud models --------------------------------------------------------------------------------


async def test_default_is_never_a_model_that_runs_elsewhere_or_only_embeds(http: Http, upstream: Upstream):
    names = ["gpt-oss:120b-cloud", "glm-4.6:cloud", "mine", "nomic-embed-text", "coder:7b"]
    upstream.queue(
        json_answer({"models": [{"name": name} for name in names]}),
        json_answer({"models": []}),
        json_answer({**SHOWN, "remote_host": "https://ollama.com:443"}),
        json_answer({**SHOWN, "capabilities": ["embedding"]}),
        json_answer(SHOWN),
    )
    assert (await open_model(directory(http, upstream), DEFAULT_MODEL)).model == "coder:7b"


async def test_without_a_model_of_its_own_a_server_has_no_default(http: Http, upstream: Upstream):
    upstream.answer("/api/tags", json_answer({"models": [{"name": "glm-4.6:cloud"}]}))
    with pytest.raises(UnknownAtProvider) as caught:
        await open_model(directory(http, upstream), DEFAULT_MODEL)
    assert "ollama pull" in caught.value.hint


async def test_local_only_mode_refuses_a_cloud_model_before_it_is_named_to_anyone(
    http: Http, upstream: Upstream
):
    opening = directory(http, upstream, local_only=True)
    with pytest.raises(LocalOnly, match=r"runs at ollama\.com"):
        await open_model(opening, "gpt-oss:120b-cloud")
    assert all(request.method == "GET" for request in upstream.requests)
    upstream.answer("/api/tags", json_answer({"models": [{"name": "a"}, {"name": "b:cloud"}]}))
    opening.forget("ollama")
    assert await opening.served_models("ollama") == ("a",)


async def test_local_only_mode_refuses_a_cloud_model_under_another_name(http: Http, upstream: Upstream):
    upstream.answer("/api/show", json_answer({**SHOWN, "remote_host": "https://ollama.com:443"}))
    with pytest.raises(LocalOnly):
        await open_model(directory(http, upstream, local_only=True), "mine")


async def test_local_only_mode_refuses_what_nothing_is_known_of(http: Http, upstream: Upstream):
    upstream.answer("/api/show", json_answer({"error": "busy"}, status=503))
    with pytest.raises(ProviderError):
        await open_model(directory(http, upstream, local_only=True), "mine")


@pytest.mark.parametrize(("fields", "free"), [({}, False), ({"free": True}, True)], ids=["usual", "set"])
async def test_a_cloud_model_is_not_free(
    http: Http, upstream: Upstream, fields: dict[str, object], free: bool
):
    opening = directory(http, upstream, **fields)  # type: ignore[arg-type]
    opened = await open_model(opening, "gpt-oss:120b-cloud")
    assert opened.endpoint.free == free
    upstream.queue(lines(LAST))
    async with aclosing(opened.provider.stream(Call(opened.model, ASK.prompt))) as deltas:
        assert [delta async for delta in deltas]
    assert upstream.requests[-1].json["options"] == {}
