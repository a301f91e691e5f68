"""The door: the route that is shown is the one that is taken, and what happens when a target fails."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.app import App, Client
from farebox.errors import BrokenReply, Excluded, FareboxError, KeyRejected, NoRouteLeft, Refused, Unreachable
from farebox.messages import Call, Chat, Done, Event, FellBack, Message, Routed, Task, Text
from farebox.router.door import Door, Reply
from farebox.router.request import CONTEXT_MARGIN_TOKENS, Request, Serving
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

OpenApp = Callable[..., App]

HELLO = Answer(body=openrouter_stream("Hello you"), content_type="text/event-stream")
GARBLED = replace(HELLO, body=b"data: x\n\n")
CHAIN = """
[tasks]
chat = ["one/m", "two/m", "three/m"]
[providers.one]
base_url = "{0}"
[providers.two]
base_url = "{1}"
[providers.three]
base_url = "{1}"
"""
BROKER = '[providers.openrouter]\nbase_url = "{0}"'


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str = "", *, trusted: bool = True, **environment: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(tmp_path / "config.toml")}
        client = Client(name="test", trusted=trusted)
        opened.append(App(client, environment={**folders, **environment}))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def a_request(requested: str | None = None, *, task: Task = "chat", source: str | None = None) -> Request:
    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat((Message("user", "hi"),)), max_output_tokens=100)

    return Request(task, render, 40, 100, requested=requested, sources=(source,) if source else ())


def an_error(status: int) -> Answer:
    """Refuse, and let the same target not be asked again: ``test_retry`` is about that."""
    refusal = {"error": {"message": "no", "code": status}}
    return json_answer(refusal, status=status, headers={"x-should-retry": "false"})


def no_one_listens() -> str:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{reserved.getsockname()[1]}/v1"


async def events_of(door: Door, request: Request) -> list[Event]:
    async with aclosing(door.send(request).events()) as events:
        return [event async for event in events]


async def listen(reply: Reply, heard: list[Event]) -> None:
    async for event in reply.events():
        heard += [event]


def words(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


# --- the dry run ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "environment", "requested", "task"),
    [
        pytest.param(CHAIN, {}, None, "chat", id="chain"),
        pytest.param(CHAIN, {}, "two/other", "chat", id="by-name"),
        pytest.param(CHAIN, {}, "three", "complete", id="bare-provider"),
        pytest.param(BROKER, {"OPENROUTER_API_KEY": "k"}, "auto", "review", id="auto"),
        pytest.param("", {"FAREBOX_LOCAL_BASE_URL": "{0}"}, None, "complete", id="local"),
    ],
)
async def test_the_route_that_is_shown_is_the_one_that_is_taken(
    *,
    open_app: OpenApp,
    upstream: Upstream,
    config: str,
    environment: dict[str, str],
    requested: str | None,
    task: Task,
):
    upstream.answer("/v1/models", json_answer({"data": [{"id": "m"}]}))
    upstream.answer("/v1/chat/completions", HELLO)
    address = upstream.base_url
    environment = {name: value.format(address) for name, value in environment.items()}
    door = open_app(config.format(address, address), **environment).door()
    shown = await door.route(a_request(requested, task=task))
    assert upstream.connections == 0
    first, *_, last = await events_of(door, a_request(requested, task=task))
    assert first == Routed(shown)
    assert isinstance(last, Done)
    assert last.route.attempts[-1].outcome == "ok"


@settings(max_examples=30)
@given(
    chain=st.lists(st.sampled_from(["one/m", "two/m", "auto", "sonnet", "local/x"]), max_size=4),
    task=st.sampled_from(["chat", "complete", "plan"]),
    strategy=st.sampled_from(["cheap", "balanced", "quality"]),
)
async def test_whatever_the_config_the_dry_run_and_the_request_agree(
    tmp_path_factory: pytest.TempPathFactory, chain: list[str], task: Task, strategy: str
):
    home = str(tmp_path_factory.mktemp("home"))
    async with Upstream() as upstream:
        providers = {"one": {"base_url": upstream.base_url}, "openrouter": {"base_url": upstream.base_url}}
        tasks = {task: chain} if chain else {}
        client = Client(name="test", settings={"strategy": strategy, "tasks": tasks, "providers": providers})
        environment = {"FAREBOX_HOME": home, "FAREBOX_CONFIG": f"{home}/no.toml", "OPENROUTER_API_KEY": "k"}
        app = App(client, environment=environment)
        shown: object = None
        with suppress(FareboxError):
            shown = Routed(await app.door().route(a_request(task=task)))
        events = app.door().send(a_request(task=task)).events()
        first: object = None
        with suppress(FareboxError):
            first = await anext(events)
        await events.aclose()
        await app.close()
    assert first == shown


# --- falling back --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        pytest.param(an_error(402), "insufficientCredits", id="402"),
        pytest.param(an_error(401), "keyRejected", id="401"),
        pytest.param(an_error(404), "modelNotFound", id="404"),
        pytest.param(an_error(429), "rateLimited", id="429"),
        pytest.param(an_error(500), "overloaded", id="500"),
        pytest.param(an_error(503), "overloaded", id="503"),
        pytest.param(GARBLED, "brokenReply", id="garbled"),
        pytest.param(None, "unreachable", id="refused-connection"),
    ],
)
async def test_a_target_that_fails_before_its_first_event_is_followed_by_the_next(
    open_app: OpenApp, upstream: Upstream, failing: Answer | None, kind: str
):
    upstream.queue(*([failing] if failing else []), an_error(500), HELLO)
    first = upstream.base_url if failing else no_one_listens()
    events = await events_of(open_app(CHAIN.format(first, upstream.base_url)).door(), a_request())
    back = [event for event in events if isinstance(event, FellBack)]
    assert [(one.attempt, one.max_attempts, one.failed.name) for one in back] == [
        (1, 3, "one/m"),
        (2, 3, "two/m"),
    ]
    assert all("one" in one.error or "two" in one.error for one in back)
    assert words(events) == "Hello you"
    done = events[-1]
    assert isinstance(done, Done)
    assert done.route.target.name == "three/m"
    assert [one.outcome for one in done.route.attempts] == [kind, "overloaded", "ok"]
    assert isinstance(events[0], Routed)
    assert events[0].route.target.name == "one/m"


def a_chain(chain: str, *addresses: str) -> str:
    return CHAIN.replace('["one/m", "two/m", "three/m"]', chain).format(*addresses)


async def test_what_nobody_listens_to_is_asked_for_one_model_alone(open_app: OpenApp, upstream: Upstream):
    upstream.queue(HELLO)
    config = a_chain('["one/a", "one/b", "two/c"]', no_one_listens(), upstream.base_url)
    events = await events_of(open_app(config).door(), a_request())
    assert words(events) == "Hello you"
    assert [event.failed.name for event in events if isinstance(event, FellBack)] == ["one/a"]
    done = events[-1]
    assert isinstance(done, Done)
    assert [(one.target.name, one.outcome) for one in done.route.attempts] == [
        ("one/a", "unreachable"),
        ("two/c", "ok"),
    ]
    skipped = next(one for one in done.route.candidates if one.target.name == "one/b")
    assert (skipped.verdict, skipped.why) == ("dropped", "not tried: it was left alone by then")


async def test_where_nobody_listens_the_error_says_it_once(open_app: OpenApp):
    config = a_chain('["one/a", "one/b", "one/c"]', no_one_listens(), no_one_listens())
    with pytest.raises(Unreachable) as caught:
        await events_of(open_app(config).door(), a_request())
    assert caught.value.provider == "one"


async def test_a_key_that_is_rejected_is_sent_once(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_error(401), HELLO)
    config = a_chain('["one/a", "one/b", "one/c"]', upstream.base_url, upstream.base_url)
    with pytest.raises(KeyRejected):
        await events_of(open_app(config).door(), a_request())
    assert len(upstream.requests) == 1
    upstream.queue(an_error(403), HELLO)
    assert words(await events_of(open_app(config).door(), a_request())) == "Hello you"


async def test_what_two_models_failed_of_is_said_once(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_error(503), an_error(503), an_error(429))
    config = a_chain('["one/a", "one/b", "one/c"]', upstream.base_url, upstream.base_url)
    with pytest.raises(NoRouteLeft) as caught:
        await events_of(open_app(config).door(), a_request())
    assert len(caught.value.failures) == 3
    assert caught.value.message.count("one answered 503") == 1
    assert caught.value.message.count("one answered 429") == 1


async def test_after_the_first_text_nothing_is_rerouted(open_app: OpenApp, upstream: Upstream):
    cut_in_the_second_event = HELLO.body.index(b"you")
    upstream.queue(replace(HELLO, cut_after=cut_in_the_second_event), HELLO)
    reply = open_app(CHAIN.format(upstream.base_url, upstream.base_url)).door().send(a_request())
    heard: list[Event] = []
    with pytest.raises(BrokenReply) as caught:
        await listen(reply, heard)
    assert words(heard) == "Hello "
    assert caught.value.after_first_event
    assert len(upstream.requests) == 1
    assert reply.done is not None
    assert (reply.done.finish_reason, reply.done.cancelled) == ("error", False)


async def test_a_refusal_is_not_tried_elsewhere(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_error(400), HELLO)
    with pytest.raises(Refused):
        await events_of(open_app(CHAIN.format(upstream.base_url, upstream.base_url)).door(), a_request())
    assert len(upstream.requests) == 1


async def test_when_all_have_failed_the_error_names_each(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_error(429), an_error(503), an_error(402))
    with pytest.raises(NoRouteLeft) as caught:
        await events_of(open_app(CHAIN.format(upstream.base_url, upstream.base_url)).door(), a_request())
    assert [error.kind for error in caught.value.failures] == [
        "rateLimited",
        "overloaded",
        "insufficientCredits",
    ]
    for words_of_one in ("one answered 429", "two answered 503", "three answered 402"):
        assert words_of_one in caught.value.message
    assert caught.value.hint == caught.value.failures[-1].hint


async def test_a_refusal_after_a_failure_ends_the_walk(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_error(500), an_error(400), HELLO)
    with pytest.raises(NoRouteLeft) as caught:
        await events_of(open_app(CHAIN.format(upstream.base_url, upstream.base_url)).door(), a_request())
    assert [error.kind for error in caught.value.failures] == ["overloaded", "refused"]


async def test_a_local_server_that_is_down_is_passed_over(open_app: OpenApp, upstream: Upstream):
    upstream.queue(HELLO)
    config = f'[tasks]\nchat = ["local/m", "box/m"]\n[providers.box]\nbase_url = "{upstream.base_url}"'
    app = open_app(config, FAREBOX_LOCAL_BASE_URL=no_one_listens())
    events = await events_of(app.door(), a_request())
    assert [event.failed.name for event in events if isinstance(event, FellBack)] == ["local/m"]
    assert words(events) == "Hello you"


async def test_what_the_user_says_of_a_models_context_limits_what_is_asked(
    open_app: OpenApp, upstream: Upstream
):
    upstream.queue(HELLO)
    config = f'[providers.one]\nbase_url = "{upstream.base_url}"\ncontext_tokens = 600\n'
    request = replace(a_request("one/m"), input_bytes=2_000)
    await events_of(open_app(config).door(), request)
    (sent,) = upstream.requests
    assert sent.json["max_tokens"] == 600 - 2_000 // 4 - CONTEXT_MARGIN_TOKENS


# --- the guards ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "source"),
    [
        pytest.param(False, None, id="untrusted"),
        pytest.param(True, "/ws/.env", id="secret-file"),
        pytest.param(True, "/ws/mine/notes.txt", id="excluded"),
        pytest.param(True, "/ws/x/../mine/notes.txt", id="excluded-by-another-spelling"),
    ],
)
async def test_what_may_not_leave_does_not(
    open_app: OpenApp, upstream: Upstream, trusted: bool, source: str | None
):
    config = CHAIN.format(upstream.base_url, upstream.base_url) + '[privacy]\nexclude = ["mine/"]\n'
    door = open_app(config, trusted=trusted).door()
    request = a_request(source=source)
    with pytest.raises(Excluded) as shown:
        await door.route(request)
    with pytest.raises(Excluded) as sent:
        await events_of(door, request)
    assert shown.value.message == sent.value.message
    assert upstream.connections == 0
