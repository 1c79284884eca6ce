"""What the stock models do not check: a request is held to the document's constraints, an answer to its types.

Plain Python, so no template: `make generate` copies it into the package, beside what the generator writes there.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from reprlib import Repr
from types import NoneType
from typing import Any

from attrs import Attribute, has

from .errors import ConstraintViolation
from .types import UNSET, File, Unset

__all__ = ["a_list", "an_object", "constraints", "present", "refuse_unknown", "shorten", "undeclared", "within"]


def present(value: Any, kind: type = object) -> Any:
    """Return the value, or UNSET for a null: an answer that says null says nothing."""
    if value is None or isinstance(value, Unset):
        return UNSET
    if not isinstance(value, kind):
        raise TypeError(f"{shorten(value)} is no {kind.__name__}")
    return value


def an_object(value: Any) -> dict[str, Any]:
    """Return the properties of a request, or raise ConstraintViolation, whose field is empty, if it has none."""
    if not isinstance(value, Mapping):
        raise ConstraintViolation(
            "", value, "type", "object", f"The body is {shorten(value)}; the service accepts an object. Change it."
        )
    return dict(value)


@contextmanager
def within(name: str) -> Iterator[None]:
    """Put the property's name before the name of what is wrong inside it."""
    try:
        yield
    except ConstraintViolation as error:
        field, message = f"{name}.{error.field}", f"{name}.{error.message}"
        if not error.field:
            field, message = name, error.message.replace("The body", name, 1)
        raise ConstraintViolation(field, error.value, error.keyword, error.limit, message) from error


def a_list(value: Any) -> Any:
    """Return the items of a property, or raise ConstraintViolation, whose field is empty, if it has none."""
    if not isinstance(value, list | Unset):
        raise ConstraintViolation(
            "", value, "type", "array", f"The body is {shorten(value)}; the service accepts a list. Change it."
        )
    return value


def refuse_unknown(properties: Mapping[str, Any]) -> None:
    """Raise ConstraintViolation if a property is left over where the document allows no additional ones."""
    for name, value in properties.items():
        raise ConstraintViolation(
            name, value, "additionalProperties", False, f"{name} is no property that the service accepts. Remove it."
        )


def constraints(name: str, required: bool, schema: dict[str, Any]) -> Callable[[Any, Attribute[Any], Any], None]:
    """Return an attrs validator which holds a property to its schema in the document.

    Args:
        name: The property's name in the document.
        required: Whether the property must be given.
        schema: The keywords and their values, as in the document.
    """

    def validate(_instance: Any, _attribute: Attribute[Any], value: Any) -> None:
        if not isinstance(value, Unset):
            _check(name, value, schema)
        elif required:
            raise ConstraintViolation(
                name, None, "required", True, f"{name} is missing; the service requires it. Give it."
            )

    return validate


def _check(name: str, value: Any, schema: dict[str, Any]) -> None:
    for keyword, limit in schema.items():
        if not _MEETS[keyword](value, limit):
            raise ConstraintViolation(name, value, keyword, limit, _message(name, value, keyword, schema))
    for index, item in enumerate(value if "items" in schema else ()):
        _check(f"{name}[{index}]", item, schema["items"])


def _is_text(value: Any) -> bool:
    """A lone surrogate is a character to Python, but in no encoding that can be sent."""
    return isinstance(value, str) and not _SURROGATE.search(value)


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _is_number(value: Any) -> bool:
    """A number beyond a double, or none, is another number to each reader (RFC 7493, section 2.2)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


_LARGEST = sys.float_info.max


def undeclared(_instance: Any, _attribute: Attribute[Any], properties: dict[str, Any]) -> None:
    """Hold undeclared properties to what all readers of JSON agree on, as an attrs validator."""
    for name, value in properties.items():
        if not _is_text(name):
            raise _no_json(name, name)
        _check_json(name, value, level=2)


def _check_json(name: str, value: Any, level: int) -> None:
    if value is None or isinstance(value, bool) or _is_text(value) or _is_number(value):
        return
    if isinstance(value, dict | list | tuple):
        if level > _DEEPEST:
            raise ConstraintViolation(
                name,
                value,
                "type",
                _DEEPEST,
                f"{_shown(name)} is nested too deep; the service accepts {_DEEPEST} levels. Flatten it.",
            )
        for key, inner in (
            value.items() if isinstance(value, dict) else ((str(index), item) for index, item in enumerate(value))
        ):
            if not _is_text(key):
                raise _no_json(name, key)
            _check_json(name, inner, level + 1)
        return
    raise _no_json(name, value)


# Of the common parsers serde_json reads the fewest levels; a limit is the reader's right (RFC 8259, section 9).
_DEEPEST = 128


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) < _REPR.maxstring else shorten(name)


def _no_json(name: str, value: Any) -> ConstraintViolation:
    accepted = "null, booleans, numbers of a double, Unicode text, and lists and objects of those"
    return ConstraintViolation(
        name,
        value,
        "type",
        "JSON",
        f"{_shown(name)} holds {shorten(value)}; the service accepts JSON: {accepted}. Change it.",
    )


def _exact(number: Any) -> Any:
    from fractions import Fraction  # noqa: PLC0415 - few documents have a multipleOf

    return number if isinstance(number, int) else Fraction(str(number))


def _same(one: Any, other: Any) -> bool:
    """JSON's equality: 1 is 1.0, but true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if not isinstance(one, (str, int, float, NoneType)):
        return False
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _matches(pattern: str, value: str) -> bool:
    """A pattern is ECMA 262's, whose `$` is the very end of the text and whose classes are ASCII."""
    python = re.sub(r"(\\.|\[(?:\\.|[^\]])*\])|\$", lambda found: found[1] or r"\Z", pattern)
    return re.search(python, value, re.ASCII) is not None


