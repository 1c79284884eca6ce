"""A submission reaches the service at most once, unless it was certainly not accepted."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from types import SimpleNamespace

import httpx2
import pytest
import stamina
import tenacity
from nano_banana_edit import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    AuthenticationError,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEdit,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    SubmissionUnknown,
)

from .. import promises
from .conftest import PNG, URL, Clock, Face, Script, Trickle, accepted, httpx_leaves_a_generator, task, uploaded

LEFT = [
    httpx2.ReadTimeout("slow"),
    httpx2.ReadError("reset"),
    httpx2.WriteError("broken pipe"),
    httpx2.WriteTimeout("slow"),
    httpx2.RemoteProtocolError("no answer"),
    httpx2.DecodingError("gzip"),
    httpx2.CloseError("close"),
    OSError("strange transport"),
]
NOT_SENT = [httpx2.ConnectError("refused"), httpx2.ConnectTimeout("slow"), httpx2.PoolTimeout("busy")]
NO_TASK = [
    httpx2.Response(500),
    httpx2.Response(502, html="<h1>Bad gateway</h1>"),
    httpx2.Response(520, text="origin"),
    httpx2.Response(300, json={"task_id": None}),
    httpx2.Response(302, headers={"location": "https://evil.example.test"}),
    httpx2.Response(204),
    httpx2.Response(200),
    httpx2.Response(200, html="<html>"),
    httpx2.Response(200, content=b'{"task_id": "t-'),
    httpx2.Response(200, json=[]),
    httpx2.Response(200, json={}),
    httpx2.Response(200, json={"task_id": None}),
    httpx2.Response(200, json={"task_id": 7}),
    httpx2.Response(200, json={"task_id": ""}),
    httpx2.Response(200, json={"task_id": ".."}),
]


@promises.SENT_ONCE
@pytest.mark.parametrize("failure", LEFT, ids=repr)
def test_sent_once_when_the_answer_is_lost(face: Face, failure: Exception) -> None:
    """Whatever breaks after the request has left, there is one POST, and SubmissionUnknown."""
    script = Script([failure])
    with pytest.raises(SubmissionUnknown, match="not sent again") as unknown:
        face.call(script, "edit", URL, "p")
    assert 1 == len(script.requests)
    assert failure is unknown.value.__cause__


@promises.SENT_ONCE
@pytest.mark.parametrize("answer", NO_TASK, ids=lambda answer: f"{answer.status_code}-{answer.text}")
def test_sent_once_when_the_answer_names_no_task(face: Face, answer: httpx2.Response) -> None:
    """Whatever the answer, without a task id there is one POST, and SubmissionUnknown."""
    script = Script([answer])
    with pytest.raises(SubmissionUnknown, match="no task id") as unknown:
        face.call(script, "submit", URL, "p")
    assert 1 == len(script.requests)
    assert (answer.status_code, answer.text) == (unknown.value.status_code, unknown.value.body)


def test_an_id_that_cannot_be_asked_for_is_none(face: Face) -> None:
    """The longest id can be asked for; a longer one in an answer leaves an unknown edit, and is no bad input."""
    with pytest.raises(SubmissionUnknown, match="no task id"):
        face.call(Script([httpx2.Response(200, json={"task_id": "t" * 1_001})]), "edit", URL, "p")
    longest = "\U0001f34c" * 1_000
    assert longest == face.call(Script([task("completed", id=longest)]), "get_task", longest).task_id
    with pytest.raises(InvalidRequest, match="a string of 1 to 1000 characters"):
        face.call(Script([]), "get_task", "t" * 1_001)


@promises.SENT_AGAIN
@pytest.mark.parametrize("failure", [*NOT_SENT, httpx2.Response(429, headers={"retry-after": "1"})], ids=repr)
def test_sent_again_when_certainly_not_accepted(face: Face, failure: Exception | httpx2.Response) -> None:
    """Without a connection, and after a 429, the submission is sent again."""
    script = Script([failure, failure, accepted()])
    assert "t-1" == face.call(script, "submit", URL, "p").task_id
    assert 3 == len(script.requests)


@pytest.mark.parametrize("failure", NOT_SENT, ids=repr)
def test_gives_up_without_a_connection(face: Face, failure: Exception) -> None:
    """After max_retries a connection that cannot be made is an APIConnectionError, a timeout an APITimeout."""
    script = Script([failure] * 9)
    expected = APITimeout if isinstance(failure, httpx2.TimeoutException) else APIConnectionError
    with pytest.raises(expected):
        face.call(script, "submit", URL, "p", options={"max_retries": 2})
    assert 3 == len(script.requests)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, APIStatusError),
        (401, AuthenticationError),
        (402, APIStatusError),
        (403, PermissionDenied),
        (404, NotFound),
        (408, APIStatusError),
        (409, APIStatusError),
        (422, APIStatusError),
    ],
)
def test_refusal_is_final(face: Face, status: int, kind: type[APIStatusError]) -> None:
    """A submission that is refused is not sent again, and the service's words are in the error."""
    answer = httpx2.Response(status, json={"message": "no", "error_code": "E7"}, headers={"x-request-id": "r-1"})
    script = Script([answer])
    with pytest.raises(kind, match=f"{status}: no") as refusal:
        face.call(script, "submit", URL, "p")
    error = refusal.value
    assert kind is type(error)
    assert (status, "E7", "r-1", answer.text) == (error.status_code, error.error_code, error.request_id, error.body)
    assert 1 == len(script.requests)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"message": "a", "error_msg": "b", "error_code": "c"}, "a"),
        ({"message": "", "error_msg": "b", "error_code": "c"}, "b"),
        ({"message": None, "error_code": 17}, "17"),
        ({}, "no reason given"),
        ([], "no reason given"),
    ],
)
@pytest.mark.parametrize("status", [300, 418])
def test_error_text_falls_back(face: Face, body: object, text: str, status: int) -> None:
    """The text of an answer that is no 2xx is message, else error_msg, else error_code."""
    with pytest.raises(APIStatusError, match=rf"{status}: {text}\. To go on, call wait\('t-1'\)\.$"):
        face.call(Script([httpx2.Response(status, json=body)]), "get_task", "t-1")


