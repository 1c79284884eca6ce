"""HTTP/1.1 on the port, byte by byte: framing, order, and what is no HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from nano_banana_edit_mock import Fault, MockServer, MockService, _wire

from .verdict_table import BEARER, EDIT, GOOD, JSON, TASK, Row, text

pytestmark = pytest.mark.server

BODY = text(GOOD)
GET = b"GET /v1/tasks/x HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer t\r\n\r\n"


def post(*headers: str, body: bytes = BODY, length: int | None = None) -> bytes:
    """An edit as bytes; with `length` the body is said to have that many."""
    framing = [f"Content-Length: {len(body) if length is None else length}"]
    if any(header.lower().startswith("transfer-encoding") for header in headers):
        framing = []
    lines = [f"POST {EDIT} HTTP/1.1", "Host: mock", ": ".join(BEARER), ": ".join(JSON), *framing, *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunks(*parts: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts) + b"0\r\n" + trailer + b"\r\n"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


class Wire:
    """A connection, and the answers that come over it."""

    def __init__(self, server: MockServer) -> None:
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.file = self.socket.makefile("rb")

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Return one answer; the connection stays, and what follows is not touched."""
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]  # makefile is all it needs
        response.begin()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def makefile(self, *_: object) -> object:
        file = self.file

        class _Kept:
            readline, read, readinto, flush = file.readline, file.read, file.readinto, staticmethod(lambda: None)
            closed = False

            def close(self) -> None: ...

        return _Kept()

    def statuses(self, count: int) -> list[int]:
        return [self.answer()[0] for _ in range(count)]

    def ended(self) -> bool:
        return self.file.read() == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    wire = Wire(server)
    yield wire
    wire.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(post("Transfer-Encoding: chunked", body=chunks(BODY)), id="one chunk"),
        pytest.param(
            post("Transfer-Encoding: chunked", body=chunks(*(BODY[at : at + 1] for at in range(len(BODY))))),
            id="a byte each",
        ),
        pytest.param(
            post("transfer-encoding: Chunked", body=chunks(BODY[:9], BODY[9:], extension=b";a=b")), id="extensions"
        ),
        pytest.param(post("Transfer-Encoding: chunked", body=chunks(BODY, trailer=b"X-Sum: 1\r\n")), id="trailer"),
        pytest.param(post("Expect: nothing"), id="other expectation"),
        pytest.param(post("X-Long: " + "x" * 60_000), id="long head"),
        pytest.param(
            post("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
            id="upgrade",
        ),
        pytest.param(b"\r\n\r\n" + post(), id="empty lines before"),
    ],
)
def test_what_is_answered(server, wire, sent):
    """However a body comes, and whatever else is said, the edit is accepted and the connection kept."""
    wire.send(sent)
    assert 200 == wire.answer()[0]
    wire.send(GET)
    assert 404 == wire.answer()[0]
    assert [GOOD] == [edit.body for edit in server.service.edits]


def test_byte_by_byte(server, wire):
    """A request that comes a byte at a time is the same request."""
    sent = post("Transfer-Encoding: chunked", body=chunks(BODY))
    wire.send(*(sent[at : at + 1] for at in range(len(sent))))
    assert 200 == wire.answer()[0]


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"nonsense\r\n\r\n", 501, "The request is malformed (Invalid method encountered"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "The request is malformed ("),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501, "The request is malformed ("),
        (GET.replace(b"1.1", b"2.0"), 505, "The request is HTTP/2.0; the service accepts HTTP/1.1. Speak that."),
        (GET.replace(b"Host: mock\r\n", b""), 400, "Host is given 0 times; the service accepts it once. Send it once."),
        (GET.replace(b"Host: mock", b"Host: a\r\nHost: b"), 400, "Host is given 2 times; the service accepts it once."),
        (GET.replace(b"mock", b"a b"), 400, "Host is a b; the service accepts a name and a port. Mend it."),
        (GET.replace(b"/v1/", b"v1/"), 400, "The request is malformed (Unexpected char in url schema"),
        (
            GET.replace(b"/v1/", b"ftp://host/"),
            400,
            "ftp://host/tasks/x is no path or URL; the service accepts RFC 3986.",
        ),
        (GET.replace(b"x HTTP", b"\xff HTTP"), 400, "The request is malformed (Invalid char in url path"),
        (GET.replace(b"x HTTP", b"%zz HTTP"), 400, "/v1/tasks/%zz is no path or URL; "),
        (GET.replace(b"Authorization", b"Bad header"), 400, "The request is malformed ("),
        (post("X-Long: " + "x" * 70_000), 431, "The head has more than 65536 bytes; the service accepts no more."),
        (GET.replace(b"tasks/x", b"tasks/" + b"x" * 70_000), 431, "The head has more than 65536 bytes; "),
        (
            post("Transfer-Encoding: gzip, chunked", body=b""),
            501,
            "Transfer-Encoding is not chunked; the service accepts",
        ),
        (post("Transfer-Encoding: chunked", body=b"xyz\r\n"), 400, "The request is malformed ("),
        (post("Content-Length: 3"), 400, "The request is malformed ("),
        (post("X: y", length=-1), 400, "The request is malformed ("),
        (post("Transfer-Encoding: chunked", "Content-Length: 3", body=chunks(BODY)), 400, "The request is malformed ("),
    ],
)
def test_what_is_no_request(server, wire, sent, status, message):
    """What is no HTTP/1.1 is refused in the shape of the API, with the reason, and nothing is done."""
    wire.send(sent)
    answered, headers, body = wire.answer()
    assert (status, "close") == (answered, headers["connection"])
    assert message in json.loads(body)["message"]
    assert wire.ended()
    assert () == server.service.calls


