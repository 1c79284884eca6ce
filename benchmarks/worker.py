"""One contender in a process of its own: `python -m benchmarks.worker CONTENDER OPERATION ABREAST URL`.

Each line of standard input is a number of calls. The worker makes them, ABREAST at a time, and prints the CPU seconds
that this process spent. Its first line of output is empty: the warm-up went well.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from . import contenders

_WARM_UP = 100  # calls


def _sync(make: Callable[[str], contenders.Operations], operation: str, url: str) -> Callable[[int], None]:
    call = make(url)[operation]

    def run(calls: int) -> None:
        for _ in range(calls):
            call()

    return run


def _async(make: Any, operation: str, url: str, abreast: int, runner: asyncio.Runner) -> Callable[[int], None]:
    async def make_in_loop() -> Callable[[], Any]:
        call: Callable[[], Any] = make(url)[operation]
        return call

    call = runner.run(make_in_loop())

    async def caller(calls: int) -> None:
        for _ in range(calls):
            await call()

    async def callers(calls: int) -> None:
        await asyncio.gather(*(caller(calls // abreast) for _ in range(abreast)))

    return lambda calls: runner.run(callers(calls))


def main(contender: str, operation: str, abreast: int, url: str) -> None:
    """Make the calls that standard input asks for, until it ends."""
    make = getattr(contenders, contender)
    with asyncio.Runner() as runner:
        is_async = contender.endswith("_async")
        run = _async(make, operation, url, abreast, runner) if is_async else _sync(make, operation, url)
        run(_WARM_UP)
        print(flush=True)
        for line in sys.stdin:
            before = time.process_time()
            run(int(line))
            print(time.process_time() - before, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
