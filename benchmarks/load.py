"""Requests by raw sockets, so that the server is measured.

`python -m benchmarks.load URL KINDS ABREAST REFUSED`

Each line of standard input is a number of requests. They are sent on ABREAST connections, on each connection the next
one after the response to the last, and the seconds on the clock are printed. The first line of output is empty: the
warm-up went well. Each connection repeats KINDS, such as `valid,missing,poll`. The response to an invalid request must
have the status REFUSED, any other 200; otherwise the process ends.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack
from itertools import cycle
from urllib.parse import urlsplit

from .contenders import BODY

_WARM_UP = 4_000  # requests, in which Prism's compiler does most of its work
_BODIES = {
    "valid": BODY,
    "missing": {"image_urls": BODY["image_urls"]},
    "long": BODY | {"prompt": "x" * 5_001},
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TASK_ID = re.compile(rb'"task_id": ?"([^"]+)"')

Exchanges = Generator[tuple[bytes, bytes], bytes, None]


def exchanges(url: str, kinds: list[str], refused: str) -> Exchanges:
    """Yield each request and the status of its response; take the response. A poll is of the last edit."""
    parts = urlsplit(url)
    head = f"Host: {parts.netloc}\r\nAuthorization: Bearer any\r\n"

    def post(kind: str) -> bytes:
        body = json.dumps(_BODIES[kind])
        what = f"POST {parts.path}/generate/k/nano-banana-edit HTTP/1.1\r\n{head}Content-Type: application/json\r\n"
        return f"{what}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    posts = {kind: (post(kind), b"200" if kind == "valid" else refused.encode()) for kind in _BODIES}
    polled = ""
    for kind in cycle(kinds):
        if kind == "poll":
            yield f"GET {parts.path}/tasks/{polled} HTTP/1.1\r\n{head}\r\n".encode(), b"200"
            continue
        response = yield posts[kind]
        if found := _TASK_ID.search(response):
            polled = found[1].decode()


class _Connection:
    def __init__(self, address: tuple[str | None, int | None], exchanges: Exchanges) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._exchanges, self._received = exchanges, b""
        self._request, self._status = next(exchanges)

    def send(self) -> None:
        self.socket.sendall(self._request)

    def receive(self) -> bool:
        """Read, and return whether the response is whole."""
        received = self.socket.recv(65_536)
        self._received += received
        if not received or self._received[9:12] != self._status:
            raise RuntimeError(f"The status must be {self._status!r}; the response is {self._received!r}.")
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not length or len(body) < int(length[1]):
            return False
        self._request, self._status = self._exchanges.send(self._received)
        self._received = b""
        return True


def run(url: str, kinds: list[str], abreast: int, refused: str, requests: int) -> float:
    """Return the seconds that some requests take, at least one on each connection.

    The connections are new ones, because a server closes idle ones while others have their turn.
    """
    parts = urlsplit(url)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        connections = [
            _Connection((parts.hostname, parts.port), exchanges(url, kinds, refused)) for _ in range(abreast)
        ]
        for connection in connections:
            selector.register(stack.enter_context(connection.socket), selectors.EVENT_READ, connection)
        before = time.perf_counter()
        for connection in connections:
            connection.send()
        sent, received = abreast, 0
        while received < requests:
            for key, _ in selector.select():
                if key.data.receive():
                    received += 1
                    if sent < requests:
                        sent += 1
                        key.data.send()
        return time.perf_counter() - before


def main(url: str, kinds: str, abreast: str, refused: str) -> None:
    """Send the requests that standard input asks for, until it ends."""
    run(url, kinds.split(","), int(abreast), refused, _WARM_UP)
    print(flush=True)
    for line in sys.stdin:
        print(run(url, kinds.split(","), int(abreast), refused, int(line)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
