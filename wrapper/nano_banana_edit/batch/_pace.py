"""How fast a batch submits: evenly, within what is allowed, and slower while the service asks for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .. import _clock
from .._errors import NanoBananaEditError, must_be
from .._retry import spread

_SLOWEST = 60.0  # seconds between two submissions, if the service names no time of its own
_QUICKER = 0.95  # of the interval, after each submission that is accepted


class Stopped(NanoBananaEditError):
    """The batch is stopped; nothing was sent."""


class Pace:
    """Spaces submissions evenly, so that they keep within both limits in every second and minute.

    Args:
        per_second: Submissions in a second, above 0; None for no limit.
        per_minute: Submissions in a minute, above 0; None for no limit.
    """

    def __init__(self, per_second: float | None, per_minute: float | None) -> None:
        intervals = [0.0]
        for name, number, unit in (("per_second", per_second, 1.0), ("per_minute", per_minute, 60.0)):
            if number is not None:
                if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < float("inf"):
                    raise must_be("a number above 0, or None for no limit", name, number)
                intervals.append(unit / number)
        self._allowed = self._interval = max(intervals)
        self._free = self._held = _clock.now()  # when the next submission may leave; until when all are held back
        self._stop = asyncio.Event()
        self._delays = spread(1.0, _SLOWEST, 2.0)

    def stop(self) -> None:
        """Let nobody submit any more."""
        self._stop.set()

    @property
    def is_stopped(self) -> bool:
        return self._stop.is_set()

    async def wait(self) -> None:
        """Return when a submission may leave. Raises Stopped if none may any more."""
        while True:
            now = _clock.now()
            if self.is_stopped:
                raise Stopped("The batch is stopped; nothing was sent.")
            if now >= self._free:
                self._free = now + self._interval
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._free - now)

    def slow(self, retry_after: float | None = None) -> None:
        """Hold back every submission for as long as the service asks, or ever longer, and space them wider.

        What fails meanwhile left before, and is no reason to be slower still: all in flight fail at once.
        """
        now, delay = _clock.now(), retry_after or 0.0
        if now >= self._held:
            self._interval = min(max(self._interval * 2, 0.05), _SLOWEST)
            delay = max(self._interval, next(self._delays) if retry_after is None else retry_after)
        self._held = max(self._held, now + delay)
        self._free = max(self._free, self._held)

    def quicken(self) -> None:
        """Go back, step by step, to the pace that is allowed."""
        if self._interval > self._allowed:
            self._interval = max(self._allowed, self._interval * _QUICKER - 0.001)
            self._delays = spread(1.0, _SLOWEST, 2.0)
