"""A small document, to be changed: one operation, with a form or a JSON body."""

import copy

from nano_banana_edit_mock.contract.census import resolve

HOST = "https://things.test"
AT = "/paths/~1things~1{id}/post"
FORM = f"{AT}/requestBody/content/multipart~1form-data"
JSON = f"{AT}/requestBody/content/application~1json"
OK = f"{AT}/responses/200/content/application~1json"
BINARY = {"type": "string", "format": "binary", "maxLength": 3}
BASE = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1.0.0"},
    "servers": [{"url": HOST}],
    "paths": {
        "/things/{id}": {
            "post": {
                "operationId": "change",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"required": True, "content": {}},
                "responses": {"200": {"description": "d", "content": {"application/json": {"schema": {}}}}},
            }
        }
    },
    "components": {"schemas": {"Text": {"type": "string"}}},
}


def document(*changes, form=None, body=None):
    """The small document, with a schema for its form or its body, and with values put at some places."""
    whole = copy.deepcopy(BASE)
    kind = "multipart/form-data" if form is not None else "application/json"
    schema = {"type": "object"} if form is None and body is None else form or body
    resolve(whole, f"{AT}/requestBody/content")[kind] = {"schema": schema}
    for at, value in changes:
        parent, _, key = at.rpartition("/")
        resolve(whole, parent)[key.replace("~1", "/").replace("~0", "~")] = value
    return whole


def form(**fields):
    """A form schema of some fields."""
    return {"type": "object", "properties": fields}
