"""The rule for the public API: what breaks callers of the last release raises the version."""

from __future__ import annotations

import pkgutil
import re
import subprocess
from pathlib import Path

import pytest
from packaging.version import Version

from .api import INTERNAL, SURFACE, VERSION_FILE, allowed, breaks, main, surface
from .test_package import copy
from .test_public import ROOT

CLIENT = """# house

class Client:
    timeout: float
    def edit(images: list[str], prompt: str, *, size: str | None = None) -> str: ...
async def connect(url: str, wait: bool = False) -> Client: ...
class State(StrEnum):
    DONE = 'done'
"""


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("    timeout: float\n", "", "house.Client.timeout: Public object was removed"),
        (", *, size: str | None = None", "", "house.Client.edit(size): Parameter was removed"),
        ("prompt: str,", "prompt: str, key: str,", "house.Client.edit(key): Parameter was added as required"),
        ("url: str", "address: str", "house.connect(url): Parameter was removed"),
        (" = False", "", "house.connect(wait): Parameter is now required"),
        ("wait", "*, wait", "house.connect(wait): Parameter kind was changed"),
        ("async def", "def", "house.connect: async is now not async"),
        ("    def", "    async def", "house.Client.edit: not async is now async"),
        ("'done'", "'over'", "house.State.DONE: 'done' is now 'over'"),
        ("# house", "# shed", "house: module was removed"),
    ],
)
def test_breaks_are_found(old: str, new: str, why: str) -> None:
    """What is gone, must now be given, has another value, or is awaited only before or after, breaks callers."""
    assert why in "\n".join(breaks(CLIENT, CLIENT.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [("size:", "key: str | None = None, size:"), ("    timeout", "    retries: int = ...\n    timeout"), ("", "")],
)
def test_additions_break_nobody(old: str, new: str) -> None:
    """A new name or a parameter with a default breaks nobody."""
    assert [] == [*breaks(CLIENT, CLIENT.replace(old, new, 1))]


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("1.2.0", "2.0.0", True),
    ],
)
def test_which_version_may_break(old: str, new: str, may: bool) -> None:
    """Before 1.0 the next minor version may, then the next major one."""
    assert may == allowed(Version(old), Version(new))


def test_a_surface_says_how_a_class_is_made() -> None:
    """It has the defaults of fields and the values of an enum, and leaves out what is internal."""
    text = surface(ROOT)
    assert "class Progress:\n    def __init__(stage, elapsed, task_id=None, status=None, polls=0): ...\n" in text
    assert "    def __init__(*, in_flight=16, open_tasks=64, " in text
    assert "    REFUSED = 'refused'\n" in text
    assert not re.search(r"def (of|redact|check_key|claim|given)\(", text)


@pytest.mark.parametrize("path", sorted(INTERNAL))
def test_what_is_internal_is_there(path: str) -> None:
    """The list of what is internal has no name that is gone."""
    assert pkgutil.resolve_name(path)


def test_a_break_since_the_last_release_raises_the_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a release every change is free; after one a break needs a step, and an addition none."""
    copy(tmp_path)
    (tmp_path / "tests").mkdir()

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@git.example", "-c", "core.hooksPath="]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def write() -> str:
        try:
            main(tmp_path / SURFACE, tmp_path)
        except SystemExit as found:
            return str(found)
        return capsys.readouterr().out

    def change(path: str, old: str, new: str) -> None:
        text = (tmp_path / path).read_text()
        assert old in text
        (tmp_path / path).write_text(text.replace(old, new))

    git("init")
    assert "No tag of a release is in this clone, so breaks of callers were not looked for.\n" == write()
    git("add", "--all")
    git("commit", "--message", "Release")
    git("tag", "v0.1.0")
    change("wrapper/nano_banana_edit/models.py", "class TaskFile:", "def more() -> None: ...\n\n\nclass TaskFile:")
    assert "" == write()
    change("wrapper/nano_banana_edit/client.py", "def get_task(self, task_id:", "def get_task(self, identity:")
    stderr = write()
    assert "nano_banana_edit.NanoBananaEdit.get_task(task_id): Parameter was removed\n" in stderr
    assert f"This breaks callers of v0.1.0: raise the version, which is 0.1.0, in {VERSION_FILE}." in stderr
    change(VERSION_FILE, "0.1.0", "0.2.0")
    assert "" == write()
