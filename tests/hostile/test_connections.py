"""The client's own connections: shared where they can be, never between event loops, always closed."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import httpx
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, SubmissionUnknown

from .server import ACCEPTED, Hostile, Misdeed, answer, close, says
from .test_submissions import TOKEN, URL

pytestmark = pytest.mark.server

AT_ONCE = 40


class Meeting:
    """Answers nobody before everybody has come."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size)

    def __call__(self, connection, server) -> None:
        self.barrier.wait(30)
        says(ACCEPTED)(connection, server)


def test_calls_in_turn_share_a_connection() -> None:
    """One call after the other takes the same connection, also after one that failed."""
    script: list[Misdeed] = [says(ACCEPTED), says(answer(b"", status="500 Oops")), says(ACCEPTED)]
    with Hostile(script) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        client.submit(URL, "p")
        with pytest.raises(SubmissionUnknown):
            client.submit(URL, "p")
        client.submit(URL, "p")
        assert (3, 1) == (server.posts, server.connections)


def test_async_calls_in_turn_share_a_connection() -> None:
    """The same holds for the async client within one event loop."""

    async def run() -> None:
        async with AsyncNanoBananaEdit(token=TOKEN, base_url=server.url) as client:
            for _ in range(3):
                await client.submit(URL, "p")

    with Hostile([says(ACCEPTED)]) as server:
        asyncio.run(run())
        assert (3, 1) == (server.posts, server.connections)


def test_threads_do_not_wait_for_each_other() -> None:
    """As many threads as may be in flight at once each have a connection of their own."""
    with Hostile([Meeting(AT_ONCE)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            tasks = [threads.submit(client.submit, URL, "p") for _ in range(AT_ONCE)]
            assert {"t-1"} == {task.result().task_id for task in tasks}
        assert (AT_ONCE, AT_ONCE) == (server.posts, server.connections)


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


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # asyncio's word on what the first loop left open
@pytest.mark.parametrize("backends", [["asyncio", "asyncio"], ["trio", "trio"], ["asyncio", "trio", "asyncio"]])
def test_one_client_over_several_event_loops(backends: list[str]) -> None:
    """A client may be used in one event loop after the other, each with connections of its own."""
    with Hostile([says(ACCEPTED)]) as server:
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url)
        for backend in backends:
            assert "t-1" == anyio.run(client.submit, URL, "p", backend=backend).task_id
        anyio.run(client.aclose)
        assert (len(backends), len(backends)) == (server.posts, server.connections)
        del client
        gc.collect()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_leaves_the_connections_of_its_parent_alone() -> None:
    """Parent and child of a fork may both go on with one client; they share no connection."""
    with Hostile([says(ACCEPTED)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        client.submit(URL, "p")
        child = os.fork()
        if not child:
            os._exit(0 if client.submit(URL, "p").task_id == "t-1" else 1)
        assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        client.submit(URL, "p")
        assert (3, 2) == (server.posts, server.connections)


@pytest.mark.parametrize("kind", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_a_client_can_be_sent_to_another_process(kind: type) -> None:
    """A client that was pickled has the settings of the original, and connections of its own."""
    original = kind(token=TOKEN, base_url="http://127.0.0.1:9/v1", timeout=7).with_options(max_retries=0)
    copy = pickle.loads(pickle.dumps(original))
    assert original._driver.settings == copy._driver.settings
    assert original._driver.http is not copy._driver.http
    assert copy._owns_http
    http = httpx.Client() if kind is NanoBananaEdit else httpx.AsyncClient()
    with pytest.raises(TypeError, match="an http_client of yours cannot be pickled"):
        pickle.dumps(kind(token=TOKEN, http_client=http))


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a proxy, both clients go through it."""
    with Hostile([says(ACCEPTED)]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        to = {"token": TOKEN, "base_url": "http://api.example.test/v1", "allow_http": True}
        with NanoBananaEdit(**to) as client:
            assert "t-1" == client.submit(URL, "p").task_id

        async def run() -> None:
            async with AsyncNanoBananaEdit(**to) as client:
                assert "t-1" == (await client.submit(URL, "p")).task_id

        anyio.run(run)
        assert 2 == proxy.posts
        assert all(request.startswith(b"POST http://api.example.test/v1/") for request in proxy.requests)


def test_connections_are_closed_with_the_client() -> None:
    """When a client is closed the server sees its connections end."""
    ended = threading.Event()

    def watch(connection, server) -> None:
        says(ACCEPTED)(connection, server)
        connection.recv(1)
        ended.set()

    with Hostile([watch]) as server:
        with NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
            client.submit(URL, "p")
            assert not ended.is_set()
        assert ended.wait(30)


def test_a_pool_is_given_back_once() -> None:
    """A connection that breaks while it is closed counts as given back, and only once."""
    with Hostile([close]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        for _ in range(3):
            with pytest.raises(SubmissionUnknown):
                client.submit(URL, "p")
        busy = client._driver.http._transport._here().pools
        assert [0] == [*busy.values()]
