"""The tools of an agent: what they save and show, what they never do, and what they cost."""

from __future__ import annotations

import io
import os
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import httpx2
import PIL.Image
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.cli import _agent
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockServer, MockService, Outcome, Reply, mock_transport

from .running import PHOTO, run

TOKEN = "token-that-must-not-leak"
Transport: TypeAlias = Callable[[httpx2.Request], Awaitable[httpx2.Response]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo, and secrets beside it."""
    (tmp_path / "secret.png").write_bytes(Path(PHOTO).read_bytes())
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "valley.jpg").write_bytes(Path(PHOTO).read_bytes())
    return folder


class Session:
    """A client of the SDK, whose server runs in this process; remembers what progress it was told."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[str | None] = []

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        async def hear(progress: float, total: float | None, message: str | None) -> None:
            self.told.append(message)

        return await self.client.call_tool(tool, arguments, progress_callback=hear)

    async def edit(self, *images: str, **arguments: Any) -> CallToolResult:
        arguments = {"images": list(images or ["valley.jpg"]), "prompt": "snow", **arguments}
        return await self.call("edit_image", **arguments)


def serve(
    folder: Path,
    handler: MockService | Transport,
    use: Callable[[Session], Awaitable[Any]],
    *,
    max_edits: int = 9,
    wait: float = 45.0,
    **options: Any,
) -> Any:
    """Run a session against a server over a service."""
    transport = mock_transport(handler) if isinstance(handler, MockService) else httpx2.MockTransport(handler)

    async def main() -> Any:
        with Ledger(folder / "ledger.db") as ledger:
            http = httpx2.AsyncClient(transport=transport)
            client = AsyncNanoBananaEdit(token=TOKEN, http_client=http, ledger=ledger, poll_interval=0.01, **options)
            async with http, Client(_agent.server(client, ledger, folder, max_edits=max_edits, wait=wait)) as connected:
                return await use(Session(connected))

    return anyio.run(main)


def text(result: CallToolResult) -> str:
    assert TOKEN not in result.model_dump_json()
    return result.content[0].text


def billed(folder: Path) -> int:
    with Ledger(folder / "ledger.db") as ledger:
        return ledger.billed()


def test_an_edit_is_saved_and_shown(folder: Path) -> None:
    """The answer names the new file, and shows it small; progress is told meanwhile."""

    async def use(session: Session) -> tuple[CallToolResult, list[str | None]]:
        return await session.edit(image_size="16:9"), session.told

    result, told = serve(folder, MockService(), use)
    assert not result.is_error
    (saved,) = folder.glob("valley-*.png")
    assert text(result).endswith(f" is completed. Saved: {saved.name}")
    preview = PIL.Image.open(io.BytesIO(b64decode(result.content[1].data)))
    assert ("image/jpeg", "JPEG", 512) == (result.content[1].mime_type, preview.format, max(preview.size))
    assert len(result.content[1].data) < 300_000
    assert PIL.Image.open(saved).size[0] > 512
    assert ["upload", "submit"] == told[:2]
    assert told[-1].endswith(": completed")


def test_a_repeated_call_is_billed_once(folder: Path) -> None:
    """The same arguments are the same edit, in a later run too, also if its result has expired by then."""

    async def use(session: Session) -> list[CallToolResult]:
        return [await session.edit(), await session.edit()]

    first, second = serve(folder, MockService(), use)
    (third, _) = serve(folder, MockService(), use)
    assert "is completed" in text(first)
    assert text(second) == text(third)
    assert "was saved before; nothing was billed now. Saved: valley-" in text(second)
    assert first.content[1].data == second.content[1].data
    assert 1 == billed(folder)


def test_what_makes_another_edit(folder: Path) -> None:
    """Another variant, prompt, size, format, key or content is another edit; another name of a file is not."""
    (folder / "same.jpg").write_bytes((folder / "valley.jpg").read_bytes())
    (folder / "other.jpg").write_bytes((folder / "valley.jpg").read_bytes() + b"\0")

    async def use(session: Session) -> None:
        changes: list[dict[str, Any]] = [
            {},
            {"variant": 2},
            {"prompt": "rain"},
            {"image_size": "1:1"},
            {"output": "x.jpg"},
            {"key": "mine"},
            {"key": "mine", "variant": 2},
        ]
        for number, change in enumerate(changes, start=1):
            result = await session.edit(**change)
            assert not result.is_error, text(result)
            assert number == session_billed()
        assert not (await session.edit("same.jpg", output="copy.png")).is_error
        assert len(changes) == session_billed()
        assert not (await session.edit("other.jpg")).is_error
        assert len(changes) + 1 == session_billed()
        assert "key 'mine' belongs to another request" in text(await session.edit(key="mine", prompt="hail", output="y.png"))

    service = MockService()

    def session_billed() -> int:
        return len(service.edits)

    serve(folder, service, use)


def test_a_url_is_an_image(folder: Path) -> None:
    """A URL is sent as it is, and the file has a name all the same."""
    service = MockService()

    async def use(session: Session) -> CallToolResult:
        return await session.edit(" https://example.com/a.png ", "valley.jpg")

    assert "Saved: valley-" in text(serve(folder, service, use))
    assert "https://example.com/a.png" == service.edits[0].image_urls[0]

    async def alone(session: Session) -> CallToolResult:
        return await session.edit("https://example.com/a.png")

    assert "Saved: edit-" in text(serve(folder, service, alone))


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
            import re

            assert re.search(message, text(result)), (path, text(result))

    serve(folder, service, use)
    assert () == service.calls


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
        "ledger.db": "output 'ledger.db' must end in .png or .jpg",
        "new": "must end in .png or .jpg",
        "new.webp": "must end in .png or .jpg",
        "no/new.png": "is in a folder that does not exist",
        "dir.png": "is a folder",
        "loop.png": "is a link to itself",
        "pipe.png": "is not a regular file",
    }

    async def use(session: Session) -> None:
        import re

        for tool, given in {"edit_image": {"images": ["valley.jpg"], "prompt": "p"}, "wait_for_edit": {"task_id": "t"}}.items():
            for path, message in cases.items():
                result = await session.call(tool, output=path, **given)
                assert result.is_error, path
                assert re.search(message, text(result)), (path, text(result))

    serve(folder, service, use)
    assert () == service.calls


