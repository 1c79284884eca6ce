"""Time, in one place, so that a test can hand in its own.

Tests freeze the time: freezegun replaces `time.monotonic` in every module, but not `time.sleep`. A wait that went by a
frozen clock would never end. So the clock is one that is not replaced, also if this module is first imported then.
"""

from __future__ import annotations

import math
import sys
import time
from functools import partial
from inspect import isbuiltin
from typing import Self

from attrs import field, frozen

now = partial(time.monotonic) if sys.platform == "win32" else partial(time.clock_gettime, time.CLOCK_MONOTONIC)
sleep = time.sleep


async def async_sleep(seconds: float) -> None:
    """Sleep on whichever event loop is running, or in a thread while the clock of event loops is frozen."""
    import anyio  # noqa: PLC0415 - comes with httpx2; the sync client need not load it
    import anyio.to_thread  # noqa: PLC0415

    if is_frozen():
        await anyio.to_thread.run_sync(sleep, seconds, abandon_on_cancel=True)
    else:
        await anyio.sleep(seconds)


def is_frozen() -> bool:
    """Return whether a test has replaced the clock that event loops go by."""
    return not isbuiltin(time.monotonic)


@frozen
class Deadline:
    """When a call must be over, everything included."""

    timeout: float | None  # seconds from now; None for no end
    _start: float = field(init=False, factory=lambda: now())  # noqa: PLW0108 - looked up late, for tests

    def elapsed(self) -> float:
        return now() - self._start

    def remaining(self) -> float:
        """Return the seconds left, which may be infinite or negative."""
        return math.inf if self.timeout is None else self.timeout - self.elapsed()


class Bound(float):
    """Seconds that one read or write may take; `left` are fewer where the call has fewer.

    As a number it travels in a request's timeouts, through httpx2, to the socket of a sync client.
    """

    deadline: Deadline

    def __new__(cls, seconds: float, deadline: Deadline) -> Self:
        bound = super().__new__(cls, seconds)
        bound.deadline = deadline
        return bound

    def left(self) -> float:
        """Return the seconds left, or raise TimeoutError: a socket that always has something to read never ends."""
        remaining = min(self, self.deadline.remaining())
        if remaining <= 0:
            raise TimeoutError("the time of the call is over")
        return remaining
