"""Constructs of OpenAPI that client or mock cannot hold: the document is refused by place, with a remedy."""

import json
import re

import pytest
from nano_banana_edit_mock import UnsupportedKeyword
from nano_banana_edit_mock.contract import parse

from .things import AT, BINARY, FORM, JSON, document, form

REFUSED = [
    (("/openapi", "3.0.3"), {}, '/openapi is "3.0.3"; it must be 3.1.0, or another 3.1 in quotes.'),
    (("/openapi", "3.2.0"), {}, '/openapi is "3.2.0"; '),
    (("/openapi", "4.0.0"), {}, '/openapi is "4.0.0"; '),
    (("/openapi", 3.1), {}, "/openapi is 3.1; "),
    (("/openapi", None), {}, "/openapi is null; "),
    (("/swagger", "2.0"), {}, '/swagger is "2.0". Convert the document to OpenAPI 3.1.'),
    (("/jsonSchemaDialect", "https://json-schema.org/draft-07/schema"), {}, "jsonSchemaDialect at /jsonSchemaDialect "),
    (("/paths", []), {}, "/paths is an array; it must be an object."),
    (("/paths/things", {}), {}, "/paths/things is not a path; it must begin with /, and have no ? and #, nor a lone "),
    (("/paths/~1a?b=c", {}), {}, "/paths/~1a?b=c is not a path; "),
    (("/paths/~1a{b", {}), {}, "/paths/~1a{b is not a path; "),
    (("/paths/~1things~1{name}", {}), {}, "/paths/~1things~1{name} is the same path as /paths/~1things~1{id}. "),
    (("/paths/~1a", 5), {}, "/paths/~1a is 5; it must be an object."),
    (
        ("/paths/~1a", {"$ref": "#/components/pathItems/A"}),
        {},
        "$ref at /paths/~1a/$ref is not supported. Write it out in each operation.",
    ),
    (("/paths/~1a", {"parameters": []}), {}, "parameters at /paths/~1a/parameters is not supported. Write it out "),
    (("/paths/~1a", {"query": {}}), {}, "query at /paths/~1a/query is not supported. "),
    (("/paths/~1a", {"get": None}), {}, "/paths/~1a/get is null; it must be an object."),
    (("/paths/~1a", {"get": {}}), {}, "/paths/~1a/get has no operationId; it is required."),
    (
        ("/paths/~1a", {"get": {"operationId": "change"}}),
        {},
        f"/paths/~1a/get/operationId is also that of {AT}. Use another one.",
    ),
    ((f"{AT}/parameters", []), {}, f"{AT} has id in its path. Declare it as a path parameter, and use it once."),
    ((f"{AT}/parameters", {}), {}, f"{AT}/parameters is an object; it must be a list."),
    (
        (f"{AT}/parameters/0/name", "ident"),
        {},
        f'{AT}/parameters/0/name is "ident"; /things/{{id}} must have it once in ',
    ),
    (
        ("/paths/~1a~1{b.c}", {"get": {"operationId": "x", "parameters": [{"in": "path", "name": "b.c"}]}}),
        {},
        '/paths/~1a~1{b.c}/get/parameters/0/name is "b.c"; use letters, digits, - and _, and begin with a letter.',
    ),
    ((f"{AT}/parameters/0/in", "query"), {}, f"in at {AT}/parameters/0/in is not supported. "),
    ((f"{AT}/parameters/0/style", "label"), {}, f"style at {AT}/parameters/0/style is not supported. Leave it out."),
    ((f"{AT}/parameters/0/required", False), {}, f"{AT}/parameters/0/required must be true, as that of every path "),
    ((f"{AT}/parameters/0/required", "yes"), {}, f'{AT}/parameters/0/required is "yes"; it must be true or false.'),
    ((f"{AT}/requestBody/content", {}), {}, f"content at {AT}/requestBody/content is not supported. Use one of "),
    ((f"{AT}/requestBody", {"content": {"text/plain": {}}}), {}, f"content at {AT}/requestBody/content is not "),
    ((f"{AT}/requestBody/style", 1), {}, f"style at {AT}/requestBody/style is not supported. "),
    ((f"{JSON}/schema", None), {}, f"{JSON}/schema is null; it must be an object."),
    (
        (f"{JSON}/schema", {"format": "binary"}),
        {},
        f"format at {JSON}/schema/format is not supported. Only a field of ",
    ),
    ((f"{JSON}/schema/required", ["a"]), {}, f"{JSON}/schema/required has a, which is not a property. Declare it in "),
    (
        (f"{FORM}/encoding", {"n": {"contentType": "image/png"}}),
        {"form": form()},
        f"encoding at {FORM}/encoding is not ",
    ),
    ((f"{FORM}/schema", {"type": "array"}), {"form": form()}, f"type at {FORM}/schema/type is not supported. A form "),
    (
        (f"{FORM}/schema/additionalProperties", {"type": "integer"}),
        {"form": form()},
        f"additionalProperties at {FORM}/schema/additionalProperties is not supported. Declare each field.",
    ),
]
N = f"{FORM}/schema/properties/n"
REFUSED += [
    ((N, wrong), {"form": form()}, f"type at {N}/type is not supported. A field must have one type: string, integer, ")
    for wrong in ({}, {"enum": ["a"]}, {"type": "null"}, {"type": ["string", "null"]})
]
REFUSED += [
    ((N, wrong), {"form": form()}, message)
    for wrong, message in (
        ({"type": "array"}, f"{N} has no items; it is required."),
        ({"type": "array", "items": {"type": "array"}}, f"type at {N}/items/type is not supported. A field must have "),
        ({**BINARY, "enum": ["a"]}, f"enum at {N}/enum is not supported. Of a file only the size "),
        ({"type": "array", "items": BINARY, "uniqueItems": True}, f"uniqueItems at {N}/uniqueItems is not supported. "),
        ({"type": "object", "properties": {"f": BINARY}}, f"format at {N}/properties/f/format is not supported. "),
    )
]
REFUSED += [
    (("/servers", [wrong]), {}, message)
    for wrong, message in (
        ({"url": "https://{env}.test"}, "/servers/0/variables has no env; it is required."),
        ({"url": "https://{env}.test", "variables": {}}, "/servers/0/variables has no env; it is required."),
        ({"url": "https://{a}.test", "variables": {"a": {}}}, "/servers/0/variables/a has no default; it is required."),
        (
            {"url": "https://{a}.test", "variables": {"a": {"default": "b", "enum": ["c"]}}},
            '/servers/0/variables/a/default is "b", which is not in its enum.',
        ),
        (
            {"url": "https://{a}.{b}", "variables": {x: {"default": "0", "enum": [*"0123456789x"]} for x in "ab"}},
            "/servers/0/variables make more than 100 URLs. Shorten an enum.",
        ),
        (
            {"url": "https://a.test?b=c"},
            '/servers/0/url is "https://a.test?b=c"; it must be a URL without a query and ',
        ),
        *(
            ({"url": odd}, f"/servers/0/url is {json.dumps(odd)}; it must be a URL")
            for odd in ("ftp://a.test", "a.test/v1", "https:///v1", "https://a.test\\v1", "https://a.test/v1\n", " /v1")
        ),
        (
            {"url": "https://{a}.{b}", "variables": {"a": {"default": "{b}"}, "b": {"default": "c"}}},
            '/servers/0/url is "https://{b}.c"; it must be a URL',
        ),
        ({"url": "https://[a"}, '/servers/0/url is "https://[a"; it must be a URL'),
        ({"url": "https://a.test:99999"}, '/servers/0/url is "https://a.test:99999"; it must be a URL'),
        ({"url": "https://a.test/{"}, '/servers/0/url is "https://a.test/{"; '),
    )
]


