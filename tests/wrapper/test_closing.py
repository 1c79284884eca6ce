"""A closed client names the reason of its error."""

from __future__ import annotations

from typing import Any

import anyio
import httpx2
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, NanoBananaEditError, SubmissionUnknown

from .conftest import PNG, URL, Face


@pytest.mark.parametrize("method", ["submit", "get_task", "upload"])
def test_closed_while_it_is_used(face: Face, method: str) -> None:
    """What another thread closes just before it sends says so as well; of an edit nobody knows."""

    class Closing(httpx2.Client):
        def send(self, *args: Any, **options: Any) -> httpx2.Response:
            self.close()
            return super().send(*args, **options)

    class AsyncClosing(httpx2.AsyncClient):
        async def send(self, *args: Any, **options: Any) -> httpx2.Response:
            await self.aclose()
            return await super().send(*args, **options)

    arguments = {"submit": (URL, "p"), "get_task": ("t-1",), "upload": (PNG,)}[method]

    def run_sync() -> None:
        getattr(NanoBananaEdit(token="t", http_client=Closing()), method)(*arguments)

    async def run() -> None:
        await getattr(AsyncNanoBananaEdit(token="t", http_client=AsyncClosing()), method)(*arguments)

    with pytest.raises(NanoBananaEditError, match=r"client .* closed") as failure:
        run_sync() if face.kind == "sync" else anyio.run(run, backend=face.kind)
    assert (SubmissionUnknown if method == "submit" else NanoBananaEditError) is type(failure.value)


def test_closed_client_says_so(face: Face) -> None:
    """A client that was closed sends nothing and says why."""
    client: Any = NanoBananaEdit(token="t") if face.kind == "sync" else AsyncNanoBananaEdit(token="t")

    async def run() -> None:
        await client.aclose()
        await client.submit(URL, "p")

    def run_sync() -> None:
        client.close()
        client.submit(URL, "p")

    with pytest.raises(NanoBananaEditError, match="client is closed"):
        run_sync() if face.kind == "sync" else anyio.run(run, backend=face.kind)
