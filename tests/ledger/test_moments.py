"""Failures and interrupts at each moment of a submission with a key: what the ledger says afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from nano_banana_edit import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    InvalidRequest,
    LedgerError,
    NanoBananaEditError,
    RateLimited,
    SubmissionUnknown,
)
from nano_banana_edit.ledger import Ledger, Row

from .. import promises
from ..wrapper.conftest import Answer, Clock, Face, Script, accepted, task
from .conftest import Caller, Hooked, HookedLedger, execute, expire

BREAK = "ALTER TABLE nano_banana_edit_edits RENAME TO broken"
MEND = "ALTER TABLE broken RENAME TO nano_banana_edit_edits"

ENDS: list[tuple[Answer, str, type[Exception]]] = [
    (httpx2.ConnectError("refused"), "new", APIConnectionError),
    (httpx2.Response(429), "new", RateLimited),
    *((httpx2.Response(status), "refused", APIStatusError) for status in (400, 401, 402, 403, 404, 413, 422)),
    *((httpx2.Response(status), "unknown", APIStatusError) for status in (408, 409, 425)),
    (httpx2.Response(302), "unknown", SubmissionUnknown),
    (httpx2.Response(503), "unknown", SubmissionUnknown),
    (httpx2.Response(200, json={}), "unknown", SubmissionUnknown),
    (httpx2.Response(500, json={"task_id": "t-1"}), "sent", SubmissionUnknown),
    (httpx2.ReadTimeout("slow"), "unknown", SubmissionUnknown),
    (ZeroDivisionError("with a secret"), "unknown", ZeroDivisionError),
]


@promises.ONE_PER_KEY
@promises.NONE_FORGOTTEN
@pytest.mark.parametrize(("answer", "state", "kind"), ENDS, ids=lambda value: repr(value)[:40])
def test_answers(call: Caller, answer: Answer, state: str, kind: type[Exception]) -> None:
    """Only what certainly was not accepted leaves the key free; an id in a broken answer is kept."""
    with pytest.raises(kind):
        call(Script([answer]), "submit", options={"max_retries": 0})
    row = call.row()
    assert (state, "t-1" if state == "sent" else None) == (row.state, row.task_id)
    assert "secret" not in repr(row)
    if state in ("new", "refused"):
        assert "t-1" == call(Script([accepted()]), "submit").task_id
    elif state == "sent":
        assert "t-1" == call(Script([task()])).task_id
    else:
        with pytest.raises(SubmissionUnknown):
            call(Script([]), "submit")


def test_retries_of_the_client(call: Caller) -> None:
    """The claim holds while the client asks again after a 429."""

    def busy(_: httpx2.Request) -> httpx2.Response:
        assert "sending" == call.row().state
        return httpx2.Response(429, headers={"retry-after": "1"})

    assert "t-1" == call(Script([busy, busy, accepted()]), "submit").task_id
    assert 1 == call.row().attempt


def test_a_wait_past_the_lease(face: Face, database: str) -> None:
    """A 429 that asks to wait until after the lease ends the submission instead."""
    with Ledger(database, lease=5) as ledger:
        call = Caller(face, ledger)
        with pytest.raises(RateLimited):
            call(Script([httpx2.Response(429, headers={"retry-after": "6"})]), "submit")
        assert "new" == call.row().state


@promises.ONE_PER_KEY
def test_a_claim_that_is_made_again_too_late(face: Face, database: str) -> None:
    """A claim whose answer was lost, and which is made again after its lease, sends nothing."""

    class Late(Ledger):
        def claim(self, *args: Any, **how: Any) -> Row:
            super().claim(*args, **how)
            expire(database)
            return super().claim(*args, **how)

    with Late(database) as ledger, pytest.raises(SubmissionUnknown):
        Caller(face, ledger)(Script([]), "submit")


@promises.NONE_FORGOTTEN
def test_a_late_answer(call: Caller, database: str) -> None:
    """An answer that comes after the lease, when others were told that the edit is unknown, is kept."""
    another = Caller(Face("sync"), call.ledger)

    def late(_: httpx2.Request) -> httpx2.Response:
        expire(database)
        with pytest.raises(SubmissionUnknown):
            another(Script([]), "submit")
        return accepted()

    assert "t-1" == call(Script([late, task()])).task_id
    assert "completed" == call.row().state


@promises.ONE_PER_KEY
def test_a_late_answer_after_a_decision(call: Caller, database: str) -> None:
    """An answer that comes after a person had it sent again, and before that happened, spares the second submission."""

    def late(_: httpx2.Request) -> httpx2.Response:
        expire(database)
        call.ledger.resolve("k", resend=True)
        return accepted()

    assert "t-1" == call(Script([late]), "submit").task_id
    assert "t-1" == call(Script([]), "submit").task_id
    assert 1 == call.row().attempt


def test_a_late_answer_after_a_cancellation(call: Caller, database: str) -> None:
    """An answer that comes after a person cancelled the edit is kept and given; the key still refuses."""

    def late(_: httpx2.Request) -> httpx2.Response:
        expire(database)
        call.ledger.resolve("k", cancelled=True)
        return accepted()

    assert "t-1" == call(Script([late, task()])).task_id
    assert ("cancelled", "t-1", 1) == ((row := call.row()).state, row.task_id, row.billed)
    with pytest.raises(InvalidRequest, match="was cancelled"):
        call(Script([]))


def test_a_late_answer_after_another_submission(call: Caller, database: str, caplog: pytest.LogCaptureFixture) -> None:
    """An answer that comes after the edit was sent again is given, and logged; the row is the other's."""
    another = Caller(Face("sync"), call.ledger)

    def late(_: httpx2.Request) -> httpx2.Response:
        expire(database)
        call.ledger.resolve("k", resend=True)
        assert "t-2" == another(Script([accepted("t-2")]), "submit").task_id
        return accepted()

    assert "t-1" == call(Script([late]), "submit").task_id
    assert "The key 'k' was given away; task t-1 is another edit of it." in caplog.messages
    assert ("t-2", 2) == ((row := call.row()).task_id, row.attempt)


