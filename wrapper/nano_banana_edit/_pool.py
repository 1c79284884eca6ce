"""The own connections of a client: many small pools, as one large one costs httpx more with each connection in it.

httpx bounds each read of a socket, not all of them together; a sync socket of these pools is bound by its call's time
as well. Connections belong to the event loop that made them, so the async client has pools for each loop.
"""

from __future__ import annotations

import math
import os
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar, cast
from urllib.request import getproxies

import anyio.lowlevel
import httpcore
import httpx

from ._clock import deadline

_POOLS = 16
_AN_INSTANT = 0.001  # seconds; a timeout of zero is another thing to a socket, it makes it non-blocking
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8)  # of one pool

_PoolT = TypeVar("_PoolT", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def sync_client() -> httpx.Client:
    """Return an httpx client with pools of this module, or a plain one where the environment names a proxy."""
    return httpx.Client() if getproxies() else httpx.Client(transport=Pools())


def async_client() -> httpx.AsyncClient:
    """The twin of `sync_client`."""
    return httpx.AsyncClient() if getproxies() else httpx.AsyncClient(transport=AsyncPools())


class Pools(httpx.BaseTransport):
    """A transport that spreads its requests over small pools."""

    def __init__(self) -> None:
        self._make = partial(_Pool, httpx.create_ssl_context())
        self._spreads: dict[int, _Spread[httpx.HTTPTransport]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        pool, give_back = self._here().take()
        try:
            response = pool.handle_request(request)
        except BaseException:
            give_back()
            raise
        response.stream = _Stream(cast(httpx.SyncByteStream, response.stream), give_back)
        return response

    def close(self) -> None:
        for pool in self._here().pools:
            pool.close()

    def _here(self) -> _Spread[httpx.HTTPTransport]:
        # A process that was forked leaves the connections of its parent alone.
        return self._spreads.setdefault(os.getpid(), _Spread(self._make))


class AsyncPools(httpx.AsyncBaseTransport):
    """The twin of `Pools`, with pools for each event loop."""

    def __init__(self) -> None:
        self._make: Callable[[], httpx.AsyncHTTPTransport] = partial(
            httpx.AsyncHTTPTransport, verify=httpx.create_ssl_context(), limits=_LIMITS
        )
        self._spreads: dict[Any, _Spread[httpx.AsyncHTTPTransport]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        pool, give_back = self._here().take()
        try:
            response = await pool.handle_async_request(request)
        except BaseException:
            give_back()
            raise
        response.stream = _AsyncStream(cast(httpx.AsyncByteStream, response.stream), give_back)
        return response

    async def aclose(self) -> None:
        for pool in self._here().pools:
            await pool.aclose()
        self._spreads.clear()

    def _here(self) -> _Spread[httpx.AsyncHTTPTransport]:
        loop = anyio.lowlevel.current_token()
        if loop not in self._spreads:
            # Those of a loop that is closed can be of no more use; of a trio run that is another one, neither.
            old = [other for other in self._spreads if getattr(other, "is_closed", lambda: True)()]
            for other in old:
                del self._spreads[other]
            self._spreads[loop] = _Spread(self._make)
        return self._spreads[loop]


class _Spread(Generic[_PoolT]):
    """Pools, and how many requests each of them has."""

    def __init__(self, make: Callable[[], _PoolT]) -> None:
        self._make: Callable[[], _PoolT] = make
        self._lock = threading.Lock()
        self.pools: dict[_PoolT, int] = {}

    def take(self) -> tuple[_PoolT, Callable[[], None]]:
        """Return the least busy pool, the oldest of equals, and what gives it back."""
        with self._lock:
            busy = min(self.pools.values(), default=1)
            if busy and len(self.pools) < _POOLS:
                self.pools[self._make()] = busy = 0
            pool = next(pool for pool, requests in self.pools.items() if requests == busy)
            self.pools[pool] += 1
        return pool, partial(self._give_back, pool, [None])

    def _give_back(self, pool: _PoolT, once: list[None]) -> None:
        with self._lock:
            self.pools[pool] -= len(once)
            once.clear()


class _Stream(httpx.SyncByteStream):
    """The body of an answer, which gives its pool back when it is closed."""

    def __init__(self, inner: httpx.SyncByteStream, give_back: Callable[[], None]) -> None:
        self._inner, self._give_back = inner, give_back

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._give_back()


class _AsyncStream(httpx.AsyncByteStream):
    """The twin of `_Stream`."""

    def __init__(self, inner: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._inner, self._give_back = inner, give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._inner)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._give_back()


class _Pool(httpx.HTTPTransport):
    """One pool, whose sockets know the time of the call."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(verify=context)
        # httpx has no argument for the backend; httpcore, whose pool this is, has.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=_LIMITS.max_connections,
            max_keepalive_connections=_LIMITS.max_keepalive_connections,
            keepalive_expiry=_LIMITS.keepalive_expiry,
            network_backend=_Backend(),
        )


class _Backend(httpcore.SyncBackend):
    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Socket(super().connect_tcp(*args, **kwargs))


class _Socket(httpcore.NetworkStream):
    """A socket that is read no longer than the call may take."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = deadline.get()
        remaining = max(_AN_INSTANT, call.remaining() if call else math.inf)
        return self._inner.read(max_bytes, timeout if timeout is None else min(timeout, remaining))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Socket(self._inner.start_tls(*args, **kwargs))
