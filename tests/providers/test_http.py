"""The one place that speaks HTTP: what never leaves, and how every wait ends."""

import asyncio
import gc
import gzip
import socket
import ssl
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import trustme

from farebox.errors import BrokenReply, KeyRejected, Overloaded, ProviderError, Unreachable
from farebox.messages import Call, Chat, Message, Text
from farebox.providers.base import Deadlines, Endpoint
from farebox.providers.clock import LOOKS_EACH_S
from farebox.providers.http import MAX_ERROR_BODY_BYTES, Http
from farebox.providers.nap import SLEPT_S
from farebox.providers.openai import OpenAI
from farebox.secrets import Credential, Secret, origin_of
from farebox.unseen import shown
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, sse, sse_answer

KEY = "test-0123456789"
ASK = Call("m", Chat((Message("user", "Hello"),)))
OK = sse_answer(chunk({"content": "a"}), chunk({}, "stop"))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/v1/chat/completions", OK)
        server.answer("/v1/models", json_answer({"data": []}))
        yield server


def endpoint(base_url: str, **fields: object) -> Endpoint:
    return Endpoint(provider="acme", dialect="openai", base_url=base_url, **fields)  # type: ignore[arg-type]


def key_for(url: str) -> Credential:
    return Credential(Secret(KEY), origin_of(url))


async def ask(http: Http, where: Endpoint) -> str:
    async with aclosing(OpenAI(http, where).stream(ASK)) as deltas:
        return "".join([delta.text async for delta in deltas if isinstance(delta, Text)])


async def check_headers(http: Http, upstream: Upstream, where: Endpoint) -> dict[str, str]:
    """Send a GET and a POST; both must arrive with the same headers of ours."""
    await http.get(where, "/models", timeout_s=WAIT_S)
    assert await ask(http, where) == "a"
    get, post = (dict(request.headers) for request in upstream.requests)
    assert get.get("authorization") == post.get("authorization")
    return post


async def test_the_key_is_sent_to_its_origin(http: Http, upstream: Upstream):
    where = endpoint(upstream.base_url, credential=key_for(upstream.base_url))
    assert (await check_headers(http, upstream, where))["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://openrouter.ai/api/v1", id="another host"),
        pytest.param("http://127.0.0.1:1/v1", id="another port"),
        pytest.param("http://localhost:{port}/v1", id="another name of the same host"),
        pytest.param("https://127.0.0.1:{port}/v1", id="another scheme"),
    ],
)
async def test_the_key_is_not_sent_to_another_origin(http: Http, upstream: Upstream, origin: str):
    port = upstream.origin.rpartition(":")[2]
    where = endpoint(upstream.base_url, credential=key_for(origin.format(port=port)))
    headers = await check_headers(http, upstream, where)
    assert "authorization" not in headers
    assert KEY not in str(headers)


async def test_every_request_asks_for_plain_bytes_and_carries_the_vendors_headers(
    http: Http, upstream: Upstream
):
    headers = await check_headers(http, upstream, endpoint(upstream.base_url, headers=(("X-Title", "t"),)))
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "farebox"
    assert headers["x-title"] == "t"


async def test_a_request_names_its_host_with_the_port_and_its_length(http: Http, upstream: Upstream):
    port = upstream.origin.rpartition(":")[2]
    for name in ("127.0.0.1", "LocalHost"):
        upstream.requests.clear()
        headers = await check_headers(http, upstream, endpoint(f"http://{name}:{port}/v1"))
        assert headers["host"] == f"{name.lower()}:{port}"
        get, post = upstream.requests
        assert post.headers["content-length"] == str(len(post.raw))
        assert "content-length" not in get.headers
        assert post.headers["content-type"] == "application/json"


async def test_bytes_are_sent_as_they_are_with_the_type_that_the_endpoint_names(
    http: Http, upstream: Upstream
):
    upstream.queue(Answer())
    typed = endpoint(upstream.base_url, headers=(("Content-Type", "application/x-protobuf"),))
    async with http.post(typed, "/metrics", b"\x0a\x00{", model=""):
        pass
    (request,) = upstream.requests
    assert (request.raw, request.headers["content-length"]) == (b"\x0a\x00{", "3")
    assert request.headers["content-type"] == "application/x-protobuf"


async def test_a_proxy_of_the_environment_is_not_used(
    http: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
):
    async with Upstream() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
            monkeypatch.setenv(name.lower(), proxy.origin)
        monkeypatch.setenv("NO_PROXY", "")
        assert await ask(http, endpoint(upstream.base_url)) == "a"
        assert proxy.connections == 0


