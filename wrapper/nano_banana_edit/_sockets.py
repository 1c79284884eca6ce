"""What the connections of `_pool` read and write.

httpx bounds each read and write, not all of them together: a sync socket here is bound by its call's time as well, an
async one by the driver's cancel scope. Head and body of a small request leave in one piece, as they are written when
the answer is about to be read.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any, cast

import anyio
import httpcore

from . import _clock

_AS_NUMBERS = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
_PIECE = 65_536  # bytes that are written before the time is looked at again


class Backend(httpcore.SyncBackend):
    """Makes sync sockets."""

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any
    ) -> httpcore.NetworkStream:
        """Connect as httpcore does, to one address after the other for as long as there is time."""

        def connect(address: str) -> httpcore.NetworkStream:
            left = _within(timeout, httpcore.ConnectTimeout)
            return _Socket(super(Backend, self).connect_tcp(address, port, left, *args, **kwargs))

        *others, last = _addresses(host, port)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return connect(address)
        return connect(last)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """Makes async sockets, on asyncio and trio."""

    def __init__(self) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Connect as httpcore does."""
        return _AsyncSocket(await self._inner.connect_tcp(*args, **kwargs))


class _Socket(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._unsent = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with suppress(httpcore.WriteError):  # a server that has read enough may have answered before it hung up
            self._send(timeout)
        return self._inner.read(max_bytes, _within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent += buffer
        if len(self._unsent) >= _PIECE:
            self._send(timeout)

    def _send(self, timeout: float | None) -> None:
        unsent, self._unsent = self._unsent, b""
        _leaves(unsent)
        for start in range(0, len(unsent), _PIECE):
            self._inner.write(unsent[start : start + _PIECE], _within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = _within(timeout, httpcore.ConnectTimeout)
            return _Socket(self._inner.start_tls(ssl_context, server_hostname, left))
        except BaseException:  # httpcore closes it after an Exception alone
            self.close()
            raise


class _AsyncSocket(httpcore.AsyncNetworkStream):
    """The twin of `_Socket`."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._unsent = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with suppress(httpcore.WriteError):
            await self._send(timeout)
        return await self._inner.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unsent += buffer
        if len(self._unsent) >= _PIECE:
            await self._send(timeout)

    async def _send(self, timeout: float | None) -> None:
        unsent, self._unsent = self._unsent, b""
        _leaves(unsent)
        await self._inner.write(unsent, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    def get_extra_info(self, info: str) -> Any:
        found = self._inner.get_extra_info(info)
        return found or _unread(getattr(self._inner, "_stream", None)) if info == "is_readable" else found

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        try:
            return _AsyncSocket(await self._inner.start_tls(*args, **kwargs))
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return [socket.getnameinfo(address, _AS_NUMBERS)[0] for *_, address in found]


def _unread(stream: Any) -> bool:
    """Whether anyio took something off the socket that nobody has read: plain bytes, or of TLS, a part of a record."""
    tls = getattr(stream, "_read_bio", None)
    below = getattr(stream, "transport_stream", stream)
    return bool(tls and tls.pending) or bool(getattr(getattr(below, "_protocol", None), "read_queue", None))


def _leaves(unsent: bytes) -> None:
    if unsent:
        _clock.attempt.get().left = True


def _within(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    remaining = _clock.attempt.get().deadline.remaining()
    if remaining <= 0:  # a socket that always has something to read would be read for ever
        raise over("the time of the call is over")
    return min(timeout or remaining, remaining)