AGAIN = [
    httpx2.Response(408),
    httpx2.Response(409),
    httpx2.Response(425),
    httpx2.Response(429),
    httpx2.Response(500),
    httpx2.Response(520, text="proxy"),
    httpx2.ReadTimeout("slow"),
    httpx2.ReadError("reset"),
    httpx2.RemoteProtocolError("no answer"),
    OSError("reset"),
]


@pytest.mark.parametrize("failure", [*AGAIN, *NOT_SENT], ids=repr)
def test_looks_are_sent_again(face: Face, failure: Exception | httpx2.Response) -> None:
    """A poll costs nothing, so it is sent again after any failure that may pass."""
    script = Script([failure, failure, task("pending")])
    assert "pending" == face.call(script, "get_task", "t-1").status


@promises.READ_AGAIN
@pytest.mark.parametrize("failure", AGAIN, ids=repr)
def test_uploads_are_sent_again_whole(face: Face, failure: Exception | httpx2.Response) -> None:
    """An upload is sent again with all of its bytes."""
    script = Script([failure, uploaded()])
    face.call(script, "upload", PNG)
    assert all(PNG in request.content for request in script.requests)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx2.Response(500), ServerError),
        (httpx2.ReadTimeout("slow"), APITimeout),
        (httpx2.Response(429), RateLimited),
    ],
)
def test_looks_give_up(face: Face, failure: Exception | httpx2.Response, kind: type[Exception]) -> None:
    """After max_retries the last failure is raised, with the id of the task."""
    script = Script([failure] * 9)
    with pytest.raises(kind) as last:
        face.call(script, "get_task", "t-1", options={"max_retries": 1})
    assert (len(script.requests), last.value.task_id) == (2, "t-1")


@promises.DEADLINE
def test_nothing_is_sent_after_the_deadline(face: Face, clock: Clock) -> None:
    """When uploads use up the time, nothing is submitted."""

    def slow(_request: httpx2.Request) -> httpx2.Response:
        clock.time += 61
        return uploaded()

    script = Script([slow])
    with pytest.raises(APITimeout, match=r"\(60 s\) is over"):
        face.call(script, "edit", PNG, "p", timeout=60)
    assert script.asked == ["POST file"]


