"""Mutation testing of the code, with mutmut.

`python tests/mutate_code.py run --max-children 2` makes the mutants of wrapper and mock and runs the tests that reach
each of them. `report` prints the figures and the survivors; `results`, `show` and `browse` are mutmut's own.
`pyproject.toml` names what is mutated. This module adds what mutmut has no setting for:

- A package lies in a folder that is not part of its name (`wrapper/nano_banana_edit`).
- Sentences are not mutated. A string without a space is mutated once.
- Properties and context managers are mutated like any function.
- Type guards are not mutated: mypy does not recognise one behind the switch between mutants.
- Code that runs on import, such as reading the document, counts as reached by every test of the mock. It runs again
  for each mutant.
- The cache of boundary cases is cleared before each test, so that it does not hide which functions the test reaches.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import libcst as cst
from mutmut.__main__ import cli
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import get_mutant_under_test
from mutmut.runners.harness import BadTestExecutionCommandsException, PytestRunner
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils import format_utils
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.workers.isolation import run_in_fork

ROOT = Path(__file__).parents[1]
COPY = ROOT / "mutants"
PACKAGES = ("wrapper", "generated", "mock_server")
COLUMNS = ("killed", "caught by type check", "timeout", "survived", "no tests", "not checked")
DECORATORS = {"contextmanager", "property"}


def strings(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """One mutant of a word, none of a sentence."""
    if isinstance(node, cst.SimpleString) and " " not in node.value:
        yield from [*mutators.operator_string(node)][:1]


def decorated(node: cst.CSTNode) -> bool:
    names = {getattr(decorator.decorator, "value", None) for decorator in getattr(node, "decorators", ())}
    return isinstance(node, cst.FunctionDef) and bool(names) and names <= DECORATORS


def guards(node: cst.CSTNode) -> bool:
    returns = node.returns.annotation if isinstance(node, cst.FunctionDef) and node.returns else None
    return isinstance(returns, cst.Subscript) and getattr(returns.value, "value", None) == "TypeGuard"


def skip(self: Any, node: cst.CSTNode, *, former: Any = file_mutation.MutationVisitor._skip_node_and_children) -> bool:
    return guards(node) or (not decorated(node) and former(self, node))


def arrange(
    function: Any, mutants: Any, class_name: Any, *, former: Any = file_mutation.function_trampoline_arrangement
) -> Any:
    """The switch between mutants keeps the decorators, the mutants go bare."""
    if not decorated(function):
        return former(function, mutants, class_name)
    declared, (switch, *bodies), assigned, names = former(function.with_changes(decorators=[]), mutants, class_name)
    switch = switch.with_changes(decorators=[*function.decorators, *switch.decorators])
    return declared, [switch, *bodies], assigned, names


def own(tests: Iterable[str]) -> set[str]:
    return {test for test in tests if test.startswith("tests/mock/")}


class OnImport:
    """What was reached before the first test belongs to all tests of the mock: it alone does anything on import."""

    def pytest_collection_finish(self, session: Any) -> None:
        for function in state()._stats:
            state().tests_by_mangled_function_name[function] |= own(item.nodeid for item in session.items)
        state()._stats.clear()

    def pytest_runtest_setup(self) -> None:
        """What one test has left in the cache of boundary cases would hide from the next which functions it reaches."""
        cases = sys.modules.get("nano_banana_edit_mock.tools.cases")
        if cases and get_mutant_under_test() == "stats":
            cases.boundary_cases.cache_clear()


def execute(self: Any, params: list[str], *, former: Any = PytestRunner.execute_pytest, **kwargs: Any) -> int:
    """Begin with the fastest tests; import again with a mutant of the mock in place, which may be reached on import."""
    took = state().duration_by_test
    if get_mutant_under_test().startswith(("nano_banana_edit_mock.", "stats")):
        for name, module in [*sys.modules.items()]:
            if str(COPY) in (getattr(module, "__file__", None) or ""):
                del sys.modules[name]
    options = [param for param in params if param not in took]
    params = options + sorted((param for param in params if param in took), key=lambda test: took[test])
    try:
        return former(self, params, plugins=[*kwargs.get("plugins", ()), OnImport()])
    except BadTestExecutionCommandsException:  # a conftest that cannot be imported; the clean run shows that it can
        return 1


def fail(self: Any, *, former: Any = PytestRunner.run_forced_fail) -> int:
    """In a process of its own, as imports that failed would stay behind."""
    return run_in_fork(former, self)


def install() -> None:
    format_utils.strip_prefix = lambda name, **_: name.partition(".")[2]
    operators = [(kind, strings if kind is cst.BaseString else made) for kind, made in mutators.mutation_operators]
    file_mutation.mutation_operators[:] = operators
    file_mutation.MutationVisitor._skip_node_and_children = skip
    file_mutation.function_trampoline_arrangement = arrange
    PytestRunner.execute_pytest = execute
    PytestRunner.run_forced_fail = fail
    paths = [str(COPY / package) for package in PACKAGES]
    sys.path[:1] = paths  # instead of this folder
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


@cli.command()
def report() -> None:
    """Print the figures of each module and the diff of each survivor, as Markdown."""
    rows = [("module", "mutants", *COLUMNS), ("---",) * (len(COLUMNS) + 2)]
    total: Counter[str] = Counter()
    survivors = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        count = Counter(status_by_exit_code[code] for code in data.exit_code_by_key.values())
        rows.append((f"`{path.parent.name}/{path.name}`", *figures(count)))
        total += count
        survivors += [
            (name, get_diff_for_mutant(name, path=path))
            for name, code in data.exit_code_by_key.items()
            if status_by_exit_code[code] == "survived"
        ]
    rows.append(("all", *figures(total)))
    sys.stdout.writelines(f"| {' | '.join(row)} |\n" for row in rows)
    sys.stdout.writelines(f"\n`{name}`\n\n```diff\n{diff}\n```\n" for name, diff in survivors)


def figures(count: Counter[str]) -> list[str]:
    return [str(number) for number in (count.total(), *(count[column] for column in COLUMNS))]


if __name__ == "__main__":
    os.chdir(ROOT)
    install()
    cli()
