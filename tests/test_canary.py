"""A key leaves in one header of one request, and shows nowhere else: not in errors, events, rows or logs.

Every fault goes through the real door at debug level, with an upstream that knows the key, as each one does
that it is sent to, and repeats it wherever it can. ``conftest`` watches the logs of all other tests.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import FareboxError, MissingKey
from farebox.messages import Call, Chat, Done, Event, Message, ToolCall
from farebox.providers.base import Endpoint
from farebox.router import inventory
from farebox.router.request import Request, Serving
from farebox.secrets import Credential, Secret, origin_of
from support.canary import KEY, keys_in, keys_in_error, watching
from support.openrouter_models import entry
from support.upstream import Answer, Upstream, chunk, json_answer, sse

ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
HALF_ESCAPED = KEY[:15] + f"\\u{ord(KEY[15]):04x}" + KEY[16:]
ELSEWHERE = {"Location": f"http://127.0.0.1:9/?key={KEY}", "x-echo": KEY}


@dataclass(frozen=True)
class Dialect:
    """A provider of some dialect, and what carries an error inside its streams."""

    name: str
    config: str
    variable: str
    path: str = "/v1/chat/completions"
    media_type: str = "text/event-stream"

    def errors(self, message: str) -> bytes:
        """Return the stream's own error."""
        if self.name == "ollama":
            return json.dumps({"error": message}).encode() + b"\n"
        table = {
            "type": "error",
            "error": {"type": "authentication_error", "message": message, "code": message},
        }
        return b"event: error\n" + sse(table, done=False)

    def first_token(self) -> bytes:
        """Return what comes before an error that comes late."""
        if self.name == "ollama":
            return (
                json.dumps({"message": {"role": "assistant", "content": "he"}, "done": False}).encode()
                + b"\n"
            )
        if self.name == "anthropic":
            usage = {"input_tokens": 1, "output_tokens": 1}
            message = {"id": "m", "type": "message", "role": "assistant", "content": [], "usage": usage}
            block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
            delta = {"type": "text_delta", "text": "he"}
            return sse(
                {"type": "message_start", "message": message},
                block,
                {"type": "content_block_delta", "index": 0, "delta": delta},
                done=False,
            )
        return sse(chunk({"content": "he"}), done=False)


DIALECTS = [
    Dialect("openai", '[providers.openai]\nbase_url = "{0}"\n', "OPENAI_API_KEY"),
    Dialect("openrouter", '[providers.openrouter]\nbase_url = "{0}"\n', "OPENROUTER_API_KEY"),
    Dialect("anthropic", '[providers.anthropic]\nbase_url = "{0}"\n', "ANTHROPIC_API_KEY", "/v1/messages"),
    Dialect(
        "ollama",
        '[providers.ollama]\nbase_url = "{0}"\ndialect = "ollama"\nkey_env = "MY_KEY"\n',
        "MY_KEY",
        "/api/chat",
        "application/x-ndjson",
    ),
    Dialect(
        "llamacpp",
        '[providers.llamacpp]\nbase_url = "{0}"\ndialect = "llamacpp"\nkey_env = "MY_KEY"\n',
        "MY_KEY",
    ),
]


LOCAL_SERVER = {
    "/v1/models": json_answer({"data": [{"id": "m-1"}]}),
    "/api/version": json_answer({"version": "0.12.0"}),
    "/api/show": json_answer({"capabilities": ["completion"], "model_info": {}}),
    "/api/ps": json_answer({"models": []}),
    "/api/tags": json_answer({"models": [{"name": "m-1", "model": "m-1"}]}),
}
"""What Ollama says of itself before it is asked for an answer."""


