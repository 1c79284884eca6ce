"""Mutation testing of the layers: give one layer another document and check that a test fails.

`python -m tests.mutate_layers` changes each constraint of the census in every way, in one layer at a time: in the
generated client, in the mock, or in the document that the tests read. It prints a Markdown report. Words after the
command select changes. A change that no test notices is a survivor; EQUAL lists those that can make no difference, with
the reason. The unchanged document goes through the generator and all tests first; the run stops unless they pass.
"""

from __future__ import annotations

import copy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nano_banana_edit_mock.contract import Constraint
from nano_banana_edit_mock.contract.census import resolve

from . import drill
from .document import CONTRACT, DOCUMENT

CLIENT = Path("generated/nano_banana_edit_client")
IN_PACKAGE = Path("mock_server/nano_banana_edit_mock/openapi.yaml")  # where the mock looks first
# The page of the census is compared with the tests' document: it notices all that is changed there, and so comes last.
CENSUS = "tests/contract/test_census.py"
SUITE = ("--maxfail=1", "tests/contract/test_cases.py", "tests/contract", f"--ignore={CENSUS}")

# Survivors that can make no difference: words of the name, the layers, and why.
EQUAL = [
    (("security",), ("client",), "the client authorizes every request, whether or not an operation asks for it"),
    (("requestBody.required",), ("client",), "a request model has required properties, so it is always sent"),
    (("path",), ("client", "mock"), "a path holds text and nothing else, and without it there is no route"),
    (("EditRequest.type gone",), ("client",), "a model is made of properties, so it takes nothing but an object"),
    (("FileUpload.type",), ("client", "mock", "tests"), "a form is an object, whatever its schema says"),
    (("FileUpload.file.type",), ("client", "mock", "tests"), "a part of a form is octets, whatever its schema says"),
    (("image_size.type",), ("client", "mock", "tests"), "the enum beside it lists texts alone"),
    (("output_format.type",), ("client", "mock", "tests"), "the enum beside it lists texts alone"),
]


def changes(constraint: Constraint) -> Iterator[tuple[str, Any]]:
    """Other values of a constraint's keyword, and how each is called; None leaves the keyword out."""
    value = constraint.value
    match constraint.keyword:
        case "minLength" | "maxLength" | "minItems" | "maxItems":
            yield from ((f"{step:+}", value + step) for step in (-1, 1))
        case "enum":
            yield "one less", value[:-1]
            yield "one more", [*value, "8:1"]
        case "default":
            yield "another", "auto"
        case "type":
            yield "or null", [value, "null"]
    yield "gone", None


def changed(constraint: Constraint, value: Any) -> dict[str, Any]:
    """The document with another value for one constraint."""
    document = copy.deepcopy(dict(CONTRACT.document))
    holder, _, keyword = constraint.pointer.rpartition("/")
    node = resolve(document, holder)
    if constraint.location == "security":
        resolve(document, holder.rpartition("/security/")[0])["security"] = []
    elif isinstance(node.get("required"), list) and constraint.keyword == "required":
        node["required"] = [name for name in node["required"] if name != constraint.value]
    elif value is None:
        del node[keyword]
    else:
        node[keyword] = value
        if keyword == "minItems":  # a document whose example is not accepted is refused before anything is made of it
            node["example"] = node["example"] * 2
    return document


def in_client(scratch: Path, document: dict[str, Any]) -> bool:
    """Give the client another document; False where the generator refuses it."""
    drill.write(document, scratch / "openapi.yaml")
    made = drill.make(scratch, "generate")
    shutil.copy(DOCUMENT, scratch / "openapi.yaml")
    return made


def in_mock(scratch: Path, document: dict[str, Any]) -> bool:
    drill.write(document, scratch / IN_PACKAGE)
    return True


def in_tests(scratch: Path, document: dict[str, Any]) -> bool:
    shutil.copy(DOCUMENT, scratch / IN_PACKAGE)
    drill.write(document, scratch / "openapi.yaml")
    return True


LAYERS: dict[str, Callable[[Path, dict[str, Any]], bool]] = {"client": in_client, "mock": in_mock, "tests": in_tests}


def restore(scratch: Path) -> None:
    (scratch / IN_PACKAGE).unlink(missing_ok=True)
    shutil.copy(DOCUMENT, scratch / "openapi.yaml")
    shutil.rmtree(scratch / CLIENT)
    shutil.copytree(drill.ROOT / CLIENT, scratch / CLIENT)


def fate(scratch: Path, layer: str, document: dict[str, Any]) -> str:
    """What becomes of a change in one layer: the test that notices it, a refusal, or nothing."""
    restore(scratch)
    if not LAYERS[layer](scratch, document):
        return "refused by the generator"
    tests = drill.pytest(scratch, *SUITE)
    if tests.returncode == 0:
        tests = drill.pytest(scratch, CENSUS)
    return "" if tests.returncode == 0 else noticed(scratch, tests)


def noticed(scratch: Path, tests: subprocess.CompletedProcess[str]) -> str:
    """Who noticed a change: the first test that failed, or the collection where the change alone is to blame for it.

    Raises:
        SystemExit: pytest ended for a reason of its own, or can no longer collect the unchanged tests either.
    """
    places = [line.split()[1] for line in tests.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    failed = [place.rpartition("::")[2].partition("[")[0] for place in places if "::" in place]
    if tests.returncode == 1 and failed:
        return failed[0]
    if tests.returncode in (1, 2, 4):  # no test ran, for an error in a test module or in a conftest
        restore(scratch)
        unchanged = drill.pytest(scratch, "--collect-only", *SUITE, CENSUS)
        if unchanged.returncode == 0:
            return "the tests cannot be collected"
        tests = unchanged
    why = f"{tests.stdout[-2_000:]}{tests.stderr[-2_000:]}"
    raise SystemExit(f"The tests of {scratch} do not run, so nothing can be said of a change.\n{why}")


def argument(name: str, layer: str) -> str:
    return next((why for words, layers, why in EQUAL if layer in layers and all(w in name for w in words)), "")


def baseline(scratch: Path) -> None:
    """Stop unless the document as it is, given to the client like any change, is noticed by nobody."""
    found = fate(scratch, "client", dict(CONTRACT.document))
    if found:
        raise SystemExit(f"Nothing is changed yet, and still: {found}. Mend that first; {scratch} has what was run.")


def main() -> int:
    """Change every constraint in every layer, and report."""
    scratch = drill.copy()
    baseline(scratch)
    counts: Counter[str] = Counter()
    sys.stdout.write("| change | layer | noticed by |\n| --- | --- | --- |\n")
    for constraint in CONTRACT.constraints:
        for what, value in changes(constraint):
            name = f"{constraint.id} {what}"
            if not all(word in f"{name} {constraint.location}" for word in sys.argv[1:]):
                continue
            for layer in LAYERS:
                found = fate(scratch, layer, changed(constraint, value))
                why = argument(f"{name} {constraint.location}", layer)
                counts["killed" if found else "equal" if why else "survived"] += 1
                sys.stdout.write(f"| {name} | {layer} | {found or (f'none can: {why}' if why else '**NOBODY**')} |\n")
                sys.stdout.flush()
    shutil.rmtree(scratch)
    sys.stdout.write(f"\n{counts['killed']} killed, {counts['equal']} equal, {counts['survived']} survived.\n")
    return 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
