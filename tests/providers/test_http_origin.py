"""A key leaves for the origin that it is bound to, however an address is written and whatever is set."""

import contextlib
import ssl
from pathlib import Path
from typing import Literal

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farebox.errors import FareboxError, ProviderError
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.secrets import Credential, Secret, origin_of
from support.canary import KEY
from support.client import Client, Failed
from support.environment import openrouter_config
from support.upstream import Answer, Recorded, Upstream, json_answer, openrouter_stream

Header = Literal["Authorization", "x-api-key"]

HOSTS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "api.openai.com",
    "api.openai.com.evil.test",
    "bücher.test",
    "",
)
FORMS = (
    "http://{a}",
    "HTTP://{a}/v1",
    "http://{a}@{b}/v1",
    "http://{a}:x@{b}",
    "http://{a}\\@{b}",
    "http://{a}/@{b}",
    "http://{a}#@{b}",
    "http://{a}?@{b}",
    "http:\\\\{a}\\{b}",
    "http:///{a}",
    "http://{a};{b}",
    "http://{a}%40{b}",
    "http://{a}%2f@{b}",
    "http://{a}\t@{b}",
    " http://{a} ",
    "https://{a}",
    "//{a}",
    "http://[{a}]@{b}",
)


def holds_the_key(request: Recorded) -> bool:
    return KEY in repr(request.headers) + repr(request.raw) + request.path


async def send(base_url: str, bound_to: str, header: Header = "Authorization") -> None:
    """Ask at an address with a key for an origin, or be refused. Each time the addresses are read anew."""
    http = Http()
    credential = Credential(Secret(KEY), bound_to)
    where = Endpoint(
        "acme", "openai", base_url=base_url, credential=credential, loopback_only=True, key_header=header
    )
    with contextlib.suppress(FareboxError):
        await http.get(where, "/models", timeout_s=2.0)
    await http.aclose()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    form=st.sampled_from(FORMS),
    hosts=st.tuples(st.sampled_from(HOSTS), st.sampled_from(HOSTS)),
    ports=st.permutations(["own", "other", "none"]),
)
async def test_only_the_origin_that_a_key_is_bound_to_ever_gets_it(
    form: str, hosts: tuple[str, str], ports: list[str]
) -> None:
    async with Upstream() as own, Upstream() as other:
        servers = {"own": own, "other": other}
        number = {"none": "", **{name: f":{one.origin.rpartition(':')[2]}" for name, one in servers.items()}}
        base_url = form.format(a=hosts[0] + number[ports[0]], b=hosts[1] + number[ports[1]])
        await send(base_url, origin_of(own.origin))
        assert not any(holds_the_key(request) for request in other.requests)
        for request in own.requests:
            is_bound = request.headers["host"] == own.origin.removeprefix("http://")
            assert holds_the_key(request) == is_bound, "by another name it is another origin"


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:{port}/v1", "HTTP://127.0.0.1:{port}", "http://127.0.0.1:{port}/a/b"]
)
async def test_the_key_does_leave_for_its_own_origin(form: str) -> None:
    async with Upstream() as own:
        await send(form.format(port=own.origin.rpartition(":")[2]), origin_of(own.origin))
        assert [holds_the_key(request) for request in own.requests] == [True]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
async def test_no_key_goes_where_a_redirect_leads(header: Header, scheme: str) -> None:
    async with Upstream() as own, Upstream() as other:
        elsewhere = f"{scheme}://localhost:{other.origin.rpartition(':')[2]}/models"
        own.answer("/v1/models", Answer(status=307, headers={"Location": elsewhere}))
        await send(own.base_url, origin_of(own.origin), header)
        assert [KEY in request.headers[header.lower()] for request in own.requests] == [True]
        assert other.connections == 0


@pytest.mark.parametrize("url", ["http://bücher.test", "http://a b/", "http://[::1", "http:///v1"])
async def test_what_two_readers_read_differently_is_no_address(url: str) -> None:
    with pytest.raises(ProviderError, match="is no address of a server"):
        await Http().get(Endpoint("acme", "openai", base_url=url), "/models", timeout_s=2.0)


def test_a_repository_and_an_environment_that_want_to_listen_hear_nothing(tmp_path: Path) -> None:
    """Its ``.env`` has another key, proxies and certificates are set: the user's key goes to its place."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "theirs.pem")
    keylog = tmp_path / "keys.log"
    with Upstream.in_thread() as proxy, Upstream.in_thread() as own, Upstream.in_thread(tls) as secured:
        own.answer("/v1/chat/completions", Answer(body=openrouter_stream("Hello")))
        secured.answer("/v1/chat/completions", json_answer({}))
        around = {
            **dict.fromkeys(
                ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), proxy.origin
            ),
            "NO_PROXY": "",
            "SSL_CERT_FILE": str(tmp_path / "theirs.pem"),
            "SSLKEYLOGFILE": str(keylog),
        }
        lines = [f"{name}={value}" for name, value in around.items()]
        env = "\n".join([*lines, "OPENROUTER_API_KEY=sk-of-the-attacker", f"OPENAI_BASE_URL={proxy.origin}"])
        mine = {**around, "OPENROUTER_API_KEY": KEY}
        for upstream in (own, secured):
            config = openrouter_config(upstream.base_url)
            repository = tmp_path / ("own" if upstream is own else "secured")
            repository.mkdir()
            (repository / ".env").write_text(env, "utf-8")
            with Client(repository, config=config, environment=mine) as client:
                client.initialize(rootUri=repository.as_uri())
                if upstream is own:
                    client.chat("Hello")
                else:
                    with pytest.raises(Failed, match="no trusted certificate"):
                        client.chat("Hello")
        assert {request.headers.get("authorization") for request in own.requests} == {f"Bearer {KEY}"}
        assert (proxy.connections, secured.requests) == (0, [])
    assert not keylog.exists() or keylog.stat().st_size == 0
