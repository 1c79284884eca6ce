"""The census lists what the document says, and refuses what the mock cannot enforce."""

import pickle
import re
from collections import Counter

import pytest
from nano_banana_edit_mock import MockService, UnsupportedKeyword, load
from nano_banana_edit_mock.__main__ import main
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.census import escape, resolve
from nano_banana_edit_mock.contract.document import _locate

PROMPT = "/components/schemas/EditRequest/properties/prompt"
ITEMS = "/components/schemas/EditRequest/properties/image_urls/items"
SIZE = "/components/schemas/EditRequest/properties/image_size"
ID = "/paths/~1tasks~1{id}/get/parameters/0"
FORM = "/paths/~1api~1upload~1file/post/requestBody/content/multipart~1form-data/schema"
REF = {"$ref": "#/components/schemas/ImageSize"}


@pytest.mark.parametrize("key", ["a/b", "a~b", "~1", "~0/", ""])
def test_pointers(key):
    """A key is found by its pointer, whatever a pointer makes of its characters."""
    assert "there" == resolve({"x": [{key: "there"}]}, f"/x/0/{escape(key)}")


def test_every_constraint_has_its_own_id(contract):
    """No two constraints share an id."""
    assert [] == [name for name, count in Counter(c.id for c in contract.constraints).items() if count > 1]


def test_every_pointer_leads_to_the_keyword(contract):
    """A constraint's pointer names the place in the document that states its value."""
    for constraint in contract.constraints:
        stated = resolve(contract.document, constraint.pointer)
        if constraint.location == "security":
            assert ([], constraint.pointer.rpartition("/")[2]) == (stated, constraint.value)
        elif isinstance(stated, list) and constraint.keyword == "required":
            assert constraint.value in stated
        else:
            assert constraint.value == stated


@pytest.mark.parametrize(
    ("name", "location", "field"),
    [
        ("EditRequest.prompt.maxLength", "body", ("prompt",)),
        ("EditRequest.image_urls.items.type", "body", ("image_urls", "*")),
        ("EditRequest.required.prompt", "body", ("prompt",)),
        ("EditRequest.image_size.enum", "body", ("image_size",)),
        ("EditRequest.image_size.default", "body", ("image_size",)),
        ("FileUpload.file.format", "body", ("file",)),
        ("createEdit.requestBody.required", "body", ()),
        ("createEdit.security.bearer", "security", ()),
        ("getTask.id.required", "path", ("id",)),
    ],
)
def test_names(contract, name, location, field):
    """Constraints are named by owner, field and keyword."""
    (constraint,) = [c for c in contract.constraints if c.id == name]
    assert (location, field, name.partition(".")[0]) == (constraint.location, constraint.field, constraint.owner)


def test_rich_document(rich):
    """References, nested objects, maps, optional security, a parameter and servers are all read."""
    contract = parse(rich)
    get, put, post = contract.operations
    assert ["getThing.security.bearer", "getThing.thing-id.required", "getThing.thing-id.type"] == [
        c.id for c in contract.constraints if c.operation == "getThing"
    ]
    ids = {c.id: c.field for c in contract.constraints}
    assert ("labels", "*") == ids["Thing.labels.additionalProperties.maxLength"]
    assert ("inner", "deep") == ids["Thing.inner.required.deep"]
    assert ("inner",) == ids["Thing.inner.additionalProperties"]
    assert ("small",) == ids["Thing.small.exclusiveMaximum"] == ids["Thing.small.exclusiveMinimum"]
    assert "postThing.note.minLength" in ids
    assert {"postThing.requestBody.required"} == {name for name in ids if "requestBody" in name}
    assert (False, True, False) == (get.bearer, put.bearer, post.bearer)
    assert ("https://things.test/api/",) == put.servers
    assert (False, True) == (put.body_required, post.body_required)


def test_document_without_security(rich):
    """Where neither the operation nor the document asks for a token, none is needed."""
    del rich["security"]
    assert {False} == {operation.bearer for operation in parse(rich).operations}


def test_servers_of_an_operation(rich):
    """The servers of an operation go before those of its path, and those before the document's."""
    (item,) = rich["paths"].values()
    item["put"]["servers"] = [{"url": "https://own.test"}]
    assert [("https://things.test/api/",), ("https://own.test",)] == [o.servers for o in parse(rich).operations[:2]]
    del item["servers"]
    assert ("/",) == parse(rich).operations[0].servers


