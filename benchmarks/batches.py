"""One way to do many edits, in a process of its own: `python -m benchmarks.batches WAY CLOCK ABREAST URL LEDGER`.

Each line of standard input is a number of edits: a submission, polls, a download and a file each. The process does
them, ABREAST at a time, and prints the seconds that they took, on the CLOCK `wall` or `cpu`. The ways are raw httpx2
without a ledger, with the connections that it keeps or with new ones where the client makes new ones; the client
without a ledger; and a batch. `load` only adds rows to a ledger, and prints the seconds on both clocks and the most
memory it had, in MB.
"""

# ruff: noqa: PLC0415 - raw httpx2 does not load the client

from __future__ import annotations

import asyncio
import itertools
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from .contenders import BODY

_WARM_UP = 50  # edits
_IMAGE = BODY["image_urls"][0]
_POLL = 0.1  # seconds between two polls at most: what a poll comes late is time that no batch can save
_numbers = itertools.count()

Edit = Callable[[Path], Awaitable[object]]
Way = Callable[[int, Path], Awaitable[object]]


async def _together(edits: int, abreast: int, edit: Edit, folder: Path) -> None:
    todo = iter(range(edits))

    async def caller() -> None:
        for _ in todo:
            await edit(folder / f"{next(_numbers)}.png")

    async with asyncio.TaskGroup() as group:
        for _ in range(abreast):
            group.create_task(caller())


def raw(url: str, abreast: int, *, new: bool) -> Way:
    """Return what somebody writes who has httpx2 alone.

    Args:
        url: The server's.
        abreast: Edits at a time.
        new: Whether each submission and each download has a new connection, as with the client.
    """
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    http = httpx2.AsyncClient(headers={"Authorization": "Bearer any"}, limits=limits)
    closing = {"Connection": "close"} if new else {}

    async def edit(path: Path) -> None:
        submitted = await http.post(f"{url}/v1/generate/k/nano-banana-edit", json=BODY, headers=closing)
        task_id = submitted.json()["task_id"]
        delay = _POLL / 8
        while (task := (await http.get(f"{url}/v1/tasks/{task_id}")).json())["status"] != "completed":
            await asyncio.sleep(delay)
            delay = min(_POLL, delay * 1.5)
        path.write_bytes((await http.get(task["result"][0]["url"], headers=closing)).content)

    return lambda edits, folder: _together(edits, abreast, edit, folder)


def client(url: str, abreast: int) -> Way:
    """Return a loop over the client, which keeps no ledger."""
    from nano_banana_edit import AsyncNanoBananaEdit

    ours = AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", poll_interval=_POLL)

    async def edit(path: Path) -> None:
        done = await ours.edit(_IMAGE, "make it snow")
        await done.images[0].save(path)

    return lambda edits, folder: _together(edits, abreast, edit, folder)


def batch(url: str, abreast: int, location: str) -> Way:
    """Return a batch over a ledger, with new keys each time."""
    from nano_banana_edit import AsyncNanoBananaEdit
    from nano_banana_edit.batch import Batch, Limits
    from nano_banana_edit.ledger import Ledger

    ledger = Ledger(location)
    ours = AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", poll_interval=_POLL)
    limits = Limits(in_flight=abreast, open_tasks=abreast, downloads=abreast)

    async def run(edits: int, folder: Path) -> None:
        name = folder.name
        status = await Batch(_rows(name, edits), folder, ledger=ledger, client=ours, name=name, limits=limits).arun()
        if status.states != {"saved": edits}:
            raise RuntimeError(f"Not everything is saved: {status}")

    return run


def _rows(name: str, edits: int) -> Iterator[dict[str, Any]]:
    for number in range(edits):
        yield {"key": f"{name}-{number}", "image": _IMAGE, "prompt": "make it snow"}


def load(rows: int, location: str) -> None:
    """Add rows to a ledger, and print the seconds on both clocks and the most memory in MB."""
    from nano_banana_edit import AsyncNanoBananaEdit
    from nano_banana_edit.batch import Batch
    from nano_banana_edit.ledger import Ledger

    with Ledger(location) as ledger:
        added = Batch(
            _rows("load", rows), tempfile.mkdtemp(), ledger=ledger, client=AsyncNanoBananaEdit(token="any"), name="load"
        )
        before, used = time.perf_counter(), time.process_time()
        added.load()
        print(time.perf_counter() - before, time.process_time() - used)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(way: str, clock: str, abreast: int, url: str, location: str) -> None:
    """Do the edits that standard input asks for, until it ends."""
    now = time.perf_counter if clock == "wall" else time.process_time
    with asyncio.Runner() as runner:
        makes: dict[str, Callable[[], Way]] = {
            "raw": lambda: raw(url, abreast, new=False),
            "raw new": lambda: raw(url, abreast, new=True),
            "client": lambda: client(url, abreast),
            "batch": lambda: batch(url, abreast, location),
        }

        async def make() -> Way:
            return makes[way]()

        do = runner.run(make())

        def run(edits: int) -> float:
            folder = Path(tempfile.mkdtemp())
            before = now()
            runner.run(do(edits, folder))
            spent = now() - before
            shutil.rmtree(folder)
            return spent

        run(_WARM_UP)
        print(flush=True)
        for line in sys.stdin:
            print(run(int(line)), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "load":
        load(int(sys.argv[2]), sys.argv[3])
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
