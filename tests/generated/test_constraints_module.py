"""The module of constraints: each keyword's verdict and message, through validators and small models."""

from __future__ import annotations

import io
import math
import pickle
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from nano_banana_edit_client.constraints import (
    Declared,
    Undeclared,
    an_object,
    checked,
    present,
    read,
    shorten,
    within,
)
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.types import UNSET, File

LARGEST = sys.float_info.max
JSON = "it must be JSON: null, booleans, numbers that a double can hold, Unicode text, arrays and objects."


def file(size: int) -> File:
    return File(io.BytesIO(b"x" * size))


def problem(schema: dict[str, Any] | None, value: Any, *, required: bool = False) -> str:
    """What a model says against a value of its property; nothing if it takes it."""
    model = attrs.make_class("Model", {"n": attrs.field(validator=Declared("n", required, schema))})
    try:
        model(value)
    except ConstraintViolation as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"type": "array"}, [[], [1]]),
        ({"type": "boolean"}, [True, False]),
        ({"type": "integer"}, [0, -1, 1.0, 2**60]),
        ({"type": "null"}, [None]),
        ({"type": "number"}, [0, 1.5, -1e300, LARGEST, -LARGEST]),
        ({"type": "object"}, [{}, {"a": 1}, attrs.make_class("Inner", [])()]),
        ({"type": "string"}, ["", "a", "😀"]),
        ({"type": ["string", "null"]}, ["a", None]),
        ({"enum": ["a", 1, None]}, ["a", 1, 1.0, None]),
        ({"enum": [[1], {"a": 1}]}, [[1.0], {"a": 1.0}]),
        ({"const": 1}, [1, 1.0]),
        ({"const": {"a": [True]}}, [{"a": [True]}]),
        ({"format": "binary"}, [file(0)]),
        ({"maxLength": 0}, ["", file(0)]),
        ({"maxItems": 0}, [[]]),
        ({"minLength": 2, "maxLength": 3}, ["ab", "abc", "😀😀", file(2), file(3), 5, None]),
        ({"minItems": 1, "maxItems": 2}, [[1], [1, 2], "abc", {}]),
        ({"uniqueItems": True}, [[], [1, True, "1"], "aa", [[1], [2]]]),
        ({"uniqueItems": False}, [[1, 1]]),
        ({"minimum": 1, "maximum": 2}, [1, 1.5, 2, "9", True]),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 2}, [1.5, "9"]),
        ({"multipleOf": 0.1}, [0.3, 0, 7, -0.7, "x"]),
        ({"multipleOf": 3}, [9, 0, -3.0]),
        ({"pattern": "^a$"}, ["a", 3]),
        ({"pattern": r"\$[$]\d"}, ["$$1"]),
        ({"items": {"type": "string", "maxLength": 1}}, [["a", ""], [], "abc", None]),
        (None, [object()]),
    ],
)
def test_accepts(schema: dict[str, Any], values: list[Any]) -> None:
    """A value that meets each keyword, or that is of a type the keyword does not hold for, is accepted."""
    assert [""] * len(values) == [problem(schema, value) for value in values]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "array"}, "ab", "n is 'ab'; it must be an array."),
        ({"type": "array"}, (1,), "n is (1,); it must be an array."),
        ({"type": "boolean"}, 1, "n is 1; it must be a boolean."),
        ({"type": "integer"}, 1.5, "n is 1.5; it must be an integer."),
        ({"type": "integer"}, True, "n is True; it must be an integer."),
        ({"type": "number"}, "1", "n is '1'; it must be a number."),
        ({"type": "number"}, math.inf, "n is inf; it must be a number that a double can hold."),
        ({"type": "integer"}, math.nan, "n is nan; it must be a number that a double can hold."),
        ({"type": "object"}, [], "n is []; it must be an object."),
        ({"type": "string"}, 5, "n is 5; it must be a string."),
        ({"type": "string"}, math.inf, "n is inf; it must be a string."),
        ({"type": "string"}, "a\ud800", "n has a lone surrogate; it must be Unicode text."),
        ({"type": "integer"}, "a\ud800", r"n is 'a\ud800'; it must be an integer."),
        ({"type": ["integer", "null"]}, "2", "n is '2'; it must be an integer or null."),
        ({"enum": ["a", 1, None]}, "b", "n is 'b'; it must be one of 'a', 1, None."),
        ({"enum": ["a", 1]}, True, "n is True; it must be one of 'a', 1."),
        ({"enum": ["a"]}, object, "n is <class 'object'>; it must be 'a'."),
        ({"enum": [{"a": 1}]}, {"b": 1}, "n is {'b': 1}; it must be {'a': 1}."),
        ({"const": [1]}, [1, 2], "n is [1, 2]; it must be [1]."),
        ({"const": False}, 0, "n is 0; it must be False."),
        ({"const": [1]}, 1, "n is 1; it must be [1]."),
        ({"const": 1}, [1], "n is [1]; it must be 1."),
        ({"const": [1]}, [2], "n is [2]; it must be [1]."),
        ({"const": {"a": 1}}, "a", "n is 'a'; it must be {'a': 1}."),
        ({"const": "a"}, {"a": 1}, "n is {'a': 1}; it must be 'a'."),
        ({"const": {"a": 1}}, {"a": 2}, "n is {'a': 2}; it must be {'a': 1}."),
        ({"format": "binary"}, b"abc", "n is 3 bytes; it must be a File."),
        ({"minLength": 2}, "a", "n has 1 character; the minimum is 2."),
        ({"maxLength": 3}, "abcd", "n has 4 characters; the maximum is 3."),
        ({"minLength": 2, "maxLength": 3}, "", "n has 0 characters; the limit is 2 to 3."),
        ({"maxLength": 3}, file(4), "n has 4 bytes; the maximum is 3."),
        ({"minLength": 2}, file(1), "n has 1 byte; the minimum is 2."),
        ({"maxLength": 3, "exclusiveMinimum": 0}, "abcd", "n has 4 characters; the maximum is 3."),
        ({"minItems": 2}, [1], "n has 1 item; the minimum is 2."),
        ({"maxItems": 0}, [1, 2], "n has 2 items; the maximum is 0."),
        ({"minItems": 1, "maxItems": 2}, [], "n has 0 items; the limit is 1 to 2."),
        ({"uniqueItems": True}, ["b", "a", 1, "a"], "n contains 'a' twice; each item must be unique."),
        ({"uniqueItems": True}, [{"a": [1]}, {"a": [1.0]}], "n contains {'a': [1.0]} twice; each item must be unique."),
        ({"minimum": 0}, -1, "n is -1; the minimum is 0."),
        ({"maximum": 5}, 6, "n is 6; the maximum is 5."),
        ({"minimum": 1, "maximum": 9}, 10, "n is 10; the limit is 1 to 9."),
        ({"exclusiveMinimum": 0}, 0, "n is 0; it must be more than 0."),
        ({"minimum": 0, "exclusiveMaximum": 90}, 90, "n is 90; it must be at least 0 and less than 90."),
        ({"exclusiveMinimum": 0, "maximum": 9}, 9.5, "n is 9.5; it must be more than 0 and at most 9."),
        ({"multipleOf": 5}, 7, "n is 7; it must be a multiple of 5."),
        ({"multipleOf": 0.1}, 0.35, "n is 0.35; it must be a multiple of 0.1."),
        ({"pattern": "^[A-Z]+$"}, "ab", "n is 'ab'; it must match '^[A-Z]+$'."),
        ({"pattern": "a$"}, "a\n", r"n is 'a\n'; it must match 'a$'."),
        ({"pattern": r"\d"}, "٣", r"n is '٣'; it must match '\\d'."),
        ({"items": {"type": "string"}}, ["a", 3], "n[1] is 3; it must be a string."),
        ({}, math.nan, f"n contains nan; {JSON}"),
        ({"items": {}}, [0, {"a": math.nan}], f"n[1] contains nan; {JSON}"),
        ({"items": {"items": {"maximum": 1}}}, [[], [1, 2]], "n[1][1] is 2; the maximum is 1."),
    ],
)
def test_refuses(schema: dict[str, Any], value: Any, message: str) -> None:
    """A value that breaks a keyword is refused in a sentence with the field, what is wrong, and the limit."""
    assert message == problem(schema, value)


