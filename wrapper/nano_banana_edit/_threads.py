"""Threads for what may block, apart from those of the application, which may all be taken for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from ._clock import Deadline
from ._retry import time_is_over

T = TypeVar("T")

AT_ONCE = 40  # threads of one event loop, as many as anyio has for the application
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("nano_banana_edit")


async def run(function: Callable[[], T], deadline: Deadline) -> T:
    """Return what a function returns in a thread, however long it takes there, if one is free in time.

    Raises:
        APITimeout: None was free.
    """
    limiter = _limiter.get(None)
    if limiter is None:
        _limiter.set(limiter := anyio.CapacityLimiter(AT_ONCE))
    with anyio.move_on_after(deadline.remaining()):
        return await anyio.to_thread.run_sync(function, limiter=limiter)
    raise time_is_over(deadline)
