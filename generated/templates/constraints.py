"""Hold requests to the document's constraints, which the stock models do not check.

Plain Python, without template syntax: types.py.jinja writes it into the package, beside the generator's own modules.
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

from attrs import Attribute, fields, frozen, has

from .errors import ConstraintViolation
from .types import UNSET, File, Unset

__all__ = ["Declared", "Undeclared", "an_object", "checked", "present", "read", "shorten", "within"]

Schema = Mapping[str, Any]

_LARGEST = sys.float_info.max
_DEEPEST = 128  # levels, the limit of serde_json: the lowest among common parsers, which RFC 8259, section 9, allows
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60


@frozen
class Declared:
    """An attrs validator that holds a property to its schema in the document.

    Attributes:
        name: The property's name in the document.
        required: Whether the property is required.
        schema: The schema's keywords and their values, as in the document; without any, the value must be JSON that all
            parsers read alike. None takes any value: a date of a response, or the like.
    """

    name: str
    required: bool
    schema: Schema | None

    def __call__(self, _instance: Any, _attribute: Attribute[Any], value: Any) -> None:
        """Raise ConstraintViolation if the value breaks the schema, or is required and missing."""
        checked(self.name, self.required, self.schema, value)


@frozen
class Undeclared:
    """An attrs validator that holds each property which the document does not name to one schema.

    Attributes:
        schema: The schema's keywords and their values, as for `Declared`.
    """

    schema: Schema

    def __call__(self, _instance: Any, _attribute: Attribute[Any], properties: Mapping[str, Any]) -> None:
        """Raise ConstraintViolation if the name or the value of a property cannot be sent, or breaks the schema."""
        for name, value in properties.items():
            if not _is_text(name):
                raise _not_json(name, name)
            _check(name, value, self.schema)


def read(model: type, value: Any) -> dict[str, Any]:
    """Return a copy of a JSON object that meets every constraint of a model.

    The code after this reads lists, dates and inner objects, and meets no value of another type.

    Raises:
        ConstraintViolation: The value is not an object, or one of its properties breaks a constraint.
    """
    properties = an_object(value)
    rest = dict(properties)
    names = []
    for attribute in fields(model):
        if isinstance(attribute.validator, Declared):
            names.append(attribute.validator.name)
            attribute.validator(None, attribute, rest.pop(attribute.validator.name, UNSET))
        else:  # the last attribute: what the document does not declare
            if attribute.validator:
                attribute.validator(None, attribute, rest)
            return properties
    for name, left in rest.items():
        limit = f"the allowed properties are: {', '.join(names)}" if names else "no properties are allowed"
        raise ConstraintViolation(name, left, "additionalProperties", False, f"is unknown; {limit}.")
    return properties


def checked(name: str, required: bool, schema: Schema | None, value: Any) -> Any:
    """Return a property's value if it meets its schema, or UNSET if it may be missing.

    Raises:
        ConstraintViolation: The value breaks a constraint, or is required and missing.
    """
    if not isinstance(value, Unset):
        if schema is not None:
            _check(name, value, schema)
    elif required:
        raise _missing(name)
    return value


def an_object(value: Any) -> dict[str, Any]:
    """Return a copy of a JSON object, or raise ConstraintViolation with an empty field if the value is not one."""
    if isinstance(value, Unset):
        raise _missing("")
    if not isinstance(value, Mapping):
        raise ConstraintViolation("", value, "type", "object", f"is {shorten(value)}; it must be an object.")
    return dict(value)


@contextmanager
def within(name: str) -> Iterator[None]:
    """Put a property's name in front of the field that is wrong inside its value."""
    try:
        yield
    except ConstraintViolation as error:
        field = f"{name}.{error.field}" if error.field else name
        raise ConstraintViolation(field, error.value, error.keyword, error.limit, error.problem) from error


def present(value: Any) -> Any:
    """Return a value of a response, with UNSET for null: services send null for what they leave out."""
    return UNSET if value is None else value


def shorten(value: Any) -> str:
    """Return a value as a message shows it: at most about 60 characters, and never the content of a file."""
    if isinstance(value, bytes | bytearray):
        return _counted(len(value), "byte")
    try:
        return _REPR.repr(value)
    except Exception:  # noqa: BLE001 - a caller's __repr__ may raise anything, and Python refuses to print huge numbers
        return f"a value of type {type(value).__name__}"


def _check(name: str, value: Any, schema: Schema) -> None:
    for keyword, limit in schema.items():
        if not _MEETS[keyword](value, limit):
            raise ConstraintViolation(name, value, keyword, limit, _problem(value, keyword, schema))
    if not schema:
        _check_json(name, value, level=2)
    if "items" in schema and isinstance(value, list):
        for index, item in enumerate(value):
            _check(f"{name}[{index}]", item, schema["items"])


def _check_json(name: str, value: Any, level: int) -> None:
    if value is None or isinstance(value, bool) or _is_text(value) or _is_number(value):
        return
    if not isinstance(value, dict | list | tuple):
        raise _not_json(name, value)
    if level > _DEEPEST:
        problem = f"is nested too deeply; the limit is {_DEEPEST} levels."
        raise ConstraintViolation(name, value, "type", _DEEPEST, problem)
    if isinstance(value, dict):
        for key in value:
            if not _is_text(key):
                raise _not_json(name, key)
    for inner in value.values() if isinstance(value, dict) else value:
        _check_json(name, inner, level + 1)


def _missing(name: str) -> ConstraintViolation:
    return ConstraintViolation(name, None, "required", True, "is missing; it is required.")


