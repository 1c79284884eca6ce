"""Make a release, all but its upload: `make release`.

From a clean tree it dates the section of CHANGELOG.md, runs every check, builds twice and compares both, commits,
writes dist/SHA256SUMS, and prints the commands that publish it. If something fails, nothing is committed and the
changes stay in the tree: `git restore .` undoes them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import Version

VERSION_FILE = "wrapper/nano_banana_edit/_version.py"
NO_ADDRESS = r"replacement = '\1'"
URLS = """[project.urls]
Changelog = "{0}/blob/HEAD/CHANGELOG.md"
Issues = "{0}/issues"
Source = "{0}"

[project.scripts]"""


def run(*command: str | Path, root: Path) -> str:
    return subprocess.run(command, check=True, cwd=root, stdout=subprocess.PIPE, text=True).stdout.strip()


def date_section(changelog: str, version: str, today: dt.date) -> str:
    """Make the section of unreleased changes that of a version."""
    dated, number = re.subn(
        r"^## \[Unreleased\]\n(?=\s*(?!## )\S)", rf"\g<0>\n## [{version}] - {today}\n", changelog, flags=re.MULTILINE
    )
    if number != 1:
        sys.exit("CHANGELOG.md says nothing under [Unreleased].")
    return dated


def address(project: str, repository: str) -> str:
    """Write the address of a repository on GitHub or GitLab into the metadata, and into the links of the README."""
    if NO_ADDRESS not in project:
        sys.exit("pyproject.toml has an address; change it there.")
    linked = rf"replacement = '[\1]({repository.rstrip('/')}/blob/v$HFPR_VERSION/\2)'"
    return project.replace(NO_ADDRESS, linked).replace("[project.scripts]", URLS.format(repository.rstrip("/")))


def build(root: Path, commit: str, folder: Path) -> dict[str, str]:
    """Build a commit, somewhere else, and return the digests of the files."""
    folder.mkdir()
    run("git", "archive", "--output", folder / "tree.tar", commit, root=root)
    run("tar", "--extract", "--touch", "--file", "tree.tar", root=folder)
    run(sys.executable, "-m", "build", "--no-isolation", root=folder)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((folder / "dist").iterdir())}


def release(root: Path, repository: str | None, checks: list[str]) -> None:
    if run("git", "status", "--porcelain", root=root):
        sys.exit("The tree has changes; commit them first.")
    if run("git", "rev-parse", "--is-shallow-repository", root=root) == "true":
        sys.exit("The clone is shallow and may lack the last release: git fetch --unshallow --tags")
    version = re.search('"(.+)"', (root / VERSION_FILE).read_text().partition("__version__ = ")[2])[1]
    released = [Version(tag) for tag in run("git", "tag", "--list", "v[0-9]*", root=root).split()]
    if released and Version(version) <= max(released):
        sys.exit(f"{version} is not above {max(released)}, the last release; raise the version in {VERSION_FILE}.")
    today = dt.datetime.now(dt.UTC).date()
    written = {"CHANGELOG.md": date_section((root / "CHANGELOG.md").read_text(), version, today)}
    if repository:
        written["pyproject.toml"] = address((root / "pyproject.toml").read_text(), repository)
    for name, text in written.items():
        (root / name).write_text(text)
    commit = run("git", "stash", "create", root=root)  # a commit of the tree, on no branch
    for check in checks:
        subprocess.run(check, check=True, cwd=root, shell=True)
    if changed := run("git", "diff", "--stat", commit, root=root):
        sys.exit(f"A check changed files; commit what it wrote, or make it write elsewhere:\n{changed}")
    with tempfile.TemporaryDirectory() as name:
        first, second = (build(root, commit, Path(name, folder)) for folder in ("a", "b"))
        if first != second:
            sys.exit(f"Two builds differ: {first} {second}")
        shutil.rmtree(root / "dist", ignore_errors=True)
        shutil.copytree(Path(name, "a/dist"), root / "dist")
    run("git", "commit", "--all", "--message", f"Release {version}", root=root)
    (root / "dist/SHA256SUMS").write_text("".join(f"{digest}  {file}\n" for file, digest in first.items()))
    files = " ".join(f"dist/{file}" for file in first)
    sys.stdout.write(f"""
{(root / "dist/SHA256SUMS").read_text()}
Version {version} is committed and built. To publish it:

    git tag --annotate v{version} --message "Version {version}"
    git push origin HEAD v{version}
    uv publish {files}
""")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument(
        "--repository", help="https address of the repository, once, for the links of the package's page"
    )
    parser.add_argument("--check", action="append", help="command that must succeed; default: .ci/run")
    chosen = parser.parse_args()
    release(Path.cwd(), chosen.repository, chosen.check or [".ci/run"])
