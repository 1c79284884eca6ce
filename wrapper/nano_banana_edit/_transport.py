"""Connections: which request may use which, and for how long.

Only polls reuse a connection; any other request says `Connection: close`, and gets a connection that nothing used
before. So nothing that a server sent unasked can be taken for the response to a billed request.

This is the one seam to httpx2. Its own transport sends each request, because mocks and tracers patch that class. It
takes no network backend, which bounds a sync socket by the call's deadline, so `_Transport` gives it a pool that has
one. Each process, or event loop, has transports of its own.
"""

from __future__ import annotations

import asyncio
import math
import os
import selectors
import socket
import ssl
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import chain, zip_longest
from typing import Any, Generic, TypeVar, cast

import httpcore2
import httpx2
from anyio.lowlevel import current_token

from ._clock import Bound
from ._proxies import Proxies

MOST = 100  # connections of each kind, in one process or event loop; the default of httpx2
IDLE = 4.0  # seconds; many servers close an idle connection after 5
_LOOPS = 16  # event loops whose connections are kept
_NEXT_ADDRESS = 0.25  # seconds until the next address is tried beside the one before (RFC 8305, section 8)

T = TypeVar("T")

_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # the default one needs descriptors of its own


def client() -> httpx2.Client:
    """Return a client on connections of this module, which keeps no cookies: the API has no sessions."""
    return httpx2.Client(transport=Connections(), cookies=no_cookies())


def async_client() -> httpx2.AsyncClient:
    """The twin of `client`."""
    return httpx2.AsyncClient(transport=AsyncConnections(), cookies=no_cookies())


def no_cookies() -> CookieJar:
    """Return a cookie jar that takes none."""
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
    loop = owner.native_token
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
        if proxy:
            return httpx2.HTTPTransport(verify=self._context, proxy=proxy, limits=bounds)
        return _Transport(
            httpcore2.ConnectionPool(
                ssl_context=self._context,
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


class Backend(httpcore2.SyncBackend):
    """Makes sync connections, to the first address of a host that answers."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore2.NetworkStream:
        """Connect, to the next address beside the one before when that takes long (RFC 8305)."""
        try:
            connection = _connect(_addresses(host, port), timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise _named(error, httpcore2.ConnectTimeout, httpcore2.ConnectError) from error
        return _Stream(connection)


class _Stream(httpcore2.NetworkStream):
    """A socket, each of whose reads and writes ends with the call that it is for."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._socket.settimeout(_left(timeout))
            return self._socket.recv(max_bytes)
        except OSError as error:
            raise _named(error, httpcore2.ReadTimeout, httpcore2.ReadError) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(_left(timeout))
                rest = rest[self._socket.send(rest) :]
        except OSError as error:
            raise _named(error, httpcore2.WriteTimeout, httpcore2.WriteError) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._socket.settimeout(_left(timeout))
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except OSError as error:
            raise _named(error, httpcore2.ConnectTimeout, httpcore2.ConnectError) from error
        finally:
            if self._socket.fileno() >= 0:  # ssl took it over, or failed
                self.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _is_readable(self._socket)
        return self._socket if info == "socket" else None


def _named(error: OSError, timeout: type[Exception], otherwise: type[Exception]) -> Exception:
    """Return what a socket raised as httpcore2 names it."""
    return (timeout if isinstance(error, TimeoutError) else otherwise)(str(error))


def _left(timeout: float | None) -> float | None:
    return timeout.left() if isinstance(timeout, Bound) else timeout


def _is_readable(connection: socket.socket) -> bool:
    """Return whether an idle connection has something to read, if only its end: then it is not used again."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    with _Selector() as selector:
        return connection.fileno() < 0 or bool(
            selector.register(connection, selectors.EVENT_READ) and selector.select(0)
        )


def _addresses(host: str, port: int) -> list[Any]:
    """Return the addresses of a host, of both families in turn (RFC 8305, section 4)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [address for address in found if address[0] == found[0][0]]
    others = [address for address in found if address[0] != found[0][0]]
    return [address for address in chain(*zip_longest(first, others)) if address]


def _connect(addresses: list[Any], timeout: float | None) -> socket.socket:
    """Return a connection to the first of some addresses that answers.

    Raises:
        OSError: None does; the error is that of the last one, or TimeoutError if the time is over before.
    """
    seconds = _left(timeout)
    ends = math.inf if seconds is None else time.monotonic() + seconds
    error = OSError("the host has no address")
    with _Selector() as begun:
        try:
            while addresses or begun.get_map():
                left = ends - time.monotonic()
                if left <= 0:
                    raise TimeoutError("timed out")
                if addresses:
                    left = min(left, _NEXT_ADDRESS)
                    try:
                        begun.register(_begin(*addresses.pop(0)), selectors.EVENT_WRITE)
                    except OSError as refusal:
                        error = refusal
                        continue
                for key, _ in begun.select(None if left == math.inf else left):
                    connection: Any = key.fileobj
                    number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    begun.unregister(connection)
                    if not number:
                        return cast(socket.socket, connection)
                    connection.close()
                    error = OSError(number, os.strerror(number))
        finally:
            for key in [*begun.get_map().values()]:
                cast(socket.socket, key.fileobj).close()
    raise error


def _begin(family: int, kind: int, protocol: int, _: str, address: Any) -> socket.socket:
    """Return a socket that has begun to connect."""
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        with suppress(BlockingIOError):
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
