"""The async client on aiohttp: several times the edits for the same processor time, with failures named as they are.

httpx-aiohttp calls what happens after a request was sent, a dropped answer say, a failure to connect. A submission
would then be sent, and billed, again. Here each failure has the name that httpx's own transport gives it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, cast

import aiohttp
import httpx
from httpcore._utils import is_socket_readable
from httpx_aiohttp import AiohttpTransport

from . import _clock
from ._pool import AT_ONCE, IDLE, Owned, running_loop

# The first that fits; only aiohttp's connector raises the first two, when nothing was sent.
_KINDS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
)
_BEFORE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)  # nothing was sent


class Connections(httpx.AsyncBaseTransport):
    """A transport of its own for each event loop."""

    def __init__(self, options: dict[str, Any]) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, keepalive_expiry=IDLE)
        make = partial(_Transport, **{"limits": limits, **options})
        self._transports = Owned(make, lambda _: None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transports.of(running_loop()).handle_async_request(request)

    async def aclose(self) -> None:
        if transport := self._transports.clear(running_loop()):
            await transport.aclose()


async def _clean(kept: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Return a connection that was kept, unless something lies in it that nobody asked for, or its end."""
    while connection := await kept(*args):
        transport = connection.protocol.transport
        tls = getattr(transport, "_ssl_protocol", None)
        unread = connection.protocol.should_close or (tls and tls._incoming.pending)
        if not unread and not is_socket_readable(transport.get_extra_info("socket")):
            break
        connection.close()
    return connection


class _Transport(AiohttpTransport):
    def get_client(self) -> aiohttp.ClientSession:
        """Return a session without cookies, that says when a request begins to leave, on connections that are clean."""
        made = super().get_client()
        connector: Any = made.connector
        connector._get = partial(_clean, connector._get)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_leaves)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace])
        made.detach()
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _clock.attempt.get().left = False  # from here on its session says
        with _Named():
            response = await super().handle_async_request(request)
        response.stream = _Stream(cast(httpx.AsyncByteStream, response.stream))
        return response


async def _leaves(*_: object) -> None:
    """Note that a request leaves; aiohttp tells it before the first byte is written."""
    _clock.attempt.get().left = True


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _Named():
            async for part in self._inner:
                yield part

    async def aclose(self) -> None:
        with _Named():
            await self._inner.aclose()


class _Named:
    """Gives what comes out of aiohttp its right name, and takes away what shows the token: variables, request infos."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        named = _renamed(error)
        if isinstance(error, Exception) and not isinstance(named, _BEFORE):
            _clock.attempt.get().left = True  # whatever the session said: such a failure comes after sending
        del error  # a variable of this frame too
        if named:
            try:
                raise named
            finally:
                named.__context__ = None


def _renamed(error: BaseException | None) -> httpx.TransportError | None:
    inner = error
    while inner:
        inner.__traceback__ = None
        inner = inner.__cause__ or inner.__context__
    cause = error if isinstance(error, aiohttp.ClientError) else getattr(error, "__cause__", None)
    name = next((name for kind, name in _KINDS if isinstance(cause, kind)), None)
    if name is None:
        return None
    named = name(str(cause) or type(cause).__name__)
    named.__cause__ = None if isinstance(cause, aiohttp.ClientResponseError) else cause  # which has the headers
    return named
