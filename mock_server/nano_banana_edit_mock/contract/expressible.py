"""What the generated client cannot express, refused in every schema of a document, also in those of answers."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jsonschema_rs import Draft202012Validator

from .census import ANNOTATIONS, UnsupportedKeyword, has, point, resolve

_NAMED = frozenset(  # keywords whose value is an object with names of the document's own
    {"paths", "pathItems", "responses", "content", "schemas", "properties", "patternProperties", "$defs", "headers"}
    | {"parameters", "requestBodies", "securitySchemes", "callbacks", "links", "variables", "dependentSchemas"}
)
_VALUES = frozenset({"const", "default", "enum", "example", "examples"})
_ENUM = "List either text or whole numbers; null may be one of them."


def check(document: Mapping[str, Any]) -> None:
    """Check that the generated client can express every schema of a document."""
    for path, schema in _places(document, (), named=False):
        for keyword, remedy in (*_beside(schema), *_lost(schema), *_odd_values(document, schema)):
            raise UnsupportedKeyword(keyword, point((*path, keyword)), remedy)


def _places(node: Any, path: tuple[str | int, ...], *, named: bool) -> Iterator[tuple[Sequence[str | int], Any]]:
    """Yield every object of the document that is not only a map of names; those that are no schema break no rule."""
    if isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _places(inner, (*path, index), named=False)
    elif isinstance(node, dict):
        if not named:
            yield path, node
        for key, inner in node.items():
            if named or key not in _VALUES:
                yield from _places(inner, (*path, key), named=not named and key in _NAMED)


def _beside(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The generator takes a reference for the whole schema, also the only one in allOf; and a union likewise."""
    parts = schema.get("allOf") or []
    holder = next((key for key in ("$ref", "anyOf", "oneOf") if key in schema), "")
    if not holder and len(parts) == 1 and has(schema, "/allOf/0/$ref"):
        holder = "allOf"
    if not all(isinstance(part, dict) and _is_object(part) for part in parts):
        yield "allOf", "Each of its items must be an object."
    if holder:
        kept = ANNOTATIONS | {holder, "type", "summary"} | ({"default"} if holder != "$ref" else set())
        for key in schema:
            if key not in kept and not key.startswith("x-"):
                stated = (
                    "Put the reference into allOf." if key == "default" else "State it in the schemas that {} leads to."
                )
                yield key, stated.format(holder)


def _is_object(part: Mapping[str, Any]) -> bool:
    return "$ref" in part or part.get("type") == "object" or "properties" in part


def _lost(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for end in ("Minimum", "Maximum"):
        if end.lower() in schema and f"exclusive{end}" in schema:
            yield end.lower(), f"Leave out one of the two: exclusive{end} is beside it."
    if "discriminator" in schema:
        yield "discriminator", "Tell the objects apart by a required property with a const, and remove it."
    types = schema.get("type")
    if "array" in (types if isinstance(types, list) else [types]) and not isinstance(schema.get("items"), dict):
        yield "type", "Say with items what the array holds; {} is anything."
    names = schema.get("properties")
    if isinstance(names, dict):
        # The generator keeps letters, digits and what is between them, and writes an underscore after a word of Python.
        counted = Counter(re.sub(r"\W+", "", name).rstrip("_") for name in names)
        if "" in counted:
            yield "properties", "Each name must have a letter or a digit."
        if (twice := max(counted, key=counted.__getitem__, default="")) and counted[twice] > 1:
            yield "properties", f"Two names are {twice} in Python. Rename one."


def _odd_values(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    options = schema.get("enum")
    if isinstance(options, list) and schema.get("type") != "boolean":
        kinds = {type(option) for option in options} - {type(None)}
        if len(kinds) > 1 or kinds - {str, int}:
            yield "enum", _ENUM
    if isinstance(schema.get("const"), list | dict):
        yield "const", "It must be text, a number, true, false or null."
    if schema.get("default") is not None and "$ref" not in schema:
        yield from _odd_default(document, schema)


def _odd_default(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A default must be a value of its own schema."""
    refs = [str(resolve(schema, "/allOf/0/$ref")).removeprefix("#")] if has(schema, "/allOf/0/$ref") else []
    held: dict[str, Any] = {}
    for part in (schema, *(resolve(document, ref) for ref in refs if has(document, ref))):
        held |= {key: value for key, value in part.items() if key in ("type", "enum", "const")}
    if isinstance(schema["default"], list | dict) or not Draft202012Validator(held).is_valid(schema["default"]):
        yield "default", "It must be text, a number or a boolean that the schema allows."
