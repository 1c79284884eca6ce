"""The time that tasks and outages live by: it passes by itself, and may be moved on."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta


class Clock:
    """Two clocks that are moved on together: seconds since it was made, and the time of the day."""

    def __init__(self, seconds: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._seconds, self._now = seconds, now
        self._began, self._ahead = seconds(), 0.0

    def seconds(self) -> float:
        """Return the seconds since it was made."""
        return self._seconds() - self._began + self._ahead

    def now(self) -> datetime:
        """Return the time of the day."""
        return self._now() + timedelta(seconds=self._ahead)

    def advance(self, seconds: float) -> None:
        """Move both on; raises ValueError where that is no length of time."""
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds is {seconds}; the mock accepts 0 or more. Raise it.")
        self._ahead += seconds
