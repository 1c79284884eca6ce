"""The tutorials work: a reader who copies one block after the other gets what the page shows.

A block below a line that ends with the name of a file becomes that file, and a shell block is run. A text block is what
the shell block before it shows; there `…` stands for anything, and the documented id of a task for any id.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockServer, MockService, Outcome

from .blocks import blocks
from .test_public import ROOT

pytestmark = pytest.mark.server

STEP = re.compile(r"(?:^[^\n]*`([\w.]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TASK = "01234567-89ab-cdef-0123-456789abcdef"  # the document's example
URL = "http://127.0.0.1:4010"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs/tutorials").glob("*.md"))}
# What the service does that a page calls real, and how many edits each page says that it pays for.
SCRIPTS = {"real-edit": [Outcome(polls=0), Outcome(polls=7)]}
BILLED = {"first-edit": 0, "real-edit": 2, "first-test": 0, "never-pay-twice": 1}


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockService()) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A folder with a photo, and a shell in which this package is installed and nothing is set."""
    (tmp_path / "photo.jpg").write_bytes((ROOT / "examples/valley.jpg").read_bytes())
    monkeypatch.chdir(tmp_path)
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("SINANCODE", "COV_", "PYTEST"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    plugins = {  # those of the development environment take seconds to load
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_ADDOPTS": "-p nano_banana_edit_mock.pytest_plugin -p no:cacheprovider",
    }
    return bare | plugins | {"PATH": path, "COLUMNS": "120", "NO_PROXY": "127.0.0.1"}


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_gets_what_the_page_shows(page: str, server: MockServer, environment: dict[str, str]) -> None:
    """Each file of a tutorial is written and each command run, in order, and they show and bill what the page says."""
    if "\ncurl " in PAGES[page] and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    if page in SCRIPTS:
        environment["SINANCODE_BASE_URL"] = server.url
        server.service.script(SCRIPTS[page])
    shown = ""
    steps = STEP.findall(PAGES[page].replace(URL, server.url))
    assert len(steps) == len(blocks(PAGES[page], "python", "sh", "text"))
    for name, language, text in steps:
        if name:
            Path(name).write_text(text)
        elif language == "sh":
            shown = run(text.replace(TASK, server.service.edits[-1].task_id) if TASK in text else text, environment)
        else:
            assert "text" == language
            pattern = re.escape(text).replace("…", "(?s:.*)").replace(re.escape(TASK), "[0-9a-f-]{36}")
            assert re.fullmatch(pattern, shown), shown
    assert BILLED[page] == len(server.service.edits)


def run(block: str, environment: dict[str, str]) -> str:
    """Run a block and return what it shows; of an installation, look up the extras."""
    shown = ""
    for line in block.splitlines():
        command, *arguments = shlex.split(line)
        if command == "export":
            environment |= dict(argument.split("=", 1) for argument in arguments)
        elif command == "pip":
            (extras,) = re.findall(r"nano-banana-edit\[([\w,]+)\]", line)
            assert {*extras.split(",")} <= {*PROJECT["optional-dependencies"]}
        elif line.startswith(("python3 -m venv .venv", ". .venv/bin/activate", "nano-banana-edit mock ")):
            pass  # this environment has the package; the service runs
        else:
            output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            shown += subprocess.run(line, check=False, shell=True, env=environment, **output).stdout
    return shown