@pytest.mark.parametrize("schema", [{}, {"type": "string"}, None])
def test_missing(schema: dict[str, Any] | None) -> None:
    """A missing property is refused if it is required, whatever its schema."""
    assert "" == problem(schema, UNSET)
    assert "n is missing; it is required." == problem(schema, UNSET, required=True)


def test_checked_returns_the_value() -> None:
    """What was checked is what comes back, UNSET included."""
    assert ([1], UNSET) == (checked("n", True, {"type": "array"}, [1]), checked("n", False, {"type": "array"}, UNSET))


def test_violations_say_what_they_are() -> None:
    """Field, value, keyword, limit and problem are attributes, and a pickle keeps them."""
    with pytest.raises(ConstraintViolation) as refusal:
        checked("n", True, {"items": {"maxLength": 1}}, ["ab"])
    for error in (refusal.value, pickle.loads(pickle.dumps(refusal.value))):
        assert ("n[0]", "ab", "maxLength", 1) == (error.field, error.value, error.keyword, error.limit)
        assert (error.problem, f"n[0] {error.problem}") == ("has 2 characters; the maximum is 1.", str(error))


@attrs.define
class Open:
    properties: dict[Any, Any] = attrs.field(validator=Undeclared({}))


def nested(levels: int) -> Any:
    return None if levels == 0 else [nested(levels - 1)] if levels % 2 else {"a": nested(levels - 1)}


