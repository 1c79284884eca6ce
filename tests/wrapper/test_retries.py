"""When something is sent again, after how long, and what is known of an edit that is not."""

from __future__ import annotations

import asyncio
import email.utils
import hashlib
import json
import pickle
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIStatusError,
    EditFailed,
    InvalidRequest,
    RateLimited,
    ServerError,
    SubmissionUnknown,
    WaitTimeout,
)

from .. import promises
from .conftest import PNG, URL, Clock, Face, Script, accepted, httpx_leaves_a_generator, task, uploaded

METHODS = {"submit": (URL, "p"), "get_task": ("t-1",), "upload": (PNG,)}
GOOD = {"submit": accepted(), "get_task": task("pending"), "upload": uploaded()}


@promises.RETRY_AFTER
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry-after": "7"}, 7), ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5), ({"retry-after": "0"}, 0)],
)
def test_waits_as_long_as_it_is_asked_to(
    face: Face, clock: Clock, method: str, headers: dict[str, str], seconds: float, waits: Callable[[], list[float]]
) -> None:
    """Before a request is sent again, the client waits for as long as the service asks."""
    script = Script([httpx2.Response(429, headers=headers), GOOD[method]])
    face.call(script, method, *METHODS[method])
    assert [seconds] == waits()


def test_a_busy_service_is_waited_for_too(face: Face, waits: Callable[[], list[float]]) -> None:
    """Retry-After counts whatever the status it comes with, if that is one to ask again after."""
    script = Script([httpx2.Response(503, headers={"retry-after": "7"}), task("pending")])
    face.call(script, "get_task", "t-1")
    assert [7] == waits()


@promises.RETRY_AFTER
@pytest.mark.parametrize("header", ["soon", "-5", "", "nan", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400])
def test_nonsense_and_dates_past_do_not_stop_the_client(
    face: Face, waits: Callable[[], list[float]], header: str
) -> None:
    """Where the service asks for nothing that can be waited for, the client's own short delay applies, or none."""
    script = Script([httpx2.Response(429, headers={"retry-after": header}), accepted()])
    assert "t-1" == face.call(script, "submit", URL, "p").task_id
    assert 0 <= waits()[0] < 1


@promises.RETRY_AFTER
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("seconds", [60, 3600, 3 * 86_400], ids=["the-deadline", "an-hour", "days"])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_waits_no_longer_than_there_is_time(face: Face, status: int, seconds: int, form: str) -> None:
    """A Retry-After that ends with the deadline or later is raised at once, and says how long the service asked for."""
    date = email.utils.formatdate(time.time() + seconds + 30, usegmt=True)
    header = str(seconds) if form == "seconds" else date
    script = Script([httpx2.Response(status, headers={"retry-after": header})])
    with pytest.raises(RateLimited if status == 429 else ServerError, match=r"asks to wait [\d.]+ s") as limited:
        face.call(script, "get_task", "t-1", options={"timeout": 60})
    assert seconds <= limited.value.retry_after <= seconds + 30
    assert 1 == len(script.requests)


def test_what_no_clock_can_count_is_not_waited_for(face: Face) -> None:
    """Without a deadline too, a time that no clock of this machine can sleep for is raised."""
    script = Script([httpx2.Response(429, headers={"retry-after": "1e18"})])
    with pytest.raises(RateLimited):
        face.call(script, "submit", URL, "p", timeout=None)


@pytest.mark.parametrize("seconds", ["99999999999", "1e300"])
def test_what_no_clock_can_count_ends_a_wait(face: Face, clock: Clock, seconds: str) -> None:
    """No poll is made after such a time: the wait ends, and `wait` continues it."""
    look = httpx2.Response(200, json={"id": "t-1", "status": "pending"}, headers={"retry-after": seconds})
    with pytest.raises(WaitTimeout, match=r"still pending after 0 s") as over:
        face.call(Script([look]), "wait", "t-1", timeout=None)
    assert ("t-1", []) == (over.value.task_id, clock.sleeps)


@promises.RATE_LIMITED_AT_ONCE
@pytest.mark.parametrize("method", METHODS)
def test_429_may_be_final(face: Face, method: str) -> None:
    """With retry_rate_limited off, a 429 is raised after one request; other failures are still sent again."""
    script = Script([httpx2.Response(429)])
    with pytest.raises(RateLimited):
        face.call(script, method, *METHODS[method], options={"retry_rate_limited": False})
    assert 1 == len(script.requests)
    face.call(Script([httpx2.ConnectError("x"), GOOD[method]]), method, *METHODS[method], options=OFF)


OFF = {"retry_rate_limited": False}


def test_retry_rate_limited_is_a_switch(face: Face) -> None:
    """What is no boolean is refused by name."""
    with pytest.raises(InvalidRequest, match=r"retry_rate_limited is 1; it must be True or False\."):
        face.call(Script([]), "get_task", "t-1", options={"retry_rate_limited": 1})


