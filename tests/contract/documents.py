"""Small random documents out of OpenAPI's constructs: one operation, its body and its answer; and such bodies."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from .strategies import JSON

Schema = dict[str, Any]

NAMES = """a b cast self d to_dict additional_properties from dict values a_item a_type_0 constraints cls UNSET
unset 1 é aB _x Style style json types {a} x-a const default items $ref""".split()  # noqa: SIM905 - quicker to read
NAMES += ["a b", "new\nline", 'quo"te']
ODD_NAMES = [*NAMES, "class", "class_", "+1", "-1", "\u00ad", "$", ""]
TEXTS = ["", "a", "ab", "abc", "é", "🍌", "a\n", "A1", "\u00a0", "2026-01-02", "no", "null", "a/b-c"]
NUMBERS = [0, 1, -1, 2, 9, 1.5, 0.1, 0.3, 1.0, -0.0, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 10**22, 1e300, 1e-7]
PATTERNS = [
    "^a",
    "b$",
    "^[a-z]+$",
    r"^\d{1,2}$",
    "(?:a|b)c?",
    r"[^a-z\d]",
    r"\u00e9",
    r"^\w*$",
    "^(?!a)",
    r"a\/b",
    "[a-]",
]
ODD_PATTERNS = [r"\s", r"\bé", r"\p{L}", "a.b", "[[a]", "(?<=a)b", "a++", r"\cJ", "(", "[]", "[a&&b]", "{1}"]
COMPONENTS = {
    "Style": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 1}}},
    "Size": {"type": "string", "enum": ["small", "large"]},
    "Level": {"enum": [1, 2, 3]},
    "Text": {"type": "string", "maxLength": 2},
    "Maybe": {"type": ["string", "null"], "enum": ["a", None]},
    "Alias": {"$ref": "#/components/schemas/Style"},
    "Closed": {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    "Tree": {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/Tree"}}},
}
NOTES = {"description": st.just("About it."), "x-note": st.just(1)}
ODD_NOTES = NOTES | {"default": st.sampled_from([*TEXTS, 1, 1.5, True]), "format": st.just("int64")}


def refer(*names: str) -> st.SearchStrategy[Schema]:
    """References to components."""
    return st.sampled_from(names).map(lambda name: {"$ref": f"#/components/schemas/{name}"})


def in_all_of(refs: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return refs.map(lambda ref: {"allOf": [ref]})


PLAIN, REFS = refer("Style", "Size", "Level", "Closed", "Text", "Maybe"), refer(*COMPONENTS)


def some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    """A few of the keywords."""
    names = st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: keywords[name] for name in chosen}))


def merged(*parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(*parts).map(lambda schemas: {key: value for schema in schemas for key, value in schema.items()})


def typed(name: str, **keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    return merged(st.just({"type": name}), some(**keywords))


_SIZES = st.integers(0, 3)
_BOUNDS = dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), st.sampled_from(NUMBERS))
_STEPS = st.sampled_from([number for number in NUMBERS if number > 0])
_OF_TEXT = {"minLength": _SIZES, "maxLength": _SIZES, "pattern": st.sampled_from(PATTERNS)}
_OF_ODD_TEXT = _OF_TEXT | {"pattern": st.sampled_from(ODD_PATTERNS)}
_FORMATS = st.sampled_from(["date", "date-time", "uuid", "uri", "binary", "email", "int32", "password"])

HELD = st.one_of(
    typed("string", **_OF_TEXT, default=st.sampled_from(TEXTS)),
    typed("string", enum=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True)),
    typed("integer", **_BOUNDS, multipleOf=_STEPS),
    typed("number", **_BOUNDS, multipleOf=_STEPS),
    typed("integer", enum=st.lists(st.integers(-2, 5), min_size=1, max_size=3, unique=True)),
    typed("boolean", enum=st.just([True]), default=st.just(True)),
    st.just({"type": "null"}),
    some(const=st.sampled_from([None, True, False, 0, 1, 1.5, "a", ""])),
    some(enum=st.sampled_from([["a", None], [None], [1, 2]])),
    st.just({"type": ["string", "null"], "enum": ["a", "b", None]}),
    merged(st.just({"type": ["integer", "string"]}), some(**_OF_TEXT, **_BOUNDS)),
    merged(st.just({"type": ["string", "null"]}), some(**_OF_TEXT)),
    PLAIN,
    in_all_of(PLAIN),
)
ODD = st.one_of(
    typed("string", **_OF_ODD_TEXT, format=_FORMATS),
    some(const=st.sampled_from([[1], {"a": 1}])),
    some(enum=st.sampled_from([["a", 1], [1.5], [True], [[1]], []])),
    REFS,
    in_all_of(REFS),
    merged(REFS, some(minLength=_SIZES, default=st.just("small"), required=st.just(["b"]))),
    merged(in_all_of(REFS), some(maxLength=_SIZES, default=st.just("small"), required=st.just(["b"]))),
)


def _containers(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    sizes = {"minItems": _SIZES, "maxItems": _SIZES, "uniqueItems": st.booleans()}
    return st.one_of(
        merged(typed("array", **sizes), st.fixed_dictionaries({"items": inner})),
        objects(inner),
        merged(objects(inner), st.just({"type": ["object", "null"]})),
        merged(typed("array", **sizes), st.fixed_dictionaries({"items": inner}), st.just({"type": ["array", "null"]})),
    )


def _groups(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    several = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        _containers(inner),
        typed("array", maxItems=_SIZES),
        st.builds(lambda group, schema: group | schema, several.map(lambda schemas: {"anyOf": schemas}), inner),
        several.map(lambda schemas: {"anyOf": schemas}),
        several.map(lambda schemas: {"oneOf": schemas}),
        several.map(lambda schemas: {"allOf": schemas}),
    )


def objects(
    inner: st.SearchStrategy[Schema], names: list[str] = NAMES, notes: dict[str, st.SearchStrategy[Any]] = NOTES
) -> st.SearchStrategy[Schema]:
    """Objects with properties of these names."""
    properties = st.dictionaries(st.sampled_from(names), inner | merged(inner, some(**notes)), max_size=4)
    more = some(additionalProperties=st.booleans() | inner, **{"x-more": st.just(1)})

    def close(properties: Schema, more: Schema, required: list[str]) -> Schema:
        known = [name for name in required if name in properties]
        return {"type": "object", "properties": properties, **more} | ({"required": known} if known else {})

    return st.builds(close, properties, more, st.lists(st.sampled_from(names), max_size=9, unique=True))


REQUESTS = st.recursive(HELD, _containers, max_leaves=4)
SCHEMAS = st.recursive(HELD | ODD, _groups, max_leaves=4)


def document(request: Schema, answer: Schema) -> Schema:
    """A document of one operation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Small", "version": "1.0.0"},
        "servers": [{"url": "https://small.test"}],
        "paths": {
            "/things": {
                "post": {
                    "operationId": "createThing",
                    "tags": ["things"],
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Request"}}},
                    },
                    "responses": {
                        "200": {
                            "description": "Made.",
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
                        }
                    },
                }
            }
        },
        "components": {"schemas": COMPONENTS | {"Request": request, "Answer": answer}},
    }


