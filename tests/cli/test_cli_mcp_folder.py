"""The folder of an agent: what of it is read and written, and that nothing else is."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx2
import pytest
from mcp.types import CallToolResult
from nano_banana_edit_mock import MockService, mock_transport

from .. import promises
from .agent import Session, said, serve


@pytest.fixture
def escapes(folder: Path) -> None:
    """Ways out of the folder, and what must not be read or written in it."""
    (folder / "link.png").symlink_to("../secret.png")
    (folder / "out").symlink_to("..")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("../new.png")
    (folder / "https:").symlink_to("..")
    (folder / "notes.txt").write_text("PASSWORD=1")
    (folder / "dir.png").mkdir()
    os.mkfifo(folder / "pipe.png")


IN_FOLDER = "is not in the folder .*, in which all files must be"
NO_FILE = "is no file in the folder"


@promises.AGENT_FOLDER
@pytest.mark.usefixtures("escapes")
def test_only_files_in_the_folder_are_read(folder: Path) -> None:
    """Whatever leads out of the folder, or is no image file in it, is refused, and nothing is sent."""
    service = MockService()
    cases = {
        "../secret.png": IN_FOLDER,
        str(folder.parent / "secret.png"): IN_FOLDER,
        "/etc/passwd": IN_FOLDER,
        "link.png": IN_FOLDER,
        "out/secret.png": IN_FOLDER,
        "out/pictures/../secret.png": IN_FOLDER,
        f"../{folder.name}-other/a.png": IN_FOLDER,
        "": IN_FOLDER,
        ".": IN_FOLDER,
        "a\0.png": "is not a path",
        "\ud800.png": "",
        "loop.png": NO_FILE,
        "dir.png": NO_FILE,
        "pipe.png": NO_FILE,
        "file:///etc/passwd": NO_FILE,
        "https:/secret.png": IN_FOLDER,
        "~/a.png": NO_FILE,
        "missing.png": NO_FILE,
        "data:image/png;base64,AAAA": NO_FILE,
        "notes.txt": "is no image that this client knows",
    }

    async def use(session: Session) -> None:
        for path, message in cases.items():
            result = await session.edit("valley.jpg", path)
            assert result.is_error, path
            assert re.search(message, said(result)), (path, said(result))

    serve(folder, service, use)
    assert () == service.calls


@promises.AGENT_FOLDER
@pytest.mark.usefixtures("escapes")
def test_only_new_images_in_the_folder_are_written(folder: Path) -> None:
    """Nothing out of the folder, nothing that exists, and nothing but images is written; nothing is billed for it."""
    service = MockService()
    cases = {
        "../new.png": IN_FOLDER,
        "/tmp/new.png": IN_FOLDER,
        "nowhere.png": IN_FOLDER,
        "out/new.png": IN_FOLDER,
        "valley.jpg": "output 'valley.jpg' exists; name another file, or pass overwrite",
        "ledger.db": "output 'ledger.db' must end in .jpg or .png",
        "new": "must end in .jpg or .png",
        "new.webp": "must end in .jpg or .png",
        "no/new.png": "is in a folder that does not exist",
        "dir.png": "is a folder",
        "loop.png": "is a link to itself",
        "pipe.png": "is not a regular file",
    }

    async def use(session: Session) -> None:
        for tool, given in {
            "edit_image": {"images": ["valley.jpg"], "prompt": "p"},
            "wait_for_edit": {"task_id": "t"},
        }.items():
            for path, message in cases.items():
                result = await session.call(tool, output=path, **given)
                assert result.is_error, path
                assert re.search(message, said(result)), (path, said(result))

    serve(folder, service, use)
    assert () == service.calls


def test_a_file_is_replaced_if_asked(folder: Path) -> None:
    """With overwrite a file is replaced, also the input, as it was asked."""

    async def use(session: Session) -> CallToolResult:
        return await session.edit(output=str(folder / "valley.jpg"), overwrite=True)

    before = (folder / "valley.jpg").read_bytes()
    assert "Saved: valley.jpg" in said(serve(folder, MockService(), use))
    assert before != (folder / "valley.jpg").read_bytes()


@promises.AGENT_FOLDER
def test_a_file_that_appears_meanwhile_is_kept(folder: Path) -> None:
    """A file of another process is not overwritten; the edit is had under another name."""
    service = MockService()
    inner = mock_transport(service)

    async def handler(request: httpx2.Request) -> httpx2.Response:
        (folder / "new.png").write_text("mine")
        return await inner.handle_async_request(request)

    async def use(session: Session) -> None:
        result = await session.edit(output="new.png")
        assert result.is_error
        task_id = service.edits[0].task_id
        assert said(result).endswith(
            f"Do not edit again, as it is paid for. Call wait_for_edit with task_id '{task_id}'."
        )
        result = await session.call("wait_for_edit", task_id=task_id)
        assert "Saved: edit-" in said(result)

    serve(folder, handler, use)
    assert "mine" == (folder / "new.png").read_text()


def test_a_long_name_is_cut(folder: Path) -> None:
    """A new name fits the file system, however long that of the input is."""
    (folder / "valley.jpg").rename(folder / f"{'ü' * 120}.jpg")

    async def use(session: Session) -> CallToolResult:
        return await session.edit(f"{'ü' * 120}.jpg")

    assert f"Saved: {'ü' * 60}-" in said(serve(folder, MockService(), use))
