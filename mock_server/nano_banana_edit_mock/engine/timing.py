"""Time: how long tasks take, and the clocks they pass on."""

import math
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from attrs import frozen

from ..contract.schemas import hold

# Not a function that freezegun replaces, whenever this module is imported: a task would never be finished.
monotonic = partial(time.monotonic) if sys.platform == "win32" else partial(time.clock_gettime, time.CLOCK_MONOTONIC)

MAX_SECONDS = 1_000_000_000  # thirty years
_LAST_YEAR = datetime(9999, 1, 1, tzinfo=UTC)


@frozen
class Uniform:
    """Seconds between two bounds, each equally likely.

    Args:
        low: The shortest, in seconds, at least 0.
        high: The longest, in seconds, at least `low` and at most 1,000,000,000.

    Raises:
        ValueError: A bound is out of its range.
    """

    low: float
    high: float

    def __attrs_post_init__(self) -> None:
        hold("Uniform", low=self.low, high=self.high)
        if self.high < self.low:
            raise ValueError(f"high is {self.high}; the minimum is low, {self.low}.")

    def draw(self, random: Random) -> float:
        """Return a number of seconds."""
        return random.uniform(self.low, self.high)


@frozen
class Lognormal:
    """Seconds around a median, with the long tail of a real service; at most 1,000,000,000.

    Args:
        median: Half of the tasks take less, in seconds, more than 0.
        sigma: Standard deviation of the logarithm, 0 to 10. With 0.5, nineteen of twenty tasks take between about a
            third of the median and three times as much.

    Raises:
        ValueError: `median` or `sigma` is out of its range.
    """

    median: float
    sigma: float

    def __attrs_post_init__(self) -> None:
        hold("Lognormal", median=self.median, sigma=self.sigma)

    def draw(self, random: Random) -> float:
        """Return a number of seconds."""
        return min(self.median * math.exp(self.sigma * random.gauss(0, 1)), MAX_SECONDS)


Seconds = float | Uniform | Lognormal


class Clock:
    """Two clocks that advance together: seconds since it was made, and the time of day."""

    def __init__(self, seconds: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._seconds, self._now = seconds, now
        self._began, self._ahead = seconds(), 0.0

    def seconds(self) -> float:
        """Return the seconds since the clock was made."""
        return self._seconds() - self._began + self._ahead

    def now(self) -> datetime:
        """Return the time of day, at most the last year of the calendar."""
        try:
            return self._now() + timedelta(seconds=self._ahead) if self._ahead else self._now()
        except OverflowError:
            return _LAST_YEAR

    def advance(self, seconds: float) -> None:
        """Advance both clocks."""
        hold("Advance", seconds=seconds)
        self._ahead += seconds