def faults(dialect: Dialect) -> Iterator[tuple[str, Answer]]:
    """Yield what a provider may do wrong with the key that it was sent."""
    kind = dialect.media_type
    said = {
        "error": {"message": f"Incorrect API key provided: {KEY}.", "type": KEY, "code": KEY, "param": KEY}
    }
    yield (
        "401-echoes-it",
        json_answer(said, status=401, headers={"x-echo": KEY, "www-authenticate": f"Bearer {KEY}"}),
    )
    yield (
        "403-in-metadata",
        json_answer(
            {
                "error": {
                    "message": "no",
                    "code": 403,
                    "metadata": {"raw": KEY, "reasons": [KEY], "provider_name": KEY},
                }
            },
            status=403,
        ),
    )
    yield "400-a-string", json_answer({"error": f"bad key {KEY}"}, status=400)
    yield (
        "429-in-headers",
        json_answer(
            {"error": {"message": f"slow down, {KEY}"}},
            status=429,
            headers={"Retry-After": KEY, "x-ratelimit-reset": KEY},
        ),
    )
    yield (
        "500-plain-text",
        Answer(status=500, body=f"key={KEY}".encode(), content_type="text/plain"),
    )
    yield (
        "502-html",
        Answer(
            status=502,
            body=f"<html><p>Bearer {KEY}</p></html>".encode(),
            content_type="text/html",
        ),
    )
    message = b'{"error":{"message":"key %s"}}'
    yield "401-escaped", Answer(status=401, body=message % ESCAPED.encode())
    yield (
        "401-half-escaped",
        Answer(status=401, body=message % HALF_ESCAPED.encode()),
    )
    yield "500-escaped-in-no-json", Answer(status=500, body=b'oops {"key":"%s"}' % HALF_ESCAPED.encode())
    yield "307-redirect", Answer(status=307, headers=ELSEWHERE)
    yield "401-at-the-cut", json_answer({"error": {"message": "x" * 290 + KEY}}, status=401)
    yield "200-html", Answer(status=200, body=f"<html>{KEY}</html>".encode(), content_type="text/html")
    yield "200-garbage", Answer(status=200, body=f"data: {{{KEY}\n\n".encode(), content_type=kind)
    yield (
        "200-headers",
        Answer(status=200, headers={"x-request-id": KEY, "x-echo": KEY}, body=b"", content_type=kind),
    )
    yield "stream-error", Answer(body=dialect.errors(f"bad key {KEY}"), content_type=kind)
    yield (
        "late-stream-error",
        Answer(body=dialect.first_token() + dialect.errors(f"bad {KEY}"), content_type=kind),
    )
    yield "cut-off", Answer(body=dialect.first_token() + KEY.encode(), content_type=kind, cut_after=40)
    yield "a-bad-header", Answer(status=200, headers={"bad name": KEY}, body=b"{}")
    yield "a-bad-header-value", Answer(status=200, headers={"x-bad": f"\0{KEY}"}, body=b"{}")
    yield "silent", Answer(hang=True)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[Callable[..., App]]:
    opened: list[App] = []

    def make(config: str, **environment: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        opened.append(App(Client("test"), environment={**folders, **environment}))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


@dataclass
class Left:
    """What a request left behind; ``texts`` is what its objects look like when they are printed."""

    events: list[Event]
    error: FareboxError | None
    texts: list[str]

    def keys(self) -> list[str]:
        """Return the keys that show in it."""
        of_error = keys_in_error(self.error) if self.error is not None else []
        return [*of_error, *(key for text in [*map(repr, self.events), *self.texts] for key in keys_in(text))]


async def ask(app: App, requested: str) -> Left:
    """Send a request through the door."""

    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    left = Left([], None, [])
    try:
        door = app.door()
        reply = door.send(Request("chat", render, 40, 100, requested=requested))
        async with aclosing(reply.events()) as stream:
            async for event in stream:
                left.events.append(event)
    except FareboxError as caught:
        left.error = caught
        with suppress(FareboxError):
            left.texts += [
                repr(app.config()),
                repr(app.door()),
                repr(app.door().directory.endpoint("openai")),
            ]
        return left
    left.texts += [repr(reply.done), repr(vars(reply)), repr(door), repr(app.config())]
    return left


def ledger_text(folder: Path) -> str:
    """Return the ledger's files as they are on the disk."""
    files = (file for file in (folder / "home").rglob("*") if file.is_file())
    return "".join(file.read_bytes().decode("latin-1") for file in files)


@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
async def test_whatever_a_provider_does_with_the_key_nobody_sees_it(
    *,
    tmp_path: Path,
    upstream: Upstream,
    open_app: Callable[..., App],
    dialect: Dialect,
    subtests: pytest.Subtests,
) -> None:
    config = dialect.config.format(upstream.base_url) + "first_token_s = 1.0\n"
    app = open_app(config, **{dialect.variable: KEY})
    app.warm_up()  # else the first request's time goes to imports
    for path, answer in LOCAL_SERVER.items():
        upstream.answer(path, answer)
    for name, answer in faults(dialect):
        upstream.answer(dialect.path, answer)
        with subtests.test(name), watching() as watch:
            upstream.requests.clear()
            left = await ask(app, f"{dialect.name}/m-1")
            assert was_sent(upstream)
            assert left.error is not None
            assert not left.keys()
            assert not watch.leaks
    await app.close()
    assert "m-1" in ledger_text(tmp_path)
    assert not keys_in(ledger_text(tmp_path))


LOCAL = Dialect("local", '[providers.local]\nbase_url = "{0}"\nkey_env = "MY_KEY"\n', "MY_KEY")
"""A server that has to say what it is."""


def was_sent(upstream: Upstream) -> bool:
    """Say whether the key was in the last request: what was never sent can't come back."""
    return any(KEY in value for value in upstream.requests[-1].headers.values())


async def test_a_local_server_that_does_not_say_what_it_is_does_not_show_the_key(
    upstream: Upstream, open_app: Callable[..., App], subtests: pytest.Subtests
) -> None:
    app = open_app(LOCAL.config.format(upstream.base_url) + "first_token_s = 0.3\n", MY_KEY=KEY)
    for name, answer in faults(LOCAL):
        if answer.hang:
            continue  # a probe has a deadline of its own, which is long
        for path in (*LOCAL_SERVER, "/props", "/api/v0/models", LOCAL.path):
            upstream.answer(path, answer)
        with subtests.test(name), watching() as watch:
            upstream.requests.clear()
            left = await ask(app, "local/default")
            assert was_sent(upstream)
            assert left.error is not None
            assert not left.keys()
            assert not watch.leaks


STUDIO_ENTRY = {"id": KEY, "type": "llm", "state": "loaded", "max_context_length": 4096}
KINDS = {
    "llama.cpp": {"/props": json_answer({"default_generation_settings": {"n_ctx": 4096}})},
    "Ollama": {
        "/api/version": json_answer({"version": "0.12.0"}),
        "/api/tags": json_answer({"models": [{"name": KEY}, {"name": "m-1"}]}),
        "/api/ps": json_answer({"models": [{"name": KEY, "context_length": 4096}]}),
        "/api/show": json_answer({"capabilities": ["completion"], "model_info": {}}),
    },
    "LM Studio": {"/api/v0/models": json_answer({"data": [STUDIO_ENTRY, {**STUDIO_ENTRY, "id": "m-1"}]})},
    "another": {},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answers", [True, False], ids=["answers", "fails"])
async def test_a_local_server_that_calls_a_model_by_the_key_does_not_show_it(
    *, tmp_path: Path, upstream: Upstream, open_app: Callable[..., App], kind: str, answers: bool
) -> None:
    app = open_app(LOCAL.config.format(upstream.base_url), MY_KEY=KEY)
    upstream.answer("/v1/models", json_answer({"data": [{"id": KEY}, {"id": f"x/{ESCAPED}"}, {"id": "m-1"}]}))
    for path, answer in KINDS[kind].items():
        upstream.answer(path, answer)
    body = sse({**chunk({"content": "ok"}), "model": KEY}, {**chunk({}, "stop"), "model": KEY})
    said = {"model": KEY, "message": {"role": "assistant", "content": "ok"}, "done": True}
    upstream.answer(LOCAL.path, Answer(body=body, content_type="text/event-stream"))
    upstream.answer("/api/chat", json_answer(said))
    if not answers:
        for path in (LOCAL.path, "/api/chat"):
            upstream.answer(path, json_answer({"error": f"no {KEY}"}, status=400))
    with watching() as watch:
        left = await ask(app, "local/default")
        asked = upstream.requests[-1]
        listed = await app.door().directory.served_models("local")
    assert was_sent(upstream)
    assert (asked.method, asked.json["model"]) == ("POST", "m-1")
    assert (left.error is None) == answers
    assert listed == ("m-1",)
    await app.close()
    assert "m-1" in ledger_text(tmp_path)
    assert not left.keys()
    assert not watch.leaks
    assert not keys_in(ledger_text(tmp_path))


async def test_a_list_of_models_that_repeats_the_key_does_not_show_it(
    tmp_path: Path, upstream: Upstream, open_app: Callable[..., App]
) -> None:
    app = open_app(f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n', OPENROUTER_API_KEY=KEY)
    models = [
        entry(f"a/{KEY}"),
        entry("a/slug", canonical_slug=KEY),
        entry("a/words", supported_parameters=[KEY]),
        entry("a/price", pricing={"prompt": "0", "completion": "0", "overrides": [{KEY: KEY}]}),
        entry("acme/new"),
    ]
    upstream.answer("/v1/models", json_answer({"data": models}))
    with watching() as watch:
        await app.refresh_listing(asked=True)
        lines = await inventory.models(app.door().planner, every=True)
    assert was_sent(upstream)
    assert "openrouter/acme/new" in {line.target.name for line in lines}
    assert not keys_in(repr(lines))
    assert not watch.leaks
    written = "".join(file.read_text("utf-8") for file in (tmp_path / "home").glob("*.json"))
    assert "acme/new" in written
    assert not keys_in(written)


TOOL_CALLS = {
    "openai": sse(
        chunk({"tool_calls": [{"index": 0, "id": KEY, "function": {"name": f"f-{KEY}", "arguments": "{}"}}]}),
        chunk({}, "tool_calls"),
    ),
    "anthropic": sse(
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": KEY, "name": f"f-{KEY}", "input": {}},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
        done=False,
    ),
}


@pytest.mark.parametrize("name", TOOL_CALLS)
async def test_a_tool_call_that_is_named_by_the_key_does_not_show_it(
    upstream: Upstream, open_app: Callable[..., App], name: str
) -> None:
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    app = open_app(dialect.config.format(upstream.base_url), **{dialect.variable: KEY})
    upstream.answer(dialect.path, Answer(body=TOOL_CALLS[name], content_type=dialect.media_type))
    left = await ask(app, f"{name}/m-1")
    assert was_sent(upstream)
    assert left.error is None
    (call,) = (event for event in left.events if isinstance(event, ToolCall))
    assert call == ToolCall("<secret>", "f-<secret>", "{}")
    assert not left.keys()


PLAIN = "abcDEF0123456789zyxWVU9876543210"
"""A key without a prefix that tells it: only who has sent it can know it."""


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"oops {PLAIN[:28]}", id="cut off"),
        pytest.param(f'{{"message": "bad {PLAIN.lower()}"}}', id="in small letters"),
        pytest.param("bad {" + "".join(f"\\u{ord(letter):04x}" for letter in PLAIN), id="in escapes"),
        pytest.param("bad " + "".join(f"%{ord(letter):02x}" for letter in PLAIN), id="in an address"),
        pytest.param("bad " + "\u200b".join(PLAIN), id="with what does not show"),
        pytest.param(f"bad {PLAIN[:16]}\n{PLAIN[16:]}", id="on two lines"),
        pytest.param("x" * 290 + PLAIN, id="at the cut"),
    ],
)
async def test_a_key_that_nothing_tells_from_other_words_does_not_show_in_part(
    upstream: Upstream, open_app: Callable[..., App], body: str
) -> None:
    app = open_app(f'[providers.mistral]\nbase_url = "{upstream.base_url}"\n', MISTRAL_API_KEY=PLAIN)
    upstream.answer("/v1/chat/completions", Answer(status=401, body=body.encode()))
    left = await ask(app, "mistral/m")
    assert PLAIN in upstream.requests[-1].headers["authorization"]
    assert left.error is not None
    assert left.error.message.endswith(("<secret>", "<secret>…"))


