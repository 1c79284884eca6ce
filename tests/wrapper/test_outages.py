"""A wait goes on through an outage; what is new may not be there at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIStatusError,
    APITimeout,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    Progress,
    RateLimited,
    WaitTimeout,
)

from .. import promises
from .conftest import PNG, URL, Clock, Face, Script, accepted, fetch, image, task

OUTAGES = [
    httpx2.ConnectError("refused"),
    httpx2.ReadTimeout("slow"),
    httpx2.RemoteProtocolError("no answer"),
    httpx2.Response(500),
    httpx2.Response(502, html="<h1>Bad gateway</h1>"),
    httpx2.Response(520),
    httpx2.Response(408),
    httpx2.Response(425),
    httpx2.Response(429),
    httpx2.Response(302, headers={"location": "https://login.example.test"}),
    httpx2.Response(200, html="<title>Sign in</title>"),
    httpx2.Response(200, json={"id": "t-2", "status": "failed"}),
    httpx2.Response(200),
    httpx2.Response(204),
]


def passing(clock: Clock, answer: Any, seconds: float = 5) -> Callable[[httpx2.Request], httpx2.Response]:
    """Return an answer that takes some seconds."""

    def answered(request: httpx2.Request) -> httpx2.Response:
        clock.time += seconds
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return answered


@promises.WAIT_GOES_ON
@pytest.mark.parametrize("failure", OUTAGES, ids=repr)
def test_polls_go_on_through_an_outage(face: Face, clock: Clock, failure: Any) -> None:
    """However often a poll fails the wait goes on, whatever max_retries, and progress is told of true answers alone."""
    told: list[Progress] = []
    outage = [passing(clock, failure)] * 20
    script = Script([accepted(), *outage, task("pending"), *outage, task()])
    face.call(script, "edit", URL, "p", on_progress=told.append, options={"max_retries": 0})
    assert [None, "pending", "completed"] == [progress.status for progress in told]


@promises.WAIT_GOES_ON
@pytest.mark.parametrize("failure", OUTAGES, ids=repr)
@pytest.mark.parametrize("status", [None, "queued"])
def test_an_outage_until_the_deadline_can_be_waited_through(
    face: Face, clock: Clock, failure: Any, status: str | None
) -> None:
    """When the time ends during an outage the error names the task, its last status, the failure and how to go on."""
    looks = [task(status)] if status else []
    script = Script([*looks, *[passing(clock, failure)] * 20])
    with pytest.raises(
        WaitTimeout, match=rf"still {status or 'unknown'} after 60 s; the last poll failed: .*call wait\('t-1'\)\.$"
    ) as over:
        face.call(script, "wait", "t-1", timeout=60)
    assert ("t-1", status, 1) == (over.value.task_id, over.value.status, str(over.value).count("wait("))
    assert over.value.__cause__ is not None
    assert 50 <= clock.time - 1000 <= 66


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, APIStatusError), (401, AuthenticationError), (403, PermissionDenied), (410, APIStatusError)],
)
def test_a_refusal_ends_a_wait(face: Face, status: int, kind: type[Exception]) -> None:
    """What will not pass is raised at once, with the task and how to go on."""
    script = Script([httpx2.Response(status)])
    with pytest.raises(kind, match=r"call wait\('t-1'\)") as refusal:
        face.call(script, "wait", "t-1")
    assert "t-1" == refusal.value.task_id


@promises.RATE_LIMITED_AT_ONCE
def test_429_ends_a_wait_if_it_is_to(face: Face) -> None:
    """With retry_rate_limited off a wait ends at 429 too."""
    with pytest.raises(RateLimited):
        face.call(Script([httpx2.Response(429)]), "wait", "t-1", options={"retry_rate_limited": False})


def test_a_wait_does_not_hurry_through_an_outage(face: Face, waits: Callable[[], list[float]]) -> None:
    """A server that asks for no pause gets one; one that asks for a long one gets that."""
    now = httpx2.Response(503, headers={"retry-after": "0"})
    later = httpx2.Response(503, headers={"retry-after": "30"})
    face.call(Script([now, now, now, later, task()]), "wait", "t-1")
    assert [True, True, True, True] == [low <= at for low, at in zip((0.4, 0.9, 1.8, 30), waits(), strict=True)]


@promises.RETRY_AFTER
def test_a_wait_ends_if_it_is_asked_to_wait_too_long(face: Face, clock: Clock) -> None:
    """A Retry-After beyond the deadline ends the wait at once."""
    with pytest.raises(WaitTimeout, match="asks to wait 90 s") as over:
        face.call(Script([httpx2.Response(503, headers={"retry-after": "90"})]), "wait", "t-1", timeout=60)
    assert (1000, 90) == (clock.time, over.value.__cause__.retry_after)


@pytest.mark.parametrize("seconds", ["9223372035", "9223372036"])
def test_no_sleep_is_longer_than_a_clock_takes(face: Face, monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    """A time just below what Python says it can wait for is more than the system's clock takes."""
    monkeypatch.undo()
    look = httpx2.Response(200, json={"id": "t-1", "status": "pending"}, headers={"retry-after": seconds})
    with pytest.raises(WaitTimeout):
        face.call(Script([look]), "wait", "t-1", timeout=None)
    with pytest.raises(RateLimited):
        face.call(Script([httpx2.Response(429, headers={"retry-after": seconds})]), "submit", URL, "p", timeout=None)


def test_a_task_that_was_just_submitted_may_be_unknown(face: Face) -> None:
    """A task that is not found at first is asked for again; one that stays unknown, or was known, is not found."""
    none = httpx2.Response(404)
    assert "t-1" == face.call(Script([accepted(), none, none, none, task()]), "edit", URL, "p").task_id
    for script in (Script([none] * 4), Script([task("pending"), none])):
        with pytest.raises(NotFound):
            face.call(script, "wait", "t-1")
        assert [] == script.answers


@promises.PAID_FOR
@pytest.mark.parametrize("status", [404, 425])
def test_a_result_may_not_be_there_yet(face: Face, waits: Callable[[], list[float]], status: int) -> None:
    """A result that its host does not know yet is asked for again for some seconds."""
    script = Script([accepted(), task(), *[httpx2.Response(status)] * 3, image()])
    assert PNG == face.call(script, "edit", URL, "p", then=fetch)
    assert 3 <= sum(waits()) <= 4
    script = Script([accepted(), task(), *[httpx2.Response(404)] * 5])
    with pytest.raises(NotFound, match=r"call wait\('t-1'\)"):
        face.call(script, "edit", URL, "p", then=fetch, options={"max_retries": 0})
    assert [] == script.answers


def test_a_result_is_waited_for_within_the_time(face: Face) -> None:
    """No request for a result begins after the client's time."""
    script = Script([task(), httpx2.Response(404)])
    with pytest.raises(NotFound):
        face.call(script, "wait", "t-1", then=fetch, options={"timeout": 0.3})
    assert [] == script.answers


def test_a_timeout_does_not_say_how_it_was_made(face: Face) -> None:
    """What an event loop cancels to end a wait in time is not in the words of the failure."""
    failure = httpx2.ReadTimeout("")
    failure.__cause__ = TimeoutError()
    failure.__cause__.__context__ = asyncio.CancelledError("Cancelled via cancel scope 7f77")
    with pytest.raises(APITimeout, match=r"\(ReadTimeout: ReadTimeout\)"):
        face.call(Script([failure]), "get_task", "t-1", options={"max_retries": 0})
