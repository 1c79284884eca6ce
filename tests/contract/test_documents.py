"""Whatever document is given: it is refused when it is read, or its generated models and the mock say the same."""

from __future__ import annotations

import importlib
import json
from typing import Any

import httpx2
import jsonschema
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from nano_banana_edit_mock.contract import parse
from nano_banana_edit_mock.contract.schemas import Schemas
from nano_banana_edit_mock.tools.cases import inspect

from ..generated.generating import client_of
from .documents import DOCUMENTS, bodies

EXAMPLES = max(settings().max_examples // 4, 1)


@settings(max_examples=EXAMPLES, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(document=DOCUMENTS, data=st.data())
def test_any_document_is_refused_or_held(document: dict[str, Any], data: st.DataObject) -> None:
    """Model and mock give the same verdict on each body, and the client reads each answer that the document allows."""
    try:
        contract = parse(document)
        inspect(contract)
    except ValueError:
        return
    schemas = Schemas(contract)
    with client_of(document) as client:
        violation, model = client.errors.ConstraintViolation, client.models.Request
        for body in data.draw(
            st.lists(bodies(document, document["components"]["schemas"]["Request"]), min_size=8, max_size=40)
        ):
            found = schemas.check("/components/schemas/Request", body)
            try:
                sent = model.from_dict(body).to_dict()
            except violation as error:
                assert found, (body, str(error))
            else:
                assert ((), body) == (found, sent), (body, found, sent)
        module = importlib.import_module(f"{client.__name__}.api.things.create_thing")
        for answer in data.draw(
            st.lists(bodies(document, document["components"]["schemas"]["Answer"]), min_size=8, max_size=40)
        ):
            if jsonschema.Draft202012Validator({**document, "$ref": "#/components/schemas/Answer"}).is_valid(answer):
                response = httpx2.Response(200, content=json.dumps(answer))
                module.parse_response(client=client.Client(base_url="https://small.test"), response=response).parsed  # noqa: B018
