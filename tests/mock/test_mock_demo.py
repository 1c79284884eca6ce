"""The demo: what it installs, and what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from .test_mock_image import ROOT, pinned


def test_it_has_what_the_tests_run_with():
    """Each package of the demo is pinned to the version of the lock, and all that it needs is there."""
    demo, tested = pinned("examples/requirements.lock"), pinned("requirements.lock")
    assert {} == {name: version for name, version in demo.items() if tested.get(name) != version}
    assert pinned("mock_server/requirements.lock").keys() < demo.keys()
    project = (ROOT / "pyproject.toml").read_text()
    needed = re.search(r"^dependencies = \[(.*?)\]$.*^cli = \[(.*?)\]$", project, re.MULTILINE | re.DOTALL)
    assert {*re.findall(r'"([\w-]+)', needed[1] + needed[2])} <= demo.keys()


@pytest.mark.parametrize("target", ["demo", "mock"])
def test_it_installs_once(target, tmp_path):
    """On a fresh machine the demo has a small venv of its own; where the tests have theirs, nothing is installed."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "examples/requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def planned():
        command = ["make", "--dry-run", target]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert re.findall("pip install.*", planned()) == [
        "pip install --quiet --no-deps --require-hashes --requirement examples/requirements.lock"
    ]
    for venv in (".venv-demo", ".venv"):
        (tmp_path / venv).mkdir()
        (tmp_path / venv / "ready").touch()
        assert "pip install" not in planned()
        assert f"{venv}/bin/python -c" in planned()


@pytest.mark.server
def test_it_says_what_happened(tmp_path):
    """The demo names its input, its prompt, its result and what is next, however often."""
    for name in ("Makefile", "examples", "generated", "mock_server", "openapi.yaml", "wrapper"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "requirements.lock").touch()
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    (tmp_path / ".venv/ready").touch()
    for _ in range(2):
        run = subprocess.run(["make", "demo"], cwd=tmp_path, check=True, capture_output=True, text=True)
        said = dict(re.findall(r"^(\w+): +(.*)$", run.stdout, re.MULTILINE))
        assert ["Input", "Prompt", "Result", "Next"] == [*said]
        assert "Nothing was billed" in run.stdout
        with Image.open(said["Result"]) as result:
            assert (Path(said["Result"]).parent, 16 * result.height) == (tmp_path / "build", 9 * result.width)
