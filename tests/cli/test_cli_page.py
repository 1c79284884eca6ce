"""The page of the command line tells the truth: each of its lines runs, and its table is that of the help."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockServer, MockService

from ..test_public import ROOT
from .running import PHOTO, run
from .test_cli_batch_process import PROGRAM

PAGE = (ROOT / "docs/how-to/command-line.md").read_text("utf-8")
LINES = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in block.splitlines()
]
PIPES = [line for line in LINES if "|" in line]


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with photos and a prompt, as the reader has."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("photo.png", "photos/a.png", "photos/b.png"):
        shutil.copy(PHOTO, name)
    Path("prompt.txt").write_text("make it snow\n", "utf-8")


@pytest.mark.server
@pytest.mark.parametrize("line", [line for line in LINES if line not in PIPES])
def test_lines(request: pytest.FixtureRequest, line: str) -> None:
    """A line does what the page says, and writes the file that it names."""
    if "--mock" not in line:
        request.getfixturevalue("service")
    program, *arguments = shlex.split(line)
    result = run(*arguments)
    assert ("nano-banana-edit", 0) == (program, result.exit_code), result.output
    if "-o" in arguments:
        assert result.stdout.startswith(arguments[arguments.index("-o") + 1])
        assert Path(result.stdout.strip()).is_file()


@pytest.mark.server
@pytest.mark.parametrize("line", PIPES)
def test_pipes(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line with a pipe runs in a shell."""
    monkeypatch.setenv("PATH", f"{Path(PROGRAM).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SINANCODE_API_KEY", "any")
    with MockServer(MockService(polls=0)) as server:
        monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
        done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], check=False, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    assert Path("out.jpg").is_file() or "out.png" in done.stdout


def test_statuses() -> None:
    """The page has each exit status of the help."""
    table = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert ["0", "1", "2", "3", "4", "5", "130"] == table
    assert all(re.search(rf"\b{status} ", run("--help").stdout) for status in table)
