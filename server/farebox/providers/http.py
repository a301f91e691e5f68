"""The only place that speaks HTTP: one client, bounded bodies, deadlines, and our own errors.

What the library leaves to its caller is decided here once: no redirects (they would carry a key and a
body to a stranger), no proxy or certificate from the environment, no compression (a small body could
unfold without bound), a deadline for every phase, and a key that leaves only for the origin it is
bound to.
"""

import asyncio
import ipaddress
import json
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from farebox.errors import BrokenReply, LocalOnly, ProviderError, Unreachable
from farebox.providers import failures
from farebox.providers.base import Endpoint
from farebox.providers.json_value import JsonObject, parse_object
from farebox.secrets import origin_of

CONNECT_S = 5.0
FIRST_BYTE_S = 120.0
"""A local model may have to be loaded first; a user who waits can cancel at any time."""
GAP_S = 60.0
TOTAL_S = 600.0
DRAIN_S = 0.05
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_ERROR_BODY_BYTES = 64 * 1024
MAX_CONNECTIONS = 32

_TIMEOUT = httpx2.Timeout(connect=CONNECT_S, read=None, write=10.0, pool=CONNECT_S)
_LIMITS = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8, keepalive_expiry=60.0)


@dataclass(frozen=True, slots=True)
class Body:
    """An accepted answer: its media type, and its bytes as they arrive."""

    content_type: str
    chunks: AsyncGenerator[bytes, None]


class Http:
    """The shared client of one process."""

    def __init__(self) -> None:
        self._client: httpx2.AsyncClient | None = None
        self._building = threading.Lock()

    def warm_up(self) -> None:
        """Build the client, once: it reads all root certificates, so not on the event loop."""
        with self._building:
            if self._client is not None:
                return
            self._client = httpx2.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                timeout=_TIMEOUT,
                limits=_LIMITS,
                headers={"Accept-Encoding": "identity", "User-Agent": "farebox"},
            )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    @asynccontextmanager
    async def post(
        self, endpoint: Endpoint, path: str, body: Mapping[str, object], *, model: str
    ) -> AsyncGenerator[Body]:
        """Send a JSON body; give the answer's bytes. Leaving the block closes the socket if it must.

        Raises a ProviderError for every status but 2xx and for every failure of the connection.
        """
        request = await self._request(endpoint, "POST", path, body)
        deadline = asyncio.get_running_loop().time() + TOTAL_S
        response = await self._send(endpoint, request)
        try:
            if not response.is_success:
                raise await _failure(endpoint, response, model)
            chunks = _bounded(endpoint, response, deadline, MAX_BODY_BYTES)
            async with aclosing(chunks):
                yield Body(response.headers.get("content-type", ""), chunks)
                await _drain(chunks)
        finally:
            await response.aclose()

    async def get(self, endpoint: Endpoint, path: str, *, timeout_s: float) -> JsonObject:
        """Fetch a JSON object. Raises a ProviderError, also where the answer is no JSON object."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        request = await self._request(endpoint, "GET", path)
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._send(endpoint, request)
        except TimeoutError:
            raise _timed_out(endpoint, timeout_s) from None
        try:
            if not response.is_success:
                raise await _failure(endpoint, response, None)
            async with aclosing(_bounded(endpoint, response, deadline, MAX_BODY_BYTES)) as chunks:
                raw = b"".join([chunk async for chunk in chunks])
        finally:
            await response.aclose()
        table = parse_object(raw.decode("utf-8", errors="replace"))
        if table is None:
            raise BrokenReply(
                f"{endpoint.provider} answered {path} with no JSON object",
                hint=f"Is {endpoint.base_url} the address of a model server?",
                provider=endpoint.provider,
            )
        return table

    async def _request(
        self, endpoint: Endpoint, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> httpx2.Request:
        url = _checked_url(endpoint, path)
        if endpoint.loopback_only and not is_loopback(url):
            raise LocalOnly(
                f"{endpoint.provider} is not on this machine, and local-only mode is on",
                hint="Choose a local model, or set [privacy] local_only = false in your config.",
            )
        if self._client is None:
            await asyncio.to_thread(self.warm_up)
        assert self._client is not None  # noqa: S101  warm_up has built it
        headers = dict(endpoint.headers)
        if endpoint.credential is not None and origin_of(url) == endpoint.credential.origin:
            headers["Authorization"] = f"Bearer {endpoint.credential.secret.reveal()}"
        if body is None:
            return self._client.build_request(method, url, headers=headers)
        headers["Content-Type"] = "application/json"
        # Half an emoji, which JSON lets an editor send, is no text for anyone else.
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8", errors="replace")
        return self._client.build_request(method, url, content=content, headers=headers)

    async def _send(self, endpoint: Endpoint, request: httpx2.Request) -> httpx2.Response:
        assert self._client is not None  # noqa: S101  _request has built it
        try:
            async with asyncio.timeout(FIRST_BYTE_S):
                return await self._client.send(request, stream=True)
        except TimeoutError:
            late = _timed_out(endpoint, FIRST_BYTE_S)
            late.may_be_billed = True
            raise late from None
        except httpx2.UnsupportedProtocol:
            raise _no_address(endpoint) from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as exc:
            raise _unreachable(endpoint, exc) from None
        except httpx2.TransportError:
            raise BrokenReply(
                f"{endpoint.provider} closed the connection before it answered",
                hint="Try again; if it keeps happening, choose another model or provider.",
                provider=endpoint.provider,
            ) from None


def _checked_url(endpoint: Endpoint, path: str) -> str:
    """Return the address of a path. Raises Unreachable where it can't be read, by us or by the library."""
    url = endpoint.base_url + path
    try:
        origin_of(url)
        httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise _no_address(endpoint) from None
    return url


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine by its own words (no name is looked up)."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _bounded(
    endpoint: Endpoint, response: httpx2.Response, deadline: float, max_bytes: int
) -> AsyncGenerator[bytes, None]:
    """Pass a body's bytes on within its deadlines and its size."""
    loop = asyncio.get_running_loop()
    received = 0
    async with aclosing(response.aiter_raw()) as chunks:
        while True:
            try:
                async with asyncio.timeout_at(min(deadline, loop.time() + GAP_S)):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise BrokenReply(
                    f"{endpoint.provider} stopped sending before its answer was whole",
                    hint="Try again; if it keeps happening, choose another model or provider.",
                    provider=endpoint.provider,
                ) from None
            except httpx2.TransportError:
                raise BrokenReply(
                    f"{endpoint.provider} closed the connection before its answer was whole",
                    hint="Try again; if it keeps happening, choose another model or provider.",
                    provider=endpoint.provider,
                ) from None
            if chunk is None:
                return
            received += len(chunk)
            if received > max_bytes:
                raise BrokenReply(
                    f"{endpoint.provider} sent more than {max_bytes} bytes",
                    hint="This is no answer of a model. Check the provider's base_url.",
                    provider=endpoint.provider,
                )
            yield chunk


