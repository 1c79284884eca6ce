"""Samples: a simple value for a schema, by its examples or made from its keywords."""

from collections.abc import Iterator, Mapping
from typing import Any

from .census import MAX_SAMPLE, MAX_SCHEMAS, escape, facets, has, resolve

_GIVEN = ("const", "example", "default", "examples/0", "enum/0")  # where a schema gives a value, the first one wins
_FILE = 8  # bytes, the signature of a PNG
_FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "uri": "https://example.test/",
    "uuid": "01234567-89ab-4def-8123-456789abcdef",
}


def given(document: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """Return the pointer of the value that a schema gives, by the places of its keywords; empty if it gives none."""
    names = (name.partition("/") for name in _GIVEN)
    found = (places[keyword] + slash + rest for keyword, slash, rest in names if keyword in places)
    return next((place for place in found if has(document, place)), "")


def sample(
    document: Mapping[str, Any], pointer: str, wanted: tuple[str, ...] = (), left: Iterator[int] | None = None
) -> Any:
    """Return a simple value that a schema allows, with the wanted field in it; an odd schema may refuse it.

    Raises:
        OverflowError: The value would be too large.
    """
    left = iter(range(MAX_SCHEMAS)) if left is None else left
    if next(left, None) is None:
        raise OverflowError
    if resolve(document, pointer) in (True, False):
        return None
    places = facets(document, pointer)
    schema = {keyword: resolve(document, place) for keyword, place in places.items()}
    place = given(document, places)
    if place and not isinstance(resolve(document, place), dict):
        return resolve(document, place)
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return sample(document, f"{places[keyword]}/0", wanted, left)
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "array":
        return samples(document, pointer, max(1, schema.get("minItems", 1)), wanted[1:], left)
    if kind == "object":
        rest = dict.fromkeys(schema.get("required", ()), ()) | dict.fromkeys(wanted[:1], wanted[1:])
        value: dict[str, Any] = {}
        for index in range(len(schema.get("allOf", ()))):
            part = sample(document, f"{places['allOf']}/{index}", (), left)
            value = (part if isinstance(part, dict) else {}) | value
        for name, further in rest.items():
            inner = "additionalProperties" if name == "*" else f"properties/{escape(name)}"
            holder, _, _ = places.get(inner.partition("/")[0], "").rpartition("/")
            value[name] = (
                sample(document, f"{holder}/{inner}", further, left) if has(document, f"{holder}/{inner}") else None
            )
        return value
    least, step = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1), schema.get("multipleOf", 1)
    number = -(-least // step) * step
    size = min(_FILE, schema.get("maxLength", _FILE)) if schema.get("format") == "binary" else 1
    text = _FORMATS.get(schema.get("format", ""), "a" * _bounded(max(size, schema.get("minLength", size))))
    return {"string": text, "boolean": True, "integer": number, "number": number}.get(kind)


def samples(
    document: Mapping[str, Any],
    pointer: str,
    size: int,
    wanted: tuple[str, ...] = (),
    left: Iterator[int] | None = None,
) -> list[Any]:
    """Return a list of so many items; they differ if they must."""
    places = facets(document, pointer)
    item = sample(document, places["items"], wanted, left) if "items" in places else None
    distinct = "uniqueItems" in places and resolve(document, places["uniqueItems"])
    return [item if index == 0 or not distinct else f"{item}{index}" for index in range(_bounded(size))]


def _bounded(size: int) -> int:
    if size > MAX_SAMPLE:
        raise OverflowError
    return size
