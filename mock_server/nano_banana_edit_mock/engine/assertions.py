"""Assertions on what came and on what is left of a script, which say what came instead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from operator import methodcaller
from typing import Any

from attrs import frozen

from .journal import MAX_KEPT, Journal
from .records import Entry
from .rules import Rule

__tracebackhide__ = methodcaller("errisinstance", AssertionError)  # of pytest: a failure points at the test

_SHOWN = 60  # characters of a value in a message
_BEFORE = 20  # of them before the first difference
_LISTED = 10  # requests in a message; more is not read
_COMPARED = 500  # characters of a value that nearness is judged by


@frozen
class _Match:
    """A call, its number among the kept ones, and how it differs from what was expected."""

    number: int
    call: Entry
    differences: list[str]


def called_once_with(journal: Journal, operation: str, properties: Mapping[str, Any]) -> None:
    """Assert that there was one request to an operation, and that its JSON body has some properties."""
    count, calls = journal.of(operation)
    nearest = _nearest(_compare(count, calls, properties), properties)
    if count != 1 or nearest is None or nearest.differences:
        head = f"{operation} was called {_times(count)}, expected once with {_names(properties)}."
        raise AssertionError("\n".join([head, *_describe(journal, count, nearest)]))


def called_with(journal: Journal, operation: str, properties: Mapping[str, Any]) -> None:
    """Assert that the JSON body of the last request to an operation has some properties."""
    count, calls = journal.of(operation)
    last = next(iter(_compare(count, calls[-1:], properties)), None)
    if last is None or last.differences:
        head = f"{operation} was called {_times(count)}, expected the last time with {_names(properties)}."
        raise AssertionError("\n".join([head, *_describe(journal, count, last)]))


def not_called(journal: Journal, operation: str | None) -> None:
    """Assert that there was no request to an operation, or to any."""
    count, calls = journal.of(operation)
    if count:
        head = f"{operation or 'The service'} was called {_times(count)}, expected not to be."
        raise AssertionError(_list(head, [_spell(call) for call in calls], count))


def no_invalid_requests(journal: Journal) -> None:
    """Assert that the document allows every request."""
    count, calls = journal.invalid()
    if count:
        lines = [f"{_spell(call)}: {' '.join(violation.message for violation in call.violations)}" for call in calls]
        raise AssertionError(_list(f"The document allows all requests but {count}.", lines, count))


def all_used(rules: Iterable[Rule]) -> None:
    """Assert that no rule still waits for a request."""
    left = [str(rule) for rule in rules if rule.left]
    if left:
        head = "Of the script this did not happen, or not as often as said."
        raise AssertionError(_list(head, left, len(left)))


def _describe(journal: Journal, count: int, match: _Match | None) -> Iterator[str]:
    if match:
        yield f"Call {match.number}, {_spell(match.call)}:"
        yield from map("  {}".format, match.differences or ["has all that was expected"])
    elif count:
        yield f"None of them is among the last {journal.limit} requests, which are all that is kept."
    else:
        others = [f"{name or 'files and unknown paths'} {_times(n)}" for name, n in journal.counts().items()]
        yield f"Called was: {', '.join(others) or 'nothing'}."


def _compare(count: int, calls: Sequence[Entry], expected: Mapping[str, Any]) -> list[_Match]:
    """Compare calls, the last of `count`, with what was expected of one."""
    first = count - len(calls) + 1
    return [_Match(number, call, _differences(call, expected)) for number, call in enumerate(calls, first)]


def _nearest(matches: Iterable[_Match], expected: Mapping[str, Any]) -> _Match | None:
    """Return the match with the fewest differences, of those the one that reads most alike, of those the last."""
    return max(
        matches,
        key=lambda match: (-len(match.differences), _likeness(match.call, expected), match.number),
        default=None,
    )


def _properties(call: Entry) -> Mapping[str, Any]:
    return call.body if isinstance(call.body, dict) else {}


def _differences(call: Entry, expected: Mapping[str, Any]) -> list[str]:
    if expected and call.body is None and call.size > MAX_KEPT:
        return [f"the body has {call.size} bytes, and one of more than {MAX_KEPT} is not kept"]
    actual = _properties(call)
    return [
        f"{name}: expected {_apart(value, actual[name])}, actual {_apart(actual[name], value)}"
        if name in actual
        else f"{name}: expected {_apart(value)}, but it is missing"
        for name, value in expected.items()
        if name not in actual or actual[name] != value
    ]


def _likeness(call: Entry, expected: Mapping[str, Any]) -> float:
    actual = _properties(call)
    pairs = [(repr(value)[:_COMPARED], repr(actual.get(name))[:_COMPARED]) for name, value in expected.items()]
    return sum(SequenceMatcher(None, *pair).quick_ratio() for pair in pairs)


def _apart(value: Any, other: Any = "") -> str:
    """Return a value as a message shows it: where it is long, around the first difference from another one."""
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    first = next((at for at, (one, two) in enumerate(zip(text, repr(other), strict=False)) if one != two), 0)
    start = max(0, first - _BEFORE)
    end = start + _SHOWN
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _spell(call: Entry) -> str:
    scripted = " from the script" if call.scripted else ""
    return f"{call.method} {call.path}, answered {call.status}{scripted}"


def _names(properties: Iterable[str]) -> str:
    return ", ".join(properties) or "any body"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _list(head: str, lines: Sequence[str], count: int) -> str:
    """Return a head and the first of some lines; `count` tells how many there would be if all were kept."""
    shown = [f"  {line}" for line in lines[:_LISTED]]
    more = [f"  and {count - len(shown)} more"] if count > len(shown) else []
    return "\n".join([head, *shown, *more])
