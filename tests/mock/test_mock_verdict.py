"""What the service accepts and refuses, and what it says."""

import json

import pytest
from nano_banana_edit_mock import MockService, Request, Response
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.reading import MAX_DEPTH
from nano_banana_edit_mock.contract.schemas import MAX_VIOLATIONS
from nano_banana_edit_mock.contract.wording import show
from nano_banana_edit_mock.engine.referee import ENVELOPE

SNOW = "\N{SNOWMAN}"
ASTRAL = "\N{GRINNING FACE}"


def said(response: Response) -> str:
    return str(response.json()["message"])


@pytest.mark.parametrize(
    ("status", "content_type"),
    [
        (200, "application/json"),
        (200, "Application/JSON"),
        (200, "application/json; charset=utf-8"),
        (200, " application/json ;x=y"),
        (415, None),
        (415, ""),
        (415, "text/plain"),
        (415, "application/jsonp"),
        (415, "text/plain; application/json"),
        (415, "multipart/form-data; boundary=x"),
    ],
)
def test_content_type(send, status, content_type):
    """The media type counts, in any case and with any parameters."""
    assert status == send("createEdit", Content_Type=content_type).status


@pytest.mark.parametrize(
    ("status", "authorization"),
    [
        (200, "Bearer secret"),
        (200, "bearer secret"),
        (200, "BEARER  a.b-c_d~e+f/g=="),
        (401, None),
        (401, ""),
        (401, "Bearer"),
        (401, "Bearer "),
        (401, "Bearersecret"),
        (401, "secret"),
        (401, "Basic c2VjcmV0"),
        (401, "Bearer secret extra"),
        (401, " Bearer secret"),
        (401, "Bearer secret "),
        (401, "Bearer <secret>"),
        (401, "Bearer a, Bearer b"),
        (401, "Bearer s\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ],
)
def test_bearer(send, status, authorization):
    """Every form of the bearer scheme is accepted, and nothing like it."""
    response = send("getTask", Authorization=authorization)
    assert status == (401 if response.status == 401 else 200)
    assert ("Bearer" if status == 401 else None) == response.header("www-authenticate")


def test_one_token(send):
    """A service with a token accepts no other, and repeats neither."""
    service = MockService(token="right")
    assert 200 == send("createEdit", to=service, Authorization="bearer right").status
    refused = send("createEdit", to=service, Authorization="bearer wrong")
    assert 401 == refused.status
    assert "Authorization has another token than the one accepted." == said(refused)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Authorization", None, "Authorization is missing; use Bearer <token>."),
        ("Authorization", "", "Authorization has no bearer token; use Bearer <token>."),
        ("Authorization", "X", "Authorization has no bearer token; use Bearer <token>."),
        ("Content_Type", None, "Content-Type is missing; use application/json."),
        ("Content_Type", "text/x", "Content-Type is text/x; use application/json."),
    ],
)
def test_what_is_wrong_with_a_header(send, name, value, message):
    """A header that is missing is told from one that is wrong."""
    assert message == said(send("createEdit", **{name: value}))


GOOD = '{"image_urls": ["a"], "prompt": "p"%s}'


