"""Boundary cases of documents that say more than ours."""

import copy

import jsonschema
import pytest
from nano_banana_edit_mock import load
from nano_banana_edit_mock._cases import boundary_cases
from nano_banana_edit_mock.contract import parse

WIDE = {
    "type": "object",
    "additionalProperties": {"type": "integer", "exclusiveMaximum": 3},
    "required": ["version", "tags", "inner"],
    "properties": {
        "version": {"const": "v1"},
        "flag": {"type": "boolean"},
        "none": {"type": ["null", "boolean"], "example": None},
        "seed": {"type": "integer", "minimum": -2, "maximum": 7},
        "scale": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 5},
        "name": {"type": "string", "pattern": "^a", "maxLength": 4},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 2}, "uniqueItems": True, "maxItems": 3},
        "any": {"type": "array", "minItems": 2},
        "inner": {
            "type": "object",
            "additionalProperties": False,
            "required": ["depth"],
            "properties": {"depth": {"type": "integer", "minimum": 1}, "hint": {"type": "string", "enum": ["a", "b"]}},
        },
    },
}


@pytest.fixture(scope="module")
def wide():
    document = copy.deepcopy(dict(load().document))
    document["components"]["schemas"]["EditRequest"] = WIDE
    return parse(document)


def test_cases_of_every_keyword(wide):
    """Every keyword has cases, each with an independent validator's verdict, and all but a few are on both sides."""
    oracle = jsonschema.Draft202012Validator(WIDE)
    sides = {c.id: set() for c in wide.constraints if c.owner == "EditRequest"}
    for case in boundary_cases(wide):
        if case.constraint.id in sides:
            sides[case.constraint.id].add(case.accepted)
            assert oracle.is_valid(case.value) == case.accepted, case.id
    whole = {name for name, accepted in sides.items() if accepted != {True, False}}
    assert set() == whole


def test_case_breaks_its_constraint_alone(wide):
    """What a refused case breaks is the keyword of its constraint; a wrong type may be no listed value either."""
    oracle = jsonschema.Draft202012Validator(WIDE)
    for case in boundary_cases(wide):
        if case.constraint.owner == "EditRequest" and not case.accepted:
            broken = {error.validator for error in oracle.iter_errors(case.value)}
            assert {case.constraint.keyword} == broken - ({"enum"} if case.constraint.keyword == "type" else set())
