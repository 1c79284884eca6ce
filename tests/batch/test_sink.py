"""Results are whole files on disk before the ledger says so, in a folder or on a file system of fsspec."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import fsspec  # type: ignore[import-untyped]
import httpx2
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]
from nano_banana_edit import InvalidRequest
from nano_banana_edit.batch import Limits

from .conftest import Desk, rows


def test_a_file_is_on_disk_before_it_is_saved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the content is flushed to disk, the file has no name yet, and its row is not saved."""
    seen: list[tuple[list[str], str]] = []
    real = os.fsync

    def fsync(number: int) -> None:
        with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection:
            seen.append((desk.files(), connection.execute("SELECT state FROM nano_banana_edit_edits").fetchone()[0]))
        real(number)

    monkeypatch.setattr(os, "fsync", fsync)
    desk.run(rows(1))
    [(files, state)] = seen
    assert ([file.endswith(".part") for file in files], state) == ([True], "completed")
    assert desk.files() == ["k0.png"]


def test_an_output_that_cannot_be_written_stops_the_batch(desk: Desk) -> None:
    """As on a full disk: the error is an OSError, the open edits end, and the next run saves what is paid for."""

    async def breaks(request: httpx2.Request) -> None:
        if desk.shop.count("fetch") >= 3 and not desk.out.is_file():
            desk.out.rename(desk.folder / "old")
            desk.out.write_bytes(b"")

    desk.shop.hook = breaks
    with pytest.raises(OSError, match="out"):
        desk.run(rows(40), limits=Limits(in_flight=2, open_tasks=4))
    assert desk.shop.count("submit") < 20
    desk.shop.hook = None
    desk.out.unlink()
    assert desk.run(None).states == {"saved": 40}
    assert (len(desk.service.edits), len(desk.files())) == (40, 40)


def test_an_output_that_is_no_folder_is_refused_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a folder that cannot be written to, and a URL of an unknown kind are named, and nothing is sent."""
    for output in (desk.photo(), "nowhere://a/b"):
        with pytest.raises(InvalidRequest, match=r"output .* cannot be written to .*; choose another folder"):
            desk.run(rows(1), output=output)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InvalidRequest, match="cannot be written to"):
        desk.run(rows(1))
    assert not desk.shop.names


def test_a_file_system_that_needs_a_package_says_which(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fsspec a URL is refused with what to install."""
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    with pytest.raises(InvalidRequest, match="pip install fsspec"):
        desk.run(rows(1), output="memory://x")


def test_results_go_to_a_file_system_of_fsspec(desk: Desk) -> None:
    """They are verified, fetched again and never overwritten there as in a folder."""
    files: Any = fsspec.filesystem("memory")
    files.pipe_file("/batch/k1.png", b"of somebody else")
    output = "memory://batch"
    found = desk.outcomes([{**row, "key": f"in/{row['key']}"} for row in rows(1)] + rows(2), output=output)
    assert {key: each.output for key, each in found.items()} == {
        "in/k0": "in/k0.png",
        "k0": "k0.png",
        "k1": "k1-2.png",
    }
    assert files.cat_file("/batch/k1.png") == b"of somebody else"
    content = files.cat_file("/batch/k0.png")
    files.rm("/batch/k0.png")
    assert desk.run(None, output=output).states == {"saved": 3}
    assert files.cat_file("/batch/k0.png") == content
    assert (desk.shop.count("submit"), desk.shop.count("fetch")) == (3, 4)
    with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection, connection:
        connection.execute("UPDATE nano_banana_edit_edits SET state = 'completed', outcome = NULL WHERE key = 'k0'")
    assert desk.outcomes(None, output=output)["k0"].output == "k0.png"
    files.rm("/batch", recursive=True)


def test_nothing_but_results_stands_in_the_output(desk: Desk) -> None:
    """A run that is cancelled while it saves leaves no part of a file."""

    async def cancelled() -> None:
        running = asyncio.create_task(desk.batch(rows(30)).arun())
        while desk.shop.count("fetch") < 5:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert not [name for name in desk.files() if name.endswith(".part")]
    assert desk.run(None).states == {"saved": 30}
    assert len(desk.service.edits) == 30
    assert Path(desk.out).is_dir()


class Cloud(MemoryFileSystem):  # type: ignore[misc]
    """A file system that fails as botocore does, with exceptions that are no OSError, which repeat a URL."""

    protocol = "cloud"
    broken: ClassVar[set[str]] = set()

    def _fail(self, what: str) -> None:
        if what in self.broken:
            raise RuntimeError(f"no access to cloud://me:hunter2@host for {what}")

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self._fail("makedirs")
        super().makedirs(path, exist_ok)

    def size(self, path: str) -> int:
        self._fail("size")
        return int(super().size(path))

    def cat_file(self, path: str, **how: Any) -> bytes:
        self._fail("cat_file")
        return bytes(super().cat_file(path, **how))

    def pipe_file(self, path: str, value: bytes, **how: Any) -> None:
        self._fail("pipe_file")
        if path.rpartition("/")[2] in self.broken:
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        super().pipe_file(path, value, **how)


@pytest.fixture
def cloud() -> Iterator[set[str]]:
    """What fails of a file system, whose URLs begin with `cloud://`."""
    fsspec.register_implementation("cloud", Cloud, clobber=True)
    yield Cloud.broken
    Cloud.broken.clear()


@pytest.mark.parametrize("what", ["size", "cat_file", "pipe_file"])
def test_whatever_a_file_system_raises_stops_the_batch(desk: Desk, cloud: set[str], what: str) -> None:
    """It is an OSError that names the file, without a password; the next run saves what is paid for."""
    output = f"cloud://me:hunter2@host/{what}"
    desk.run(rows(20), output=output)
    with closing(sqlite3.connect(desk.folder / "ledger.db")) as connection, connection:
        connection.execute("UPDATE nano_banana_edit_edits SET state = 'completed', outcome = NULL")
    cloud.add(what)
    output += "-2" if what == "pipe_file" else ""  # where nothing is yet
    message = rf"^cloud://me:\*\*\*@host/{what}(-2)?/k\d+\.png cannot be used "
    message += r"\(RuntimeError: no access to cloud://me:\*\*\*@host "
    with pytest.raises(OSError, match=message) as caught:
        desk.run(None, output=output, limits=Limits(open_tasks=4))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert desk.shop.count("fetch") < 35
    cloud.clear()
    assert desk.run(None, output=output).states == {"saved": 20}
    assert desk.shop.count("submit") == 20


def test_a_file_system_that_cannot_be_opened(desk: Desk, cloud: set[str]) -> None:
    """It is refused before anything is sent, without its password; a missing package is named."""
    cloud.add("makedirs")
    with pytest.raises(InvalidRequest, match=r"output 'cloud://me:\*\*\*@host/a' cannot be written to") as caught:
        desk.run(rows(1), output="cloud://me:hunter2@host/a")
    assert "hunter2" not in str(caught.value) + repr(vars(caught.value))
    with pytest.raises(InvalidRequest, match=r"output 's3://b/a' needs s3fs: pip install s3fs"):
        desk.run(rows(1), output="s3://b/a")
    assert not desk.shop.names


def test_a_name_that_a_file_system_does_not_take(desk: Desk, cloud: set[str]) -> None:
    """It is an error of its row, and the others are saved."""
    cloud.add("k1.png")
    found = desk.outcomes(rows(3), output="cloud://names")
    assert {key: each.state for key, each in found.items()} == {"k0": "saved", "k1": "completed", "k2": "saved"}
    assert isinstance(found["k1"].error, OSError)