@pytest.mark.parametrize(
    "body",
    [
        GOOD % "",
        f" \r\n\t{GOOD % ''} ",
        GOOD % ', "extra": [null, true, -1.5e300, {"a": {}}]',
        GOOD % rf', "extra": "\ud83d\ude00 {SNOW}{ASTRAL}"',
        GOOD % ', "extra": 100000000000000000000000',
        GOOD % (', "extra": ' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)),
    ],
)
def test_good_json(send, body):
    """Whatever RFC 8259 allows is accepted, unknown properties included."""
    assert 200 == send("createEdit", body.encode()).status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is missing"),
        (b" ", "not JSON"),
        (b"{", "not JSON"),
        ((GOOD % "").encode()[:-1], "not JSON"),
        ((GOOD % ",").encode(), "not JSON"),
        ((GOOD % "").encode() + b"x", "not JSON"),
        ((GOOD % "").encode() + b"{}", "not JSON"),
        (b"image_urls=a&prompt=p", "not JSON"),
        ((GOOD % "").replace('"', "'").encode(), "not JSON"),
        ((GOOD % ', "extra": "\t"').encode(), "not JSON"),
        (b"\xef\xbb\xbf" + (GOOD % "").encode(), "byte order mark"),
        ((GOOD % "").encode("utf-16"), "not UTF-8"),
        ((GOOD % ', "extra": "X"').encode().replace(b"X", b"\xff"), "not UTF-8"),
        ((GOOD % ', "extra": "X"').encode().replace(b"X", b"\xed\xa0\x80"), "not UTF-8"),
        ((GOOD % r', "extra": ["", {"a": "\ud800"}]').encode(), "extra[1].a has a lone surrogate"),
        ((GOOD % r', "\udc00": 1').encode(), "has a lone surrogate"),
        ((GOOD % ', "extra": NaN').encode(), "extra is "),
        ((GOOD % ', "extra": -Infinity').encode(), "extra is "),
        ((GOOD % ', "extra": 1e999').encode(), "extra is "),
        ((GOOD % f', "extra": {"9" * 5000}').encode(), "extra is "),
        ((GOOD % ', "prompt": "q"').encode(), "prompt is given twice"),
        ((GOOD % r', "extra": {"\ud800": 1, "\ud800": 2}').encode(), "is given twice"),
        ((GOOD % ', "extra": [{"a": 1, "a": 1}]').encode(), "extra[0].a is given twice"),
        ((GOOD % (', "extra": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH)).encode(), "too deep"),
        ((GOOD % (', "extra": ' + '{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)).encode(), "too deep"),
        (b"[" * 100_000, "too deep"),
        (b"null", "The body is null; it must be an object."),
        (b"[]", "The body is an array; it must be an object."),
    ],
)
def test_bad_json(send, service, body, message):
    """Whatever parsers disagree on is refused, with the reason."""
    response = send("createEdit", body)
    assert 400 == response.status
    assert "invalid_request" == response.json()["error_code"]
    assert message in said(response)
    assert () == service.edits


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (r'["", {"a": "\ud800"}]', ("1", "a")),
        (r'{"\ud800": 1}', ("\ud800",)),
        ("[0, NaN]", ("1",)),
        ('{"a": [{"b": 1, "b": 2}]}', ("a", "0", "b")),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, ("0",) * (MAX_DEPTH - 1)),
    ],
)
def test_culprit_of_bad_json(send, service, extra, path):
    """What makes a body unreadable is located in it, however deep it lies."""
    send("createEdit", (GOOD % f', "extra": {extra}').encode())
    (violation,) = service.calls[-1].violations
    assert ("extra", "/".join(("", "extra", *path)), "content") == (
        violation.field,
        violation.pointer,
        violation.keyword,
    )


def test_lengths(send, edit_body, limit):
    """Text is counted in code points, and every length is accepted up to its limit."""
    low, high = (limit[f"EditRequest.prompt.{end}Length"] for end in ("min", "max"))
    for status, size in ((400, low - 1), (200, low), (200, high), (400, high + 1)):
        assert status == send("createEdit", {**edit_body, "prompt": ASTRAL * size}).status
    few, many = (limit[f"EditRequest.image_urls.{end}Items"] for end in ("min", "max"))
    for status, size in ((400, few - 1), (200, few), (200, many), (400, many + 1)):
        assert status == send("createEdit", {**edit_body, "image_urls": ["a"] * size}).status


@pytest.mark.parametrize("name", ["image_size", "output_format"])
def test_choices(send, edit_body, limit, name):
    """Each documented choice is accepted, in its own spelling only."""
    for value in limit[f"EditRequest.{name}.enum"]:
        assert 200 == send("createEdit", {**edit_body, name: value}).status
        assert 400 == send("createEdit", {**edit_body, name: f"{value} "}).status
    assert 400 == send("createEdit", {**edit_body, name: None}).status


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}])
def test_types(send, service, edit_body, value):
    """A value of another type is refused, in a field and in an item, and located."""
    send("createEdit", {**edit_body, "prompt": value})
    send("createEdit", {**edit_body, "image_urls": ["a", value]})
    (prompt,), (item,) = (entry.violations for entry in service.calls)
    assert ("/prompt", "prompt", "type") == (prompt.pointer, prompt.field, prompt.keyword)
    assert ("/image_urls/1", "image_urls", "type") == (item.pointer, item.field, item.keyword)
    assert item.message.startswith("image_urls[1] is ")
    assert item.message.endswith("; it must be a string.")


def test_missing_property(send, service, edit_body):
    """Each required property is missed by name."""
    for name in edit_body:
        send("createEdit", {key: value for key, value in edit_body.items() if key != name})
        (violation,) = service.calls[-1].violations
        assert (name, f"/{name}", "required") == (violation.field, violation.pointer, violation.keyword)
        assert f"{name} is missing; it is required." == violation.message


def test_message_style(send, edit_body, limit):
    """A message has the field, what was received, what is accepted, and the remedy."""
    low, high = (limit[f"EditRequest.prompt.{end}Length"] for end in ("min", "max"))
    response = send("createEdit", {**edit_body, "prompt": "x" * (high + 1)})
    expected = f"prompt has {high + 1} characters; the limit is {low} to {high}."
    assert {"message": expected, "error_code": "invalid_request"} == response.json()
    assert "application/json" == response.header("Content-Type")


def test_long_values_are_shortened(send, edit_body):
    """A message shows no more of a value than is needed to recognise it."""
    response = send("createEdit", {**edit_body, "output_format": "x" * 10_000})
    shown = '"' + "x" * 58 + "…"
    assert said(response).startswith(f"output_format is {shown}; it must be one of ")


def test_violations_are_bounded(send, service, edit_body):
    """A request with countless faults is answered with a few of them."""
    send("createEdit", {**edit_body, "image_urls": [0] * 1000})
    assert MAX_VIOLATIONS == len(service.calls[-1].violations)


