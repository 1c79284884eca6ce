"""The census as a Markdown table: each constraint, and the requests at its boundary."""

import json
from collections.abc import Iterable, Iterator

from ..contract import Contract
from .cases import Case, boundary_cases

HEAD = ("constraint", "value", "accepted", "refused", "pointer")


def rows(contract: Contract) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each constraint."""
    cases = boundary_cases(contract)
    for constraint in contract.constraints:
        own = [case for case in cases if case.constraint == constraint]
        value = json.dumps(constraint.value, ensure_ascii=False)
        yield constraint.id, value, _names(own, True), _names(own, False), constraint.pointer


def markdown(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table; a bar inside a cell does not end it."""
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |" for cells in lines)


def _names(cases: list[Case], accepted: bool) -> str:
    return "; ".join(case.name for case in cases if case.accepted == accepted)
