"""Constructs of OpenAPI that the mock plays as the document says."""

import copy
import re

import pytest
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.contract import parse

from .things import AT, BINARY, HOST, OK, document, form


def post(service, *parts, path="/things/a", body=None):
    """The answer to a JSON body, or to a form of (name, content, file name or media type) parts."""
    headers = {"Content-Type": "application/json"}
    if body is None:
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        body = ""
        for name, content, *more in parts:
            body += f'--edge\r\nContent-Disposition: form-data; name="{name}"'
            body += "".join(f"\r\nContent-Type: {x}" if "/" in x else f'; filename="{x}"' for x in more)
            body += f"\r\n\r\n{content}\r\n"
        body += "--edge--\r\n"
    return service.handle(Request("POST", HOST + path, headers, body.encode()))


INNER = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
FIELDS = [
    ({"type": "string", "maxLength": 2}, [("n", "ab")], None),
    ({"type": "string", "maxLength": 2}, [("n", "12")], None),
    ({"type": "string", "maxLength": 2}, [("n", "abc")], "n has 3 characters; the maximum is 2."),
    ({"type": "string"}, [("n", "a"), ("n", "b")], "n is given twice; use one part."),
    ({"type": "string", "enum": ["a", "b"]}, [("n", "c")], 'n is "c"; it must be one of "a", "b".'),
    ({"$ref": "#/components/schemas/Text"}, [("n", "5")], None),
    ({"allOf": [{"$ref": "#/components/schemas/Text"}]}, [("n", "5")], None),
    ({"type": "integer", "maximum": 5}, [("n", "5")], None),
    ({"type": "integer", "maximum": 5}, [("n", "6")], "n is 6; the maximum is 5."),
    ({"type": "integer"}, [("n", "5.0")], None),
    ({"type": "integer"}, [("n", "5.5")], "n is 5.5; it must be an integer."),
    ({"type": "integer"}, [("n", "five")], 'n is "five"; it must be an integer.'),
    ({"type": "integer"}, [("n", "")], 'n is ""; it must be an integer.'),
    ({"type": "integer"}, [("n", "[5]")], "n is an array; it must be an integer."),
    ({"type": "number"}, [("n", "-1.5e3")], None),
    ({"type": "number"}, [("n", "NaN")], 'n is "NaN"; it must be a number.'),
    ({"type": "boolean"}, [("n", "true")], None),
    ({"type": "boolean"}, [("n", "True")], 'n is "True"; it must be a boolean.'),
    ({"type": "boolean"}, [("n", "1")], "n is 1; it must be a boolean."),
    (INNER, [("n", '{"a": 1}', "application/json")], None),
    (INNER, [("n", "{}", "application/json")], "n.a is missing; it is required."),
    (INNER, [("n", "{", "application/json")], "n is not JSON ("),
    (INNER, [("n", '{"a": 1, "a": 2}')], "n.a is given twice; use each key once."),
    ({"type": "array", "items": {"type": "string"}, "maxItems": 2}, [("n", "a"), ("n", "b")], None),
    ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, [("n", "a"), ("n", "b")], "n has 2 items; "),
    ({"type": "array", "items": {"type": "integer"}}, [("n", "1")], None),
    ({"type": "array", "items": {"type": "integer"}}, [("n", "1"), ("n", "b")], 'n[1] is "b"; it must be an integer.'),
    ({"type": "array", "items": INNER}, [("n", '{"a": 1}'), ("n", '{"a": 2}')], None),
    (BINARY, [("n", "abc", "a.png")], None),
    (BINARY, [("n", "abcd", "a.png")], "n has 4 bytes; the maximum is 3."),
    (BINARY, [("n", "abc")], "n has no file name; it must be a file."),
    ({"type": "array", "items": BINARY}, [("n", "abc", "a"), ("n", "", "b")], None),
    (
        {"type": "array", "items": BINARY},
        [("n", "abc", "a"), ("n", "abcd", "b")],
        "n[1] has 4 bytes; the maximum is 3.",
    ),
    ({"type": "array", "items": BINARY, "maxItems": 1}, [("n", "a", "a"), ("n", "b", "b")], "n has 2 items; "),
]


