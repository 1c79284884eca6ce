"""The page of promises lists every promise, and the tests that prove it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .promises_page import BEGIN, END, TESTS, Proofs
from .test_public import ROOT

PAGE = ROOT / "docs/reference/promises.md"


def test_page_is_up_to_date(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """`make promises` changes nothing on the committed page."""
    items = request.session.items
    if {item.path for item in items} >= {*TESTS.rglob("test_*.py")}:  # all are collected: once is enough
        (proofs := Proofs()).pytest_collection_modifyitems(items)
        assert f"{BEGIN}\n{proofs.table()}\n{END}" in PAGE.read_text()
        return
    (written := tmp_path / "promises.md").write_text(PAGE.read_text())
    subprocess.run([sys.executable, "-m", "tests.promises_page", written], cwd=ROOT, check=True, capture_output=True)
    assert PAGE.read_text() == written.read_text()


def test_each_promise_needs_a_test() -> None:
    """A promise that no test has is an error."""
    with pytest.raises(SystemExit, match=r"^No test has the promise 'If the response to an edit is lost, "):
        Proofs().table()


def test_each_marker_needs_a_promise(pytester: pytest.Pytester) -> None:
    """A marker whose sentence is not listed is an error that names the test."""
    pytester.makeini("[pytest]\naddopts = -p no:asyncio\nmarkers = promise")
    item = pytester.getitem("import pytest\n@pytest.mark.promise('It sings.')\ndef test_song(): pass", "test_song")
    with pytest.raises(pytest.UsageError, match=r"::test_song has the promise 'It sings\.'; tests/promises\.py does"):
        Proofs().pytest_collection_modifyitems([item])
