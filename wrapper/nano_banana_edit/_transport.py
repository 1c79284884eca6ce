"""Connections: which request may use which, and for how long.

Only polls reuse a connection; any other request says `Connection: close`, and gets a connection that nothing used
before. So nothing that a server sent unasked can be taken for the response to a billed request.

This is the one seam to httpx2. Its own transport sends each request, because mocks and tracers patch that class. A sync
one gets a pool whose sockets end with the call. Each process, or event loop, has transports of its own.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Generic, TypeVar

import httpcore2
import httpx2
from anyio.lowlevel import current_token

from ._proxies import Proxies
from ._sockets import Backend

MOST = 100  # connections of each kind, in one process or event loop; the default of httpx2
IDLE = 4.0  # seconds; many servers close an idle connection after 5
_LOOPS = 16  # event loops whose connections are kept

T = TypeVar("T")


def client() -> httpx2.Client:
    """Return a client on connections of this module, which keeps no cookies: the API has no sessions."""
    return httpx2.Client(transport=Connections(), cookies=no_cookies())


def async_client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=AsyncConnections(), cookies=no_cookies())


def no_cookies() -> CookieJar:
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def limits(*, reuse: bool) -> httpx2.Limits:
    """Return the limits of a pool whose connections are used again, or of one whose are not."""
    return httpx2.Limits(max_connections=MOST, max_keepalive_connections=20 if reuse else 0, keepalive_expiry=IDLE)


def reuses(request: httpx2.Request) -> bool:
    """Return whether a request may use a connection that another one has used."""
    return request.headers.get("Connection") != "close"


class Owned(Generic[T]):
    """Transports by owner, a process or an event loop, and by kind: whether connections are reused, and the proxy."""

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._of: dict[Any, dict[tuple[Any, ...], T]] = {}

    def get(self, owner: Any, *kind: Any) -> T:
        """Return the owner's transport of a kind, made when it is first asked for."""
        own = self._of.get(owner)
        if own is None:
            for other in [*self._of]:
                if _is_over(other) or len(self._of) >= _LOOPS:
                    self._of.pop(other, None)
            own = self._of.setdefault(owner, {})
        if kind not in own:
            own.setdefault(kind, self._make(*kind))
        return own[kind]

    def end(self, owner: Any) -> list[T]:
        """Return the owner's transports, to be closed, and drop all others."""
        own = self._of.get(owner, {})
        self._of.clear()
        return [*own.values()]

    def warn(self) -> None:
        """Warn of a client that was dropped although it may have open connections."""
        if any(reused for own in self._of.values() for reused, *_ in own):
            text = "a client was dropped without being closed; close it, or use it in a with block"
            warnings.warn(text, ResourceWarning, source=self, stacklevel=3)


def _is_over(owner: Any) -> bool:
    """Return whether an owner is gone: a process that was forked, or an event loop that is closed."""
    if isinstance(owner, int):
        return True
    loop = getattr(owner, "native_token", owner)  # which anyio 4.10 does not wrap
    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


class Connections(httpx2.BaseTransport):
    """The connections of a sync client."""

    def __init__(self) -> None:
        self._context, self._proxies = httpx2.create_ssl_context(), Proxies()
        self._transports = Owned(self._make)
        for proxy in self._proxies:
            self._make(False, proxy)  # so that a proxy that cannot be used is refused when the client is made

    def _make(self, reuse: bool, proxy: httpx2.Proxy | None) -> httpx2.HTTPTransport:
        bounds = limits(reuse=reuse)
        if proxy and proxy.url.scheme != "http":  # SOCKS, and TLS within TLS
            return httpx2.HTTPTransport(verify=self._context, proxy=proxy, limits=bounds)
        through = httpcore2.Proxy(str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw) if proxy else None
        return _Transport(
            httpcore2.ConnectionPool(
                ssl_context=self._context,
                proxy=through,
                max_connections=bounds.max_connections,
                max_keepalive_connections=bounds.max_keepalive_connections,
                keepalive_expiry=bounds.keepalive_expiry,
                network_backend=Backend(),
            )
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        transport = self._transports.get(os.getpid(), reuses(request), self._proxies.of(request.url))
        return transport.handle_request(request)

    def close(self) -> None:
        for transport in self._transports.end(os.getpid()):
            transport.close()

    def __del__(self) -> None:
        if "_transports" in vars(self):
            self._transports.warn()
            self.close()


class AsyncConnections(httpx2.AsyncBaseTransport):
    """The connections of an async client."""

    def __init__(self) -> None:
        self._context, self._proxies = httpx2.create_ssl_context(), Proxies()
        self._transports = Owned(self._make)
        for proxy in self._proxies:
            self._make(False, proxy)

    def _make(self, reuse: bool, proxy: httpx2.Proxy | None) -> httpx2.AsyncHTTPTransport:
        return httpx2.AsyncHTTPTransport(verify=self._context, proxy=proxy, limits=limits(reuse=reuse))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        transport = self._transports.get(current_token(), reuses(request), self._proxies.of(request.url))
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._transports.end(current_token()):
            await transport.aclose()

    def __del__(self) -> None:
        if "_transports" in vars(self):
            self._transports.warn()


class _Transport(httpx2.HTTPTransport):
    """httpx2's transport on a pool that is given: naughty, as it has no argument for one.

    Its own `__init__` is not called: should the attribute move, each request fails.
    """

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        self._pool = pool
