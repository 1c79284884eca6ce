"""Each attempt ends in its own time, also where the call that it belongs to has all the time there is."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import anyio
import httpx2
import pytest
from nano_banana_edit import APITimeout, AsyncNanoBananaEdit, SubmissionUnknown, _attempt

from .faces import Face, opened
from .misdeeds import PATIENCE, TOKEN, URL
from .server import Hostile, hang

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]

ASK: dict[str, tuple[Callable[[Face], Any], type[Exception]]] = {
    "look": (lambda face: face(face.client.get_task, "t-1"), APITimeout),
    "submit": (lambda face: face(face.client.submit, URL, "p"), SubmissionUnknown),
}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute takes less than a second."""
    monkeypatch.setattr(_attempt, "_LONGEST", httpx2.Timeout(PATIENCE).as_dict())


@pytest.mark.parametrize("what", ASK)
def test_a_silent_server_is_given_up(kind: str, what: str) -> None:
    """An answer that does not come is waited for no longer than an attempt may take."""
    ask, expected = ASK[what]
    began = time.monotonic()
    with Hostile([hang]) as server, opened(kind, base_url=server.url, timeout=None, max_retries=0) as face:
        with pytest.raises(expected):
            ask(face)
        assert 1 == len(server.requests)
    assert time.monotonic() - began < 25 * PATIENCE


def test_a_handshake_without_end_is_given_up(kind: str) -> None:
    """A server that does not begin to speak TLS is waited for no longer either, and got nothing."""
    began = time.monotonic()
    with Hostile([hang], greeting=hang) as server:
        url = server.url.replace("http:", "https:")
        with opened(kind, base_url=url, timeout=None, max_retries=0) as face, pytest.raises(APITimeout):
            ASK["submit"][0](face)
    assert time.monotonic() - began < 25 * PATIENCE


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])  # aiohttp bounds no write: docs/promises.md
def test_a_server_that_does_not_read_is_given_up(kind: str) -> None:
    """An upload whose bytes nobody takes is given up as well."""
    image = b"\x89PNG\r\n\x1a\n" + bytes(30_000_000)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with opened(kind, base_url=url, timeout=None, max_retries=0) as face, pytest.raises(APITimeout):
            face(face.client.upload, image)
    assert time.monotonic() - began < 25 * PATIENCE


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_connection_not_made_in_time_is_no_unknown_submission(backend: str) -> None:
    """With an httpx2 client of one's own too it is known at the end of the time that nothing was sent."""

    async def run(url: str) -> None:
        options: dict[str, Any] = {"token": TOKEN, "base_url": url, "timeout": PATIENCE, "max_retries": 0}
        async with httpx2.AsyncClient() as http, AsyncNanoBananaEdit(http_client=http, **options) as client:
            await client.submit(URL, "p")

    with Hostile([hang], greeting=hang) as server, pytest.raises(APITimeout, match="ConnectTimeout"):
        anyio.run(run, server.url.replace("http:", "https:"), backend=backend)
