"""The mock in front of a service that takes its time: no answer that is awaited is given up."""

from __future__ import annotations

import threading

import pytest
from nano_banana_edit_mock import MockServer, MockService, load
from nano_banana_edit_mock.tools.proxy import Proxy

from .. import promises
from ..hostile.server import ACCEPTED, Hostile, says
from .raw_door import BODY, Wire, post

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
                wire.send(post(body=LARGE))
                assert arrived.acquire(timeout=10)
            wires[2].send(post(body=LARGE[:-1], length=len(LARGE)))
            assert [503] == wires[2].statuses(1)
            assert 2 == upstream.posts
            go_on.set()
            assert [200, 200] == [wire.answer()[0] for wire in wires[:2]]
            wires[3].send(post(body=LARGE))
            assert [200] == wires[3].statuses(1)
            assert 3 == upstream.posts == len(server.service.calls)
            for wire in wires:
                wire.close()
        proxy.close()
