"""The ledger by itself: claims, the life of a row, and what a person may decide."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit import InvalidRequest
from nano_banana_edit.ledger import Ledger, Row, new_owner

from .. import promises
from .conftest import DIGEST, REQUEST, claimed, execute, expire

OUTCOME = {"error": "nobody knows"}
STATES = ["new", "sending", "sent", "completed", "saved", "failed", "refused", "cancelled", "unknown"]


def bring(ledger: Ledger, state: str, key: str = "k") -> str:
    """Bring a key into a state; return its owner."""
    owner = new_owner()
    claimed(ledger, key, owner)
    if state in ("new", "refused", "unknown"):
        assert ledger.released(key, owner, state, OUTCOME)
    elif state == "cancelled":
        assert ledger.released(key, owner, "new")
        ledger.resolve(key, cancelled=True)
    elif state != "sending":
        assert ledger.sent(key, owner, f"t-{key}")
        if state in ("completed", "failed"):
            assert ledger.finished(f"t-{key}", state, OUTCOME)
        elif state == "saved":
            assert ledger.saved(f"t-{key}", "out.png", {})
    row = ledger.get(key)
    assert (state, owner) == (row.state, row.owner)
    return owner


def test_a_claim(ledger: Ledger, database: str) -> None:
    """A claim makes a row that says whose it is and what it asks for, and it is there for the next who opens it."""
    assert ledger.get("k") is None
    row = claimed(ledger)
    expected = Row("k", "sending", 1, DIGEST, REQUEST, None, "", None, None, None, row.updated, "host/7/other", 0)
    assert expected == row
    with Ledger(database) as other:
        assert expected == other.get("k")
    assert abs(row.updated - dt.datetime.now().timestamp()) < 60


@pytest.mark.parametrize("state", STATES)
def test_who_may_claim(ledger: Ledger, state: str) -> None:
    """A key is claimed again only if nothing was sent, or it was refused, or it failed and the caller asks for it."""
    bring(ledger, state)
    before = ledger.get("k")
    free = state in ("new", "refused")
    row = claimed(ledger)
    assert (row.owner == "host/7/other") is free
    assert free or row == before
    if not free:
        row = ledger.claim("k", "again", DIGEST, REQUEST, retry_failed=True)
        assert (row.owner == "again") is (state == "failed")
        assert state == "failed" or row == before
    if free or state == "failed":
        assert ("sending", 2, None, None) == (row.state, row.attempt, row.task_id, row.outcome)


def test_a_claim_of_what_was_read(ledger: Ledger) -> None:
    """A claim of an attempt that is not the row's any more changes nothing, so that a failure is paid anew once."""
    bring(ledger, "failed")
    before = ledger.get("k")
    for seen in (0, 2):
        assert before == ledger.claim("k", "o", DIGEST, REQUEST, retry_failed=True, attempt=seen)
    assert 2 == ledger.claim("k", "o", DIGEST, REQUEST, retry_failed=True, attempt=1).attempt
    assert 1 == ledger.claim("fresh", "o", DIGEST, REQUEST, attempt=0).attempt


@pytest.mark.parametrize("state", STATES)
def test_renew(ledger: Ledger, state: str) -> None:
    """A failed row of an attempt may be submitted again; what it ended with is there until then."""
    owner = bring(ledger, state)
    before = ledger.get("k")
    assert not ledger.renew("k", 0)
    assert before == ledger.get("k")
    assert ledger.renew("k", 1) is (state == "failed")
    assert not ledger.renew("k", 1)
    row = ledger.get("k")
    assert (before.task_id, before.outcome, before.billed) == (row.task_id, row.outcome, row.billed)
    if state == "failed":
        assert ("new", 1) == (row.state, row.attempt)
        assert not ledger.sent("k", owner, "t-k")
        assert ("sending", 2, None, None) == ((row := claimed(ledger)).state, row.attempt, row.task_id, row.outcome)


def test_find(ledger: Ledger) -> None:
    """The rows of some thousands of keys come at once; a key that is not there has none."""
    keys = [f"{number}" for number in range(3000)]
    ledger.add("b", {key: {"line": int(key)} for key in keys[:2000]})
    assert {key: {"line": int(key)} for key in keys[:2000]} == {row.key: row.job for row in ledger.find(keys)}
    assert [] == ledger.find([]) == ledger.find({"none"})


def test_an_owner_of_before(ledger: Ledger, database: str) -> None:
    """Whose claim was given away changes nothing of the next one, which has a lease of its own."""
    claimed(ledger, owner="before")
    expire(database)
    ledger.resolve("k", resend=True)
    row = claimed(ledger)
    for state in ("new", "refused", "unknown"):
        assert not ledger.released("k", "before", state)
    assert not ledger.sent("k", "before", "t-1")
    assert row == ledger.get("k")
    assert ("sending", 2, "host/7/other") == (row.state, row.attempt, row.owner)


