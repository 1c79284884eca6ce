"""Schemas as a comparison needs them: what holds for a value, by its JSON type, however it is written.

What holds in the place of a schema (through `$ref`, `allOf`, `anyOf`, `oneOf`) is collected by type, since most
keywords concern one type. Each type has alternatives, and an alternative is a list of schemas that all hold.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil, floor, gcd, inf, lcm
from typing import Any

from attrs import evolve, frozen
from jsonschema_rs import Draft202012Validator

from ..contract.census import ANNOTATIONS, escape, refer, reference, resolve
from ..contract.wording import show

_TYPE_OF = {bool: "boolean", dict: "object", float: "number", int: "number", list: "array", str: "string"}
TYPES = ("array", "boolean", "null", "number", "object", "string")
NUMBERS = {"multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
NUMBERS |= {f"{end}{what}" for end in ("min", "max") for what in ("Items", "Length", "Properties")}
_SILENT = ANNOTATIONS | {"$defs", "$ref", "allOf", "anyOf", "oneOf", "default", "readOnly", "writeOnly", "xml"}
_IDLE = {"uniqueItems": (False,), "pattern": ("",)}  # values without an effect
_WIDER = {"int32": "int64", "float": "double"}  # the format that a narrower one implies


@frozen(eq=False)
class View:
    """Schemas of a document, by their JSON pointers, that all hold; without any, every value is valid."""

    document: Mapping[str, Any]
    hidden: str  # the keyword of properties that do not travel in this direction, `readOnly` or `writeOnly`
    pointers: tuple[str, ...] = ()

    def of(self, *pointers: str) -> "View":
        """Return the view of other schemas."""
        return evolve(self, pointers=pointers)

    def open(self, around: frozenset[str] = frozenset()) -> dict[str, list["View"]]:
        """Return the alternatives of each type; `around` are the schemas in whose place these are."""
        found = {kind: [self.of()] for kind in TYPES}
        for pointer in self.pointers:
            if pointer in around:
                raise ValueError(f"{pointer} refers to itself.")
            inside, schema = around | {pointer}, resolve(self.document, pointer)
            held = [{kind: [self.of(pointer)] for kind in _admitted(schema)}]
            for keyword in NUMBERS & {*schema} if isinstance(schema, dict) else ():
                if type_of(schema[keyword]) != "number":
                    raise ValueError(f"{pointer}/{keyword} is {show(schema[keyword])}; it must be a number.")
            if isinstance(schema, dict):
                every = [refer(self.document, f"{pointer}/$ref")] if "$ref" in schema else []
                every += [f"{pointer}/allOf/{index}" for index in range(len(schema.get("allOf", ())))]
                held.append(self.of(*every).open(inside))
                for keyword in sorted({"anyOf", "oneOf"} & schema.keys()):
                    each = [f"{pointer}/{keyword}/{index}" for index in range(len(schema[keyword]))]
                    opened = [self.of(one).open(inside) for one in each]
                    held.append({kind: [view for one in opened for view in one.get(kind, ())] for kind in TYPES})
            for other in held:
                found = {
                    kind: [self.of(*one.pointers, *two.pointers) for one in found[kind] for two in other.get(kind, ())]
                    for kind in found
                }
        return {kind: views for kind, views in found.items() if views}

    def sift(self, values: list[Any], *, valid: bool) -> list[Any]:
        """Return the values that are valid, or those that are not."""
        every = [{"$ref": reference(pointer)} for pointer in self.pointers]
        validator = Draft202012Validator({**self.document, "allOf": every} if every else True)
        return [value for value in values if validator.is_valid(value) == valid]

    def free(self) -> bool:
        """Return whether every value is valid."""
        opened = self.open()
        return opened.keys() == {*TYPES} and all(any(not view.keywords() for view in one) for one in opened.values())

    def parts(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the schemas that are objects, with their pointers."""
        every = ((pointer, resolve(self.document, pointer)) for pointer in self.pointers)
        return [(pointer, schema) for pointer, schema in every if isinstance(schema, dict)]

    def keywords(self) -> set[str]:
        """Return the keywords that say something about a value."""
        return {key for _, schema in self.parts() for key in schema if key not in _SILENT and not key.startswith("x-")}

    def stated(self, keyword: str) -> list[Any]:
        """Return what the schemas say by a keyword, without what has no effect."""
        idle = _IDLE.get(keyword, ())
        found = [schema[keyword] for _, schema in self.parts() if keyword in schema and schema[keyword] not in idle]
        return found + [_WIDER[value] for value in found if keyword == "format" and value in _WIDER]

    def inside(self, keyword: str, name: str | None = None, rest: str = "") -> "View":
        """Return the schema in a keyword, or the one with a name in it; `rest` is the keyword for any other name."""
        found = []
        for pointer, schema in self.parts():
            if name is not None and name in _names(schema.get(keyword, ())):
                found.append(f"{pointer}/{keyword}/{escape(name)}")
            elif (here := keyword if name is None else rest) in schema:
                found.append(f"{pointer}/{here}")
        return self.of(*found)

    def names(self, keyword: str) -> set[str]:
        """Return the names of the schemas in a keyword, without properties that do not travel."""
        found = {name for held in self.stated(keyword) for name in _names(held)}
        return {name for name in found if True not in self.inside(keyword, name).stated(self.hidden)}

    def rest(self) -> "View":
        """Return the schema of the properties that are not declared."""
        return self.of(*self.inside("additionalProperties").pointers, *self.inside("unevaluatedProperties").pointers)

    def required(self) -> set[str]:
        """Return the names of the required properties, without those that do not travel."""
        declared = {name for held in self.stated("properties") for name in held}
        return {name for held in self.stated("required") for name in held} - (declared - self.names("properties"))

    def default(self) -> list[Any]:
        """Return the default, if there is one."""
        return [value for views in self.open().values() for view in views for value in view.stated("default")][:1]

    def lists(self) -> bool:
        """Return whether the values are listed."""
        return bool({"enum", "const"} & self.keywords())

    def integer(self) -> bool:
        """Return whether a number must be an integer."""
        return any("number" not in kinds for kinds in map(_kinds, self.stated("type")))

    def limit(self, sign: int, keyword: str, exclusive: str) -> tuple[tuple[Any, bool], str, list[Any]]:
        """Return the strictest limit: its size (times the sign) and whether it is valid, its keyword, its value."""
        found: list[tuple[tuple[Any, bool], str, list[Any]]] = []
        for name in (keyword, exclusive):
            for value in self.stated(name):
                size, inclusive = sign * Fraction(str(value)), name == keyword
                whole = (floor(size) if inclusive else ceil(size) - 1, True)
                found.append((whole if self.integer() else (size, inclusive), name, [value]))
        unlimited = 0 if sign < 0 and not exclusive else inf
        return min([*found, ((unlimited, True), "", [])], key=lambda limit: limit[0])

    def step(self) -> Fraction | None:
        """Return what a number must be a multiple of."""
        steps = [Fraction(str(value)) for value in self.stated("multipleOf")] + [Fraction(1)] * self.integer()
        above, below = [step.numerator for step in steps], [step.denominator for step in steps]
        return Fraction(lcm(*above), gcd(*below)) if steps else None


def _admitted(schema: Any) -> set[str]:
    """Return the types that a schema admits by itself, without what holds in its place."""
    if isinstance(schema, bool):
        return {*TYPES} if schema else set()
    found = {"number" if kind == "integer" else kind for kind in _kinds(schema.get("type", TYPES))}
    for keyword in {"enum", "const"} & schema.keys():
        found &= {type_of(value) for value in (schema["enum"] if keyword == "enum" else [schema["const"]])}
    return found


def _kinds(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [*value]


def type_of(value: Any) -> str:
    """Return the JSON type of a value; an integer is a number."""
    return _TYPE_OF.get(type(value), "null")


def _names(held: Any) -> Iterable[str]:
    return held if isinstance(held, dict) else map(str, range(len(held)))
