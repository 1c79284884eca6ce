"""Assertions on the requests that arrived and on the unused rules; a failure shows what happened instead."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from operator import methodcaller
from typing import Any

from ..contract.schemas import hold
from .journal import MAX_KEPT, Journal
from .records import Entry
from .rules import Rule
from .state import Job

__tracebackhide__ = methodcaller("errisinstance", AssertionError)  # pytest then shows the line of the test

_SHOWN = 60  # characters of a value in a message
_BEFORE = 20  # of them before the first difference
_LISTED = 10  # requests in a message; nobody reads more
_COMPARED = 500  # characters of a value that likeness is measured by


def called(
    journal: Journal, operation: str, properties: Mapping[str, Any], *, once: bool, known: Collection[str]
) -> None:
    """Assert that the only request to an operation, or the last one, has some properties in its JSON body.

    The message names the nearest of the `known` properties for each that is none of them.
    """
    count, calls = journal.of(operation)
    first = count - len(calls) + 1
    matches = [(_wrong(call, properties), number, call) for number, call in enumerate(calls, first)]
    matches = matches if once else matches[-1:]
    least = min((len(wrong) for wrong, *_ in matches), default=0)
    nearest = [match for match in matches if len(match[0]) == least][-_LISTED:]
    match = max(nearest, key=lambda match: (_likeness(match[2], properties, match[0]), match[1]), default=None)
    if match and not least and not (once and count > 1):
        return
    expected = f"expected {'once' if once else 'the last time'} with {', '.join(properties) or 'any body'}"
    lines = [f"{operation} was called {_times(count)}, {expected}."]
    if match:
        wrong, number, call = match
        differences = _differences(call, properties, wrong)
        lines += [
            f"Call {number}, {_spell(call)}:",
            *map("  {}".format, differences or ["has all expected properties"]),
        ]
    elif count:
        kept = len(journal.latest()[2])
        lines.append(f"Only the last {kept} requests are kept, and none of them is such a call.")
    else:
        others = [f"{name or 'files and unknown paths'} {_times(n)}" for name, n in journal.counts().items()]
        lines.append(f"Calls: {', '.join(others) or 'none'}.")
    for name in properties.keys() - {*known}:
        lines += [f"The document has no {name}. Did you mean {near}?" for near in get_close_matches(name, known, 1)]
    raise AssertionError("\n".join(lines))


def not_called(journal: Journal, operation: str | None) -> None:
    """Assert that there was no request to an operation, or none at all."""
    count, calls = journal.of(operation)
    head = f"{operation or 'The service'} was called {_times(count)}, expected not to be."
    _none(head, map(_spell, calls), count)


def billed_at_most(most: int, accepted: int, jobs: Sequence[Job]) -> None:
    """Assert that no more edits were accepted."""
    hold("Expectation", assertion="billed_at_most", most=most)
    lines = (f"{_apart(job.prompt)}, task {job.task_id}" for job in jobs)
    head = f"{accepted} edit{'s' * (accepted != 1)} accepted, each of which is billed; expected at most {most}."
    _none(head, lines, accepted if accepted > most else 0)


def no_invalid_requests(journal: Journal) -> None:
    """Assert that every request is valid."""
    count, calls = journal.invalid()
    lines = (f"{_spell(call)}: {' '.join(violation.message for violation in call.violations)}" for call in calls)
    _none(f"Invalid requests: {count}.", lines, count)


def all_used(rules: Iterable[Rule]) -> None:
    """Assert that no rule still waits for a request."""
    unused = [str(rule) for rule in rules if rule.left]
    _none("Unused script steps:", unused, len(unused))


def _none(head: str, lines: Iterable[str], count: int) -> None:
    """Assert that `count` is 0; the message has a head and the first lines."""
    if count:
        shown = [f"  {line}" for line in lines][:_LISTED]
        more = [f"  and {count - len(shown)} more"] if count > len(shown) else []
        raise AssertionError("\n".join([head, *shown, *more]))


def _wrong(call: Entry, expected: Mapping[str, Any]) -> list[str]:
    """Return the names of the expected properties that a request does not have."""
    actual = _properties(call)
    return [name for name, value in expected.items() if name not in actual or actual[name] != value]


def _differences(call: Entry, expected: Mapping[str, Any], wrong: Iterable[str]) -> list[str]:
    if expected and call.content is None and call.size > MAX_KEPT:
        return [f"the body has {call.size} bytes; the journal keeps bodies of at most {MAX_KEPT}"]
    actual = _properties(call)
    return [
        f"{name}: expected {_apart(expected[name], actual[name])}, actual {_apart(actual[name], expected[name])}"
        if name in actual
        else f"{name}: expected {_apart(expected[name])}, but it is missing"
        for name in wrong
    ]


def _properties(call: Entry) -> Mapping[str, Any]:
    body = call.body
    return body if isinstance(body, dict) else {}


def _likeness(call: Entry, expected: Mapping[str, Any], wrong: Sequence[str]) -> float:
    """Return how near the first wrong properties come to what is expected."""
    actual = _properties(call)
    pairs = [(repr(expected[name])[:_COMPARED], repr(actual.get(name))[:_COMPARED]) for name in wrong[:_LISTED]]
    return sum(SequenceMatcher(None, *pair).quick_ratio() for pair in pairs)


def _apart(value: Any, other: Any = "") -> str:
    """Return a value for a message; if it is long, the part around its first difference from another value."""
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    first = next((at for at, (one, two) in enumerate(zip(text, repr(other), strict=False)) if one != two), 0)
    start = max(0, first - _BEFORE)
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _spell(call: Entry) -> str:
    return f"{call.method} {call.path}, answered {call.status}{' from the script' if call.scripted else ''}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
