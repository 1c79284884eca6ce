"""The files of an agent's edits: they are those of the edit, and replace nothing that the agent did not name."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx2
import PIL.Image
import pytest
from mcp.types import CallToolResult
from nano_banana_edit_mock import MockService, Reply, mock_transport

from .. import promises
from .agent import Held, Session, Transport, said, serve


def results(service: MockService, change: Callable[[str, httpx2.Response], httpx2.Response]) -> Transport:
    """Return a transport that changes what the service answers to a GET."""
    inner = mock_transport(service)

    async def handler(request: httpx2.Request) -> httpx2.Response:
        response = await inner.handle_async_request(request)
        await response.aread()
        return change(request.url.path, response) if request.method == "GET" else response

    return handler


def as_jpeg(path: str, response: httpx2.Response) -> httpx2.Response:
    if "/results/" not in path:
        return response
    content = io.BytesIO()
    PIL.Image.new("RGB", (20, 20), "green").save(content, "JPEG")
    return httpx2.Response(200, content=content.getvalue())


def twice(_: str, response: httpx2.Response) -> httpx2.Response:
    if b'"completed"' not in response.content:
        return response
    task = response.json()
    return httpx2.Response(200, json=task | {"result": task["result"] * 2})


@promises.AGENT_FOLDER
def test_another_format_replaces_nothing(folder: Path) -> None:
    """If the result is of another format, its name is another, which the agent did not give: it must be free."""
    (folder / "photo.jpg").write_text("mine")

    async def use(session: Session) -> list[str]:
        return [said(await session.edit(output="photo.png", overwrite=True)) for _ in range(2)]

    service = MockService()
    first, second = serve(folder, results(service, as_jpeg), use)
    assert first.endswith("is completed. Saved: photo-2.jpg")
    assert second.endswith("was saved before; nothing was billed now. Saved: photo-2.jpg")
    assert "mine" == (folder / "photo.jpg").read_text()


@promises.AGENT_FOLDER
def test_further_results_replace_nothing(folder: Path) -> None:
    """Each of several results has a free name, which no link has, and a repeated call names all of them."""
    (folder / "x-2.png").write_text("mine")
    (folder / "x-3.png").symlink_to("../new.png")

    async def use(session: Session) -> list[str]:
        first = [said(await session.edit(output="x.png")) for _ in range(2)]
        return [*first, said(await session.edit(output="x.png", overwrite=True))]

    service = MockService()
    texts = serve(folder, results(service, twice), use)
    assert all(text.endswith("Saved: x.png, x-4.png") for text in texts), texts
    assert ("mine", False) == ((folder / "x-2.png").read_text(), (folder / "../new.png").exists())
    assert 1 == len(service.edits)


@promises.AGENT_FOLDER
def test_a_link_that_takes_the_name_meanwhile(folder: Path) -> None:
    """A link that appears under the name of the result while the agent waits is replaced, and not followed."""
    (folder / "x.png").write_text("old")

    def link(path: str, response: httpx2.Response) -> httpx2.Response:
        if "/results/" in path:
            (folder / "x.png").unlink()
            (folder / "x.png").symlink_to("../secret.png")
        return response

    async def use(session: Session) -> str:
        return said(await session.edit(output="x.png", overwrite=True))

    before = (folder / "../secret.png").read_bytes()
    assert serve(folder, results(MockService(), link), use).endswith("Saved: x.png")
    assert (before, False) == ((folder / "../secret.png").read_bytes(), (folder / "x.png").is_symlink())


@promises.AGENT_ONCE
@pytest.mark.parametrize("tool", ["edit_image", "wait_for_edit"])
def test_the_same_call_at_once_saves_one_file(folder: Path, tool: str) -> None:
    """Calls that run at the same time or later, without output, all get the one file."""
    service = MockService(polls=0)

    async def use(session: Session) -> list[str]:
        given = {"images": ["valley.jpg"], "prompt": "snow"}
        if tool == "wait_for_edit":
            service.on("getTask", Reply(403))
            assert (await session.edit()).is_error
            given = {"task_id": service.edits[0].task_id}
        texts: list[str] = []

        async def one() -> None:
            texts.append(said(await session.call(tool, **given)))

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)
        await one()
        return texts

    texts = serve(folder, service, use)
    (saved,) = folder.glob("*.png")
    assert all(text.endswith(f"Saved: {saved.name}") for text in texts), texts
    assert 1 == len(service.edits)


@promises.AGENT_ONCE
def test_a_call_that_is_cancelled_while_it_saves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file and the ledger are written all the same; the same call returns the file."""
    service = MockService()

    async def use(session: Session) -> CallToolResult:
        async with anyio.create_task_group() as group:
            monkeypatch.setattr(os, "fsync", lambda _: anyio.from_thread.run_sync(group.cancel_scope.cancel))
            await session.edit()
        return await session.edit()

    text = said(serve(folder, service, use))
    (saved,) = folder.glob("*.png")
    assert text.endswith(f"was saved before; nothing was billed now. Saved: {saved.name}")
    assert 1 == len(service.edits)


