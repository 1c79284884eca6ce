"""What the bump says of a schema, against values: what readers of a response may get, and what they no longer get."""

from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.drift import bump, changes

VALUES = [None, True, False, 0, 1, 2, 6, -1, 0.5, 1.5, "", "a", "b", "ab", "aab", [], [1], [1, 1], ["a", 1], [[1]]]
VALUES += [{}, {"a": 1}, {"b": 1}, {"a": "ab", "b": 2}, {"c": "a", "a": True}, {"a": {"a": 1}}, {"a": [1]}]
NAMES = st.sampled_from("abc")
SIZES = st.integers(0, 3)
NUMBERS = st.sampled_from([-1, 0, 0.5, 1, 2, 3])
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
PLAIN = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=4, unique=True),
    "enum": st.lists(st.sampled_from(VALUES), min_size=1, max_size=4),
    "const": st.sampled_from(VALUES),
    "pattern": st.sampled_from(["a", "^b", ""]),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "uniqueItems": st.booleans(),
    "multipleOf": st.sampled_from([0.5, 1, 1.5, 2, 3]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    **{f"{end}{what}": SIZES for end in ("min", "max") for what in ("Items", "Length", "Properties")},
}


def objects(keywords):
    """Schemas of some keywords."""
    some = st.lists(st.sampled_from([*keywords]), max_size=3, unique=True)
    return some.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


def nested(inner):
    """Schemas that hold schemas."""
    every = st.lists(inner, min_size=1, max_size=3)
    by_name = st.dictionaries(NAMES, inner, min_size=1, max_size=2)
    held = dict.fromkeys(("additionalProperties", "items", "not", "contains", "propertyNames", "if", "then"), inner)
    held |= {"properties": by_name, "patternProperties": by_name, "anyOf": every, "allOf": every, "prefixItems": every}
    return objects(PLAIN | held | {"$ref": st.just("#/components/schemas/Held")})


SCHEMAS = st.recursive(st.booleans() | objects(PLAIN), nested, max_leaves=8)


def document(schema, held):
    """Return a document with a response of a schema, and a schema that it may refer to."""
    response = {"description": "", "content": {"application/json": {"schema": schema}}}
    operation = {"operationId": "look", "responses": {"200": response}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "", "version": "1.0.0"},
        "paths": {"/": {"get": operation}},
        "components": {"schemas": {"Held": held}},
    }


@given(SCHEMAS, SCHEMAS, st.booleans(), objects(PLAIN), objects(PLAIN))
def test_no_value_is_forgotten(old, other, extend, before, after):
    """If a response may have a value that it could not have, it breaks readers; if it lost one, that is no patch."""
    new = {**old, **other} if extend and isinstance(old, dict) and isinstance(other, dict) else other
    documents = document(old, before), document(new, after)
    ends = [
        Draft202012Validator({**one, "$ref": "#/paths/~1/get/responses/200/content/application~1json/schema"})
        for one in documents
    ]
    needed = bump(*map(parse, documents))
    for value in VALUES:
        was, is_now = (end.is_valid(value) for end in ends)
        assert needed == "major" or was or not is_now
        assert needed in {"major", "minor"} or was == is_now


def rewritten(schema, random):
    """Write a schema in another way."""
    if not isinstance(schema, dict):
        return {} if schema is True else schema
    items = [(name, spelled(name, value, random)) for name, value in schema.items() if name != "const"]
    items += [("enum", [schema["const"]])] if "const" in schema and "enum" not in schema else []
    items += [("const", schema["const"])] if {"const", "enum"} <= schema.keys() else []
    random.shuffle(items)
    found = dict(items)
    found |= random.choice([{}, {"x-note": 1}, {"minLength": 0} if "minLength" not in found else {}, {"title": "T"}])
    return random.choice([found, {"allOf": [found]}, {"anyOf": [found]}, {"oneOf": [found, False]}])


def spelled(name, value, random):
    """Write the value of a keyword in another way."""
    if name in {"properties", "patternProperties"}:
        return {key: rewritten(value[key], random) for key in sorted(value, reverse=True)}
    if name in {"allOf", "anyOf", "prefixItems"}:
        value = [rewritten(one, random) for one in value]
    elif name in {"additionalProperties", "items", "not", "contains", "propertyNames", "if", "then"}:
        return rewritten(value, random)
    elif name == "type" and isinstance(value, str):
        return [value]
    if name in {"allOf", "anyOf", "type", "enum", "required"}:
        random.shuffle(value := [*value])
    return value


@given(SCHEMAS, st.randoms(use_true_random=False), objects(PLAIN))
def test_another_writing_is_no_change(schema, random, held):
    """A schema that is written in another way, and means the same, has no change."""
    found = changes(parse(document(schema, held)), parse(document(rewritten(schema, random), rewritten(held, random))))
    assert not found
