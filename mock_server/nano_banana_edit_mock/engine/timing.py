"""Time: how long a task takes, and the clocks that it passes on."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from attrs import frozen

from . import ranges

MAX_SIGMA = 10  # a standard deviation of this size spans eight orders of magnitude; more is a typing error
_LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)


@frozen
class Uniform:
    """Seconds between two bounds, each equally likely.

    Args:
        low: The shortest, in seconds, at least 0.
        high: The longest, in seconds, at least `low`.

    Raises:
        ValueError: A bound is negative or more than 1,000,000,000, or `high` is less than `low`.
    """

    low: float
    high: float

    def __attrs_post_init__(self) -> None:
        ranges.seconds("low", self.low)
        ranges.seconds("high", self.high, self.low)

    def draw(self, random: Random) -> float:
        """Return one time.

        Args:
            random: Where chance comes from.

        Returns:
            Seconds, `low` to `high`.
        """
        return random.uniform(self.low, self.high)


@frozen
class Lognormal:
    """Seconds around a median, with the long tail that services have.

    Args:
        median: Half of the tasks take less, in seconds, more than 0.
        sigma: Standard deviation of the logarithm, 0 to 10; 0.5 puts nineteen of twenty tasks between about a third of
            the median and three times as much.

    Raises:
        ValueError: `median` or `sigma` is out of its range.
    """

    median: float
    sigma: float

    def __attrs_post_init__(self) -> None:
        ranges.seconds("median", self.median, above=True)
        if not isinstance(self.sigma, int | float) or not 0 <= self.sigma <= MAX_SIGMA:
            raise ValueError(f"sigma is {self.sigma!r}; the mock accepts 0 to {MAX_SIGMA}. Change it.")

    def draw(self, random: Random) -> float:
        """Return one time.

        Args:
            random: Where chance comes from.

        Returns:
            Seconds, more than 0, to 1,000,000,000.
        """
        return min(self.median * math.exp(self.sigma * random.gauss(0, 1)), ranges.MAX_SECONDS)


Seconds = float | Uniform | Lognormal


def check_life(polls: int | None, seconds: Seconds | None) -> None:
    """Refuse a life that is shorter than none, or has no end."""
    if polls is not None:
        ranges.whole("polls", polls, 0)
    if seconds is not None and not isinstance(seconds, Uniform | Lognormal):
        ranges.seconds("seconds", seconds)


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
