"""What a real llama.cpp refuses comes out as the right kind of error, with its own words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from farebox.config import Config
from farebox.errors import Kind, Overloaded, ProviderError, Unreachable
from farebox.lsp.errors import CODES
from farebox.messages import Call, Chat, Delta, Image, Infill, Message, Prompt, RawText, Target
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.secrets import Keys
from support.client import Client, Failed
from support.llama import READY_S, LlamaServer, free_port, serving

pytestmark = pytest.mark.slow

RIGHT_KEY, WRONG_KEY = "right-0123456789", "wrong-0123456789"
MAX_STARTS, MAX_TRIES = 20, 1_000
ASK = Chat((Message("user", "Say yes."),))
HOLE = Infill("def area(r):\n    return ", "\n")
LONG = "word " * 3000
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WHO = {"local": "local", "llamacpp": "llamacpp", "openai": "mine", "anthropic": "messages"}
"""By dialect the provider that speaks it; what ``local`` speaks is found out by asking."""


def config(port: int) -> dict[str, object]:
    address = f"http://127.0.0.1:{port}/v1"
    return {
        "providers": {
            name: {"base_url": address, "key_env": "LLAMA_KEY", "free": True}
            | ({"dialect": dialect} if dialect != "local" else {})
            for dialect, name in WHO.items()
        }
    }


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    client = Http()
    client.warm_up()
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A server that wants a key, with a model that fills no holes."""
    with serving("micro-chat", tmp_path_factory.mktemp("llama"), "--api-key", RIGHT_KEY) as server:
        yield server


@pytest.fixture(scope="module")
def filling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """A server with a model that fills holes."""
    with serving("micro", tmp_path_factory.mktemp("llama")) as server:
        yield server


async def ask(http: Http, port: int, dialect: str, prompt: Prompt, key: str) -> list[Delta]:
    """Ask a server, of which nothing is known yet, as the door would."""
    keys = Keys(environment={"LLAMA_KEY": key}, file=Path("/nonexistent/keys.json"))
    directory = Directory(Config.model_validate(config(port)), keys, http, servers={})
    opened = await directory.open(Target(WHO[dialect], "micro-chat"))
    call = Call(opened.model, prompt, max_output_tokens=4)
    async with aclosing(opened.provider.stream(call)) as deltas:
        return [delta async for delta in deltas]


async def failure(http: Http, port: int, dialect: str, prompt: Prompt, key: str = RIGHT_KEY) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(http, port, dialect, prompt, key)
    error = caught.value
    assert error.hint
    assert not {RIGHT_KEY, WRONG_KEY} & set(f"{error!r} {error.message} {error.hint}".split())
    print(f"\n{dialect}: {error.kind}: {error.message}")
    return error


@pytest.mark.parametrize("dialect", list(WHO))
async def test_a_wrong_key_is_rejected(http: Http, guarded: LlamaServer, dialect: str) -> None:
    error = await failure(http, guarded.port, dialect, ASK, WRONG_KEY)
    assert (error.kind, error.whole_provider) == ("keyRejected", True)
    assert "401: Invalid API Key" in error.message
    assert await ask(http, guarded.port, dialect, ASK, RIGHT_KEY)


@pytest.mark.parametrize("dialect", ["local", "llamacpp"])
async def test_a_hole_is_refused_by_a_model_that_fills_none(
    http: Http, guarded: LlamaServer, dialect: str
) -> None:
    error = await failure(http, guarded.port, dialect, HOLE)
    assert (error.kind, error.retryable) == ("refused", False)
    assert "501: Infill is not supported by this model" in error.message
    assert 'fill = "chat"' in error.hint


@pytest.mark.parametrize(
    ("dialect", "prompt"),
    [
        ("local", Chat((Message("user", LONG),))),
        ("openai", Chat((Message("user", LONG),))),
        ("anthropic", Chat((Message("user", LONG),))),
        ("openai", RawText(LONG)),
    ],
    ids=["chat", "openai", "messages", "raw"],
)
async def test_a_prompt_beyond_the_context_is_too_long(
    http: Http, guarded: LlamaServer, dialect: str, prompt: Prompt
) -> None:
    error = await failure(http, guarded.port, dialect, prompt)
    assert (error.kind, error.retryable) == ("contextTooLong", True)
    assert "exceeds the available context size (512 tokens)" in error.message


