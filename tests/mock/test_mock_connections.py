"""Connections to the port: what comes at once, in which order it is answered, and how it ends."""

from __future__ import annotations

import http.client
import socket

import pytest
from nano_banana_edit_mock import Fault, Reply, Request

from .raw_door import ADMIN, BODY, GET, Wire, post
from .verdict_rows import BEARER, EDIT, FORM, UPLOAD, joined, part

pytestmark = pytest.mark.server


def test_the_end_that_is_asked_for(wire):
    """A connection that is to be closed is, after the answer."""
    wire.send(post("Connection: close"))
    status, headers, _ = wire.answer()
    assert (200, "close", True) == (status, headers["connection"], wire.ended())


def test_pipelining(server, wire):
    """Requests that come at once are answered in order, the mock's own among them, until one is none."""
    wire.send(GET + post() + ADMIN + post(body=b"{") + ADMIN + ADMIN + GET + b"nonsense\r\n\r\n" + GET)
    assert [404, 200, 200, 400, 200, 200, 404, 501] == wire.statuses(8)
    assert wire.ended()
    assert 1 == len(server.service.edits)


def test_nonsense_behind_a_request_of_the_mock(wire):
    """The refusal of bytes that are not HTTP comes after the answers to earlier requests."""
    wire.send(ADMIN + b"nonsense\r\n\r\n")
    assert [200, 501] == wire.statuses(2)
    assert wire.ended()


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("target", [b"/__mock__/reset", EDIT.encode()])
def test_nonsense_within_a_request(wire, before, target):
    """A body that breaks off into nonsense is refused after the answers to what was before it."""
    head = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" % target
    wire.send(ADMIN * before + head + b"xyz\r\n" + ADMIN)
    assert [200] * before + [400] == wire.statuses(before + 1)
    assert wire.ended()


def test_nonsense_behind_the_last_request(wire):
    """Bytes that are not HTTP get no refusal after the last request of a connection."""
    wire.send(ADMIN.replace(b"Host", b"Connection: close\r\nHost") + b"nonsense\r\n\r\n")
    assert [200] == wire.statuses(1)
    assert wire.ended()


def test_many_upgrades_at_once(wire):
    """However many requests at once ask for an upgrade, each is answered."""
    wire.send(GET.replace(b"Host", b"Upgrade: h2c\r\nConnection: Upgrade\r\nHost") * 1_500)
    assert [404] * 1_500 == wire.statuses(1_500)


def test_answers_that_nobody_takes(server, service, wire):
    """A client that asks on and on and reads nothing has its answers made when it does."""
    upload = Request("POST", f"http://x{UPLOAD}", (BEARER, FORM), joined(part(b"x" * 1_000_000)))
    key = service.handle(upload).json()["key"]
    read = []

    def handle(request, *, handle=service.handle):
        if "/files/" in request.url:
            read.append(request)
        return handle(request)

    service.handle = handle
    wire.send(GET.replace(b"/v1/tasks/x", f"/files/{key}".encode()) * 100 + GET)
    wire.socket.recv(1, socket.MSG_PEEK)
    other = Wire(server)
    other.send(GET)
    assert [404] == other.statuses(1)
    other.close()
    assert len(read) < 20
    assert [200] * 100 + [404] == wire.statuses(101)
    assert 100 == len(read)


def test_continuing_behind_answers_that_nobody_takes(service, wire):
    """A client is told to send its body after the answers to all that it asked before."""
    service.on("getTask", Reply(200, body=b"x" * 1_000_000), times=None)
    wire.send(GET * 30 + post("Expect: 100-continue", body=b"", length=len(BODY)))
    assert [200] * 30 == wire.statuses(30)
    assert b"HTTP/1.1 100 Continue\r\n\r\n" == wire.file.readline() + wire.file.readline()
    wire.send(BODY)
    assert [200] == wire.statuses(1)


def test_a_client_that_goes_away(server):
    """A request that is never whole is none."""
    wire = Wire(server)
    wire.send(post(length=len(BODY) + 1))
    wire.close()
    other = Wire(server)
    other.send(GET)
    assert [404] == other.statuses(1)
    other.close()
    assert ["getTask"] == [call.operation for call in server.service.calls]


