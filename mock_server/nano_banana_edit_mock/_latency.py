"""How long a task takes, when that is not always the same."""

import math
from random import Random

from attrs import frozen

MAX_SIGMA = 10  # a standard deviation of this size spans eight orders of magnitude; more is a typing error


@frozen
class Uniform:
    """Seconds between two bounds, each equally likely.

    Args:
        low: The shortest, in seconds, at least 0.
        high: The longest, in seconds, at least `low`.

    Raises:
        ValueError: A bound is negative or not finite, or `high` is less than `low`.
    """

    low: float
    high: float

    def __attrs_post_init__(self) -> None:
        for name, value, least in (("low", self.low, 0), ("high", self.high, self.low)):
            if not least <= value < math.inf:
                raise ValueError(f"{name} is {value}; the mock accepts {least} or more, in seconds. Change it.")

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
        if not 0 < self.median < math.inf:
            raise ValueError(f"median is {self.median}; the mock accepts more than 0, in seconds. Change it.")
        if not 0 <= self.sigma <= MAX_SIGMA:
            raise ValueError(f"sigma is {self.sigma}; the mock accepts 0 to {MAX_SIGMA}. Change it.")

    def draw(self, random: Random) -> float:
        """Return one time.

        Args:
            random: Where chance comes from.

        Returns:
            Seconds, more than 0.
        """
        return self.median * math.exp(self.sigma * random.gauss(0, 1))


Seconds = float | Uniform | Lognormal


def check_life(polls: float | None, seconds: Seconds | None) -> None:
    """Refuse a life that is shorter than none, or of no length at all."""
    fixed = None if isinstance(seconds, Uniform | Lognormal) else seconds
    for name, value in (("polls", polls), ("seconds", fixed)):
        if value is not None and not (isinstance(value, int | float) and value >= 0):  # as NaN is not
            raise ValueError(f"{name} is {value!r}; the mock accepts 0 or more. Raise it.")