def test_a_claim_for_another_request_is_none(ledger: Ledger) -> None:
    """A key that is free for its own request is not for another one."""
    bring(ledger, "refused")
    assert "refused" == ledger.claim("k", "o", "e" * 64, {"prompt": "other"}).state


def test_a_claim_whose_answer_was_lost(ledger: Ledger) -> None:
    """The same claim once more is the same claim."""
    assert claimed(ledger).attempt == claimed(ledger).attempt == 1


@promises.UNKNOWN_STAYS
def test_a_lease_that_is_over(ledger: Ledger, database: str) -> None:
    """A claim that outlasts its lease is unknown, is listed and counted as that, and cannot be claimed."""
    claimed(ledger)
    assert [] == [*ledger.rows("unknown")]
    expire(database)
    assert {"unknown": 1} == ledger.counts()
    assert ["k"] == [row.key for row in ledger.rows("unknown")] == [row.key for row in ledger.rows()]
    assert [] == [*ledger.rows("sending")]
    assert ("unknown", "host/7/other") == (claimed(ledger, owner="b").state, ledger.get("k").owner)


@pytest.mark.parametrize("state", STATES)
def test_late_answers(ledger: Ledger, state: str) -> None:
    """Only the owner of the claim writes its task, also to a row that is unknown, given free or cancelled meanwhile."""
    owner = bring(ledger, state)
    assert not ledger.sent("k", "stranger", "t-9")
    own = ledger.sent("k", owner, "t-2")
    assert own is (state in ("new", "sending", "sent", "unknown", "cancelled"))
    row = ledger.get("k")
    assert row.state == ("sent" if own and state != "cancelled" else state)
    assert (row.task_id == "t-2") is own


def test_a_lease_outlasts_its_submission(tmp_path: Path) -> None:
    """A row becomes unknown some seconds after the last moment at which its request may leave, and not before."""
    path = str(tmp_path / "ledger.db")
    with Ledger(path, lease=0.001) as ledger:
        claimed(ledger)
        assert 1 == execute(path, "UPDATE nano_banana_edit_edits SET lease = lease - 5")
        assert "sending" == ledger.get("k").state
        assert 1 == execute(path, "UPDATE nano_banana_edit_edits SET lease = lease - 6")
        assert "unknown" == ledger.get("k").state


def test_a_late_answer_after_a_lease(ledger: Ledger, database: str) -> None:
    """The owner may write what it knows after its lease, whoever looked meanwhile."""
    claimed(ledger, "a", "o")
    claimed(ledger, "b", "o")
    expire(database, "a")
    expire(database, "b")
    assert ledger.sent("a", "o", "t-1")
    assert ledger.released("b", "o", "new")
    assert {"sent": 1, "new": 1} == ledger.counts()


@pytest.mark.parametrize("state", [state for state in STATES if state != "sending"])
def test_released_once(ledger: Ledger, state: str) -> None:
    """A claim that is over is not released."""
    owner = bring(ledger, state)
    assert not ledger.released("k", owner, "new")
    assert state == ledger.get("k").state


@pytest.mark.parametrize("state", STATES)
def test_finished(ledger: Ledger, state: str) -> None:
    """What a poll says is written once, to a row that was sent; a file also to one that is completed."""
    bring(ledger, state)
    assert (state == "sent") is ledger.finished("t-k", "failed", {"error_code": "E7"})
    assert ledger.saved("t-k", "out.png", {}) is (state in ("completed", "saved"))
    assert not ledger.finished("unheard of", "completed", {})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(
    ("decision", "to", "allowed"),
    [
        ({"task_id": "t-9"}, "sent", {"unknown", "sent"}),
        ({"resend": True}, "new", {"unknown", "cancelled", "new"}),
        ({"cancelled": True}, "cancelled", {*STATES} - {"sending"}),
    ],
)
def test_resolve(ledger: Ledger, state: str, decision: dict[str, Any], to: str, allowed: set[str]) -> None:
    """A person decides about what is not under way, and may say so twice; a task that is cancelled stays known."""
    bring(ledger, state)
    before = ledger.get("k")
    for _ in range(2):
        if state in allowed:
            row = ledger.resolve("k", **decision)
            task_id = before.task_id if to == "cancelled" else decision.get("task_id")
            assert (to, task_id, before.outcome) == (row.state, row.task_id, row.outcome)
        else:
            with pytest.raises(InvalidRequest, match=f"key 'k' is {state}. Only a row that is unknown"):
                ledger.resolve("k", **decision)
            assert state == ledger.get("k").state


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        ({}, "exactly one"),
        ({"task_id": "t", "resend": True}, "exactly one"),
        ({"resend": True, "cancelled": True}, "exactly one"),
        ({"task_id": ""}, "task_id"),
        ({"task_id": ".."}, "task_id"),
        ({"task_id": 7}, "task_id"),
        ({"resend": True}, "key 'x' is not in the ledger"),
    ],
)
def test_a_decision_that_is_none(ledger: Ledger, decision: dict[str, Any], why: str) -> None:
    """A decision is one of three, about a key that is there, with an id that can be polled."""
    with pytest.raises(InvalidRequest, match=why):
        ledger.resolve("x", **decision)
    with pytest.raises(InvalidRequest, match="printable"):
        ledger.resolve("", resend=True)


