"""A walk through a request schema that lists every constraint and refuses what it does not know."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from attrs import evolve, frozen
from jsonschema_rs import Draft202012Validator

from .wording import cut

Location = Literal["body", "path", "header", "security"]

ANNOTATIONS = frozenset({"title", "description", "example", "examples", "deprecated", "externalDocs", "$comment"})
_PLAIN = frozenset(
    {"type", "enum", "const", "default", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "additionalProperties"}
)
_ACCEPTED = {
    "additionalProperties": "true, false or a schema",
    "enum": "a list",
    "multipleOf": "numbers above 0",
    "pattern": "regular expressions",
    "properties": "schemas by their names",
    "required": "a list of names, each once",
    "type": "array, boolean, integer, null, number, object, string, or a list of some",
    "uniqueItems": "true or false",
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), "whole numbers, 0 or more"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "numbers"),
}


class UnsupportedKeyword(ValueError):
    """A keyword on the request side of the document that the client or the mock cannot hold a request to.

    Attributes:
        keyword: The keyword as written.
        pointer: JSON pointer to it in the document.
    """

    def __init__(self, keyword: str, pointer: str) -> None:
        super().__init__(keyword, pointer)
        self.keyword = keyword
        self.pointer = pointer

    def __str__(self) -> str:
        return (
            f"{self.keyword} at {self.pointer} cannot be enforced by client and mock. State the constraint another way."
        )


@frozen(kw_only=True)
class Constraint:
    """One thing the document demands of a request.

    Attributes:
        id: Name such as `EditRequest.prompt.maxLength` or `createEdit.security.bearer`.
        operation: The operationId whose request is constrained.
        location: Where in the request.
        owner: Name or title of the body's schema; the operationId for anything else.
        field: Path from the owner to the constrained value; `*` stands for every item or undeclared property.
        keyword: The keyword as written.
        value: The keyword's value; for `required` in a schema one of its names, for `security` the scheme's name.
        pointer: JSON pointer to the keyword in the document, behind every `$ref`.
    """

    id: str
    operation: str
    location: Location
    owner: str
    field: tuple[str, ...] = ()
    keyword: str = ""
    value: Any = None
    pointer: str = ""


def resolve(document: Mapping[str, Any], pointer: str) -> Any:
    """Return the node a JSON pointer names."""
    node: Any = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def escape(token: str) -> str:
    """Return a key as a JSON pointer spells it (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def target(ref: str) -> str:
    """Return the JSON pointer inside a `$ref` to the same document."""
    if not str(ref).startswith("#"):
        raise ValueError(f"$ref {ref!r} leads out of the document; put what it names inside.")
    return unquote(ref.removeprefix("#"))


def refer(document: Mapping[str, Any], pointer: str) -> str:
    """Return where the `$ref` at a pointer leads, which is in the document."""
    ref = resolve(document, pointer)
    found = target(ref)
    if not has(document, found):
        raise ValueError(f"{pointer} is {ref}; the mock accepts what the document has. Define it, or mend the name.")
    return found


def has(document: Mapping[str, Any], pointer: str) -> bool:
    """Return whether a document has what a JSON pointer names."""
    try:
        resolve(document, pointer)
    except (LookupError, TypeError, ValueError):
        return False
    return pointer.startswith("/")


def state(place: Constraint, keyword: str, value: Any) -> Constraint:
    """Return the constraint that a keyword sets on a place, which is a constraint that has none yet."""
    pointer = f"{place.pointer}/{keyword}"
    return evolve(place, id=f"{place.id}.{keyword}", keyword=keyword, value=value, pointer=pointer)


def step(place: Constraint, name: str, pointer: str, field: str | None = None) -> Constraint:
    """Return the place one level deeper, `name` as an id shows it and `field`, if another, as a path does."""
    return evolve(place, id=f"{place.id}.{name}", field=(*place.field, field or name), pointer=pointer)


def walk(document: Mapping[str, Any], place: Constraint, seen: frozenset[str] = frozenset()) -> Iterator[Constraint]:
    """Yield the constraints of the schema at a place and of all it refers to; `seen` are the schemas around it."""
    schema = resolve(document, place.pointer)
    if place.pointer in seen or not isinstance(schema, dict):
        raise UnsupportedKeyword(place.pointer.rpartition("/")[2], place.pointer)
    for keyword, value in schema.items():
        stated = state(place, keyword, value)
        inside = _inside(document, place, stated)
        if inside is not None:
            for inner in inside:
                yield from walk(document, inner, seen | {place.pointer})
            continue
        _judge(stated)
        if keyword == "required":
            for name in value:
                yield evolve(step(stated, name, stated.pointer), value=name)
        elif keyword in _PLAIN or (keyword, value) == ("format", "binary"):
            yield stated
        elif keyword not in ANNOTATIONS and not keyword.startswith("x-"):
            raise UnsupportedKeyword(keyword, stated.pointer)


def _judge(stated: Constraint) -> None:
    """Refuse a value that its keyword cannot have."""
    if stated.keyword not in _ACCEPTED:
        return
    try:
        Draft202012Validator({stated.keyword: stated.value})
    except ValueError as error:
        said = cut(json.dumps(stated.value, ensure_ascii=False))
        message = f"{stated.pointer} is {said}; JSON Schema accepts {_ACCEPTED[stated.keyword]}. Mend it."
        raise ValueError(message) from error


def _inside(document: Mapping[str, Any], place: Constraint, stated: Constraint) -> list[Constraint] | None:
    """Return the places of the schemas inside a keyword; None when it holds none."""
    match stated.keyword, stated.value:
        case "$ref", _:
            return [evolve(place, pointer=refer(document, stated.pointer))]
        case "allOf", [{"$ref": _, **rest}] if not rest:
            return [evolve(place, pointer=refer(document, f"{stated.pointer}/0/$ref"))]
        case "properties", dict(names):
            return [step(place, name, f"{stated.pointer}/{escape(name)}") for name in names]
        case "items" | "additionalProperties", dict():
            return [step(place, stated.keyword, stated.pointer, "*")]
    return None
