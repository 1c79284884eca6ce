"""Connections that are idle, on httpx2 and on aiohttp."""

from __future__ import annotations

import asyncio
import gc

import httpx2
import pytest
from nano_banana_edit import (
    AsyncNanoBananaEdit,
    _aiohttp,
    _transport,
    aiohttp_client,
)

from .. import promises
from .faces import opened
from .server import Hostile, says
from .test_connections import POLLED
from .test_submissions import TOKEN

pytestmark = pytest.mark.server


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_idle_connections_are_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was idle for longer than IDLE is not used again."""
    monkeypatch.setattr(_transport, "IDLE", 0)
    with Hostile([says(POLLED)]) as server, opened(kind, base_url=server.url) as face:
        for _ in range(2):
            face(face.client.get_task, "t-1")
        assert 2 == server.connections


def test_idle_connections_of_aiohttp_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """On aiohttp too an idle connection ends after the time that is set for it, and not after aiohttp's own."""
    monkeypatch.setattr(_aiohttp, "IDLE", 0.1)
    with Hostile([says(POLLED)]) as server, opened("aiohttp", base_url=server.url) as face:
        face(face.client.get_task, "t-1")
        assert server.open_at_most(0)


@promises.SHARED
@pytest.mark.filterwarnings("ignore:[Uu]nclosed:ResourceWarning")  # aiohttp's word on what the first loop left open
def test_an_aiohttp_client_over_several_event_loops() -> None:
    """On aiohttp too a client may be used in one event loop after the other, and closes what the last one opened."""

    async def last(client: AsyncNanoBananaEdit, http: httpx2.AsyncClient) -> bool:
        await client.get_task("t-1")
        gc.collect()  # what the first loop left open
        await http.aclose()
        return await asyncio.to_thread(server.open_at_most, 0)

    with Hostile([says(POLLED)]) as server:
        http = aiohttp_client()
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url, http_client=http)
        assert "t-1" == asyncio.run(client.get_task("t-1")).task_id
        assert asyncio.run(last(client, http))
        assert (2, 2) == (len(server.requests), server.connections)
