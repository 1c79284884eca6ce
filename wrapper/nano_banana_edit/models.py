"""What the service says, as plain values: a task, its files, a stored upload."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, fields, frozen, has

from ._redaction import redact

# What an edit cannot be had without stays as it came.
_KEPT = frozenset({"id", "task_id", "url", "cn_url", "result"})
_PLACE = re.compile(r"(https?://)(?:[^/?#\\]*@)?([^/?#\\]*)", re.IGNORECASE)


def place(url: str) -> str:
    """Return a URL as a repr shows it: its host alone, as the rest may be signed, or be a secret."""
    found = _PLACE.match(url)
    return repr(f"{found[1]}{found[2]}/..." if found else "...")


def without(value: Any, secret: str) -> Any:
    """Return a model or JSON without a secret that the service repeats, except in ids and URLs."""
    if isinstance(value, str):
        return redact(value, secret)
    if isinstance(value, list | tuple):
        return type(value)(without(item, secret) for item in value)
    if isinstance(value, dict):
        return {name: item if name in _KEPT else without(item, secret) for name, item in value.items()}
    if has(type(value)):
        names = {attribute.name for attribute in fields(type(value))} - _KEPT
        return evolve(value, **{name: without(getattr(value, name), secret) for name in names})
    return value


@frozen
class TaskFile:
    """One resulting file, as the task names it.

    Attributes:
        url: Where it is.
        type: What it is, in the service's words; None in the form of `result` that holds URLs alone.

    Source: `openapi.yaml#/components/schemas/TaskFile`.
    """

    url: str = field(repr=place)
    type: str | None = None


@frozen
class Task:
    """The state of a task when it was polled.

    Attributes:
        task_id: Its id.
        status: `pending`, `processing`, `completed`, `failed`, or a value that the service adds later; None right after
            the submission, before the first poll.
        error_code: Code of the failure, if any.
        error_msg: Friendly text of the failure, if any.
        files: The resulting files; empty until the task is completed.
        retry_after: Seconds that the service asks to wait before the next poll, if it asks.
        raw: The response's JSON as received, with properties that are not documented, but without the token.

    Source: `openapi.yaml#/components/schemas/Task`.
    """

    task_id: str
    status: str | None = None
    error_code: str | None = None
    error_msg: str | None = None
    files: tuple[TaskFile, ...] = ()
    retry_after: float | None = None
    raw: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen
class UploadedFile:
    """A stored file. It is temporary.

    Attributes:
        url: Its URL, to be edited.
        raw: The response's JSON as received, but without the token: `cn_url`, `key`, `md5`, `size`, `content_type`,
            `expires_at` and any others.

    Source: `openapi.yaml#/components/schemas/UploadedFile`.
    """

    url: str = field(repr=place)
    raw: Mapping[str, Any] = field(factory=dict, repr=False)
