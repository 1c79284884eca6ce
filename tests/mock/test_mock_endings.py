"""Connections to the port that the mock ends by itself: without progress, and when the server is left."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest
from nano_banana_edit_mock import Fault, MockServer, Reply

from .raw_door import ADMIN, BODY, GET, Wire, post
from .verdict_rows import GOOD, text

pytestmark = pytest.mark.server

EVENTS = b"GET /__mock__/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HALF = post(body=BODY[:5], length=len(BODY))
MANY = 30
LARGE = Reply(200, body=b"x" * 1_000_000)


@pytest.fixture
def impatient(monkeypatch, service) -> Iterator[MockServer]:
    """A server that soon ends connections without progress."""
    monkeypatch.setattr("nano_banana_edit_mock.doors.port.IDLE", 0.25)
    with MockServer(service) as server:
        yield server


@pytest.fixture
def leave(monkeypatch, service) -> Iterator[tuple[MockServer, threading.Thread]]:
    """A server, and a thread that leaves it when started; what is in flight has a minute, which no test waits for."""
    monkeypatch.setattr("nano_banana_edit_mock.doors.port.GRACE", 60)
    server = MockServer(service)
    server.__enter__()
    leaving = threading.Thread(target=server.__exit__)
    yield server, leaving
    leaving.join(10)
    assert not leaving.is_alive()


def wait(server: MockServer) -> None:
    """Wait for as long as a connection without progress lasts."""
    idle = Wire(server)
    assert idle.ended()
    idle.close()


@pytest.mark.parametrize("sent", [b"", GET, GET[:-2], HALF, GET + HALF])
def test_no_progress(impatient, sent):
    """A connection on which nothing comes for a while is closed, whether or not a request has begun."""
    wire = Wire(impatient)
    wire.send(sent)
    answered = sent.count(GET)
    assert [404] * answered == wire.statuses(answered)
    assert wire.ended()
    wire.close()


def test_progress(impatient):
    """A request that comes slowly is waited for."""
    wire, clock, sent = Wire(impatient), Wire(impatient), post()
    clock.socket.settimeout(0.005)
    for at in range(len(sent)):
        wire.send(sent[at : at + 1])
        with contextlib.suppress(TimeoutError):
            clock.socket.recv(1)
    assert [200] == wire.statuses(1)
    assert b"" == clock.socket.recv(1)
    wire.close()
    clock.close()


def test_answers_that_nobody_takes_for_long(impatient):
    """A connection whose client takes no answers is closed, and the rest of them is dropped."""
    impatient.service.on("getTask", LARGE, times=None)
    wire = Wire(impatient)
    wire.send(GET * MANY)
    wait(impatient)
    assert len(LARGE.body) < len(wire.file.read()) < MANY * len(LARGE.body)
    wire.close()


def test_answers_that_take_their_time(impatient):
    """A stream of events without news, and an answer that never comes, are no lack of progress."""
    stream, silent = Wire(impatient), Wire(impatient)
    impatient.service.on("getTask", Fault.SILENCE)
    silent.send(GET)
    stream.send(EVENTS)
    for _ in range(3):
        wait(impatient)
    silent.socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        silent.socket.recv(1)
    other = Wire(impatient)
    other.send(post())
    assert [200] == other.statuses(1)
    assert any(b"createEdit" in line for line in stream.file)
    for wire in (stream, silent, other):
        wire.close()


def test_a_stream_that_nobody_takes(impatient):
    """A stream of events whose client takes nothing is ended, and what is new is not kept for it."""
    other = Wire(impatient)
    large = post(body=text({**GOOD, "x": "y" * 60_000}))
    for _ in range(500):
        other.send(large)
        assert [200] == other.statuses(1)
    stream = Wire(impatient)
    stream.send(EVENTS)
    wait(impatient)
    assert 60_000 < len(stream.file.read()) < 500 * 60_000
    stream.close()
    other.close()


def test_leaving_with_a_request_halfway(leave):
    """A server that ends answers the request that is coming."""
    server, leaving = leave
    wire, idle = Wire(server), Wire(server)
    wire.send(HALF)
    idle.send(GET)
    assert [404] == idle.statuses(1)
    leaving.start()
    assert idle.ended()
    wire.send(BODY[5:])
    status, headers, _ = wire.answer()
    assert (200, "close", True) == (status, headers["connection"], wire.ended())
    wire.close()
    idle.close()


def test_leaving_with_answers_that_wait(leave):
    """A server that ends answers all that was asked before."""
    server, leaving = leave
    server.service.on("getTask", LARGE, times=None)
    wire, idle = Wire(server), Wire(server)
    wire.send(GET * MANY)
    wire.file.peek(1)
    leaving.start()
    assert idle.ended()
    answers = [wire.answer() for _ in range(MANY)]
    assert [False] * (MANY - 1) + [True] == ["connection" in headers for _, headers, _ in answers]
    assert wire.ended()
    wire.close()
    idle.close()


@pytest.mark.parametrize("sent", [b"", GET, EVENTS, EVENTS + HALF])
def test_leaving_at_once(leave, sent):
    """A server does not wait for a client that asks nothing, nor for an answer that has no end."""
    server, leaving = leave
    server.service.on("getTask", Fault.SILENCE, nth=3)
    wire, other = Wire(server), Wire(server)
    for each in (wire, other):
        each.send(GET)
        assert [404] == each.statuses(1)
    wire.send(sent)
    while sent == GET and len(server.service.calls) < 3:
        other.send(ADMIN)
        assert [200] == other.statuses(1)
    if sent.startswith(EVENTS):
        wire.file.readline()
    leaving.start()
    wire.file.read()
    wire.close()
    other.close()


@pytest.mark.parametrize("frozen", [False, True])
def test_leaving_a_request_that_does_not_come(monkeypatch, frozen):
    """A request that is never complete is given up after a moment, though a test may have frozen the time."""
    monkeypatch.setattr("nano_banana_edit_mock.doors.port.GRACE", 0.05)
    with MockServer() as server:
        wire, stream = Wire(server), Wire(server)
        wire.send(HALF)
        stream.send(EVENTS)
        stream.file.readline()
        if frozen:
            now = time.monotonic() + 1e9
            monkeypatch.setattr(time, "monotonic", lambda: now)
    assert wire.ended()
    wire.close()
    stream.close()
