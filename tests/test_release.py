"""How a release is made: `python -m tests.release`, on a repository of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from .test_package import copy
from .test_public import ROOT

ADDRESS = "https://git.example/somebody/nano-banana-edit"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The sources, committed, with one change that is not released."""
    copy(tmp_path)
    for name in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"):
        monkeypatch.setenv(f"GIT_{name}", "somebody@git.example")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n### Added\n\n- All of it.\n")
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin"]):
        git(tmp_path, *command)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def release(folder: Path, *arguments: str, check: str = "true") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tests/release.py", "--check", check, *arguments]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_release_without_an_address(repository: Path) -> None:
    """The changelog is dated, all is committed and built with checksums, and the commands that publish it are shown."""
    done = release(repository)
    assert 0 == done.returncode, done.stderr
    today = dt.datetime.now(dt.UTC).date()
    assert f"## [Unreleased]\n\n## [0.1.0] - {today}\n\n### Added" in git(repository, "show", "HEAD:CHANGELOG.md")
    assert "Release 0.1.0\n" == git(repository, "log", "-1", "--format=%s")
    assert "" == git(repository, "tag")
    sums = dict(line.split() for line in (repository / "dist/SHA256SUMS").read_text().splitlines())
    assert 2 == len(sums)
    for digest, name in sums.items():
        assert hashlib.sha256((repository / "dist" / name).read_bytes()).hexdigest() == digest
        assert f"dist/{name}" in done.stdout.partition("uv publish")[2]
    assert "git tag --annotate v0.1.0" in done.stdout


def test_release_with_an_address(repository: Path) -> None:
    """The package's page links to the repository, to the files of this version."""
    (repository / "README.md").write_text("[a](docs/a.md#b), ![c](c.png), [d](https://d.example)\n")
    git(repository, "commit", "--all", "--message", "Link")
    assert 0 == release(repository, "--repository", ADDRESS + "/").returncode
    (wheel,) = (repository / "dist").glob("*.whl")
    data = Metadata.from_email(zipfile.ZipFile(wheel).read("nano_banana_edit-0.1.0.dist-info/METADATA"))
    assert f"{ADDRESS}/issues" == data.project_urls["Issues"]
    links = re.findall(r"\]\((.*?)\)", data.description)
    files = f"{ADDRESS}/blob/v0.1.0"
    assert [f"{files}/docs/a.md#b", f"{files}/c.png", "https://d.example"] == links


@pytest.mark.parametrize(
    ("command", "check", "why"),
    [
        ("echo >> README.md", "true", "The tree has changes; commit them first."),
        ("git tag v0.1.0", "true", "0.1.0 is released; raise the version in wrapper/nano_banana_edit/_version.py."),
        ("true", "exit 3", "exit 3"),
    ],
)
def test_what_stops_a_release(repository: Path, command: str, check: str, why: str) -> None:
    """Nothing is committed or built from a changed tree, for a released version, or if a check fails."""
    subprocess.run(command, shell=True, cwd=repository, check=True)
    done = release(repository, check=check)
    assert 0 != done.returncode
    assert why in done.stderr
    assert "Begin\n" == git(repository, "log", "-1", "--format=%s")
    assert not (repository / "dist").exists()


def test_a_release_says_what_changed(repository: Path) -> None:
    """There is no release without a line in the changelog."""
    (repository / "CHANGELOG.md").write_text("## [Unreleased]\n\n## [0.0.1] - 2026-01-01\n\n- All of it.\n")
    git(repository, "commit", "--all", "--message", "Begin")
    assert "CHANGELOG.md says nothing under [Unreleased].\n" == release(repository).stderr
