"""Examples of a document that break its own rules: each is named by its place, its value and the rule."""

import re

import pytest
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import resolve
from nano_banana_edit_mock.tools.cases import inspect

from .things import document as things
from .things import form

EDIT = "/components/schemas/EditRequest/properties"

PROMPT, URLS = f"{EDIT}/prompt", f"{EDIT}/image_urls"
JSON = "/paths/~1things~1{id}/post/requestBody/content/application~1json/schema"
FORM = JSON.replace("application~1json", "multipart~1form-data")


def refusal(document):
    """What is said of a document."""
    contract = parse(document)
    with pytest.raises(ValueError, match=r"\.$") as raised:
        inspect(contract)
    return str(raised.value)


@pytest.mark.parametrize(
    ("at", "change", "message"),
    [
        (PROMPT, {"pattern": "^[a-z ]+$"}, rf'{PROMPT}/example is "Make.*"; it must match \^\[a-z \]\+\$\.'),
        (PROMPT, {"example": ""}, rf"{PROMPT}/example has 0 characters; the limit is 1 to 5000\."),
        (PROMPT, {"example": 5}, rf"{PROMPT}/example is 5; it must be a string\."),
        (PROMPT, {"minLength": 6000}, rf"{PROMPT}/minLength is 6000, and {PROMPT}/maxLength is 5000; no value .*"),
        (URLS, {"example": []}, rf"{URLS}/example has 0 items; the limit is 1 to .*"),
        (URLS, {"example": [5]}, rf"{URLS}/example/0 is 5; it must be a string\."),
    ],
)
def test_an_example_of_an_edit(document, at, change, message):
    """The place of the example is named, or those of two limits that allow no value."""
    resolve(document, at).update(change)
    assert re.fullmatch(message, refusal(document))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"type": "string", "pattern": "^[b-z]+$"},
            f'{JSON}/properties/a is "a"; it must match ^[b-z]+$. The mock made this value. Add an example.',
        ),
        (
            {"type": "array", "items": {"type": "object", "required": ["b"], "properties": {"b": {}}}, "example": [{}]},
            f"{JSON}/properties/a/example/0/b is missing; it is required.",
        ),
        (
            {"type": "array", "items": {"type": "object", "additionalProperties": False}, "example": [{"x": 1}]},
            f"{JSON}/properties/a/example/0/x is unknown; no properties are allowed.",
        ),
        (
            {"type": "integer", "minimum": 3, "default": 1},
            f"{JSON}/properties/a/default is 1; the minimum is 3.",
        ),
        (
            {"type": "string", "maxLength": 1, "examples": ["long"]},
            f"{JSON}/properties/a/examples/0 has 4 characters; the maximum is 1.",
        ),
    ],
)
def test_an_example_of_anything(schema, message):
    """The place is named in every form of an example, and where the mock made the value."""
    assert message == refusal(things(body={"type": "object", "required": ["a"], "properties": {"a": schema}}))


def test_a_field_of_a_form():
    """A field of a form is named as well, and so are the limits of a file."""
    text = form(a={"type": "integer", "minimum": 3, "example": 1}) | {"required": ["a"]}
    assert f"{FORM}/properties/a/example is 1; the minimum is 3." == refusal(things(form=text))
    file = form(a={"type": "string", "format": "binary", "minLength": 5, "maxLength": 3}) | {"required": ["a"]}
    at = f"{FORM}/properties/a"
    message = f"{at}/minLength is 5, and {at}/maxLength is 3; no value is within both. Correct one."
    assert message == refusal(things(form=file))
