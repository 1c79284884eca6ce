"""A walk through a request schema that lists every constraint and refuses what it does not know."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import unquote

from attrs import evolve, frozen

Location = Literal["body", "path", "query", "header", "security"]

_ANNOTATIONS = frozenset({"title", "description", "example", "examples", "deprecated", "externalDocs", "$comment"})
_PLAIN = frozenset(
    {"type", "enum", "const", "default", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "additionalProperties"}
)


class UnsupportedKeyword(ValueError):
    """A keyword on the request side of the document that the mock cannot enforce.

    Attributes:
        keyword: The keyword as written.
        pointer: JSON pointer to it in the document.
    """

    def __init__(self, keyword: str, pointer: str) -> None:
        super().__init__(keyword, pointer)
        self.keyword = keyword
        self.pointer = pointer

    def __str__(self) -> str:
        return f"{self.keyword} at {self.pointer} cannot be enforced by the mock. State the constraint another way."


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
    field: tuple[str, ...]
    keyword: str
    value: Any
    pointer: str


@frozen(kw_only=True)
class Place:
    """Where in a request a walk stands; the attributes are those of the constraints found there."""

    operation: str
    location: Location
    owner: str
    names: tuple[str, ...] = ()
    field: tuple[str, ...] = ()

    def step(self, name: str, field: str) -> "Place":
        """Return the place one level deeper, `name` as an id shows it and `field` as a path does."""
        return evolve(self, names=(*self.names, name), field=(*self.field, field))

    def constraint(self, keyword: str, value: Any, pointer: str, *entry: str) -> Constraint:
        """Return a constraint on this place, `entry` being what its id ends with after the keyword."""
        return Constraint(
            id=".".join((self.owner, *self.names, keyword, *entry)),
            operation=self.operation,
            location=self.location,
            owner=self.owner,
            field=self.field,
            keyword=keyword,
            value=value,
            pointer=pointer,
        )


def escape(token: str) -> str:
    """Return a key as a JSON pointer spells it (RFC 6901, section 3)."""
    return token.replace("~", "~0").replace("/", "~1")


def target(ref: str) -> str:
    """Return the JSON pointer inside a `$ref` to the same document."""
    return unquote(ref.removeprefix("#"))


def resolve(document: Mapping[str, Any], pointer: str) -> Any:
    """Return the node a JSON pointer names."""
    node: Any = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        node = node[int(key)] if isinstance(node, list) else node[key]
    return node


def follow(document: Mapping[str, Any], pointer: str) -> tuple[Any, str]:
    """Return the object behind a pointer and behind the `$ref`s found there, and the pointer to it."""
    while "$ref" in (node := resolve(document, pointer)):
        pointer = target(node["$ref"])
    return node, pointer


def walk(
    document: Mapping[str, Any], pointer: str, place: Place, seen: frozenset[str] = frozenset()
) -> Iterator[Constraint]:
    """Yield the constraints of a schema and of all it refers to; `seen` are the schemas around it."""
    schema = resolve(document, pointer)
    if pointer in seen or not isinstance(schema, dict):
        raise UnsupportedKeyword(pointer.rpartition("/")[2], pointer)
    for keyword, value in schema.items():
        at = f"{pointer}/{keyword}"
        inside = _inside(keyword, value, at, place)
        if inside is not None:
            for below, inner in inside:
                yield from walk(document, below, inner, seen | {pointer})
        elif keyword == "required":
            for name in value:
                yield evolve(place, field=(*place.field, name)).constraint(keyword, name, at, name)
        elif keyword in _PLAIN or (keyword, value) == ("format", "binary"):
            yield place.constraint(keyword, value, at)
        elif keyword not in _ANNOTATIONS and not keyword.startswith("x-"):
            raise UnsupportedKeyword(keyword, at)


def _inside(keyword: str, value: Any, at: str, place: Place) -> list[tuple[str, Place]] | None:
    match keyword, value:
        case "$ref", ref:
            return [(target(ref), place)]
        case "allOf", [{"$ref": ref, **rest}] if not rest:
            return [(target(ref), place)]
        case "properties", names:
            return [(f"{at}/{escape(name)}", place.step(name, name)) for name in names]
        case "items" | "additionalProperties", dict():
            return [(at, place.step(keyword, "*"))]
    return None
