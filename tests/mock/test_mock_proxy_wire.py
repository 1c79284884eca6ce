"""The proxy in front of a service that misbehaves on the wire: what is paid for is not lost, and nothing is told."""

from __future__ import annotations

import gzip
import json
import zlib
from contextlib import contextmanager

import httpx2
import pytest
from nano_banana_edit import NanoBananaEdit, SubmissionUnknown
from nano_banana_edit_mock import MockServer, MockService, Request, load, mock_transport
from nano_banana_edit_mock.doors.log import Log
from nano_banana_edit_mock.tools.proxy import Proxy

from .. import promises
from ..hostile.conftest import Certificates
from ..hostile.server import Hostile, answer, chunked, close, hang, reset, says
from .test_mock_proxy import BILLED, GOOD, HEADERS, TOKEN, get, post

pytestmark = pytest.mark.server

PAID = b'{"task_id": "paid"}'
JSON = "Content-Type: application/json"
DEEP = b'{"task_id": "paid", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@contextmanager
def behind(*script, strict=False, **http):
    """The mock in front of a service that does this."""
    with Hostile([*script]) as upstream:
        proxy = Proxy(load(), upstream.url, upstream.origin, **http)
        yield MockService(upstream=proxy, strict=strict), upstream
        proxy.close()


def messages(service):
    return [violation.message for violation in service.calls[-1].answer_violations]


@promises.PASSED_ON_ONCE
@pytest.mark.parametrize(
    "misdeed",
    [
        says(answer(PAID, JSON, length=500), then=close),
        says(chunked(b"13\r\n%s\r\n" % PAID, b"no number\r\n", end=b"")),
        says(answer(PAID[:-1] + b', "x": "', JSON, length=500), then=close),
        says(answer(b'{"data": {"task_id" : "paid"}', JSON, length=500), then=close),
    ],
)
def test_a_task_that_is_named_is_not_lost(misdeed):
    """An answer that breaks off behind the id of its task is passed on as it came; that it is cut is a violation."""
    with behind(misdeed) as (service, upstream):
        response = post(service)
        assert 200 == response.status
        assert b'"paid"' in response.body
        assert str(len(response.body)) == response.header("Content-Length")
        reason = "the connection was closed, or its answer is not HTTP"
        assert f"The answer of 127.0.0.1:{upstream.port} is cut: {reason}." == messages(service)[0]
        assert "answer.body" in str(response.header("Mock-Violations"))
        assert "paid" == service.calls[0].task_id
        assert [("paid", GOOD)] == [(edit.task_id, edit.body) for edit in service.edits]
        assert 1 == upstream.posts


@promises.PASSED_ON_ONCE
@pytest.mark.parametrize(
    ("misdeed", "reason"),
    [
        (says(answer(PAID[:14], JSON, length=500), then=close), "the connection was closed, or its answer is not HTTP"),
        (says(b"nonsense\r\n\r\n", then=close), "the connection was closed, or its answer is not HTTP"),
        (reset, "connection reset by peer"),
        (hang, "it timed out after 0.1 s"),
    ],
)
def test_a_lost_answer(misdeed, reason, caplog):
    """A submission is passed on once; that its answer is lost is said everywhere, and may be billed."""
    with behind(misdeed, timeout=0.1 if misdeed is hang else 30) as (service, upstream):
        response = post(service)
        message = f"The answer of 127.0.0.1:{upstream.port} is lost: {reason}."
        assert (502, message + BILLED) == (response.status, response.json()["message"])
        assert [message + BILLED] == messages(service) == caplog.messages
        assert message == get(service).json()["message"]
        assert 1 == upstream.posts
        assert () == service.edits
        with pytest.raises(AssertionError, match="1 edit accepted"):
            service.assert_billed_at_most(0)


def test_the_log_says_what_is_wrong():
    """A line of the log says why an answer is lost, what is wrong with one, and what the document does not name."""
    answers = answer(b'{"task_id": "t-1", "credits": 1}', JSON), answer(b'{"task_id": 37, "credits": 1}', JSON)
    with behind(*map(says, answers), reset) as (service, _):
        for _ in range(3):
            post(service)
        good, wrong, lost = Log().read(service).splitlines()
        assert good.endswith(" task t-1 The answer: credits is not in the document.")
        assert wrong.endswith(" task 37 The answer: task_id is 37; it must be a string. And 1 more.")
        assert " ms The answer of 127.0.0.1:" in lost
        assert lost.endswith(BILLED)


def test_nothing_was_sent():
    """Without a connection nothing was sent, and nothing is billed."""
    with Hostile([hang]) as gone:
        url, port = gone.url, gone.port
    service = MockService(upstream=Proxy(load(), url))
    message = f"127.0.0.1:{port} cannot be reached: connection refused. Nothing was sent."
    assert message == post(service).json()["message"]
    service.assert_billed_at_most(0)