ANYTHING = objects(SCHEMAS, ODD_NAMES, ODD_NOTES)
DOCUMENTS = st.one_of(
    st.builds(document, objects(REQUESTS), st.just({})),
    st.builds(document, objects(REQUESTS), objects(SCHEMAS) | SCHEMAS),
    st.builds(document, ANYTHING, ANYTHING),
)


def bodies(root: Schema, schema: Any, depth: int = 4) -> st.SearchStrategy[Any]:
    """Values in and around a schema: most break at most one of its keywords."""
    if not isinstance(schema, dict) or depth == 0:
        return JSON
    if "$ref" in schema:
        return bodies(root, root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], depth - 1)
    near: list[st.SearchStrategy[Any]] = []
    for keyword in ("anyOf", "oneOf", "allOf"):
        near += [bodies(root, inner, depth - 1) for inner in schema.get(keyword, ())]
    near += [st.sampled_from(schema["enum"])] if schema.get("enum") else []
    near += [st.just(schema["const"])] if "const" in schema else []
    kinds = schema.get("type", ())
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        near.append(_NEAR[kind](root, schema, depth))
    return st.one_of(*near, *near, *near, JSON) if near else JSON


def _objects(root: Schema, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
    declared = {name: bodies(root, inner, depth - 1) for name, inner in schema.get("properties", {}).items()}
    left = bodies(root, schema.get("additionalProperties"), depth - 1)
    more = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), left, max_size=1)
    needed = {name: value for name, value in declared.items() if name in schema.get("required", ())}
    optional = {name: value for name, value in declared.items() if name not in needed}
    known = st.fixed_dictionaries(needed, optional=optional) | st.fixed_dictionaries({}, optional=declared)
    return st.builds(lambda more, known: more | known, st.just({}) | more, known)


def _texts(_root: Schema, schema: Schema, _depth: int) -> st.SearchStrategy[Any]:
    if schema.get("format") in _OF_FORMATS:
        return st.just(
            _OF_FORMATS[schema["format"]]
        )  # JSON Schema holds no text to a format; the generated client does
    sizes = [schema[key] + step for key in ("minLength", "maxLength") if key in schema for step in (-1, 0, 1)]
    sized = [st.sampled_from(["a" * max(size, 0) for size in sizes])] if sizes else []
    return st.one_of(st.sampled_from(TEXTS), st.text(max_size=3), *sized)


def _numbers(_root: Schema, schema: Schema, _depth: int) -> st.SearchStrategy[Any]:
    limits = [schema[key] for key in (*_BOUNDS, "multipleOf") if key in schema]
    edges = [limit + step for limit in limits if isinstance(limit, int) for step in (-1, 0, 1)]
    edges += [edge for limit in limits for edge in (limit, math.nextafter(limit, math.inf), limit * 3)]
    return st.one_of(st.integers(-3, 9), st.sampled_from(NUMBERS), *([st.sampled_from(edges)] if edges else []))


_OF_FORMATS = {
    "date": "2026-01-02",
    "date-time": "2026-01-02T03:04:05+00:00",
    "uuid": "01234567-89ab-cdef-0123-456789abcdef",
}
_NEAR = {
    "array": lambda root, schema, depth: st.lists(bodies(root, schema.get("items"), depth - 1), max_size=4),
    "boolean": lambda *_: st.booleans(),
    "integer": _numbers,
    "null": lambda *_: st.none(),
    "number": _numbers,
    "object": _objects,
    "string": _texts,
}