def breaking(database: str, answer: httpx2.Response) -> Callable[[httpx2.Request], httpx2.Response]:
    def broken(_: httpx2.Request) -> httpx2.Response:
        execute(database, BREAK)
        return answer

    return broken


def test_a_claim_that_cannot_be_written(call: Caller, database: str) -> None:
    """Nothing is sent before the ledger has recorded it."""
    for _ in range(2):  # the second time not even the row can be read
        with pytest.raises(LedgerError, match=r"The ledger .* cannot be used") as failed:
            call(Script([]), "submit", on_progress=lambda _: execute(database, BREAK))
        assert failed.value.task_id is None
    execute(database, MEND)
    assert call.ledger.get("k") is None


@promises.NONE_FORGOTTEN
def test_a_task_that_cannot_be_written(call: Caller, database: str, caplog: pytest.LogCaptureFixture) -> None:
    """The error names the accepted task, and says what to do; the row becomes unknown, and can be resolved so."""
    with pytest.raises(LedgerError, match=r"call wait\('t-1'\)") as failed:
        call(Script([breaking(database, accepted())]))
    assert "t-1" == failed.value.task_id
    (error,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert "The task t-1 of the key 'k' was accepted, and is not in the ledger" in error.message
    (note,) = failed.value.__notes__
    assert note.endswith("Once its row is unknown, call ledger.resolve('k', task_id='t-1').")
    execute(database, MEND)
    assert "sending" == call.row().state
    expire(database)
    call.ledger.resolve("k", task_id="t-1")
    assert "t-1" == call(Script([task()])).task_id


def test_an_outcome_that_cannot_be_written(call: Caller, database: str, caplog: pytest.LogCaptureFixture) -> None:
    """A result is given all the same, and a failure told; the next call asks again."""
    assert "t-1" == call(Script([accepted(), breaking(database, task())])).task_id
    assert any("task t-1 is completed, which the ledger does not know: The ledger" in text for text in caplog.messages)
    execute(database, MEND)
    assert "sent" == call.row().state


@promises.NONE_FORGOTTEN
@pytest.mark.parametrize("status", [503, 400])
def test_a_failure_that_cannot_be_written(call: Caller, database: str, status: int) -> None:
    """The failure comes through, with a note; the row becomes unknown by itself."""
    with pytest.raises(NanoBananaEditError) as failed:
        call(Script([breaking(database, httpx2.Response(status))]))
    assert failed.value.__notes__[0].startswith("The ledger does not know of this: The ledger")
    execute(database, MEND)
    expire(database)
    assert "unknown" == call.row().state


class Stop(KeyboardInterrupt):
    """Ctrl-C."""


def stop() -> None:
    raise Stop


@promises.ONE_PER_KEY
@promises.NONE_FORGOTTEN
@pytest.mark.parametrize(
    ("hook", "state"),
    [
        (Hooked("claim", before=stop), None),
        (Hooked("claim", after=stop), "new"),
        (Hooked("sent", before=stop), "sent"),
        (Hooked("sent", after=stop), "sent"),
    ],
)
def test_interrupted_while_writing(face: Face, database: str, hook: Hooked, state: str | None) -> None:
    """Ctrl-C while the ledger is written comes through; the row is free, or has the task."""
    with HookedLedger(database) as ledger:
        ledger.hook = hook
        with pytest.raises(Stop) as stopped:
            Caller(face, ledger)(Script([accepted()]), "submit")
        row = ledger.get("k")
        assert state == (row and row.state)
        assert ("t-1" if state == "sent" else None) == vars(stopped.value).get("task_id")


@promises.NONE_FORGOTTEN
def test_interrupted_while_sending(face: Face, database: str) -> None:
    """Ctrl-C while the request is out leaves it unknown, also if a second one comes while that is written."""

    def interrupted(_: httpx2.Request) -> httpx2.Response:
        raise Stop

    with HookedLedger(database) as ledger:
        call = Caller(face, ledger)
        with pytest.raises(Stop):
            call(Script([interrupted]), key="a")
        assert ("unknown", {"error": "Stop"}) == ((row := call.row("a")).state, row.outcome)
        ledger.hook = Hooked("released", before=stop)
        with pytest.raises(Stop):
            call(Script([interrupted]), key="b")
        expire(database, "b")
        assert "unknown" == call.row("b").state


def test_a_pause_after_the_claim(face: Face, database: str, clock: Clock) -> None:
    """A process that was stopped for longer than its lease sends nothing when it goes on."""

    def pause() -> None:
        clock.time += 121

    with HookedLedger(database) as ledger:
        ledger.hook = Hooked("claim", after=pause)
        call = Caller(face, ledger)
        with pytest.raises(APITimeout, match="nothing more was sent"):
            call(Script([]), "submit")
        assert "new" == call.row().state
