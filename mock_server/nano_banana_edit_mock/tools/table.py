"""The census as a table: each constraint, the requests at its boundary, and the tests that prove it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..contract import Contract
from .cases import Case, boundary_cases

Tests = Mapping[str, list[str]]  # names of the tests of each constraint, by its id

OWN_TESTS = Path(__file__).parents[3] / "tests" / "contract"  # in a checkout; an installation has none

_HEAD = ("constraint", "value", "accepted", "refused", "proved by", "pointer")


def table(contract: Contract, tests: Tests) -> str:
    """Return the census as a Markdown table."""
    return "\n".join(map(_row, (_HEAD, ("---",) * len(_HEAD), *_cells(contract, tests))))


def tests_of(folder: Path) -> Tests:
    """Return which tests of a folder run for which constraint: those that have its id among their parameters.

    Raises:
        OSError: pytest cannot collect the folder; the message says why.
    """
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", str(folder)]
    collected = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603
    if collected.returncode:
        raise OSError(f"no tests of {folder} can be listed: {collected.stdout.strip() or collected.stderr.strip()}")
    found: dict[str, list[str]] = {}
    for name, parameters in re.findall(r"::(\w+)\[(.+)\]", collected.stdout):
        for parameter in parameters.split("-"):
            names = found.setdefault(parameter.partition(":")[0], [])
            names += [name] if name not in names else []
    return found


def _cells(contract: Contract, tests: Tests) -> Iterator[tuple[str, ...]]:
    cases = boundary_cases(contract)
    for constraint in contract.constraints:
        own = [case for case in cases if case.constraint == constraint]
        value = json.dumps(constraint.value, ensure_ascii=False)
        proved = ", ".join(tests.get(constraint.id, ()))
        yield constraint.id, value, _names(own, True), _names(own, False), proved, constraint.pointer


def _names(cases: list[Case], accepted: bool) -> str:
    return "; ".join(case.name for case in cases if case.accepted == accepted)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
