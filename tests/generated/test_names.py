"""Names that the generated code uses itself, and names that Python has no other spelling for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx2
import pytest

from .generating import client_of, with_schemas

# The code of a model has, or had, variables, imports and methods of these names; the last ones only look odd.
NAMES = """additional_keys additional_properties an_object attrs_define attrs_validate cast checked class cls
constraints d data datetime dict field_dict files from from_dict id isinstance json list object present
prop prop_name read self src_dict to_dict to_multipart type types undeclared unset UNSET Unset values vars
within inner Inner _inner T Any é 1st a_b aB2 x-a $ref {brace} %s""".split()  # noqa: SIM905 - quicker to read
NAMES += ["new\nline", 'quo"te', "{{ twice }}", "soft\u00adhyphen", "join\u200der", "back\\slash", "a b c"]
# Lists of these have variables in loops, which are called like other properties.
LISTED = ["part", "part_item", "part_item_data", "part_item_item", "_part"]
INNER = {"type": "object", "required": ["from"], "properties": {"from": {"type": "integer"}}}
ARRAY = {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
TEXT = {"type": "string"}
PROPERTIES = {
    **dict.fromkeys(NAMES, TEXT),
    **dict.fromkeys(LISTED, ARRAY),
    "part_item_item_data": {
        "type": "array",
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
    },
    "part_type_0": {"type": ["object", "null"], "properties": {"data": {"type": "integer"}}},
}
BODY: dict[str, Any] = {
    **{name: f"value of {name!r}" for name, schema in PROPERTIES.items() if schema is TEXT},
    **{name: [{"from": index}] for index, name in enumerate(LISTED)},
    "part_item_item_data": [[{"from": 8}], []],
    "part_type_0": {"data": 9},
    "more": {"self": 1},
}
DOCUMENT = with_schemas(
    Inner=INNER,
    EditRequest={"type": "object", "properties": PROPERTIES},
    EditAccepted={"type": "object", "properties": PROPERTIES, "required": ["cast", "self"]},
)


@pytest.fixture(scope="module")
def client() -> Iterator[ModuleType]:
    with client_of(DOCUMENT) as client:
        yield client


@pytest.mark.parametrize("model", ["EditRequest", "EditAccepted"])
def test_any_name_is_read_and_sent(client: ModuleType, model: str) -> None:
    """A property may be called like anything in the generated code; its value is its own, in requests and responses."""
    made = getattr(client.models, model).from_dict(BODY)
    assert BODY == made.to_dict()
    assert {"more"} == set(made.additional_keys)
    assert made == getattr(client.models, model).from_dict(json.loads(json.dumps(made.to_dict())))


def test_renamed_attributes_have_an_underscore(client: ModuleType) -> None:
    """A property that cannot keep its name has an underscore after it, as the words of Python have."""
    made = client.models.EditRequest(cast_="a", to_dict_="b", self_="c", from_="d", UNSET_="e", cls_="f")
    assert {"cast": "a", "to_dict": "b", "self": "c", "from": "d", "UNSET": "e", "cls": "f"} == made.to_dict()


@pytest.mark.parametrize("name", ["cast", "values", "part_item", "new\nline"])
def test_violations_name_the_property_of_the_document(client: ModuleType, name: str) -> None:
    """What is wrong is told by the name in the document."""
    with pytest.raises(client.errors.ConstraintViolation) as refusal:
        client.models.EditRequest.from_dict({name: 3})
    assert (name, "type") == (refusal.value.field, refusal.value.keyword)


def test_odd_names_cross_the_wire(client: ModuleType) -> None:
    """A whole call works with odd names in its body and in its answer."""
    from_wire: list[Any] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        from_wire.append(json.loads(request.content))
        return httpx2.Response(200, json=BODY)

    made = client.AuthenticatedClient(base_url="https://odd.test", token="t")
    made.set_httpx_client(httpx2.Client(transport=httpx2.MockTransport(answer)))
    create = __import__(f"{client.__name__}.api.edits.create_edit", fromlist=["sync"])
    parsed = create.sync(client=made, body=client.models.EditRequest.from_dict(BODY))
    assert ([BODY], BODY) == (from_wire, parsed.to_dict())