@pytest.mark.parametrize(("schema", "parts", "message"), FIELDS)
def test_fields_of_a_form(schema, parts, message):
    """A field of any type is read as OpenAPI has it by default: text, JSON for an object, a part for each item."""
    response = post(MockService(contract=parse(document(form=form(n=schema)))), *parts)
    if message is None:
        assert 200 == response.status
    else:
        assert response.json()["message"].startswith(message)
        assert response.status in (400, 413)


def test_undeclared_fields_are_text():
    """A field that the document does not declare may be sent, once or more."""
    service = MockService(contract=parse(document(form=form(n={"type": "integer"}))))
    assert 200 == post(service, ("other", "5"), ("other", "6"), ("n", "1")).status


def test_all_files_of_a_form_fit():
    """A body is read as long as its files may be together."""
    files = {"a": BINARY, "b": {"type": "array", "items": BINARY, "maxItems": 4}}
    one, more = (MockService(contract=parse(document(form=form(**fields)))) for fields in ({"a": BINARY}, files))
    assert 4 * BINARY["maxLength"] == more.max_body - one.max_body


@pytest.mark.parametrize("number", [3.0])
def test_whole_numbers_written_as_floats(number):
    """A limit such as 3.0 is 3, as in JSON Schema."""
    schema = {"type": "object", "properties": {"n": {"type": "string", "maxLength": number}}}
    contract = parse(document(body=schema))
    (limit,) = [constraint.value for constraint in contract.constraints if constraint.keyword == "maxLength"]
    assert ("3", int) == (str(limit), type(limit))
    assert (
        "n has 4 characters; the maximum is 3."
        in post(MockService(contract=contract), body='{"n": "abcd"}').json()["message"]
    )


@pytest.mark.parametrize("name", ["404", "0", "007", "+5", "00", "é"])
@pytest.mark.parametrize("body", ['{"%s": "a"}', '{"%s": "a", "n": {"%s": "a"}}'])
def test_names_that_are_numbers(name, body):
    """A property is blamed by its name, also where that is a number."""
    schema = {"type": "object", "properties": {name: {"type": "string", "minLength": 2}}}
    schema["properties"]["n"] = copy.deepcopy(schema)
    service = MockService(contract=parse(document(body=schema)))
    message = post(service, body=body.replace("%s", name)).json()["message"]
    assert f"{name} has 1 character; the minimum is 2." in message
    assert [f"/{name}", f"/n/{name}"][: body.count("%s")] == [v.pointer for v in service.calls[-1].violations]


@pytest.mark.parametrize("body", ['{"": {"a": 3}}', '{"": {"": {"a": 3}}}', '{"": 3}', '{"a": {"": 3}}'])
def test_names_without_a_character(body):
    """A body with a property without a name is refused as any other is."""
    inner = {"type": "object", "properties": {"a": {"type": "string"}}}
    inner["additionalProperties"] = {"type": "object", "additionalProperties": {"type": "string"}}
    schema = {"type": "object", "additionalProperties": inner}
    response = post(MockService(contract=parse(document(body=schema))), body=body)
    assert (400, True) == (response.status, "it must be" in response.json()["message"])


@pytest.mark.parametrize("value", [True, None, "text with get in it", {"get": "who"}, ["get"]])
def test_extensions_beside_paths(value):
    """An extension beside the paths is none of them."""
    contract = parse(document(("/paths/x-internal", value)))
    assert (["change"], ["/things/{id}"]) == ([o.id for o in contract.operations], [*contract.document["paths"]])


@pytest.mark.parametrize("first", [True, False])
def test_a_concrete_path_goes_first(first):
    """A request is for the concrete path, whatever the order of the paths."""
    whole = document()
    mine = {"post": {"operationId": "mine"}}
    items = [("/things/mine", mine), *whole["paths"].items(), ("/{any}/mine", {"post": {"operationId": "any"}})]
    items[-1][1]["post"]["parameters"] = [{"name": "any", "in": "path", "required": True, "schema": {"type": "string"}}]
    service = MockService(contract=parse(whole | {"paths": dict(items if first else reversed(items))}))
    for path in ("/things/mine", "/things/other", "/other/mine"):
        post(service, path=path, body="{}")
    assert ["mine", "change", "any"] == [call.operation for call in service.calls]


