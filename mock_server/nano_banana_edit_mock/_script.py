"""The part of the service that is told beforehand what happens."""

from collections.abc import Callable, Iterable

from ._records import Fault, Outcome
from ._rules import Doing, Reply, Rule, whole
from ._store import Store
from .contract import Contract


class Script:
    """What a test says, kept as rules in the order in which it is said.

    A request to an operation of the API is shown to the rules in order until one takes it. A rule counts only what no
    earlier one took, and of that takes `times` requests from the `nth` on. Files are no operations.
    """

    contract: Contract
    _clock: Callable[[], float]
    _store: Store

    def on(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> None:
        """Say what happens on requests to an operation.

        An outcome is for edits that are accepted, and counts those alone. A reply is for any request, whether or not it
        is otherwise valid; what is wrong with it stands in the journal all the same. So is a fault: the request is met
        as usual, an edit may be accepted, and the answer goes wrong on its way; only a connection that is refused
        brings nothing.

        Args:
            operation: An operationId, `createEdit` for an outcome; None for any operation.
            do: What becomes of the edit, the answer, or what goes wrong with it.
            nth: The first request that it happens on, from 1; default 1. It counts those that no earlier rule took.
            times: How many requests it happens on, from 1; default 1, None for all that follow.

        Raises:
            ValueError: The document has no such operation, an outcome is meant for another one than `createEdit`, `nth`
                or `times` is less than 1, or there are more than 10,000 rules.
        """
        self._store.add_rules([self._rule(operation, do, nth=nth, times=times)])

    def next(self, do: Doing) -> None:
        """Say what becomes of the next accepted edit, or how the next request is answered; several calls queue up.

        Args:
            do: The outcome of the edit, or the answer to the request or its fault, whatever its operation. An edit that
                finds no outcome is completed.

        Raises:
            ValueError: It is none of these, or there are more than 10,000 rules.
        """
        self.script([do])

    def script(self, steps: Iterable[Doing]) -> None:
        """Say what happens step by step: as `next` for each, or for none of them where one is refused.

        Args:
            steps: Outcomes, replies and faults.

        Raises:
            ValueError: A step is none of these, or there are more than 10,000 rules.
        """
        self._store.add_rules(
            [self._rule("createEdit" if isinstance(do, Outcome) else None, do, nth=1, times=1) for do in steps]
        )

    def outage(self, *, requests: int | None = None, seconds: float | None = None, status: int = 503) -> None:
        """Say that every operation fails for a while; one that an earlier rule takes does not.

        Args:
            requests: For how many requests, from 1.
            seconds: For how many seconds from now, by the service's clock, more than 0. One of both is given.
            status: The status answered, 400 to 599; default 503.

        Raises:
            ValueError: Both or neither of `requests` and `seconds` are given, one of them or the status is out of its
                range, or there are more than 10,000 rules.
        """
        if (requests is None) == (seconds is None):
            state = f"requests is {requests} and seconds is {seconds}"
            raise ValueError(f"{state}; the mock accepts one of them. Say how long the outage is.")
        whole("status", status, 400, 599)
        do = Reply.error(status, "The service is unavailable; try again later.")
        rule = self._rule(None, do, nth=1, times=requests)
        if seconds is not None:
            if not seconds > 0:  # which NaN is not either
                raise ValueError(f"seconds is {seconds}; the mock accepts more than 0. Raise it.")
            rule.until = self._clock() + seconds
        self._store.add_rules([rule])

    def _rule(self, operation: str | None, do: Doing, *, nth: int, times: int | None) -> Rule:
        known = [operation.id for operation in self.contract.operations]
        if operation is not None and operation not in known:
            accepted = f"{', '.join(known)}, and None for any of them"
            raise ValueError(f"operation is {operation!r}; the mock accepts {accepted}. Choose one.")
        if not isinstance(do, Outcome | Reply | Fault):
            raise ValueError(  # noqa: TRY004
                f"do is {do!r}; the mock accepts an Outcome, a Reply or a Fault. Make one of it."
            )
        if isinstance(do, Outcome) and operation != "createEdit":
            message = (
                f"operation is {operation!r}; the mock accepts createEdit for an Outcome. Choose that, or a Reply."
            )
            raise ValueError(message)
        whole("nth", nth, 1)
        if times is not None:
            whole("times", times, 1)
        return Rule(operation=operation, do=do, nth=nth, times=times)
