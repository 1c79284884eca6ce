"""Connections: one of its own for each billed request, reused for polls alone, never between event loops, closed."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import socket
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import anyio
import attrs
import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from nano_banana_edit import (
    APITimeout,
    AsyncNanoBananaEdit,
    NanoBananaEdit,
    SubmissionUnknown,
    _transport,
)

from .. import promises
from .faces import Face, opened
from .server import ACCEPTED, Hostile, Misdeed, answer, close, hang, says
from .test_submissions import PATIENCE, TOKEN, URL

pytestmark = pytest.mark.server

AT_ONCE = 40
POLLED = answer(b'{"id": "t-1", "status": "pending"}')
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


class Meeting:
    """Answers nobody before everybody has come."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)

    def __call__(self, connection, server) -> None:
        self.barrier.wait(30)
        says(ACCEPTED)(connection, server)


@promises.OWN_CONNECTION
def test_polls_in_turn_share_a_connection(kind: str) -> None:
    """One poll after the other takes the same connection, also after one that failed."""
    script: list[Misdeed] = [says(POLLED), says(answer(b"", status="500 Oops")), says(POLLED)]
    with Hostile(script) as server, opened(kind, base_url=server.url) as face:
        for _ in range(3):
            face(face.client.get_task, "t-1")
        assert (4, 1) == (len(server.requests), server.connections)


def download(face: Face, server: Hostile) -> None:
    done = b'{"id": "t-1", "status": "completed", "result": ["%s/out.png"]}' % server.origin.encode()
    server.script[:] = [says(answer(done)), says(answer(PNG))]
    face(face(face.client.wait, "t-1").images[0].bytes)


ALONE: dict[str, tuple[Callable[[Face, Hostile], Any], bytes]] = {
    "submit": (lambda face, _: face(face.client.submit, URL, "p"), ACCEPTED),
    "upload": (lambda face, _: face(face.client.upload, PNG), answer(b'{"url": "https://files.test/in.png"}')),
    "bytes": (download, POLLED),
}


@promises.OWN_CONNECTION
@pytest.mark.parametrize("what", ALONE)
def test_whatever_is_no_poll_has_a_connection_of_its_own(kind: str, what: str) -> None:
    """A submission, an upload and a download each go over a new connection, which ends with them."""
    ask, response = ALONE[what]
    with Hostile([]) as server, opened(kind, base_url=server.url) as face:
        server.script[:] = [says(POLLED)]
        face(face.client.get_task, "t-1")
        for number in (2, 3):
            server.script[:] = [says(response)]
            ask(face, server)
            assert number == server.connections
            assert server.open_at_most(1)
        alone = [request for request in server.requests if b"GET /v1" not in request]
        assert all(b"connection: close" in request.lower() for request in alone)


@promises.OWN_CONNECTION
@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_a_clients_own_pool_is_asked_to_close(kind: str) -> None:
    """With an httpx2 client of the caller's, a submission's connection ends with it, and is the only one for it."""
    made = httpx2.Client() if kind == "sync" else httpx2.AsyncClient()
    with Hostile([says(ACCEPTED)]) as server, opened(kind, base_url=server.url, http_client=made) as face:
        for number in (1, 2):
            face(face.client.submit, URL, "p")
            assert (number, number) == (server.connections, server.posts)
            assert server.open_at_most(0)
        face(made.close if kind == "sync" else made.aclose)