@pytest.mark.parametrize("dialect", ["local", "llamacpp"])
async def test_a_hole_in_a_file_beyond_the_context_is_too_long(
    http: Http, filling: LlamaServer, dialect: str
) -> None:
    assert await ask(http, filling.port, dialect, HOLE, RIGHT_KEY)
    error = await failure(http, filling.port, dialect, Infill(LONG, "\n"))
    assert error.kind == "contextTooLong"
    assert "exceeds the available context size (512 tokens)" in error.message


@pytest.mark.parametrize("dialect", list(WHO))
async def test_a_picture_is_refused_by_a_model_that_sees_none(
    http: Http, guarded: LlamaServer, dialect: str
) -> None:
    """It is refused with 500, which would be asked again and again."""
    prompt = Chat((Message("user", "What is it?", (Image("image/png", PIXEL),)),))
    error = await failure(http, guarded.port, dialect, prompt)
    assert error.kind == "refused"
    assert "image input is not supported" in error.message


@pytest.mark.parametrize("dialect", list(WHO))
async def test_a_server_that_is_loading_its_model_is_overloaded_for_a_while(
    http: Http, tmp_path: Path, dialect: str
) -> None:
    """A small model loads so fast that it takes luck to meet it; so it is started until it is met."""
    for _ in range(MAX_STARTS):
        with serving("micro-chat", tmp_path, wait=False) as server:
            error = await first_word(http, server.port, dialect)
        if error is not None:
            break
    else:
        pytest.fail("the model was never met while it was loading")
    print(f"\n{dialect}: {error.kind}: {error.message}")
    assert isinstance(error, Overloaded)
    assert (error.retryable, error.transient) == (True, True)
    assert "503: Loading model" in error.message


async def first_word(http: Http, port: int, dialect: str) -> ProviderError | None:
    """Ask until somebody listens; return what they refuse with, or None if they answer."""
    async with asyncio.timeout(READY_S):
        while True:
            try:
                await ask(http, port, dialect, ASK, RIGHT_KEY)
            except Unreachable:
                continue
            except ProviderError as error:
                return error
            return None


# --- through the language server ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        pytest.param(WRONG_KEY, "Say yes.", ("keyRejected", "Invalid API Key"), id="key"),
        pytest.param(RIGHT_KEY, LONG, ("contextTooLong", "512"), id="context"),
    ],
)
def test_a_refusal_reaches_the_editor_as_its_kind(
    tmp_path: Path, guarded: LlamaServer, key: str, text: str, expected: tuple[Kind, str]
) -> None:
    kind, words = expected
    environment = {"FAREBOX_LOCAL_BASE_URL": f"http://127.0.0.1:{guarded.port}/v1", "LLAMA_KEY": key}
    settings = '[providers.local]\nkey_env = "LLAMA_KEY"\n'
    with Client(tmp_path, config=settings, environment=environment) as client:
        client.initialize()
        with pytest.raises(Failed) as caught:
            client.chat(text)
    assert caught.value.data["kind"] == kind
    assert caught.value.code == CODES[kind]
    assert words in caught.value.message
    assert key not in f"{caught.value.message} {caught.value.data} {client.log}"


def test_a_question_that_is_asked_while_the_model_loads_is_answered_in_the_end(tmp_path: Path) -> None:
    port = free_port()
    environment = {"FAREBOX_LOCAL_BASE_URL": f"http://127.0.0.1:{port}/v1"}
    outcomes: list[object] = []
    with Client(tmp_path, environment=environment) as client:
        client.initialize()
        with pytest.raises(Failed):
            client.chat("Is anybody there?")
        with serving("qwen", tmp_path, wait=False, port=port):
            while "ok" not in outcomes:
                assert len(outcomes) < MAX_TRIES
                try:
                    client.chat("Answer with one word: yes.")
                except Failed as error:
                    outcomes.append(error.data["kind"])
                else:
                    attempts = client.request("farebox/explain")["route"]["attempts"]
                    outcomes += [attempt["outcome"] for attempt in attempts]
    print(f"\n{outcomes}")
    assert set(outcomes) <= {"unreachable", "overloaded", "ok"}
    assert "overloaded" in outcomes
