"""Tests of applications that freeze the time: nothing waits for ever, neither a client nor the mock."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias

import anyio
import freezegun
import pytest
import stamina
import time_machine
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, WaitTimeout
from nano_banana_edit_mock import MockServer, MockService, Reply, mock_router

from . import promises

URL = "https://images.example.com/a.png"
DAY = "2030-01-01"
FREEZERS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "freezegun": partial(freezegun.freeze_time, DAY),
    "freezegun-real-asyncio": partial(freezegun.freeze_time, DAY, real_asyncio=True),
    "time-machine": partial(time_machine.travel, DAY, tick=False),
}
Frozen: TypeAlias = Callable[[], AbstractContextManager[Any]]
every_freezer = pytest.mark.parametrize("frozen", FREEZERS.values(), ids=FREEZERS)
every_way = pytest.mark.parametrize("way", ["sync", "asyncio", "trio"])


def call(way: str, method: str, *args: str, **options: Any) -> Any:
    """Call a method of a client, sync or on an event loop."""

    async def run() -> Any:
        async with AsyncNanoBananaEdit(**options) as client:
            return await getattr(client, method)(*args)

    if way != "sync":
        return anyio.run(run, backend=way)
    with NanoBananaEdit(**options) as client:
        return getattr(client, method)(*args)


@promises.FROZEN
@every_freezer
@every_way
def test_an_edit_ends(frozen: Frozen, way: str) -> None:
    """While the time is frozen a client waits between polls, and comes to the result."""
    with mock_router(MockService(polls=2)), frozen():
        edit = call(way, "edit", URL, "make it snow", token="any", poll_interval=0.01)
    assert 1 == len(edit.images)


@promises.FROZEN
@every_freezer
@every_way
def test_a_wait_ends(frozen: Frozen, way: str) -> None:
    """While the time is frozen a wait ends when its timeout is over."""
    service = MockService(polls=10_000)
    with mock_router(service), frozen():
        task = call(way, "submit", URL, "make it snow", token="any")
        with pytest.raises(WaitTimeout):
            call(way, "wait", task.task_id, token="any", timeout=0.1, poll_interval=0.02)


@promises.FROZEN
@pytest.mark.server
@every_freezer
@every_way
def test_a_port_is_left(frozen: Frozen, way: str) -> None:
    """A mock on a port that is entered, used and left while the time is frozen serves and ends."""
    with frozen(), MockServer(MockService(polls=1)) as server:
        call(way, "edit", URL, "make it snow", token="any", base_url=server.url, poll_interval=0.01)


@promises.FROZEN
@every_freezer
def test_a_task_takes_its_time(frozen: Frozen) -> None:
    """While the time is frozen a task that takes a while is finished after it, and `advance` still moves its clock."""
    service = MockService(seconds=0.05)
    with mock_router(service), frozen():
        call("sync", "edit", URL, "make it snow", token="any", poll_interval=0.02)
        task = call("sync", "submit", URL, "make it rain", token="any")
        service.advance(1)
        assert "completed" == call("sync", "get_task", task.task_id, token="any").status


@promises.FROZEN
@every_freezer
@every_way
@pytest.mark.parametrize(("testing", "asked"), [(False, 0.2), (True, 30)])
def test_a_retry_is_made(frozen: Frozen, way: str, testing: bool, asked: float) -> None:
    """While the time is frozen a request is sent again after the time that it takes, or at once in stamina's tests."""
    service = MockService(polls=0)
    service.on("getTask", Reply(503, headers={"Retry-After-Ms": str(asked * 1_000)}))
    started = time.monotonic()
    with stamina.set_testing(testing, attempts=5, cap=True), mock_router(service), frozen():
        call(way, "edit", URL, "make it snow", token="any")
    assert [503, 200] == [entry.status for entry in service.calls if entry.operation == "getTask"]
    assert (0 if testing else 0.2) <= time.monotonic() - started < 20


FIRST_IMPORT = """
    import freezegun
    import pytest

    @pytest.fixture(autouse=True)
    def frozen():
        with freezegun.freeze_time("2030-01-01"):
            yield

    @pytest.mark.nano_banana_edit_mock(seconds=0.1)
    def test_in_process(nano_banana_edit_mock):
        edit()

    @pytest.mark.nano_banana_edit_mock(seconds=0.1)
    def test_on_a_port(nano_banana_edit_server):
        edit()

    def edit():
        from nano_banana_edit import NanoBananaEdit, WaitTimeout

        with NanoBananaEdit(poll_interval=0.02) as client:
            client.edit("https://images.example.com/a.png", "make it snow")
            task = client.submit("https://images.example.com/a.png", "make it snow")
            with pytest.raises(WaitTimeout):
                client.wait(task, timeout=0.05)
"""


@promises.FROZEN
@pytest.mark.server
def test_what_is_imported_while_the_time_is_frozen(pytester: pytest.Pytester) -> None:
    """A run whose tests freeze the time before client and mock are imported passes and exits."""
    pytester.makepyfile(FIRST_IMPORT)
    started = time.monotonic()
    result = pytester.runpytest_subprocess(
        "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:asyncio", "-p", "no:xdist", timeout=60
    )
    result.assert_outcomes(passed=2)
    assert time.monotonic() - started < 60
