"""Calls with a key that are cancelled or abandoned, at each moment: what the ledger says afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import anyio
import anyio.from_thread
import httpx2
import pytest
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.ledger import Ledger

from .. import promises
from ..wrapper.conftest import URL, Script, accepted, task
from .conftest import Hooked, HookedLedger, expire


class Stalled(httpx2.AsyncBaseTransport):
    """Takes a submission, and calls a function or answers; it answers nothing else."""

    def __init__(self, then: Callable[[], object] | None) -> None:
        self.then = then

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST" and self.then is None:
            return accepted()
        if self.then:
            self.then()
        await anyio.sleep_forever()
        raise AssertionError


@promises.STOPPED
@promises.NONE_FORGOTTEN
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("moment", "state"), [("claim", "new"), ("out", "unknown"), ("sent", "sent")])
def test_cancelled(database: str, backend: str, moment: str, state: str) -> None:
    """A call that is cancelled while it claims, sends or writes leaves a row that tells the truth."""

    async def run() -> None:
        with HookedLedger(database) as ledger, anyio.CancelScope() as scope:
            ledger.hook = Hooked(moment, after=lambda: anyio.from_thread.run_sync(scope.cancel))
            transport = Stalled(scope.cancel if moment == "out" else None)
            async with httpx2.AsyncClient(transport=transport) as http:
                await AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger).edit(URL, "p", key="k")
        assert scope.cancelled_caught
        with Ledger(database) as ledger:
            assert state == ledger.get("k").state

    anyio.run(run, backend=backend)


@promises.STOPPED
@promises.NONE_FORGOTTEN
@pytest.mark.parametrize(
    ("moment", "answer", "state"),
    [
        ("claim", accepted(), "new"),
        ("sent", accepted(), "sent"),
        ("sent", httpx2.Response(500, json={"task_id": "t-1"}), "sent"),
        ("released", httpx2.Response(503), "unknown"),
        ("finished", accepted(), "completed"),
    ],
)
def test_cancelled_by_asyncio(database: str, moment: str, answer: httpx2.Response, state: str) -> None:
    """`Task.cancel`, however often, lets a call end only when what it writes is written; it has the id of the task."""
    over, outlived, ends = threading.Event(), [], []
    script = Script([answer, task()])

    async def run() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(script)) as http:
            client = AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger, max_retries=0)

            async def call() -> None:
                try:
                    await client.edit(URL, "p", key="k")
                except BaseException as error:
                    ends.append(error)
                    raise
                finally:
                    over.set()

            calling = asyncio.create_task(call())

            def cancel() -> None:
                for _ in range(3):
                    anyio.from_thread.run_sync(calling.cancel)
                    outlived.append(over.wait(0.1))

            ledger.hook = Hooked(moment, before=cancel)
            await asyncio.wait([calling])
            assert calling.cancelled()

    with HookedLedger(database) as ledger:
        asyncio.run(run())
        assert [False] * 3 == outlived
        assert state == ledger.get("k").state
    assert ("t-1" if "t-1" in answer.text and moment != "claim" else None) == vars(ends[0]).get("task_id")


@promises.ONE_PER_KEY
def test_abandoned_while_sending(database: str) -> None:
    """A coroutine that is closed while its request is out leaves a row that becomes unknown."""
    sent = []

    async def run() -> None:
        with Ledger(database) as ledger:
            async with httpx2.AsyncClient(transport=Stalled(lambda: sent.append(1))) as http:
                call = AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger).submit(URL, "p", key="k")
                while not sent:
                    future = call.send(None)
                    await (asyncio.wait([future]) if future and not sent else asyncio.sleep(0))
                call.close()
            expire(database)
            assert "unknown" == ledger.get("k").state

    asyncio.run(run())


@promises.NONE_FORGOTTEN
@pytest.mark.parametrize("steps", range(12))
def test_abandoned(database: str, steps: int) -> None:
    """A coroutine that is closed at any point, as one of an event loop that ends, forgets nothing that was sent."""
    script = Script([accepted()])

    async def run() -> None:
        with Ledger(database) as ledger:
            async with httpx2.AsyncClient(transport=httpx2.MockTransport(script)) as http:
                client = AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger)
                call = client.submit(URL, "p", key="k")
                try:
                    for _ in range(steps):
                        future = call.send(None)
                        await (asyncio.wait([future]) if future else asyncio.sleep(0))
                except StopIteration:
                    pass
                call.close()
                await asyncio.sleep(0.05)  # for the thread that writes
            row = ledger.get("k")
            state = row.state if row else None
            assert state in (("sending", "sent") if script.requests else (None, "sending"))

    asyncio.run(run())
