"""Edits that are broken off at one point after the other, and what became of them."""

from __future__ import annotations

import gc
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import trio
from attrs import define, field

from .server import Hostile, Misdeed, answer, says

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
UPLOADED = b'{"url": "https://files.example.test/in.png"}'
PENDING, COMPLETED = b'"status": "pending"}', b'"status": "completed", "result": ["%s/out.png"]}'
OLD = b"what was there before"
ENOUGH = 20  # points at least, at which an edit waits


@define
class Run:
    """One edit and its saving, broken off at one of the points at which it waits.

    Attributes:
        at: The point, from 1.
        off: Breaks it off.
        passed: Points passed so far.
        answered: Whether the client has read the answer to its submission.
        saving: Whether the edit itself was over.
        error: What ended it; without its traceback, which would keep what is to be let go.
        knows: The task that the error knows.
    """

    at: int
    off: Callable[[], object] = lambda: None
    passed: int = 0
    answered: bool = False
    saving: bool = False
    error: str = ""
    knows: str | None = None

    def ended(self, error: BaseException) -> None:
        """Note what ended it."""
        self.error, self.knows = repr(error), getattr(error, "task_id", None)

    @property
    def task_id(self) -> str:
        return f"t-{self.at}"


@define
class Bench:
    """A good service, and what went wrong with the edits that it was asked for.

    Attributes:
        folder: Where results are saved.
        run: The edit that goes on, if one does.
        over: Whether one was not broken off any more.
        asked: How often each path was asked for; the second look at a task finds it completed.
        half_done: Files that were left, by the point of the run.
        unknown: What ended an edit and does not know its task, though the client had read its id.
        unknown_saving: The same of what ended the saving.
        leaked: What ended an edit and left a connection that is neither closed nor used again.
    """

    folder: Path
    run: Run | None = None
    over: bool = False
    asked: Counter[str] = field(factory=Counter)
    half_done: dict[int, Any] = field(factory=dict)
    unknown: dict[int, str] = field(factory=dict)
    unknown_saving: dict[int, str] = field(factory=dict)
    leaked: dict[int, str] = field(factory=dict)

    @property
    def target(self) -> Path:
        return self.folder / "out.png"

    @property
    def accepted(self) -> bytes:
        return b'{"task_id": "%s"}' % (self.run.task_id if self.run else "t-0").encode()

    def answer(self, request: bytes, server: Hostile) -> Misdeed:
        path = request.split(maxsplit=2)[1].decode()
        self.asked[path] += 1
        polled = PENDING if self.asked[path] == 1 else COMPLETED % server.origin.encode()
        polled = b'{"id": "%s", %s' % (path.rpartition("/")[2].encode(), polled)
        bodies = {b"POST /v1": self.accepted, b"POST /ap": UPLOADED, b"GET /v1/": polled, b"GET /out": PNG}
        return says(answer(bodies[request[:8]]))

    def runs(self) -> Iterator[Run]:
        """Yield runs that are each broken off one point later, until one is not."""
        for at in itertools.count(1):
            self.target.write_bytes(OLD)
            self.run = run = Run(at)
            yield run
            files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
            if files != {"out.png": PNG} and not (run.error and files == {"out.png": OLD}):
                self.half_done[at] = files
            known = run.answered or self.asked[f"/v1/tasks/{run.task_id}"]
            if run.error and known and run.knows != run.task_id:
                (self.unknown_saving if run.saving else self.unknown)[at] = run.error
            if run.passed < at:
                assert at > ENOUGH, f"broken off at {at} points only"
                self.over = True
                return

    def point(self) -> None:
        """Break the edit off if this is the point."""
        if self.run:
            self.run.passed += 1
            if self.run.passed == self.run.at:
                self.run.off()

    def heard(self, request: httpx2.Request, chunk: bytes) -> None:
        """Note that the client has read the answer to its submission."""
        if self.run and request.method == "POST" and chunk == self.accepted:
            self.run.answered = True


def settles(server: Hostile) -> bool:
    """Whether one connection at most stays open, once the collector has been where it may have to."""
    if not server.open_at_most(1, 0.1):
        gc.collect()
    return server.open_at_most(1, 1.0)


@define
class Stepping(Coroutine):
    """A coroutine that says when it waits, for the task of an asyncio loop."""

    inner: Any
    waits: Callable[[], None]

    def send(self, value: Any) -> Any:
        awaited = self.inner.send(value)
        self.waits()
        return awaited

    def throw(self, *error: Any) -> Any:
        awaited = self.inner.throw(*error)
        self.waits()
        return awaited

    def close(self) -> None:
        self.inner.close()

    def __await__(self) -> Any:
        return self.inner.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Steps(trio.abc.Instrument):
    """The same for the tasks of trio."""

    def __init__(self, waits: Callable[[], None]) -> None:
        self.after_task_step = lambda task: waits()


class Heard(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """A body, of which is said what was read."""

    def __init__(self, inner: Any, heard: Callable[[bytes], None]) -> None:
        self.inner, self.heard = inner, heard

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.inner:
            self.heard(chunk)
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.inner:
            self.heard(chunk)
            yield chunk

    def close(self) -> None:
        self.inner.close()

    async def aclose(self) -> None:
        await self.inner.aclose()


@define
class Listening(httpx2.BaseTransport):
    """A transport of httpx2 that says what was read."""

    bench: Bench
    inner: httpx2.HTTPTransport = field(factory=httpx2.HTTPTransport)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self.inner.handle_request(request)
        response.stream = Heard(response.stream, partial(self.bench.heard, request))
        return response

    def close(self) -> None:
        self.inner.close()


@define
class AsyncListening(httpx2.AsyncBaseTransport):
    """The twin of `Listening`."""

    bench: Bench
    inner: httpx2.AsyncHTTPTransport = field(factory=httpx2.AsyncHTTPTransport)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self.inner.handle_async_request(request)
        response.stream = Heard(response.stream, partial(self.bench.heard, request))
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()
