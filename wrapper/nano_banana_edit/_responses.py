"""Responses become results or errors, through the generated models.

They are read leniently: only what the client needs must be there, and everything is kept as received.
"""

from __future__ import annotations

import email.utils
import html
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
from nano_banana_edit_client import models as documented
from nano_banana_edit_client.constraints import shorten
from nano_banana_edit_client.types import Unset

from ._errors import (
    APIStatusError,
    AuthenticationError,
    EditFailed,
    InvalidResponse,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
    SubmissionUnknown,
)
from ._redaction import visible
from ._requests import is_task_id
from .models import Task, TaskFile, UploadedFile

_SHORT = 500
_LONGEST_REASON = 300  # characters
_LONGEST_BODY = 10_000  # bytes in which a reason is looked for, if the body is not JSON
_DEEPEST = 5  # levels of JSON in which a reason is looked for
# Those of this API, in their order; then those of FastAPI, OpenAI, Google, KIE, OAuth, and RFC 9457.
_REASONS = (
    *("message", "error_msg"),
    *("msg", "detail", "error", "errors", "error_description", "title", "reason", "description"),
    "error_code",
)
_MARKED = tuple(
    re.compile(rf"<(?:\w+:)?(?:{name})\b[^<>]*>\s*([^<>\s][^<>]*)<", re.IGNORECASE)
    for name in ("message", "error|faultstring|reason|description", "title", "h1", "code")
)
_UNITS = {"retry-after-ms": 0.001, "retry-after": 1.0}  # seconds of each
_TASK_ID = re.compile(rb'"task_id"\s*:\s*("(?:[^"\\]|\\.)*")')
_BY_STATUS = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound, 429: RateLimited}


def accepted(response: httpx2.Response, content: bytes) -> str:
    """Return the task id of an accepted submission; without one, raise the error of 4xx or SubmissionUnknown."""
    if response.is_client_error:
        raise_for_status(response, content)
    task_id = _accepted_id(content)
    if response.is_success and task_id:
        return task_id
    raise SubmissionUnknown(
        f"The response to the submission has status {response.status_code}{'' if task_id else ' and no task id'}. The "
        "edit may have been accepted and billed, so it is not sent again; check the account before you send it again. "
        f"The service says: {reason(content)}",
        status_code=response.status_code,
        task_id=task_id,
        body=shortened(content),
    )


def _accepted_id(content: bytes) -> str | None:
    """Return the task id in a body, also in one that is damaged or cut off: the edit is paid for."""
    body = json_of(content)
    if body is None:
        found = _TASK_ID.search(content)
        body = {"task_id": json_of(found[1])} if found else None
    try:
        task_id = documented.EditAccepted.from_dict(body).task_id
    except (TypeError, ValueError):
        return None
    return task_id if is_task_id(task_id) else None


def task(response: httpx2.Response, content: bytes, *, task_id: str) -> Task:
    """Return the task that was polled. Raises as `_object`, and InvalidResponse for a response about another task."""
    body = _object(response, content)
    known = {name: value for name, value in body.items() if value is not None}
    result = known.get("result", [])
    known["result"] = result if isinstance(result, list) else [result]  # one file, outside a list
    try:
        state = documented.Task.from_dict(known)
    except ValueError as error:  # ConstraintViolation is one
        raise _unusable(response, content, str(error)) from error
    if state.id != task_id:
        raise _unusable(response, content, f"it is about task {shorten(state.id)}")
    if not state.status:
        raise _unusable(response, content, "status is empty")
    return Task(
        task_id=task_id,
        status=state.status,
        error_code=text_of(state.error_code),
        error_msg=text_of(state.error_msg),
        files=tuple(_files(state.result or [])),
        retry_after=retry_after(response.headers),
        raw=body,
    )


def uploaded(response: httpx2.Response, content: bytes) -> UploadedFile:
    """Return the stored file. Raises as `_object`.

    The document requires six properties beside `url`; a file that can be edited is one without them too.
    """
    body = _object(response, content)
    url = body.get("url")
    if not isinstance(url, str) or not url:
        raise _unusable(response, content, f"url is {shorten(url)}" if "url" in body else "url is missing")
    return UploadedFile(url=url, raw=body)