def test_old_clients(wire):
    """HTTP/1.0 has no need of a host, and its connection ends with the answer."""
    wire.send(GET.replace(b"1.1", b"1.0").replace(b"Host: mock\r\n", b""))
    status, headers, _ = wire.answer()
    assert (404, "close", True) == (status, headers["connection"], wire.ended())


def test_the_end_that_is_asked_for(wire):
    """A connection that is to be closed is, after the answer."""
    wire.send(post("Connection: close"))
    status, headers, _ = wire.answer()
    assert (200, "close", True) == (status, headers["connection"], wire.ended())


def test_continuing(server, wire):
    """A client that waits before it sends its body is told to go on."""
    wire.send(post("Expect: 100-continue", body=b"", length=len(BODY)))
    assert b"HTTP/1.1 100 Continue\r\n\r\n" == wire.file.readline() + wire.file.readline()
    wire.send(BODY)
    assert 200 == wire.answer()[0]
    assert 1 == len(server.service.edits)


def test_pipelining(server, wire):
    """Requests that come at once are answered in order, the mock's own among them, until one is none."""
    admin = b"GET /__mock__/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    wire.send(GET + post() + admin + post(body=b"{") + admin + admin + GET + b"nonsense\r\n\r\n" + GET)
    assert [404, 200, 200, 400, 200, 200, 404, 501] == wire.statuses(8)
    assert wire.ended()
    assert 1 == len(server.service.edits)


def test_nonsense_behind_a_request_of_the_mock(wire):
    """What is no HTTP waits for the answers to what was."""
    wire.send(b"GET /__mock__/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nnonsense\r\n\r\n")
    assert [200, 501] == wire.statuses(2)
    assert wire.ended()


def test_nonsense_within_a_request_of_the_mock(wire):
    """A body that breaks off into nonsense is refused at once."""
    head = b"POST /__mock__/reset HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    wire.send(head + b"xyz\r\n")
    assert [400] == wire.statuses(1)
    assert wire.ended()


def test_a_body_without_a_bound(server, wire):
    """A body is answered 413 when it ends, and no more of it kept than tells that it is too large."""
    server.service = MockService()
    size = server.service.max_body + 3_000_000
    wire.send(post(body=b"", length=size))
    sender = threading.Thread(
        target=wire.send, args=[b" " * 1_000_000] * (size // 1_000_000) + [b" " * (size % 1_000_000)]
    )  # type: ignore[arg-type]
    sender.start()
    assert 413 == wire.answer()[0]
    sender.join()
    wire.send(GET)
    assert 404 == wire.answer()[0]
    assert server.service.calls[0].size < size


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


def test_idle_connections_are_closed(monkeypatch):
    """A connection on which nothing comes for a while is closed, one that just answered is not."""
    made = _wire.Protocol.__init__

    def hasty(self, **options):
        made(self, **options)
        self.timeout_keep_alive = 0.05

    monkeypatch.setattr(_wire.Protocol, "__init__", hasty)
    monkeypatch.setattr(_wire, "LEAST_WAIT", 0.01)
    with MockServer() as server:
        wire = Wire(server)
        wire.send(GET)
        assert [404] == wire.statuses(1)
        assert wire.ended()
        wire.close()


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.SILENCE])
def test_nothing_follows_a_fault(server, wire, fault):
    """What comes behind an answer that goes wrong is neither answered nor done."""
    server.service.on("getTask", fault, nth=2)
    wire.send(GET + GET + post())
    assert 404 == wire.answer()[0]
    if fault is Fault.TRUNCATED:
        with pytest.raises(http.client.IncompleteRead):
            wire.answer()
        assert wire.ended()
    else:
        wire.send(post())
    other = Wire(server)
    other.send(GET)
    assert [404] == other.statuses(1)
    other.close()
    assert (3, ()) == (len(server.service.calls), server.service.edits)


def test_nothing_follows_the_end(server, wire):
    """What comes behind a request that is the last is neither answered nor done."""
    wire.send(GET.replace(b"Host", b"Connection: close\r\nHost") + post())
    assert [404] == wire.statuses(1)
    assert wire.ended()
    assert () == server.service.edits


def test_leaving_with_a_request_halfway(server):
    """A server that ends answers the request that is coming."""
    wire = Wire(server)
    wire.send(post(body=BODY[:5], length=len(BODY)))
    idle = Wire(server)
    idle.send(GET)
    assert [404] == idle.statuses(1)
    leaving = threading.Thread(target=server.__exit__)
    leaving.start()
    assert idle.ended()
    wire.send(BODY[5:])
    status, headers, _ = wire.answer()
    leaving.join()
    assert (200, "close") == (status, headers["connection"])
    wire.close()
    idle.close()
    server.__enter__()


def test_a_mistake_of_the_mock_is_no_refusal(server, wire, monkeypatch, caplog):
    """An error in the service itself ends the connection and is told to the log, and no blame is put on the client."""
    monkeypatch.setattr(server.service, "handle", lambda request: 1 / 0)
    wire.send(GET)
    assert wire.ended()
    assert ["protocol.data_received() call failed."] == [
        record.message.split("Fatal error: ")[1].split("\n")[0] for record in caplog.records
    ]


def test_rows_are_told_by_their_target():
    """The table's target of a task is the one that these tests use."""
    assert TASK.format(task="x").encode() in GET
    assert Row("x", 200).target == EDIT
