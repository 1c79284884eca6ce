"""1,000 open tasks in a process of its own: `python -m benchmarks.poller httpx|httpx2|ours|aiohttp URL POLLS`.

It prints the CPU seconds that polling all of them to the end took, and by how many kilobytes the peak of the process's
memory grew. Raw httpx and httpx2 poll as often as the client does, but with no more requests at a time than their pool
has connections: if 1,000 requests wait for a connection, the bookkeeping of the pool takes minutes of CPU.
"""

# ruff: noqa: PLC0415 - each process imports its own client and no other

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

TASKS = 1_000
INTERVAL = 2.0  # the client's default poll_interval
_CONNECTIONS = 100  # the default max_connections of httpx and httpx2

Wait = Callable[[str], Awaitable[Any]]


def _raw(http: Any, url: str) -> Wait:
    free = asyncio.Semaphore(_CONNECTIONS)

    async def poll(task_id: str) -> str:
        async with free:
            status: str = (await http.get(f"{url}/v1/tasks/{task_id}")).json()["status"]
            return status

    async def wait(task_id: str) -> None:
        delay = INTERVAL / 8
        while await poll(task_id) != "completed":
            await asyncio.sleep(delay * random.uniform(0.9, 1.1))
            delay = min(INTERVAL, delay * 1.5)

    return wait


def httpx(url: str) -> Wait:
    import httpx

    return _raw(httpx.AsyncClient(headers={"Authorization": "Bearer any"}, timeout=60), url)


def httpx2(url: str) -> Wait:
    import httpx2

    return _raw(httpx2.AsyncClient(headers={"Authorization": "Bearer any"}, timeout=60), url)


def ours(url: str) -> Wait:
    from nano_banana_edit import AsyncNanoBananaEdit

    return AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1").wait


def aiohttp(url: str) -> Wait:
    from nano_banana_edit import AsyncNanoBananaEdit, aiohttp_client

    return AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", http_client=aiohttp_client()).wait


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def main(name: str, url: str, polls: str) -> None:
    """Open all tasks at once and wait for them all."""
    wait = {"httpx": httpx, "httpx2": httpx2, "ours": ours, "aiohttp": aiohttp}[name](url)
    await wait("done")
    run = f"{name}-{time.time_ns()}"
    memory, cpu = _peak(), time.process_time()
    await asyncio.gather(*(wait(f"wait-{polls}-{run}-{task}") for task in range(TASKS)))
    print(time.process_time() - cpu, _peak() - memory)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