async def _drain(chunks: AsyncGenerator[bytes, None]) -> None:
    """Read past the end mark to the body's end: only then can the connection serve the next request."""
    with suppress(BrokenReply, TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


async def _failure(endpoint: Endpoint, response: httpx2.Response, model: str | None) -> ProviderError:
    """Read an error's body, within bounds, and say what it means."""
    deadline = asyncio.get_running_loop().time() + CONNECT_S
    raw = b""
    try:
        async with aclosing(_bounded(endpoint, response, deadline, MAX_ERROR_BODY_BYTES)) as chunks:
            async for chunk in chunks:
                raw += chunk
    except BrokenReply:
        pass  # what has come must do
    return failures.from_status(
        endpoint,
        model=model,
        status=response.status_code,
        retry_after=response.headers.get("retry-after"),
        body=raw.decode("utf-8", errors="replace"),
    )


def _timed_out(endpoint: Endpoint, after_s: float) -> Unreachable:
    return Unreachable(
        f"{endpoint.provider} at {endpoint.base_url} did not answer within {after_s:g} s",
        hint="Is the server busy or loading a model? Try again, or choose another model.",
        provider=endpoint.provider,
    )


def _no_address(endpoint: Endpoint) -> Unreachable:
    """Count a wrong address as unreachable, so that a request goes on to its next target."""
    return _nobody_there(
        endpoint,
        f"{endpoint.provider} can't be reached: {endpoint.base_url} is no address of a server",
        hint=f"Correct base_url of [providers.{endpoint.provider}].",
    )


def _unreachable(endpoint: Endpoint, error: httpx2.TransportError) -> Unreachable:
    """Name the address, not the library's words: those may hold a header."""
    local = is_loopback(endpoint.base_url)
    what = "timed out" if isinstance(error, httpx2.TimeoutException) else "could not be reached"
    return _nobody_there(
        endpoint,
        f"{endpoint.provider} at {endpoint.base_url} {what}",
        hint=(
            f"Start the server, or correct base_url of [providers.{endpoint.provider}]."
            if local
            else "Check the network, or correct the provider's base_url."
        ),
    )


def _nobody_there(endpoint: Endpoint, message: str, *, hint: str) -> Unreachable:
    error = Unreachable(message, hint=hint, provider=endpoint.provider)
    error.whole_provider = True
    return error
