"""Answers become results, or errors. Only what the client needs must be there; the rest is kept as it came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from nano_banana_edit_client.types import Response, shorten

from ._errors import InvalidResponse, SubmissionUnknown
from ._request import is_task_id
from ._status import json_of, raise_for_status, retry_after, shortened, text_of
from ._steps import Answer
from .results import Task, TaskFile, UploadedFile

Reply: TypeAlias = Response[Any] | Answer


def accepted(response: Reply) -> str:
    """Return the task id that a submission was answered with.

    Raises:
        APIStatusError: 4xx, the submission was refused.
        SubmissionUnknown: Anything else that gives no task id.
    """
    if 400 <= response.status_code < 500:
        raise_for_status(response.status_code, response.headers, response.content)
    body = json_of(response.content)
    task_id = body.get("task_id") if isinstance(body, dict) and 200 <= response.status_code < 300 else None
    if is_task_id(task_id):
        return task_id
    raise SubmissionUnknown(
        f"The submission was answered with status {response.status_code} and no task id. The edit may have been "
        "accepted and billed, so it is not sent again: look at the account before you do.",
        status_code=response.status_code,
        body=shortened(response.content),
    )


def task(response: Reply, task_id: str) -> Task:
    """Return the task that was asked for, as it stands. Raises as `_object`."""
    body = _object(response)
    if isinstance(other := body.get("id"), str) and other != task_id:
        raise _unreadable(response, f"it is about task {shorten(other)}")
    return Task(
        task_id=task_id,
        status=_needed(body, "status", response),
        error_code=text_of(body.get("error_code")),
        error_msg=text_of(body.get("error_msg")),
        files=tuple(_files(body.get("result"))),
        retry_after=retry_after(response.headers),
        raw=body,
    )


def uploaded(response: Reply) -> UploadedFile:
    """Return the stored file. Raises as `_object`."""
    body = _object(response)
    return UploadedFile(url=_needed(body, "url", response), raw=body)


def _object(response: Reply) -> dict[str, Any]:
    """Return the JSON object that a 2xx answer holds.

    Raises:
        APIStatusError: The status is not 2xx.
        InvalidResponse: The body is not a JSON object, or lacks what the client needs.
    """
    raise_for_status(response.status_code, response.headers, response.content)
    body = json_of(response.content)
    if not isinstance(body, dict):
        raise _unreadable(response, "it is not a JSON object")
    return body


def _needed(body: dict[str, Any], name: str, response: Reply) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _unreadable(response, f"{name} is {'not text' if name in body else 'missing'}")
    return value


def _files(result: object) -> Iterator[TaskFile]:
    """Both documented forms: URLs, and objects with a type and a URL. What is neither is no file."""
    for item in result if isinstance(result, list) else ():
        url, kind = (item.get("url"), item.get("type")) if isinstance(item, dict) else (item, None)
        if isinstance(url, str) and url:
            yield TaskFile(url=url, type=text_of(kind))


def _unreadable(response: Reply, problem: str) -> InvalidResponse:
    return InvalidResponse(
        f"The service answered {response.status_code} with a body that cannot be used: {problem}.",
        body=shortened(response.content),
    )
