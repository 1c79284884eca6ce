"""Each attempt ends in its own time, also where the call that it belongs to has all the time there is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from nano_banana_edit import APITimeout, AsyncNanoBananaEdit, SubmissionUnknown

from .. import promises
from .faces import Face, opened
from .misdeeds import PATIENCE, TOKEN, URL
from .server import ACCEPTED, Hostile, hang, says

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
SOON: dict[str, Any] = {"timeout": None, "attempt_timeout": PATIENCE, "max_retries": 0}
ASK: dict[str, tuple[Callable[[Face], Any], type[Exception]]] = {
    "look": (lambda face: face(face.client.get_task, "t-1"), APITimeout),
    "upload": (lambda face: face(face.client.upload, PNG), APITimeout),
}


@pytest.mark.parametrize("what", ASK)
def test_a_silent_server_is_given_up(kind: str, what: str) -> None:
    """An answer that does not come is waited for no longer than an attempt may take."""
    ask, expected = ASK[what]
    began = time.monotonic()
    with Hostile([hang]) as server, opened(kind, base_url=server.url, **SOON) as face:
        for _ in range(5):  # a busy machine may connect too late
            with pytest.raises(expected):
                ask(face)
            if server.requests:
                break
        assert 1 == len(server.requests)
    assert time.monotonic() - began < 25 * PATIENCE


@promises.PAID_FOR
def test_a_submission_is_waited_for(kind: str) -> None:
    """The answer to a submission may take longer than an attempt at anything else, up to the call's own timeout."""
    slow = says(b"HTTP/1.1 200 OK\r\n", ACCEPTED.partition(b"\r\n")[2], pause=3 * PATIENCE)
    with Hostile([slow]) as server, opened(kind, base_url=server.url, **SOON) as face:
        assert "t-1" == face(face.client.submit, URL, "p").task_id
    with Hostile([hang]) as server, opened(kind, base_url=server.url, **{**SOON, "timeout": 3 * PATIENCE}) as face:
        with pytest.raises(SubmissionUnknown):
            face(face.client.submit, URL, "p")
        assert 1 == server.posts


def test_a_handshake_without_end_is_given_up(kind: str) -> None:
    """A server that does not begin to speak TLS is waited for no longer either, and got nothing."""
    began = time.monotonic()
    with Hostile([hang], greeting=hang) as server:
        url = server.url.replace("http:", "https:")
        with opened(kind, base_url=url, **SOON) as face, pytest.raises(APITimeout):
            face(face.client.submit, URL, "p")
    assert time.monotonic() - began < 25 * PATIENCE


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])  # aiohttp bounds no write: docs/reference/promises.md
def test_a_server_that_does_not_read_is_given_up(kind: str) -> None:
    """An upload whose bytes nobody takes is given up as well."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(30_000_000)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with opened(kind, base_url=url, **SOON) as face, pytest.raises(APITimeout):
            face(face.client.upload, image)
    assert time.monotonic() - began < 25 * PATIENCE


async def hold_up() -> None:
    """Keep the event loop busy when the time of a call is over."""
    await anyio.wait_all_tasks_blocked()
    threading.Event().wait(2 * PATIENCE)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_connection_not_made_in_time_is_no_unknown_submission(backend: str, busy: bool) -> None:
    """With an httpx2 client of one's own too it is known at the end of the time that nothing was sent."""

    async def run(url: str) -> None:
        options: dict[str, Any] = {"token": TOKEN, "base_url": url, "timeout": PATIENCE, "max_retries": 0}
        async with (
            httpx2.AsyncClient() as http,
            AsyncNanoBananaEdit(http_client=http, **options) as client,
            anyio.create_task_group() as group,
        ):
            if busy:
                group.start_soon(hold_up)
            with pytest.raises(APITimeout, match="ConnectTimeout"):
                await client.submit(URL, "p")

    with Hostile([hang], greeting=hang) as server:
        anyio.run(run, server.url.replace("http:", "https:"), backend=backend)