async def test_closing_the_generator_closes_the_socket(http: Http, upstream: Upstream):
    upstream.queue(sse_answer(chunk({"content": "a"}), done=False, hang=True))
    deltas = OpenAI(http, endpoint(upstream.base_url)).stream(ASK)
    assert await anext(deltas) == Text("a")
    assert not upstream.closed.is_set()
    await deltas.aclose()
    await asyncio.wait_for(upstream.requests[0].closed.wait(), WAIT_S)


@pytest.mark.parametrize("inside", [False, True], ids=["before the first byte", "inside the answer"])
async def test_cancelling_the_task_closes_the_socket(http: Http, upstream: Upstream, inside: bool):
    half = sse_answer(chunk({"content": "a"}), done=False, hang=True)
    upstream.queue(half if inside else Answer(hang=True))
    heard = asyncio.Event()

    async def listen() -> None:
        async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
            async for _ in deltas:
                heard.set()

    task = asyncio.create_task(listen())
    await asyncio.wait_for((heard if inside else upstream.arrived).wait(), WAIT_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert heard.is_set() == inside
    await asyncio.wait_for(upstream.requests[0].closed.wait(), WAIT_S)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Answer(hang=True), Unreachable, id="no answer"),
        pytest.param(Answer(body=b'{"a":', hang=True), BrokenReply, id="half an answer"),
    ],
)
async def test_a_get_ends_at_its_deadline(
    http: Http, upstream: Upstream, answer: Answer, error: type[ProviderError]
):
    http.warm_up()
    ended: ProviderError | None = None
    for timeout_s in (0.25, 1.0, 4.0, 16.0):  # on a busy machine an early one may end the connecting
        upstream.queue(answer)
        with pytest.raises(ProviderError) as caught:
            await http.get(endpoint(upstream.base_url), "/models", timeout_s=timeout_s)
        ended = caught.value
        if upstream.requests and isinstance(ended, error):
            break
    assert isinstance(ended, error)
    assert ended.hint
    await asyncio.wait_for(upstream.requests[-1].closed.wait(), WAIT_S)


async def test_a_closed_port_is_unreachable_and_the_message_names_the_address(http: Http):
    async with Upstream() as gone:
        where = endpoint(gone.base_url, credential=key_for(gone.base_url))
    with pytest.raises(Unreachable) as caught:
        await ask(http, where)
    assert where.base_url in caught.value.message
    assert KEY not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param("http://192.168.1.300:8000/v1", id="an address with too large a number"),
        pytest.param("http://host:99999/v1", id="a port with too large a number"),
        pytest.param("http://host:abc/v1", id="a port in words"),
        pytest.param("http://[::1/v1", id="half a bracket"),
        pytest.param("http://☃.test/v1", id="a name that is none"),
        pytest.param("http://a\0b/v1", id="a NUL"),
        pytest.param("http://127.0.0.1:1/\ud800", id="half a character"),
        pytest.param("http:///v1", id="no host"),
        pytest.param("ftp://127.0.0.1/v1", id="another protocol"),
        pytest.param("nonsense", id="nonsense"),
    ],
)
@pytest.mark.parametrize("fields", [{}, {"credential": key_for("http://host")}], ids=["", "with a key"])
async def test_an_address_that_is_none_is_unreachable_and_named(
    http: Http, base_url: str, fields: dict[str, object]
):
    where = endpoint(base_url, **fields)
    with pytest.raises(Unreachable) as asked:
        await ask(http, where)
    with pytest.raises(Unreachable):
        await http.get(where, "/models", timeout_s=WAIT_S)
    assert f"acme can't be reached: {shown(base_url)} is no address" in asked.value.message
    assert asked.value.hint == "Correct base_url of [providers.acme]."
    assert not asked.value.may_be_billed


async def test_a_get_of_no_json_object_is_broken(http: Http, upstream: Upstream):
    upstream.queue(Answer(body=b"<html>", content_type="text/html"))
    with pytest.raises(BrokenReply):
        await http.get(endpoint(upstream.base_url), "/models", timeout_s=WAIT_S)


async def test_an_error_body_is_read_within_its_bound(http: Http, upstream: Upstream):
    upstream.queue(Answer(status=500, body=b"x" * (MAX_ERROR_BODY_BYTES * 4), content_type="text/plain"))
    with pytest.raises(Overloaded) as caught:
        await ask(http, endpoint(upstream.base_url))
    assert len(caught.value.message) < 1_000


async def test_an_error_body_that_is_cut_off_still_tells_its_status(http: Http, upstream: Upstream):
    upstream.queue(Answer(status=401, body=b'{"error": {"message": "No auth"}}', cut_after=12))
    with pytest.raises(KeyRejected):
        await ask(http, endpoint(upstream.base_url))


