"""The pages as the site has them: those of docs/, and those that stand at the top of the repository.

A page may link to any file of the repository. The files that are no pages are copied, as the site cannot know where the
repository is.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {"CHANGELOG.md": "project/changes.md", "CONTRIBUTING.md": "project/contributing.md"}
PAGES |= {"SECURITY.md": "project/security.md", "README.md": "index.md"}
_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")


def stage(folder: Path) -> None:
    """Write the pages and what they link to into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, folder)
    pages = {path.relative_to(ROOT).as_posix(): path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    for source, page in (PAGES | pages).items():
        if page != "index.md" or source.startswith("docs/"):
            (folder / page).parent.mkdir(exist_ok=True)
            (folder / page).write_text(_relinked(source, page, folder))


def _relinked(source: str, page: str, folder: Path) -> str:
    def link(match: re.Match[str]) -> str:
        target = os.path.normpath(ROOT / Path(source).parent / match[2])
        if "://" in match[2] or not Path(target).is_file():
            return match[0]
        there = _place(Path(target), folder)
        return f"{match[1]}{os.path.relpath(there, Path(page).parent)}{match[3]}"

    return _LINK.sub(link, (ROOT / source).read_text())


def _place(target: Path, folder: Path) -> str:
    """Return where the site has a file of the repository."""
    name = target.relative_to(ROOT).as_posix()
    if name in PAGES:
        return PAGES[name]
    if target.is_relative_to(DOCS):
        return target.relative_to(DOCS).as_posix()
    (copy := folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(target, copy)
    return f"files/{name}"
