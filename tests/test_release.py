"""How a release is made: `python -m tests.release`, on a repository of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .release import address
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
    began = dt.datetime.now(dt.UTC).date()
    done = release(repository)
    assert 0 == done.returncode, done.stderr
    dated = re.search(
        r"## \[Unreleased\]\n\n## \[0\.1\.0\] - (.+)\n\n### Added", git(repository, "show", "HEAD:CHANGELOG.md")
    )
    assert began <= dt.date.fromisoformat(dated[1]) <= dt.datetime.now(dt.UTC).date()
    assert "Release 0.1.0\n" == git(repository, "log", "-1", "--format=%s")
    assert "" == git(repository, "tag")
    sums = dict(line.split() for line in (repository / "dist/SHA256SUMS").read_text().splitlines())
    assert 2 == len(sums)
    for digest, name in sums.items():
        assert hashlib.sha256((repository / "dist" / name).read_bytes()).hexdigest() == digest
        assert f"dist/{name}" in done.stdout.partition("uv publish")[2]
    assert "git tag --annotate v0.1.0" in done.stdout


def test_an_address() -> None:
    """The package's page links to the repository, to the files of this version."""
    project = tomllib.loads(address((ROOT / "pyproject.toml").read_text(), ADDRESS + "/"))
    assert f"{ADDRESS}/issues" == project["project"]["urls"]["Issues"]
    (links,) = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]
    page = re.sub(links["pattern"], links["replacement"], "[a](docs/a.md#b), ![c](c.png), [d](https://d.example)")
    files = f"{ADDRESS}/blob/v$HFPR_VERSION"
    assert f"[a]({files}/docs/a.md#b), [c]({files}/c.png), [d](https://d.example)" == page


@pytest.mark.parametrize(
    ("command", "check", "why"),
    [
        ("echo >> README.md", "true", "The tree has changes; commit them first."),
        ("git tag v0.1.0", "true", "0.1.0 is not above 0.1.0, the last release; raise the version in wrapper/"),
        ("git tag v0.9.0; git tag v0.10.0", "true", "0.1.0 is not above 0.10.0, the last release"),
        ("true", "exit 3", "exit 3"),
        ("true", "echo >> README.md", "A check changed files"),
        (
            "sed -i s/hatchling.build/missing.build/ pyproject.toml; git commit -qam Begin",
            "true",
            "missing",
        ),
    ],
)
def test_what_stops_a_release(repository: Path, command: str, check: str, why: str) -> None:
    """Nothing is committed from a changed tree, without a new version, or if a check or the build fails."""
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


def test_a_second_address(repository: Path) -> None:
    """An address that is there already stops the release before anything is written."""
    project = repository / "pyproject.toml"
    project.write_text(address(project.read_text(), ADDRESS))
    git(repository, "commit", "--all", "--message", "Begin")
    assert "pyproject.toml has an address; change it there.\n" == release(repository, "--repository", ADDRESS).stderr
    assert "" == git(repository, "status", "--porcelain")


def test_a_shallow_clone_makes_no_release(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A clone that may lack the tags of the last release cannot tell what a version may be."""
    git(repository, "commit", "--allow-empty", "--message", "Go on")
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth", "1", repository.as_uri(), ".")
    assert release(clone).stderr.startswith("The clone is shallow and may lack the last release: git fetch")
