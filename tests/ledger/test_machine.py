"""Claims, crashes, pauses, late answers, polls and decisions in any order: one submission an attempt, none lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define, evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from nano_banana_edit import InvalidRequest
from nano_banana_edit.ledger import Ledger, Row, new_owner
from sqlalchemy import Engine, create_engine, make_url, text

from .. import promises
from .conftest import DIGEST, REQUEST

KEYS = st.sampled_from(["a", "A"])
LEDGERS = st.integers(0, 1)
JOBS = st.sampled_from([{"line": 1}, {"line": 2}])
SEEN = st.sampled_from([0, 0, 0, -1, 1])  # attempts since a row was read
OVER = {"completed", "saved", "failed"}
OVER_AGAIN = {("completed", "saved"), ("failed", "new")}


@define(eq=False)
class Claim:
    """A process that may submit a key. One that is not heard of again has crashed."""

    key: str
    owner: str
    attempt: int
    job: dict[str, Any] | None
    task_id: str | None = None


class Machine(RuleBasedStateMachine):
    """Processes, a service that counts, and a person, on one ledger that two of them have opened."""

    location: str
    engine: Engine
    sending: Bundle[Claim] = Bundle("sending")  # processes that have claimed and not yet sent
    late: Bundle[Claim] = Bundle("late")  # processes whose submission was accepted, and which have not written that
    tasks: Bundle[str] = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        self.ledgers = [Ledger(self.location), Ledger(self.location)]
        self.execute("DELETE FROM nano_banana_edit_edits")
        self.submissions: Counter[tuple[str, int]] = Counter()  # at the service, by key and attempt
        self.accepted: dict[str, str] = {}  # key of each task
        self.given_up: set[str] = set()  # tasks whose key a person decided about, or that somebody asked to submit anew
        self.billed: set[tuple[str, int]] = set()  # keys and attempts that the ledger knows to have been accepted
        self.before: dict[str, Row] = {}

    def execute(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement), values)

    @rule(ledger=LEDGERS, key=KEYS, job=JOBS)
    def is_added(self, ledger: int, key: str, job: Any) -> None:
        before = self.row(key)
        assert self.ledgers[ledger].add("b", {key: job}) == self.ledgers[1].find([key] if before else [])
        row = self.row(key)
        assert row == before if before else (row.state, row.attempt, row.batch, row.job) == ("new", 0, "b", job)

    @rule(ledger=LEDGERS, key=KEYS, job=JOBS)
    def is_replaced(self, ledger: int, key: str, job: Any) -> None:
        """Make a row another edit; the answer to what was submitted for the old one is given up."""
        before = self.row(key)
        changed = self.ledgers[ledger].replace(key, job)
        assert changed is (before is not None and before.state in ("new", "refused", "cancelled"))
        row = self.row(key)
        assert row == (
            before and evolve(before, job=job, digest="", owner="", updated=row.updated) if changed else before
        )
        if changed:
            self.given_up |= {task for task, of in self.accepted.items() if of == key}

    @rule(ledger=LEDGERS, key=KEYS, seen=SEEN, twice=st.booleans())
    def is_renewed(self, ledger: int, key: str, seen: int, twice: bool) -> None:
        before = self.row(key)
        attempt = before.attempt + seen if before else 0
        renewed = self.ledgers[ledger].renew(key, attempt)
        assert renewed is (before is not None and before.state == "failed" and seen == 0)
        row = self.row(key)
        assert row == (
            before and evolve(before, state="new", owner="", digest="", updated=row.updated) if renewed else before
        )
        if twice:
            assert not self.ledgers[ledger].renew(key, attempt)

    @rule(
        target=sending,
        ledger=LEDGERS,
        key=KEYS,
        retry_failed=st.booleans(),
        seen=st.none() | SEEN,
        twice=st.booleans(),
    )
    def claims(self, ledger: int, key: str, retry_failed: bool, seen: int | None, twice: bool) -> Any:
        """Claim a key, as it is or was read; a claim whose answer was lost is made twice."""
        owner = new_owner()
        before = self.row(key)
        how = {"attempt": None if seen is None else seen + (before.attempt if before else 0)}
        for _ in range(1 + twice):
            row = self.ledgers[ledger].claim(key, owner, DIGEST, REQUEST, retry_failed=retry_failed, **how)
        if row.owner != owner or row.state != "sending":
            assert row == before
            return multiple()
        if before:
            assert not seen
            assert before.state in ("new", "refused", "failed" if retry_failed else "new")
            assert row.attempt == before.attempt + 1
            assert row.task_id is None
            self.given_up.add(before.task_id or "")
        return Claim(key, owner, row.attempt, row.job)

    @rule(target=late, claim=consumes(sending))
    def is_accepted(self, claim: Claim) -> Claim:
        self.submissions[claim.key, claim.attempt] += 1
        claim.task_id = f"t-{len(self.accepted)}"
        self.accepted[claim.task_id] = claim.key
        row = self.row(claim.key)
        if row.owner != claim.owner or row.state not in ("sending", "unknown"):  # a person did not wait for it
            self.given_up.add(claim.task_id)
        return claim

    def writes(self, claim: Claim, write: Callable[[], bool], states: tuple[str, ...], twice: bool) -> bool:
        """Write as the owner of a claim: nothing changes if it is another's, or in another state."""
        before = self.row(claim.key)
        own = write()
        assert own is (before.owner == claim.owner and before.state in states)
        row = self.row(claim.key)
        assert own or row == before
        if twice:
            write()
            assert row.state == self.row(claim.key).state
        return own

    @rule(claim=consumes(sending), ledger=LEDGERS, state=st.sampled_from(["new", "refused"]), twice=st.booleans())
    def is_not_accepted(self, claim: Claim, ledger: int, state: Any, twice: bool) -> None:
        release = partial(self.ledgers[ledger].released, claim.key, claim.owner, state)
        self.writes(claim, release, ("sending", "unknown"), twice)

    @rule(claim=late, ledger=LEDGERS, twice=st.booleans())
    def loses_the_answer(self, claim: Claim, ledger: int, twice: bool) -> None:
        release = partial(self.ledgers[ledger].released, claim.key, claim.owner, "unknown", {"error": "lost"})
        before = self.row(claim.key)
        if before.state != "unknown":  # by word, and not by its lease alone
            self.writes(claim, release, ("sending",), twice)

    @rule(target=tasks, claim=late, ledger=LEDGERS, twice=st.booleans())
    def writes_its_task(self, claim: Claim, ledger: int, twice: bool) -> Any:
        write = partial(self.ledgers[ledger].sent, claim.key, claim.owner, claim.task_id)
        before = self.row(claim.key)
        if not self.writes(claim, write, ("sending", "unknown", "sent", "new", "cancelled"), twice):
            return multiple()
        row = self.row(claim.key)
        state = "cancelled" if before.state == "cancelled" else "sent"
        assert (row.state, row.task_id, row.attempt) == (state, claim.task_id, claim.attempt)
        assert row.job == claim.job
        self.billed.add((claim.key, claim.attempt))
        self.given_up.discard(claim.task_id)
        return claim.task_id

    @rule(task_id=tasks, ledger=LEDGERS, state=st.sampled_from(["completed", "failed", "saved"]), twice=st.booleans())
    def is_polled(self, task_id: str, ledger: int, state: Any, twice: bool) -> None:
        for _ in range(1 + twice):
            if state == "saved":
                self.ledgers[ledger].saved(task_id, "out.png", {})
            else:
                self.ledgers[ledger].finished(task_id, state, {})

    def expire(self, key: str) -> None:
        before = self.row(key)
        self.execute("UPDATE nano_banana_edit_edits SET lease = 1 WHERE key = :key", key=key)
        if before and before.state == "sending":
            assert evolve(before, state="unknown") == self.row(key)

    @rule(key=KEYS)
    def lease_is_over(self, key: str) -> None:
        self.expire(key)

    @rule(
        key=KEYS,
        ledger=LEDGERS,
        decision=st.sampled_from(["task_id", "resend", "cancelled"]),
        after_lease=st.booleans(),
    )
    def person_decides(self, key: str, ledger: int, decision: str, after_lease: bool) -> None:
        if after_lease:
            self.expire(key)
        before = self.row(key)
        known = [task for task, of in self.accepted.items() if of == key and task not in self.given_up]
        value = (known or ["t-of-the-account"])[-1] if decision == "task_id" else True
        try:
            self.ledgers[ledger].resolve(key, **{decision: value})  # type: ignore[arg-type]
        except InvalidRequest:
            assert self.row(key) == before
            return
        assert before
        assert before.state != "sending"
        row = self.row(key)
        if decision == "cancelled":
            assert (row.task_id, row.outcome) == (before.task_id, before.outcome)
        if decision == "task_id":
            self.billed.add((key, row.attempt))
        self.given_up |= {task for task, of in self.accepted.items() if of == key} - {value}

    @rule(target=sending, claim=sending, ledger=LEDGERS)
    def is_overtaken(self, claim: Claim, ledger: int) -> Any:
        """Have the key of a process that is paused submitted by another."""
        self.person_decides(claim.key, ledger, "resend", after_lease=True)
        self.nothing_goes_back()
        return self.claims(ledger, claim.key, retry_failed=False, seen=0, twice=False)

    def row(self, key: str) -> Row | None:
        return self.ledgers[0].get(key)

    @invariant()
    def one_submission_an_attempt(self) -> None:
        assert not [found for found, times in self.submissions.items() if times > 1]

    @invariant()
    def what_was_accepted_is_counted(self) -> None:
        for row in self.ledgers[0].rows():
            assert row.billed == sum(key == row.key for key, _ in self.billed)
        assert self.ledgers[1].billed() == len(self.billed)

    @invariant()
    def none_is_forgotten(self) -> None:
        rows = {row.key: row for row in self.ledgers[1].rows()}
        unknown = {row.key for row in self.ledgers[1].rows("unknown")}
        assert unknown == {key for key, row in rows.items() if row.state == "unknown"}
        for task_id, key in self.accepted.items():
            row = rows[key]
            assert task_id in self.given_up or row.task_id == task_id or row.state in ("unknown", "sending"), task_id

    @invariant()
    def nothing_goes_back(self) -> None:
        """An attempt that is over stays so, unless a person decides; attempts go up alone, by one."""
        for row in self.ledgers[0].rows():
            old = self.before.get(row.key)
            if old:
                assert row.attempt in (old.attempt, old.attempt + 1)
                if old.attempt == row.attempt and old.state in OVER and row.state != "cancelled":
                    assert row.state == old.state or (old.state, row.state) in OVER_AGAIN
                if row.attempt > old.attempt:
                    assert old.state in ("new", "refused", "failed")
                if row.state == "new" and old.state in ("unknown", "cancelled", "sent"):
                    assert old.state != "sent"
            self.before[row.key] = row

    def teardown(self) -> None:
        for ledger in self.ledgers:
            ledger.close()


@promises.ONE_PER_KEY
@promises.NONE_FORGOTTEN
def test_any_interleaving(database: str) -> None:
    """In every order of events, at most one submission an attempt, and none that nobody knows of."""
    Ledger(database).close()
    url = make_url(database).set(drivername="postgresql+psycopg") if "://" in database else f"sqlite:///{database}"
    engine = create_engine(url)
    kind = type("MachineHere", (Machine,), {"location": database, "engine": engine})
    try:
        run_state_machine_as_test(
            kind, settings=settings(max_examples=settings().max_examples // 3, stateful_step_count=40)
        )
    finally:
        engine.dispose()