def _not_json(name: str, value: Any) -> ConstraintViolation:
    json = "JSON: null, booleans, numbers that a double can hold, Unicode text, arrays and objects"
    return ConstraintViolation(name, value, "type", "JSON", f"contains {shorten(value)}; it must be {json}.")


def _is_text(value: Any) -> bool:
    """Return whether a value is text in every encoding; a lone surrogate is a character to Python alone."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def _is_number(value: Any) -> bool:
    """Return whether all parsers read the same number (RFC 7493, section 2.2): it fits a double."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _exact(number: Any) -> Any:
    """Return a number without the rounding of binary fractions, in which 0.3 is not a multiple of 0.1."""
    from fractions import Fraction  # noqa: PLC0415 - loaded only for documents with a multipleOf

    return number if isinstance(number, int) else Fraction(str(number))


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if not isinstance(one, str | int | float | NoneType):
        return False
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _matches(pattern: str, value: str) -> bool:
    """Return whether ECMA 262 finds a pattern: there `$` is the very end of the text, and classes are ASCII."""
    python = re.sub(r"(\\.|\[(?:\\.|[^\]])*\])|\$", lambda found: found[1] or r"\Z", pattern)
    return re.search(python, value, re.ASCII) is not None


def _size(value: Any) -> int:
    return value.size() if isinstance(value, File) else len(value)


def _has_size(value: Any, kind: Any, least: float, most: float) -> bool:
    return not isinstance(value, kind) or least <= _size(value) <= most


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _repeats(items: list[Any]) -> list[Any]:
    """Return the items that are equal to an earlier one."""
    return [item for index, item in enumerate(items) if any(_same(item, earlier) for earlier in items[:index])]


_TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "array": ("an array", lambda value: isinstance(value, list)),
    "boolean": ("a boolean", lambda value: isinstance(value, bool)),
    "integer": ("an integer", lambda value: _is_number(value) and value % 1 == 0),
    "null": ("null", lambda value: value is None),
    "number": ("a number", _is_number),
    "object": ("an object", lambda value: isinstance(value, dict) or has(type(value))),
    "string": ("a string", _is_text),
}

# As in JSON Schema, a keyword holds only for values of its own type.
_MEETS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, types: any(_TYPES[name][1](value) for name in _listed(types)),
    "enum": lambda value, options: (
        value in options if isinstance(value, str) else any(_same(value, option) for option in options)
    ),
    "const": _same,
    "format": lambda value, _: isinstance(value, File),
    "minLength": lambda value, least: _has_size(value, (str, File), least, math.inf),
    "maxLength": lambda value, most: _has_size(value, (str, File), 0, most),
    "pattern": lambda value, pattern: not isinstance(value, str) or _matches(pattern, value),
    "minimum": lambda value, least: not _is_number(value) or value >= least,
    "maximum": lambda value, most: not _is_number(value) or value <= most,
    "exclusiveMinimum": lambda value, least: not _is_number(value) or value > least,
    "exclusiveMaximum": lambda value, most: not _is_number(value) or value < most,
    "multipleOf": lambda value, step: not _is_number(value) or _exact(value) % _exact(step) == 0,
    "minItems": lambda value, least: _has_size(value, list, least, math.inf),
    "maxItems": lambda value, most: _has_size(value, list, 0, most),
    "uniqueItems": lambda value, unique: not unique or not isinstance(value, list) or not _repeats(value),
    "items": lambda _value, _schema: True,
}

_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}

_LIMITS: dict[str, Callable[[Any], str]] = {
    "enum": lambda options: f"it must be {'one of ' * (len(options) > 1)}{', '.join(map(repr, options))}",
    "const": lambda value: f"it must be {value!r}",
    "format": lambda _: "it must be a File",
    "pattern": lambda pattern: f"it must match {pattern!r}",
    "multipleOf": lambda step: f"it must be a multiple of {step}",
    "uniqueItems": lambda _: "each item must be unique",
}


def _problem(value: Any, keyword: str, schema: Schema) -> str:
    """Return what is wrong with a value, and the limit."""
    if keyword == "type":
        return _problem_of_type(value, _listed(schema[keyword]))
    limit = _LIMITS[keyword](schema[keyword]) if keyword in _LIMITS else _range(keyword, schema)
    match keyword:
        case "minLength" | "maxLength":
            return f"has {_counted(_size(value), 'byte' if isinstance(value, File) else 'character')}; {limit}."
        case "minItems" | "maxItems":
            return f"has {_counted(len(value), 'item')}; {limit}."
        case "uniqueItems":
            return f"contains {shorten(_repeats(value)[0])} twice; {limit}."
        case _:
            return f"is {shorten(value)}; {limit}."


def _problem_of_type(value: Any, types: list[str]) -> str:
    if isinstance(value, str) and "string" in types:
        return "has a lone surrogate; it must be Unicode text."
    number = isinstance(value, int | float) and not isinstance(value, bool) and not _is_number(value)
    if number and {"integer", "number"} & set(types):
        return f"is {shorten(value)}; it must be a number that a double can hold."
    return f"is {shorten(value)}; it must be {' or '.join(_TYPES[name][0] for name in types)}."


def _range(keyword: str, schema: Schema) -> str:
    """Return both ends of the range that a bound belongs to."""
    if keyword in _BOUNDS and {"exclusiveMinimum", "exclusiveMaximum"} & set(schema):
        bounds = " and ".join(f"{words} {schema[bound]}" for bound, words in _BOUNDS.items() if bound in schema)
        return f"it must be {bounds}"
    low, high = (schema.get(end + keyword[3:]) for end in ("min", "max"))
    if low is None or high is None:
        return f"the maximum is {high}" if low is None else f"the minimum is {low}"
    return f"the limit is {low} to {high}"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
