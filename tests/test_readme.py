"""The README tells the truth: each of its blocks is executed."""

from __future__ import annotations

import re
import shlex
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer
from nano_banana_edit import cli
from nano_banana_edit_mock import MockService, __main__, mock_router, mock_transport
from typer.testing import CliRunner

from .blocks import blocks
from .test_public import ROOT

TEXT = (ROOT / "README.md").read_text()
PYTHON = blocks(TEXT, "python")
LINES = [line for text in blocks(TEXT, "sh") for line in text.splitlines()]
SHELL = [line for line in LINES if line.startswith("nano-banana-edit ")]


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a photo, and a token, as the reader has."""
    (tmp_path / "photo.png").write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SINANCODE_API_KEY", "token")


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text.split("\n")[0])
def test_python(text: str, tmp_path: Path) -> None:
    """A Python block runs as it stands, and what it says it saves is there."""
    names: dict[str, Any] = {}
    if "mock_router" in text:
        exec(text, names)
        names["test_snow"]()
    else:
        with mock_router(service := MockService(polls=0)):
            exec(text, names)
        assert 1 == len(service.edits)
    assert ("save(" in text) == (tmp_path / "out.png").is_file()


@pytest.mark.parametrize("line", SHELL)
def test_shell(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of this package runs; `test_shell.py` looks at installations and at make."""
    _, *arguments = shlex.split(line)
    monkeypatch.setattr(__main__, "serve", lambda **options: typer.echo(f"serves {options['port']}"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    if arguments[0] == "conformance":
        mocked = partialmethod(httpx2.Client.__init__, transport=mock_transport())
        monkeypatch.setattr(httpx2, "Client", type("Client", (httpx2.Client,), {"__init__": mocked}))  # still a type
    result = CliRunner().invoke(cli.app, arguments)
    said = {"edit": "out.png\n", "mock": "serves 4010\n", "conformance": "0 different, "}[arguments[0]]
    assert 0 == result.exit_code
    assert said in result.stdout
    assert (arguments[0] == "edit") == (tmp_path / "out.png").is_file()


def test_readme_is_short_and_its_links_lead_somewhere() -> None:
    """It has fewer than 120 lines, and every file that it links to is there."""
    assert TEXT.count("\n") < 120
    assert all((ROOT / link).exists() for link in re.findall(r"\]\(([^)#]+)", TEXT))


PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_docs_lead_somewhere(page: Path) -> None:
    """Every file that a page links to is there."""
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", page.read_text())
    assert [] == [link for link in links if not (page.parent / link).exists()]
