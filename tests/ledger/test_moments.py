"""Failures and interrupts at each moment of a submission with a key: what the ledger says afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import anyio.from_thread
import httpx2
import pytest
from attrs import define
from nano_banana_edit import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    AsyncNanoBananaEdit,
    LedgerError,
    NanoBananaEditError,
    RateLimited,
    SubmissionUnknown,
)
from nano_banana_edit.ledger import Ledger, Row

from .. import promises
from ..wrapper.conftest import URL, Answer, Clock, Face, Script, accepted, task
from .conftest import Caller, execute, expire

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
    """Nothing is sent without the ledger's word."""
    for _ in range(2):  # the second time not even the row can be read
        with pytest.raises(LedgerError, match=r"The ledger .* cannot be used") as failed:
            call(Script([]), "submit", on_progress=lambda _: execute(database, BREAK))
        assert failed.value.task_id is None
    execute(database, MEND)
    assert call.ledger.get("k") is None


@promises.NONE_FORGOTTEN
def test_a_task_that_cannot_be_written(call: Caller, database: str) -> None:
    """The error names the accepted task, and says what to do; the row becomes unknown, and can be resolved so."""
    with pytest.raises(LedgerError, match=r"call wait\('t-1'\)") as failed:
        call(Script([breaking(database, accepted())]))
    assert "t-1" == failed.value.task_id
    (note,) = failed.value.__notes__
    assert note.endswith("Once its row is unknown, call ledger.resolve with task_id='t-1'.")
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


@define(slots=False)
class Hooked:
    """Called before and after one method of a ledger."""

    name: str
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


class HookedLedger(Ledger):
    hook = Hooked("")

    def _run(self, name: str, *args: Any, **how: Any) -> Any:
        mine, self.hook = (self.hook, Hooked("")) if self.hook.name == name else (Hooked(""), self.hook)
        mine.before()
        result = getattr(super(), name)(*args, **how)
        mine.after()
        return result

    def claim(self, *args: Any, **how: Any) -> Row:
        return self._run("claim", *args, **how)

    def sent(self, *args: Any, **how: Any) -> bool:
        return self._run("sent", *args, **how)

    def released(self, *args: Any, **how: Any) -> bool:
        return self._run("released", *args, **how)


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


class Stalled(httpx2.AsyncBaseTransport):
    """Takes a submission, and calls a function or answers; it answers nothing else."""

    def __init__(self, then: Callable[[], object] | None) -> None:
        self.then = then

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST" and self.then is None:
            return accepted()
        if self.then:
            self.then()
        await anyio.sleep_forever()
        raise AssertionError


@promises.STOPPED
@promises.NONE_FORGOTTEN
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("moment", "state"), [("claim", "new"), ("out", "unknown"), ("sent", "sent")])
def test_cancelled(database: str, backend: str, moment: str, state: str) -> None:
    """A call that is cancelled while it claims, sends or writes leaves a row that tells the truth."""

    async def run() -> None:
        with HookedLedger(database) as ledger, anyio.CancelScope() as scope:
            ledger.hook = Hooked(moment, after=lambda: anyio.from_thread.run_sync(scope.cancel))
            transport = Stalled(scope.cancel if moment == "out" else None)
            async with httpx2.AsyncClient(transport=transport) as http:
                await AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger).edit(URL, "p", key="k")
        assert scope.cancelled_caught
        with Ledger(database) as ledger:
            assert state == ledger.get("k").state

    anyio.run(run, backend=backend)


@promises.NONE_FORGOTTEN
@pytest.mark.parametrize("steps", range(12))
def test_abandoned(database: str, steps: int) -> None:
    """A coroutine that is closed at any point, as one of an event loop that ends, forgets nothing that was sent."""
    script = Script([accepted()])

    async def run() -> None:
        with Ledger(database) as ledger:
            async with httpx2.AsyncClient(transport=httpx2.MockTransport(script)) as http:
                client = AsyncNanoBananaEdit(token="t", http_client=http, ledger=ledger)
                call = client.submit(URL, "p", key="k")
                try:
                    for _ in range(steps):
                        future = call.send(None)
                        await (asyncio.wait([future]) if future else asyncio.sleep(0))
                except StopIteration:
                    pass
                call.close()
                await asyncio.sleep(0.05)  # for the thread that writes
            row = ledger.get("k")
            state = row.state if row else None
            assert state in (("sending", "sent") if script.requests else (None, "sending"))

    asyncio.run(run())
