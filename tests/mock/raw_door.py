"""Requests byte by byte: a row of the table to any server, and connections to a port of the mock."""

from __future__ import annotations

import http.client
import socket
import struct

from attrs import frozen
from nano_banana_edit_mock import MockServer

from .verdict_rows import BEARER, EDIT, GOOD, JSON, Row, text

BODY = text(GOOD)
GET = b"GET /v1/tasks/x HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer t\r\n\r\n"
ADMIN = b"GET /__mock__/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
UPGRADE = ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")


@frozen
class Answer:
    """What every door has to answer alike."""

    status: int
    headers: dict[str, str]
    body: bytes


def as_bytes(row: Row, target: str, host: str) -> bytes:
    lines = [f"{row.method} {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(row.body)}"]
    lines += [f"{name}: {value}" for name, value in row.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + row.body


def send_raw(host: str, port: int, row: Row, target: str) -> Answer:
    """Send the bytes of a row over a socket of its own."""
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(as_bytes(row, target, f"{host}:{port}"))
        response = http.client.HTTPResponse(connection, method=row.method)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def post(*headers: str, body: bytes = BODY, length: int | None = None) -> bytes:
    """An edit as bytes; `length` replaces its Content-Length."""
    framing = [f"Content-Length: {len(body) if length is None else length}"]
    if any(header.lower().startswith("transfer-encoding") for header in headers):
        framing = []
    lines = [f"POST {EDIT} HTTP/1.1", "Host: mock", ": ".join(BEARER), ": ".join(JSON), *framing, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunks(*parts: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


class Wire:
    """A connection, and the answers that come over it."""

    def __init__(self, server: MockServer) -> None:
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.file = self.socket.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Return one answer; the connection stays, and what follows is not touched."""
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]  # makefile is all it needs
        response.begin()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def makefile(self, *_: object) -> object:
        file = self.file

        class _Kept:
            readline, read, readinto, flush = file.readline, file.read, file.readinto, staticmethod(lambda: None)
            closed = False

            def close(self) -> None: ...

        return _Kept()

    def statuses(self, count: int) -> list[int]:
        return [self.answer()[0] for _ in range(count)]

    def ended(self) -> bool:
        return self.file.read() == b""

    def reset(self) -> None:
        """Go away at once, so that the other side cannot write any more."""
        if self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()
