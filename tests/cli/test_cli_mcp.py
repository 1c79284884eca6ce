"""The tools of an agent: what they save and show, and what they cost."""

from __future__ import annotations

import io
import json
import re
import sys
import tomllib
from base64 import b64decode
from pathlib import Path
from typing import Any

import anyio
import httpx2
import PIL.Image
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult
from nano_banana_edit import FormatWarning
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockServer, MockService, Outcome, Reply

from .. import promises
from ..test_public import ROOT
from ..wrapper.conftest import JPEG, Clock, frozen
from .agent import TOKEN, Held, Session, said, serve
from .running import PHOTO, run


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return frozen(monkeypatch)


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
    assert said(result).endswith(f" is completed. Saved: {saved.name}")
    preview = PIL.Image.open(io.BytesIO(b64decode(result.content[1].data)))
    assert ("image/jpeg", "JPEG", 512) == (result.content[1].mime_type, preview.format, max(preview.size))
    assert len(result.content[1].data) < 300_000
    with PIL.Image.open(saved) as whole:
        assert whole.width > 512
    assert ["upload", "submit"] == told[:2]
    assert told[-1].endswith(": completed")


@promises.AGENT_ONCE
def test_a_repeated_call_is_billed_once(folder: Path) -> None:
    """The same arguments are the same edit, in a later run too, also if its result has expired by then."""

    async def use(session: Session) -> list[CallToolResult]:
        return [await session.edit(), await session.edit()]

    first, second = serve(folder, MockService(), use)
    (third, _) = serve(folder, MockService(), use)
    assert "is completed" in said(first)
    assert said(second) == said(third)
    assert "was saved before; nothing was billed now. Saved: valley-" in said(second)
    assert first.content[1].data == second.content[1].data
    assert 1 == billed(folder)


def test_what_makes_another_edit(folder: Path) -> None:
    """Another variant, prompt, size, format, key or content is another edit; another name, or a default, is not."""
    (folder / "same.jpg").write_bytes((folder / "valley.jpg").read_bytes())
    (folder / "other.jpg").write_bytes((folder / "valley.jpg").read_bytes() + b"\0")

    async def use(session: Session) -> None:
        changes: list[dict[str, Any]] = [
            {},
            {"variant": 2},
            {"prompt": "rain"},
            {"image_size": "16:9"},
            {"output": "x.jpg"},
            {"key": "mine", "output": "mine.png"},
            {"key": "mine", "variant": 2},
        ]
        for number, change in enumerate(changes, start=1):
            result = await session.edit(**change)
            assert not result.is_error, said(result)
            assert number == session_billed()
        for same in ("same.jpg", "valley.jpg"):
            assert not (await session.edit(same, output="copy.png", image_size="1:1")).is_error
        assert len(changes) == session_billed()
        assert not (await session.edit("other.jpg")).is_error
        assert len(changes) + 1 == session_billed()
        for options in ({}, {"output": "mine.png"}):
            assert "belongs to another request" in said(await session.edit(key="mine", prompt="hail", **options))

    service = MockService()

    def session_billed() -> int:
        return len(service.edits)

    serve(folder, service, use)


def test_a_url_is_an_image(folder: Path) -> None:
    """A URL is sent as it is, and the file has a name all the same."""
    service = MockService()

    async def use(session: Session) -> CallToolResult:
        return await session.edit(" https://example.com/a.png ", "valley.jpg")

    assert "Saved: valley-" in said(serve(folder, service, use))
    assert "https://example.com/a.png" == service.edits[0].body["image_urls"][0]

    async def alone(session: Session) -> CallToolResult:
        return await session.edit("https://example.com/a.png")

    assert "Saved: edit-" in said(serve(folder, service, alone))


def test_an_edit_that_takes_longer_goes_on(folder: Path) -> None:
    """After 45 s the answer is no error, but says how to go on; so does the same call. Nothing is billed again."""
    service = MockService(polls=60)

    async def use(session: Session) -> None:
        first = await session.edit()
        task_id = service.edits[0].task_id
        assert not first.is_error
        name = said(first).partition("output '")[2].partition("'")[0]
        way = f"To get it, call wait_for_edit with task_id '{task_id}' and output '{name}'."
        on = f"after 45 s. It goes on and is paid for. {way}"
        assert f"Task {task_id} is still pending {on}" == said(first)
        assert said(await session.call("get_edit", task_id=task_id)).startswith(f"Task {task_id} is p")
        assert f"Task {task_id} is still processing {on}" == said(await session.edit())
        last = await session.call("wait_for_edit", task_id=task_id, output=name)
        assert f"Task {task_id} is completed. Saved: {name}" == said(last)
        looked = said(await session.call("get_edit", task_id=task_id))
        assert f"Task {task_id} is completed. It has 1 result: call wait_for_edit to save it." == looked
        assert "was saved before" in said(await session.edit())

    serve(folder, service, use, poll_interval=2)
    assert 1 == billed(folder)


