"""The mock in front of a service: which edits may be billed, whose answers are awaited, and where it cannot be."""

from __future__ import annotations

import asyncio
import threading

import httpx2
import pytest
from nano_banana_edit_mock import Fault, MockServer, MockService, Proxy, Reply, load, mock_transport

from .. import promises
from ..hostile.server import ACCEPTED, Hostile, says
from .raw_door import BODY, Wire
from .raw_door import post as edit
from .test_mock_proxy import TASK, Service, behind, get, post

LARGE = BODY[:-1] + b" " * 100_000 + b"}"


@promises.PASSED_ON_ONCE
@pytest.mark.server
def test_an_awaited_answer_is_not_given_up(monkeypatch):
    """Beyond the limit of all that is held, a new body is refused before it is passed on; paid answers arrive."""
    monkeypatch.setattr("nano_banana_edit_mock.doors.connection.MAX_HELD", 250_000)
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def slow(connection, server):
        arrived.release()
        assert go_on.wait(10)
        says(ACCEPTED)(connection, server)

    with Hostile([slow]) as upstream:
        proxy = Proxy(load(), upstream.url, upstream.origin)
        with MockServer(MockService(upstream=proxy)) as server:
            wires = [Wire(server) for _ in range(4)]
            for wire in wires[:2]:
                wire.send(edit(body=LARGE))
                assert arrived.acquire(timeout=10)
            wires[2].send(edit(body=LARGE[:-1], length=len(LARGE)))
            assert [503] == wires[2].statuses(1)
            assert 2 == upstream.posts
            go_on.set()
            assert [200, 200] == [wire.answer()[0] for wire in wires[:2]]
            wires[3].send(edit(body=LARGE))
            assert [200] == wires[3].statuses(1)
            assert 3 == upstream.posts == len(server.service.calls)
            for wire in wires:
                wire.close()
        proxy.close()


@promises.PASSED_ON_ONCE
@pytest.mark.parametrize(
    ("status", "body", "billed"),
    [
        (200, b'{"task_id": "t"}', 1),
        (200, b"<p>done</p>", 1),
        (302, b"", 1),
        (500, b'{"message": "later"}', 1),
        (504, b"", 1),
        (400, b"", 0),
        (401, b'{"task_id": "t"}', 0),
        (429, b"", 0),
    ],
)
def test_what_may_be_billed(status, body, billed):
    """An edit that is passed on is billed at most, whatever the answer, unless it is refused."""
    service = behind(Service(status, content=body))
    post(service)
    service.assert_billed_at_most(billed)
    if billed:
        with pytest.raises(
            AssertionError, match=r"^1 edit accepted, .* expected at most 0\.\n  ('', task t|and 1 more)$"
        ):
            service.assert_billed_at_most(0)


def test_what_is_not_passed_on_is_not_billed():
    """An edit that is refused or scripted here is not billed; one whose answer a fault swallows may be."""
    upstream = Service(503)
    service = behind(upstream, strict=True)
    post(service, {})
    for step in (Reply(500), Fault.REFUSED, Fault.EMPTY):
        service.next(step)
        post(service)
    get(service)
    assert ["POST", "GET"] == [request.method for request in upstream.seen]
    service.assert_billed_at_most(1)
    with pytest.raises(AssertionError):
        service.assert_billed_at_most(0)


@pytest.mark.parametrize("upstream", ["https://api.example/v1", ""])
def test_an_upstream_is_a_proxy(upstream):
    """The URL of a service is not a proxy."""
    with pytest.raises(ValueError, match=rf"^upstream is '{upstream}'; use a Proxy\.$"):
        MockService(upstream=upstream)


def test_strict_needs_an_upstream():
    """Without a service, no answer can be wrong."""
    with pytest.raises(ValueError, match=r"^strict is True; it needs upstream\.$"):
        MockService(strict=True)


def test_an_event_loop_is_not_blocked():
    """In an event loop, nobody waits for a service; a sync client of the same transport may."""
    upstream = Service(json={"id": "t", "status": "pending"})
    transport = mock_transport(behind(upstream))

    async def ask():
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.get(TASK)

    with pytest.raises(ValueError, match=r"^service is a proxy, which would block the event loop; serve it with"):
        asyncio.run(ask())
    assert [] == upstream.seen
    with httpx2.Client(transport=transport) as client:
        assert "pending" == client.get(TASK).json()["status"]


def test_a_marker_with_a_proxy(pytester):
    """A proxy in a marker works on a port; in process the failure is one line that says so."""
    pytester.makepyfile("""
        import httpx2, pytest
        from nano_banana_edit_mock import Proxy, load

        pytestmark = pytest.mark.nano_banana_edit_mock(upstream=Proxy(load(), "http://127.0.0.1:1/v1"))

        def test_in_process(nano_banana_edit_mock):
            pass

        def test_port(nano_banana_edit_server):
            url = f"{nano_banana_edit_server.url}/v1/tasks/t"
            answer = httpx2.get(url, headers={"Authorization": "Bearer t"})
            assert "127.0.0.1:1 cannot be reached" in answer.json()["message"]
    """)
    result = pytester.runpytest_inprocess("-p", "no:schemathesis", "-p", "no:xdist", "-p", "no:cov", "-p", "no:asyncio")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines("nano_banana_edit_mock: upstream is a proxy; use the fixture nano_banana_edit_server.")
