"""The words for a value that a schema refuses: its place, what is wrong, and the limit."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SHOWN = 60  # characters of a value or key; enough to recognise it


def explain(name: str, keyword: str, schema: Mapping[str, Any], received: Any, unit: str = "character") -> str:
    """Say why a keyword of `schema` refuses `received`; `unit` is what the length of a text counts."""
    value: Any = schema.get(keyword)
    match keyword:
        case "required":
            return f"{name} is missing; it is required."
        case "additionalProperties":
            known = ", ".join(schema.get("properties", ()))
            limit = f"the allowed properties are: {known}" if known else "no properties are allowed"
            return f"{name} is unknown; {limit}."
        case "uniqueItems":
            return f"{name} has an item twice; each item must be unique."
        case "minItems" | "maxItems" | "minLength" | "maxLength":
            count, unit = len(received), "item" if keyword.endswith("Items") else unit
            return f"{name} has {count} {unit}{'s' * (count != 1)}; {_range(keyword, schema)}."
    demands: dict[str, Callable[[], str]] = {
        "const": lambda: f"it must be {show(value)}",
        "enum": lambda: f"it must be one of {', '.join(map(show, value))}",
        "exclusiveMaximum": lambda: f"it must be less than {value}",
        "exclusiveMinimum": lambda: f"it must be more than {value}",
        "format": lambda: f"it must be a {value}",
        "maximum": lambda: _range(keyword, schema),
        "minimum": lambda: _range(keyword, schema),
        "multipleOf": lambda: f"it must be a multiple of {value}",
        "pattern": lambda: f"it must match {value}",
        "type": lambda: f"it must be {' or '.join(map(_kind, [value] if isinstance(value, str) else value))}",
    }
    demanded = demands.get(keyword, lambda: f"{keyword} of the document does not allow it")
    return f"{name} is {show(received)}; {demanded()}."


def undeclared(place: str) -> str:
    """Say that the document does not name a property."""
    return f"{place} is not in the document."


def demand(name: str, value: object, kind: type, what: str) -> None:
    """Check that an argument is of a kind; `what` says what to use.

    Raises:
        ValueError: It is not.
    """
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {cut(repr(value))}; use {what}.")  # noqa: TRY004


def spell(path: Sequence[str | int]) -> str:
    """Return a path into the body as a reader knows it, such as `image_urls[3]`."""
    spelled = "".join(f"[{token}]" if isinstance(token, int) else f".{token}" for token in path)
    return spelled.removeprefix(".") or "The body"


def show(value: Any) -> str:
    """Return a value as a message shows it: as JSON, shortened, and a container by its kind."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return cut(json.dumps(value[: _SHOWN + 1] if isinstance(value, str) else value, ensure_ascii=False))


def cut(value: Any) -> str:
    """Return a value as text, shortened."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _range(keyword: str, schema: Mapping[str, Any]) -> str:
    """Return the limits that a keyword and its opposite set."""
    low, high = (schema.get(end + keyword[3:]) for end in ("min", "max"))
    if low is None or high is None:
        return f"the maximum is {high}" if low is None else f"the minimum is {low}"
    return f"the limit is {low} to {high}"


def _kind(name: str) -> str:
    return name if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}"