@promises.AGENT_ONCE
def test_a_cancelled_call_loses_nothing(folder: Path) -> None:
    """A call that is cancelled while it submits is submitted to its end, and the same call later gets the edit."""
    service = MockService()
    held = Held(service, "nano-banana-edit")

    async def use(session: Session) -> CallToolResult:
        async with anyio.create_task_group() as group:
            group.start_soon(session.edit)
            await held.came.wait()
            group.cancel_scope.cancel()
            held.may_go_on.set()
        with Ledger(folder / "ledger.db") as ledger:
            assert ["sent"] == [row.state for row in ledger.rows()]
        return await session.edit()

    assert "is completed" in said(serve(folder, held, use))
    assert 1 == len(service.edits)


@promises.AGENT_ONCE
def test_the_same_call_twice_at_once_is_billed_once(folder: Path) -> None:
    """Two calls that run at the same time get the same edit; one of them saves it, or both name the same file."""
    service = MockService(polls=3)

    async def use(session: Session) -> None:
        results = []

        async def one() -> None:
            results.append(await session.edit(overwrite=True))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
        assert not any(result.is_error for result in results)

    serve(folder, service, use)
    assert 1 == len(service.edits)


def test_an_unknown_submission_is_not_to_be_repeated(folder: Path) -> None:
    """The agent is told not to ask again; if it does, nothing is sent."""
    service = MockService()
    service.on("createEdit", Fault.EMPTY)

    async def use(session: Session) -> None:
        for _ in range(2):
            result = await session.edit()
            assert result.is_error
            assert "may have been accepted and billed" in said(result)
            assert "Do not ask for this edit again, nor for another variant of it" in said(result)
            assert "ledger.resolve" not in said(result)

    serve(folder, service, use, max_edits=1)
    assert 1 == len([call for call in service.calls if call.operation == "createEdit"])


@promises.AGENT_LIMIT
def test_a_run_submits_no_more_edits_than_it_may(folder: Path) -> None:
    """At the limit a new edit is refused and an old one is had; what was certainly not accepted does not count."""
    service = MockService()
    service.on("createEdit", Reply(401))

    async def use(session: Session) -> None:
        assert "401" in said(await session.edit())
        for variant in (1, 2):
            assert not (await session.edit(variant=variant)).is_error
        for _ in range(2):
            result = await session.edit(variant=3)
            assert result.is_error
            assert "The 2 edits that this run may submit are used up; nothing was sent." in said(result)
        assert "was saved before" in said(await session.edit(variant=2))

    serve(folder, service, use, max_edits=2)
    assert 2 == len(service.edits)


@promises.AGENT_LIMIT
def test_an_unknown_submission_counts(folder: Path) -> None:
    """What may have been billed is counted as if it had been."""
    service = MockService()
    service.on("createEdit", Fault.EMPTY)

    async def use(session: Session) -> CallToolResult:
        await session.edit()
        return await session.edit(variant=2)

    assert "used up" in said(serve(folder, service, use, max_edits=1))


def test_errors_say_what_is_paid_for(folder: Path) -> None:
    """A failed edit, a refusal and a result that is gone are errors of the tool, in our words."""
    service = MockService()
    service.script([Outcome(status="failed", error_msg="not allowed"), Outcome(expired=True)])

    async def use(session: Session) -> None:
        failed = await session.edit()
        assert failed.is_error
        assert said(failed).endswith("not allowed.\nTo try it again, which is billed again, change `variant`.")
        assert "not allowed" in said(await session.call("get_edit", task_id=service.edits[0].task_id))
        gone = await session.edit(variant=2)
        way = f"Call wait_for_edit with task_id '{service.edits[1].task_id}'."
        assert said(gone).endswith(f"Do not edit again, as it is paid for. {way}")
        assert "prompt has 0 characters; the limit is 1 to 5000" in said(await session.edit(prompt=""))
        assert "images has 0 items" in said(await session.call("edit_image", images=[], prompt="p"))
        assert "Input should be" in said(await session.edit(image_size="1:2"))
        assert "task_id is ''" in said(await session.call("wait_for_edit", task_id=""))

    serve(folder, service, use)