def test_violations_outside_the_schemas(send, service):
    """What HTTP itself prescribes is located in the request as well."""
    send("createEdit", Authorization=None)
    send("createEdit", Content_Type=None)
    send("createEdit", b"x" * (service.max_body + 1))
    assert [
        ("security", "", "Authorization", "security"),
        ("header", "", "Content-Type", "content"),
        ("body", "", None, "size"),
    ] == [(v.location, v.pointer, v.field, v.keyword) for entry in service.calls for v in entry.violations]


def test_invalid_status(send):
    """The status of a refused body is an option, those that HTTP prescribes are not."""
    service = MockService(invalid_status=422)
    refused = send("createEdit", {}, to=service)
    assert (422, None) == (refused.status, refused.header("WWW-Authenticate"))
    assert 415 == send("createEdit", {}, to=service, Content_Type="text/plain").status


def test_the_document_decides(send, edit_body, document):
    """A number, a choice and a requirement changed in the document change the verdict."""
    schemas = document["components"]["schemas"]
    schemas["EditRequest"]["properties"]["prompt"]["maxLength"] = 3
    schemas["ImageSize"]["enum"].append("7:5")
    schemas["EditRequest"]["required"].append("output_format")
    service = MockService(contract=parse(document))
    body = {**edit_body, "prompt": "abc", "image_size": "7:5", "output_format": "png"}
    assert 200 == send("createEdit", body, to=service).status
    assert 400 == send("createEdit", {**body, "prompt": "abcd"}, to=service).status
    assert 400 == send("createEdit", edit_body, to=service).status
    assert 400 == send("createEdit", {**edit_body, "image_size": "7:5"}).status


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\N{SNOWMAN}", '"\N{SNOWMAN}"'),
        ("x" * 58, f'"{"x" * 58}"'),
        ("x" * 59, f'"{"x" * 58}…'),
        ("x" * 10_000, f'"{"x" * 58}…'),
        (10**59, "1" + "0" * 59),
        (10**60, "1" + "0" * 58 + "…"),
    ],
)
def test_values_as_they_are_shown(value, shown):
    """A value is shown as JSON of at most 60 characters."""
    assert shown == show(value)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"enum": ["a", 1]}, "b", 'n is "b"; it must be one of "a", 1.'),
        ({"const": "a"}, "b", 'n is "b"; it must be "a".'),
        ({"minItems": 2}, [1], "n has 1 item; the minimum is 2."),
        ({"additionalProperties": False}, {"a": 1}, "n.a is unknown; no properties are allowed."),
        (
            {"items": {"additionalProperties": False}},
            [{}, {"a": 1, "b": 2}],
            "n[1].a is unknown; no properties are allowed. n[1].b is unknown; no properties are allowed.",
        ),
    ],
)
def test_message_of_a_small_schema(rich, schema, value, message):
    """A message lists what a keyword names, and says so where that is nothing."""
    rich["components"]["schemas"]["Thing"]["properties"] = {"n": schema}
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    request = Request("PUT", "https://things.test/api/things/a", headers, json.dumps({"n": value}).encode())
    assert message == said(MockService(contract=parse(rich)).handle(request))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"a/b": 2}, "a/b is 2; it must be 1."),
        ({"small": 0}, "small is 0; it must be more than 0."),
        ({"small": 10}, "small is 10; it must be less than 10."),
        ({"even": 3}, "even is 3; it must be a multiple of 2."),
        ({"even": -2}, "even is -2; the minimum is 0."),
        ({"even": "2"}, 'even is "2"; it must be an integer or null.'),
        ({"tags": [1, 1]}, "tags has an item twice; each item must be unique."),
        ({"tags": [1, 2, 3, 4]}, "tags has 4 items; the maximum is 3."),
        ({"code": "ab"}, 'code is "ab"; it must match ^[A-Z]+$.'),
        ({"code": "A"}, "code has 1 character; the minimum is 2."),
        ({"inner": {}}, "inner.deep is missing; it is required."),
        ({"inner": {"deep": "", "x": 1}}, "inner.x is unknown; the allowed properties are: deep."),
        ({"labels": {"a": "abc"}}, "labels.a has 3 characters; the maximum is 2."),
        ({"labels": {"a": {}}}, "labels.a is an object; it must be a string."),
    ],
)
def test_every_keyword_is_explained(rich_service, body, message):
    """Each keyword has its own words."""
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    request = Request("PUT", "https://things.test/api/things/a", headers, json.dumps(body).encode())
    assert message == said(rich_service.handle(request))


def test_optional_body(rich_service):
    """A body that is not required may be left out, whatever its type would have been."""
    request = Request("PUT", "https://things.test/api/things/a", {"Authorization": "Bearer t"})
    assert 204 == rich_service.handle(request).status


def test_form_fields(rich_service):
    """A plain field of a form is judged as text, and a form without files has no limit but the envelope."""
    for status, content in ((400, b"x"), (204, "éé".encode())):
        body = b'--f\r\nContent-Disposition: form-data; name="note"\r\n\r\n' + content + b"\r\n--f--"
        headers = {"Content-Type": "multipart/form-data; boundary=f"}
        assert status == rich_service.handle(Request("POST", "https://things.test/api/things/a", headers, body)).status
    assert ENVELOPE == rich_service.max_body
