"""A thousand open tasks in a process of their own: `python -m benchmarks.poller raw|ours|aiohttp URL LOOKS`.

It prints the CPU seconds that polling all of them to the end took, the seconds on the clock, and by how many kilobytes
the peak of the process's memory grew. `raw` looks as often as the client does, but with no more requests at a time than
httpx's pool has connections: with a thousand waiting for one, the pool's bookkeeping takes minutes of CPU a look.
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
_CONNECTIONS = 100  # httpx's default max_connections

Wait = Callable[[str], Awaitable[Any]]


def raw(url: str) -> Wait:
    import httpx

    http = httpx.AsyncClient(headers={"Authorization": "Bearer any"}, timeout=60)
    free = asyncio.Semaphore(_CONNECTIONS)

    async def look(task_id: str) -> str:
        async with free:
            status: str = (await http.get(f"{url}/v1/tasks/{task_id}")).json()["status"]
            return status

    async def wait(task_id: str) -> None:
        delay = INTERVAL / 8
        while await look(task_id) != "completed":
            await asyncio.sleep(delay * random.uniform(0.9, 1.1))
            delay = min(INTERVAL, delay * 1.5)

    return wait


def ours(url: str) -> Wait:
    from nano_banana_edit import AsyncNanoBananaEdit

    return AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1").wait


def aiohttp(url: str) -> Wait:
    from nano_banana_edit import AsyncNanoBananaEdit, aiohttp_client

    return AsyncNanoBananaEdit(token="any", base_url=f"{url}/v1", http_client=aiohttp_client()).wait


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def main(name: str, url: str, looks: str) -> None:
    """Open all tasks at once and wait for them all."""
    wait = {"raw": raw, "ours": ours, "aiohttp": aiohttp}[name](url)
    await wait("done")
    run = f"{name}-{time.time_ns()}"
    memory, cpu, clock = _peak(), time.process_time(), time.monotonic()
    await asyncio.gather(*(wait(f"wait-{looks}-{run}-{task}") for task in range(TASKS)))
    print(time.process_time() - cpu, time.monotonic() - clock, _peak() - memory)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