async def test_a_key_that_the_client_has_set_is_not_sent_where_it_leads_later(
    upstream: Upstream, open_app: Callable[..., App]
) -> None:
    app = open_app("")
    app.set_key("openrouter", KEY)
    settings = {"providers": {"openrouter": {"base_url": upstream.base_url}}}
    app.change_client(Client("test", settings=settings))
    left = await ask(app, "openrouter/m")
    assert isinstance(left.error, MissingKey)
    assert not upstream.requests
    assert not left.keys()
    app.set_key("openrouter", KEY)
    left = await ask(app, "openrouter/m")
    assert was_sent(upstream)
    assert not left.keys()


@pytest.mark.parametrize("dialect", DIALECTS, ids=[dialect.name for dialect in DIALECTS])
async def test_a_connection_that_fails_does_not_show_the_key(
    upstream: Upstream, open_app: Callable[..., App], dialect: Dialect
) -> None:
    for address in (upstream.base_url.replace("http:", "https:"), "http://127.0.0.1:9/v1"):
        app = open_app(dialect.config.format(address) + "connect_s = 0.5\n", **{dialect.variable: KEY})
        with watching() as watch:
            left = await ask(app, f"{dialect.name}/m-1")
        assert left.error is not None
        assert not left.keys()
        assert not watch.leaks


