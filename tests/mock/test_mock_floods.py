"""Many connections to the port, and those that stall: what they may hold, and that others are served meanwhile."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator

import pytest
from nano_banana_edit_mock import MockServer, MockService, Request

from .raw_door import ADMIN, BODY, CHUNKED, GET, Wire, chunks, post
from .verdict_rows import BEARER, FORM, UPLOAD, joined, part

pytestmark = pytest.mark.server

DOORS = "nano_banana_edit_mock.doors"
STREAM = b"GET /__mock__/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WRONG = b"POST %s HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer wrong\r\nContent-Type: application/json\r\n"


@pytest.fixture
def wires(server) -> Iterator[list[Wire]]:
    """Connections that the test makes with `open_wire`."""
    wires: list[Wire] = []
    yield wires
    for wire in wires:
        wire.close()


@pytest.fixture
def open_wire(server, wires):
    def open_wire(*sent: bytes) -> Wire:
        wires.append(Wire(server))
        wires[-1].send(*sent)
        return wires[-1]

    return open_wire


def alive(open_wire) -> bool:
    return open_wire(ADMIN).statuses(1) == [200]


@pytest.fixture
def patient(monkeypatch, service) -> Iterator[MockServer]:
    """A server that checks its connections often, so that the longest request is short."""
    monkeypatch.setattr(f"{DOORS}.port.IDLE", 0.1)
    with MockServer(service) as server:
        yield server


@pytest.mark.parametrize(
    "path", [b"/v1/generate/k/nano-banana-edit", b"/__mock__/script", b"/v1/nowhere", b"/__mock__/no"]
)
@pytest.mark.parametrize("framing", [b"Content-Length: 50000000", b"Transfer-Encoding: chunked"])
def test_the_head_is_enough(server, open_wire, path, framing):
    """A large body is not read if the head is refused; the answer comes at once, and what follows is thrown away."""
    server.service = MockService(token="right")
    start = b"100000\r\n" if b"chunked" in framing else b""
    forwarded = b"Via: 1.1 proxy\r\n"
    wire = open_wire(WRONG % path + forwarded + framing + b"\r\n\r\n" + start + b"x" * 100_000)
    status, headers, _ = wire.answer()
    assert (404 if b"/no" in path else 401, "close") == (status, headers["connection"])
    for _ in range(100):
        wire.send(b"x" * 100_000)
    assert wire.ended()
    assert alive(open_wire)
    assert () == server.service.edits


def test_a_large_body_is_read_if_the_head_is_right(service, open_wire):
    """A large request in one piece or many is read as a small one is."""
    body = BODY[:-1] + b" " * 200_000 + b"}"
    assert [200] == open_wire(post(body=body)).statuses(1)
    pieces = [body[at : at + 9_000] for at in range(0, len(body), 9_000)]
    assert [200] == open_wire(post(CHUNKED, body=chunks(*pieces))).statuses(1)
    script = b'{"steps": [{"reply": {"status": 429}}]' + b" " * 100_000 + b"}"
    head = b"POST /__mock__/script HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    assert [200] == open_wire(head + b"Content-Length: %d\r\n\r\n" % len(script) + script).statuses(1)
    assert 2 == len(service.edits)


def test_stalled_bodies_are_given_up_first(monkeypatch, service, open_wire):
    """Beyond the limit of all that comes, the body that stalled first is refused; what moves comes through."""
    monkeypatch.setattr(f"{DOORS}.connection.MAX_HELD", 250_000)
    large = BODY[:-1] + b" " * 100_000 + b"}"
    stalled = [open_wire(post(body=large[:-1], length=len(large))) for _ in range(2)]
    assert alive(open_wire)
    moving = open_wire(post(body=large[:-1], length=len(large)))
    status, headers, body = stalled[0].answer()
    assert (503, "close") == (status, headers["connection"])
    assert "the limit is 250000 bytes for all connections." in json.loads(body)["message"]
    assert stalled[0].ended()
    moving.send(large[-1:])
    stalled[1].send(large[-1:])
    assert [200, 200] == [moving.answer()[0], stalled[1].answer()[0]]
    assert 2 == len(service.edits)


def test_answers_that_nobody_takes_are_given_up(monkeypatch, service, open_wire):
    """Beyond the limit of all that waits to be taken, the answer that stalled first is given up."""
    monkeypatch.setattr(f"{DOORS}.connection.MAX_HELD", 45_000_000)
    upload = Request("POST", f"http://x{UPLOAD}", (BEARER, FORM), joined(part(b"x" * 20_000_000)))
    get = GET.replace(b"/v1/tasks/x", f"/files/{service.handle(upload).json()['key']}".encode())
    wires = [open_wire(get) for _ in range(6)]
    for wire in wires:
        wire.file.peek(1)
    assert alive(open_wire)
    status, _, body = wires[-1].answer()
    assert (200, 20_000_000) == (status, len(body))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        wires[0].answer()


def test_a_large_answer_ends_its_connection_once(service, open_wire, caplog):
    """The last answer of a connection may be too large to be written at once; nothing is logged of it."""
    upload = Request("POST", f"http://x{UPLOAD}", (BEARER, FORM), joined(part(b"x" * 20_000_000)))
    key = service.handle(upload).json()["key"]
    for _ in range(3):
        wire = open_wire(f"GET /files/{key} HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n\r\n".encode())
        assert 20_000_000 == len(wire.answer()[2])
        assert wire.ended()
        assert alive(open_wire)
    assert [] == caplog.records


def test_connections_are_bounded(monkeypatch, open_wire):
    """A connection too many is refused, and there is room again when another one ends."""
    monkeypatch.setattr(f"{DOORS}.connection.MAX_CONNECTIONS", 3)
    wires = [open_wire(GET) for _ in range(3)]
    assert [404] * 3 == [wire.answer()[0] for wire in wires]
    refused = open_wire()
    status, _, body = refused.answer()
    assert (503, "Too many connections are open; the limit is 3.") == (status, json.loads(body)["message"])
    assert refused.ended()
    refused.close()
    wires[0].close()
    wires[1].send(ADMIN)
    assert [200] == wires[1].statuses(1)
    assert alive(open_wire)


def test_streams_are_bounded(monkeypatch, service, open_wire):
    """A stream of events too many is refused, a stream has all events, and there is room again when one ends."""
    monkeypatch.setattr(f"{DOORS}.port.MAX_STREAMS", 2)
    for number in range(50):
        service.handle(Request("GET", f"http://mock/v1/tasks/{number}", (BEARER,)))
    streams = [open_wire(STREAM) for _ in range(2)]
    for stream in streams:
        lines = [stream.file.readline() for _ in range(6 + 4 * 51)]
        assert 50 == lines.count(b"event: call\n")
    status, _, body = open_wire(STREAM).answer()
    assert (503, "Too many streams are open; the limit is 2.") == (status, json.loads(body)["message"])
    streams[0].close()
    while open_wire(STREAM).file.readline() != b"HTTP/1.1 200 OK\r\n":
        assert alive(open_wire)  # until the stream has found that nobody is there


@pytest.mark.parametrize(
    "sent", [b"GET /", post(length=len(BODY) + 50_000), b"nonsense\r\n\r\n"], ids=["head", "body", "refused"]
)
def test_a_request_has_to_end(patient, sent):
    """A request that comes byte by byte, and never ends, is ended; so is what comes behind a refusal."""
    wire, other = Wire(patient), Wire(patient)
    wire.send(sent)

    def send_on() -> None:
        while True:
            wire.send(b"x")
            other.send(ADMIN)  # so that as much time passes as a request takes
            assert [200] == other.statuses(1)

    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        send_on()
    wire.close()
    other.close()


def test_an_answer_of_a_thread_follows_the_end_of_the_client(open_wire, service):
    """A client that sends a large request and no more still has its answer."""
    wire = open_wire(post(body=BODY[:-1] + b" " * 100_000 + b"}"))
    wire.socket.shutdown(1)
    assert [200] == wire.statuses(1)
    assert wire.ended()


def test_much_work_holds_nobody_up(monkeypatch, service, open_wire):
    """While a thread is at work on a large request, others are answered; what follows it waits for its turn."""
    begun, go_on = threading.Event(), threading.Event()

    def handle(request, *, handle=service.handle):
        if len(request.body) > 65_536:
            begun.set()
            assert go_on.wait(10)
        return handle(request)

    monkeypatch.setattr(service, "handle", handle)
    busy = open_wire(post(body=BODY[:-1] + b" " * 100_000 + b"}") + GET)
    assert begun.wait(10)
    assert alive(open_wire)
    assert [404] == open_wire(GET).statuses(1)
    go_on.set()
    assert [200, 404] == busy.statuses(2)
