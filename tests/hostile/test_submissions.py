"""Whatever a server does on the wire, an edit is submitted once, and the caller learns what is known."""

from __future__ import annotations

import re
import time
import traceback
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from nano_banana_edit import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    NanoBananaEditError,
    SubmissionUnknown,
)

from .. import promises
from . import misdeeds
from .faces import opened
from .misdeeds import JSON, PATIENCE, TOKEN, URL
from .server import ACCEPTED, Hostile, answer, close, hang, says

pytestmark = pytest.mark.server

LOST = {
    "switching-protocols": misdeeds.SWITCHING,
    **misdeeds.broken(JSON),
    **misdeeds.damaged(JSON),
    **misdeeds.NO,
    **misdeeds.cut(JSON),
    **misdeeds.unreadable(JSON),
}
SLOW = misdeeds.slow(JSON)
FINE = {**misdeeds.fine(JSON), **misdeeds.packed(JSON)}
# Transports differ in what they make of these.
ODD = {name: table.pop(name) for name, table in (("encoded-twice-over", LOST), ("length-beside-chunks", FINE))}


def submit(kind: str, url: str, **options: Any) -> Any:
    """Submit an edit with one of the clients."""
    with opened(kind, base_url=url, **options) as face:
        return face(face.client.submit, URL, "p")


def give_up(kind: str, url: str) -> Any:
    """Submit with little time, and with more if a busy machine made no connection in it."""
    with suppress(APITimeout):
        return submit(kind, url, timeout=PATIENCE)
    return submit(kind, url, timeout=9 * PATIENCE)


@promises.SENT_ONCE
# httpx2 nests async generators and closes the outer one alone; trio says so of the inner one. The connection is closed.
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", LOST)
def test_sent_once(kind: str, name: str) -> None:
    """Whatever comes instead of a task id, one edit arrives, and the error says that nobody knows."""
    with Hostile([LOST[name], says(ACCEPTED)]) as server, pytest.raises(SubmissionUnknown) as unknown:
        submit(kind, server.url, timeout=30)
    assert 1 == server.posts
    assert TOKEN not in f"{unknown.value!r} {vars(unknown.value)} {unknown.value.__cause__!r}"


@promises.DEADLINE
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", SLOW)
def test_sent_once_within_the_deadline(kind: str, name: str) -> None:
    """A server that takes for ever is given up when the time is over, after one edit."""
    began = time.monotonic()
    with Hostile([SLOW[name]]) as server, pytest.raises(SubmissionUnknown):
        give_up(kind, server.url)
    assert 1 == server.posts
    assert time.monotonic() - began < 25 * PATIENCE  # for ever is at least fifty


@pytest.mark.parametrize("name", FINE)
def test_understood(kind: str, name: str) -> None:
    """What HTTP allows is understood, however it comes."""
    with Hostile([FINE[name]]) as server:
        assert "t-1" == submit(kind, server.url, timeout=30).task_id
    assert 1 == server.posts


@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", ODD)
def test_read_or_unknown(kind: str, name: str) -> None:
    """What one transport reads and another refuses is an answer or an unknown submission, after one edit."""
    with Hostile([ODD[name], says(ACCEPTED)]) as server:
        try:
            task_id = submit(kind, server.url, timeout=30).task_id
        except SubmissionUnknown as unknown:
            task_id = unknown.task_id
    assert task_id in (None, "t-1")
    assert 1 == server.posts


@promises.UNPACKED
def test_no_coding_is_asked_for(kind: str) -> None:
    """A request says that its answer is to come as it is."""
    with Hostile([says(ACCEPTED)]) as server:
        submit(kind, server.url, timeout=30)
        assert [b"identity"] == re.findall(rb"(?i)\r\naccept-encoding: (.*)\r\n", server.requests[0])


@promises.UNPACKED
@pytest.mark.parametrize("name", ["gzip-in-two-members", "gzip-and-more", "gzip-with-a-wrong-sum"])
def test_a_gzip_is_read_as_far_as_it_can_be(kind: str, name: str) -> None:
    """What is no single whole gzip is no answer, and yet says which task may have come of the edit."""
    with Hostile([misdeeds.damaged(JSON)[name]]) as server, pytest.raises(SubmissionUnknown) as unknown:
        submit(kind, server.url, timeout=30)
    assert {"gzip-and-more": "t-1"}.get(name) == unknown.value.task_id


@promises.TOKEN_FOR_API
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(kind: str, status: int) -> None:
    """A redirect moves neither the edit nor the token to another server."""
    with (
        Hostile([says(ACCEPTED)]) as other,
        Hostile([says(answer(b"", f"Location: {other.url}", status=f"{status} Moved"))]) as server,
    ):
        with pytest.raises(SubmissionUnknown):
            submit(kind, server.url, timeout=30)
        assert ([], 1) == (other.requests, server.posts)


