"""The census as a page: every constraint, its cases, and the tests that prove it."""

import json
from pathlib import Path

import pytest
from nano_banana_edit_mock.__main__ import main

from .. import contract_page
from ..document import CONTRACT, DOCUMENT

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "contract.md"
PROOF = """
import pytest

@pytest.mark.parametrize("way", ["one", "other"])
@pytest.mark.parametrize("case", ["A.b.maxLength", "A.c.enum: 1 x 2"])
def test_first(case, way): ...

@pytest.mark.parametrize("case", ["A.b.maxLength"])
def test_second(case): ...

def test_plain(): ...
"""


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """The lines that `make contract` puts on the page."""
    return contract_page.page(CONTRACT, contract_page.tests_of(contract_page.TESTS)).splitlines()


def test_no_constraint_is_forgotten(printed: list[str]) -> None:
    """Every constraint of the document has a row, with its value, and a test that is run for it."""
    rows = [row.removeprefix("| ").split(" | ") for row in printed if row.startswith("| ")][2:]
    proved = {row[0]: row[4] for row in rows}
    assert [json.dumps(constraint.value) for constraint in CONTRACT.constraints] == [row[1] for row in rows]
    assert [constraint.id for constraint in CONTRACT.constraints] == [*proved]
    unproved = [name for name, tests in proved.items() if not tests.startswith("test_")]
    assert [] == unproved, "parametrise a test in tests/contract by these constraints"


def test_page_is_up_to_date(printed: list[str]) -> None:
    """The page in the documentation is what `make contract` writes."""
    assert printed == PAGE.read_text().splitlines(), "run `make contract`, and commit the page"


def test_tests_of_a_folder(tmp_path: Path) -> None:
    """A constraint is proved by each test that has its id among its parameters, named once."""
    (tmp_path / "test_it.py").write_text(PROOF)
    found = contract_page.tests_of(tmp_path)
    assert ["test_first", "test_second"] == found["A.b.maxLength"]
    assert ["test_first"] == found["A.c.enum"]
    assert {"A.b.maxLength", "A.c.enum", "one", "other"} == found.keys()


def test_a_document_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A document that is not there is refused in one line."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", "/no/such/file"])
    assert "No such file" in capsys.readouterr().err


def test_unknown_keyword_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document with a keyword that is not known is refused in one line that names it."""
    strange = tmp_path / "strange.yaml"
    strange.write_text(DOCUMENT.read_text().replace("    EditRequest:\n", "    EditRequest:\n      oneOf: []\n"))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", str(strange)])
    assert "oneOf at /components/schemas/EditRequest/oneOf is not supported" in capsys.readouterr().err


def test_what_is_no_document_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without what every document has is refused in one line that names it and what is missing."""
    odd = tmp_path / "odd.yaml"
    odd.write_text("{openapi: 3.1.0, paths: {/x: {get: {operationId: a, responses: [5]}}}}")
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", str(odd)])
    message = "odd.yaml is not a valid OpenAPI 3.1 document (TypeError: "
    assert message in capsys.readouterr().err
