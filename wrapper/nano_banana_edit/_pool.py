"""The own connections of a client: many small pools, as one large one costs httpx more with each connection in it.

httpx bounds each read and write of a socket, not all of them together; a sync socket of these pools is bound by its
call's time as well. Connections belong to the event loop that made them, so the async client has pools for each loop.
"""

from __future__ import annotations

import os
import ssl
import threading
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar, cast
from urllib.request import getproxies

import anyio.lowlevel
import httpcore
import httpx

from ._clock import deadline
from ._settings import LOOPBACK

_POOLS = 16
_OWNERS = 16  # event loops whose pools are kept
_PIECE = 65_536  # bytes that are written before the time is looked at again
_HERE = [f"all://[{host}]" if ":" in host else f"all://{host}" for host in (*LOOPBACK, "*.localhost")]  # past any proxy
_AN_INSTANT = 0.001  # seconds; a timeout of zero is another thing to a socket, it makes it non-blocking
_LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8)  # of one pool

_PoolT = TypeVar("_PoolT")


def sync_client() -> httpx.Client:
    """Return an httpx client with pools of this module; where the environment names a proxy, for this machine alone."""
    pools = Pools()
    return httpx.Client(mounts=dict.fromkeys(_HERE, pools)) if _proxies() else httpx.Client(transport=pools)


def async_client() -> httpx.AsyncClient:
    """The twin of `sync_client`."""
    pools = AsyncPools()
    return httpx.AsyncClient(mounts=dict.fromkeys(_HERE, pools)) if _proxies() else httpx.AsyncClient(transport=pools)


def _proxies() -> bool:
    return bool(getproxies().keys() & {"http", "https", "all"})


class Pools(httpx.BaseTransport):
    """A transport that spreads its requests over small pools."""

    def __init__(self) -> None:
        self._spreads = _Spreads(partial(_Pool, httpx.create_ssl_context()))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # A process that was forked leaves the connections of its parent alone.
        lease = self._spreads.of(os.getpid()).take()
        try:
            response = lease.pool.handle_request(request)
        except BaseException:
            lease.give_back()
            raise
        response.stream = _Stream(cast(httpx.SyncByteStream, response.stream), lease)
        return response

    def close(self) -> None:
        for pool in self._spreads.of(os.getpid()).pools:
            pool.close()


class AsyncPools(httpx.AsyncBaseTransport):
    """The twin of `Pools`, with pools for each event loop."""

    def __init__(self) -> None:
        context = httpx.create_ssl_context()
        self._spreads = _Spreads(lambda: httpx.AsyncHTTPTransport(verify=context, limits=_LIMITS))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lease = self._spreads.of(_loop()).take()
        try:
            response = await lease.pool.handle_async_request(request)
        except BaseException:
            lease.give_back()
            raise
        response.stream = _AsyncStream(cast(httpx.AsyncByteStream, response.stream), lease)
        return response

    async def aclose(self) -> None:
        for pool in self._spreads.of(_loop()).pools:
            await pool.aclose()


def _loop() -> Any:
    token = anyio.lowlevel.current_token()
    return getattr(token, "native_token", token)  # anyio wraps it since 4.11


class _Spreads(Generic[_PoolT]):
    """Pools for each owner, a process or an event loop; those of an owner that is over are dropped."""

    def __init__(self, make: Callable[[], _PoolT]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._of: dict[Any, _Spread[_PoolT]] = {}

    def of(self, owner: Any) -> _Spread[_PoolT]:
        with self._lock:
            if owner not in self._of:
                over = [other for other in self._of if isinstance(other, AbstractEventLoop) and other.is_closed()]
                for other in over or [*self._of][: 1 - _OWNERS]:  # a trio run does not say whether it is over
                    del self._of[other]
                self._of[owner] = _Spread(self._make)
            return self._of[owner]


class _Spread(Generic[_PoolT]):
    """Pools, and how many requests each of them has."""

    def __init__(self, make: Callable[[], _PoolT]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._busy: dict[_PoolT, int] = {}

    def take(self) -> _Lease[_PoolT]:
        """Return the least busy pool, the oldest of equals."""
        with self._lock:
            least = min(self._busy.values(), default=1)
            if least and len(self._busy) < _POOLS:
                self._busy[self._make()] = least = 0
            pool = next(pool for pool, requests in self._busy.items() if requests == least)
            self._busy[pool] += 1
        return _Lease(self, pool)

    def give_back(self, pool: _PoolT) -> None:
        with self._lock:
            self._busy[pool] -= 1

    @property
    def pools(self) -> list[_PoolT]:
        """The pools that were made so far."""
        with self._lock:
            return [*self._busy]

    @property
    def busy(self) -> list[int]:
        """The number of requests of each pool."""
        return [*self._busy.values()]


class _Lease(Generic[_PoolT]):
    """One request's use of a pool, given back once."""

    def __init__(self, spread: _Spread[_PoolT], pool: _PoolT) -> None:
        self._spread, self.pool = spread, pool
        self._given_back = False

    def give_back(self) -> None:
        if not self._given_back:
            self._given_back = True
            self._spread.give_back(self.pool)


class _Stream(httpx.SyncByteStream):
    """The body of an answer, which gives its pool back when it is closed."""

    def __init__(self, inner: httpx.SyncByteStream, lease: _Lease[Any]) -> None:
        self._inner, self._lease = inner, lease

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        try:
            self._inner.close()
        finally:
            self._lease.give_back()


class _AsyncStream(httpx.AsyncByteStream):
    """The twin of `_Stream`."""

    def __init__(self, inner: httpx.AsyncByteStream, lease: _Lease[Any]) -> None:
        self._inner, self._lease = inner, lease

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._inner)

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._lease.give_back()


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
    """A socket that is read and written no longer than the call may take."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _within(timeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Socket(self._inner.start_tls(*args, **kwargs))


def _within(timeout: float | None) -> float | None:
    call = deadline.get()
    return timeout if timeout is None or call is None else max(_AN_INSTANT, min(timeout, call.remaining()))
