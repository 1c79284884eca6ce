"""A large upload through the proxy is passed on while it comes; whatever may be answered here comes whole."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from nano_banana_edit_mock import MockServer, MockService, Reply, load
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.doors import connection, port
from nano_banana_edit_mock.tools import proxy
from nano_banana_edit_mock.tools.proxy import Proxy

from ..hostile.server import ACCEPTED, Hostile, answer, close, hang, reset, says
from .raw_door import ADMIN, GET, UPGRADE, Wire, post
from .test_mock_proxy_port import behind

pytestmark = pytest.mark.server

SIZE = 300_000
PART = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
PENDING = answer(b'{"id": "x", "status": "pending"}', "Content-Type: application/json")
DONE = answer(b'{"url": "https://files.test/a.png"}', "Content-Type: application/json")


def upload(size: int = SIZE, name: bytes = b"file", *headers: str) -> tuple[bytes, bytes]:
    """The head of an upload, and its body of so many bytes and a few."""
    body = PART % name + bytes(size) + b"\r\n--b--\r\n"
    lines = ["POST /api/upload/file HTTP/1.1", "Host: mock", "Authorization: Bearer t"]
    lines += ["Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode(), body


class Slow:
    """A service that reads some of an upload, the rest when it is allowed to, and answers when it has all; or dies."""

    def __init__(self, *, allowed: bool = True, dies: bool = False) -> None:
        self.dies = dies
        self.data, self.news = bytearray(), threading.Condition()
        self.allowed = threading.Event()
        if allowed:
            self.allowed.set()

    def __call__(self, connection, server) -> None:
        while chunk := connection.recv(65_536):
            with self.news:
                self.data += chunk
                self.news.notify_all()
            if self.data.endswith(b"\r\n--b--\r\n"):
                connection.sendall(DONE)
            if len(self.data) > SIZE // 2:
                self.allowed.wait(10)
                if self.dies:
                    reset(connection, server)

    def has(self, size: int) -> bool:
        with self.news:
            return self.news.wait_for(lambda: len(self.data) > size, 10)


@pytest.mark.parametrize("headers", [(), UPGRADE, ("Expect: 100-continue",)])
def test_the_service_has_the_beginning_before_the_end_has_come(headers) -> None:
    """Most of a body is with the service while the client still sends; then all of it is, unchanged, and once."""
    service = Slow()
    with behind(greeting=service) as (server, upstream):
        wire, (head, body) = Wire(server), upload(SIZE, b"file", *headers)
        wire.send(head)
        if "Expect" in "".join(headers):
            assert b"HTTP/1.1 100 Continue\r\n" == wire.file.readline()
            wire.file.readline()
        wire.send(body[:-10])
        assert service.has(SIZE // 3)
        wire.send(body[-10:])
        assert DONE.endswith(wire.answer()[2])
        assert service.data.endswith(b"\r\n\r\n" + body)
        assert b"transfer-encoding" not in service.data.lower()
        (entry,) = server.service.calls
        assert (1, "uploadFile", ()) == (upstream.connections, entry.operation, entry.violations)
        wire.send(ADMIN)
        assert 200 == wire.answer()[0]  # the connection goes on
        wire.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_an_upload_that_breaks_off(replaced: bool) -> None:
    """An upload that breaks off never arrives whole; if the proxy is taken away meanwhile, its connection ends, too."""
    service = Slow()
    with behind(greeting=service) as (server, upstream):
        head, body = upload()
        wire = Wire(server)
        wire.send(head, body[:-10])
        assert service.has(SIZE // 3)
        if replaced:
            server.service = MockService()
            wire.send(body[-10:])
            assert 200 == wire.answer()[0]
            wire.close()
        else:
            wire.reset()
        assert upstream.open_at_most(0)
        assert (1, replaced) == (upstream.connections, service.data.endswith(body))


@pytest.mark.parametrize(("how", "status"), [("answers", 200), ("dies", 502), ("stalls", 502)])
def test_a_client_is_no_faster_than_the_service(monkeypatch, how: str, status: int) -> None:
    """What the service does not take the mock does not read, beyond a bound, with patience; then the client goes on."""
    monkeypatch.setattr(port, "IDLE", 0.5)
    monkeypatch.setattr(connection, "LOOKS", 1)
    monkeypatch.setattr(proxy, "STALLED", 0.5 if how == "stalls" else 60)
    service = Slow(allowed=False, dies=how == "dies")
    with behind(greeting=service) as (server, upstream):
        head, body = upload(40_000_000)
        wire, rest = Wire(server), memoryview(body)
        wire.send(head)
        wire.socket.settimeout(2 if how == "answers" else 0.2)
        with suppress(TimeoutError):
            while rest:
                rest = rest[wire.socket.send(rest[:65_536]) :]
        assert len(rest) > SIZE
        monkeypatch.setattr(connection, "LOOKS", 1_000)
        if how != "stalls":
            service.allowed.set()
        wire.socket.settimeout(10)
        wire.send(rest)
        answered, _, text = wire.answer()
        assert (status, how == "stalls") == (answered, b"it timed out after 0.5 s" in text)
        assert (status == 200) == service.data.endswith(body)
        service.allowed.set()
        assert upstream.open_at_most(0)
        wire.close()


REFUSED = answer(b'{"message": "Who?"}', "Content-Type: application/json", status="401 No")


def cut(connection, server) -> None:
    """Read a little, and go away."""
    connection.recv(65_536)
    reset(connection, server)


@pytest.mark.parametrize(("greeting", "status", "text"), [(says(REFUSED), 401, b"Who?"), (cut, 502, b" is lost: ")])
def test_a_service_that_does_not_wait_for_the_end(greeting, status: int, text: bytes) -> None:
    """An answer that comes before the end of the body is the answer; without a connection the whole body is taken."""
    with behind(hang, greeting=greeting) as (server, _):
        wire = Wire(server)
        wire.send(*upload(5_000_000))
        answered, _, body = wire.answer()
        assert status == answered
        assert text in body
        wire.close()


def test_a_service_that_is_gone() -> None:
    """Without a connection the whole body is taken, too, and nothing was sent."""
    with Hostile([close]) as gone:
        origin = gone.origin
    with MockServer(MockService(upstream=Proxy(load(), origin))) as server:
        wire = Wire(server)
        wire.send(*upload(5_000_000))
        assert b"connection refused. Nothing was sent." in wire.answer()[2]
        wire.close()


def test_a_request_to_the_mock_itself(document) -> None:
    """What is for the mock goes nowhere else, though a path of the document is like it."""
    path = document["paths"].pop("/api/upload/file")
    path["post"]["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in "ab"
    ]
    document["paths"]["/{a}/{b}"] = path
    with behind(greeting=hang, contract=parse(document)) as (server, upstream):
        wire, (head, body) = Wire(server), upload()
        wire.send(head.replace(b"/api/upload/file", b"/__mock__/script").replace(b"Host: mock", b"Host: [::1]"), body)
        assert 415 == wire.answer()[0]
        assert 0 == upstream.connections
        wire.close()


def test_too_many_threads(monkeypatch) -> None:
    """If the system gives no thread, the client is told, and nothing is left behind."""

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    service = Slow()
    with behind(greeting=service) as (server, upstream):
        head, body = upload()
        wire, late = Wire(server), Wire(server)
        late.send(head, body[:-10])
        assert service.has(SIZE // 3)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", fail)
            late.send(body[-10:])
            assert 503 == late.answer()[0]
            for request in (upload(), edit(SIZE)):
                wire.send(*request)
                assert 503 == wire.answer()[0]
        assert 1 == upstream.connections
        assert upstream.open_at_most(0)
        for one in (wire, late):
            one.close()


def test_an_upload_behind_another_request() -> None:
    """An upload that waits for the answer before it is not passed on meanwhile, and never if the client goes away."""
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection, server) -> None:
        begun.set()
        go_on.wait(10)
        says(PENDING)(connection, server)

    with behind(slow) as (server, upstream):
        wire, (head, body) = Wire(server), upload()
        wire.send(GET + head + body[:-10])
        assert begun.wait(10)
        other = Wire(server)
        other.send(ADMIN)
        assert 200 == other.answer()[0]
        assert 1 == upstream.connections
        wire.reset()
        go_on.set()
        assert upstream.open_at_most(0)
        other.close()


def test_an_upload_that_is_too_large(document) -> None:
    """Of an upload that is larger than the document allows nothing is passed on."""
    schema = document["paths"]["/api/upload/file"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    schema["properties"]["file"]["maxLength"] = 1
    with behind(greeting=hang, contract=parse(document)) as (server, upstream):
        wire = Wire(server)
        wire.send(*upload(server.service.max_body))
        assert 413 == wire.answer()[0]
        assert 0 == upstream.connections
        wire.close()


def edit(size: int) -> tuple[bytes, bytes]:
    request = post(body=b'{"image_urls": ["data:%s"], "prompt": "p"}' % bytes(size).hex().encode())
    head, _, body = request.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", body


@pytest.mark.parametrize(("what", "status"), [("edit", 200), ("rule", 503), ("strict", 400)])
def test_what_may_be_answered_here_comes_whole(what: str, status: int) -> None:
    """An edit, since it may be billed, and what a rule or a strict proxy may answer, is not sent before it has come."""
    with behind(says(PENDING), says(ACCEPTED), strict=what == "strict") as (server, upstream):
        if what == "rule":
            server.service.on("uploadFile", Reply.error(503, "Not now."))
        head, body = edit(SIZE) if what == "edit" else upload(SIZE, b"wrong")
        wire, other = Wire(server), Wire(server)
        wire.send(head, body[:-1])
        other.send(GET)
        assert PENDING.endswith(other.answer()[2])
        assert 1 == upstream.connections
        wire.send(body[-1:])
        assert status == wire.answer()[0]
        assert 1 + (what == "edit") == upstream.connections
        for one in (wire, other):
            one.close()