@pytest.mark.parametrize(
    "address",
    ["http://user:{0}@127.0.0.1:9/v1", "http://127.0.0.1:9/v1?key={0}", "http://127.0.0.1:9/v1#{0}"],
)
async def test_a_key_in_an_address_is_refused_without_showing_it(
    open_app: Callable[..., App], address: str
) -> None:
    app = open_app(f'[providers.mine]\nbase_url = "{address.format(KEY)}"\n')
    with watching() as watch:
        left = await ask(app, "mine/m")
    assert left.error is not None
    assert not left.keys()
    assert not watch.leaks


@pytest.mark.parametrize("value", [f"{KEY} {KEY}", f"{KEY}\n{KEY}", f"{KEY}\u00e9", f"\0{KEY}"])
async def test_a_malformed_key_is_refused_without_showing_it(
    open_app: Callable[..., App], value: str
) -> None:
    app = open_app('[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\n', OPENAI_API_KEY=value)
    with watching() as watch:
        left = await ask(app, "openai/m")
    assert left.error is not None
    assert not left.keys()
    assert not watch.leaks


async def test_what_comes_with_an_answer_is_kept_without_the_key(
    tmp_path: Path, upstream: Upstream, open_app: Callable[..., App]
) -> None:
    fields = {"id": f"gen-{KEY}", "model": KEY, "provider": KEY, "system_fingerprint": KEY}
    body = sse({**chunk({"content": "ok"}), **fields}, {**chunk({}, "stop"), **fields})
    upstream.queue(Answer(body=body, content_type="text/event-stream", headers={"x-request-id": KEY}))
    app = open_app(f'[providers.openai]\nbase_url = "{upstream.base_url}"\n', OPENAI_API_KEY=KEY)
    with watching() as watch:
        left = await ask(app, "openai/m")
    await app.close()
    assert isinstance(left.events[-1], Done)
    assert not left.keys()
    assert not watch.leaks
    assert not keys_in(ledger_text(tmp_path))


