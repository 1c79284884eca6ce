"""HTTP/1.1 on the port, byte by byte: framing, and what is no HTTP."""

from __future__ import annotations

import contextlib
import json
import threading

import pytest

from .raw_door import ADMIN, BODY, CHUNKED, GET, UPGRADE, chunks, post
from .verdict_rows import EDIT, GOOD, TASK, Row, text

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(post(CHUNKED, body=chunks(BODY)), id="one chunk"),
        pytest.param(
            post(CHUNKED, body=chunks(*(BODY[at : at + 1] for at in range(len(BODY))))),
            id="a byte each",
        ),
        pytest.param(
            post("transfer-encoding: Chunked", body=chunks(BODY[:9], BODY[9:], extension=b";a=b")), id="extensions"
        ),
        pytest.param(post(CHUNKED, body=chunks(BODY, trailer=b"X-Sum: 1\r\n")), id="trailer"),
        pytest.param(post("Expect: nothing"), id="other expectation"),
        pytest.param(post("X-Long: " + "x" * 60_000), id="long head"),
        pytest.param(post(*UPGRADE), id="upgrade"),
        pytest.param(post(*UPGRADE, CHUNKED, body=chunks(BODY)), id="upgrade and chunks"),
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
    sent = post(CHUNKED, body=chunks(BODY))
    wire.send(*(sent[at : at + 1] for at in range(len(sent))))
    assert 200 == wire.answer()[0]


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"nonsense\r\n\r\n", 501, "The request is not HTTP/1.1: Invalid method encountered."),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "The request is not HTTP/1.1: "),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501, "The request is not HTTP/1.1: "),
        (GET.replace(b"1.1", b"2.0"), 505, "The request is HTTP/2.0; use HTTP/1.1."),
        (GET.replace(b"Host: mock\r\n", b""), 400, "Host is given 0 times; give it once."),
        (GET.replace(b"Host: mock", b"Host: a\r\nHost: b"), 400, "Host is given 2 times; give it once."),
        (GET.replace(b"mock", b"a b"), 400, "Host is 'a b'; use a name or an address, and a port."),
        (GET.replace(b"/v1/", b"v1/"), 400, "The request is not HTTP/1.1: Unexpected char in url schema"),
        (
            GET.replace(b"/v1/", b"ftp://host/"),
            400,
            "'ftp://host/tasks/x' is not a path or URL; encode it (RFC 3986).",
        ),
        (GET.replace(b"x HTTP", b"\xff HTTP"), 400, "The request is not HTTP/1.1: Invalid char in url path"),
        (GET.replace(b"x HTTP", b"%zz HTTP"), 400, "'/v1/tasks/%zz' is not a path or URL; "),
        (GET.replace(b"Authorization", b"Bad header"), 400, "The request is not HTTP/1.1: "),
        (post("X-Long: " + "x" * 70_000), 431, "The head is too long; the limit is 65536 bytes."),
        (GET.replace(b"tasks/x", b"tasks/" + b"x" * 70_000), 414, "The target is too long; the limit is 65536 bytes."),
        (post(CHUNKED, body=chunks(BODY, trailer=b"X: %s\r\n" % (b"x" * 70_000))), 431, "The head is too long; "),
        (
            post("Transfer-Encoding: gzip, chunked", body=b""),
            501,
            "Transfer-Encoding is 'gzip, chunked'; use chunked alone.",
        ),
        (post("Transfer-Encoding: gzip", body=b""), 400, "Transfer-Encoding is 'gzip'; use chunked alone."),
        (post("Transfer-Encoding: identity", body=b""), 400, "Transfer-Encoding is 'identity'; use chunked alone."),
        (post("Transfer-Encoding: chunked, gzip", body=b""), 400, "The request is not HTTP/1.1: "),
        (post("Transfer-Encoding: xchunked", body=b""), 400, "Transfer-Encoding is 'xchunked'; use chunked alone."),
        (post(CHUNKED, body=b"f" * 17 + b"\r\n"), 400, "The request is not HTTP/1.1: Chunk size overflow"),
        (post(CHUNKED, body=b"-1\r\n"), 400, "The request is not HTTP/1.1: "),
        (post(CHUNKED, body=b"3\r\nabcd\r\n"), 400, "The request is not HTTP/1.1: "),
        (post(CHUNKED, body=b"3\nabc\r\n"), 400, "The request is not HTTP/1.1: "),
        (post(CHUNKED, *UPGRADE, body=b"xyz\r\n"), 400, "The request is not HTTP/1.1: "),
        (post("Folded: a", " b"), 400, "The request is not HTTP/1.1: "),
        (GET.replace(b"Host:", b"Host :"), 400, "The request is not HTTP/1.1: "),
        (GET.replace(b"mock", b"[:]"), 400, "'http://[:]/v1/tasks/x' is not a URL: "),
        (GET.replace(b"mock", b"[127.0.0.1]"), 400, "'http://[127.0.0.1]/v1/tasks/x' is not a URL: "),
        (GET.replace(b"/v1/", b"http://a[b]/v1/"), 400, "'http://a[b]/v1/tasks/x' is not a URL: "),
        (GET.replace(b"/v1/tasks/x", b"*"), 400, "* is not a path or URL; use it with OPTIONS."),
        (
            GET.replace(b"GET /v1/tasks/x", b"CONNECT mock:443"),
            501,
            "CONNECT asks for a tunnel; the mock is not a proxy.",
        ),
        (GET.replace(b"GET", b"CONNECT"), 501, "CONNECT asks for a tunnel; the mock is no"),
        (post(CHUNKED, body=b"xyz\r\n"), 400, "The request is not HTTP/1.1: "),
        (post("Content-Length: 3"), 400, "The request is not HTTP/1.1: "),
        (post("X: y", length=-1), 400, "The request is not HTTP/1.1: "),
        (post(CHUNKED, "Content-Length: 3", body=chunks(BODY)), 400, "The request is not HTTP/1.1: "),
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


