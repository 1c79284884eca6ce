"""The own connections of a client: one request on each at a time, and the last one used is the next one taken.

httpx's pool looks at all of its connections for each request; here the cost of a request does not grow with them.
Connections belong to the process, or the event loop, that made them: each of those owners has a shelf.
"""

from __future__ import annotations

import os
import ssl
import threading
import warnings
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

import anyio
import anyio.lowlevel
import httpcore
import httpx
from attrs import define, field
from httpx._utils import get_environment_proxies

from . import _clock
from ._settings import LOOPBACK
from ._sockets import AsyncBackend, Backend

AT_ONCE = 100  # connections of one owner, as many as httpx has
_OWNERS = 16  # event loops whose connections are kept
IDLE = 4.0  # seconds; many servers hang up after 5, and an edit that crosses with it would be an unknown one
_HERE = [f"all://[{host}]" if ":" in host else f"all://{host}" for host in (*LOOPBACK, "*.localhost")]  # past any proxy
_BUSY = f"all {AT_ONCE} connections are in use"

_ConnectionT = TypeVar("_ConnectionT", bound=httpcore.HTTPConnection | httpcore.AsyncHTTPConnection)
_PermitsT = TypeVar("_PermitsT", bound=threading.Semaphore | anyio.Semaphore)
T = TypeVar("T")


def sync_client() -> httpx.Client:
    """Return an httpx client with these connections, but for what a proxy of the environment is for."""
    return Client(transport=sync_transport(), mounts=_proxies(httpx.HTTPTransport))


def async_client() -> httpx.AsyncClient:
    """The twin of `sync_client`."""
    return AsyncClient(transport=async_transport(), mounts=_proxies(httpx.AsyncHTTPTransport))


def _proxies(make: Callable[..., T]) -> dict[str, T | None]:
    """Return httpx's own transports through the proxies of the environment; None is for what goes past them."""
    proxies = get_environment_proxies()
    if not any(proxies.values()):
        return {}
    context = httpx.create_ssl_context()
    through = {pattern: make(verify=context, proxy=url) if url else None for pattern, url in proxies.items()}
    return {**through, **dict.fromkeys(_HERE)}


class _NoCookies(httpx.Cookies):
    """Keeps none: the API has no sessions, and no call is to depend on the one before it."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class _Lean:
    """What an httpx client does for each request, less what a client without defaults and cookies need not do."""

    cookies = _NoCookies()

    def build_request(self, method: str, url: str, *, timeout: httpx.Timeout, **content: Any) -> httpx.Request:
        return httpx.Request(method, _url(url), extensions={"timeout": timeout.as_dict()}, **content)


@lru_cache(4096)
def _url(text: str) -> httpx.URL:
    """A task is asked for many times by the same URL."""
    return httpx.URL(text)


class Client(_Lean, httpx.Client):  # type: ignore[misc] # on purpose less than what it overrides
    pass


class AsyncClient(_Lean, httpx.AsyncClient):  # type: ignore[misc]
    pass


def sync_transport() -> httpx.HTTPTransport:
    """Return httpx's own transport, which tracers and mocks know, on connections of this module."""
    context = httpx.create_ssl_context()
    transport = httpx.HTTPTransport(verify=context)
    transport._pool = _Pool(context)  # type: ignore[assignment] # httpx has no argument for it
    return transport


def async_transport() -> httpx.AsyncHTTPTransport:
    """The twin of `sync_transport`."""
    context = httpx.create_ssl_context()
    transport = httpx.AsyncHTTPTransport(verify=context)
    transport._pool = _AsyncPool(context)  # type: ignore[assignment]
    return transport


class _Pool:
    """What httpx asks of a pool."""

    def __init__(self, context: ssl.SSLContext) -> None:
        make = partial(httpcore.HTTPConnection, ssl_context=context, network_backend=Backend())
        self._shelves = Owned(lambda: _Shelf(make, threading.Semaphore(AT_ONCE)), _Shelf.end)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        _clock.attempt.get().left = False  # from here on its socket says
        shelf = self._shelves.of(os.getpid())  # a process that was forked leaves the connections of its parent alone
        if not shelf.permits.acquire(timeout=_pool_timeout(request)):
            raise httpcore.PoolTimeout(_BUSY)
        connection, old = shelf.take(request.url.origin)
        stream = _Stream(shelf, connection)
        try:
            for other in old:
                other.close()
            response = connection.handle_request(request)
        except BaseException:
            stream.close()
            raise
        stream.content, response.stream = response.stream, stream
        return response

    def close(self) -> None:
        shelf = self._shelves.clear(os.getpid())
        for connection in shelf.end() if shelf else ():
            connection.close()