def test_nothing_is_sent_without_time(face: Face) -> None:
    """A call that has no time at all sends nothing."""
    script = Script([task()])
    with pytest.raises(APITimeout):
        face.call(script, "get_task", "t-1", options={"timeout": 0})
    assert [] == script.requests


def test_attempts_have_timeouts_of_their_own(face: Face) -> None:
    """Each attempt is bounded, by a minute or by what is left of the call's time."""
    script = Script([task(), task(), task()])
    for timeout in (None, 600, 5):
        face.call(script, "wait", "t-1", timeout=timeout)
    timeouts = [request.extensions["timeout"] for request in script.requests]
    long, short = (
        {"connect": 10, "read": 60, "write": 60, "pool": 60},
        dict.fromkeys(("connect", "read", "write", "pool"), 5),
    )
    assert [long, long, short] == timeouts


@pytest.mark.parametrize(
    ("method", "arguments", "failure", "kind"),
    [
        ("submit", (URL, "p"), httpx2.ReadError(""), SubmissionUnknown),
        ("get_task", ("t-1",), httpx2.ReadTimeout(""), APITimeout),
        ("get_task", ("t-1",), httpx2.ReadError(""), APIConnectionError),
    ],
)
def test_failures_without_a_text_are_named(
    face: Face, method: str, arguments: tuple[str, ...], failure: Exception, kind: type[Exception]
) -> None:
    """A failure that says nothing, as many of httpx2 do, is told by its kind."""
    name = type(failure).__name__
    with pytest.raises(kind, match=rf"\({name}: {name}\)"):
        face.call(Script([failure]), method, *arguments, options={"max_retries": 0})


@pytest.mark.parametrize("link", ["__cause__", "__context__"])
def test_failures_without_a_text_say_what_they_came_from(face: Face, link: str) -> None:
    """A failure that says nothing, as many on trio do, is told in the words of what it came from."""
    failure = httpx2.ReadError("")
    setattr(failure, link, OSError("certificate has expired"))
    with pytest.raises(APIConnectionError, match=r"\(ReadError: certificate has expired\)"):
        face.call(Script([failure]), "get_task", "t-1", options={"max_retries": 0})


def test_retries_go_on_while_there_is_time(face: Face, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit but the call's own ends its retries."""
    monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=clock.now))

    def slow(_request: httpx2.Request) -> httpx2.Response:
        clock.time += 100
        return httpx2.Response(429, headers={"retry-after": "0"})

    with stamina.set_testing(False):  # which knows no time
        assert "pending" == face.call(Script([slow, slow, task("pending")]), "get_task", "t-1").status


@pytest.mark.parametrize("method", ["submit", "get_task"])
def test_redirects_of_the_api_are_not_followed(face: Face, method: str) -> None:
    """Not even an httpx2 client that follows redirects takes a request with the token to another host."""
    script = Script([httpx2.Response(307, headers={"location": "https://evil.example.test"})])
    with pytest.raises(SubmissionUnknown if method == "submit" else APIStatusError):
        face.call(script, method, *((URL, "p") if method == "submit" else ("t-1",)), http={"follow_redirects": True})
    assert 1 == len(script.requests)


def test_mistakes_in_a_transport_are_not_hidden(face: Face) -> None:
    """An exception that no network makes passes through, where nothing is billed."""
    with pytest.raises(ZeroDivisionError):
        face.call(Script([ZeroDivisionError()]), "get_task", "t-1")


def _log_to_nowhere(_response: httpx2.Response) -> None:
    raise httpx2.ConnectError("refused", request=httpx2.Request("POST", "http://127.0.0.1:1/log"))


def _fail_by_itself(_response: httpx2.Response) -> None:
    raise httpx2.ConnectError("refused")


def _log_is_busy(_response: httpx2.Response) -> None:
    httpx2.Response(429, request=httpx2.Request("POST", "http://127.0.0.1:1/log")).raise_for_status()


def _upload_fails(_response: httpx2.Response) -> None:
    raise APIConnectionError("refused", task_id="another")


