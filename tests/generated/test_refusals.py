"""Every keyword of JSON Schema 2020-12: generator and mock both support it, or both refuse it by name."""

import copy
from pathlib import Path

import pytest
from nano_banana_edit_mock import UnsupportedKeyword
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve

from ..document import CONTRACT
from .generating import refusal_of_the_generator

REQUEST = "/components/schemas/EditRequest"
PROMPT = f"{REQUEST}/properties/prompt"
ANY = {"type": "string"}
# By the vocabularies of the specification; each with a value that its keyword may have.
STATED = {
    "validation": {
        "const": "a",
        "enum": ["a", "b"],
        "type": ["string", "null"],
        "minLength": 2,
        "maxLength": 9,
        "pattern": "^a",
        "minimum": 1,
        "maximum": 9,
        "exclusiveMinimum": 1,
        "exclusiveMaximum": 9,
        "multipleOf": 2,
        "minItems": 1,
        "maxItems": 9,
        "uniqueItems": True,
    },
    "meta-data": {"title": "T", "description": "d", "default": "a", "deprecated": True, "examples": ["a"]},
    "core": {"$comment": "c"},
}
REFUSED = {
    "core": {
        "$id": "https://a.test/x",
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$anchor": "a",
        "$dynamicRef": "#a",
        "$dynamicAnchor": "a",
        "$vocabulary": {},
        "$defs": {},
    },
    "applicator": {
        "allOf": [ANY],
        "anyOf": [ANY],
        "oneOf": [ANY],
        "not": ANY,
        "if": ANY,
        "then": ANY,
        "else": ANY,
        "dependentSchemas": {"a": ANY},
        "prefixItems": [ANY],
        "contains": ANY,
        "patternProperties": {"a": ANY},
        "propertyNames": ANY,
    },
    "unevaluated": {"unevaluatedItems": ANY, "unevaluatedProperties": ANY},
    "validation": {
        "maxContains": 1,
        "minContains": 1,
        "maxProperties": 9,
        "minProperties": 1,
        "dependentRequired": {"a": ["b"]},
    },
    "meta-data": {"readOnly": True, "writeOnly": True},
    "format": {"format": "uri"},
    "content": {"contentEncoding": "base64", "contentMediaType": "image/png", "contentSchema": ANY},
    "openapi": {"nullable": True, "discriminator": {"propertyName": "a"}, "xml": {}},
}


def pairs(vocabularies):
    return [pytest.param(k, v, id=f"{name}-{k}") for name, words in vocabularies.items() for k, v in words.items()]


def with_keyword(at, keyword, value):
    document = copy.deepcopy(dict(CONTRACT.document))
    resolve(document, at)[keyword] = value
    return document


def refusal_of_the_mock(document):
    try:
        parse(document)
    except UnsupportedKeyword as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("keyword", "value"), pairs(STATED))
def test_stated_by_both(keyword, value, tmp_path: Path):
    """The generator accepts each keyword that the mock enforces, and each that constrains nothing."""
    document = with_keyword(PROMPT, keyword, value)
    assert ("", "") == (refusal_of_the_mock(document), refusal_of_the_generator(document, tmp_path))


@pytest.mark.parametrize("at", [PROMPT, REQUEST], ids=["property", "body"])
@pytest.mark.parametrize(("keyword", "value"), pairs(REFUSED))
def test_refused_by_both(at, keyword, value, tmp_path: Path):
    """Generator and mock refuse any other keyword by its name, in a property and in a body."""
    document = with_keyword(at, keyword, value)
    assert keyword in refusal_of_the_mock(document)
    assert keyword in refusal_of_the_generator(document, tmp_path)
