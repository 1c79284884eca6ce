"""Fields of a form: the generated client sends each kind as the mock, and OpenAPI, read it."""

from __future__ import annotations

import io
from typing import Any

import httpx2
import pytest
from nano_banana_edit_mock import MockService, mock_transport
from nano_banana_edit_mock.contract import parse

from ..document import CONTRACT
from .generating import client_of, with_schemas

FIELDS = {
    "width": {"type": "integer", "minimum": 2},
    "scale": {"type": "number"},
    "sure": {"type": "boolean", "const": True},
    "loose": {"type": "boolean"},
    "purpose": {"type": "string", "enum": ["edit", "style"]},
    "kind": {"type": "string", "const": "a"},
    "level": {"type": "integer", "const": 3},
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 2}},
    "sizes": {"type": "array", "items": {"type": "integer"}},
    "meta": {"type": "object", "properties": {"a": {"type": "boolean"}}},
}
VALUES: dict[str, Any] = {
    "width": 2,
    "scale": 1.5,
    "sure": True,
    "loose": False,
    "purpose": "edit",
    "kind": "a",
    "level": 3,
    "tags": ["a", "b"],
    "sizes": [1, 2],
}
UPLOAD = next(operation for operation in CONTRACT.operations if operation.id == "uploadFile")


def test_fields_are_sent_as_they_are_read() -> None:
    """Whole forms are accepted by the mock, which holds each field to its type; a field out of bounds is never sent."""
    document = with_schemas()
    form = document["paths"][UPLOAD.path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    form["properties"] |= FIELDS
    service = MockService(contract=parse(document))
    with client_of(document) as client:
        made = client.AuthenticatedClient(base_url=UPLOAD.servers[0], token="t")
        made.set_httpx_client(httpx2.Client(transport=mock_transport(service)))
        upload = __import__(f"{client.__name__}.api.files.upload_file", fromlist=["sync_detailed"])
        meta = client.models.FileUploadMeta.from_dict({"a": True})
        picture = client.types.File(io.BytesIO(b"x"), "a.png", "image/png")
        response = upload.sync_detailed(client=made, body=client.models.FileUpload(picture, meta=meta, **VALUES))
        assert 200 == response.status_code, response.content
        for name in ("width", "sure", "purpose", "kind", "level"):
            with pytest.raises(client.errors.ConstraintViolation, match=f"^{name} is "):
                client.models.FileUpload(picture, **VALUES | {name: 0})
        with pytest.raises(client.errors.ConstraintViolation, match=r"^file is .*; it must be a File\.$"):
            client.models.FileUpload.from_dict({"file": "x"})
        assert picture == client.models.FileUpload.from_dict({"file": picture}).file