@pytest.mark.parametrize(
    "value", [None, True, 1, 1.5, "a", [], {}, (1, 2), {"a": [{"b": "c"}]}, pytest.param(nested(127), id="deep")]
)
def test_undeclared_properties_may_be_json(value: Any) -> None:
    """A property that the document does not declare may be any JSON, down to 128 levels with the body."""
    assert Open({"n": value}).properties == {"n": value}


@pytest.mark.parametrize(
    ("properties", "field", "shown"),
    [
        ({"n": math.nan}, "n", "contains nan"),
        ({"n": -math.inf}, "n", "contains -inf"),
        ({"n": b"ab"}, "n", "contains 2 bytes"),
        ({"n": [{"a": {1}}]}, "n", "contains {1}"),
        ({"n": {"a": {3: 1}}}, "n", "contains 3"),
        ({"n": {"\ud800": 1}}, "n", r"contains '\ud800'"),
        ({"\ud800": 1}, "\ud800", r"contains '\ud800'"),
    ],
)
def test_undeclared_properties_must_be_json(properties: dict[Any, Any], field: str, shown: str) -> None:
    """Whatever parsers of JSON disagree on is refused by the name of the property."""
    with pytest.raises(ConstraintViolation) as refusal:
        Open(properties)
    assert (field, f"{shown}; {JSON}") == (refusal.value.field, refusal.value.problem)
    str(refusal.value).encode()


def test_undeclared_properties_may_not_be_deep() -> None:
    """A property that is nested beyond 128 levels is refused."""
    with pytest.raises(ConstraintViolation, match=r"^n is nested too deeply; the limit is 128 levels\.$"):
        Open({"n": nested(128)})


@pytest.mark.parametrize(
    ("refuse", "keyword", "limit", "value"),
    [
        (lambda: checked("n", True, {}, UNSET), "required", True, None),
        (lambda: an_object(3), "type", "object", 3),
        (lambda: read(attrs.make_class("Model", []), {"n": 3}), "additionalProperties", False, 3),
        (lambda: Open({"n": ...}), "type", "JSON", ...),
        (lambda: Open({"n": nested(128)}), "type", 128, nested(1)),
    ],
)
def test_violations_name_the_keyword(refuse: Callable[[], object], keyword: str, limit: Any, value: Any) -> None:
    """Whatever is refused, the error names the keyword of the document, its value, and the value received."""
    with pytest.raises(ConstraintViolation) as refusal:
        refuse()
    assert (keyword, limit, value) == (refusal.value.keyword, refusal.value.limit, refusal.value.value)


