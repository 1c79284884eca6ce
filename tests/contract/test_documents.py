"""Whatever document is given: it is refused when it is read, or its generated models and the mock say the same."""

from __future__ import annotations

import importlib
import json
from typing import Any

import httpx2
import jsonschema
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from nano_banana_edit_mock.contract import expressible, parse
from nano_banana_edit_mock.contract.schemas import Schemas

from ..generated.generating import client_of
from .documents import DOCUMENTS, bodies

EXAMPLES = max(settings().max_examples // 20, 12)  # each takes a second


@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(document=DOCUMENTS, data=st.data())
def test_any_document_is_refused_or_held(document: dict[str, Any], data: st.DataObject) -> None:
    """Model and mock give the same verdict on each body, and the client reads each answer that the document allows."""
    try:
        contract = parse(document)
        expressible.check(contract.document)
    except ValueError:
        return
    schemas = Schemas(contract)
    request, answer = (document["components"]["schemas"][name] for name in ("Request", "Answer"))
    with client_of(document) as client:
        for body in data.draw(st.lists(bodies(document, request), min_size=8, max_size=40)):
            try:
                sent, refusal = client.models.Request.from_dict(body).to_dict(), ""
            except client.errors.ConstraintViolation as error:
                sent, refusal = body, str(error)
            found = schemas.check("/components/schemas/Request", body)
            assert (bool(found), body) == (bool(refusal), sent), (found, refusal)
        create = importlib.import_module(f"{client.__name__}.api.things.create_thing")
        caller = client.Client(base_url="https://small.test")
        oracle = jsonschema.Draft202012Validator({**document, "$ref": "#/components/schemas/Answer"})
        for body in filter(oracle.is_valid, data.draw(st.lists(bodies(document, answer), min_size=8, max_size=40))):
            response = httpx2.Response(200, content=json.dumps(body))
            _ = create.parse_response(client=caller, response=response).parsed
