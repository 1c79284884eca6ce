"""A service that refuses all submissions in flight at once has asked to go slower once."""

import asyncio
import json
from pathlib import Path

import httpx2
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.batch import Batch, Limits
from nano_banana_edit.ledger import Ledger

_ABREAST = 10
_LONGEST = 15.0  # seconds; spaced wider by each of the refusals, the edits would take minutes


class Refusing:
    """A service that answers the first submissions with 429, all at once."""

    def __init__(self) -> None:
        self.submissions = 0
        self.full = asyncio.Event()

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.startswith("/v1/tasks/"):
            url = "https://example.test/result.png"
            return httpx2.Response(200, json={"id": path[10:], "status": "completed", "result": [url]})
        if path == "/result.png":
            return httpx2.Response(200, content=b"\x89PNG\r\n\x1a\n" + bytes(32))
        self.submissions += 1
        if self.submissions <= _ABREAST:
            if self.submissions == _ABREAST:
                self.full.set()
            await self.full.wait()
            return httpx2.Response(429, headers={"Retry-After": "0"})
        return httpx2.Response(200, json={"task_id": json.loads(request.content)["prompt"]})


def test_all_in_flight_refused_at_once_slow_the_batch_once(tmp_path: Path) -> None:
    """When every submission in flight gets 429 at once, the batch goes on almost as fast as before."""
    rows = [{"key": f"k-{n}", "image": "https://example.test/photo.png", "prompt": f"t-{n}"} for n in range(_ABREAST)]

    async def run() -> int:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(Refusing()))
        with Ledger(tmp_path / "edits.db") as ledger:
            async with http, AsyncNanoBananaEdit(token="any", http_client=http) as client, asyncio.timeout(_LONGEST):
                limits = Limits(in_flight=_ABREAST)
                status = await Batch(rows, tmp_path, ledger=ledger, client=client, name="b", limits=limits).arun()
        return status.states["saved"]

    assert asyncio.run(run()) == _ABREAST
