"""Time, in one place, so that a test can hand in its own."""

from __future__ import annotations

import math
import time
from contextvars import ContextVar

from attrs import field, frozen

now = time.monotonic
sleep = time.sleep


async def async_sleep(seconds: float) -> None:
    """Sleep on whichever event loop is running."""
    import anyio  # noqa: PLC0415 - comes with httpx; the sync client need not load it

    await anyio.sleep(seconds)


@frozen
class Deadline:
    """When a call must be over, everything included.

    Args:
        timeout: Seconds from now; None for no end.
    """

    timeout: float | None
    _start: float = field(init=False, factory=lambda: now())  # noqa: PLW0108 - looked up late, for tests

    def elapsed(self) -> float:
        """Return the seconds since the call began."""
        return now() - self._start

    def remaining(self) -> float:
        """Return the seconds left, which may be infinite or negative."""
        return math.inf if self.timeout is None else self.timeout - self.elapsed()


# The time of the call that this thread is in, for a socket of its own.
deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)
