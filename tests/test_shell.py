"""The shell blocks of the docs tell the truth: each command is one that there is, and an edit is made.

The tutorials are left to `test_tutorials.py`, the page of the command line to `cli/test_cli_page.py`.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer
from nano_banana_edit import cli
from nano_banana_edit_mock import MockServer, MockService
from typer.testing import CliRunner

from .blocks import blocks
from .test_public import ROOT

pytestmark = pytest.mark.server

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINES = {
    f"{page.relative_to(ROOT)}: {line}": line
    for page in PAGES
    if page.parent.name != "tutorials" and page != ROOT / "docs/how-to/command-line.md"
    for text in blocks(page.read_text(), "sh", "bash")
    for line in text.replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
}
# Other tests run these, or nothing of ours is in them.
ELSEWHERE = {".", "cd", "curl", "docker", "export", "pytest", ".venv/bin/pytest"}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
TARGETS = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)}
OF_THE_MOCK = (ROOT / "docs/reference/command-line.md").read_text().partition("edit mock\n")[2].partition("\n## ")[0]


def words(line: str) -> list[str]:
    """The words of a command, or of ours in a pipe, without variables before it and without redirections."""
    parts = line.split(" | ")
    ours = next((part for part in parts if "nano-banana-edit " in part), parts[0])
    found = shlex.split(ours.partition(" > ")[0], comments=True)
    while re.match(r"[A-Z_]+=", found[0]):
        del found[0]
    return found


# Those of the README run in `test_readme.py`.
EDITS = dict.fromkeys(
    line
    for name, line in LINES.items()
    if not name.startswith("README.md") and words(line)[:2] == ["nano-banana-edit", "edit"]
)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_command_is_there(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra, a target, a module, a command and its options exist; a command has the arguments that it needs."""
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", "postgresql://user@host/name")  # the pages export it
    program, *arguments = words(line)
    if program == "pip":
        asked = [extra for text in arguments for extra in re.findall(r"\[([\w,]+)\]", text)]
        assert {*",".join(asked).split(",")} - {""} <= {*EXTRAS}
    elif program == "make":
        assert {name for name in arguments if "=" not in name} <= TARGETS
    elif program in ("python", ".venv/bin/python", "python3"):
        assert find_spec(arguments[1]) if arguments[0] == "-m" else (ROOT / arguments[0]).is_file()
    elif program == "nano-banana-edit":
        if arguments[0] == "mock":
            assert {word for word in arguments if word.startswith("--")} <= {*re.findall(r"--[\w-]+", OF_THE_MOCK)}
        else:
            parsed(typer.main.get_command(cli.app), arguments)
    else:
        assert program in ELSEWHERE


def parsed(command: Any, arguments: list[str]) -> None:
    """Parse the arguments of a command; what cannot be used is raised. `batch` without a command is `batch run`."""
    while (inner := getattr(command, "commands", None)) and not arguments[0].startswith("--"):
        command = inner[arguments.pop(0)] if arguments[0] in inner else inner["run"]
    with suppress(typer.Exit):  # after --help or --version
        command.make_context("nano-banana-edit", arguments)


@pytest.mark.parametrize("line", EDITS)
def test_edit_is_made(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `edit` of the docs writes the file that it names."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "photo.jpg"):
        Path(name).write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    with MockServer(MockService(polls=0)) as server:
        env = {"SINANCODE_API_KEY": "any", "SINANCODE_BASE_URL": server.url}
        result = CliRunner().invoke(cli.app, words(line)[1:], env=env)
    assert (0, True) == (result.exit_code, (tmp_path / result.stdout.splitlines()[-1]).is_file()), result.output