def test_what_a_service_returns_instead(folder: Path) -> None:
    """Several results are all saved, each under the ending of its format; what Pillow cannot show is saved, too."""
    files = {"a": JPEG, "b": b"\x00\x01" * 40, "c": JPEG}

    async def handler(request: httpx2.Request) -> httpx2.Response:
        match request.url.path.rpartition("/")[2]:
            case "nano-banana-edit":
                return httpx2.Response(200, json={"task_id": "t-1"})
            case "t-1":
                urls = [f"https://cdn.test/{name}" for name in files]
                return httpx2.Response(200, json={"id": "t-1", "status": "completed", "result": urls})
            case name:
                return httpx2.Response(200, content=files[name], headers={"Content-Type": "image/new"})

    async def use(session: Session) -> list[CallToolResult]:
        given = {"images": ["https://example.com/a.png"], "output": "x.png"}
        return [await session.call("edit_image", prompt="p", **given) for _ in range(2)]

    with pytest.warns(FormatWarning):
        first, second = serve(folder, handler, use)
    assert 1 == len(first.content)
    assert "t-1 is completed. Saved: x.jpg, x-2.bin, x-3.jpg. There is no preview: " in said(first)
    assert "Task t-1 was saved before; nothing was billed now. Saved: x.jpg" in said(second)
    assert [JPEG, files["b"]] == [(folder / name).read_bytes() for name in ("x.jpg", "x-2.bin")]


def test_what_an_agent_is_told_of_the_tools(folder: Path) -> None:
    """Each tool and argument is described; the sizes are those of the document; what costs money says so."""

    async def use(session: Session) -> Any:
        return (await session.client.list_tools()).tools

    tools = {tool.name: tool for tool in serve(folder, MockService(), use)}
    assert {"edit_image", "get_edit", "wait_for_edit"} == set(tools)
    assert "costs money" in tools["edit_image"].description
    for tool in tools.values():
        assert all("description" in argument for argument in tool.input_schema["properties"].values())
        assert tool.output_schema is None
    assert "21:9" in str(tools["edit_image"].input_schema["properties"]["image_size"])
    assert [False, True, False] == [tools[name].annotations.read_only_hint for name in sorted(tools)]


@pytest.mark.server
def test_the_command_over_its_pipes(folder: Path) -> None:
    """The installed command serves the SDK's client: its output is the protocol alone, and nothing shows the token."""
    command = str(Path(sys.executable).with_name("nano-banana-edit"))

    async def main(server: MockServer, errors: Any) -> None:
        arguments = ["mcp", "--folder", str(folder), "--max-edits", "1"]
        env = {"SINANCODE_API_KEY": TOKEN, "SINANCODE_BASE_URL": server.url, "PYTHONWARNINGS": "default"}
        from mcp import stdio_client

        transport = stdio_client(StdioServerParameters(command=command, args=arguments, env=env), errlog=errors)
        async with Client(transport) as client:
            session = Session(client)
            assert "is completed. Saved: valley-" in said(await session.edit())
            assert session.told
            assert "used up" in said(await session.edit(variant=2))

    with MockServer(MockService(polls=0)) as server, (folder / "errors.txt").open("w+") as errors:
        anyio.run(main, server, errors)
        errors.seek(0)
        assert TOKEN not in errors.read()
    assert 1 == billed(folder)


@pytest.mark.server
def test_the_command_ends_with_its_input(folder: Path) -> None:
    """With --mock it needs no token, and leaves no ledger in the folder; without input it ends."""
    told = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    result = run("mcp", "--folder", folder, "--mock", input=f"{told}\n")
    assert (0, "") == (result.exit_code, result.stdout)
    assert [folder / "valley.jpg"] == [*folder.iterdir()]


@pytest.mark.server
def test_the_blocks_of_the_page(folder: Path) -> None:
    """What the page says to write into a file of an agent is JSON or TOML, and starts the command."""
    page = (ROOT / "docs/how-to/mcp.md").read_text("utf-8")
    block = {
        kind: re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[0] for kind in ("json", "toml")
    }
    registered = json.loads(block["json"])["mcpServers"]["nano-banana-edit"]
    assert registered == tomllib.loads(block["toml"])["mcp_servers"]["nano-banana-edit"]
    (folder / "token").write_text(TOKEN)
    words = {"/home/me/Pictures/edits": str(folder), "/home/me/.sinancode-token": str(folder / "token")}
    result = run(*(words.get(word, word) for word in registered["args"]), input="")
    assert (0, "nano-banana-edit") == (result.exit_code, registered["command"]), result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--folder", PHOTO], f"--folder {PHOTO} is not a folder; check the path."),
        (["--folder", ".", "--mock", "--ledger", "x.db"], "--ledger is for edits that are kept; leave out --mock"),
        (["--folder", "."], "No API token"),
        (["--folder", ".", "--max-edits", "0"], "--max-edits"),
        ([], "Missing option '--folder'"),
    ],
)
def test_what_the_command_refuses(
    options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is wrong on standard error, before it serves anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SINANCODE_API_KEY", raising=False)
    result = run("mcp", *options)
    assert (2, "") == (result.exit_code, result.stdout)
    assert message in result.stderr


def test_the_command_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK it names the extra."""
    monkeypatch.delitem(sys.modules, "nano_banana_edit.cli._agent", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    result = run("mcp", "--folder", tmp_path)
    assert (2, "pip install 'nano-banana-edit[mcp]'.\n") == (result.exit_code, result.stderr[-37:]), result.stderr
