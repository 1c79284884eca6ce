"""The script: the rules that a test gives, in the order in which a request is shown to them."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from threading import Lock

from .rules import Doing, Rule, make_outage, make_rule
from .script_files import Step, read, rules

MAX_RULES = 10_000  # a batch's outcomes can be said one by one


class Script:
    """Rules for requests to `operations`, which are asked in order until one takes a request; a spent one goes."""

    def __init__(self, operations: Collection[str]) -> None:
        self._operations = operations
        self._lock = Lock()
        self._rules: list[Rule] = []

    def reset(self) -> None:
        """Forget the rules."""
        with self._lock:
            self._rules.clear()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that are not spent."""
        with self._lock:
            return tuple(self._rules)

    def on(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> None:
        """Add a rule for requests to an operation."""
        self._add([self._make(operation, do, nth=nth, times=times)])

    def steps(self, steps: Iterable[Step] | Path) -> None:
        """Add a rule for each step, or none of them where one is refused; a path is that of a script file."""
        if not isinstance(steps, Path):
            self._add(rules(steps, self._make))
            return
        written = read(steps)
        try:
            self.steps(written)
        except ValueError as error:
            raise ValueError(f"{steps}: {error}") from error

    def outage(self, *, requests: int | None = None, seconds: float | None = None, status: int = 503) -> None:
        """Add the rule that every operation fails for a while."""
        self._add([make_outage(requests=requests, seconds=seconds, status=status)])

    def take(self, operation: str, *, accepted: bool, now: float) -> Doing | None:
        """Show a request to the rules in order, and return what the one does that takes it."""
        if not self._rules:
            return None
        with self._lock:
            for rule in tuple(self._rules):
                taken = rule.takes(operation, accepted=accepted, now=now)
                if rule.spent(now):
                    self._rules.remove(rule)
                if taken:
                    return rule.do
        return None

    def _add(self, rules: Sequence[Rule]) -> None:
        with self._lock:
            if len(self._rules) + len(rules) > MAX_RULES:
                message = f"the script has {len(self._rules) + len(rules)} rules; the mock accepts {MAX_RULES} at once."
                raise ValueError(f"{message} Say `times`, or reset() the mock.")
            self._rules += rules

    def _make(self, operation: str | None, do: Doing, *, nth: int = 1, times: int | None = 1) -> Rule:
        return make_rule(operation, do, known=self._operations, nth=nth, times=times)
