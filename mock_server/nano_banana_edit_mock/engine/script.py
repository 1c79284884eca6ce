"""The script: the rules that a test gives, asked in order.

Steps may be written down: in a YAML or JSON file, or in a request to `/__mock__/script`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from ..contract.files import read_file
from ..contract.schemas import hold
from ..contract.wording import spell
from .records import Fault, Outcome
from .replies import Reply
from .rules import Doing, Rule, make_outage, make_rule
from .timing import Lognormal, Uniform

MAX_RULES = 10_000  # enough to script each outcome of a batch

_KINDS = ("outcome", "reply", "fault", "outage")
_TIMES: Mapping[str, Any] = {"seconds": float, "uniform": Uniform, "lognormal": Lognormal}

Step = Doing | Mapping[str, Any]


class Script:
    """Rules for requests to `operations`. Each request is shown to them in order until one takes it.

    Without `outcomes`, a rule that has one is refused: a service elsewhere decides what becomes of its edits.
    """

    def __init__(self, operations: Collection[str], *, outcomes: bool = True) -> None:
        self.make = partial(make_rule, known=operations)
        self._outcomes = outcomes
        self._lock = Lock()
        self._rules: tuple[Rule, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that may take another request; another tuple after each change, also of how often one was used."""
        return self._rules

    def add(self, rules: Sequence[Rule]) -> None:
        """Add rules, or none if there are too many."""
        if not self._outcomes and any(isinstance(rule.do, Outcome) for rule in rules):
            raise ValueError(
                "an outcome is for edits of the mock, and not of a proxy or a tape; script a reply or fault."
            )
        with self._lock:
            count = len(self._rules) + len(rules)
            if count > MAX_RULES:
                raise ValueError(f"the script has {count} rules; the limit is {MAX_RULES}. Use `times`, or reset().")
            self._rules += tuple(rules)

    def steps(self, steps: Iterable[Step] | Step | str | Path) -> None:
        """Add a rule for each step, or none if one is refused; a path leads to a script file."""
        if isinstance(steps, Doing | Mapping):
            steps = [steps]  # a Fault is a text, too
        if not isinstance(steps, str | Path):
            self.add(_made(steps, self.make))
            return
        written = _read(Path(steps))
        try:
            self.add(_made(written, self.make))
        except ValueError as error:
            raise ValueError(f"{steps}: {error}") from error

    def take(self, operation: str, *, accepted: bool, now: float) -> Doing | None:
        """Show a request to the rules, and return what happens on it; None if no rule takes it."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                taken = rule.takes(operation, accepted=accepted, now=now)
                spent = rule.spent(now)
                if taken or spent:
                    at = self._rules.index(rule)
                    self._rules = (*self._rules[:at], *[rule] * (not spent), *self._rules[at + 1 :])
                if taken:
                    return rule.do
        return None


def _read(file: Path) -> Any:
    """Return the steps in a file: a list, or the list that an object has under `steps`."""
    found = read_file(file, _spell)
    steps = found.get("steps") if isinstance(found, dict) else found
    if not isinstance(steps, list):
        raise ValueError(f"{file} has no list of steps. See admin.yaml.")  # noqa: TRY004
    return steps


def _spell(path: Sequence[str | int]) -> str:
    return spell(path if path[:1] == ("steps",) else ("steps", *path))


def _made(steps: Iterable[Step], make_rule: Callable[..., Rule]) -> list[Rule]:
    """Return the rules of some steps; those that are written down follow the schema `Step` of admin.yaml."""
    if not isinstance(steps, Iterable):
        raise ValueError(f"script is {steps!r}; use a list of steps, or the path of a script file.")  # noqa: TRY004
    steps = [dict(step) if isinstance(step, Mapping) else step for step in steps]
    if steps:
        hold("Script", steps=[{} if isinstance(step, Doing) else step for step in steps])
    return list(_rules(steps, make_rule))


def _rules(steps: Iterable[Any], make_rule: Callable[..., Rule]) -> Iterator[Rule]:
    for number, step in enumerate(steps):
        try:
            if isinstance(step, dict):
                yield _rule(make_rule, **step)
            else:
                yield make_rule("createEdit" if isinstance(step, Outcome) else None, step)
        except ValueError as error:
            raise ValueError(f"steps[{number}]: {error}") from error


def _rule(make_rule: Callable[..., Rule], *, nth: int = 1, times: int | None = 1, **step: Any) -> Rule:
    kinds = [kind for kind in _KINDS if kind in step]
    if len(kinds) != 1:
        raise ValueError(f"the step has {' and '.join(kinds) or 'nothing to do'}; use one of {', '.join(_KINDS)}.")
    (kind,) = kinds
    if kind == "outage":
        if "operation" in step or (nth, times) != (1, 1):
            raise ValueError("an outage has no operation, nth or times. Leave them out.")
        return make_outage(**step["outage"])
    if kind == "outcome":
        return make_rule(step.get("operation", "createEdit"), _outcome(**step[kind]), nth=nth, times=times)
    do = Fault(step[kind]) if kind == "fault" else Reply(**step[kind])
    return make_rule(step.get("operation"), do, nth=nth, times=times)


def _outcome(**given: Any) -> Outcome:
    times = [name for name in _TIMES if name in given]
    if len(times) > 1:
        raise ValueError(f"outcome has {' and '.join(times)}; use one of them.")
    for name in times:
        value = given.pop(name)
        given["seconds"] = _TIMES[name](**value) if isinstance(value, dict) else value
    return Outcome(**given)
