"""Print docs/reference/contract.md, as `make contract` does: the mock's census, and the tests of each constraint."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from nano_banana_edit_mock.contract import Contract, load
from nano_banana_edit_mock.tools.table import HEAD, markdown, rows

TESTS = Path(__file__).parent / "contract"
INTRODUCTION = """# The contract

Every constraint that `openapi.yaml` sets on a request, the requests at its boundary, and the tests that prove it
through every layer. Written by `make contract`; a test holds it to the document.
"""


def page(contract: Contract, tests: dict[str, list[str]]) -> str:
    """The page, with the names of the tests of each constraint, by its id."""
    proved = ((*cells[:-1], ", ".join(tests.get(cells[0], ())), cells[-1]) for cells in rows(contract))
    return f"{INTRODUCTION}\n{markdown((*HEAD[:-1], 'proved by', HEAD[-1]), proved)}\n"


def tests_of(folder: Path) -> dict[str, list[str]]:
    """Which tests of a folder run for which constraint: those that have its id among their parameters."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", str(folder)]
    collected = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert collected.returncode == 0, collected.stdout or collected.stderr
    found: dict[str, list[str]] = {}
    for name, parameters in re.findall(r"::(\w+)\[(.+)\]", collected.stdout):
        for parameter in parameters.split("-"):
            names = found.setdefault(parameter.partition(":")[0], [])
            names += [name] if name not in names else []
    return found


if __name__ == "__main__":
    sys.stdout.write(page(load(), tests_of(TESTS)))
