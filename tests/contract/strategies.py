"""Values inside and outside each constraint, built from the census of the document alone."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from nano_banana_edit_mock.contract import Constraint, Contract

from ..document import CONTRACT

IMAGES = ("image_urls", "*")  # the wrapper takes a string as a URL only if it looks like one

Schema = dict[str, Any]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)
# One of each width in UTF-8, a combining mark, and a control character that JSON must escape.
CHARACTERS = st.sampled_from(["a", "é", "雪", "🍌", "\u0301", "\n", "\x00"])
SURROGATES = st.sampled_from(["\ud800", "snow \udfff", "\ud83c\ud83c"])

_IS: dict[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0,
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}


def body_constraints(operation: str, contract: Contract = CONTRACT) -> list[Constraint]:
    """The constraints on the properties of a body."""
    return [
        c for c in contract.constraints if (c.operation, c.location) == (operation, "body") and c.owner != operation
    ]


def schema_at(operation: str, field: tuple[str, ...], contract: Contract = CONTRACT) -> Schema:
    """Every keyword on one field, wherever in the document it stands."""
    return {c.keyword: c.value for c in body_constraints(operation, contract) if c.field == field and field}


def properties(operation: str) -> dict[str, bool]:
    """The names of a body's properties, and whether each is required."""
    constraints = body_constraints(operation)
    required = {c.value for c in constraints if c.keyword == "required"}
    return {c.field[0]: c.field[0] in required for c in constraints if c.field}


@st.composite
def bodies(draw: st.DrawFn, operation: str) -> dict[str, Any]:
    """Bodies that meet every constraint."""
    names = [name for name, required in properties(operation).items() if required or draw(st.booleans())]
    return {name: draw(inside(operation, (name,))) for name in names}


