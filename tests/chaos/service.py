"""A service on a real port that counts what it accepts, and fails as the plan says."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Coroutine
from functools import partial
from typing import Any

import httptools
from attrs import define, field

from .plan import ANSWERS, KNOWN, Plan

_TAKES = 0.15  # seconds of a task
_SIZE = 20_000  # bytes of a result


def picture(task_id: str) -> bytes:
    """Return the result of a task, which is that of no other."""
    content = b"\x89PNG\r\n\x1a\n" + task_id.encode()
    return content.ljust(_SIZE, b".") + b"end"


def _answer(body: object, status: str = "200 OK", *headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(head).encode() + content


_FAILURES = {
    "429": _answer({"message": "slower"}, "429 Too Many Requests", "Retry-After: 1"),
    "503": _answer({"message": "down"}, "503 Service Unavailable"),
    "504": _answer({"message": "timeout"}, "504 Gateway Timeout"),
}


@define(eq=False)
class Service:
    """The three routes.

    Attributes:
        plan: What goes wrong.
        accepted: The tasks of each key: each is billed.
        unanswered: The keys whose submission got no usual answer, each with the reason.
        requests: Number of requests so far.
        state: Empty, `503` or `429`: how everything is answered.
        calm: Whether nothing goes wrong any more.
    """

    plan: Plan
    accepted: defaultdict[str, list[str]] = field(factory=lambda: defaultdict(list))
    unanswered: dict[str, str] = field(factory=dict)
    requests: int = 0
    state: str = ""
    calm: bool = False
    port: int = 0
    numbers: Counter[str] = field(factory=Counter)  # of submissions and of reads
    happened: Counter[str] = field(factory=Counter)  # unusual answers
    _due: dict[str, float] = field(factory=dict)  # when each task is completed
    _keys: dict[str, str] = field(factory=dict)
    _connections: set[_Connection] = field(factory=set)
    _submissions: set[asyncio.Task[None]] = field(factory=set)
    _listener: asyncio.Server | None = None

    async def listen(self) -> None:
        """Open the port: any at first, later the same again."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(partial(_Connection, self), "127.0.0.1", self.port, backlog=512)
        self.port = self._listener.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Close the port, and reset every connection."""
        if self._listener:
            self._listener.close()
        for connection in [*self._connections]:
            connection.reset()

    async def reached(self, requests: int, patience: float) -> None:
        """Wait until there were so many requests, or for some seconds."""
        deadline = asyncio.get_running_loop().time() + patience
        while self.requests < requests and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)

    def submission(self, key: str) -> tuple[str, float, float]:
        """Note a submission, and return how it is answered, and the seconds before it counts and before its answer."""
        self.numbers["submissions"] += 1
        kind, before, after = self.plan.answer(self.numbers["submissions"])
        if self.state:
            kind = f"{self.state} before it counts"
        elif self.calm:
            kind = ""
        elif kind:
            self.happened[f"submission: {kind}"] += 1
        if kind and kind not in KNOWN:
            self.unanswered[key] = kind
        return kind, before, after

    def read(self) -> str:
        """Note a poll or download, and return how it is answered."""
        self.numbers["reads"] += 1
        if self.state or self.calm:
            return self.state
        kind = self.plan.read(self.numbers["reads"])
        if kind:
            self.happened[f"poll or download: {kind}"] += 1
        return kind

    def accept(self, key: str) -> str:
        task_id = f"task-{len(self._keys):04}-of-{key}"
        self.accepted[key].append(task_id)
        self._keys[task_id] = key
        self._due[task_id] = asyncio.get_running_loop().time() + _TAKES
        return task_id

    def task(self, task_id: str) -> bytes:
        if task_id not in self._keys:
            return _answer({"message": "no such task"}, "404 Not Found")
        if asyncio.get_running_loop().time() < self._due[task_id]:
            return _answer({"id": task_id, "status": "processing"})
        if self.plan.fails(self._keys[task_id]):
            return _answer({"id": task_id, "status": "failed", "error_msg": "It cannot be edited."})
        url = f"http://127.0.0.1:{self.port}/result/{task_id}.png"
        return _answer({"id": task_id, "status": "completed", "result": [url]})

    def opened(self, connection: _Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: _Connection) -> None:
        self._connections.discard(connection)

    def submitted(self, submission: Coroutine[Any, Any, None]) -> None:
        """Go on with a submission also after its connection was lost: who hangs up has submitted all the same."""
        task = asyncio.ensure_future(submission)
        self._submissions.add(task)
        task.add_done_callback(self._submissions.discard)


class _Connection(asyncio.Protocol):
    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._body = "", b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._service.opened(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._service.closed(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._path += url.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        path, body, self._path, self._body = self._path, self._body, "", b""
        service = self._service
        service.requests += 1
        name = path.rpartition("/")[2]
        if path.startswith("/v1/generate/"):
            service.submitted(self._submission(json.loads(body)["prompt"]))
        elif path.startswith("/v1/tasks/"):
            self._say(service.task(name), service.read())
        else:
            self._say(_answer(picture(name.removesuffix(".png"))), service.read())

    async def _submission(self, key: str) -> None:
        kind, before, after = self._service.submission(key)
        counts, how = ANSWERS.get(kind, (True, ""))
        await asyncio.sleep(before)
        answer = _answer({"task_id": self._service.accept(key)}) if counts else b""
        await asyncio.sleep(after)
        self._say(answer, how)

    def _say(self, answer: bytes, how: str) -> None:
        """Send an answer, or what comes in its place."""
        if how == "reset":
            self.reset()
        elif not self._transport.is_closing():  # written to, it would log a warning
            parts = {"nothing": b"", "half": answer[: len(answer) // 2], "no last byte": answer[:-1], **_FAILURES}
            self._transport.write(parts.get(how, answer))
            if how in parts or not self._parser.should_keep_alive():
                self._transport.close()

    def reset(self) -> None:
        """Cut the connection with RST."""
        if self._transport.is_closing():
            return
        no_lingering = struct.pack("ii", 1, 0)
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
        self._transport.abort()
