"""Results are whole files on disk before the ledger says so, in a folder or on a file system of fsspec."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import fsspec
import httpx2
import pytest
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
