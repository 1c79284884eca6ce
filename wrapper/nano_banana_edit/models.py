"""What the service says, as plain values: a task, its files, a stored upload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


@frozen
class TaskFile:
    """One resulting file, as the task names it.

    Attributes:
        url: Where it is.
        type: What it is, in the service's words; None in the form of `result` that holds URLs alone.

    Source: `openapi.yaml#/components/schemas/TaskFile`.
    """

    url: str
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
        raw: The response's JSON as received, with properties that are not documented.

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
        raw: The response's JSON as received: `cn_url`, `key`, `md5`, `size`, `content_type`, `expires_at` and any
            others.

    Source: `openapi.yaml#/components/schemas/UploadedFile`.
    """

    url: str
    raw: Mapping[str, Any] = field(factory=dict, repr=False)
