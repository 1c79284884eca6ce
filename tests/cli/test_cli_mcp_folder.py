"""The folder of an agent: what of it is read and written, and that nothing else is."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx2
import pytest
from mcp.types import CallToolResult
from nano_banana_edit_mock import MockService, Reply, mock_transport

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
    (folder / "there.png").write_text("mine")
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
        "there.png": "output 'there.png' exists; name another file, or set overwrite to true",
        "ledger.db": "output 'ledger.db' must end in .jpg or .png",
        "new": "must end in .jpg or .png",
        "new.webp": "must end in .jpg or .png",
        "there.png/new.png": "output 'there.png/new.png' is in a folder that is a file; choose another",
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
    """With overwrite a file is replaced; folders that are missing are made."""
    (folder / "old.png").write_text("old")

    async def use(session: Session) -> list[str]:
        outputs = (str(folder / "old.png"), "new/folder/a.png")
        return [said(await session.edit(output=output, overwrite=True)) for output in outputs]

    first, second = serve(folder, MockService(), use)
    assert first.endswith("Saved: old.png")
    assert second.endswith("Saved: new/folder/a.png")
    assert (folder / "old.png").read_bytes() == (folder / "new/folder/a.png").read_bytes() != b"old"


@promises.AGENT_FOLDER
def test_an_input_is_never_replaced(folder: Path) -> None:
    """Whatever overwrite and links say: it would be lost, and the same call would be another edit, billed again."""
    service = MockService()
    service.on("getTask", Reply(403))
    before = (folder / "valley.jpg").read_bytes()
    (folder / "hard.jpg").hardlink_to(folder / "valley.jpg")
    (folder / "soft.jpg").symlink_to("valley.jpg")
    outputs = ("valley.jpg", "hard.jpg", "soft.jpg")

    async def use(session: Session) -> None:
        for output in outputs:
            result = await session.edit("https://example.com/a.png", "valley.jpg", output=output, overwrite=True)
            assert f"output '{output.replace('soft', 'valley')}' is one of the images, which are never" in said(result)
        assert () == service.calls
        assert "403" in said(await session.edit())
        for output in outputs:
            given = {"task_id": service.edits[0].task_id, "output": output}
            assert "is one of the images" in said(await session.call("wait_for_edit", **given, overwrite=True))

    serve(folder, service, use)
    assert before == (folder / "valley.jpg").read_bytes()
    assert 1 == len(service.edits)


@promises.AGENT_FOLDER
def test_a_file_that_appears_meanwhile_is_kept(folder: Path) -> None:
    """A file of another process is not replaced: the result gets a free name, and so does the same call later."""
    service = MockService()
    inner = mock_transport(service)

    async def handler(request: httpx2.Request) -> httpx2.Response:
        (folder / "new.png").write_text("mine")
        return await inner.handle_async_request(request)

    async def use(session: Session) -> list[str]:
        return [said(await session.edit(output="new.png")) for _ in range(2)]

    assert all(text.endswith("Saved: new-2.png") for text in serve(folder, handler, use))
    assert "mine" == (folder / "new.png").read_text()
    assert 1 == len(service.edits)


def test_a_long_name_is_cut(folder: Path) -> None:
    """A new name fits the file system, however long that of the input is."""
    (folder / "valley.jpg").rename(folder / f"{'ü' * 120}.jpg")

    async def use(session: Session) -> CallToolResult:
        return await session.edit(f"{'ü' * 120}.jpg")

    assert f"Saved: {'ü' * 60}-" in said(serve(folder, MockService(), use))
