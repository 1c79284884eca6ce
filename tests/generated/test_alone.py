"""The generated client on its own, without the wrapper."""

from __future__ import annotations

import asyncio
import io
import pickle
from typing import Any

import httpx2
import pytest
from nano_banana_edit_client import AuthenticatedClient, Client
from nano_banana_edit_client.api.edits import create_edit, get_task
from nano_banana_edit_client.api.files import upload_file
from nano_banana_edit_client.errors import ConstraintViolation, UnreadableResponse
from nano_banana_edit_client.models import EditRequest, Error, FileUpload, Task, TaskFile
from nano_banana_edit_client.types import UNSET, File
from nano_banana_edit_mock import MockService, mock_transport

from ..document import BODY, LIMITS, LONGEST_PROMPT, SHAPE

API = "https://api.sinancode.com/v1"
FILES = "https://files-api.sinancode.com"
TOKEN = "token-that-must-not-leak"
REQUEST = EditRequest(**BODY)


def client(handler: Any, base_url: str = API, **settings: Any) -> AuthenticatedClient:
    transport = handler if isinstance(handler, httpx2.BaseTransport) else httpx2.MockTransport(handler)
    made = AuthenticatedClient(base_url=base_url, token=TOKEN, **settings)
    return made.set_httpx_client(httpx2.Client(transport=transport)).set_async_httpx_client(
        httpx2.AsyncClient(transport=transport)
    )


def answer(*args: Any, **kwargs: Any) -> Any:
    return lambda _request: httpx2.Response(*args, **kwargs)


def test_does_the_main_job_sync() -> None:
    """Upload, submission and task go through the generated functions alone."""
    transport = mock_transport(service := MockService(token=TOKEN, polls=0))
    file = File(io.BytesIO(b"picture"), "in.png", "image/png")
    uploaded = upload_file.sync(client=client(transport, FILES), body=FileUpload(file))
    accepted = create_edit.sync(
        client=client(transport),
        body=EditRequest.from_dict(BODY | {"image_urls": [uploaded.url] * len(BODY["image_urls"])}),
    )
    task = get_task.sync(accepted.task_id, client=client(transport))
    assert ("completed", uploaded.url) == (task.status, service.edits[0].body["image_urls"][0])
    assert uploaded.expires_at.tzinfo


def test_does_the_main_job_async() -> None:
    """The async functions do the same."""

    async def run() -> Task:
        transport = mock_transport(MockService(token=TOKEN, polls=0))
        file = File(io.BytesIO(b"picture"), "in.png", "image/png")
        uploaded = await upload_file.asyncio(client=client(transport, FILES), body=FileUpload(file))
        accepted = await create_edit.asyncio(
            client=client(transport),
            body=EditRequest.from_dict(BODY | {"image_urls": [uploaded.url] * len(BODY["image_urls"])}),
        )
        return await get_task.asyncio(accepted.task_id, client=client(transport))

    assert "completed" == asyncio.run(run()).status


def test_owns_its_connections_if_none_are_given() -> None:
    """Without an httpx2 client of the caller's it makes one, which a context manager closes."""
    with AuthenticatedClient(base_url=API, token=TOKEN) as made:
        http = made.get_httpx_client()
    assert http.is_closed

    async def run() -> httpx2.AsyncClient:
        async with Client(base_url=API) as made:
            return made.get_async_httpx_client()

    assert asyncio.run(run()).is_closed


