"""What a test wants to happen, and when: the rules of a script."""

from collections.abc import Collection
from typing import Any, TypeAlias

from attrs import asdict, define

from . import ranges
from .records import Fault, Outcome
from .replies import DOWN, Reply
from .routes import FILE_NAMES

Doing: TypeAlias = Outcome | Reply | Fault


@define(eq=False, kw_only=True)
class Rule:
    """One thing that a test said, and how much of it has happened.

    An `Outcome` is for edits that are accepted, a `Reply` and a `Fault` for any request. It lasts for `seconds`, on the
    service's clock, from the first request that it takes. `seen` counts the requests that were left to it, `used` those
    it took.
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
        """Count a request that no earlier rule took, and return whether this one does."""
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
        """Return whether it did what it was to do."""
        return self.used == self.times or self._over(now)

    @property
    def left(self) -> bool:
        """Whether it still waits for a request that it was to take; one without a number of times waits for one."""
        return self.used < (self.times or 1)

    def __str__(self) -> str:
        """Return what was said, and how much of it happened."""
        if isinstance(self.do, Reply):
            what = f"Reply({self.do.status})"
        elif isinstance(self.do, Fault):
            what = str(self.do)
        else:
            default = asdict(Outcome())
            said = {name: value for name, value in asdict(self.do, recurse=False).items() if value != default[name]}
            what = f"Outcome({', '.join(f'{name}={value!r}' for name, value in said.items())})"
        where = self.operation or "any operation"
        what += "" if self.seconds is None else f" for {self.seconds:g} s"
        return f"{where}, request {self.nth} and on: {what}, used {self.used} of {self.times or 'any number of'} times"

    def _over(self, now: float) -> bool:
        return self.began is not None and self.seconds is not None and now - self.began >= self.seconds


def make_rule(operation: str | None, do: Any, *, known: Collection[str], nth: int, times: int | None) -> Rule:
    """Return what was said; `known` are the operations that the document has.

    Raises:
        ValueError: It cannot happen.
    """
    if operation is not None and operation not in known:
        accepted = f"{', '.join(known)}, and None for any of them"
        raise ValueError(f"operation is {operation!r}; the mock accepts {accepted}. Choose one.")
    if not isinstance(do, Outcome | Reply | Fault):
        raise ValueError(  # noqa: TRY004
            f"do is {do!r}; the mock accepts an Outcome, a Reply or a Fault. Make one of it."
        )
    if isinstance(do, Outcome) and operation != "createEdit":
        message = f"operation is {operation!r}; the mock accepts createEdit for an Outcome. Choose that, or a Reply."
        raise ValueError(message)
    ranges.whole("nth", nth, 1)
    if times is not None:
        ranges.whole("times", times, 1)
    return Rule(operation=operation, do=do, nth=nth, times=times)


def make_outage(*, requests: int | None = None, seconds: float | None = None, status: int = 503) -> Rule:
    """Return the rule that every operation fails for some requests, or for some seconds from the first of them.

    Raises:
        ValueError: Both or neither of them are given, or one is out of its range.
    """
    if (requests is None) == (seconds is None):
        state = f"requests is {requests} and seconds is {seconds}"
        raise ValueError(f"{state}; the mock accepts one of them. Say how long the outage is.")
    ranges.whole("status", status, 400, 599)
    if requests is not None:
        ranges.whole("requests", requests, 1)
    if seconds is not None:
        ranges.seconds("seconds", seconds, above=True)
    return Rule(operation=None, do=Reply.error(status, DOWN), times=requests, seconds=seconds)