def test_variables_of_servers():
    """Every value of a variable is at home, the default first."""
    variables = {"env": {"default": "api", "enum": ["dev", "api"]}, "v": {"default": "v1"}}
    servers = [{"url": "https://{env}.test/{v}", "variables": variables}, {"url": "/"}]
    contract = parse(document(("/servers", servers)))
    urls = ("https://api.test/v1", "https://dev.test/v1", "/")
    assert urls == contract.servers == contract.operations[0].servers
    service = MockService(contract=contract)
    headers = {"Content-Type": "application/json"}
    for url, status in (("https://dev.test/v1", 200), ("https://dev.test/v2", 404), ("http://127.0.0.1:4010", 200)):
        assert status == service.handle(Request("POST", f"{url}/things/a", headers, b"{}")).status


THING = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 3}}}
ANSWERS = [
    ({"200": {"content": {"Application/JSON; charset=utf-8": {"example": "a"}}}}, 200, "a"),
    ({"200": {"content": {"text/csv; header=present": {"example": "a"}}}}, 200, b"a"),
    (
        {"200": {"content": {"application/json": {"examples": {"e": {"$ref": "#/components/examples/E"}}}}}},
        200,
        {"a": 4},
    ),
    ({"200": {"description": "d", "content": {"application/json": {"schema": THING}}}}, 200, {"a": 3}),
    (
        {"201": {"description": "d", "content": {"application/json": {"example": {"a": 9}, "schema": THING}}}},
        201,
        {"a": 9},
    ),
    (
        {"2XX": {"description": "d", "content": {"application/json": {"schema": {**THING, "example": {"a": 7}}}}}},
        200,
        {"a": 7},
    ),
    (
        {"200": {"description": "d", "content": {"application/problem+json": {"examples": {"x": {"value": [1]}}}}}},
        200,
        [1],
    ),
    ({"default": {"description": "d", "content": {"application/json": {"schema": {}}}}}, 200, {}),
    ({"404": {"description": "d"}, "202": {"description": "d"}, "200": {"description": "d"}}, 200, b""),
    ({"200": {"$ref": "#/components/responses/A"}}, 200, {"a": 3}),
    ({"200": {"description": "d", "content": {"text/plain": {"schema": {"type": "string"}}}}}, 200, b"a"),
    ({"204": {"description": "d"}}, 204, b""),
    ({}, 204, b""),
    (
        {
            "200": {
                "description": "d",
                "content": {"application/json": {"schema": {"allOf": [THING, {"required": ["a"]}]}}},
            }
        },
        200,
        {"a": 3},
    ),
    (
        {
            "200": {
                "description": "d",
                "content": {"application/json": {"schema": {"oneOf": [{"type": "string", "format": "date"}]}}},
            }
        },
        200,
        "2026-01-01",
    ),
    ({"200": {"description": "d", "content": {"application/json": {"schema": {"properties": {"a": False}}}}}}, 200, {}),
    (
        {"200": {"description": "d", "content": {"application/json": {"schema": {"type": "array", "items": True}}}}},
        200,
        [None],
    ),
]


EXAMPLES = {"E": {"value": {"a": 4}}}


@pytest.mark.parametrize(("responses", "status", "body"), ANSWERS)
def test_answers_are_made_of_the_document(responses, status, body):
    """An operation that the mock does not know is answered by an example, or by a sample of the schema."""
    shared = {"A": {"description": "d", "content": {"application/json": {"schema": THING}}}}
    contract = parse(
        document((f"{AT}/responses", responses), ("/components/responses", shared), ("/components/examples", EXAMPLES))
    )
    response = post(MockService(contract=contract), body="{}")
    assert (status, body) == (response.status, response.body if isinstance(body, bytes) else response.json())
    assert (None if status == 204 else str(len(response.body))) == response.header("Content-Length")


