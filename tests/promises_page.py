"""The table in docs/reference/promises.md: each promise, the tests that prove it, and the clients they run with.

`python -m tests.promises_page PAGE` collects all tests and replaces what is between the two comments on the page.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .promises import LIST

TESTS = Path(__file__).parent
BEGIN, END = "<!-- Written by make promises -->\n", "<!-- End of what make promises writes -->\n"
HEAD = "| promise | tests | clients |\n|---|---|---|\n"


class Proofs:
    """A pytest plugin that notes the tests of each promise.

    Attributes:
        of: Promise -> test file and the clients among its parameters -> names of tests.
    """

    def __init__(self) -> None:
        self.of: dict[str, dict[tuple[str, str], list[str]]] = {sentence: {} for sentence in LIST}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        from .hostile.faces import FACES  # not earlier: pytest warns of plugins that are imported before it starts

        for name, tests in _cases(items).items():
            for sentence in {mark.args[0]: None for item in tests for mark in item.iter_markers("promise")}:
                if sentence not in self.of:
                    raise pytest.UsageError(f"{name} has the promise {sentence!r}; tests/promises.py does not list it.")
                parameters = {part for item in tests for part in item.name.rstrip("]").replace("[", "-").split("-")}
                clients = ", ".join(kind for kind in FACES if kind in parameters)
                file, _, test = name.rpartition("::")
                self.of[sentence].setdefault((file, clients), []).append(test)

    def table(self) -> str:
        """Return the table in Markdown."""
        return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in self._rows())

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for sentence, files in self.of.items():
            if not files:
                raise SystemExit(f"No test has the promise {sentence!r}.")
            for number, ((file, clients), tests) in enumerate(files.items()):
                names = ", ".join(f"`{test}`" for test in tests)
                yield sentence if number == 0 else "", f"`{file.removeprefix('tests/')}`: {names}", clients


def _cases(items: list[pytest.Item]) -> dict[str, list[pytest.Item]]:
    """Return the collected items by the name of their test, without parameters."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return cases


def main(page: Path) -> None:
    """Write the table into the page."""
    proofs = Proofs()
    status = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", str(TESTS)], plugins=[proofs])
    if status != pytest.ExitCode.OK:
        raise SystemExit(status)
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{proofs.table()}\n{END}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
