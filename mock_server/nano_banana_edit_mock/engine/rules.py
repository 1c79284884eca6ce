"""The rules of a script: what happens, on which request, and how often."""

from collections.abc import Collection
from typing import Any, TypeAlias

from attrs import define

from ..contract.schemas import hold
from .records import Fault, Outcome
from .replies import DOWN, Reply
from .routes import FILE_NAMES

Doing: TypeAlias = Outcome | Reply | Fault


@define(eq=False, kw_only=True)
class Rule:
    """One step of a script, and how often it was used.

    An `Outcome` is for accepted edits, a `Reply` and a `Fault` for any request. A rule with `seconds` ends so many
    seconds, on the service's clock, after the first request that it takes. `seen` counts the requests that reached
    the rule, `used` those that it took.
    """

    operation: str | None
    do: Doing
    nth: int = 1
    times: int | None = 1
    seconds: float | None = None
    seen: int = 0
    used: int = 0
    began: float | None = None

    def takes(self, operation: str, *, accepted: bool, now: float) -> bool:
        """Count a request that no earlier rule took, and return whether this rule takes it."""
        if self.operation != operation and (self.operation or operation in FILE_NAMES):
            return False
        if self._over(now) or (isinstance(self.do, Outcome) and not accepted):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.used += 1
        self.began = now if self.began is None else self.began
        return True

    def spent(self, now: float) -> bool:
        """Return whether it takes no more requests."""
        return self.used == self.times or self._over(now)

    @property
    def left(self) -> bool:
        """Whether it is still unused, or not used as often as it should be."""
        return self.used < (self.times or 1)

    def __str__(self) -> str:
        """Return the step and how often it was used."""
        if isinstance(self.do, Outcome):
            what = f"Outcome({', '.join(f'{name}={value!r}' for name, value in self.do.given().items())})"
        else:
            what = f"Reply({self.do.status:.0f})" if isinstance(self.do, Reply) else str(self.do)
        where = self.operation or "any operation"
        what += "" if self.seconds is None else f" for {self.seconds:g} s"
        return f"{where}, request {self.nth} and on: {what}, used {self.used} of {self.times or 'any number of'} times"

    def _over(self, now: float) -> bool:
        return self.began is not None and self.seconds is not None and now - self.began >= self.seconds


def make_rule(operation: str | None, do: Any, *, known: Collection[str], nth: int = 1, times: int | None = 1) -> Rule:
    """Return a rule; `known` are the operations that a request may be for."""
    if operation is not None and operation not in known:
        raise ValueError(f"operation is {operation!r}; it must be one of {', '.join(known)}, or None for any.")
    if not isinstance(do, Outcome | Reply | Fault):
        raise ValueError(f"do is {do!r}; use an Outcome, a Reply or a Fault.")  # noqa: TRY004
    if isinstance(do, Outcome) and operation != "createEdit":
        raise ValueError(f"operation is {operation!r}; an Outcome is for createEdit alone.")
    hold("Step", nth=nth, times=times)
    return Rule(operation=operation, do=do, nth=int(nth), times=times and int(times))  # 2.0 is a whole number, too


def make_outage(*, requests: int | None = None, seconds: float | None = None, status: int = 503) -> Rule:
    """Return the rule that every operation fails, for some requests or for some seconds from the first of them."""
    if (requests is None) == (seconds is None):
        raise ValueError(f"requests is {requests} and seconds is {seconds}; use one of them.")
    length = {"requests": requests} if seconds is None else {"seconds": seconds}
    hold("Outage", status=status, **length)
    return Rule(operation=None, do=Reply.error(status, DOWN), times=requests and int(requests), seconds=seconds)
