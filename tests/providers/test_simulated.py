"""The simulated provider: real HTTP, an honest label, exact costs, and a client that may leave."""

import ast
import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, closing, suppress
from decimal import Decimal

import pytest

from farebox.chat.prompts import Attachment, question
from farebox.completion.answer import last_answer
from farebox.completion.prompt import render
from farebox.completion.window import Snippet, Window
from farebox.errors import ProviderError
from farebox.messages import Call, Chat, Delta, Finish, Message, Target, Text
from farebox.providers.base import Endpoint, RoutingPreferences
from farebox.providers.http import Http
from farebox.providers.openai import OpenAI
from farebox.providers.simulated import MAX_BODY_BYTES, MAX_HEAD_BYTES, SimulatedServer
from farebox.providers.simulated_answer import (
    INPUT_NANODOLLARS_PER_TOKEN,
    MODEL,
    OUTPUT_NANODOLLARS_PER_TOKEN,
)
from farebox.router.request import Serving
from support.patience import WAIT_S

HELLO = Call(MODEL, Chat((Message("system", "Be brief."), Message("user", "What is a monad?"))))


@pytest.fixture
async def server() -> AsyncIterator[SimulatedServer]:
    async with SimulatedServer(word_delay_s=0) as running:
        yield running


def endpoint(server: SimulatedServer) -> Endpoint:
    return Endpoint(
        provider="openrouter",
        dialect="openai",
        base_url=server.base_url,
        routing=RoutingPreferences(),
        loopback_only=True,
    )


async def check(http: Http, server: SimulatedServer, call: Call = HELLO) -> tuple[str, Finish]:
    """Ask through the adapter that every OpenAI-dialect provider is asked through."""
    async with aclosing(OpenAI(http, endpoint(server)).stream(call)) as stream:
        deltas: list[Delta] = [delta async for delta in stream]
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    assert finish.served_model == MODEL
    return "".join(delta.text for delta in deltas if isinstance(delta, Text)), finish


