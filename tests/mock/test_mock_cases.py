"""Boundary cases of documents that say more than ours."""

import copy

import jsonschema
import pytest
from attrs import evolve
from nano_banana_edit_mock import Request, load
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.engine.bodies import read_form
from nano_banana_edit_mock.tools import cases
from nano_banana_edit_mock.tools.cases import boundary_cases

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


IMPLIED = {"type": {"enum"}, "minLength": {"pattern"}, "maxLength": {"pattern"}}


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
            assert {case.constraint.keyword} == broken - IMPLIED.get(case.constraint.keyword, set())


SMALL = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://small.test/v1/"}],
    "security": [{"bearer": []}],
    "paths": {
        "/things/{id}/{at}": {
            "get": {
                "operationId": "look",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "7/8"},
                    {"name": "at", "in": "path", "required": True, "schema": {"type": "string"}},
                ],
            }
        },
        "/things/{kind}": {
            "post": {
                "operationId": "make",
                "security": [],
                "parameters": [{"name": "kind", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
            }
        },
        "/files": {
            "post": {
                "operationId": "send",
                "security": [],
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {"properties": {"file": {}, "other": {}}, "required": ["file"]}
                        }
                    }
                },
            }
        },
    },
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        "schemas": {"Pet": {"example": "cat"}, "Any": {"type": ["boolean", "null"]}},
    },
}


def small(**schema):
    """The cases of a document whose JSON body has a schema."""
    document = copy.deepcopy(SMALL)
    document["paths"]["/things/{kind}"]["post"]["requestBody"]["content"]["application/json"]["schema"] = {
        "title": "Thing",
        **schema,
    }
    file = {"type": "string", "format": "binary", "minLength": 0, "maxLength": 10}
    form = document["paths"]["/files"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    form["properties"] |= {"file": file, "other": file}
    return boundary_cases(parse(document))


NO_NUMBERS = {"null": None, "true": True, '"text"': "text", "an array": [], "an object": {}}


@pytest.mark.parametrize(
    ("schema", "keyword", "expected"),
    [
        ({"minimum": 3}, "minimum", {"2": 2, "3": 3, "4": 4, "as documented": {}}),
        (
            {"type": "number", "exclusiveMinimum": 4},
            "exclusiveMinimum",
            {"3": 3, "4": 4, "5": 5},
        ),
        ({"type": "integer", "maximum": 1}, "maximum", {"0": 0, "1": 1, "2": 2}),
        ({"type": "integer", "minimum": 5, "multipleOf": 4}, "multipleOf", {"8": 8, "9": 9}),
        ({"type": "integer", "minimum": 10, "multipleOf": 5}, "minimum", {"5": 5, "10": 10, "15": 15}),
        ({"type": "number", "default": 7}, "type", {**NO_NUMBERS, "1": 1, "1.5": 1.5, "as documented": 7}),
        (
            {"enum": ["ab", "Cd"]},
            "enum",
            {'"ab"': "ab", '"Cd"': "Cd", '"ab "': "ab ", '"CD"': "CD", '""': "", "null": None},
        ),
        ({"const": 5}, "const", {"5": 5, '"5 "': "5 ", '"5"': "5", '""': "", "null": None}),
        (
            {"type": "string", "minLength": 1},
            "minLength",
            {'0 x "a"': "", '1 x "a"': "a", '2 x "a"': "aa", '1 x "🍌"': "🍌", '2 x "🍌"': "🍌🍌"},
        ),
        (
            {"type": ["boolean", "null"]},
            "type",
            {"null": None, "true": True, "1": 1, "1.5": 1.5, '"text"': "text", "an array": [], "an object": {}},
        ),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}, "minItems": 0},
            "minItems",
            {"0 items": [], "1 item": ["cat"]},
        ),
        (
            {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Any"}]}, "maxItems": 2},
            "maxItems",
            {"1 item": [True], "2 items": [True] * 2, "3 items": [True] * 3},
        ),
        (
            {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 2},
            "maxItems",
            {"1 item": ["a"], "2 items": ["a", "a1"], "3 items": ["a", "a1", "a2"]},
        ),
        ({"type": "boolean"}, "type", {**NO_NUMBERS, "1": 1, "1.5": 1.5}),
        ({"type": "integer"}, "type", {**NO_NUMBERS, "1": 1, "1.5": 1.5, "as documented": 0}),
        (
            {"type": "array", "items": {"const": 1}},
            "items.const",
            {"1": [1], '"1 "': ["1 "], '"1"': ["1"], '""': [""], "null": [None]},
        ),
        (
            {"type": "array", "example": [{}], "items": {"properties": {"a": {"default": "x"}}}},
            "items.a.default",
            {"left out": [{}]},
        ),
        (
            {"type": "array", "minItems": 2, "items": {"properties": {"a": {"minimum": 1, "type": "integer"}}}},
            "items.a.minimum",
            {"0": [{"a": 0}, {"a": 1}], "1": [{"a": 1}] * 2, "2": [{"a": 2}, {"a": 1}]},
        ),
    ],
)
def test_values_around_a_limit(schema, keyword, expected):
    """The values of a constraint's cases lie at its limit and next to it, and each is named."""
    cases = [case for case in small(**schema) if case.constraint.id == f"Thing.{keyword}"]
    assert expected == {case.name: case.value for case in cases}


