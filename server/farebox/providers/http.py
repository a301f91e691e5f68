"""The only place that speaks HTTP: one client, bounded bodies, deadlines, and our own errors.

What the library leaves to its caller is decided here once: no redirects (they would carry a key and a
body to a stranger), no proxy or certificate from the environment, no compression (a small body could
unfold without bound), a deadline for every phase, and a key that leaves only for the origin it is
bound to.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from ssl import SSLCertVerificationError

import httpx2

from farebox.errors import BrokenReply, LocalOnly, ProviderError, Unreachable
from farebox.providers import failures
from farebox.providers.address import AS_WRITTEN, LOCALHOST, is_loopback, loopback_addresses
from farebox.providers.base import Deadlines, Endpoint
from farebox.providers.clock import Clock
from farebox.providers.handshake import closing_unfinished
from farebox.providers.json_value import JsonObject, parse_object
from farebox.providers.nap import Nap, asleep_s
from farebox.providers.trust import untrusted
from farebox.secrets import origin_of

WRITE_S = 10.0
POOL_S = 5.0
ERROR_BODY_S = 5.0
DRAIN_S = 0.05
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_WHOLE_BYTES = 4 * 1024 * 1024
MAX_ERROR_BODY_BYTES = 64 * 1024
MAX_CONNECTIONS = 32

_AGAIN = "Try again; if it keeps happening, choose another model or provider."
_WRONG_PLACE = "This is no answer of a model. Check the provider's base_url."
_PAGE = b"<"
_BLANK = b"\xef\xbb\xbf \t\r\n"
_SECOND = "farebox_second_url"

for _library in ("httpx2", "httpcore2"):
    # At debug level they log the headers of answers, in which a provider may repeat the key.
    logging.getLogger(_library).setLevel(logging.CRITICAL + 1)

_TO_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "farebox"}
_LIMITS = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=8, keepalive_expiry=60.0)


@dataclass(frozen=True, slots=True)
class Body:
    """An accepted answer: its media type and headers, its bytes as they arrive, the clock told of tokens."""

    content_type: str
    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes, None]
    clock: Clock


class Http:
    """The shared connections of one process.

    A transport and no client of the library: there are no cookies and redirects to be kept from happening.
    ``require`` is asked before each request, and raises a FareboxError where none may leave.
    """

    def __init__(
        self, asleep: Callable[[], float] = asleep_s, require: Callable[[], None] = lambda: None
    ) -> None:
        self._require = require
        self._asleep, self._nap = asleep, Nap(asleep)
        self._transport: httpx2.AsyncHTTPTransport | None = None
        self._building = threading.Lock()

    def warm_up(self) -> None:
        """Build the transport, once: it reads all root certificates, so not on the event loop."""
        with self._building:
            if self._transport is None:
                self._transport = httpx2.AsyncHTTPTransport(trust_env=False, limits=_LIMITS)

    async def aclose(self) -> None:
        """Close all connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    @asynccontextmanager
    async def post(
        self, endpoint: Endpoint, path: str, body: Mapping[str, object] | bytes, *, model: str
    ) -> AsyncGenerator[Body]:
        """Send JSON, or bytes whose type the endpoint's headers tell. Leaving the block may close the socket.

        Raises a ProviderError for every status but 2xx and for every failure of the connection.
        """
        request = await self._request(endpoint, "POST", path, body)
        clock = Clock(endpoint.deadlines, self._asleep)
        async with self._exchange(endpoint, request, clock, model) as response:
            chunks = _bounded(endpoint, response, clock, MAX_BODY_BYTES)
            async with aclosing(chunks):
                yield Body(response.headers.get("content-type", ""), response.headers, chunks, clock)
                await _drain(chunks, clock)

    async def get(self, endpoint: Endpoint, path: str, *, timeout_s: float) -> JsonObject:
        """Fetch a JSON object. Raises a ProviderError, also where the answer is no JSON object."""
        request = await self._request(endpoint, "GET", path)
        clock = Clock(Deadlines(first_token_s=timeout_s, total_s=timeout_s), self._asleep)
        async with (
            self._exchange(endpoint, request, clock, None) as response,
            aclosing(_bounded(endpoint, response, clock, MAX_WHOLE_BYTES)) as chunks,
        ):
            raw = b"".join([chunk async for chunk in chunks])
        table = parse_object(raw.decode("utf-8", errors="replace"))
        if table is None:
            hint = f"Is {endpoint.base_url} the address of a model server?"
            raise broken(endpoint, f"answered {path} with no JSON object", hint=hint)
        return table

    async def _request(
        self, endpoint: Endpoint, method: str, path: str, body: Mapping[str, object] | bytes = b""
    ) -> httpx2.Request:
        self._require()
        address = _checked_address(endpoint, path)
        if endpoint.loopback_only and not address.is_here:
            raise LocalOnly(
                f"{endpoint.provider} is not on this machine, and local-only mode is on",
                hint=f"A server on this machine has the address {AS_WRITTEN}. Choose such a one, "
                "or set [privacy] local_only = false in your config.",
            )
        if self._nap.was_taken:
            self._nap = Nap(self._asleep)
            await self.aclose()  # dead connections would be found out one by one, each by a deadline
        if self._transport is None:
            await asyncio.to_thread(self.warm_up)
        headers = {"Host": address.host, **_HEADERS, **dict(endpoint.headers)}
        if endpoint.credential is not None and address.origin == endpoint.credential.origin:
            key = endpoint.credential.secret.reveal()
            headers[endpoint.key_header] = f"Bearer {key}" if endpoint.key_header == "Authorization" else key
        connect_s = endpoint.deadlines.connect_s
        timeout = {"connect": connect_s, "read": None, "write": WRITE_S, "pool": POOL_S}
        if not isinstance(body, bytes):
            headers["Content-Type"] = "application/json"
            # Half an emoji, which JSON lets an editor send, is no text for anyone else.
            body = _TO_JSON(body).encode("utf-8", errors="replace")
        if body:
            headers["Content-Length"] = str(len(body))
        extensions = {"timeout": timeout, **address.extensions}
        stream = httpx2.ByteStream(body)  # which adds no header, and so takes less than half as long
        return httpx2.Request(method, address.url, headers=headers, stream=stream, extensions=extensions)

    @asynccontextmanager
    async def _exchange(
        self, endpoint: Endpoint, request: httpx2.Request, clock: Clock, model: str | None
    ) -> AsyncGenerator[httpx2.Response]:
        """Send a request and give the answer, if it is accepted; in the end let its socket and clock go."""
        try:
            response = await self._send(endpoint, request, clock)
            try:
                if not response.is_success:
                    raise await _failure(endpoint, response, model, within_s=clock.left_s)
                _check_encoding(endpoint, response)
                yield response
            finally:
                await response.aclose()
        finally:
            clock.stop()

    async def _send(self, endpoint: Endpoint, request: httpx2.Request, clock: Clock) -> httpx2.Response:
        assert self._transport is not None  # noqa: S101  _request has built it
        started = asyncio.get_running_loop().time()
        try:
            with clock:
                response = await _reached(self._transport, request)
            response.request = request
            return response
        except TimeoutError:
            failure: ProviderError = _timed_out(endpoint, clock.due - started)
            failure.may_be_billed = True
        except httpx2.UnsupportedProtocol:
            failure = _no_address(endpoint)
        except httpx2.PoolTimeout:
            failure = _too_many(endpoint)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
            failure = _unreachable(endpoint, exc)
        except httpx2.TransportError:
            failure = _closed(endpoint, "before it answered")
        try:
            raise failure  # not above: the library's error quotes headers, and would stay in its __context__
        finally:
            del failure  # else it would be kept by a frame that it keeps