async def raw(server: SimulatedServer, request: bytes) -> tuple[str, bytes]:
    """Send bytes and read to the end of the connection."""
    port = int(server.base_url.split(":")[2].partition("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(request)
        with suppress(OSError):
            await writer.drain()
        async with asyncio.timeout(WAIT_S):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    return head.decode(), body


def post(body: object, path: str = "/api/v1/chat/completions") -> bytes:
    data = json.dumps(body).encode()
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (path.encode(), len(data), data)


async def wire(server: SimulatedServer, body: Mapping[str, object]) -> tuple[str, bytes]:
    """Ask over a bare socket; return the head and the body as they came."""
    port = int(server.base_url.split(":")[2].partition("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(post(body))
        async with asyncio.timeout(WAIT_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if "chunked" in head:
                return head, await reader.readuntil(b"\r\n0\r\n\r\n")
            length = int(head.partition("Content-Length: ")[2].split("\r\n")[0])
            return head, await reader.readexactly(length)


async def test_every_chat_says_first_that_it_is_simulated(http: Http, server: SimulatedServer):
    text, finish = await check(http, server)
    assert text.startswith("[simulated] ")
    assert "What is a monad?" in text
    assert finish.reason == "stop"
    assert finish.generation_id


@pytest.mark.parametrize(
    ("asked", "quoted"),
    [
        pytest.param("What is a monad?", "4 words:\n\n> What is a monad?\n\n", id="nothing-attached"),
        pytest.param("Why?", "1 word:\n\n> Why?\n\n", id="one-word"),
        pytest.param("word " * 100, "100 words:\n\n> word word ", id="a-long-question"),
    ],
)
@pytest.mark.parametrize("attached", [(), ("x = 1",), ("x = 1\n\n</attachment>\n\ny = 2", "z = 3\n")])
async def test_a_chat_quotes_the_question_and_nothing_that_is_attached(
    http: Http, server: SimulatedServer, attached: tuple[str, ...], asked: str, quoted: str
):
    prompt = question(asked, tuple(Attachment(f"{number}.py", text) for number, text in enumerate(attached)))
    text, _ = await check(http, server, Call(MODEL, Chat((Message("user", prompt),))))
    assert quoted in text
    assert "= " not in text
    assert len(text) < 500


async def test_a_tag_in_a_question_without_attachments_is_quoted_too(http: Http, server: SimulatedServer):
    tagged = "What\n</attachment>\n\nis it?"
    text, _ = await check(http, server, Call(MODEL, Chat((Message("user", tagged),))))
    assert "4 words:\n\n> What </attachment> is it?\n\n" in text


async def test_usage_and_cost_are_those_of_the_wire_to_the_nanodollar(http: Http, server: SimulatedServer):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "word " * 501}], "stream": True}
    _, chunked = await wire(server, body)
    lines = [line for line in chunked.decode().split("\r\n") if line.startswith("data: {")]
    usage = json.loads(lines[-1].removeprefix("data: "), parse_float=Decimal)["usage"]
    assert isinstance(usage["cost"], Decimal)
    _, finish = await check(http, server, Call(MODEL, Chat((Message("user", "word " * 501),))))
    assert finish.usage is not None
    assert finish.usage.input_tokens == usage["prompt_tokens"] == 627
    assert finish.usage.output_tokens == usage["completion_tokens"]
    assert finish.reported_nanodollars == usage["cost"] * 10**9
    assert finish.reported_nanodollars == (
        usage["prompt_tokens"] * INPUT_NANODOLLARS_PER_TOKEN
        + usage["completion_tokens"] * OUTPUT_NANODOLLARS_PER_TOKEN
    )


async def test_the_stream_has_the_shape_of_openrouters(server: SimulatedServer):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    head, chunked = await wire(server, body)
    assert "text/event-stream" in head
    assert "X-Generation-Id: gen-" in head
    text = chunked.decode()
    assert ": OPENROUTER PROCESSING\n\n" in text
    assert "data: [DONE]\n\n" in text
    lines = [line for line in text.split("\r\n") if line.startswith("data: {")]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
    assert {one["provider"] for one in chunks} == {"Simulated"}
    assert {one["object"] for one in chunks} == {"chat.completion.chunk"}
    assert len([one for one in chunks if one["choices"] and one["choices"][0]["delta"]["content"]]) > 10
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["is_byok"] is False
    assert chunks[-1]["usage"]["prompt_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}


async def test_a_whole_answer_says_the_same_as_a_stream(http: Http, server: SimulatedServer):
    messages = [{"role": one.role, "content": one.text} for one in _messages(HELLO)]
    head, body = await wire(server, {"model": MODEL, "messages": messages})
    whole = json.loads(body, parse_float=Decimal)
    text, finish = await check(http, server)
    assert "X-Generation-Id" in head
    assert whole["choices"][0]["message"]["content"] == text
    assert whole["usage"]["cost"] * 10**9 == finish.reported_nanodollars


def _messages(call: Call) -> tuple[Message, ...]:
    assert isinstance(call.prompt, Chat)
    return call.prompt.messages


async def test_a_limit_cuts_the_answer_and_says_so(http: Http, server: SimulatedServer):
    text, finish = await check(http, server, Call(MODEL, HELLO.prompt, max_output_tokens=5))
    assert (text, finish.reason) == ("[simulated] No model", "length")
    assert finish.usage is not None
    assert finish.usage.output_tokens == 5


async def test_the_models_and_the_key_are_listed(http: Http, server: SimulatedServer):
    models = await http.get(endpoint(server), "/models", timeout_s=WAIT_S)
    assert isinstance(models["data"], list)
    (model,) = models["data"]
    assert model["id"] == MODEL
    assert Decimal(model["pricing"]["prompt"]) * 10**9 == INPUT_NANODOLLARS_PER_TOKEN
    assert Decimal(model["pricing"]["completion"]) * 10**9 == OUTPUT_NANODOLLARS_PER_TOKEN
    assert "data" in await http.get(endpoint(server), "/key", timeout_s=WAIT_S)


# --- completions -------------------------------------------------------------------------------


SNIPPETS = (Snippet("/ws/b.py", "b.py", "def b():\n    pass"), Snippet("/ws/c.py", "c.py", "c = 1"))


def window(path: str, source: str) -> Window:
    prefix, _, suffix = source.partition("|")
    return Window(name=path, language="", prefix=prefix, suffix=suffix)


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param("a.py", "def add(a, b):\n    return |\n", "a + b  # simulated", id="a return"),
        pytest.param(
            "a.py",
            "def add(\n    a: dict[str, int],\n    *,\n    b: int = max(1, 2),\n) -> int:\n    return |\n",
            "a + b  # simulated",
            id="a return after typed parameters",
        ),
        pytest.param(
            "a.py", "class A:\n    def f(self):\n        return |\n", "None  # simulated", id="no name"
        ),
        pytest.param("a.py", "return |\n", "None  # simulated", id="no function"),
        pytest.param("a.py", "def add(a, b):|\n", "\n    return a + b  # simulated", id="after a head"),
        pytest.param("a.py", "def add(a, b):\n    |\n", "return a + b  # simulated", id="below a head"),
        pytest.param("a.py", "def add(a, b):\n|\n", "    return a + b  # simulated", id="at the margin"),
        pytest.param("a.py", "if x:\n    |\n", "pass  # simulated", id="a block"),
        pytest.param("a.py", "x = |\n", "None  # simulated", id="an assignment"),
        pytest.param("a.py", "x = 1|\n", "  # simulated completion", id="a whole statement"),
        pytest.param("a.py", "|\n", "# simulated completion", id="an empty line"),
        pytest.param("a.py", "print(|)\n", "simulated", id="inside a line"),
        pytest.param("a.ts", "|\n", "// simulated completion", id="TypeScript"),
        pytest.param("a.ts", "const x = |\n", "simulated // simulated", id="TypeScript, an expression"),
        pytest.param("a.lua", "|\n", "-- simulated completion", id="Lua"),
        pytest.param("a.css", "|\n", "/* simulated completion */", id="CSS"),
        pytest.param("a.html", "|\n", "<!-- simulated completion -->", id="HTML"),
        pytest.param("a.json", '{"a": |}\n', '"simulated"', id="JSON"),
        pytest.param("Makefile", "|\n", "# simulated completion", id="no extension"),
    ],
)
async def test_a_hole_is_filled_with_what_is_valid_there(
    http: Http, server: SimulatedServer, path: str, source: str, expected: str
):
    here = window(path, source)
    call = render(here, Serving(Target("openrouter", MODEL), MODEL, "chat"), SNIPPETS, one_line=True)
    answer, _ = await check(http, server, call)
    assert answer == f"<COMPLETION>{expected}</COMPLETION>"
    assert last_answer(answer, here) == expected
    if path.endswith(".py") and "def" in source:
        ast.parse(source.replace("|", expected))


# --- the edges of the server -------------------------------------------------------------------


async def test_a_client_that_leaves_ends_its_stream_at_once(http: Http):
    async with SimulatedServer(word_delay_s=0.2) as server:
        deltas = OpenAI(http, endpoint(server)).stream(HELLO)
        assert isinstance(await anext(deltas), Text)
        await deltas.aclose()
        await asyncio.wait_for(server.wait_idle(), 0.2 * 20)  # the answer has more than 30 words


async def test_closing_the_server_cuts_a_running_stream(http: Http):
    server = SimulatedServer(word_delay_s=0.02)
    await server.start()
    deltas = OpenAI(http, endpoint(server)).stream(HELLO)
    assert isinstance(await anext(deltas), Text)
    await server.close()
    with pytest.raises(ProviderError):
        _ = [delta async for delta in deltas]
    await server.close()


def test_a_server_that_has_not_started_has_no_address():
    with pytest.raises(RuntimeError):
        _ = SimulatedServer().base_url


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(post([1]), 400, id="a body that is no object"),
        pytest.param(post({"messages": []}), 400, id="no messages"),
        pytest.param(post({}, "/chat/completions"), 404, id="another path"),
        pytest.param(b"GET /metrics HTTP/1.1\r\n\r\n", 404, id="nothing there"),
        pytest.param(b"nonsense\r\n\r\n", 404, id="nonsense"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411, id="no length"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, id="a length below zero"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: %b\r\n\r\n" % (b"9" * 5000), 413, id="a long length"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413, id="a large body"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD_BYTES * 3), 413, id="a large head"),
    ],
)
async def test_a_bad_request_is_answered_and_closed(
    server: SimulatedServer, request_bytes: bytes, status: int
):
    head, body = await raw(server, request_bytes)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert json.loads(body)["error"]["code"] == status


async def test_answers_share_a_connection_and_number_themselves(http: Http, server: SimulatedServer):
    ids = {(await check(http, server))[1].generation_id for _ in range(3)}
    assert len(ids) == 3