@promises.SENT_AGAIN
@pytest.mark.parametrize("hook", [_log_to_nowhere, _fail_by_itself, _log_is_busy, _upload_fails])
def test_a_hook_that_fails_by_itself_proves_nothing(hook: Callable[[httpx2.Response], None]) -> None:
    """When a caller's own hook fails with a request of its own, the submission is not sent again."""
    script = Script([accepted()] * 4)
    http = httpx2.Client(transport=httpx2.MockTransport(script), event_hooks={"response": [hook]})
    with pytest.raises(SubmissionUnknown) as unknown:
        NanoBananaEdit(token="t", http_client=http).submit(URL, "p")
    assert 1 == len(script.requests)
    assert unknown.value.task_id is None


def _raise_for_status(response: httpx2.Response) -> None:
    response.read()
    response.raise_for_status()


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (500, SubmissionUnknown)])
def test_a_hook_that_raises_for_status_changes_nothing(status: int, kind: type[Exception]) -> None:
    """With the usual hook a refusal is still a refusal, and a broken service still leaves the submission unknown."""
    script = Script([httpx2.Response(status)])
    http = httpx2.Client(transport=httpx2.MockTransport(script), event_hooks={"response": [_raise_for_status]})
    with pytest.raises(kind):
        NanoBananaEdit(token="t", http_client=http).submit(URL, "p")
    assert 1 == len(script.requests)


class Unread(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that nobody has read."""


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (404, NotFound), (429, RateLimited)])
def test_a_hook_need_not_read_what_it_raises_for(face: Face, status: int, kind: type[Exception]) -> None:
    """A hook that raises for a status before its body is read leaves the refusal one, and a 429 one to ask again."""

    async def async_hook(response: httpx2.Response) -> None:
        response.raise_for_status()

    hook = httpx2.Response.raise_for_status if face.kind == "sync" else async_hook
    http = {"event_hooks": {"response": [hook]}}

    def refuse(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, stream=Unread())

    with pytest.raises(kind):
        face.call(Script([refuse]), "submit", URL, "p", http=http, options={"max_retries": 0})
    if status == 429:
        assert "t-1" == face.call(Script([refuse, accepted()]), "submit", URL, "p", http=http).task_id


def test_a_url_that_is_too_long_is_not_retried(face: Face) -> None:
    """What httpx2 cannot make a URL of is refused at once, and nothing is sent."""
    for method, arguments in (("get_task", ["t-1"]), ("submit", [URL, "p"])):
        with pytest.raises(InvalidRequest, match="URL of the request is invalid"):
            face.call(Script([]), method, *arguments, options={"base_url": "https://a.test/" + "x" * 65_521})


def test_no_retry_would_begin_after_the_deadline(face: Face) -> None:
    """When there is no time to wait before sending again, the last failure is raised as it is."""
    script = Script([httpx2.Response(503)] * 9)
    with pytest.raises(ServerError, match="503"):
        face.call(script, "get_task", "t-1", options={"timeout": 0.2})
    assert 1 == len(script.requests)


@httpx_leaves_a_generator
def test_an_answer_that_trickles_cannot_hold_the_call(face: Face, clock: Clock) -> None:
    """The deadline ends a call whose answer comes byte by byte; a submission is then unknown, and was sent once."""
    sent: list[httpx2.Request] = []

    def trickle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, stream=Trickle(clock))

    start = clock.time
    with pytest.raises(APITimeout, match="the time of the call is over"):
        face.call(trickle, "get_task", "t-1", options={"timeout": 30})
    assert 30 == clock.time - start
    with pytest.raises(SubmissionUnknown):
        face.call(trickle, "submit", URL, "p", timeout=30)
    assert 2 == len(sent)


def test_an_answer_without_end_is_not_kept(face: Face, clock: Clock) -> None:
    """What an answer may hold is bounded also where time is not."""
    endless = httpx2.Response(200, content=b" " * 10_000_001)
    with pytest.raises(InvalidResponse, match="larger than 10000000 bytes"):
        face.call(Script([endless]), "get_task", "t-1")
    with pytest.raises(SubmissionUnknown, match="larger than"):
        face.call(Script([endless]), "submit", URL, "p")


def test_compressed_answers_are_read(face: Face) -> None:
    """An answer that comes compressed is the same answer."""
    content = gzip.compress(b'{"task_id": "t-1"}')
    script = Script([lambda _request: httpx2.Response(200, headers={"content-encoding": "gzip"}, content=content)])
    assert "t-1" == face.call(script, "submit", URL, "p").task_id