def _size(value: Any) -> int:
    return value.size() if isinstance(value, File) else len(value)


def _counts(value: Any, kind: Any, least: float, most: float) -> bool:
    return not isinstance(value, kind) or least <= _size(value) <= most


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "array": ("a list", lambda value: isinstance(value, list)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("a whole number", lambda value: _is_number(value) and value % 1 == 0),
    "null": ("null", lambda value: value is None),
    "number": ("a number", _is_number),
    "object": ("an object", lambda value: isinstance(value, dict) or has(type(value))),
    "string": ("a string of Unicode text", _is_text),
}

# As in JSON Schema, a keyword speaks only of values of its own type.
_MEETS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, types: any(_TYPES[name][1](value) for name in _listed(types)),
    "enum": lambda value, options: (
        value in options if isinstance(value, str) else any(_same(value, option) for option in options)
    ),
    "const": _same,
    "format": lambda value, _: isinstance(value, File),
    "minLength": lambda value, least: _counts(value, (str, File), least, math.inf),
    "maxLength": lambda value, most: _counts(value, (str, File), 0, most),
    "pattern": lambda value, pattern: not isinstance(value, str) or _matches(pattern, value),
    "minimum": lambda value, least: not _is_number(value) or value >= least,
    "maximum": lambda value, most: not _is_number(value) or value <= most,
    "exclusiveMinimum": lambda value, least: not _is_number(value) or value > least,
    "exclusiveMaximum": lambda value, most: not _is_number(value) or value < most,
    "multipleOf": lambda value, step: not _is_number(value) or _exact(value) % _exact(step) == 0,
    "minItems": lambda value, least: _counts(value, list, least, math.inf),
    "maxItems": lambda value, most: _counts(value, list, 0, most),
    "uniqueItems": lambda value, unique: not unique or not isinstance(value, list) or _repeated(value) is None,
    "items": lambda _value, _schema: True,
}

_REMEDIES = {
    "minLength": "Lengthen it.",
    "maxLength": "Shorten it.",
    "minItems": "Add some.",
    "maxItems": "Remove some.",
    "minimum": "Raise it.",
    "exclusiveMinimum": "Raise it.",
    "maximum": "Lower it.",
    "exclusiveMaximum": "Lower it.",
    "uniqueItems": "Remove the repetition.",
}

_BOUNDS = {
    "minLength": "at least {}",
    "maxLength": "at most {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _repeated(items: list[Any]) -> int | None:
    for index, item in enumerate(items):
        if any(_same(item, earlier) for earlier in items[:index]):
            return index
    return None


def _message(name: str, value: Any, keyword: str, schema: dict[str, Any]) -> str:
    limit = schema[keyword]
    if keyword in ("minLength", "maxLength"):
        received = f"has {_size(value)} {'bytes' if isinstance(value, File) else 'characters'}"
    elif keyword in ("minItems", "maxItems"):
        received = f"has {len(value)} items"
    elif keyword == "uniqueItems":
        received = f"has the item {shorten(value[_repeated(value) or 0])} twice"
    else:
        received = f"is {shorten(value)}"
    if keyword in _BOUNDS:
        accepted = " and ".join(text.format(schema[bound]) for bound, text in _BOUNDS.items() if bound in schema)
        accepted = re.sub(r"^at least (\S+) and at most", r"\1 to", accepted)
    elif keyword == "type":
        accepted = " or ".join(_TYPES[name][0] for name in _listed(limit))
    elif keyword == "enum":
        accepted = ", ".join(map(repr, limit))
    else:
        accepted = {
            "const": f"only {limit!r}",
            "format": "a File",
            "pattern": f"text that matches {limit!r}",
            "multipleOf": f"multiples of {limit}",
            "uniqueItems": "each item once",
        }[keyword]
    return f"{name} {received}; the service accepts {accepted}. {_REMEDIES.get(keyword, 'Change it.')}"


def shorten(value: Any) -> str:
    """Return the value as it may stand in a message: in at most some 60 characters, and never a file's bytes."""
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    try:
        return _REPR.repr(value)
    except Exception:  # noqa: BLE001 - a number of too many digits, a repr of the caller's that fails
        return f"a value of type {type(value).__name__}"


_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60
