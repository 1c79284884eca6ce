"""A desk: a ledger, a service that counts what arrives, and batches between them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from attrs import define, field
from nano_banana_edit import AsyncNanoBananaEdit, _clock
from nano_banana_edit.batch import Batch, Limits, Outcome, Status, arun_keys
from nano_banana_edit.ledger import Ledger, Row
from nano_banana_edit_mock import MockService, mock_transport

from ..wrapper.conftest import PNG, Clock, clock

__all__ = ["clock"]

Hook = Callable[[httpx2.Request], Awaitable[httpx2.Response | None]]
URL = "https://images.example.test/in.png"


@define(eq=False)
class Shop(httpx2.AsyncBaseTransport):
    """The service, which takes some turns of the event loop for each answer, and notes how much it has to do."""

    service: MockService = field(factory=lambda: MockService(polls=0))
    active: dict[str, int] = field(factory=dict)
    most: dict[str, int] = field(factory=dict)
    names: list[str] = field(factory=list)
    times: list[float] = field(factory=list)  # of submissions
    hook: Hook | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        path = request.url.path
        name = "poll" if "/tasks/" in path else "submit" if "/generate/" in path else "upload"
        name = "fetch" if request.method == "GET" and name == "upload" else name
        self.names.append(name)
        self.active[name] = self.active.get(name, 0) + 1
        self.most[name] = max(self.most.get(name, 0), self.active[name])
        if name == "submit":
            self.times.append(_clock.now())
        try:
            for _ in range(20):
                await asyncio.sleep(0)
            answer = await self.hook(request) if self.hook else None
            return answer or await mock_transport(self.service).handle_async_request(request)
        finally:
            self.active[name] -= 1

    def count(self, name: str) -> int:
        return self.names.count(name)


def answer(status: int, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers=headers, json={"message": "scripted"})


@define
class Desk:
    """Runs batches on one ledger and one service."""

    ledger: Ledger
    folder: Path
    shop: Shop = field(factory=Shop)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def service(self) -> MockService:
        return self.shop.service

    def client(self, **options: Any) -> AsyncNanoBananaEdit:
        http = httpx2.AsyncClient(transport=self.shop)
        return AsyncNanoBananaEdit(token="t", http_client=http, **{"poll_interval": 0, **options})

    def batch(self, source: Any, *, client: Any = None, **how: Any) -> Batch:
        options = {"output": self.out, "name": "b", "ledger": self.ledger, "client": client or self.client(), **how}
        return Batch(source, **options)

    def run(self, source: Any, **how: Any) -> Status:
        return self.batch(source, **how).run()

    def outcomes(self, source: Any, **how: Any) -> dict[str, Outcome]:
        async def collect() -> dict[str, Outcome]:
            return {outcome.key: outcome async for outcome in self.batch(source, **how)}

        return asyncio.run(collect())

    def keys(self, keys: Iterable[str], **how: Any) -> list[Outcome]:
        async def work() -> list[Outcome]:
            return await arun_keys(self.ledger, self.client(), keys, self.out, **how)

        return asyncio.run(work())

    def photo(self, name: str = "in.png", content: bytes = PNG) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def row(self, key: str) -> Row:
        row = self.ledger.get(key)
        assert row is not None
        return row

    def states(self) -> dict[str, str]:
        return {row.key: row.state for row in self.ledger.rows()}

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.out)) for path in self.out.rglob("*") if path.is_file())


def rows(number: int, **more: Any) -> list[dict[str, Any]]:
    """Rows with the keys k0, k1 ... and a prompt each."""
    return [{"key": f"k{index}", "image": URL, "prompt": f"p{index}", **more} for index in range(number)]


def limits(**how: Any) -> Limits:
    return Limits(**how)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Ledger(tmp_path / "ledger.db") as ledger:
        yield Desk(ledger, tmp_path)


@pytest.fixture
def any_desk(database: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each database."""
    with Ledger(database) as ledger:
        yield Desk(ledger, tmp_path)


@pytest.fixture
def _clock_is_ours(clock: Clock) -> Clock:
    return clock


def execute(database: str, statement: str) -> None:
    """Run SQL of the test's own on an SQLite ledger."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)
