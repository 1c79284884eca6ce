"""A server that answers with bytes made in advance, so that the client is measured.

Start it with `python -m benchmarks.server [TASK]`; it prints its port. It knows the paths of the API and of the peers'
APIs, and checks nothing. A submission gets a task that is completed as TASK says, by default at its sixth poll; the
result is a PNG on the same server. The id of a task says when it is completed: `wait-N-...` at the Nth poll,
`after-N-...` N seconds later, `processing-...` never, any other at the first.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import count
from typing import Any

import httptools

from .contenders import PNG

_TASK = "wait-6"
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
_UPLOADED = {"url": "https://example.com/photo.png"}
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"


def _json(body: object) -> bytes:
    content = json.dumps(body).encode()
    return _HEAD % (b"application/json", len(content)) + content


_FIXED = {
    b"/api/upload/": _json(_UPLOADED),
    b"/result.png": _HEAD % (b"image/png", len(PNG)) + PNG,
    b"/v1/models/": _json({"id": "m1", "object": "model", "created": 1, "owned_by": "o"}),
    b"/v1/predictions": _json(_PREDICTION),
    b"/fal/": _json(_QUEUED),
}
_numbers = count()
_polls: Counter[str] = Counter()
_due: dict[str, float] = {}


def _new_task() -> str:
    kind = sys.argv[1] if sys.argv[1:] else _TASK
    task_id = f"{kind}-{next(_numbers)}"
    if kind.startswith("after-"):
        _due[task_id] = time.monotonic() + float(kind.removeprefix("after-"))
    return task_id


def _task(task_id: str, host: str) -> bytes:
    kind, _, rest = task_id.partition("-")
    if kind == "wait":
        _polls[task_id] += 1
        if _polls[task_id] == int(rest.partition("-")[0]):
            del _polls[task_id]
            kind = "completed"
    if kind == "after" and time.monotonic() >= _due[task_id]:
        kind = "completed"
    if kind in ("wait", "after", "processing"):
        return _json({"id": task_id, "status": "processing"})
    result = [{"type": "image", "url": f"http://{host}/result.png"}]
    return _json({"id": task_id, "status": "completed", "result": result})


def _response(path: bytes, host: str) -> bytes:
    if path.startswith(b"/v1/tasks/"):
        return _task(path.removeprefix(b"/v1/tasks/").decode(), host)
    if path.startswith(b"/v1/generate/"):
        return _json({"task_id": _new_task()})
    return next(response for prefix, response in _FIXED.items() if path.startswith(prefix))


class Connection(asyncio.Protocol):
    """One connection, kept open as long as the client likes."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._host = "{}:{}".format(*transport.get_extra_info("sockname"))
        self._parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_message_complete(self) -> None:
        self._transport.write(_response(self._path, self._host))
        if not self._parser.should_keep_alive():
            self._transport.close()


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