def test_names_are_readable_in_messages() -> None:
    """A name that cannot be printed, or is too long, is shortened in the message and whole in the attribute."""
    for name in ("a\nb", "x" * 5_000):
        with pytest.raises(ConstraintViolation) as refusal:
            Open({name: math.nan})
        assert name == refusal.value.field
        assert len(str(refusal.value).splitlines()[0]) < 200
        assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("allowed", "message"),
    [(["a", "b"], "x is unknown; the allowed properties are: a, b."), ([], "x is unknown; no properties are allowed.")],
)
def test_unknown_properties(allowed: list[str], message: str) -> None:
    """A property that is left over is refused, with the names of those that are allowed."""
    fields = {name: attrs.field(validator=Declared(name, False, {})) for name in allowed}
    model = attrs.make_class("Model", fields)
    body = dict.fromkeys(allowed)
    assert body == read(model, body)
    with pytest.raises(ConstraintViolation) as refusal:
        read(model, {"x": 1} | body)
    assert message == str(refusal.value)


@pytest.mark.parametrize("validator", [None, Undeclared({"type": "integer"})])
def test_properties_that_are_left_over(validator: Undeclared | None) -> None:
    """A model with room for more takes any property that meets the schema for them, if there is one."""
    model = attrs.make_class("Model", {"more": attrs.field(validator=validator)})
    assert {"a": 1} == read(model, {"a": 1})
    if validator:
        with pytest.raises(ConstraintViolation, match=r"^a is 'b'; it must be an integer\.$"):
            read(model, {"a": "b"})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "The body is []; it must be an object."),
        (None, "The body is None; it must be an object."),
        (UNSET, "The body is missing; it is required."),
    ],
)
def test_bodies_are_objects(value: Any, message: str) -> None:
    """A body that is not an object is refused without a field; an object is copied."""
    body = {"a": 1}
    assert body == an_object(body)
    assert body is not an_object(body)
    with pytest.raises(ConstraintViolation) as refusal:
        an_object(value)
    assert ("", message) == (refusal.value.field, str(refusal.value))


def test_paths_lead_inside() -> None:
    """What is wrong inside a property is named by its path; what is wrong with the property itself, by its name."""
    with pytest.raises(ConstraintViolation) as refusal, within("a"), within("b"):
        checked("c", True, {}, UNSET)
    assert ("a.b.c", "a.b.c is missing; it is required.") == (refusal.value.field, str(refusal.value))
    with pytest.raises(ConstraintViolation) as refusal, within("a"):
        an_object(3)
    assert ("a", "a is 3; it must be an object.") == (refusal.value.field, str(refusal.value))


def test_null_in_a_response_is_no_value() -> None:
    """Null becomes UNSET; any other value stays, false ones included."""
    assert [UNSET, 0, ""] == [present(None), present(0), present("")]


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


class array:  # noqa: N801 - reprlib takes every class of this name for the one of the standard library
    pass


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("ab", "'ab'"),
        (b"a", "1 byte"),
        (bytearray(3), "3 bytes"),
        (Broken(), "<Broken instance at "),
        (array(), "a value of type array"),
        ([1, 2], "[1, 2]"),
    ],
)
def test_values_are_shortened(value: Any, shown: str) -> None:
    """A message shows a value as Python does, never a file's bytes, and whatever its repr does."""
    assert shorten(value).startswith(shown)


@pytest.mark.parametrize(
    "value", ["x" * 5_000, list("x" * 5_000), 10**90, {"x" * 5_000: 1}, {"n": 10**5_000}], ids=type
)
def test_long_values_are_shortened(value: Any) -> None:
    """A message shows some 60 characters of a string or number, and the first items of a collection."""
    assert len(shorten(value)) < 140
