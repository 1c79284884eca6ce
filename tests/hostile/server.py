"""A server on a real socket that misbehaves on script. It shares no code with the mock."""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self, TypeAlias

from attrs import define, field

Misdeed: TypeAlias = Callable[[socket.socket, "Hostile"], None]


@define(repr=False)
class Hostile:
    """Answers each request with the next misdeed of its script, and the last one for ever.

    Attributes:
        script: What it does, request by request.
        usual: Gives what it does when the script is at its end, by the request.
        greeting: What it does with each connection before anything is read from it.
        tls: Where given, connections speak TLS.
        address: Where it listens; port 0 takes a free one.
        requests: Every request that arrived whole, as bytes.
        done: Set when the server is left, so that no misdeed outlives its test.
    """

    script: list[Misdeed]
    usual: Callable[[bytes], Misdeed] | None = None
    greeting: Misdeed | None = None
    tls: ssl.SSLContext | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    requests: list[bytes] = field(factory=list)
    done: threading.Event = field(factory=threading.Event)
    _listener: socket.socket = field(init=False)
    _open: list[socket.socket] = field(factory=list, init=False)
    _ended: int = field(default=0, init=False)
    _ends: threading.Condition = field(factory=threading.Condition, init=False)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/v1"

    @property
    def posts(self) -> int:
        """How many edits arrived."""
        return sum(request.startswith(b"POST ") for request in self.requests)

    @property
    def connections(self) -> int:
        """How many connections were made."""
        return len(self._open)

    def open_at_most(self, most: int, within: float = 10.0) -> bool:
        """Whether the other side has ended all but so many connections, or does so within some seconds."""
        with self._ends:
            return self._ends.wait_for(lambda: self.connections - self._ended <= most, within)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(self.address)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        for connection in (self._listener, *self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with suppress(OSError), connection:
                if self.greeting:
                    self.greeting(connection, self)
                with self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as wire:
                    for request in _requests(wire):
                        self.requests.append(request)
                        self._next(request)(wire, self)
        finally:
            with self._ends:
                self._ended += 1
                self._ends.notify_all()

    def _next(self, request: bytes) -> Misdeed:
        if self.usual and not self.script:
            return self.usual(request)
        return self.script.pop(0) if self.usual or len(self.script) > 1 else self.script[0]


def _requests(connection: socket.socket) -> Iterator[bytes]:
    """Each request of a connection, read to its end."""
    buffer = b""
    while chunk := connection.recv(65_536):
        buffer += chunk
        head, found, body = buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if found and len(body) >= int(length[1] if length else 0):
            yield buffer
            buffer = b""


def says(*parts: bytes, pause: float = 0.0, then: Misdeed | None = None) -> Misdeed:
    """Send bytes, with a pause in seconds between them, and then do something else."""

    def misdeed(connection: socket.socket, server: Hostile) -> None:
        for part in parts:
            connection.sendall(part)
            if server.done.wait(pause) if pause else False:
                return
        if then:
            then(connection, server)

    return misdeed


def close(connection: socket.socket, _server: Hostile) -> None:
    """End the connection as usual."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket, _server: Hostile) -> None:
    """Cut the connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_close(connection: socket.socket, _server: Hostile) -> None:
    """Say that nothing more will come, and stay."""
    connection.shutdown(socket.SHUT_WR)


def hang(_connection: socket.socket, server: Hostile) -> None:
    """Say nothing for as long as the test lasts."""
    server.done.wait(30)


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """An HTTP answer; `length` is what it claims of its body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """An HTTP answer in chunks that are written as given."""
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + end


def accepted(task_id: str) -> bytes:
    """A whole answer to an edit."""
    return answer(json.dumps({"task_id": task_id}).encode(), "Content-Type: application/json")


ACCEPTED = accepted("t-1")