@pytest.mark.parametrize("status", [200, 404, 502, 520, 599])
@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff", b"[]", b"3", b"{", b"[" * 9**5])
def test_unreadable_answers_are_still_answers(status: int, content: bytes) -> None:
    """Whatever comes back, status and content are there, and reading it raises one kind of error, which pickles."""
    response = create_edit.sync_detailed(client=client(answer(status, content=content)), body=REQUEST)
    assert (status, content) == (response.status_code, response.content)
    with pytest.raises(UnreadableResponse, match=f"status {status}") as failure:
        assert response.parsed
    assert str(failure.value) == str(pickle.loads(pickle.dumps(failure.value)))


@pytest.mark.parametrize("body", [{}, {"task_id": None}, {"task_id": 3}])
def test_answers_hold_what_is_required(body: dict[str, Any]) -> None:
    """A required property that is missing, null or of another type is not read."""
    response = create_edit.sync_detailed(client=client(answer(200, json=body)), body=REQUEST)
    with pytest.raises(UnreadableResponse, match="task_id"):
        assert response.parsed


@pytest.mark.parametrize("result", ["text", 3, {"url": "x"}])
def test_responses_hold_lists_where_the_document_says_so(result: object) -> None:
    """A string or an object is not read as a list."""
    body = {"id": "t", "status": "completed", "result": result}
    with pytest.raises(UnreadableResponse, match=r"result is .*; it must be an array\.$"):
        assert get_task.sync("t", client=client(answer(200, json=body)))


def test_answers_may_say_more_and_null() -> None:
    """Unknown properties and statuses are kept, and null is no value."""
    body = {"id": "t", "status": "new", "error_msg": None, "result": [{"type": "a", "url": "b"}, "c"], "x": 1}
    task = get_task.sync("t", client=client(answer(200, json=body)))
    assert ("new", UNSET, [TaskFile("a", "b"), "c"], 1) == (task.status, task.error_msg, task.result, task["x"])
    missing = get_task.sync("t", client=client(answer(200, json=body | {"result": None})))
    assert UNSET is missing.result


def test_errors_are_read() -> None:
    """An answer that is not 200 is read as the document's Error."""
    error = get_task.sync("t", client=client(answer(401, json={"message": "no", "error_code": "E"})))
    assert Error(message="no", error_code="E") == error


def test_secrets_are_not_shown() -> None:
    """Neither token nor headers nor cookies nor proxies stand in a repr, before or after a request."""
    made = client(answer(200, json={"task_id": "t"}), headers={"X-Key": "hidden"}, cookies={"a": "hidden"})
    create_edit.sync_detailed(client=made, body=REQUEST)
    assert TOKEN not in repr(made)
    assert "hidden" not in repr(made)


def test_time_is_limited_by_default() -> None:
    """A client that was told no timeout has one."""
    seen: list[dict[str, float]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.extensions["timeout"])
        return httpx2.Response(200, json={"task_id": "t"})

    made = client(handler)
    create_edit.sync(client=made, body=REQUEST)
    create_edit.sync(client=made.with_timeout(httpx2.Timeout(1)), body=REQUEST)
    create_edit.sync(client=made, body=REQUEST)
    assert [timeout["read"] for timeout in seen] == [60, 1, 60]


def test_variants_share_connections_and_nothing_else() -> None:
    """A client with other headers uses the same httpx2 client, and leaves the original as it was."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={"task_id": "t"})

    made = client(handler)
    other = made.with_headers({"X-Tag": "1"})
    create_edit.sync(client=other, body=REQUEST)
    create_edit.sync(client=made, body=REQUEST)
    assert [request.headers.get("x-tag") for request in seen] == ["1", None]
    assert {f"Bearer {TOKEN}"} == {request.headers["authorization"] for request in seen}
    assert made.get_httpx_client() is other.get_httpx_client()


def test_redirects_do_not_carry_the_token() -> None:
    """A redirect is not followed, even by an httpx2 client that would."""
    hosts: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        hosts.append(request.url.host)
        return httpx2.Response(307, headers={"location": "https://evil.test/"})

    made = client(handler).set_httpx_client(
        httpx2.Client(transport=httpx2.MockTransport(handler), follow_redirects=True)
    )
    assert 307 == create_edit.sync_detailed(client=made, body=REQUEST).status_code
    assert hosts == ["api.sinancode.com"]


def test_messages_name_field_value_and_limit() -> None:
    """A model names the field, the value and the limit in its message and in the attributes of its error."""
    with pytest.raises(ConstraintViolation) as refusal:
        EditRequest(BODY["image_urls"], "x" * (LONGEST_PROMPT + 1))
    least = LIMITS["EditRequest.prompt.minLength"]
    message = f"prompt has {LONGEST_PROMPT + 1} characters; the limit is {least} to {LONGEST_PROMPT}."
    assert message == str(refusal.value)
    assert (refusal.value.field, refusal.value.keyword, refusal.value.limit) == ("prompt", "maxLength", LONGEST_PROMPT)
    assert str(refusal.value) == str(pickle.loads(pickle.dumps(refusal.value)))


def test_requests_round_trip() -> None:
    """A request is the same after to_dict and from_dict, extra properties included."""
    body = BODY | {"image_size": SHAPE, "callBackUrl": "https://me"}
    assert body == EditRequest.from_dict(body).to_dict()
    assert EditRequest.from_dict(REQUEST.to_dict()) == REQUEST