async def test_a_closed_client_builds_itself_anew(http: Http, upstream: Upstream):
    assert await ask(http, endpoint(upstream.base_url)) == "a"
    await http.aclose()
    await http.aclose()
    assert await ask(http, endpoint(upstream.base_url)) == "a"


# --- deadlines -----------------------------------------------------------------------------------

LATE = Deadlines(first_token_s=0.5, gap_s=0.5, total_s=1.5)
STREAM = "text/event-stream"


@pytest.mark.parametrize(
    ("answer", "at_least_s", "words"),
    [
        pytest.param(
            Answer(body=b": ping\n\n", content_type=STREAM, repeat=0, delay_s=0.05),
            LATE.first_token_s,
            "stopped sending",
            id="comments are no first token",
        ),
        pytest.param(
            sse_answer(chunk({"role": "assistant", "content": ""}), done=False, repeat=0, delay_s=0.05),
            LATE.first_token_s,
            "stopped sending",
            id="nor are empty pieces",
        ),
        pytest.param(
            sse_answer(chunk({"content": "a"}), done=False, hang=True),
            LATE.gap_s,
            "stopped sending",
            id="after a token the gap counts",
        ),
        pytest.param(
            sse_answer(chunk({"content": "a"}), done=False, repeat=0, delay_s=0.1),
            LATE.total_s,
            "stopped sending",
            id="tokens without end reach the whole's",
        ),
    ],
)
async def test_an_answer_that_is_late_ends_at_its_deadline(
    http: Http, upstream: Upstream, answer: Answer, at_least_s: float, words: str
):
    http.warm_up()
    upstream.queue(answer)
    started_s = time.monotonic()
    with pytest.raises(BrokenReply, match=words) as caught:
        await ask(http, endpoint(upstream.base_url, deadlines=LATE))
    assert at_least_s <= time.monotonic() - started_s < LATE.total_s + 1
    assert not caught.value.transient
    await asyncio.wait_for(upstream.requests[0].closed.wait(), WAIT_S)


async def test_an_answer_may_take_longer_than_its_first_token_and_its_gaps(http: Http, upstream: Upstream):
    pieces = [sse(chunk({"content": letter}), done=False) for letter in "slowly"]
    body = b"".join(pieces) + sse(chunk({}, "stop"))
    sizes = [*map(len, pieces), len(body)]
    upstream.queue(Answer(body=body, content_type=STREAM, chunk_sizes=sizes, delay_s=0.2))
    started_s = time.monotonic()
    where = endpoint(upstream.base_url, deadlines=Deadlines(first_token_s=1, gap_s=1, total_s=WAIT_S))
    assert await ask(http, where) == "slowly"
    assert time.monotonic() - started_s > 1


async def test_after_a_sleep_of_the_machine_no_old_connection_is_used(upstream: Upstream):
    asleep_s = [0.0]
    http = Http(lambda: sum(asleep_s))
    for slept_s, connections in ((0.0, 1), (SLEPT_S, 1), (1.0, 2), (0.0, 2)):
        asleep_s.append(slept_s)
        assert await ask(http, endpoint(upstream.base_url)) == "a"
        assert upstream.connections == connections
    await http.aclose()


async def test_a_stream_over_which_the_machine_has_slept_ends_with_an_error(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
):
    asleep_s = [0.0]
    http = Http(lambda: sum(asleep_s))
    http.warm_up()
    upstream.queue(sse_answer(chunk({"content": "a"}), done=False, hang=True))
    async with aclosing(OpenAI(http, endpoint(upstream.base_url)).stream(ASK)) as deltas:
        assert await anext(deltas) == Text("a")
        waiting = asyncio.ensure_future(anext(deltas))
        await asyncio.sleep(0)
        asleep_s.append(SLEPT_S + 1)
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + LOOKS_EACH_S)
        with pytest.raises(BrokenReply, match="stopped sending"):
            await asyncio.wait_for(waiting, WAIT_S)
    await asyncio.wait_for(upstream.requests[0].closed.wait(), WAIT_S)
    assert await ask(http, endpoint(upstream.base_url)) == "a"
    assert upstream.connections == 2
    await http.aclose()


# --- what is no answer ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, identity"])
async def test_a_compressed_answer_is_refused_unread(http: Http, upstream: Upstream, encoding: str):
    packed = Answer(body=gzip.compress(OK.body), content_type=STREAM, headers={"Content-Encoding": encoding})
    upstream.queue(packed, packed)
    with pytest.raises(BrokenReply, match="compressed its answer") as caught:
        await ask(http, endpoint(upstream.base_url))
    assert not caught.value.transient
    with pytest.raises(BrokenReply, match="compressed its answer"):
        await http.get(endpoint(upstream.base_url), "/models", timeout_s=WAIT_S)


