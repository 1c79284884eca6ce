"""Objects inside objects and lists, which our document does not have: model, mock and oracle agree."""

import copy
import json
import re
from collections.abc import Iterator
from types import ModuleType

import jsonschema
import pytest
from nano_banana_edit_mock import MockService, Request
from nano_banana_edit_mock.contract import parse

from ..document import BODY, CONTRACT
from .generating import client_of

STYLE = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 2}, "weight": {"type": "integer", "maximum": 5}},
}
ADDED = {
    "style": {"$ref": "#/components/schemas/Style"},
    "styles": {"type": "array", "maxItems": 2, "items": {"$ref": "#/components/schemas/Style"}},
    "inline": {"type": "object", "properties": {"deep": {"type": "boolean"}}},
    "free": {"type": "object"},
}
DOCUMENT = copy.deepcopy(dict(CONTRACT.document))
DOCUMENT["components"]["schemas"]["Style"] = STYLE
DOCUMENT["components"]["schemas"]["EditRequest"]["properties"] |= ADDED
ORACLE = jsonschema.Draft202012Validator({**DOCUMENT, "$ref": "#/components/schemas/EditRequest"})


@pytest.fixture(scope="module")
def models() -> Iterator[ModuleType]:
    """The models that the generator makes from the document."""
    with client_of(DOCUMENT) as client:
        yield client.models


@pytest.mark.parametrize(
    ("added", "field"),
    [
        ({"style": {"name": "ab", "weight": 5, "more": 1}}, None),
        ({"style": {"name": "a"}}, "style.name"),
        ({"style": {"name": "ab", "weight": 6}}, "style.weight"),
        ({"style": {}}, "style.name"),
        ({"style": 3}, "style"),
        ({"style": None}, "style"),
        ({"styles": [{"name": "ab"}, {"name": "cd"}]}, None),
        ({"styles": [{"name": "ab"}] * 3}, "styles"),
        ({"styles": [{"name": "a"}]}, "styles.name"),
        ({"styles": [3]}, "styles[0]"),
        ({"styles": 3}, "styles"),
        ({"styles": "ab"}, "styles"),
        ({"styles": None}, "styles"),
        ({"styles": {"a": 1}}, "styles"),
        ({"inline": {"deep": True}}, None),
        ({"inline": {"deep": 1}}, "inline.deep"),
        ({"inline": []}, "inline"),
        ({"free": {"a": {"b": 1}}}, None),
        ({"free": "a"}, "free"),
    ],
)
def test_inner_objects_are_held_to_the_document(
    models: ModuleType, added: dict[str, object], field: str | None
) -> None:
    """Model, mock and oracle give one verdict, and the model names the path to what is wrong."""
    body = BODY | added
    service = MockService(contract=parse(DOCUMENT))
    create = service.contract.operations[0]
    headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
    answer = service.handle(Request("POST", create.servers[0] + create.path, headers, json.dumps(body).encode()))
    assert ORACLE.is_valid(body) == (answer.status == 200) == (field is None)
    if field is None:
        assert body == {
            name: value for name, value in models.EditRequest.from_dict(body).to_dict().items() if name in body
        }
        return
    with pytest.raises(ValueError, match=rf"^{re.escape(field)} .*; .*\.$") as refusal:
        models.EditRequest.from_dict(body)
    assert field == refusal.value.field
    assert re.split(r"[.[]", field)[0] == service.calls[0].violations[0].field
