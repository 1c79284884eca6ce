"""Time, in one place, so that a test can hand in its own."""

from __future__ import annotations

import math
import time
from contextvars import ContextVar

from attrs import define, field, frozen

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


@define
class Attempt:
    """One sending of a request, as the sockets of `_sockets` see it.

    Attributes:
        deadline: When its call must be over.
        left: Whether any of it was written, or was about to be; None on connections that do not say.
    """

    deadline: Deadline
    left: bool | None = None


_NONE = Attempt(Deadline(None))  # of a connection that is used outside of any call; nobody reads it
attempt = ContextVar("attempt", default=_NONE)  # the one that this thread or task is in