def test_the_words_of_a_refusal(ledger: Ledger) -> None:
    """A decision that the state does not allow is refused with those that do."""
    bring(ledger, "sending")
    for decision, words in (
        ({"task_id": "t"}, "Only a row that is unknown or sent can be given a task."),
        ({"resend": True}, "Only a row that is unknown or cancelled can be submitted again."),
        (
            {"cancelled": True},
            "Only a row that is unknown, new, refused, failed, sent, completed or saved can be cancelled.",
        ),
    ):
        with pytest.raises(InvalidRequest) as refused:
            ledger.resolve("k", **decision)
        assert f"The key 'k' is sending. {words}" == str(refused.value)


def test_billed(ledger: Ledger, database: str) -> None:
    """An accepted submission is counted once for the batch of its row, however often it is recorded."""
    ledger.add("b", {"k": {}})
    assert (0, 0) == (ledger.get("k").billed, ledger.billed(batch="b"))
    for attempt in (1, 2):
        ledger.claim("k", "o", DIGEST, REQUEST, retry_failed=True)
        for _ in range(2):
            assert ledger.sent("k", "o", f"t-{attempt}")
        assert ledger.finished(f"t-{attempt}", "failed", OUTCOME)
        assert attempt == ledger.get("k").billed
    for state in STATES:
        bring(ledger, state, state)
    assert [1, 0] == [ledger.get(key).billed for key in ("saved", "refused")]
    assert (2, 6, 0) == (ledger.billed(batch="b"), ledger.billed(), ledger.billed(batch="none"))
    for decision in ({"task_id": "t-7"}, {"task_id": "t-8"}, {"cancelled": True}, {"resend": True}):
        assert 1 == ledger.resolve("unknown", **decision).billed
    expire(database, "sending")
    owner = ledger.get("sending").owner
    ledger.resolve("sending", cancelled=True)
    for _ in range(2):
        assert ledger.sent("sending", owner, "t-9")
    assert 8 == ledger.billed()


@promises.ONE_PER_KEY
def test_an_answer_that_is_written_again_after_a_decision(ledger: Ledger) -> None:
    """An edit whose task is known, and that is to be submitted again, is not the old task once more."""
    owner = bring(ledger, "sent")
    ledger.resolve("k", cancelled=True)
    assert ledger.resolve("k", resend=True).task_id is None
    assert not ledger.sent("k", owner, "t-k")
    assert ("new", 1) == ((row := ledger.get("k")).state, row.billed)


def test_an_answer_for_another_job(ledger: Ledger, database: str) -> None:
    """The answer to a submission of before is not that of the job that took its place."""
    claimed(ledger)
    expire(database)
    ledger.resolve("k", resend=True)
    assert ledger.replace("k", {"line": 7})
    assert not ledger.sent("k", "host/7/other", "t-1")
    assert ("new", "", {"line": 7}) == ((row := ledger.get("k")).state, row.owner, row.job)


def test_a_task_of_another_key(ledger: Ledger) -> None:
    """A person cannot give one task to two keys: the result of one would be recorded for both."""
    for key in ("a", "b"):
        ledger.claim(key, f"h/1/{key}", DIGEST, REQUEST)
    ledger.sent("a", "h/1/a", "t-a")
    ledger.released("b", "h/1/b", "unknown")
    with pytest.raises(InvalidRequest, match="task_id 't-a' is that of the key 'a'"):
        ledger.resolve("b", task_id="t-a")
    assert ledger.resolve("a", task_id="t-a").state == "sent"
    assert ledger.resolve("b", task_id="t-b").state == "sent"


def test_a_claim_by_a_clock_that_was_ahead(ledger: Ledger, database: str) -> None:
    """A process that died with a wrong clock holds nobody up: its row is unknown, though its lease is far away."""
    claimed(ledger)
    later = "UPDATE nano_banana_edit_edits SET lease = lease + 1e7, updated = updated + 1e7"
    assert execute(database, later) == 1
    assert [row.key for row in ledger.rows("unknown")] == ["k"]
    assert ledger.resolve("k", resend=True).state == "new"