def rows(constraint):
    """What the cases of a constraint send to a server, by name."""
    return {
        case.name: (case.accepted, case.request("https://small.test/v1/", "T"))
        for case in small()
        if case.constraint.id == constraint
    }


def test_authorizations():
    """A token is sent in each spelling of the scheme, in another scheme, bare, and not at all."""
    url = "https://small.test/v1/things/7%2F8/a"
    texts = {
        "Bearer {token}": (True, "Bearer T"),
        "bearer {token}": (True, "bearer T"),
        "": (False, ""),
        "Bearer": (False, "Bearer"),
        "Basic {token}": (False, "Basic T"),
        "{token}": (False, "T"),
    }
    expected = {
        f'"{name}"': (accepted, Request("GET", url, {"Authorization": text}))
        for name, (accepted, text) in texts.items()
    }
    assert expected | {"no header": (False, Request("GET", url))} == rows("look.security.bearer")


def test_paths():
    """A path is sent with each parameter's example or else a plain text, and with the parameter left empty."""
    server, token = "https://small.test/v1", {"Authorization": "Bearer T"}
    plain = (True, Request("GET", f"{server}/things/7%2F8/a", token))
    assert {"left out": (False, Request("GET", f"{server}/things//a", token)), "as documented": plain} == rows(
        "look.id.required"
    )
    assert {"left out": (False, Request("GET", f"{server}/things/7%2F8/", token)), "as documented": plain} == rows(
        "look.at.required"
    )
    assert {"as documented": plain} == rows("look.id.type") == rows("look.at.type")
    assert {(None, True)} == {(case.value, case.empty) for case in small() if case.operation.id == "look"}


def test_bodies_that_are_left_out():
    """A body that must be there is sent and left out."""
    headers = {"Authorization": "Bearer T", "Content-Type": "application/json"}
    url = "https://small.test/v1/things/a"
    assert {
        "left out": (False, Request("POST", url, headers)),
        "as documented": (True, Request("POST", url, headers, b"{}")),
    } == rows("make.requestBody.required")


def test_files():
    """A file is sent in the sizes around each limit, as the beginning of an image, and left out."""

    def form(content=None):
        head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="case.png"\r\n'
        part = b"" if content is None else head + b"Content-Type: image/png\r\n\r\n" + content + b"\r\n"
        headers = {"Authorization": "Bearer T", "Content-Type": "multipart/form-data; boundary=edge"}
        return Request("POST", "https://small.test/v1/files", headers, part + b"--edge--\r\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "_BOUNDARY", "edge")
        png = b"\x89PNG\r\n\x1a\n"
        plain = {"as documented": (True, form(png))}
        assert plain == rows("send.file.type") == rows("send.file.format")
        assert plain | {"left out": (False, form())} == rows("send.required.file")
        assert plain | {"0 bytes": (True, form(b"")), "1 bytes": (True, form(png[:1]))} == rows("send.file.minLength")
        sizes = {"9 bytes": (True, form(png + b"\0")), "10 bytes": (True, form(png + b"\0\0"))}
        assert plain | sizes | {"11 bytes": (False, form(png + b"\0\0\0"))} == rows("send.file.maxLength")


def test_text_is_sent_as_it_is():
    """A text beyond ASCII is sent in UTF-8, not escaped, so that its bytes are more than its characters."""
    (case,) = (case for case in small(type="string", maxLength=1) if case.name == '1 x "🍌"')
    assert '"🍌"'.encode() == case.request("https://small.test", "T").body


def test_two_files():
    """A form of several files is read as such."""
    plain = next(case for case in small() if case.id == "send.file.type: as documented")
    request = evolve(plain, value={"file": 1, "other": 0}).request("https://small.test", "T")
    parts = read_form(request.header("Content-Type") or "", request.body)
    assert [("file", b"\x89"), ("other", b"")] == [(part.name, part.content) for part in parts]


def test_fields_of_every_type():
    """The fields of a form have cases on both sides of their constraints, and each is sent as the mock reads it."""
    fields = {
        "count": {"type": "integer", "maximum": 3},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 2}, "maxItems": 2},
        "masks": {"type": "array", "items": {"type": "string", "format": "binary", "maxLength": 4}, "minItems": 1},
        "meta": {"type": "object", "required": ["a"], "properties": {"a": {"type": "boolean"}}},
        "note": {"type": "string", "minLength": 1},
    }
    document = copy.deepcopy(SMALL)
    form = document["paths"]["/files"]["post"]["requestBody"]["content"]["multipart/form-data"]
    form["schema"] = {"type": "object", "title": "Form", "properties": fields}
    sides = {}
    for case in boundary_cases(parse(document)):
        sides.setdefault(case.constraint.id, set()).add(case.accepted)
    both = {"count.type", "count.maximum", "tags.items.maxLength", "tags.maxItems", "masks.items.maxLength"}
    both |= {"meta.type", "meta.required.a", "meta.a.type", "note.minLength"}
    assert both <= {name.removeprefix("Form.") for name, accepted in sides.items() if len(accepted) == 2}
