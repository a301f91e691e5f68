"""Where a request goes on this machine, and in local-only mode nowhere else: no name is looked up."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import trustme

from farebox.errors import LocalOnly, Unreachable
from farebox.messages import Call, Chat, Message, Text
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.openai import OpenAI
from support.patience import WAIT_S
from support.upstream import Upstream, chunk, json_answer, sse_answer

ASK = Call("m", Chat((Message("user", "Hello"),)))
OK = sse_answer(chunk({"content": "a"}), chunk({}, "stop"))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/v1/chat/completions", OK)
        server.answer("/v1/models", json_answer({"data": []}))
        yield server


def endpoint(base_url: str, *, loopback_only: bool = True) -> Endpoint:
    return Endpoint(provider="acme", dialect="openai", base_url=base_url, loopback_only=loopback_only)


async def ask(http: Http, where: Endpoint) -> str:
    async with aclosing(OpenAI(http, where).stream(ASK)) as deltas:
        return "".join([delta.text async for delta in deltas if isinstance(delta, Text)])


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that the process looks up or connects to."""
    addresses: list[object] = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def noting_connect(self: socket.socket, address: tuple[str, int]) -> None:
        addresses.append(address)
        connect(self, address)

    def noting_look_up(host: str, *args: object, **fields: object) -> object:
        addresses.append(host)
        return look_up(host, *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", noting_connect)
    monkeypatch.setattr(socket, "getaddrinfo", noting_look_up)
    return addresses


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param("https://api.example.test/v1", id="a name"),
        pytest.param("http://192.0.2.1/v1", id="an address"),
        pytest.param("http://127.0.0.1.example.test/v1", id="a name that begins like loopback"),
        pytest.param("http://localhost.example.test/v1", id="a name that begins like localhost"),
        pytest.param("http://127.0.0.1@example.test/v1", id="loopback as a user name"),
        pytest.param("http://0.0.0.0/v1", id="every interface"),
        pytest.param("http://[::]/v1", id="every interface of version 6"),
        pytest.param("http://[2001:db8::1]/v1", id="an address of version 6"),
        pytest.param("http://[::ffff:127.0.0.1]/v1", id="version 4 in version 6"),
        pytest.param("http://[::ffff:808:808]/v1", id="another machine in version 6"),
        pytest.param("http://[::1%lo]/v1", id="a scope"),
        pytest.param("http://localhost./v1", id="a name with its root"),
        pytest.param("http://2130706433/v1", id="one number"),
        pytest.param("http://0x7f.1/v1", id="hexadecimal"),
    ],
)
async def test_local_only_refuses_without_opening_a_socket(http: Http, dialled: list[object], base_url: str):
    where = endpoint(base_url)
    with pytest.raises(LocalOnly) as caught:
        await ask(http, where)
    with pytest.raises(LocalOnly):
        await http.get(where, "/models", timeout_s=WAIT_S)
    assert "127.0.0.1, [::1] or localhost" in caught.value.hint
    assert dialled == []


async def test_an_address_that_can_be_read_in_two_ways_is_none(http: Http, dialled: list[object]):
    where = endpoint("http://127\u30020\u30020\u30021.example.test/v1")
    with pytest.raises(Unreachable, match="is no address of a server"):
        await ask(http, where)
    assert dialled == []


async def test_local_only_lets_loopback_through(http: Http, upstream: Upstream, dialled: list[object]):
    assert await ask(http, endpoint(upstream.base_url)) == "a"
    assert dialled


def resolving_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let each look-up of a name give the next answer, and the last one for ever; return the names."""
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def answer(host: str, *args: object, **fields: object) -> object:
        asked.append(host)
        return look_up(answers[min(len(asked), len(answers)) - 1], *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked


async def test_local_only_asks_nobody_about_a_name_that_leads_here_today(
    http: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
):
    asked = resolving_to(monkeypatch, "127.0.0.1", "203.0.113.7")
    port = upstream.origin.rpartition(":")[2]
    rebinding = endpoint(f"http://rebinding.example.test:{port}/v1")
    for _ in range(2):
        with pytest.raises(LocalOnly):
            await ask(http, rebinding)
    assert (asked, upstream.connections) == ([], 0)


@pytest.mark.parametrize("local_only", [True, False], ids=["local-only", "else"])
@pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
async def test_localhost_is_never_looked_up(
    http: Http, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, name: str, local_only: bool
):
    asked = resolving_to(monkeypatch, "203.0.113.7")
    port = upstream.origin.rpartition(":")[2]
    assert await ask(http, endpoint(f"http://{name}:{port}/v1", loopback_only=local_only)) == "a"
    assert asked == []
    assert upstream.requests[0].headers["host"] == f"localhost:{port}"


async def test_where_nobody_listens_at_the_first_address_of_localhost_the_second_one_is_asked(
    http: Http, dialled: list[object]
):
    upstream = Upstream()
    upstream.answer("/v1/chat/completions", OK)
    try:
        server = await asyncio.start_server(upstream._accept, "::1", 0)
    except OSError:
        pytest.skip("this machine has no loopback of IPv6")
    async with server:
        port = server.sockets[0].getsockname()[1]
        dialled.clear()
        where = endpoint(f"http://localhost:{port}/v1")
        assert await ask(http, where) == "a"
        assert await ask(http, where) == "a"
        await http.aclose()
    assert [request.headers["host"] for request in upstream.requests] == [f"localhost:{port}"] * 2
    assert {str(address[0]) for address in dialled if isinstance(address, tuple)} == {"127.0.0.1", "::1"}
    assert not [name for name in dialled if isinstance(name, str)]


async def test_where_localhost_does_not_answer_at_all_it_is_unreachable(http: Http):
    async with Upstream() as gone:
        port = gone.origin.rpartition(":")[2]
    where = endpoint(f"http://localhost:{port}/v1")
    with pytest.raises(Unreachable, match=f"http://localhost:{port}/v1 could not be reached") as caught:
        await ask(http, where)
    assert not caught.value.transient
    assert caught.value.whole_provider


async def test_localhost_is_called_so_where_it_has_to_show_its_certificate(http: Http, dialled: list[object]):
    called: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(tls)
    tls.sni_callback = lambda _socket, name, _context: called.append(name)
    async with Upstream(tls) as secured:
        port = int(secured.origin.rpartition(":")[2])
        with pytest.raises(Unreachable, match="has no trusted certificate"):
            await ask(http, endpoint(f"https://localhost:{port}/v1"))
    assert called == ["localhost"]
    assert dialled == [("127.0.0.1", port)], "who shows a wrong certificate is there: nobody else is asked"