@promises.RETRY_AFTER
def test_polls_no_sooner_than_it_is_asked_to(face: Face, clock: Clock) -> None:
    """If an answer asks for a later poll, the client polls then, and not sooner."""

    def pending(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"id": "t-1", "status": "pending"}, headers={"retry-after": "30"})

    face.call(Script([pending, task("pending"), task()]), "wait", "t-1")
    assert 30 == clock.sleeps[0]
    assert clock.sleeps[1] < 2


@promises.POLLING
@pytest.mark.parametrize("method", ["edit", "wait"])
def test_stops_on_a_status_that_the_caller_names(face: Face, method: str) -> None:
    """A status of stop_on ends the waiting, with the status and the service's words; another one does not."""
    looks = [task("queued"), task("moderated", error_msg="not nice")]
    script = Script([accepted(), *looks] if method == "edit" else looks)
    with pytest.raises(EditFailed, match="ended as 'moderated': not nice") as stopped:
        face.call(script, method, *((URL, "p") if method == "edit" else ("t-1",)), stop_on=["moderated", "expired"])
    assert ("moderated", "t-1") == (stopped.value.status, stopped.value.task_id)


@pytest.mark.parametrize("stop_on", ["moderated", 3, [3]])
def test_stop_on_is_a_list(face: Face, stop_on: Any) -> None:
    """One text is no list of statuses, nor is a list of something else, and nothing is sent."""
    with pytest.raises(InvalidRequest, match=rf"stop_on is {re.escape(repr(stop_on))}; .* list of statuses") as refusal:
        face.call(Script([]), "edit", URL, "p", stop_on=stop_on)
    assert "stop_on" == refusal.value.field


@promises.SENT_ONCE
def test_an_unknown_submission_says_what_is_known(face: Face, clock: Clock) -> None:
    """The error has a digest of what was sent, the time it took, uploads included, and its cause; it pickles."""
    failure = httpx2.ReadError("reset")

    def slow(_request: httpx2.Request) -> httpx2.Response:
        clock.time += 5
        return uploaded()

    script = Script([slow, failure])
    with pytest.raises(SubmissionUnknown) as unknown:
        face.call(script, "edit", PNG, "p", output_format="png", extra_body={"a": "é"})
    sent = json.loads(script.requests[-1].content)
    text = json.dumps(sent, sort_keys=True, separators=(",", ":"))
    for error in (unknown.value, pickle.loads(pickle.dumps(unknown.value))):
        assert (hashlib.sha256(text.encode()).hexdigest(), 5) == (error.request_digest, error.elapsed)
    assert failure is unknown.value.__cause__


class Cut(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that has what was asked for, and then breaks off."""

    def __init__(self, end: BaseException) -> None:
        self.end = end

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"task_id": "t-1", "url": "https://files.example.test/in.png"}'
        raise self.end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


@httpx_leaves_a_generator
def test_an_answer_that_breaks_off_after_the_id_is_not_for_nothing(face: Face) -> None:
    """An edit whose answer broke off is unknown, and yet can be waited for, if the task's id had come."""
    sent: list[httpx2.Request] = []

    def cut(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(200, stream=Cut(httpx2.ReadError("reset")))

    with pytest.raises(SubmissionUnknown) as unknown:
        face.call(cut, "submit", URL, "p")
    assert ("t-1", 1) == (unknown.value.task_id, len(sent))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupted_submission_is_noted(stop: type[BaseException]) -> None:
    """Who interrupts a submission learns from the exception that it may be billed."""

    def interrupt(_request: httpx2.Request) -> httpx2.Response:
        raise stop

    with pytest.raises(stop) as stopped:
        Face("sync").call(interrupt, "submit", URL, "p")
    assert ["The edit may have been accepted and billed."] == stopped.value.__notes__


def test_an_interrupted_submission_that_is_known_can_be_waited_for() -> None:
    """Where the task's id had come before the interrupt the exception says how to go on; that of an upload does not."""
    answer = httpx2.Response(200, stream=Cut(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt) as stopped:
        Face("sync").call(lambda _request: answer, "submit", URL, "p")
    assert {"task_id": "t-1", "__notes__": ["To go on, call wait('t-1')."]} == vars(stopped.value)
    answer = httpx2.Response(200, stream=Cut(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt) as stopped:
        Face("sync").call(lambda _request: answer, "upload", PNG)
    assert {} == vars(stopped.value)


def test_refusals_have_no_note(face: Face) -> None:
    """An error that says what happened has no note that says nobody knows."""
    with pytest.raises(APIStatusError) as refused:
        face.call(Script([httpx2.Response(400)]), "submit", URL, "p")
    assert not hasattr(refused.value, "__notes__")