def test_a_client_that_goes_away_before_its_answers(server, service, wire, caplog, monkeypatch):
    """What nobody is there for any more, an answer or a fault, is left out, and the log has no word of it."""

    def leave(request, *, _handle=service.handle):
        wire.reset()
        return _handle(request)

    service.on("getTask", Fault.RESET_BEFORE, nth=8)
    monkeypatch.setattr(service, "handle", leave)
    wire.send(GET * 8)
    other = Wire(server)
    while len(service.calls) < 8:
        other.send(ADMIN)
        assert [200] == other.statuses(1)
    other.send(ADMIN)
    assert [200] == other.statuses(1)
    other.close()
    assert [] == caplog.records


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.SILENCE, Fault.RESET_DURING])
def test_nothing_follows_a_fault(server, wire, fault):
    """What comes behind an answer that goes wrong is neither answered nor done."""
    server.service.on("getTask", fault, nth=2)
    wire.send(GET + GET + post())
    assert 404 == wire.answer()[0]
    if fault is Fault.SILENCE:
        wire.send(post())
    else:
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            wire.answer()
    other = Wire(server)
    other.send(GET)
    assert [404] == other.statuses(1)
    other.close()
    assert (3, ()) == (len(server.service.calls), server.service.edits)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.EMPTY, b""),
        (Fault.GARBAGE, b"\x80"),
        (Fault.TRUNCATED, b"HTTP/1.1 404"),
        (Fault.SILENCE, TimeoutError),
        (Fault.RESET_BEFORE, ConnectionResetError),
    ],
)
def test_a_fault_behind_a_request_of_the_mock(server, wire, caplog, fault, expected):
    """A fault is the same behind an answer about the mock itself; nothing follows it, and the log has no word of it."""
    server.service.on("getTask", fault)
    wire.send(ADMIN + GET + post() + post())
    assert [200] == wire.statuses(1)
    wire.socket.settimeout(0.2 if fault is Fault.SILENCE else 10)
    if isinstance(expected, bytes):
        assert expected == wire.file.read()[: len(expected)]
    else:
        with pytest.raises(expected):
            wire.file.read()
    wire.close()
    other = Wire(server)
    other.send(ADMIN)
    assert [200] == other.statuses(1)
    other.close()
    assert (1, (), []) == (len(server.service.calls), server.service.edits, caplog.records)


def test_nothing_follows_the_end(server, wire):
    """What comes behind a request that is the last is neither answered nor done."""
    wire.send(GET.replace(b"Host", b"Connection: close\r\nHost") + post())
    assert [404] == wire.statuses(1)
    assert wire.ended()
    assert () == server.service.edits


def test_a_mistake_of_the_mock_is_no_refusal(server, wire, monkeypatch, caplog):
    """An error in the service itself is told to the log, no blame is put on the client, and the connection goes on."""
    with monkeypatch.context() as patch:
        patch.setattr(server.service, "handle", lambda request: 1 / 0)
        wire.send(GET)
        assert 500 == wire.answer()[0]
    wire.send(GET)
    assert 404 == wire.answer()[0]
    assert ["The mock failed on GET http://mock/v1/tasks/x"] == [record.message for record in caplog.records]


def test_a_mistake_before_the_service_is_no_refusal(server, wire, caplog):
    """An error while a request is read ends the connection, and is logged."""
    server.service.max_body = "none"
    wire.send(post(body=b" " * 70_000))
    assert wire.ended()
    assert ["protocol.data_received() call failed."] == [
        record.message.split("Fatal error: ")[1].split("\n")[0] for record in caplog.records
    ]


def test_a_mistake_is_told_without_a_body_to_head(server, wire, monkeypatch):
    """An error in the service itself leaves the connection in order for HEAD as well."""
    monkeypatch.setattr(server.service, "handle", lambda request: 1 / 0)
    wire.send(GET.replace(b"GET", b"HEAD") + ADMIN.replace(b"GET", b"HEAD") + ADMIN)
    assert [500, 200, 200] == [wire.answer(method)[0] for method in ("HEAD", "HEAD", "GET")]


@pytest.mark.parametrize("before", [b"", ADMIN], ids=["alone", "behind another"])
def test_a_header_is_said_once(server, wire, before):
    """Headers of a reply take the place of those that a server adds, and of those that let web pages read it."""
    said = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT", "server": "else", "Access-Control-Allow-Origin": "https://a.test"}
    server.service.on("getTask", Reply(520, headers=said))
    wire.send(before + GET.replace(b"Host", b"Origin: https://a.test\r\nHost"))
    if before:
        wire.answer()
    lines = [line.decode().strip().lower() for line in iter(wire.file.readline, b"\r\n")]
    for name, value in said.items():
        assert [f"{name}: {value}".lower()] == [line for line in lines if line.startswith(f"{name.lower()}:")]
