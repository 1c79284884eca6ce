"""What a call waits for before anything of it is sent is within its time as well."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import anyio
import anyio.to_thread
import pytest
from nano_banana_edit import APIConnectionError, APITimeout, AsyncNanoBananaEdit, _async_driver

from .. import promises
from .faces import opened
from .misdeeds import PATIENCE, TOKEN, URL
from .server import ACCEPTED, Hostile, answer, hang, says

pytestmark = pytest.mark.server

UPLOADED = answer(b'{"url": "https://files.example.test/in.png"}')
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@contextmanager
def black_hole() -> Iterator[int]:
    """A port of this machine that answers no attempt to connect, as its queue is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The addresses of each name that a resolver knows."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        return [found for address in names.get(name, [name]) for found in real(address, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return names


@promises.DEADLINE
def test_many_addresses_share_the_time(kind: str, known: dict[str, list[str]]) -> None:
    """A host none of whose addresses answers is given up when the time is over, not that of each address."""
    known["api.localhost"] = ["127.0.0.1"] * 50
    began = time.monotonic()
    with (
        black_hole() as port,
        opened(kind, base_url=f"http://api.localhost:{port}", timeout=PATIENCE, max_retries=0) as face,
        pytest.raises(APITimeout),
    ):
        face(face.client.submit, URL, "p")
    assert time.monotonic() - began < 25 * PATIENCE  # the addresses one by one are fifty


@promises.NEXT_ADDRESS
def test_the_next_address_is_tried(kind: str, known: dict[str, list[str]]) -> None:
    """Where nobody listens at one address, or none can be connected to, an edit goes to the next one of its host."""
    known["api.localhost"] = ["::1", "255.255.255.255", "127.0.0.1"]
    with (
        Hostile([says(ACCEPTED)]) as server,
        opened(kind, base_url=f"http://api.localhost:{server.port}", max_retries=0) as face,
    ):
        assert "t-1" == face(face.client.submit, URL, "p").task_id


def test_a_name_that_nobody_knows_is_no_connection(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the name of a host cannot be looked up nothing was sent, and the error says why."""

    def look_up(*_args: object, **_options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    with opened(kind, base_url="http://api.localhost:1", max_retries=0) as face:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with pytest.raises(APIConnectionError, match="Name or service not known"):
            face(face.client.submit, URL, "p")


@promises.NEXT_ADDRESS
def test_a_dead_address_does_not_hold_a_connection(kind: str, known: dict[str, list[str]]) -> None:
    """Where the first address of a host answers nothing, the next one is tried beside it (RFC 8305)."""
    known["api.localhost"] = ["127.0.0.1", "127.0.0.2"]
    with ExitStack() as stack:
        port = stack.enter_context(black_hole())
        server = stack.enter_context(Hostile([says(ACCEPTED)], address=("127.0.0.2", port)))
        face = stack.enter_context(opened(kind, base_url=f"http://api.localhost:{port}", timeout=30, max_retries=0))
        began = time.monotonic()
        assert "t-1" == face(face.client.submit, URL, "p").task_id
        assert time.monotonic() - began < 9  # the first address by itself takes ten
        assert 1 == server.connections


@promises.STOPPED
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_handshake_is_closed(backend: str) -> None:
    """A call that is cancelled while it waits for TLS leaves no open connection."""

    async def run(url: str) -> bool:
        async with AsyncNanoBananaEdit(token=TOKEN, base_url=url, timeout=None) as client:
            with anyio.move_on_after(PATIENCE):
                await client.submit(URL, "p")
            return await anyio.to_thread.run_sync(server.open_at_most, 0)

    with Hostile([hang], greeting=until_closed) as server:
        assert anyio.run(run, server.url.replace("http:", "https:"), backend=backend)
        assert [] == server.requests


def until_closed(connection: socket.socket, _server: Hostile) -> None:
    """Read, and say nothing."""
    while connection.recv(65_536):
        pass
    connection.close()


@promises.DEADLINE
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_threads_of_the_application_may_be_busy(backend: str) -> None:
    """An image is read also while the application has taken all threads that are for it."""
    done = threading.Event()

    async def run() -> str:
        async with anyio.create_task_group() as group:
            for _ in range(int(anyio.to_thread.current_default_thread_limiter().total_tokens)):
                group.start_soon(anyio.to_thread.run_sync, done.wait, 30)
            await anyio.wait_all_tasks_blocked()
            async with AsyncNanoBananaEdit(token=TOKEN, base_url=server.url) as client:
                try:
                    return (await client.submit(PNG, "p", timeout=10)).task_id
                finally:
                    done.set()

    with Hostile([says(UPLOADED), says(ACCEPTED)]) as server:
        assert "t-1" == anyio.run(run, backend=backend)


class Slow(io.BytesIO):
    """A file that is read when the test says so."""

    def __init__(self) -> None:
        super().__init__(PNG)
        self.begun, self.go_on = threading.Event(), threading.Event()

    def read(self, *size: Any) -> bytes:
        self.begun.set()
        self.go_on.wait(30)
        return super().read(*size)


@promises.DEADLINE
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_thread_is_waited_for_within_the_time(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that gets no thread to read its image in has sent nothing when its time is over."""
    monkeypatch.setattr(_async_driver, "_WORKERS", 1)
    slow = Slow()

    async def run() -> None:
        async with (
            AsyncNanoBananaEdit(token=TOKEN, base_url=server.url, timeout=None) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(client.submit, slow, "p")
            await anyio.to_thread.run_sync(slow.begun.wait, 30)
            try:
                with pytest.raises(APITimeout, match=rf"\({PATIENCE} s\) is over; nothing more was sent"):
                    await client.submit(PNG, "p", timeout=PATIENCE)
                assert [] == server.requests
            finally:
                slow.go_on.set()

    with Hostile([says(UPLOADED), says(ACCEPTED)]) as server:
        anyio.run(run, backend=backend)
        assert 2 == server.posts
