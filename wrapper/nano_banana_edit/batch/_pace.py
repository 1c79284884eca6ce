"""How fast a batch submits: evenly, within what is allowed, and slower while the service asks for it."""

from __future__ import annotations

import asyncio

from .. import _clock
from .._errors import NanoBananaEditError
from .._retry import spread

_LONGEST = 60.0  # seconds that every submission is held back, if the service names no time of its own
_SLOWEST = 10.0  # seconds between two submissions
_QUICKER = 0.9  # of the interval, after each submission that is accepted


class Stopped(NanoBananaEditError):
    """The batch is stopped; nothing was sent."""


class Pace:
    """Spaces submissions evenly.

    Args:
        interval: Seconds between two submissions, at least 0.
    """

    def __init__(self, interval: float) -> None:
        self._allowed = self._interval = interval
        self._free = _clock.now()  # when the next submission may leave
        self._slowed = float("-inf")  # when it was slowed last
        self._delays = spread(1.0, _LONGEST, 2.0)
        self._turn = asyncio.Lock()
        self._sleep: asyncio.Task[None] | None = None
        self._is_stopped = False

    @property
    def held(self) -> float:
        """Seconds until the next submission may leave."""
        return max(0.0, self._free - _clock.now())

    def stop(self) -> None:
        """Let nobody submit any more."""
        self._is_stopped = True
        if self._sleep:
            self._sleep.cancel()

    def check(self) -> None:
        """Raise Stopped if nobody may submit any more."""
        if self._is_stopped:
            raise Stopped("The batch is stopped; nothing was sent.")

    async def wait(self, *, takes: bool = True) -> None:
        """Return when a submission may leave, and take its turn. Raises Stopped if none may any more."""
        async with self._turn:
            self.check()
            while (left := self._free - _clock.now()) > 0:
                self._sleep = asyncio.create_task(_clock.async_sleep(left))
                try:
                    await asyncio.wait([self._sleep])
                finally:
                    self._sleep.cancel()
                self.check()
            self._free = _clock.now() + (self._interval if takes else 0.0)

    def slow(self, left: float, retry_after: float | None = None) -> None:
        """Hold back every submission for as long as the service asks, or ever longer, and space them wider.

        Args:
            left: When the submission left that failed. Of those that left before it was slowed last, one spoke for all.
            retry_after: Seconds that the service asks to wait, if it asks.
        """
        now, delay = _clock.now(), retry_after or 0.0
        if left > self._slowed:
            self._slowed = now
            self._interval = min(max(self._interval * 2, 0.05), max(_SLOWEST, self._allowed))
            delay = next(self._delays) if retry_after is None else retry_after
        self._free = max(self._free, now + delay)

    def quicken(self) -> None:
        """Go back, step by step, to the pace that is allowed."""
        if self._interval > self._allowed:
            self._interval = max(self._allowed, self._interval * _QUICKER - 0.001)
            self._delays = spread(1.0, _LONGEST, 2.0)