class _AsyncPool:
    """The twin of `_Pool`, with a shelf for each event loop."""

    def __init__(self, context: ssl.SSLContext) -> None:
        make = partial(httpcore.AsyncHTTPConnection, ssl_context=context, network_backend=AsyncBackend())
        self._shelves = Owned(lambda: _Shelf(make, anyio.Semaphore(AT_ONCE, fast_acquire=True)), _Shelf.end)

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        _clock.attempt.get().left = False  # from here on its socket says
        shelf = self._shelves.of(running_loop())
        try:
            shelf.permits.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(_pool_timeout(request)) as waiting:
                await shelf.permits.acquire()
            if waiting.cancelled_caught:
                raise httpcore.PoolTimeout(_BUSY) from None
        connection, old = shelf.take(request.url.origin)
        stream = _AsyncStream(shelf, connection)
        try:
            for other in old:
                await other.aclose()
            response = await connection.handle_async_request(request)
        except BaseException:
            await stream.aclose()
            raise
        stream.content, response.stream = response.stream, stream
        return response

    async def aclose(self) -> None:
        shelf = self._shelves.clear(running_loop())
        for connection in shelf.end() if shelf else ():
            await connection.aclose()


def running_loop() -> Any:
    """Return the event loop that this is called in, on asyncio or trio."""
    token = anyio.lowlevel.current_token()
    return getattr(token, "native_token", token)  # anyio wraps it since 4.11


def _pool_timeout(request: httpcore.Request) -> float | None:
    timeout: float | None = request.extensions.get("timeout", {}).get("pool")
    return timeout


class Owned(Generic[T]):
    """One thing for each owner, a process or an event loop; those of an owner that is over are dropped."""

    def __init__(self, make: Callable[[], T], drop: Callable[[T], object]) -> None:
        self._make, self._drop = make, drop
        self._lock = threading.Lock()
        self._of: dict[Any, T] = {}

    def of(self, owner: Any) -> T:
        """Return this owner's, made when it first asks."""
        with self._lock:
            if owner not in self._of:
                over = [other for other in self._of if isinstance(other, AbstractEventLoop) and other.is_closed()]
                for other in over or [*self._of][: 1 - _OWNERS]:  # a trio run does not say whether it is over
                    self._drop(self._of.pop(other))
                self._of[owner] = self._make()
            return self._of[owner]

    def clear(self, owner: Any) -> T | None:
        """Return this owner's, if there is one, to be closed by it, and drop all others."""
        with self._lock:
            own = self._of.pop(owner, None)
            for other in self._of.values():
                self._drop(other)
            self._of.clear()
        return own


@define(eq=False)
class _Shelf(Generic[_ConnectionT, _PermitsT]):
    """How many more connections an owner may have, and those that wait for their next request."""

    make: Callable[[httpcore.Origin], _ConnectionT]
    permits: _PermitsT
    closed: bool = False
    idle: deque[tuple[float, _ConnectionT]] = field(factory=deque)
    lock: threading.Lock = field(factory=threading.Lock)

    def take(self, origin: httpcore.Origin) -> tuple[_ConnectionT, list[_ConnectionT]]:
        """Return the connection that was used last, or a new one; and those that are of no more use."""
        old = []
        with self.lock:
            while self.idle and _clock.now() - self.idle[0][0] > IDLE:
                old.append(self.idle.popleft()[1])
            for entry in reversed([*self.idle]):
                if entry[1].can_handle_request(origin):
                    self.idle.remove(entry)
                    if not entry[1].has_expired():
                        return entry[1], old
                    old.append(entry[1])
        return self.make(origin), old

    def put_back(self, connection: _ConnectionT) -> bool:
        """Take a connection back, and return whether it is kept; otherwise it is to be closed."""
        with self.lock:
            kept = connection.is_idle() and not self.closed and not _surplus(connection)
            if kept:
                self.idle.append((_clock.now(), connection))
        self.permits.release()
        return kept

    def end(self) -> list[_ConnectionT]:
        """Keep nothing from now on, and return what was kept."""
        with self.lock:
            self.closed = True
            kept = [connection for _, connection in self.idle]
            self.idle.clear()
        return kept

    def __del__(self) -> None:
        kept = self.end()
        if kept:
            text = f"a client was abandoned with {len(kept)} open connections; close it, or use it in a with block"
            warnings.warn(text, ResourceWarning, source=self, stacklevel=2)
        for connection in kept:
            if isinstance(connection, httpcore.HTTPConnection):
                connection.close()


def _surplus(connection: Any) -> bool:
    """Whether more came than the answer: httpcore would take it for the answer to the next request."""
    return connection._connection is not None and bool(connection._connection._h11_state.trailing_data[0])


class _Stream:
    """The body of an answer; closing it puts its connection back."""

    def __init__(self, shelf: _Shelf[httpcore.HTTPConnection, Any], connection: httpcore.HTTPConnection) -> None:
        self._shelf, self._connection = shelf, connection
        self.content: Any = None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content)

    def close(self) -> None:
        try:
            if self.content:
                self.content.close()
        finally:
            if not self._shelf.put_back(self._connection):
                self._connection.close()


class _AsyncStream:
    """The twin of `_Stream`; no generator, as httpx leaves those that are not read to their end to the collector."""

    def __init__(
        self, shelf: _Shelf[httpcore.AsyncHTTPConnection, Any], connection: httpcore.AsyncHTTPConnection
    ) -> None:
        self._shelf, self._connection = shelf, connection
        self.content: Any = None
        self._parts: Any = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._parts = aiter(self.content)
        return self

    async def __anext__(self) -> bytes:
        part: bytes = await anext(self._parts)
        return part

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            try:
                for open_ in (self._parts, self.content):
                    if open_:
                        await open_.aclose()
            finally:
                if not self._shelf.put_back(self._connection):
                    await self._connection.aclose()
