"""What a changed schema means for those who send it and for those who read it."""

import pytest
import yaml
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.tools.drift import bump, changes

from .drift_schemas import LIMITS, OBJECTS, READ, TYPES, VALUES, WRITTEN

ROWS = [*LIMITS, *TYPES, *VALUES, *OBJECTS, *WRITTEN, *READ]
SCHEMAS = {
    "Text": "{type: string, maxLength: 9}",
    "Alias": "{$ref: '#/components/schemas/Text'}",
    "File": "{type: object, properties: {a: {type: string}, b: {type: string}}, required: [a]}",
    "FileB": "{type: object, properties: {a: {type: string}, b: {type: string}}, required: [b, a]}",
    "Other": "{type: object, properties: {c: {type: string}}, required: [c]}",
    "Node": "{properties: {next: {$ref: '#/components/schemas/Node'}, of: {type: string}}}",
    "Knot": "{properties: {next: {$ref: '#/components/schemas/Knot'}, of: {type: string}}}",
    "Short": "{properties: {next: {$ref: '#/components/schemas/Short'}, of: {type: string, maxLength: 1}}}",
}


def document(*, request="{}", response="{}"):
    """Return a document with a schema as a property of its only request, and one of its only response."""
    body, answer = ({"title": "Thing", "properties": {"n": yaml.safe_load(schema)}} for schema in (request, response))
    operation = {
        "operationId": "make",
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", **body}}}},
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": answer}}}},
    }
    return parse(
        {
            "openapi": "3.1.0",
            "info": {"title": "", "version": "1.0.0"},
            "paths": {"/": {"post": operation}},
            "components": {"schemas": {name: yaml.safe_load(schema) for name, schema in SCHEMAS.items()}},
        }
    )


@pytest.mark.parametrize(("before", "after", "callers", "readers", "reason"), ROWS)
@pytest.mark.parametrize("side", ["request", "response"])
def test_bump_of_a_change(side, before, after, callers, readers, reason):
    """The bump follows from what the change means for callers or readers; each difference names the property."""
    needed = callers if side == "request" else readers
    if needed == "-":
        return
    old, new = document(**{side: before}), document(**{side: after})
    found = [*map(str, changes(old, new))]
    assert bump(old, new) == needed, reason
    place = "Thing.n" if side == "request" else "make 200 application/json.n"
    assert all(f" {place}" in each for each in found)
    assert bool(found) == (needed in {"major", "minor"})
    assert not changes(new, new)


def test_enough_rows():
    """The table has a row for each kind of change, none twice."""
    assert len({row[:2] for row in ROWS}) == len(ROWS) >= 120


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("{maximum: 5}", "{exclusiveMaximum: 5}", [".exclusiveMaximum is 5, not maximum 5"]),
        (
            "{type: [integer, string]}",
            "{type: boolean}",
            [".type has boolean, too", ".type has no integer, string any more"],
        ),
        ("{enum: [a, c, 1]}", "{enum: [1, b]}", ['.enum has "b", too', '.enum has no "a", "c" any more']),
        ("{required: [a], properties: {a: {}}}", "{}", [".a is no longer documented"]),
        ("{properties: {a: {}}}", "{required: [a]}", [".a is no longer documented"]),
        (
            "{anyOf: [{$ref: '#/components/schemas/Other'}, {$ref: '#/components/schemas/File'}]}",
            "{anyOf: [{properties: {a: {type: string}}, required: [a], type: object},"
            " {properties: {c: {type: string, maxLength: 1}}, required: [c], type: object}]}",
            [".b is no longer documented", ".c.maxLength is new: 1"],
        ),
        ("{additionalProperties: false}", "{additionalProperties: false, properties: {a: {}}}", [".a is new"]),
        ("{}", "{additionalProperties: false}", [".additionalProperties is false"]),
        (
            "{properties: {a: {items: {maxLength: 2}}}}",
            "{properties: {a: {}}}",
            [".a.items.maxLength is gone: it was 2"],
        ),
    ],
)
def test_words_of_a_change(before, after, expected):
    """A change is told in the words of the document."""
    found = changes(document(response=before), document(response=after))
    assert [change.text.removeprefix("make 200 application/json.n") for change in found] == expected