@pytest.mark.parametrize(
    ("at", "keyword", "value", "culprit"),
    [
        (PROMPT, "not", {}, "not"),
        (PROMPT, "contentEncoding", "base64", "contentEncoding"),
        (PROMPT, "format", "email", "format"),
        (ITEMS, "oneOf", [], "oneOf"),
        (SIZE, "allOf", [REF, REF], "allOf"),
        (SIZE, "allOf", [{**REF, "minLength": 1}], "allOf"),
        (ITEMS, "properties", {"a": True}, "a"),
        (SIZE, "items", False, "items"),
        (ITEMS, "additionalProperties", {"if": {}}, "if"),
        ("/components/schemas/ImageSize", "anyOf", [], "anyOf"),
        ("/components/schemas/ImageSize", "items", {"$ref": "#/components/schemas/EditRequest"}, "EditRequest"),
        (FORM, "propertyNames", {}, "propertyNames"),
        (f"{ID}/schema", "dependentRequired", {}, "dependentRequired"),
        (f"{ID}/schema", "pattern", "^t", "pattern"),
        (f"{ID}/schema", "type", "integer", "type"),
        (ID, "in", "query", "in"),
        (ID, "in", "header", "in"),
        (ID, "in", "cookie", "in"),
        ("/paths/~1tasks~1{id}", "parameters", [], "parameters"),
        (ID, "content", {}, "content"),
        ("/components/securitySchemes/bearer", "scheme", "basic", "type"),
        ("/components", "securitySchemes", {"bearer": {"type": "apiKey", "in": "header", "name": "X"}}, "type"),
        ("/paths/~1api~1upload~1file/post/requestBody", "content", {"text/plain": {}}, "content"),
    ],
)
def test_unknown_is_refused(document, at, keyword, value, culprit):
    """What the mock cannot enforce fails when the document is read, by keyword and pointer."""
    resolve(document, at)[keyword] = value
    with pytest.raises(UnsupportedKeyword, match=f"^{culprit} at /") as caught:
        parse(document)
    assert culprit == caught.value.keyword
    assert caught.value.pointer.endswith(f"/{culprit}")


def test_references_stay_inside(document):
    """A reference to another document is refused, not looked up in this one."""
    resolve(document, SIZE)["allOf"] = [{"$ref": "other.yaml#/components/schemas/ImageSize"}]
    with pytest.raises(ValueError, match=r"other\.yaml#/components/schemas/ImageSize' leads out of the document"):
        parse(document)


def test_two_media_types_are_refused(document):
    """A body in two media types is more than the mock can judge."""
    body = resolve(document, "/paths/~1generate~1k~1nano-banana-edit/post/requestBody")
    body["content"]["multipart/form-data"] = body["content"]["application/json"]
    with pytest.raises(UnsupportedKeyword, match="content at"):
        parse(document)


def test_refusal_pickles():
    """The error survives a process boundary."""
    error = UnsupportedKeyword("not", "/a/not")
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


def test_load_a_file(tmp_path):
    """A document can be read from any path."""
    path = tmp_path / "other.yaml"
    path.write_text("{openapi: 3.1.0, paths: {}}", "utf-8")
    assert () == load(path).operations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"is not YAML \(while parsing a flow node .*\)\."),
        ("", "The document is not an object; it must be an OpenAPI 3.1 document."),
        ("- paths", "The document is not an object"),
        ("openapi: 3.1.0", "The document has no paths; it is required."),
    ],
)
def test_load_no_document(tmp_path, capsys, text, message):
    """An invalid document is refused in one line, by the command too."""
    path = tmp_path / "other.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        load(path)
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["contract", str(path)])
    assert re.search(message, capsys.readouterr().err.splitlines()[-1])


def test_the_shipped_document_is_read_once(contract):
    """Every service of a process shares one reading of the shipped document."""
    assert contract is load()
    assert contract is MockService().contract


def test_the_copy_in_the_package_goes_first(tmp_path):
    """A wheel reads the document inside the package, an editable install the one two folders above."""
    package = tmp_path / "mock_server" / "package"
    package.mkdir(parents=True)
    assert tmp_path / "openapi.yaml" == _locate(package)
    (package / "openapi.yaml").touch()
    assert package / "openapi.yaml" == _locate(package)


@pytest.mark.parametrize(
    ("keyword", "remedy"),
    [("maxLenght", "Did you mean maxLength?"), ("propertyNames", "State the constraint another ")],
)
def test_a_misspelled_keyword(document, keyword, remedy):
    """The nearest keyword is named, if one is near."""
    resolve(document, PROMPT)[keyword] = 5
    with pytest.raises(
        UnsupportedKeyword, match=rf"^{keyword} at {PROMPT}/{keyword} is not supported\. {re.escape(remedy)}"
    ):
        parse(document)