async def test_an_answer_may_say_that_it_is_plain(http: Http, upstream: Upstream):
    upstream.queue(Answer(body=OK.body, content_type=STREAM, headers={"Content-Encoding": "identity"}))
    assert await ask(http, endpoint(upstream.base_url)) == "a"


async def test_an_error_that_is_compressed_keeps_its_status(http: Http, upstream: Upstream):
    headers = {"Content-Encoding": "gzip"}
    upstream.queue(Answer(status=401, body=gzip.compress(b'{"error": "No auth"}'), headers=headers))
    with pytest.raises(KeyRejected) as caught:
        await ask(http, endpoint(upstream.base_url))
    assert caught.value.message == "acme answered 401"


@pytest.mark.parametrize("start", [b"", b" \r\n\t", b"\xef\xbb\xbf"], ids=["", "blanks", "byte order mark"])
@pytest.mark.parametrize("content_type", ["text/html", STREAM, "application/json"])
async def test_a_page_is_named_whatever_it_calls_itself(
    http: Http, upstream: Upstream, content_type: str, start: bytes
):
    page = Answer(body=start + b"<!DOCTYPE html>" + b"x" * 500, content_type=content_type, chunk_sizes=(1,))
    upstream.queue(page, page)
    with pytest.raises(BrokenReply, match="answered with a web page") as caught:
        await ask(http, endpoint(upstream.base_url))
    assert not caught.value.transient
    with pytest.raises(BrokenReply, match="answered with a web page"):
        await http.get(endpoint(upstream.base_url), "/models", timeout_s=WAIT_S)


async def test_a_stream_that_calls_itself_a_page_is_read(http: Http, upstream: Upstream):
    upstream.queue(Answer(body=OK.body, content_type="text/html"))
    assert await ask(http, endpoint(upstream.base_url)) == "a"


async def test_a_page_with_an_error_keeps_its_status(http: Http, upstream: Upstream):
    upstream.queue(Answer(status=502, body=b"<html>Bad gateway</html>", content_type="text/html"))
    with pytest.raises(Overloaded, match="acme answered 502: a page that is no JSON"):
        await ask(http, endpoint(upstream.base_url))


async def test_the_hint_to_wait_comes_from_the_headers(http: Http, upstream: Upstream):
    upstream.queue(json_answer({}, status=503, headers={"Retry-After": "3"}))
    with pytest.raises(Overloaded) as caught:
        await ask(http, endpoint(upstream.base_url))
    assert caught.value.retry_after_s == 3.0


# --- what may mend -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "transient"),
    [
        pytest.param("127.0.0.1", False, id="a server of the user's own has to be started"),
        pytest.param("api.example.test", True, id="a network may come back"),
    ],
)
async def test_where_nobody_listens(http: Http, monkeypatch: pytest.MonkeyPatch, host: str, transient: bool):
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **named: look_up("127.0.0.1", *more, **named))
    async with Upstream() as gone:
        port = gone.origin.rpartition(":")[2]
    with pytest.raises(Unreachable) as caught:
        await ask(http, endpoint(f"http://{host}:{port}/v1"))
    assert caught.value.transient == transient


@pytest.mark.parametrize("cut_after", [0, 10])
async def test_a_connection_that_broke_may_hold_the_next_time(http: Http, upstream: Upstream, cut_after: int):
    upstream.queue(Answer(body=OK.body, content_type=STREAM, cut_after=cut_after))
    with pytest.raises(BrokenReply) as caught:
        await ask(http, endpoint(upstream.base_url))
    assert caught.value.transient


@pytest.mark.parametrize("cut_after", [0, 10])
async def test_an_error_that_was_dealt_with_keeps_nothing(http: Http, upstream: Upstream, cut_after: int):
    async def fail() -> "weakref.ref[ProviderError]":
        try:
            await ask(http, endpoint(upstream.base_url))
        except ProviderError as error:
            return weakref.ref(error)
        raise AssertionError("it was cut")

    upstream.queue(Answer(body=OK.body, content_type=STREAM, cut_after=cut_after))
    gc.disable()  # it would come to the rescue, some time
    try:
        assert (await fail())() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("127.0.0.1", "unable to get local issuer certificate", id="an unknown authority"),
        pytest.param("example.test", "certificate", id="another name"),
    ],
)
async def test_a_certificate_that_is_not_trusted_is_named(http: Http, name: str, words: str):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(tls)
    async with Upstream(tls) as secured:
        with pytest.raises(Unreachable, match="has no trusted certificate") as caught:
            await ask(http, endpoint(secured.base_url, credential=key_for(secured.base_url)))
        assert words in caught.value.message
        assert "clock" in caught.value.hint
        assert caught.value.whole_provider
        assert not caught.value.transient
        assert secured.requests == []
