"""A row of the table, byte by byte, to any server."""

from __future__ import annotations

import http.client
import socket

from attrs import frozen

from .verdict_table import Row


@frozen
class Answer:
    """What every door has to answer alike."""

    status: int
    headers: dict[str, str]
    body: bytes


def send_raw(host: str, port: int, row: Row, target: str) -> Answer:
    """Send the bytes of a row over a socket of its own."""
    lines = [f"{row.method} {target} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(row.body)}"]
    lines += [f"{name}: {value}" for name, value in row.headers]
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + row.body)
        response = http.client.HTTPResponse(connection, method=row.method)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
