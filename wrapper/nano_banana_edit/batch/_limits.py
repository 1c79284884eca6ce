"""How much is done at once."""

from __future__ import annotations

from typing import Any

from attrs import Attribute, field, frozen

from .._errors import must_be


def check_at_least_1(name: str, value: Any) -> None:
    """Raise InvalidRequest if an argument is not a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise must_be("a whole number, at least 1", name, value)


def _at_least_1(_limits: object, attribute: Attribute[Any], value: Any) -> None:
    if value != attribute.default:
        check_at_least_1(attribute.name, value)


def _above_0(_limits: object, attribute: Attribute[Any], value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < float("inf")):
        raise must_be("a number above 0, or None for no limit", attribute.name, value)


@frozen(kw_only=True)
class Limits:
    """How much a batch does at once.

    Attributes:
        in_flight: Submissions at a time, uploads included, at least 1; default 16. A crash leaves no more unknown.
        open_tasks: Edits at a time that are submitted, waited for or saved, at least 1; default 64.
        downloads: Results fetched at a time, at least 1; default 8.
        per_second: Submissions in a second, above 0; default: no limit.
        per_minute: Submissions in a minute, above 0; default: no limit. A 429 slows the whole batch in any case.
        max_edits: Submissions in all, at least 1, of this run; default: no limit.
    """

    in_flight: int = field(default=16, validator=_at_least_1)
    open_tasks: int = field(default=64, validator=_at_least_1)
    downloads: int = field(default=8, validator=_at_least_1)
    per_second: float | None = field(default=None, validator=_above_0)
    per_minute: float | None = field(default=None, validator=_above_0)
    max_edits: int | None = field(default=None, validator=_at_least_1)