@pytest.mark.parametrize(("change", "schemas", "message"), REFUSED, ids=[row[2][:60] for row in REFUSED])
def test_what_cannot_be_held_is_refused(change, schemas, message):
    """A document with a construct that client or mock cannot hold is refused by its place, in one line."""
    with pytest.raises(ValueError, match=rf"^{re.escape(message)}") as caught:
        parse(document(change, **schemas))
    assert "\n" not in str(caught.value)


PATTERNS = [
    *(r"^a$", r"^[A-Z]+$", r"\$[$]\d", r"^[^<>]+$", r"^[a-z]+\d$", "", "a|b", r"(?:a|b)*?", r"^[\w.+-]+@[\w-]+$"),
    *("[-a]", "[^-]", "[-]", r"[a\]]", r"[\[]", r"\u00e9{2,}", "(?=a)b", r"^(?!x)", "é🍌", "[😀-😎]", r"\/", r"\x41\t"),
]
UNPORTABLE = {
    r"^\p{L}+$": r"\p{L}",
    r"^\u{1F34C}$": r"\u{1F34C}",
    r"^\cJ$": r"\cJ",
    r"\ud83c\udf4c": r"\u",
    "(?<=a+)b": "(?<=",
    "(?<!a)b": "(?<!",
    "(?<n>a)": "(?<",
    "(?P<n>a)": "(?P<",
    "(?i)a": "(?i",
    r"^\S+$": r"\S",
    r"^\s$": r"\s",
    r"[\s]": r"[\s]",
    r"\bé": r"\b",
    r"\Ba": r"\B",
    "a.b": ".",
    "[^]": "[^]",
    "[a&&b]": "[a&&b]",
    "[a||b]": "[a||b]",
    "[[a]": "[[a]",
    r"[\d-z]": r"[\d-z]",
    "}": "}",
    "]": "]",
    "a{,2}": "{",
    "a*+": "*",
    "(?=a)*+": "*",
    r"(a)\1": r"\1",
    r"\@": r"\@",
    r"\-": r"\-",
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns(pattern):
    """A pattern that means the same in every language is accepted."""
    parse(document(body={"properties": {"n": {"type": "string", "pattern": pattern}}}))


@pytest.mark.parametrize("pattern", UNPORTABLE)
def test_patterns_that_languages_read_otherwise(pattern):
    """A pattern that Python, Rust or ECMA 262 reads otherwise is refused, and the part that differs is named."""
    with pytest.raises(ValueError, match=r"/properties/n/pattern") as caught:
        parse(document(body={"properties": {"n": {"type": "string", "pattern": pattern}}}))
    if isinstance(caught.value, UnsupportedKeyword):
        assert caught.value.remedy.startswith(f"{UNPORTABLE[pattern]} means something else, or nothing, in other ")
    else:  # jsonschema-rs reads none of it
        assert str(caught.value).endswith("it must be a regular expression that Python and Rust can read, too.")
