"""A story written down: the steps of a script file, in YAML or JSON, and of `/__mock__/script`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..contract.document import load_admin
from ..contract.reading import check_json, read_yaml
from ..contract.wording import cut, spell
from .records import Fault, Outcome
from .replies import Reply
from .rules import Doing, Rule, make_outage
from .schemas import Schemas
from .timing import Lognormal, Uniform

_KINDS = ("outcome", "reply", "fault", "outage")
_TIMES: Mapping[str, Any] = {"uniform": Uniform, "lognormal": Lognormal}

Step = Doing | Mapping[str, Any]


@cache
def _schema() -> tuple[Schemas, str]:
    """Return the schemas of the document of `/__mock__/`, and the pointer to that of a whole script."""
    contract = load_admin()
    return Schemas(contract), next(operation.schema for operation in contract.operations if operation.id == "addScript")


def read(file: Path) -> list[Any]:
    """Return the steps in a file: a list of them, or an object whose `steps` are one.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML, of which JSON is a part, or has no steps; the message names the file.
    """
    found = read_yaml(file)
    steps = found.get("steps") if isinstance(found, dict) else found
    if not isinstance(steps, list):
        message = f"{file} has no steps; the mock accepts a list of them. See admin.yaml."
        raise ValueError(message)  # noqa: TRY004
    for number, step in enumerate(steps):
        if not isinstance(step, dict):
            state = f"steps[{number}] is {cut(step)}"
            raise ValueError(  # noqa: TRY004
                f"{file}: {state}; the mock accepts an object with one of {', '.join(_KINDS)}. See admin.yaml."
            )
    return steps


def rules(steps: Iterable[Step], make_rule: Callable[..., Rule]) -> list[Rule]:
    """Return what steps say, where they are written down as the schema `Step` of admin.yaml has it.

    Raises:
        ValueError: One is refused; the message names it.
    """
    steps = list(steps)
    written = [dict(step) if isinstance(step, Mapping) else {} for step in steps]
    if any(written):
        check_json(written, spell, ("steps",))
        schemas, pointer = _schema()
        if violations := schemas.check(pointer, {"steps": written}):
            raise ValueError(" ".join(violation.message for violation in violations))
    return list(_rules(steps, make_rule))


def _rules(steps: Iterable[Step], make_rule: Callable[..., Rule]) -> Iterator[Rule]:
    for number, step in enumerate(steps):
        if not isinstance(step, Mapping):
            yield make_rule("createEdit" if isinstance(step, Outcome) else None, step)
            continue
        try:
            yield _rule(make_rule, **step)
        except ValueError as error:
            raise ValueError(f"steps[{number}]: {error}") from error


def _rule(make_rule: Callable[..., Rule], *, nth: int = 1, times: int | None = 1, **step: Any) -> Rule:
    kinds = [kind for kind in _KINDS if kind in step]
    if len(kinds) != 1:
        raise ValueError(
            f"it has {' and '.join(kinds) or 'none'} of {', '.join(_KINDS)}; the mock accepts one. Say it."
        )
    (kind,) = kinds
    if kind == "outage":
        if "operation" in step or (nth, times) != (1, 1):
            raise ValueError("it has an outage; the mock accepts no operation, nth or times beside it. Leave them out.")
        return make_outage(**step["outage"])
    if kind == "outcome":
        return make_rule(step.get("operation", "createEdit"), _outcome(**step[kind]), nth=nth, times=times)
    do = Fault(step[kind]) if kind == "fault" else Reply(**step[kind])
    return make_rule(step.get("operation"), do, nth=nth, times=times)


def _outcome(**given: Any) -> Outcome:
    times = [_TIMES[name](**given.pop(name)) for name in _TIMES if name in given]
    times += [given.pop("seconds")] if "seconds" in given else []
    if len(times) > 1:
        raise ValueError(
            "outcome has several times; the mock accepts one of seconds, uniform and lognormal. Drop some."
        )
    return Outcome(**given, seconds=next(iter(times), None))