def test_an_endpoint_does_not_show_its_key() -> None:
    credential = Credential(Secret(KEY), origin_of("https://x.example"))
    endpoint = Endpoint("x", "openai", "https://x.example/v1", credential)
    assert not keys_in(f"{endpoint!r} {endpoint} {credential!r} {[credential.secret]} {credential.secret}")


# --- the watch itself ------------------------------------------------------------------------------


def test_the_watch_sees_a_key_in_a_message_its_arguments_and_its_trace() -> None:
    with watching("leaky") as watch:
        log = logging.getLogger("leaky.part")
        log.debug("the key is %s", KEY)
        log.debug("headers: %r", {"authorization": f"Bearer {KEY}"})
        log.debug("too few arguments %s %s", KEY)  # noqa: PLE1206
        try:
            raise ValueError(KEY)  # noqa: TRY301
        except ValueError:
            log.debug("it failed", exc_info=True)
        log.debug("nothing here: sk-or-canary")
    assert len(watch.leaks) == 4


def test_a_key_is_found_anywhere_in_an_errors_history() -> None:
    def fail(*, hide: bool) -> None:
        try:
            raise KeyError(KEY)  # noqa: TRY301
        except KeyError as error:
            if hide:
                raise ValueError("no words") from None
            raise ValueError("no words") from error

    for hide in (True, False):
        with pytest.raises(ValueError, match="no words") as caught:
            fail(hide=hide)
        assert keys_in_error(caught.value)
    noted = ValueError("x")
    noted.add_note(KEY[:-3])
    assert keys_in_error(ExceptionGroup("several", [noted]))
    assert not keys_in_error(asyncio.CancelledError("sk-or-test, canary and 0123456789"))
