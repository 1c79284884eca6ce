"""A proxy on a port: bodies pass whole or not at all, and a slow answer delays no other request."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from nano_banana_edit_mock import MockServer, MockService, load, mock_router
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.doors import port
from nano_banana_edit_mock.doors.port import serve
from nano_banana_edit_mock.tools.proxy import Proxy

from ..hostile.server import ACCEPTED, Hostile, answer, hang, says
from .raw_door import Wire
from .raw_door import post as edit

pytestmark = pytest.mark.server

POLL = b"GET /v1/tasks/x HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer t\r\n\r\n"
PAGE = b"GET /__mock__/calls HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@contextmanager
def behind(*script, greeting=None, **options):
    """A port of the mock in front of a service that does this, or does another thing before it reads anything."""
    with Hostile([*script], greeting=greeting) as upstream:
        proxy = Proxy(load(), upstream.url, upstream.origin)
        with MockServer(MockService(upstream=proxy, **options)) as server:
            yield server, upstream
        proxy.close()


def keyed(size):
    """An edit of so many bytes, with a key instead of a bearer token."""
    head = (
        f"POST /v1/generate/k/nano-banana-edit HTTP/1.1\r\nHost: mock\r\nX-API-Key: k\r\nContent-Length: {size}\r\n\r\n"
    )
    return head.encode() + bytes(size)


def test_a_large_body_without_a_bearer_token():
    """A service that takes another kind of token gets the whole body."""
    with behind(says(ACCEPTED)) as (server, upstream):
        wire = Wire(server)
        wire.send(keyed(100_000))
        assert 200 == wire.answer()[0]
        assert upstream.requests[0].endswith(bytes(100_000))
        wire.close()


@pytest.mark.parametrize("strict", [False, True])
def test_what_is_not_read_whole_is_not_passed_on(document, strict):
    """A body that is too large is answered here, with a token and without one."""
    uploaded = document["paths"]["/api/upload/file"]["post"]["requestBody"]["content"]["multipart/form-data"]
    uploaded["schema"]["properties"]["file"]["maxLength"] = 1
    with behind(says(ACCEPTED), strict=strict, contract=parse(document)) as (server, upstream):
        size = server.service.max_body + 1
        for request, status in ((keyed(size), 401), (edit(body=bytes(size)), 413)):
            wire = Wire(server)
            wire.send(request)
            answered = wire.answer()[0]
            wire.close()
            assert status == answered
        assert [] == upstream.requests


def test_nobody_waits_for_the_answers_of_others(monkeypatch):
    """A hundred and more answers that do not come keep neither the page waiting nor a poll."""
    monkeypatch.setattr(port, "GRACE", 0.1)
    with behind(hang) as (server, upstream):
        stalled = [Wire(server) for _ in range(110)]
        for wire in stalled:
            wire.send(POLL)
        wire = Wire(server)
        wire.send(PAGE)
        assert 200 == wire.answer()[0]
        upstream.usual = lambda request: says(answer(b'{"id": "x", "status": "pending"}'))
        upstream.script.clear()
        wire.send(POLL)
        assert b"pending" in wire.answer()[2]
        for one in (wire, *stalled):
            one.close()


class Output:
    """An output that does something when it is told a text with certain words."""

    def __init__(self, words, then):
        self.text, self.words, self.then = "", words, then

    def write(self, text):
        self.text += text
        if self.words in text:
            self.then(text)

    def flush(self):
        """Nothing is kept."""


@pytest.mark.parametrize("again", [False, True])
def test_an_interrupt_while_answers_are_awaited(monkeypatch, caplog, again):
    """An interrupt waits for the answers of a service, and says so; a second one ends, and says what is lost."""
    monkeypatch.setattr(port, "GRACE", 0.1)
    arrived, may_answer, got, threads = threading.Barrier(3), threading.Event(), [], []

    def interrupt(_=None):
        os.kill(os.getpid(), signal.SIGINT)

    def slow(connection, server):
        arrived.wait(10)
        may_answer.wait(10)
        says(ACCEPTED)(connection, server)

    def ask(url, request):
        wire = Wire(SimpleNamespace(url=url))
        wire.send(request)
        got.append(wire.file.read())
        wire.close()

    def begin(text):
        url = json.loads(text)["url"]
        threads.extend(threading.Thread(target=ask, args=(url, request)) for request in (edit(), POLL))
        threads.append(threading.Thread(target=lambda: interrupt(arrived.wait(10))))
        for thread in threads:
            thread.start()

    log = Output("Interrupt again", interrupt if again else lambda _: may_answer.set())
    monkeypatch.setattr("sys.stdout", Output("url", begin))
    monkeypatch.setattr("sys.stderr", log)
    with Hostile([slow]) as upstream:
        proxy = Proxy(load(), upstream.url)
        serve(port=0, service=MockService(upstream=proxy))
        for thread in threads:
            thread.join(10)
        may_answer.set()
        proxy.close()
    assert "The service has not answered 2 of the requests. Interrupt again to end without the answers.\n" in log.text
    lost = "The mock ends without the answer to POST /v1/generate/k/nano-banana-edit. "
    if again:
        assert [b"", b""] == got
        assert f"{lost}An edit may have been accepted and billed." == caplog.messages[0]
    else:
        assert [True, True] == [b"HTTP/1.1 200 OK" in text and b"t-1" in text for text in got]
        assert "task t-1" in log.text
        assert [] == caplog.messages


def test_not_behind_the_router():
    """The router would answer the requests of a proxy itself: such a service is refused."""
    service = MockService(upstream=Proxy(load(), "https://up.example/v1"))
    with pytest.raises(ValueError, match="service is a proxy, whose own requests the router would answer"):
        mock_router(service)