def test_a_refusal_of_head_has_no_body(wire):
    """What is no request is refused without a body where an answer to HEAD would be read."""
    wire.send(GET.replace(b"GET", b"HEAD").replace(b"Host", b"Host: a\r\nHost"))
    assert 400 == wire.answer("HEAD")[0]
    assert wire.ended()


@pytest.mark.parametrize(
    "sent",
    [
        GET.replace(b"Host: mock\r\n", b""),
        GET.replace(b"Host: mock\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n"),
        GET.replace(b"Host: mock\r\n", b"Connection: keep-alive\r\n"),
        GET.replace(b"Host: mock\r\n", b"Expect: 100-continue\r\n"),
    ],
)
def test_old_clients(wire, sent):
    """HTTP/1.0 has no need of a host, no upgrade and no continuing, and its connection ends with the answer."""
    wire.send(sent.replace(b"1.1", b"1.0"))
    assert b"HTTP/1.1 404 Not Found\r\n" == wire.file.peek()[:24]
    status, headers, _ = wire.answer()
    assert (404, "close", True) == (status, headers["connection"], wire.ended())


def test_targets_with_a_host(wire):
    """A URL as the target has the host that counts, with a path, a query or neither; `*` is the server as a whole."""
    for target in (b"http://mock/v1/tasks/x", b"http://localhost:1/v1/tasks/x"):
        wire.send(GET.replace(b"/v1/tasks/x", target))
        assert 404 == wire.answer()[0]
    for target in (b"http://localhost", b"http://localhost?a=b", b"HTTP://localhost/"):
        wire.send(GET.replace(b"/v1/tasks/x", target))
        status, headers, _ = wire.answer()
        assert (200, "text/html; charset=utf-8") == (status, headers["content-type"])
    wire.send(GET.replace(b"GET /v1/tasks/x", b"OPTIONS *"))
    status, headers, _ = wire.answer()
    assert (204, "GET, HEAD, OPTIONS") == (status, headers["allow"])
    wire.send(ADMIN.replace(b"/__mock__", b"http://rebound.test/__mock__"))
    assert 401 == wire.answer()[0]


def test_trailers_are_no_headers(server, wire):
    """What stands behind a body is neither authorization nor anything else that is asked before it."""
    trailer = b"Authorization: Bearer t\r\nContent-Type: text/plain\r\n"
    sent = post(CHUNKED, body=chunks(BODY, trailer=trailer))
    wire.send(sent, sent.replace(b"Authorization: Bearer token\r\n", b""))
    assert [200, 401] == wire.statuses(2)
    assert [True, False] == [call.authorization for call in server.service.calls]
    reset = b"POST /__mock__/reset HTTP/1.1\r\nHost: mock\r\nTransfer-Encoding: chunked\r\n\r\n"
    wire.send(reset + b"0\r\nHost: localhost\r\n\r\n")
    assert [401] == wire.statuses(1)


def test_continuing(server, wire):
    """A client that waits before it sends its body is told to go on."""
    wire.send(post("Expect: 100-continue", body=b"", length=len(BODY)))
    assert b"HTTP/1.1 100 Continue\r\n\r\n" == wire.file.readline() + wire.file.readline()
    wire.send(BODY)
    assert 200 == wire.answer()[0]
    assert 1 == len(server.service.edits)


def test_a_body_without_a_bound(server, wire):
    """A body is answered 413 when it ends, and no more of it kept than tells that it is too large."""
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


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"GET /", 414),
        (b"GET / HTTP/1.1\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: ", 431),
        (post(CHUNKED, body=b"0\r\nX: "), 431),
        (post(CHUNKED, body=b"1;"), 431),
        (GET + GET + b"GET / HTTP/1.1\r\nX: ", 431),
    ],
)
def test_a_head_without_an_end(wire, begun, status):
    """A target, a header, a trailer and an extension of a chunk are refused when too long, not at their end."""
    wire.send(begun)
    with contextlib.suppress(OSError):  # it is closed before all is sent
        for _ in range(200):
            wire.send(b"x" * 10_000)
    assert status == wire.statuses(1 + begun.count(GET))[-1]


def test_long_bodies_are_no_long_heads(server, wire):
    """Only what has no end is too long: heads, empty lines and bodies may come in any pieces."""
    large = post(body=text({**GOOD, "x": "y" * 200_000}))
    sent = large * 3 + b"\r\n" * 1_000 + post("X: " + "x" * 65_000)
    wire.send(*(sent[at : at + 50_000] for at in range(0, len(sent), 50_000)))
    assert [200] * 4 == wire.statuses(4)


def test_rows_are_told_by_their_target():
    """The table's target of a task is the one that these tests use."""
    assert TASK.format(task="x").encode() in GET
    assert Row("x", 200).target == EDIT
