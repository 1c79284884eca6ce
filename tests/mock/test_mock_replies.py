"""Replies word for word: what can be said, how it is sent, and the statuses that a request prefers."""

from typing import Any, cast

import httpx
import pytest
from nano_banana_edit_mock import MockServer, Reply, Request


@pytest.mark.parametrize(
    ("reply", "headers", "body"),
    [
        (Reply(502), [("Content-Length", "0")], b""),
        (Reply(502, body=b"\xff\n"), [("Content-Length", "2")], b"\xff\n"),
        (
            Reply(502, body="<p>\xe5"),
            [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", "5")],
            "<p>\xe5".encode(),
        ),
        (
            Reply(502, body="<p>", headers={"content-type": "text/html"}),
            [("content-type", "text/html"), ("Content-Length", "3")],
            b"<p>",
        ),
        (
            Reply(599, body=[None, "\xe5"], headers=[("A", "1"), ("A", "2")], retry_after=7),
            [
                ("Content-Type", "application/json"),
                ("A", "1"),
                ("A", "2"),
                ("Content-Length", "16"),
                ("Retry-After", "7"),
            ],
            b'[null, "\\u00e5"]',
        ),
        (Reply(200, body=None), [("Content-Type", "application/json"), ("Content-Length", "4")], b"null"),
        (Reply(204), [], b""),
        (Reply(204, headers={"Retry-After": "5"}), [("Retry-After", "5")], b""),
        (Reply(304, headers={"ETag": '"1"'}), [("ETag", '"1"')], b""),
    ],
)
def test_replies_are_sent_word_for_word(service, send, reply, headers, body):
    """A reply is its status, its headers and its body, with the media type that goes with the body unless given."""
    service.next(reply)
    response = send("getTask")
    assert (reply.status, headers, body) == (response.status, list(response.headers), response.body)


@pytest.mark.parametrize(
    ("reply", "status", "code", "wait"),
    [
        (Reply.rate_limited(), 429, "rate_limited", None),
        (Reply.rate_limited(retry_after=2), 429, "rate_limited", "2"),
        (Reply.out_of_credit(), 402, "insufficient_credit", None),
        (Reply.unavailable(), 503, "unavailable", None),
        (Reply.unavailable(retry_after=0), 503, "unavailable", "0"),
        (Reply.error(418, "No coffee."), 418, "invalid_request", None),
        (Reply.error(500, "Broken.", retry_after=1), 500, "internal", "1"),
    ],
)
def test_named_replies(reply, status, code, wait):
    """The replies with a name are errors in the shape of the API."""
    response = reply.response()
    assert (status, code, wait) == (response.status, response.json()["error_code"], response.header("retry-after"))
    assert {"message", "error_code"} == response.json().keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": 199}, "status is 199; the limit is 200 to 599"),
        ({"status": 600}, "status is 600; "),
        ({"status": "429"}, 'status is "429"; it must be an integer.'),
        ({"status": True}, "status is true; it must be an integer."),
        ({"status": 429, "retry_after": -1}, "retry_after is -1; the minimum is 0"),
        ({"status": 429, "retry_after": 0.5}, "retry_after is 0.5; "),
        ({"status": 429, "headers": {"A\r\nB": "1"}}, r'headers has "A\\r\\nB": "1"; use printable ASCII'),
        ({"status": 429, "headers": {"": "1"}}, 'headers has "": "1"; use printable ASCII'),
        ({"status": 429, "headers": {"A": "1\n"}}, r'headers has "A": "1\\n"; use printable ASCII'),
        ({"status": 429, "headers": {"A": "\xe5"}}, 'headers has "A": "\xe5"; use printable ASCII'),
        (
            {"status": 429, "headers": {"content-Length": "1"}},
            "headers has content-Length, which belongs to the transfer.",
        ),
        ({"status": 429, "headers": {"Connection": "close"}}, "headers has Connection, which "),
        ({"status": 429, "headers": {"Transfer-Encoding": "x"}}, "headers has Transfer-Encoding, which "),
        ({"status": 429, "headers": {"X": 5}}, r"headers\.X is 5; it must be a string\."),
        ({"status": 429, "headers": [(b"X", "5")]}, "headers has the key b'X'; "),
        (
            {"status": 429, "retry_after": 2, "headers": {"retry-After": "5"}},
            r"retry_after is 2 and headers has retry-After: 5; use one of them\.",
        ),
        ({"status": 429, "retry_after": 0, "headers": {"Retry-After": "0"}}, "retry_after is 0 and headers has Ret"),
        ({"status": 204, "body": "x"}, "body has 1 byte; an answer with status 204 has no body"),
        ({"status": 304, "body": b"xy"}, "body has 2 bytes; an answer with status 304 has no body"),
        ({"status": 200, "body": {1, 2}}, "body cannot be sent .*set.*; use bytes, text or a JSON value"),
        ({"status": 200, "body": float("nan")}, "body cannot be sent "),
        ({"status": 200, "body": "\ud800"}, "body cannot be sent "),
    ],
)
def test_replies_that_cannot_be_sent_are_refused(arguments, message):
    """A reply that HTTP, or the mock's transfer, does not allow is refused when it is made."""
    with pytest.raises(ValueError, match=message):
        cast("Any", Reply)(**arguments)