def test_a_certificate_that_nobody_trusts(tmp_path):
    """The certificate of a service is checked before anything is sent."""
    with Hostile([hang], tls=Certificates.made_in(tmp_path).of("good")) as upstream:
        response = post(MockService(upstream=Proxy(load(), upstream.url)))
        assert "cannot be reached: its certificate is not trusted (" in response.json()["message"]
        assert "_ssl" not in response.json()["message"]
        assert 0 == upstream.posts


def test_what_cannot_be_sent():
    """A header that HTTP does not have is not sent, and no message quotes it."""
    with behind(says(answer(PAID, JSON))) as (service, upstream):
        for value in (f"Bearer {TOKEN}\n", f"Bearer {TOKEN}€"):
            message = post(service, headers=[("Authorization", value)]).json()["message"]
            reason = "the request has a URL or a header that cannot be sent"
            assert f"127.0.0.1:{upstream.port} cannot be reached: {reason}. Nothing was sent." == message
        assert [] == upstream.requests


def test_a_proxy_of_the_environment(monkeypatch):
    """A proxy of the environment that refuses gets no request, and does not see what goes to this machine."""
    with Hostile([says(answer(b"", status="407 Pay"))]) as between, behind(says(answer(PAID, JSON))) as (_, upstream):
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{between.port}")
        assert 200 == post(MockService(upstream=Proxy(load(), upstream.url))).status
        for own in ("http://127.0.0.1:80", "http://LOCALHOST:080/v1", "http://[::1]:80"):
            post(MockService(upstream=Proxy(load(), own)))
        assert [] == between.requests
        response = post(MockService(upstream=Proxy(load(), "https://up.example/v1")))
        reason = "the proxy of the environment refuses to connect to it"
        assert f"up.example cannot be reached: {reason}. Nothing was sent." == response.json()["message"]
        assert [True] == [request.startswith(b"CONNECT ") for request in between.requests]


def test_a_wrong_proxy_of_the_environment(monkeypatch):
    """The URL of a proxy that cannot be read is an error that does not show its password."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:PASS#WORD@proxy.example:3128")
    with pytest.raises(ValueError, match="The URL of a proxy cannot be used") as caught:
        Proxy(load(), "https://up.example")
    assert "PASS" not in str(caught.value)


@pytest.mark.parametrize(
    ("coding", "body", "plain"),
    [
        ("gzip", gzip.compress(PAID), True),
        ("x-gzip", gzip.compress(PAID), True),
        ("deflate", zlib.compress(PAID), True),
        ("gzip", PAID, False),
        ("gzip", gzip.compress(PAID)[:-6], False),
        ("gzip", gzip.compress(bytes(100_000_001), 1), False),
        ("br", b"\x8b\x09\x80", False),
        ("gzip, gzip", gzip.compress(gzip.compress(PAID)), False),
    ],
    ids=iter("abcdefgh"),  # the time is in the bytes
)
def test_codings(coding, body, plain):
    """A body that can be decoded is passed on decoded; any other one as it came, with its coding. None is asked for."""
    with behind(says(answer(body, JSON, f"Content-Encoding: {coding}"))) as (service, upstream):
        response = post(service, headers=[*HEADERS, ("Accept-Encoding", "br")])
        assert (PAID if plain else body) == response.body
        assert (None if plain else coding) == response.header("Content-Encoding")
        assert str(len(response.body)) == response.header("Content-Length")
        wrong = f"Content-Encoding is {coding}, in which the body cannot be read."
        assert ([] if plain else [wrong]) == messages(service)
        assert [b"Accept-Encoding: identity"] == [
            line for line in upstream.requests[0].split(b"\r\n") if line.lower().startswith(b"accept-enc")
        ]


def test_headers_pass_as_they_are():
    """Values leave as they came, whatever their encoding; those of one connection stay behind, also by its name."""
    snow = "X-Region: 雪".encode().decode("latin-1")
    said = ("Connection: close, X-Hop", "X-Hop: 1", "Set-Cookie: a=1", "Mock-Violations: theirs")
    raw = answer(b'{"task_id": 3}', JSON, *said).replace(b"X-Hop: 1", b"X-Hop: 1\r\n" + snow.encode("latin-1"))
    with behind(says(raw)) as (service, upstream), MockServer(service) as server, httpx2.Client() as client:
        sent = {"X-Mine": "é".encode("latin-1"), "Connection": "X-Own", "X-Own": "1", "Authorization": "Bearer t"}
        for _ in range(2):
            response = client.post(f"{server.url}/v1/generate/k/nano-banana-edit", json=GOOD, headers=sent)
            client.cookies.clear()
        assert b"X-Mine: \xe9\r\n".lower() in upstream.requests[1].lower()
        assert b"x-own" not in upstream.requests[1].lower()
        assert b"a=1" not in upstream.requests[1]
        assert "雪".encode() in [value for _, value in response.headers.raw]
        assert "x-hop" not in response.headers
        (told,) = response.headers.get_list("Mock-Violations")
        assert "answer.body" in told


@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        (b'{"task_id": 12}', "12"),
        (b'{"data": {"task_id": "paid"}}', "paid"),
        (PAID + b"<!-- -->", "paid"),
        (DEEP, "paid"),
        (b'{"task_id": "\\x"', None),
        (b'{"task_id": true}', None),
        (b"<p>done</p>", None),
    ],
)
def test_strictly_nothing_paid_for_is_lost(body, task_id):
    """Strictly, a wrong answer to an edit is an error that names the task, and the journal has the service's own."""
    with behind(says(answer(body, JSON)), strict=True) as (service, _):
        response = post(service)
        (entry,) = service.calls
        assert 502 == response.status == entry.status
        assert task_id == entry.task_id
        assert task_id == response.json().get("task_id")
        message = response.json()["message"]
        assert (task_id is not None) == (f" The task is {task_id}." in message)
        assert message.endswith(" It is in the journal.") == (len(body) < 65_536)
        assert entry.answered == (body if len(body) < 65_536 else None)
        with pytest.raises(AssertionError, match="1 edit accepted"):
            service.assert_billed_at_most(0)


