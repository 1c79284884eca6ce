"""The part of the service that is told beforehand what happens."""

from collections.abc import Iterable
from pathlib import Path

from ..contract import Contract
from .clock import Clock
from .routes import FILE_NAMES
from .rules import Doing, Rule, make_outage, make_rule
from .script_files import Step, read, rules
from .store import Store


class Script:
    """What a test says, kept as rules in the order in which it is said.

    A request to an operation of the API is shown to the rules in order until one takes it. A rule counts only what no
    earlier one took, and of that takes `times` requests from the `nth` on. Files are no operations of the API: a rule
    is for them only where it names `getResult` or `getFile`, which are results and uploads as the mock serves them.
    """

    contract: Contract
    _clock: Clock
    _store: Store

    @property
    def time(self) -> float:
        """Seconds since the service was made, with those that `advance` let pass."""
        return self._clock.seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass at once: tasks and outages come nearer to their end, and uploads expire later.

        Args:
            seconds: How much, 0 to 1,000,000,000.

        Raises:
            ValueError: It is out of that range.
        """
        self._clock.advance(seconds)

    def on(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> None:
        """Say what happens on requests to an operation.

        An outcome is for edits that are accepted, and counts those alone. A reply is for any request, whether or not it
        is otherwise valid; what is wrong with it stands in the journal all the same. So is a fault: the request is met
        as usual, an edit may be accepted, and the answer goes wrong on its way; only a connection that is refused
        brings nothing.

        Args:
            operation: An operationId, `createEdit` for an outcome, `getResult` or `getFile`; None for any operation of
                the API.
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

    def script(self, steps: Iterable[Step] | Path) -> None:
        """Say what happens step by step: as `next` for each, or for none of them where one is refused.

        Args:
            steps: Outcomes, replies and faults, or mappings that say so in the words of a script file, for instance
                `{"reply": {"status": 429}, "operation": "getTask", "nth": 2}`; or the path of a script file, in YAML or
                JSON.

        Raises:
            OSError: The file cannot be read.
            ValueError: A step is none of these, the file is not YAML or has no steps, or there are more than 10,000
                rules. The message names the file.

        Source: `admin.yaml#/components/schemas/Step`
        """
        if isinstance(steps, Path):
            written = read(steps)
            try:
                self.script(written)
            except ValueError as error:
                raise ValueError(f"{steps}: {error}") from error
            return
        self._store.add_rules(rules(steps, self._rule))

    def outage(self, *, requests: int | None = None, seconds: float | None = None, status: int = 503) -> None:
        """Say that every operation fails for a while; one that an earlier rule takes does not.

        Args:
            requests: For how many requests, from 1.
            seconds: For how many seconds from the first request that finds it, by the service's clock, more than 0. One
                of both is given.
            status: The status answered, 400 to 599; default 503.

        Raises:
            ValueError: Both or neither of `requests` and `seconds` are given, one of them or the status is out of its
                range, or there are more than 10,000 rules.
        """
        self._store.add_rules([make_outage(requests=requests, seconds=seconds, status=status)])

    def _rule(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> Rule:
        known = [*(known.id for known in self.contract.operations), *FILE_NAMES]
        return make_rule(operation, do, known=known, nth=nth, times=times)
