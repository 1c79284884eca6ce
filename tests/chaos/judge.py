"""What must hold after a round, whatever went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen
from nano_banana_edit.ledger import Ledger, Row

from .plan import Plan
from .service import Service, picture


@frozen
class Verdict:
    """The end of a round.

    Attributes:
        lost: Tasks that were accepted, and that the ledger does not know, each with its row.
        twice: Keys with more than one accepted submission.
        wrong: What else does not hold.
        unknown: Keys that are left to a person.
        allowed: The most that there may be of these.
    """

    lost: list[str] = field(factory=list)
    twice: list[str] = field(factory=list)
    wrong: list[str] = field(factory=list)
    unknown: list[str] = field(factory=list)
    allowed: int = 0

    @property
    def complaints(self) -> list[str]:
        """What does not hold, a line each."""
        most = [f"Too many are unknown: {', '.join(self.unknown)}"] if len(self.unknown) > self.allowed else []
        lost, twice = [f"Lost: {each}" for each in self.lost], [f"Paid twice: {each}" for each in self.twice]
        return [*lost, *twice, *self.wrong, *most]

    @property
    def is_good(self) -> bool:
        return not self.complaints


def judge(plan: Plan, service: Service, location: str, output: Path, allowed: int) -> Verdict:
    """Compare the ledger with what the service counted, and with the files. No worker may run any more."""
    with Ledger(location) as ledger:
        rows = {row.key: row for row in ledger.rows()}
        unknown = [row.key for row in ledger.rows("unknown")]
    wrong = [f"Row {row} is not as it should be" for row in rows.values() if not _has_ended(plan, row, output)]
    if rows.keys() != set(plan.keys):
        wrong.append(f"Keys without a row: {set(plan.keys) - rows.keys()}")
    if unlisted := {row.key for row in rows.values() if row.state == "unknown"} ^ set(unknown):
        wrong.append(f"Unknown, but not listed: {unlisted}")
    twice = [f"{key}, {', '.join(tasks)}" for key, tasks in service.accepted.items() if len(tasks) > 1]
    return Verdict([*_lost(service, rows)], twice, wrong, unknown, allowed)


def _lost(service: Service, rows: dict[str, Row]) -> Iterator[str]:
    for key, tasks in service.accepted.items():
        row = rows.get(key)
        if row is None or (row.state != "unknown" and row.task_id not in tasks):
            yield f"{', '.join(tasks)}, {row}"


def _has_ended(plan: Plan, row: Row, output: Path) -> bool:
    """Return whether a row is unknown, or as the service says, and its file is whole."""
    if row.state == "unknown":
        return True
    if plan.fails(row.key):
        return row.state == "failed"
    file = output / str(row.output)
    return row.state == "saved" and file.is_file() and file.read_bytes() == picture(str(row.task_id))


def resolve(service: Service, location: str) -> None:
    """Decide on each unknown row, as a person who looks at the account."""
    with Ledger(location) as ledger:
        for row in [*ledger.rows("unknown")]:
            if tasks := service.accepted.get(row.key):
                ledger.resolve(row.key, task_id=tasks[0])
            else:
                ledger.resolve(row.key, resend=True)
