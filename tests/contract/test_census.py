"""The census as a page: every constraint, its cases, and the tests that prove it."""

import json
from pathlib import Path

import pytest
from nano_banana_edit_mock.__main__ import main

from ..document import CONTRACT, DOCUMENT

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """The lines that `make contract` puts on the page."""
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout.write", lambda text: lines.extend(text.splitlines()))
        main(["contract"])
    return lines


def test_no_constraint_is_forgotten(printed: list[str]) -> None:
    """Every constraint of the document has a row, with its value, and a test that is run for it."""
    rows = [row.removeprefix("| ").split(" | ") for row in printed[2:]]
    proved = {row[0]: row[4] for row in rows}
    assert [json.dumps(constraint.value) for constraint in CONTRACT.constraints] == [row[1] for row in rows]
    assert [constraint.id for constraint in CONTRACT.constraints] == [*proved]
    assert [] == [name for name, tests in proved.items() if not tests.startswith("test_")]


def test_page_is_up_to_date(printed: list[str]) -> None:
    """The page in the documentation is what `make contract` writes."""
    assert printed == PAGE.read_text().splitlines()[-len(printed) :]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--tests", "/no/such/folder"], "no tests of /no/such/folder can be listed"),
        (["/no/such/file"], "No such file"),
    ],
)
def test_nothing_to_print(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A document or tests that are not there are refused in one line."""
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", *arguments])
    assert text in capsys.readouterr().err


def test_another_document_has_no_tests(capsys: pytest.CaptureFixture[str]) -> None:
    """The tests prove the shipped document, so the table of another one names none."""
    main(["contract", str(DOCUMENT)])
    assert "test_" not in capsys.readouterr().out


def test_unknown_keyword_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document with a keyword that is not known is refused in one line that names it."""
    strange = tmp_path / "strange.yaml"
    strange.write_text(DOCUMENT.read_text().replace("    EditRequest:\n", "    EditRequest:\n      oneOf: []\n"))
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", str(strange)])
    assert "oneOf at /components/schemas/EditRequest/oneOf cannot be" in capsys.readouterr().err


def test_what_is_no_document_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without what every document has is refused in one line that names it and what is missing."""
    odd = tmp_path / "odd.yaml"
    odd.write_text("paths: {/x: {get: {operationId: a, requestBody: {}}}}")
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", str(odd)])
    message = "odd.yaml is no OpenAPI 3.1 document that can be read (KeyError: 'content'). Mend it."
    assert message in capsys.readouterr().err