def test_a_file_is_replaced_if_asked(folder: Path) -> None:
    """With overwrite a file is replaced, also the input, as it was asked."""

    async def use(session: Session) -> CallToolResult:
        return await session.edit(output=str(folder / "valley.jpg"), overwrite=True)

    before = (folder / "valley.jpg").read_bytes()
    assert "Saved: valley.jpg" in text(serve(folder, MockService(), use))
    assert before != (folder / "valley.jpg").read_bytes()


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
        assert text(result).endswith(f"Do not edit again, as it is paid for. Call wait_for_edit with task_id '{task_id}'.")
        result = await session.call("wait_for_edit", task_id=task_id)
        assert "Saved: edit-" in text(result)

    serve(folder, handler, use)
    assert "mine" == (folder / "new.png").read_text()


def test_an_edit_that_takes_longer_goes_on(folder: Path) -> None:
    """After some time the answer is no error, but says which tool goes on; so does the same call."""
    service = MockService([Outcome(polls=10_000)])

    async def use(session: Session) -> None:
        result = await session.edit()
        task_id = service.edits[0].task_id
        assert not result.is_error
        assert f"Task {task_id} is still processing after 0.05 s. It goes on and is paid for." in text(result)
        assert text(result).startswith("Task")
        looked = await session.call("get_edit", task_id=task_id)
        assert f"Task {task_id} is processing." == text(looked)
        service.script([])
        name = text(result).partition("output '")[2].partition("'")[0]
        assert name.startswith("valley-")

    serve(folder, service, use, wait=0.05)
    assert 1 == billed(folder)