@promises.SHARED
def test_threads_do_not_wait_for_each_other() -> None:
    """As many threads as may be in flight at once each have a connection of their own."""
    with Hostile([Meeting(AT_ONCE)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            tasks = [threads.submit(client.submit, URL, "p") for _ in range(AT_ONCE)]
            assert {"t-1"} == {task.result().task_id for task in tasks}
        assert (AT_ONCE, AT_ONCE) == (server.posts, server.connections)


@promises.SHARED
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_do_not_wait_for_each_other(backend: str) -> None:
    """The same holds for tasks of an event loop."""

    async def run() -> None:
        async with AsyncNanoBananaEdit(token=TOKEN, base_url=server.url) as client, anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(client.submit, URL, "p")

    with Hostile([Meeting(AT_ONCE)]) as server:
        anyio.run(run, backend=backend)
        assert (AT_ONCE, AT_ONCE) == (server.posts, server.connections)


@promises.SHARED
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # asyncio's word on what the first loop left open
@pytest.mark.parametrize("backends", [["asyncio", "asyncio"], ["trio", "trio"], ["asyncio", "trio", "asyncio"]])
def test_one_client_over_several_event_loops(backends: list[str]) -> None:
    """A client may be used in one event loop after the other, each with connections of its own."""
    with Hostile([says(POLLED)]) as server:
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url)
        for backend in backends:
            assert "t-1" == anyio.run(client.get_task, "t-1", backend=backend).task_id
        anyio.run(client.aclose)
        assert (len(backends), len(backends)) == (len(server.requests), server.connections)
        del client
        gc.collect()


@promises.SHARED
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_leaves_the_connections_of_its_parent_alone() -> None:
    """Parent and child of a fork may both go on with one client; they share no connection."""
    with Hostile([says(POLLED)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        client.get_task("t-1")
        child = os.fork()
        if not child:
            os._exit(0 if client.get_task("t-1").task_id == "t-1" else 1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        client.get_task("t-1")
        assert (3, 2) == (len(server.requests), server.connections)


def test_the_connections_of_another_process_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """In another process, as after a fork, the connections of the one before are not held open."""
    with Hostile([says(POLLED)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        client.get_task("t-1")
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):  # of the sockets that are dropped
            client.get_task("t-1")
            gc.collect()
        assert 2 == server.connections
        assert server.open_at_most(1)


@promises.SHARED
@pytest.mark.parametrize("kind", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_a_client_can_be_sent_to_another_process(kind: type) -> None:
    """A client that was pickled has the settings of the original, without the token, and connections of its own."""
    original = kind(token=TOKEN, base_url="http://127.0.0.1:9/v1", timeout=7).with_options(max_retries=0)
    copy = pickle.loads(pickle.dumps(original))
    assert attrs.evolve(original._driver.settings, token="other") == copy.with_options(token="other")._driver.settings
    assert original._driver.http is not copy._driver.http
    assert copy._owns_http
    http = httpx2.Client() if kind is NanoBananaEdit else httpx2.AsyncClient()
    with pytest.raises(TypeError, match="your own http_client cannot be pickled"):
        pickle.dumps(kind(token=TOKEN, http_client=http))


def test_event_loops_of_threads_keep_their_connections() -> None:
    """Threads that share a client, each with an event loop, each go on with the connections that they have."""
    both = threading.Barrier(2)

    async def run() -> None:
        for _ in range(4):
            both.wait(30)
            await client.get_task("t-1")
        both.wait(30)
        await client.aclose()

    with Hostile([says(POLLED)]) as server, ThreadPoolExecutor(2) as threads:
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url)
        for thread in [threads.submit(asyncio.run, run()) for _ in range(2)]:
            thread.result()
        assert (8, 2) == (len(server.requests), server.connections)


@pytest.mark.parametrize(("backend", "kept"), [("asyncio", 1), ("trio", 16)])
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_connections_of_old_event_loops_are_not_kept(backend: str, kept: int) -> None:
    """A client that is used in very many event loops keeps the connections of a few."""
    with Hostile([says(POLLED)]) as server:
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url)
        for _ in range(20):
            anyio.run(client.get_task, "t-1", backend=backend)
        gc.collect()
        assert 20 == server.connections
        assert server.open_at_most(kept)
        anyio.run(client.aclose)
        del client
        gc.collect()


def upload(kind: str, image: bytes, **options: Any) -> None:
    """Upload a file with one of the clients."""
    if kind == "sync":
        with NanoBananaEdit(**options) as client:
            client.upload(image)
        return

    async def run() -> None:
        async with AsyncNanoBananaEdit(**options) as client:
            await client.upload(image)

    anyio.run(run, backend=kind)


@promises.DEADLINE
# httpx2 leaves the generator of a form to the collector when sending is given up; trio says so.
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_a_server_that_does_not_read_cannot_hold_an_upload(kind: str) -> None:
    """An upload whose bytes nobody takes is given up when the time is over."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(30_000_000)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        options = {"token": TOKEN, "base_url": f"http://127.0.0.1:{deaf.getsockname()[1]}", "timeout": PATIENCE}
        with pytest.raises(APITimeout):
            upload(kind, image, max_retries=0, **options)
    assert time.monotonic() - began < 25 * PATIENCE


def test_closing_from_another_thread_ends_a_call() -> None:
    """A call that waits for a server ends when another thread closes the client."""
    with Hostile([hang]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url, max_retries=0) as client:
        began = time.monotonic()
        threading.Timer(0.2, client.close).start()
        with pytest.raises(SubmissionUnknown):
            client.submit(URL, "p")
        assert time.monotonic() - began < 10  # the server says nothing for thirty


def test_connections_are_closed_with_the_client() -> None:
    """When a client is closed the server sees its connections end."""
    ended = threading.Event()

    def watch(connection, server) -> None:
        says(POLLED)(connection, server)
        connection.recv(1)
        ended.set()

    with Hostile([watch]) as server:
        with NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
            client.get_task("t-1")
            assert not ended.is_set()
        assert ended.wait(30)


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_broken_connections_make_room(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a connection ends, another may take its place: one at a time is enough for many calls."""
    monkeypatch.setattr(_transport, "MOST", 1)
    half = says(answer(b"{", length=99), then=close)
    with Hostile([close, half, says(ACCEPTED)] * 3) as server:
        client: Any = (NanoBananaEdit if kind == "sync" else AsyncNanoBananaEdit)(token=TOKEN, base_url=server.url)

        def run() -> None:
            for call in range(9):
                with nullcontext() if call % 3 == 2 else pytest.raises(SubmissionUnknown):
                    client.submit(URL, "p", timeout=30)
            client.close()

        async def async_run() -> None:
            for call in range(9):
                with nullcontext() if call % 3 == 2 else pytest.raises(SubmissionUnknown):
                    await client.submit(URL, "p", timeout=30)
            await client.aclose()

        run() if kind == "sync" else anyio.run(async_run, backend=kind)
        assert 9 == server.posts


@promises.DEADLINE
@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
def test_waits_for_a_free_connection(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More calls at once than connections take turns; one that gets no turn in its time has sent nothing."""
    monkeypatch.setattr(_transport, "MOST", 1)
    first, second = threading.Event(), threading.Event()

    def slow(connection, server) -> None:
        first.set()
        second.wait(30)
        says(ACCEPTED)(connection, server)

    def two(client: Any, submit: Any) -> None:
        with ThreadPoolExecutor(2) as threads:
            tasks = [threads.submit(submit, client)]
            assert first.wait(30)
            for _ in range(5):  # if the event loop is busy when the time is over, nobody knows where the request was
                with pytest.raises((APITimeout, SubmissionUnknown)) as over:
                    submit(client.with_options(max_retries=0, timeout=PATIENCE))
                if over.type is APITimeout:
                    break
            assert "PoolTimeout" in str(over.value)
            assert 1 == server.posts
            tasks.append(threads.submit(submit, client))
            second.set()
            assert ["t-1", "t-1"] == [task.result().task_id for task in tasks]

    options: dict[str, Any] = {"token": TOKEN, "timeout": 30}
    with Hostile([slow]) as server:
        if backend == "sync":
            with NanoBananaEdit(base_url=server.url, **options) as client:
                two(client, lambda client: client.submit(URL, "p"))
        else:
            with (
                start_blocking_portal(backend) as portal,
                portal.wrap_async_context_manager(AsyncNanoBananaEdit(base_url=server.url, **options)) as client,
            ):
                two(client, lambda client: portal.call(client.submit, URL, "p"))
        assert (2, 2) == (server.posts, server.connections)


@promises.ABANDONED
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("backend", ["sync", "asyncio", "trio"])
def test_an_abandoned_client_warns_once(backend: str, recwarn: pytest.WarningsRecorder) -> None:
    """A client that is dropped after a poll says so, once; one that was closed, or never used, is silent."""
    with Hostile([says(POLLED)]) as server:
        for used, closed in ((False, False), (True, True), (True, False)):
            client: Any = (NanoBananaEdit if backend == "sync" else AsyncNanoBananaEdit)(
                token=TOKEN, base_url=server.url
            )

            async def run(client: Any = client, used: bool = used, closed: bool = closed) -> None:
                if used:
                    await client.get_task("t-1")
                if closed:
                    await client.aclose()

            if backend != "sync":
                anyio.run(run, backend=backend)
            else:
                if used:
                    client.with_options(timeout=9).get_task("t-1")
                if closed:
                    client.close()
            del client, run
            gc.collect()
            said = [str(warning.message) for warning in recwarn if "a client was" in str(warning.message)]
            assert (["a client was dropped without being closed"] if used and not closed else []) == [
                text.partition(";")[0] for text in said
            ]
