"""The oracle: what the document says of a body, by code that no layer shares (Python's jsonschema, and a walk)."""

from __future__ import annotations

from typing import Any

import jsonschema

from ..document import CONTRACT

MAX_LEVELS = 128
_VALIDATOR = jsonschema.Draft202012Validator({**CONTRACT.document, "$ref": "#/components/schemas/EditRequest"})
_WHOLE = ""  # the field that is blamed where the body is no object


def blamed(body: Any) -> frozenset[str]:
    """The properties at fault; none where the document accepts the body."""
    fields = set()
    for error in _VALIDATOR.iter_errors(body):
        missing = error.validator == "required" and not error.absolute_path
        names = [name for name in error.validator_value if name not in body] if missing else error.absolute_path
        fields.add(str(next(iter(names), _WHOLE)))
        fields.update(names if missing else ())
    if isinstance(body, dict):
        fields.update(name for name, value in body.items() if not (sound(name) and sound(value)))
    return frozenset(fields)


def sound(value: Any, level: int = 2) -> bool:
    """Whether all readers of JSON take a value for the same one (RFC 7493); `level` counts the containers."""
    match value:
        case str():
            return value.encode("utf-8", "replace") == value.encode("utf-8", "surrogatepass")
        case bool() | None:
            return True
        case int() | float():
            return abs(value) <= 1.7976931348623157e308  # of a double, IEEE 754
        case dict() | list():
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            return level <= MAX_LEVELS and all(sound(item, level + 1) for item in inner)
    return False
