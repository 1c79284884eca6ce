"""A server that answers bytes made once, so that what is measured is the client: `python -m benchmarks.server`.

It prints the port it chose. A task whose id starts with `wait-N-` is pending for N - 1 looks and completed at the Nth;
any other is completed. It knows nothing of the API but its paths, and checks nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import cache

import httptools

_DONE = {"status": "completed", "result": [{"type": "image", "url": "https://example.com/result.png"}]}
_PREDICTION = {
    "id": "p1",
    "model": "owner/name",
    "version": "v1",
    "status": "processing",
    "input": {},
    "urls": {"get": "http://127.0.0.1/", "cancel": "http://127.0.0.1/"},
}
_QUEUED = {"request_id": "r1", "status": "IN_QUEUE", "queue_position": 0} | dict.fromkeys(
    ("response_url", "status_url", "cancel_url"), "http://127.0.0.1/"
)


def _answer(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
    return head + content


_ANSWERS = {
    b"/v1/generate/": _answer({"task_id": "01234567-89ab-cdef-0123-456789abcdef"}),
    b"/v1/models/": _answer({"id": "m1", "object": "model", "created": 1, "owned_by": "o"}),
    b"/v1/predictions": _answer(_PREDICTION),
    b"/fal/": _answer(_QUEUED),
}
_looks: Counter[str] = Counter()


@cache
def _task(task_id: str, *, pending: bool) -> bytes:
    return _answer({"id": task_id} | ({"status": "processing"} if pending else _DONE))


def _reply(path: bytes) -> bytes:
    if path.startswith(b"/v1/tasks/"):
        task_id = path[len(b"/v1/tasks/") :].decode()
        if task_id.startswith("wait-"):
            _looks[task_id] += 1
            return _task(task_id, pending=_looks[task_id] < int(task_id.split("-")[1]))
        return _task(task_id, pending=False)
    return next(answer for prefix, answer in _ANSWERS.items() if path.startswith(prefix))


class Connection(asyncio.Protocol):
    """One connection, kept open as long as the client likes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_message_complete(self) -> None:
        self._transport.write(_reply(self._path))


async def main() -> None:
    """Serve until ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
