"""Wherever an edit and its saving are cancelled, nothing half done is left, and what is known is told."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx2
import pytest
import trio
from nano_banana_edit import AsyncNanoBananaEdit, aiohttp_client

from .. import promises
from .breaking import PNG, AsyncListening, Bench, Run, Stepping, Steps, settles
from .misdeeds import TOKEN
from .server import Hostile

pytestmark = [
    pytest.mark.server,
    # httpx2 and httpcore nest async generators and close the outer one alone; trio says so. The connection is closed.
    pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning"),
]


# The httpx2 client of each, if it is not the client's own; what was read is seen with the second one alone.
POOLS: dict[str, Callable[[Bench], httpx2.AsyncClient | None]] = {
    "own": lambda _: None,
    "given": lambda bench: httpx2.AsyncClient(transport=AsyncListening(bench)),
    "aiohttp": lambda _: aiohttp_client(),
}


async def edit(client: AsyncNanoBananaEdit, run: Run, target: Path) -> None:
    """Edit and save, and note what ends it."""
    try:
        result = await client.edit(PNG, "p")
        run.saving = True
        await result.images[0].save(target)
    except BaseException as error:
        run.ended(error)
        raise


async def in_scope(client: AsyncNanoBananaEdit, run: Run, target: Path) -> None:
    with anyio.CancelScope() as scope:
        run.off = scope.cancel
        await edit(client, run, target)


async def in_task(client: AsyncNanoBananaEdit, run: Run, target: Path) -> None:
    task = asyncio.create_task(edit(client, run, target))
    run.off = task.cancel
    try:
        await task
    except asyncio.CancelledError as error:
        if not run.error:  # it did not begin
            run.ended(error)


async def cancel_everywhere(bench: Bench, server: Hostile, attempt: Callable[..., Any], pool: str) -> None:
    """Cancel an edit at one point after the other, and then ask for something else."""
    runs = bench.runs()
    while not bench.over:
        http = POOLS[pool](bench)
        options = {"token": TOKEN, "base_url": server.url, "poll_interval": 0.001, "http_client": http}
        async with http or nullcontext(), AsyncNanoBananaEdit(**options) as client:
            for run in runs:
                await attempt(client, run, bench.target)
                bench.run = None
                await anyio.sleep(0)  # asyncio closes a connection in the next turn of its loop
                if settles(server):
                    assert "t-0" == (await client.get_task("t-0")).task_id
                if not settles(server):
                    bench.leaked[run.at] = run.error
                    break
        assert server.open_at_most(0)


@cache
def cancelled(how: str, pool: str) -> Bench:
    """What became of edits that were cancelled at each point at which they wait."""
    backend, _, by = how.partition("-")

    async def main() -> None:
        if backend == "trio":
            trio.lowlevel.add_instrument(Steps(bench.point))
        else:
            asyncio.get_running_loop().set_task_factory(
                lambda loop, inner, **options: asyncio.Task(Stepping(inner, bench.point), loop=loop, **options)
            )
        async with anyio.create_task_group() as group:  # a task that was made before is not counted
            group.start_soon(cancel_everywhere, bench, server, in_task if by == "task" else in_scope, pool)

    with TemporaryDirectory() as folder, Hostile([], usual=lambda request: bench.answer(request, server)) as server:
        bench = Bench(Path(folder))
        anyio.run(main, backend=backend)
        gc.collect()
    return bench


WAYS = pytest.mark.parametrize(
    ("how", "pool"),
    [
        (how, pool)
        for how in ("asyncio-task", "asyncio-scope", "trio-scope")
        for pool in POOLS
        if (how, pool) != ("trio-scope", "aiohttp")
    ],
)


@promises.STOPPED
@WAYS
def test_leaves_no_half_file(how: str, pool: str) -> None:
    """Wherever an edit is cancelled its file is the new one or still the old one, whole and alone."""
    assert {} == cancelled(how, pool).half_done


@promises.STOPPED
@WAYS
def test_knows_the_task(how: str, pool: str) -> None:
    """Once the submission's answer was read, a cancellation knows the task."""
    assert {} == cancelled(how, pool).unknown


@promises.STOPPED
@WAYS
def test_knows_the_task_while_saving(how: str, pool: str) -> None:
    """A cancellation knows the task while the result is saved, too."""
    assert {} == cancelled(how, pool).unknown_saving


@promises.STOPPED
@WAYS
def test_leaves_no_connection(how: str, pool: str) -> None:
    """Wherever an edit is cancelled its connection is closed, or used again."""
    assert {} == cancelled(how, pool).leaked