def raise_for_status(response: httpx2.Response, content: bytes, note: str = "") -> None:
    """Raise the APIStatusError of a status that is not 2xx, with a note and the text that the service gives."""
    if response.is_success:
        return
    body = json_of(content)
    error = documented.Error.from_dict(body if isinstance(body, dict) else {})
    kind = ServerError if response.status_code >= 500 else _BY_STATUS.get(response.status_code, APIStatusError)
    wait = retry_after(response.headers)
    asks = "" if wait is None else f" (it asks to wait {wait:g} s)"
    raise kind(
        f"The service answered {response.status_code}{asks}{note}: {reason(content)}",
        status_code=response.status_code,
        error_code=text_of(error.error_code),
        request_id=response.headers.get("x-request-id"),
        body=shortened(content),
        retry_after=wait,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a response asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    asked = {unit: headers[name] for name, unit in _UNITS.items() if name in headers}
    for unit, text in asked.items():
        with suppress(ValueError):
            if math.isfinite(seconds := float(text) * unit):
                return max(0.0, seconds)
    with suppress(KeyError, ValueError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(asked[1.0]).timestamp() - time.time())
    return None


def expiry(file: UploadedFile) -> float | None:
    """Return when an upload expires, in seconds since 1970, or None if the service does not say."""
    with suppress(KeyError, TypeError, ValueError, OverflowError):
        expires = datetime.fromisoformat(file.raw["expires_at"])
        return (expires if expires.tzinfo else expires.replace(tzinfo=UTC)).timestamp()
    return None


def edit_failed(task: Task) -> EditFailed:
    """Return the error of an edit that ended without a result."""
    ended = "failed" if task.status == "failed" else f"ended as {task.status!r}"
    text = shown(task.error_msg or task.error_code or "no reason given")
    facts = {"status": task.status, "error_code": task.error_code, "error_msg": task.error_msg}
    return EditFailed(f"The edit {ended}: {text}", **facts)


def text_of(value: object) -> str | None:
    """Return a value of a response as text, or None if there is none."""
    return None if value is None or isinstance(value, Unset) else str(value)


def shortened(content: bytes) -> str:
    """Return as much of a body as an error keeps."""
    return content[:_SHORT].decode(errors="replace")


def reason(content: bytes) -> str:
    """Return why a service refuses, in one short line, from a body of JSON, XML, HTML or plain text."""
    body = json_of(content)
    if body is not None:
        return shown(_reason_in(body)) or "no reason given"
    text = content[:_LONGEST_BODY].decode(errors="replace")
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        found = filter(None, (pattern.search(text) for pattern in _MARKED))
        text = next((html.unescape(marked[1]) for marked in found), "")
    binary = "\0" in text or text.count("\ufffd") > len(text) // 10
    return shown("" if binary else text) or "no reason given"


def _reason_in(body: Any, depth: int = 0) -> str:
    """Return the first reason in a JSON value."""
    if depth > _DEEPEST:
        return ""
    if isinstance(body, dict):
        named = next(filter(None, (_reason_in(body.get(name), depth + 1) for name in _REASONS)), "")
        return named or (_reason_in([*body.values()], depth) if depth else "")  # {"errors": {"prompt": ["too long"]}}
    if isinstance(body, list):
        return "; ".join(filter(None, (_reason_in(item, depth + 1) for item in body[:3])))
    return "" if body is None or isinstance(body, bool) else str(body)


def shown(text: str) -> str:
    """Return a service's text as it may be shown: short, in one line, and without control characters."""
    return visible(" ".join(text.split())[:_LONGEST_REASON])


def json_of(content: bytes | bytearray) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _object(response: httpx2.Response, content: bytes) -> dict[str, Any]:
    """Return the JSON object of a 2xx response. Raises APIStatusError for its status, InvalidResponse for its body."""
    raise_for_status(response, content)
    body = json_of(content)
    if not isinstance(body, dict):
        raise _unusable(response, content, "it is not a JSON object")
    return body


def _files(result: list[Any]) -> Iterator[TaskFile]:
    """Yield the files of both documented forms, URLs and objects; anything else is not a file."""
    for item in result:
        match item:
            case documented.TaskFile(url=str(url), type_=kind) if url.strip():
                yield TaskFile(url=url.strip(), type=text_of(kind))
            case {"url": str(url)} | str(url) if url.strip():
                yield TaskFile(url=url.strip())


def _unusable(response: httpx2.Response, content: bytes, problem: str) -> InvalidResponse:
    return InvalidResponse(
        f"The service answered {response.status_code} with a body that cannot be used: {problem}.",
        body=shortened(content),
    )