@pytest.mark.parametrize(
    ("prefer", "status"),
    [
        ("code=429", 429),
        ("Code = 503", 503),
        ('code="500"', 500),
        ("code=400;x=y", 400),
        ("respond-async, CODE=599 ; a", 599),
        ('a="1, code=502", code=404', 404),
        (r'a="\", code=502", code=404', 404),
        ("code=401, code=503", 401),
        ("code=nonsense, code=503", 200),
        ("code, code=503", 200),
        ("code=", 200),
        ("code=200", 200),
        ("code=399", 200),
        ("code=600", 200),
        ("code=4290", 200),
        ('code="429', 200),
        ('a="code=429', 200),
        ("x-code=429", 200),
        ("codes=429", 200),
        ("example=code=429", 200),
        ("", 200),
    ],
)
def test_what_a_request_prefers(send, service, prefer, status):
    """The first preference named code is the status of the answer, where it is one of an error (RFC 7240)."""
    response = send("createEdit", Prefer=prefer)
    assert status == response.status
    assert (None if status == 200 else f"code={status}") == response.header("Preference-Applied")
    assert (status == 200) == bool(service.edits)
    assert not service.calls[0].scripted
    assert service.calls[0].task_id == (service.edits[0].task_id if service.edits else None)


def test_preferences_are_for_valid_requests_that_no_rule_takes(send, service, edit_body):
    """Violations come first, then rules; a file is served whatever the request prefers."""
    assert 400 == send("createEdit", {**edit_body, "prompt": ""}, Prefer="code=503").status
    service.next(Reply(418))
    assert [418, 503] == [send("getTask", Prefer="code=503").status for _ in range(2)]
    link = send("uploadFile").json()["url"]
    assert 200 == service.handle(Request("GET", link, {"Prefer": "code=503"})).status


@pytest.mark.server
def test_replies_on_a_port(service, url):
    """On a port a reply is sent as it is: repeated headers, and no length where there is no body."""
    service.script([Reply(502, body=b"x", headers=[("X-A", "1"), ("X-A", "2")]), Reply(204), Reply(304), Reply(520)])
    with MockServer(service) as server:
        answers = [httpx.get(f"{server.url}/tasks/x") for _ in range(4)]
    assert [502, 204, 304, 520] == [answer.status_code for answer in answers]
    assert [("x-a", "1"), ("x-a", "2")] == [pair for pair in answers[0].headers.multi_items() if pair[0] == "x-a"]
    assert ["1", None, None, "0"] == [answer.headers.get("content-length") for answer in answers]