def test_a_file_that_was_changed_is_not_taken_for_the_result(folder: Path) -> None:
    """If another edit or a person has replaced the file, a repeated call says so, and saves the result anew."""
    service = MockService()

    async def use(session: Session) -> None:
        await session.edit(output="o.png")
        mine = (folder / "o.png").read_bytes()
        await session.edit("https://example.com/b.png", output="o.png", overwrite=True)
        again = said(await session.edit(output="o.png"))
        assert "'o.png' exists, and is no longer what this edit saved; name another file, or set" in again
        gone = "is completed. Its file was changed or removed since it was saved. Saved: "
        assert said(await session.edit()).partition(gone)[2].startswith("valley-")
        assert said(await session.edit(output="o.png", overwrite=True)).endswith(f"{gone}o.png")
        assert mine == (folder / "o.png").read_bytes()
        (folder / "o.png").unlink()
        assert said(await session.edit(output="o.png")).endswith(f"{gone}o.png")

    serve(folder, service, use)
    assert 2 == len(service.edits)


@promises.AGENT_LIMIT
def test_a_submission_counts_when_it_is_made(folder: Path) -> None:
    """A call that waits for another's submission, and then makes it, counts."""
    service = MockService()
    held = Held(service, "nano-banana-edit", httpx2.Response(429, json={"message": "slow down"}))

    async def use(session: Session) -> None:
        texts: list[str] = []

        async def one() -> None:
            texts.append(said(await session.edit()))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
            await held.came.wait()
            await anyio.wait_all_tasks_blocked()
            held.may_go_on.set()
        assert ["429" in text for text in texts] == [True, False], texts
        assert "used up" in said(await session.edit(variant=2))

    serve(folder, held, use, max_edits=1, max_retries=0)
    assert 1 == len(service.edits)


def test_an_upload_that_is_cancelled_does_not_count(folder: Path) -> None:
    """Before the submission a call ends at once when it is cancelled, and nothing is sent or counted."""
    held = Held(MockService(), "upload/file")

    async def use(session: Session) -> str:
        async with anyio.create_task_group() as group:
            group.start_soon(session.edit)
            await held.came.wait()
            group.cancel_scope.cancel()
        return said(await session.edit(variant=2))

    assert "is completed" in serve(folder, held, use, max_edits=1)


def test_words_are_those_of_an_agent(folder: Path) -> None:
    """What a program or a command would do is left out; the number of images is checked before any is read."""
    (folder / "notes.txt").write_text("text")
    (folder / "dir.png").mkdir()
    service = MockService()

    async def use(session: Session) -> list[str]:
        many = await session.edit(*["no.png"] * 40)
        assert "images has 40 items" in said(many)
        calls = [
            await session.edit("notes.txt"),
            await session.edit(output="dir.png"),
            await session.edit(key="mine"),
            await session.edit(key="mine", prompt="other"),
        ]
        service.on("createEdit", Reply(500), times=None)
        calls += [await session.edit(variant=2), await session.edit(variant=2)]
        return [json.dumps([part.model_dump() for part in call.content]) for call in calls]

    for text in serve(folder, service, use, max_retries=0):
        assert not [
            word for word in ("PosixPath", "--any-file", "call wait(", "ledger.resolve", "--key") if word in text
        ]


@pytest.mark.parametrize("mock", [False, True])
def test_what_an_edit_costs(folder: Path, mock: bool) -> None:
    """The agent is told that an edit costs money, and that one of the mock does not."""

    async def use(session: Session) -> str:
        (tool,) = (tool for tool in (await session.client.list_tools()).tools if tool.name == "edit_image")
        return f"{session.client.instructions} {tool.description}"

    told = serve(folder, MockService(), use, mock=mock)
    assert (0, 2) == tuple(sorted((told.count("costs money"), told.count("for free"))))
    assert mock == ("for free" in told)