DOUBLING = [("/components/schemas/A0", {"type": "string"})] + [
    (
        f"/components/schemas/A{level}",
        {
            "type": "object",
            "required": ["l", "r"],
            "properties": {name: {"$ref": f"#/components/schemas/A{level - 1}"} for name in "lr"},
        },
    )
    for level in range(1, 31)
]
TREE = {"type": "object", "required": ["t"], "properties": {"t": {"$ref": "#/components/schemas/Tree"}}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"application/json": {"schema": {"type": "string", "pattern": "^b"}}},
            f"{OK} has no example, and the mock can make none. Add one.",
        ),
        (
            {"application/json": {"schema": THING, "example": {}, "examples": {"a": {"value": {"a": 1}}}}},
            None,
        ),
        ({"application/json": {"schema": {"not": {}}}}, f"{OK} has no example, "),
        ({"application/json": {"schema": {"type": "string", "minLength": 10**9}}}, f"{OK} has no example, "),
        ({"application/json": {"schema": {"type": "array", "minItems": 10**9}}}, f"{OK} has no example, "),
        ({"application/json": {"schema": {"$ref": "#/components/schemas/A30"}}}, f"{OK} has no example, "),
        ({"a\r\nb: c/d": {"example": "a"}}, f"{AT}/responses/200/content/a\r\nb: c~1d has no text for an example. "),
        ({"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}, f"{OK} has no example, "),
        (
            {"application/json": {"schema": {"$ref": "#/components/schemas/No"}}},
            "/paths/~1things~1{id}/post/responses/",
        ),
        (
            {"application/json": {"example": 1, "schema": {"$ref": "https://a.test/b"}}},
            f"{OK}/schema/$ref: $ref 'https://a.test/b' leads out ",
        ),
        ({"application/json": {"schema": {"not": {"$ref": "https://a.test/b"}}}}, f"{OK} has no example, "),
        ({"image/png": {}}, f"{AT}/responses/200/content/image~1png has no "),
        ({"image/*": {"example": "a"}}, f"{AT}/responses/200/content/image~1* has no text for an example. Add one, "),
        ({"text/plain": {"example": 5}}, f"{AT}/responses/200/content/text~1plain has no text for an example. Add "),
    ],
)
def test_answers_that_cannot_be_made(content, message):
    """A document without an answer that its own schema allows is refused by place."""
    changes = [(f"{AT}/responses/200/content", content), ("/components/schemas/Tree", TREE), *DOUBLING]
    contract = parse(document(*changes))
    if message is None:
        assert {"a": 3} == post(MockService(contract=contract), body="{}").json()
        return
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}"):
        MockService(contract=contract)


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        *(
            ({name: {}}, f"{AT}/responses/{name} is not a status; ")
            for name in ("2xx", "20X", "2000", "2", "²00", "600")
        ),
        ({"302": {}, "4XX": {}}, f"{AT}/responses has no success, such as 200, which the mock could answer. Add one."),
        (
            {"200": {}, "400": {"content": {"application/problem+json": {}}}},
            f"{AT}/responses/400/content has no application/json, in which the mock answers change.",
        ),
    ],
)
def test_statuses_that_cannot_be_answered(responses, message):
    """A document whose responses the mock cannot give is refused by place."""
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}"):
        MockService(contract=parse(document((f"{AT}/responses", responses))))


def test_requests_of_schemas_that_double():
    """A short document that stands for a billion schemas is refused at once."""
    body = {"$ref": "#/components/schemas/A30"}
    with pytest.raises(ValueError, match=r"^/components/.* makes the request too large; the limit is 128 levels and "):
        parse(document(*DOUBLING, body=body))


def test_large_numbers_are_as_they_are_written():
    """A number that is no exact double is compared as such, in a request and in the document."""
    contract = parse(document(body={"properties": {"n": {"enum": [1.5e300], "multipleOf": 1e299}}}))
    assert 200 == post(MockService(contract=contract), body='{"n": 1.5e300}').status