def test_not_sent_without_a_connection(kind: str) -> None:
    """Where nobody listens nothing was sent, and the error says so."""
    with Hostile([hang]) as server:
        url = server.url
    with pytest.raises(APIConnectionError):
        submit(kind, url, timeout=30, max_retries=1)


@promises.TOKEN_HIDDEN
@pytest.mark.parametrize("name", ["closed", "half-the-headers", "half-the-body", "garbage", "silent"])
def test_no_traceback_shows_the_token(kind: str, name: str) -> None:
    """What a submission died of shows the token in none of its frames, of no transport's code."""
    with Hostile([{**LOST, **SLOW}[name]]) as server, pytest.raises(SubmissionUnknown) as unknown:
        give_up(kind, server.url)
    error: BaseException | None = unknown.value
    while error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True, lookup_lines=False)
        frames = [frame for frame in shown.stack if "/tests/" not in frame.filename]
        assert not [frame for frame in frames if TOKEN in str(frame.locals)]
        error = error.__cause__ or error.__context__


ECHO = f"Authorization Bearer {TOKEN}".encode()
ECHOES = {
    "status-line": ECHO + b"\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\n" + ECHO + b"\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: " + ECHO + b"\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + ECHO + b"\r\n",
    "coding": b"HTTP/1.1 200 OK\r\nContent-Encoding: " + ECHO + b"\r\n\r\n",
    "location": b"HTTP/1.1 307 Moved\r\nContent-Length: 0\r\nLocation: http://[" + ECHO + b"\r\n\r\n",
    "body": answer(b"x" * 460 + ECHO, status="401 No"),
    "message": answer(b'{"message": "%s"}' % (b"x" * 470 + ECHO), "Retry-After: 0", status="409 No"),
}


@promises.TOKEN_HIDDEN
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", ECHOES)
def test_an_echo_of_the_token_is_taken_out(kind: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a server repeats of the request, neither an error, nor what it came of, nor a log shows the token."""
    caplog.set_level("DEBUG", "nano_banana_edit")
    caplog.set_level("DEBUG", "stamina")
    with (
        Hostile([says(ECHOES[name], then=close)]) as server,
        opened(kind, base_url=server.url, timeout=30, max_retries=1) as face,
    ):
        for ask in (partial(face.client.submit, URL, "p"), partial(face.client.get_task, "t-1")):
            with pytest.raises(NanoBananaEditError) as failure:
                face(ask)
            errors: list[BaseException] = [failure.value]
            for error in errors:
                assert TOKEN[:9] not in f"{error} {error!r} {vars(error)}"
                errors += [cause for cause in (error.__cause__, error.__context__) if cause]
    assert TOKEN[:9] not in str([vars(record) for record in caplog.records])


def test_cookies_are_not_kept(kind: str) -> None:
    """A cookie that the service sets is not sent with the next call."""
    cookie = answer(JSON, "Set-Cookie: session=1; Path=/")
    with Hostile([says(cookie), says(ACCEPTED)]) as server:
        with opened(kind, base_url=server.url.replace("127.0.0.1", "localhost"), timeout=30) as face:
            for _ in range(2):
                face(face.client.submit, URL, "p")
        assert 2 == server.posts
        assert not any(b"cookie" in request.lower() for request in server.requests)


@promises.TOKEN_BY_TLS
def test_not_sent_without_tls(kind: str) -> None:
    """A server that speaks no TLS gets nothing of the edit, nor the token."""
    with Hostile([hang]) as server, pytest.raises(NanoBananaEditError) as failure:
        submit(kind, server.url.replace("http:", "https:"), timeout=PATIENCE, max_retries=0)
    assert isinstance(failure.value, APIConnectionError)
    assert not any(TOKEN.encode() in request for request in server.requests)


@promises.SENT_AGAIN
def test_sent_again_after_429(kind: str) -> None:
    """A 429 certainly accepted nothing, so the edit is sent again on the same connection."""
    refusal = says(answer(b"", "Retry-After: 0", status="429 Too Many Requests"))
    with Hostile([refusal, refusal, says(ACCEPTED)]) as server:
        assert "t-1" == submit(kind, server.url, timeout=30).task_id
    assert 3 == server.posts


@promises.SENT_AGAIN
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 425])
def test_not_sent_again_when_refused(kind: str, status: int) -> None:
    """Any other refusal is the error at once, also where another request would be sent again."""
    with Hostile([says(answer(b"", "Retry-After: 0", status=f"{status} No")), says(ACCEPTED)]) as server:
        with pytest.raises(APIStatusError) as refusal:
            submit(kind, server.url, timeout=30)
        assert (status, 1) == (refusal.value.status_code, server.posts)


@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
def test_what_was_read_in_time_names_the_task(kind: str) -> None:
    """If the time ends in the middle of a response that has named its task, the unknown submission knows it."""
    with Hostile([says(answer(JSON, length=len(JSON) + 9), then=hang)]) as server:
        with pytest.raises(SubmissionUnknown) as unknown:
            give_up(kind, server.url)
        assert ("t-1", 1) == (unknown.value.task_id, server.posts)
