"""The script: the rules that a test gives, asked in order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock

from .records import Outcome
from .rules import Doing, Rule, make_rule
from .script_files import Step, read, rules

MAX_RULES = 10_000  # enough to script each outcome of a batch


class Script:
    """Rules for requests to `operations`. Each request is shown to them in order until one takes it.

    Without `outcomes`, a rule that has one is refused: a service elsewhere decides what becomes of its edits.
    """

    def __init__(self, operations: Collection[str], *, outcomes: bool = True) -> None:
        self.make = partial(make_rule, known=operations)
        self._outcomes = outcomes
        self._lock = Lock()
        self._rules: list[Rule] = []

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that may take another request."""
        with self._lock:
            return tuple(self._rules)

    def add(self, rules: Sequence[Rule]) -> None:
        """Add rules, or none if there are too many."""
        if not self._outcomes and any(isinstance(rule.do, Outcome) for rule in rules):
            raise ValueError(
                "an outcome is for edits of the mock; this service passes them on. Script a reply or fault."
            )
        with self._lock:
            count = len(self._rules) + len(rules)
            if count > MAX_RULES:
                raise ValueError(f"the script has {count} rules; the limit is {MAX_RULES}. Use `times`, or reset().")
            self._rules += rules

    def steps(self, steps: Iterable[Step] | Step | str | Path) -> None:
        """Add a rule for each step, or none if one is refused; a path leads to a script file."""
        if isinstance(steps, Doing | Mapping):
            steps = [steps]  # a Fault is a text, too
        if not isinstance(steps, str | Path):
            self.add(rules(steps, self.make))
            return
        written = read(Path(steps))
        try:
            self.add(rules(written, self.make))
        except ValueError as error:
            raise ValueError(f"{steps}: {error}") from error

    def take(self, operation: str, *, accepted: bool, now: float) -> Doing | None:
        """Show a request to the rules, and return what happens on it; None if no rule takes it."""
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
