"""Use the installed package as somebody with these extras does: `python smoke.py [EXTRA]...`.

Every use runs. Those of the extras that are named must work. Another one works, or says in one line which extra it
needs. The environment names a server that plays the service.
"""

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx2
from nano_banana_edit import AsyncNanoBananaEdit, InvalidRequest, NanoBananaEdit, aiohttp_client, prepare
from nano_banana_edit_client.models import EditRequest

COMMAND = Path(sysconfig.get_path("scripts"), "nano-banana-edit")
BASE_URL = "https://api.sinancode.com/v1"
PHOTO = Path("photo.jpg")


async def edit(http_client: httpx2.AsyncClient | None = None) -> None:
    """Edit a local image with the async client."""
    async with AsyncNanoBananaEdit(poll_interval=0, http_client=http_client) as client:
        edit = await client.edit(PHOTO, "make it snow", output_format="png")
        assert (await edit.images[0].bytes()).startswith(b"\x89PNG")


def bare() -> None:
    """Edit with both clients, and check a request with the generated one."""
    with NanoBananaEdit(poll_interval=0) as client:
        saved = client.edit(PHOTO, "make it snow", output_format="png").images[0].save("sync.png")
    assert saved.read_bytes().startswith(b"\x89PNG")
    asyncio.run(edit())
    assert EditRequest(["https://example.com/a.png"], "p").to_dict()["prompt"] == "p"


def aiohttp() -> None:
    """Edit over aiohttp."""

    async def main() -> None:
        async with aiohttp_client() as http_client:
            await edit(http_client)

    asyncio.run(main())


def run(*arguments: str) -> str:
    """Run the installed command, and return what it prints."""
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, input="", timeout=60, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def cli() -> None:
    """Edit with the installed command."""
    shown = run("edit", str(PHOTO), "make it snow", "-o", "cli.png")
    assert Path("cli.png").samefile(shown.strip())
    assert "--output" in run("edit", "--help")


def images() -> None:
    """Scale a photo before it is uploaded."""
    with NanoBananaEdit(poll_interval=0) as client:
        client.edit(prepare(PHOTO, max_side=8), "make it snow")


def ledger() -> None:
    """Edit twice with one key, which is submitted once."""
    from nano_banana_edit.ledger import Ledger

    with Ledger("ledger.db") as ledger, NanoBananaEdit(poll_interval=0, ledger=ledger) as client:
        first, second = (client.edit(PHOTO, "make it snow", key="one") for _ in range(2))
        assert first.task_id == second.task_id
        assert ledger.billed() == 1


def mcp() -> None:
    """List the tools that agents get."""
    run("mcp", "--folder", ".")  # ends with its input, or names the extra
    from mcp import Client, StdioServerParameters

    async def main() -> list[str]:
        async with Client(
            StdioServerParameters(command=str(COMMAND), args=["mcp", "--folder", "."], env=dict(os.environ))
        ) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert asyncio.run(main())


def mock() -> None:
    """Edit in process, and on a port of one's own."""
    from nano_banana_edit_mock import MockServer, MockService, mock_router

    service = MockService()
    with mock_router(service), NanoBananaEdit(base_url=BASE_URL, poll_interval=0) as client:
        client.edit(PHOTO, "make it snow").images[0].bytes()
    with MockServer(service) as server, NanoBananaEdit(base_url=server.url, poll_interval=0) as client:
        client.edit(PHOTO, "make it snow").images[0].bytes()
    assert len(service.edits) == 2


def workers() -> None:
    """Hand out rows of a ledger that no worker can reach."""
    from nano_banana_edit.batch import enqueue

    try:
        enqueue("ledger.db")
    except InvalidRequest:
        return
    raise AssertionError("A ledger in a file was handed out.")


USES = (bare, aiohttp, cli, images, ledger, mcp, mock, workers)

if __name__ == "__main__":
    extras = sys.argv[1:]
    for use in USES:
        try:
            use()
        except (ModuleNotFoundError, SystemExit) as missing:
            hint = re.fullmatch(r".+ needs? \S+: pip install 'nano-banana-edit\[(\w+)\]'\.?\n?", str(missing))
            if use.__name__ in extras or not hint or hint[1] in extras:
                raise
