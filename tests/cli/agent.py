"""An agent's client of the SDK, with the server of the command in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import httpx2
from mcp import Client
from mcp.types import CallToolResult
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.cli import _agent
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockService, mock_transport

TOKEN = "token-that-must-not-leak"
Transport: TypeAlias = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


class Session:
    """A client of the SDK, whose server runs in this process; remembers what progress it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[str | None] = []

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            self.told.append(message)

        return await self.client.call_tool(tool, arguments, progress_callback=hear)

    async def edit(self, *images: str, **arguments: Any) -> CallToolResult:
        arguments = {"images": list(images or ["valley.jpg"]), "prompt": "snow", **arguments}
        return await self.call("edit_image", **arguments)


class Held:
    """A transport that holds the first request to a path until it may go on, or is answered by another response."""

    def __init__(self, service: MockService, path: str, response: httpx2.Response | None = None) -> None:
        self.came, self.may_go_on = anyio.Event(), anyio.Event()
        self._inner, self._path, self._response = mock_transport(service), path, response

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        await anyio.lowlevel.checkpoint()
        if request.url.path.endswith(self._path) and not self.came.is_set():
            self.came.set()
            await self.may_go_on.wait()
            if self._response:
                return self._response
        return await self._inner.handle_async_request(request)


def serve(
    folder: Path,
    handler: MockService | Transport,
    use: Callable[[Session], Awaitable[Any]],
    *,
    max_edits: int = 9,
    wait: float = 45.0,
    mock: bool = False,
    **options: Any,
) -> Any:
    """Run a session against a server over a service."""
    transport = mock_transport(handler) if isinstance(handler, MockService) else httpx2.MockTransport(handler)

    async def main() -> Any:
        with Ledger(folder / "ledger.db") as ledger:
            http = httpx2.AsyncClient(transport=transport)
            settings = {"poll_interval": 0.01, **options}
            client = AsyncNanoBananaEdit(token=TOKEN, http_client=http, ledger=ledger, **settings)
            made = _agent.server(client, ledger, folder, max_edits=max_edits, wait=wait, mock=mock)
            async with http, Client(made) as connected:
                try:
                    return await use(Session(connected))
                except Exception as error:  # noqa: BLE001 - the task groups of the SDK would wrap it
                    failure = error
            raise failure

    return anyio.run(main)


def said(result: CallToolResult) -> str:
    assert TOKEN not in result.model_dump_json()
    return result.content[0].text
