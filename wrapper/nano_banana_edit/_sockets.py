"""Sync sockets, each of whose waits ends with the call that it is for, through httpcore2's network backend."""

from __future__ import annotations

import math
import os
import selectors
import socket
import ssl
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, cast

import httpcore2

from ._clock import Bound, now
from ._errors import is_bare, is_of_handler

_NEXT_ADDRESS = 0.25  # seconds until the next address is tried beside the one before (RFC 8305, section 8)
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)  # the default one needs descriptors of its own


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
        try:
            self._socket.shutdown(socket.SHUT_RDWR)  # it wakes another thread that waits for the server
        except OSError as error:
            if is_of_handler(error):
                raise
        finally:
            self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            self._socket.settimeout(_left(timeout))
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
        except OSError as error:
            self.close()
            raise _named(error, httpcore2.ConnectTimeout, httpcore2.ConnectError) from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return _is_readable(self._socket)
        return self._socket if info == "socket" else None


def _named(error: OSError, timeout: type[Exception], otherwise: type[Exception]) -> Exception:
    """Return what a socket raised as httpcore2 names it; what another thread raised as it is."""
    if is_bare(error):
        raise error
    return (timeout if isinstance(error, TimeoutError) else otherwise)(str(error))


def _left(timeout: float | None) -> float | None:
    return timeout.left() if isinstance(timeout, Bound) else timeout


def _is_readable(connection: socket.socket) -> bool:
    """Return whether an idle connection has something to read, if only its end: then it is not used again."""
    unread = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
    with _Selector() as selector:
        return (
            unread
            or connection.fileno() < 0
            or bool(selector.register(connection, selectors.EVENT_READ) and selector.select(0))
        )


def _addresses(host: str, port: int) -> list[Any]:
    """Return the addresses of a host, of both families in turn (RFC 8305, section 4)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = [address for address in found if address[0] == found[0][0]]
    others = [address for address in found if address[0] != found[0][0]]
    return [address for address in chain(*zip_longest(first, others)) if address]


def _connect(addresses: list[Any], timeout: float | None) -> socket.socket:
    """Return a connection to the first of some addresses that answers, or raise the OSError of the last one."""
    seconds = _left(timeout)
    ends = math.inf if seconds is None else now() + seconds
    error = OSError("the host has no address")
    with _Selector() as begun:
        try:
            while addresses or begun.get_map():
                left = ends - now()
                if left <= 0:
                    raise TimeoutError("timed out")
                if addresses:
                    left = min(left, _NEXT_ADDRESS)
                    try:
                        begun.register(_begin(*addresses.pop(0)), selectors.EVENT_WRITE)
                    except OSError as refusal:
                        if is_of_handler(refusal):
                            raise
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
