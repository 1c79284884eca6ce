"""The census: a walk through a request schema that lists every constraint and refuses unknown keywords."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from operator import or_
from typing import Any, Literal
from urllib.parse import quote, unquote

from attrs import evolve, frozen
from jsonschema_rs import Draft202012Validator

from .patterns import refusal
from .reading import MAX_DEPTH
from .wording import cut

MAX_SCHEMAS = (
    10_000  # that a request is walked through; ten short ones that refer to each other can stand for a billion
)
MAX_SAMPLE = 10_000_000  # characters or items that a value must have; the mock makes one of that size

_NO_URI = re.compile(r"%(?![\dA-Fa-f]{2})|[^\w!#$%&'()*+,./:;=?@~-]", re.ASCII)  # RFC 3986, appendix A
Location = Literal["body", "path", "header", "security"]

ANNOTATIONS = frozenset({"title", "description", "example", "examples", "deprecated", "externalDocs", "$comment"})
_PLAIN = frozenset(
    {"type", "enum", "const", "default", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "additionalProperties"}
)
_ACCEPTED = {
    "additionalProperties": "true, false or a schema",
    "enum": "a list",
    "multipleOf": "a number above 0",
    "pattern": "a regular expression that Python and Rust can read, too",
    "properties": "an object of schemas",
    "required": "a list of names, each once",
    "type": "array, boolean, integer, null, number, object, string, or a list of some",
    "uniqueItems": "true or false",
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), "a whole number, 0 or more"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "a number"),
}


class UnsupportedKeyword(ValueError):
    """A keyword on the request side of the document that the client or the mock cannot enforce.

    Attributes:
        keyword: The keyword as written.
        pointer: JSON pointer to it in the document.
        remedy: What to write instead.
    """

    def __init__(self, keyword: str, pointer: str, remedy: str = "State the constraint another way.") -> None:
        super().__init__(keyword, pointer, remedy)
        self.keyword, self.pointer, self.remedy = keyword, pointer, remedy

    def __str__(self) -> str:
        return f"{self.keyword} at {self.pointer} is not supported. {self.remedy}"


@frozen(kw_only=True)
class Constraint:
    """One constraint that the document sets on a request.

    Attributes:
        id: Name such as `EditRequest.prompt.maxLength` or `createEdit.security.bearer`.
        operation: The operationId whose request is constrained.
        location: Where in the request.
        owner: Name or title of the body's schema; the operationId for anything else.
        field: Path from the owner to the constrained value; `*` stands for every item or undeclared property.
        keyword: The keyword as written.
        value: The keyword's value; for `required` in a schema one of its names, for `security` the scheme's name.
        pointer: JSON pointer to the keyword in the document, after every `$ref`.
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
        key = unescape(token)
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def point(path: Sequence[str | int]) -> str:
    """Return a path as a JSON pointer."""
    return "".join(f"/{escape(str(token))}" for token in path)


