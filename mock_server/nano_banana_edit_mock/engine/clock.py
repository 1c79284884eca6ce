"""The time that tasks and outages live by: it passes by itself, and may be moved on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from . import ranges

_LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)


class Clock:
    """Two clocks that are moved on together: seconds since it was made, and the time of the day."""

    def __init__(self, seconds: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._seconds, self._now = seconds, now
        self._began, self._ahead = seconds(), 0.0

    def seconds(self) -> float:
        """Return the seconds since it was made."""
        return self._seconds() - self._began + self._ahead

    def now(self) -> datetime:
        """Return the time of the day, at most the last year of the calendar."""
        try:
            return self._now() + timedelta(seconds=self._ahead)
        except OverflowError:
            return _LAST_YEAR

    def advance(self, seconds: float) -> None:
        """Move both on; raises ValueError where that is no length of time."""
        ranges.seconds("seconds", seconds)
        self._ahead += seconds