async def _reached(transport: httpx2.AsyncHTTPTransport, request: httpx2.Request) -> httpx2.Response:
    """Send a request; if nobody listens at its first address, to the second one: ``localhost`` has two."""
    try:
        if request.url.scheme != "https":
            return await transport.handle_async_request(request)
        async with closing_unfinished(request.extensions):
            return await transport.handle_async_request(request)
    except httpx2.ConnectError as exc:
        if _SECOND not in request.extensions or untrusted(exc) is not None:
            raise
    request.url = request.extensions.pop(_SECOND)
    return await _reached(transport, request)


@dataclass(frozen=True, slots=True)
class _Address:
    """An address that both we and the library can read, and the origin that keys are bound to.

    ``url`` is where the library connects: for ``localhost``, which is never looked up, an address.
    """

    url: httpx2.URL
    origin: str
    host: str
    is_here: bool
    extensions: Mapping[str, object]


def _checked_address(endpoint: Endpoint, path: str) -> _Address:
    """Return the address of a path. Raises Unreachable where it can't be read, by us or by the library."""
    try:
        return _parsed(endpoint.base_url + path)
    except (httpx2.InvalidURL, ValueError):
        raise _no_address(endpoint) from None


@lru_cache(maxsize=64)
def _parsed(url: str) -> _Address:
    """Parse an address, once. Raises InvalidURL or ValueError."""
    origin = origin_of(url)  # reads the port, which the library does not
    parsed = httpx2.URL(url)
    if not parsed.host:
        raise ValueError("no host")
    if origin_of(str(parsed)) != origin:
        raise ValueError("the library would connect elsewhere than we have read")
    here = loopback_addresses(parsed.host)
    first, *second = [parsed.copy_with(host=address) for address in here] or [parsed]
    extensions = {"sni_hostname": LOCALHOST, _SECOND: second[0]} if second else {}
    return _Address(first, origin, parsed.netloc.decode("ascii"), bool(here), extensions)


