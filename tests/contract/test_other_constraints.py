"""The constraints that are not on the body of createEdit: uploads, parameters, security; and that none is forgotten."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator

import httpx2
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, InvalidRequest, NanoBananaEdit
from nano_banana_edit_client import AuthenticatedClient
from nano_banana_edit_client.api.edits import create_edit, get_task
from nano_banana_edit_client.errors import ConstraintViolation
from nano_banana_edit_client.models import EditRequest, FileUpload
from nano_banana_edit_client.types import UNSET, File
from nano_banana_edit_mock import MockServer, MockService, mock_router, mock_transport
from nano_banana_edit_mock.contract import Constraint

from ..document import BODY, CONTRACT
from .strategies import body_constraints
from .test_constraints import named

UPLOAD = body_constraints("uploadFile")
SIZES = [c for c in UPLOAD if c.keyword in ("minLength", "maxLength")]
BEARER = [c for c in CONTRACT.constraints if c.location == "security"]
BODIES = [c for c in CONTRACT.constraints if (c.location, c.owner, c.keyword) == ("body", c.operation, "required")]
PARAMETERS = [c for c in CONTRACT.constraints if c.location == "path" and c.keyword in ("required", "type")]
URLS = {each.id: (each.method, each.servers[0] + re.sub(r"{\w+}", "x", each.path)) for each in CONTRACT.operations}
UPLOAD_URL = URLS["uploadFile"][1]
AUTHORIZED = {"Authorization": "Bearer t"}


def upload_verdicts(content: bytes) -> Iterator[tuple[str, bool]]:
    """What each layer says of a file."""
    try:
        FileUpload(file=File(io.BytesIO(content)))
        yield "model", True
    except ConstraintViolation:
        yield "model", False
    transport = mock_transport()
    for kind in ("sync", "async"):
        try:
            if kind == "sync":
                NanoBananaEdit(token="t", http_client=httpx2.Client(transport=transport)).upload(
                    ("image.png", content, "image/png")
                )
            else:
                http = httpx2.AsyncClient(transport=transport)
                asyncio.run(
                    AsyncNanoBananaEdit(token="t", http_client=http).upload(("image.png", content, "image/png"))
                )
            yield kind, True
        except InvalidRequest:
            yield kind, False
    with mock_router(), httpx2.Client(verify=False) as http:
        yield "router", http.post(UPLOAD_URL, headers=AUTHORIZED, files={"file": content}).is_success


@named(SIZES)
@pytest.mark.parametrize("distance", [-1, 0, 1])
def test_file_size_at_the_limit(constraint: Constraint, distance: int) -> None:
    """A file is accepted up to the documented size and not beyond, by every layer in process."""
    accepted = distance * (1 if constraint.keyword == "maxLength" else -1) <= 0
    content = bytes(constraint.value + distance)
    assert {"model": accepted, "sync": accepted, "async": accepted, "router": accepted} == dict(
        upload_verdicts(content)
    )


@pytest.mark.server
@named(SIZES)
@pytest.mark.parametrize("distance", [-1, 0, 1])
def test_file_size_at_the_limit_on_the_port(constraint: Constraint, distance: int) -> None:
    """A file is accepted up to the documented size and not beyond, by the real port."""
    accepted = distance * (1 if constraint.keyword == "maxLength" else -1) <= 0
    with MockServer() as server:
        files = {"file": bytes(constraint.value + distance)}
        response = httpx2.post(f"{server.url}/api/upload/file", headers=AUTHORIZED, files=files)
    assert accepted == response.is_success


@named([c for c in UPLOAD if c.keyword == "format"])
@pytest.mark.parametrize("value", [b"bytes", "text", None, 3])
def test_file_is_a_file(constraint: Constraint, value: object) -> None:
    """The generated model takes nothing but a File where the document says binary."""
    with pytest.raises(ConstraintViolation, match=r"^file is .*; it must be a File\.$"):
        FileUpload(file=value)


@named([c for c in UPLOAD if c.keyword == "required"])
def test_file_is_required(constraint: Constraint) -> None:
    """An upload without its documented part is refused by the model and by the service."""
    with pytest.raises(ConstraintViolation, match=r"^file is missing"):
        FileUpload(file=UNSET)
    response = httpx2.Client(transport=mock_transport()).post(UPLOAD_URL, headers=AUTHORIZED, files={"other": b"x"})
    assert 400 == response.status_code
    assert "file" in response.json()["message"]


@named(BEARER)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic dDp0", "t"])
def test_bearer_is_required(constraint: Constraint, authorization: str | None) -> None:
    """Without a bearer token every secured operation answers 401."""
    method, url = URLS[constraint.operation]
    headers = {} if authorization is None else {"Authorization": authorization}
    assert 401 == httpx2.Client(transport=mock_transport()).request(method, url, headers=headers).status_code


@pytest.mark.parametrize("token", [None, "", "  "])
@pytest.mark.parametrize("client", [NanoBananaEdit, AsyncNanoBananaEdit])
def test_client_needs_a_token(client: type, token: str | None) -> None:
    """A client without a token is not made, and the error says where to put one."""
    with pytest.raises(InvalidRequest, match="SINANCODE_API_KEY"):
        client(token=token)


def test_generated_client_sends_the_token() -> None:
    """The generated client authorizes each request, also on an httpx2 client that was handed in."""
    service = MockService(token="secret")
    client = AuthenticatedClient(base_url="https://api.sinancode.com/v1", token="secret")
    client.set_httpx_client(httpx2.Client(transport=mock_transport(service)))
    response = create_edit.sync_detailed(client=client, body=EditRequest(**BODY))
    assert 200 == response.status_code


@named(BODIES)
def test_body_is_required(constraint: Constraint) -> None:
    """A request without its body is refused."""
    method, url = URLS[constraint.operation]
    response = httpx2.Client(transport=mock_transport()).request(method, url, headers=AUTHORIZED)
    assert response.status_code in (400, 415)


@named(PARAMETERS)
@pytest.mark.parametrize("value", ["", None, 3, ".", "..", "a\nb"])
def test_path_parameter_is_text(constraint: Constraint, value: object) -> None:
    """What cannot be a task id is not asked for by the client, and an empty one is no route of the service."""
    service = MockService()
    with pytest.raises(InvalidRequest) as refusal:
        NanoBananaEdit(token="t", http_client=httpx2.Client(transport=mock_transport(service))).get_task(value)
    assert ("task_id", value) == (refusal.value.field, refusal.value.value)
    assert str(refusal.value).startswith(f"task_id is {value!r}; it must be")
    assert () == service.calls
    empty = httpx2.Client(transport=mock_transport()).get("https://api.sinancode.com/v1/tasks/", headers=AUTHORIZED)
    assert 404 == empty.status_code


@pytest.mark.parametrize("task_id", ["a/b", "a%2Fb", "ä ö", "?x=1", "#f", "..;", "🍌"])
def test_path_parameter_is_one_segment(task_id: str) -> None:
    """Whatever the id holds, it arrives as it is."""
    service = MockService()
    client = AuthenticatedClient(base_url="https://api.sinancode.com/v1", token="t")
    client.set_httpx_client(httpx2.Client(transport=mock_transport(service)))
    response = get_task.sync_detailed(task_id, client=client)
    assert 404 == response.status_code
    assert "getTask" == service.calls[-1].operation
    assert task_id in response.parsed.message