def bodies_with(constraint: Constraint) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that meet every constraint and have the property that this one is about."""
    name = constraint.field[0]
    values = inside(constraint.operation, (name,))
    return st.builds(lambda body, value: {name: value} | body, bodies(constraint.operation), values)


def inside(operation: str, field: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Values that meet every constraint on a field."""
    schema = schema_at(operation, field)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", "object")
    return st.one_of(
        [_INSIDE[kind](operation, field, schema) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    )


# The kinds of characters among which are all blanks; a client removes those around a URL, and refuses those within.
BLANK = {"Cc", "Cf", "Zl", "Zp", "Zs"}
_NO_BLANK = st.characters(exclude_categories=(*BLANK, "Cs"))


def _text(_operation: str, field: tuple[str, ...], schema: Schema) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
    if field == IMAGES:
        return st.text(_NO_BLANK, max_size=20).map(lambda text: f"https://example.test/{text}")
    if "pattern" in schema:
        # Python's `$` lets a line end follow, ECMA 262's does not.
        return st.from_regex(schema["pattern"]).filter(lambda text: least <= len(text.strip("\n")) == len(text) <= most)
    return st.text(min_size=least, max_size=min(most, least + 50)) | st.builds(
        _repeat, CHARACTERS, st.integers(least, most)
    )


def _repeat(character: str, size: int) -> str:
    return character * size


def _numbers(_operation: str, _field: tuple[str, ...], schema: Schema) -> st.SearchStrategy[int]:
    least = schema.get("minimum", schema.get("exclusiveMinimum", -1_001) + 1)
    most = schema.get("maximum", schema.get("exclusiveMaximum", least + 1_001) - 1)
    step = schema.get("multipleOf", 1)
    return st.integers(-(-least // step), most // step).map(lambda count: count * step)


def _lists(operation: str, field: tuple[str, ...], schema: Schema) -> st.SearchStrategy[list[Any]]:
    items = inside(operation, (*field, "*"))
    least = schema.get("minItems", 0)
    unique = {"unique_by": json.dumps} if schema.get("uniqueItems") else {}
    return st.lists(items, min_size=least, max_size=schema.get("maxItems", least + 5), **unique)


_INSIDE: dict[str, Callable[[str, tuple[str, ...], Schema], st.SearchStrategy[Any]]] = {
    "array": _lists,
    "boolean": lambda *_: st.booleans(),
    "integer": _numbers,
    "null": lambda *_: st.none(),
    "number": _numbers,
    "object": lambda *_: st.dictionaries(st.text(max_size=9), JSON, max_size=3),
    "string": _text,
}


def outside(constraint: Constraint) -> st.SearchStrategy[Any]:
    """Values that break this constraint and no other on the field.

    Raises:
        KeyError: The document uses a keyword that has no strategy here.
    """
    return _OUTSIDE[constraint.keyword](constraint, schema_at(constraint.operation, constraint.field))


def _wrong_type(constraint: Constraint, _schema: Schema) -> st.SearchStrategy[Any]:
    kinds = constraint.value if isinstance(constraint.value, list) else [constraint.value]
    wrong = JSON.filter(lambda value: not any(_IS[kind](value) for kind in kinds))
    return wrong | SURROGATES if "string" in kinds else wrong


def _not_listed(constraint: Constraint, _schema: Schema) -> st.SearchStrategy[Any]:
    options = constraint.value if constraint.keyword == "enum" else [constraint.value]
    near = st.sampled_from(options).flatmap(
        lambda option: st.sampled_from([f"{option} ", str(option).upper(), "", None])
    )
    return (near | JSON).filter(lambda value: value not in options)


def _of_size(step: int) -> Callable[[Constraint, Schema], st.SearchStrategy[Any]]:
    """One step outside a size, and many."""

    def build(constraint: Constraint, _schema: Schema) -> st.SearchStrategy[Any]:
        sizes = [constraint.value + step * distance for distance in (1, 2, 9)]
        return st.sampled_from([size for size in sizes if size >= 0]).flatmap(lambda size: sized(constraint, size))

    return build


def sized(constraint: Constraint, size: int) -> st.SearchStrategy[Any]:
    """Values of exactly this size: text of so many characters, a list of so many items, a number of this value."""
    if constraint.keyword.endswith("Length"):
        return CHARACTERS.map(lambda character: character * size)
    if constraint.keyword.endswith("Items"):
        items = inside(constraint.operation, (*constraint.field, "*"))
        return st.lists(items, min_size=size, max_size=size, unique_by=json.dumps)
    return st.just(size)


def _repeated(constraint: Constraint, _schema: Schema) -> st.SearchStrategy[Any]:
    return inside(constraint.operation, (*constraint.field, "*")).map(lambda item: [item, item])


def _no_match(constraint: Constraint, schema: Schema) -> st.SearchStrategy[Any]:
    odd = st.sampled_from(string.punctuation + "aZ0 \n")
    texts = st.text(odd, min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 20), 20))
    return texts.filter(lambda text: not re.search(constraint.value, text))


_OUTSIDE: dict[str, Callable[[Constraint, Schema], st.SearchStrategy[Any]]] = {
    "type": _wrong_type,
    "enum": _not_listed,
    "const": _not_listed,
    "minLength": _of_size(-1),
    "maxLength": _of_size(1),
    "minItems": _of_size(-1),
    "maxItems": _of_size(1),
    "minimum": _of_size(-1),
    "maximum": _of_size(1),
    "exclusiveMinimum": lambda constraint, _: st.just(constraint.value),
    "exclusiveMaximum": lambda constraint, _: st.just(constraint.value),
    "multipleOf": lambda constraint, _: st.integers(1, 50).map(lambda count: count * constraint.value + 1),
    "uniqueItems": _repeated,
    "pattern": _no_match,
}


def edges(constraint: Constraint) -> Iterator[tuple[int, bool]]:
    """The sizes next to a limit, and whether the other limits of the field accept them too."""
    schema = schema_at(constraint.operation, constraint.field)
    step = schema.get("multipleOf", 1)
    for size in (constraint.value - step, constraint.value, constraint.value + step):
        if size >= 0 or not constraint.keyword.endswith(("Length", "Items")):
            meets = {**LIMITS, "multipleOf": lambda size, step: size % step == 0}
            yield size, all(meets[keyword](size, schema[keyword]) for keyword in meets if keyword in schema)


LIMITS: dict[str, Callable[[int, int], bool]] = {
    "minLength": lambda size, limit: size >= limit,
    "maxLength": lambda size, limit: size <= limit,
    "minItems": lambda size, limit: size >= limit,
    "maxItems": lambda size, limit: size <= limit,
    "minimum": lambda size, limit: size >= limit,
    "maximum": lambda size, limit: size <= limit,
    "exclusiveMinimum": lambda size, limit: size > limit,
    "exclusiveMaximum": lambda size, limit: size < limit,
}


def put(body: dict[str, Any], field: tuple[str, ...], value: Any, index: int = 0) -> dict[str, Any]:
    """The body with one value replaced; for `*` the item at an index."""
    name, *rest = field
    if not rest:
        return {**body, name: value}
    items = list(body[name]) or [None]
    items[index % len(items)] = value
    return {**body, name: [item for item in items if item is value or item != value]}  # unique where it must be