def escape(token: str) -> str:
    """Return a key as it stands in a JSON pointer (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """Return the key that a token of a JSON pointer stands for."""
    return token.replace("~1", "/").replace("~0", "~")


def target(ref: str) -> str:
    """Return the JSON pointer inside a `$ref` to the same document."""
    if not str(ref).startswith("#"):
        raise ValueError(f"$ref {ref!r} leads out of the document; move its target inside.")
    if odd := _NO_URI.search(ref):
        raise ValueError(f"$ref {ref!r} has {odd[0]!r}, which no URI has. Write {quote(odd[0])}.")
    return unquote(ref.removeprefix("#"))


def reference(pointer: str) -> str:
    """Return the `$ref` that leads to a JSON pointer in the same document."""
    return f"#{quote(pointer, safe='/~')}"


def refer(document: Mapping[str, Any], pointer: str) -> str:
    """Return the pointer that the `$ref` at a pointer holds; it must lead to a place in the document."""
    ref = resolve(document, pointer)
    try:
        found = target(ref)
    except ValueError as error:
        raise ValueError(f"{pointer}: {error}") from error
    if not has(document, found):
        raise ValueError(f"{pointer} is {ref}, which is not in the document.")
    return found


def follow(document: Mapping[str, Any], pointer: str) -> str:
    """Return the pointer to the node at the end of a chain of `$ref`."""
    seen = {pointer}
    while has(document, f"{pointer}/$ref"):
        pointer = refer(document, f"{pointer}/$ref")
        if pointer in seen:
            raise ValueError(f"{pointer} refers to itself.")
        seen.add(pointer)
    return pointer


def has(document: Mapping[str, Any], pointer: str) -> bool:
    """Return whether a JSON pointer leads to a node of the document."""
    try:
        resolve(document, pointer)
    except (LookupError, TypeError, ValueError):
        return False
    return pointer.startswith("/")


def facets(document: Mapping[str, Any], pointer: str) -> dict[str, str]:
    """Return the pointers of the keywords of a schema and of those that it refers to, by keyword; its own win."""
    schema = resolve(document, pointer)
    refs = [place for place in ("$ref", "allOf/0/$ref") if has(document, f"{pointer}/{place}")]
    inside = [facets(document, refer(document, f"{pointer}/{ref}")) for ref in refs]
    return reduce(or_, inside, {}) | {keyword: f"{pointer}/{keyword}" for keyword in schema}


def state(place: Constraint, keyword: str, value: Any) -> Constraint:
    """Return the constraint that a keyword sets on a place; a place is a constraint without a keyword."""
    pointer = f"{place.pointer}/{keyword}"
    return evolve(place, id=f"{place.id}.{keyword}", keyword=keyword, value=value, pointer=pointer)


def step(place: Constraint, name: str, pointer: str, field: str | None = None) -> Constraint:
    """Return the place one level deeper: `name` goes into its id, and `field` into its path, if it differs."""
    return evolve(place, id=f"{place.id}.{name}", field=(*place.field, field or name), pointer=pointer)


def _enter(document: Mapping[str, Any], pointer: str, seen: frozenset[str], left: Iterator[int]) -> dict[str, Any]:
    """Return the schema at a pointer, which must be one to walk through."""
    schema = resolve(document, pointer)
    if not isinstance(schema, dict):
        raise UnsupportedKeyword(pointer.rpartition("/")[2], pointer, "Write an object.")
    if pointer in seen:
        raise UnsupportedKeyword(pointer.rpartition("/")[2], pointer, "It refers to itself; write out some levels.")
    if len(seen) > MAX_DEPTH or next(left, None) is None:
        limit = f"the limit is {MAX_DEPTH} levels and {MAX_SCHEMAS} schemas"
        raise ValueError(f"{pointer} makes the request too large; {limit}.")
    return schema


def walk(
    document: Mapping[str, Any],
    place: Constraint,
    seen: frozenset[str] = frozenset(),
    left: Iterator[int] | None = None,
) -> Iterator[Constraint]:
    """Yield the constraints of the schema at a place and of all schemas inside it; `seen` are those around it."""
    left = iter(range(MAX_SCHEMAS)) if left is None else left
    schema = _enter(document, place.pointer, seen, left)
    for keyword, value in schema.items():
        stated = state(place, keyword, value)
        inside = _inside(document, place, stated)
        if inside is not None:
            for inner in inside:
                yield from walk(document, inner, seen | {place.pointer}, left)
            continue
        _judge(stated)
        if keyword == "required":
            for name in value:
                if name not in schema.get("properties", ()):
                    raise ValueError(f"{stated.pointer} has {name}, which is not a property. Declare it in properties.")
                yield evolve(step(stated, name, stated.pointer), value=name)
        elif keyword in _PLAIN or (keyword, value) == ("format", "binary"):
            yield stated
        elif keyword not in ANNOTATIONS and not keyword.startswith("x-"):
            near = get_close_matches(keyword, {*_PLAIN, *_ACCEPTED}, 1, cutoff=0.8)
            raise UnsupportedKeyword(keyword, stated.pointer, *(f"Did you mean {one}?" for one in near))


def _judge(stated: Constraint) -> None:
    """Check that the keyword can have the value."""
    if stated.keyword not in _ACCEPTED:
        return
    try:
        Draft202012Validator({stated.keyword: stated.value})
    except ValueError as error:
        value = cut(json.dumps(stated.value, ensure_ascii=False))
        raise ValueError(f"{stated.pointer} is {value}; it must be {_ACCEPTED[stated.keyword]}.") from error
    if stated.keyword == "pattern" and (refused := refusal(stated.value)):
        raise UnsupportedKeyword("pattern", stated.pointer, refused)
    if stated.keyword in {"minLength", "minItems"} and stated.value > MAX_SAMPLE:
        raise ValueError(f"{stated.pointer} is {stated.value:g}; the limit is {MAX_SAMPLE}.")


def _inside(document: Mapping[str, Any], place: Constraint, stated: Constraint) -> list[Constraint] | None:
    """Return the places of the schemas inside a keyword; None if it holds none."""
    match stated.keyword, stated.value:
        case "$ref", _:
            return [evolve(place, pointer=refer(document, stated.pointer))]
        case "allOf", [{"$ref": _, **rest}] if not rest:
            return [evolve(place, pointer=refer(document, f"{stated.pointer}/0/$ref"))]
        case "properties", {"": _}:
            raise ValueError(f"{stated.pointer} has a property without a name. Give it one.")
        case "properties", dict(names):
            return [step(place, name, f"{stated.pointer}/{escape(name)}") for name in names]
        case "items" | "additionalProperties", dict():
            return [step(place, stated.keyword, stated.pointer, "*")]
    return None