async def _bounded(
    endpoint: Endpoint, response: httpx2.Response, clock: Clock, max_bytes: int, *, allow_page: bool = False
) -> AsyncGenerator[bytes, None]:
    """Pass a body's bytes on within its deadlines and its size. Raises BrokenReply, also for a web page."""
    received = 0
    start = b""
    async with aclosing(response.aiter_raw()) as chunks:
        while True:
            chunk, failure = None, None
            try:
                with clock:
                    chunk = await anext(chunks, None)
            except TimeoutError:
                failure = broken(endpoint, "stopped sending before its answer was whole")
            except httpx2.TransportError:
                failure = _closed(endpoint, "before its answer was whole")
            if failure is not None:
                try:
                    raise failure
                finally:
                    del failure  # as above
            if chunk is None:
                return
            received += len(chunk)
            if received > max_bytes:
                raise broken(endpoint, f"sent more than {max_bytes} bytes", hint=_WRONG_PLACE)
            if not start and not allow_page:
                start = chunk.lstrip(_BLANK)
                if start.startswith(_PAGE):
                    raise broken(endpoint, "answered with a web page", hint=_WRONG_PLACE)
            yield chunk


async def _drain(chunks: AsyncGenerator[bytes, None], clock: Clock) -> None:
    """Read past the end mark to the body's end: only then can the connection serve the next request."""
    clock.hurry(DRAIN_S)
    with suppress(BrokenReply):
        async for _ in chunks:
            pass


async def _failure(
    endpoint: Endpoint, response: httpx2.Response, model: str | None, *, within_s: float
) -> ProviderError:
    """Read an error's body, within bounds, and say what it means."""
    within_s = min(within_s, ERROR_BODY_S)
    clock = Clock(Deadlines(first_token_s=within_s, total_s=within_s))
    raw = b""
    try:
        _check_encoding(endpoint, response)
        body = _bounded(endpoint, response, clock, MAX_ERROR_BODY_BYTES, allow_page=True)
        async with aclosing(body) as chunks:
            async for chunk in chunks:
                raw += chunk
    except BrokenReply:
        pass  # what has come must do
    finally:
        clock.stop()
    return failures.from_status(
        endpoint,
        model=model,
        status=response.status_code,
        headers=dict(response.headers),
        body=raw.decode("utf-8", errors="replace"),
    )


def _check_encoding(endpoint: Endpoint, response: httpx2.Response) -> None:
    """Raise BrokenReply for a compressed body: nobody asked for it, and it may unfold without bound."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        hint = "A proxy in between may do so: it must pass on Accept-Encoding. Or choose another provider."
        raise broken(endpoint, "compressed its answer, which was not asked for", hint=hint)


def broken(endpoint: Endpoint, what: str, *, hint: str = _AGAIN, transient: bool = False) -> BrokenReply:
    """Return the error for an answer that can't be used."""
    error = BrokenReply(f"{endpoint.provider} {what}", hint=hint, provider=endpoint.provider)
    error.transient = transient
    return error


def _closed(endpoint: Endpoint, when: str) -> BrokenReply:
    return broken(endpoint, f"closed the connection {when}", transient=True)


def _too_many(endpoint: Endpoint) -> Unreachable:
    """Name our own limit: the provider has not been asked."""
    error = Unreachable(
        f"{endpoint.provider} was not asked: {MAX_CONNECTIONS} requests are running already",
        hint="Wait until some of them have ended, or stop one.",
        provider=endpoint.provider,
    )
    error.transient = True
    return error


def _no_trust(endpoint: Endpoint, error: SSLCertVerificationError) -> Unreachable:
    return _nobody_there(
        endpoint,
        f"{endpoint.provider} at {endpoint.base_url} has no trusted certificate: {error.verify_message}",
        hint="Check base_url and this machine's clock. Somebody in between may be reading along.",
    )


def _timed_out(endpoint: Endpoint, after_s: float) -> Unreachable:
    return Unreachable(
        f"{endpoint.provider} at {endpoint.base_url} did not answer within {after_s:.3g} s",
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
    if (certificate := untrusted(error)) is not None:
        return _no_trust(endpoint, certificate)
    local = is_loopback(endpoint.base_url)
    what = "timed out" if isinstance(error, httpx2.TimeoutException) else "could not be reached"
    unreachable = _nobody_there(
        endpoint,
        f"{endpoint.provider} at {endpoint.base_url} {what}",
        hint=(
            f"Start the server, or correct base_url of [providers.{endpoint.provider}]."
            if local
            else "Check the network, or correct the provider's base_url."
        ),
    )
    unreachable.transient = not local
    return unreachable


def _nobody_there(endpoint: Endpoint, message: str, *, hint: str) -> Unreachable:
    error = Unreachable(message, hint=hint, provider=endpoint.provider)
    error.whole_provider = True
    return error