def test_strictly_the_client_knows_its_task():
    """The client finds the task of an answer that a strict proxy has replaced."""
    with behind(says(answer(b'{"task_id": 37}', JSON)), strict=True) as (service, _):
        http = httpx2.Client(transport=mock_transport(service))
        with http, NanoBananaEdit(token=TOKEN, http_client=http) as client, pytest.raises(SubmissionUnknown) as caught:
            client.submit("https://example.com/a.png", "snow")
    assert "37" == caught.value.task_id


def test_strictly_a_result_can_be_had():
    """Strictly too, the answer to a poll is passed on, since its result is paid for."""
    body = json.dumps({"id": "t", "status": "completed", "result": ["https://a.example/b.png"], "error_msg": None})
    with behind(says(answer(body.encode(), JSON)), strict=True) as (service, _):
        response = get(service)
        assert (200, "completed") == (response.status, response.json()["status"])
        assert "answer.body" in str(response.header("Mock-Violations"))


@pytest.mark.parametrize("status", ["200 OK", "404 No"])
def test_deep_answers(status):
    """An answer that is nested too deeply is passed on, and wrong."""
    with behind(says(answer(DEEP, JSON, status=status))) as (service, _):
        for response in (post(service), get(service)):
            assert (int(status[:3]), DEEP) == (response.status, response.body)
            assert ["content"] == [one.keyword for one in service.calls[-1].answer_violations]
        assert service.calls[-1].state is None


def test_results_that_differ_in_their_query():
    """Two results whose links have one path are two files; what cannot be asked for is left as it is."""
    with behind(hang) as (service, upstream):
        links = ["https://[x", *(f"{upstream.origin}/dl.png?id={name}" for name in ("one", "two"))]
        polls = [{"id": "t", "status": "completed", "result": [*links, *odd]} for odd in ([], ["https://a/\ud800"])]
        answers = iter([answer(json.dumps(poll).encode(), JSON) for poll in polls])
        upstream.usual = lambda request: says(answer(request.split()[1]) if b"/dl" in request else next(answers))
        upstream.script.clear()
        result = get(service).json()["result"]
        assert links[0] == result[0]
        assert [b"/dl.png?id=one", b"/dl.png?id=two"] == [get(service, link).body for link in result[1:]]
        assert [True, True] == [link.endswith(".png") for link in result[1:]]
        assert [*result, "https://a/\ud800"] == get(service).json()["result"]


def test_the_length_of_a_result():
    """The answer to HEAD has the length that the service says, if it says one."""
    lengths = iter(["Content-Length: 77", "X-None: 1"])
    with behind(hang) as (service, upstream):
        poll = answer(b'{"id": "t", "status": "completed", "result": ["%s/a"]}' % upstream.origin.encode(), JSON)
        upstream.usual = lambda request: says(
            f"HTTP/1.1 200 OK\r\n{next(lengths)}\r\n\r\n".encode() if request.startswith(b"HEAD") else poll, then=close
        )
        upstream.script.clear()
        (link,) = get(service).json()["result"]
        assert ["77", None] == [service.handle(Request("HEAD", link)).header("Content-Length") for _ in range(2)]


@pytest.mark.parametrize("path", ["/v1/tasks/..", "/v1/tasks/%2e%2E", "/v1/./tasks/t", "/v1/tasks/../tasks/t"])
def test_dots_are_not_passed_on(path):
    """What is matched is what is sent: a path with dot segments is answered here."""
    with behind(hang) as (service, upstream):
        assert 404 == get(service, f"https://api.sinancode.com{path}").status
        assert [] == upstream.requests


def test_a_proxy_to_itself():
    """A proxy that is its own service says so, instead of asking itself for ever."""
    with MockServer() as server:
        server.service = MockService(upstream=Proxy(load(), f"{server.url}/v1"))
        response = httpx2.get(f"{server.url}/v1/tasks/t", headers={"Authorization": "Bearer t"})
    where = server.url.removeprefix("http://")
    assert (502, f"{where} is this proxy itself. Nothing was sent.") == (
        response.status_code,
        response.json()["message"],
    )
