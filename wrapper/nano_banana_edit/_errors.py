"""Every error this package raises on purpose.

NanoBananaEditError
├── InvalidRequest          also a ValueError; nothing was sent
├── APIConnectionError      no response; nothing was submitted, or the request may be sent again
│   └── APITimeout
├── APIStatusError          a response with a status that is not 2xx
│   ├── AuthenticationError   401
│   ├── PermissionDenied      403
│   ├── NotFound              404
│   ├── RateLimited           429
│   └── ServerError           5xx
├── InvalidResponse         a response that cannot be used
├── SubmissionUnknown       an edit that may have been accepted and billed
├── EditFailed              the edit failed
├── WaitTimeout             the edit is not finished in time; it goes on
└── LedgerError             the ledger cannot be read or written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from traceback import clear_frames
from typing import Any

from nano_banana_edit_client.constraints import shorten

from ._redaction import brief, redact

NOT_ASYNC = "a function that is not async; AsyncNanoBananaEdit awaits one"  # what on_progress must be
_SHORT = 200  # characters; a longer text may be an image


def _forget(error: BaseException, secret: str, outer: BaseException | None) -> None:
    """Cut the chain of an error's causes at those that show a secret, and clear the frames of the others.

    asyncio keeps the frame of a failed write, whose variables have the head of the request. What the caller is handling
    is the caller's: neither its frames nor its causes are touched.
    """
    chain = [error]
    seen = {id(error), id(outer)}
    for link in chain:
        for name in ("__cause__", "__context__"):
            other = getattr(link, name)
            if other and _shows(other, secret):
                setattr(link, name, None)
            elif other and id(other) not in seen:
                clear_frames(other.__traceback__)
                seen.add(id(other))
                chain.append(other)


def _shows(error: BaseException, secret: str) -> bool:
    if isinstance(error, BaseExceptionGroup) and any(_shows(inner, secret) for inner in error.exceptions):
        return True
    texts = (str(error), *error.args, *vars(error).values(), *getattr(error, "__notes__", ()))
    return any(redact(str(text), secret) != str(text) for text in texts if isinstance(text, str | bytes))


class NanoBananaEditError(Exception):
    """Base of every error of this package.

    Attributes:
        task_id: Id of the task, if it is known; `wait(task_id)` continues the edit, if the text of the error says so.
    """

    task_id: str | None = None

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(brief(message))
        vars(self).update(facts)

    def __str__(self) -> str:
        text = super().__str__()
        if not self.task_id or isinstance(self, EditFailed | InvalidRequest):
            return text
        text = text.rstrip(".")
        return f"{text} (task {self.task_id})." if is_over(self) else f"{text}. {_way_on(self.task_id)}"

    def redact(self, secret: str, outer: BaseException | None = None) -> None:
        """Remove a secret from the message, the notes and the attributes, and drop causes that show it, up to `outer`.

        The id of a task loses no part that is like a part of the secret, as the edit could not be had without it.
        """
        self.args = tuple(redact(str(text), secret, cut=True) for text in self.args)
        for name, value in vars(self).items():
            if name == "__notes__":
                value[:] = [redact(note, secret) for note in value]
            elif isinstance(value, str) and (name != "task_id" or secret in value):
                vars(self)[name] = redact(value, secret, cut=name == "body")
        _forget(self, secret, outer)


class InvalidRequest(NanoBananaEditError, ValueError):
    """An argument breaks a constraint of the document, or cannot be used. Nothing was sent for it.

    Attributes:
        field: Name of the argument, or of the document's property.
        value: The value received, if it is a short text or a number.
    """

    field: str = ""
    value: Any = None

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message, **facts)
        if not isinstance(self.value, float | int) and not (isinstance(self.value, str) and len(self.value) < _SHORT):
            self.value = None


def must_be(expected: str, name: str, value: object) -> InvalidRequest:
    """Return the refusal of an argument that must be something else."""
    return InvalidRequest(f"{name} is {shorten(value)}; it must be {expected}.", field=name, value=value)


class APIConnectionError(NanoBananaEditError):
    """No response: there was no connection, or it broke and the request may be sent again."""


class APITimeout(APIConnectionError):
    """No response in time."""


class APIStatusError(NanoBananaEditError):
    """A response with a status that is not 2xx.

    Attributes:
        status_code: HTTP status.
        retry_after: Seconds that the service asks to wait, if it asks.
        error_code: The service's code, if any.
        request_id: The service's id of the request, if any.
        body: The response's body, at most 500 bytes of it.
    """

    status_code: int = 0
    retry_after: float | None = None
    error_code: str | None = None
    request_id: str | None = None
    body: str = ""


class AuthenticationError(APIStatusError):
    """401: the token is missing, wrong or expired."""


class PermissionDenied(APIStatusError):
    """403: the token does not allow this."""


class NotFound(APIStatusError):
    """404: no such task, file or path."""


class RateLimited(APIStatusError):
    """429: too many requests; this one was not accepted. `retry_after` is how long to wait, if known."""


class ServerError(APIStatusError):
    """5xx: the service failed, or a proxy before it."""


class InvalidResponse(NanoBananaEditError):
    """A response that lacks what the client needs.

    Attributes:
        body: The response's body, at most 500 bytes of it.
    """

    body: str = ""


class SubmissionUnknown(NanoBananaEditError):
    """A submission was sent once and may have been accepted and billed. It is not sent again.

    `__cause__` is the failure, unless it shows the token. `task_id` is set if the part of the response that was read
    names the task.

    Attributes:
        request_digest: SHA-256 of the request's JSON, with sorted keys and no blanks, in hexadecimal.
        elapsed: Seconds since the call began, uploads included.
        status_code: HTTP status, if there was a response.
        body: The response's body, at most 500 bytes of it.
    """

    request_digest: str = ""
    elapsed: float = 0.0
    status_code: int | None = None
    body: str = ""


class EditFailed(NanoBananaEditError):
    """The task ended as `failed`, or with a status of `stop_on`.

    Attributes:
        status: The task's status.
        error_code: The service's code, if any.
        error_msg: The service's friendly text, if any.
    """

    status: str = "failed"
    error_code: str | None = None
    error_msg: str | None = None


class WaitTimeout(NanoBananaEditError):
    """The task was not finished in time. The edit goes on: call `wait(error.task_id)`.

    Attributes:
        status: The task's last known status.
    """

    status: str | None = None


class LedgerError(NanoBananaEditError):
    """The database of a ledger cannot be read or written, such as a full disk.

    Nothing is sent before the ledger has recorded it.

    If `task_id` is set, the edit was accepted and the ledger does not know it: call
    `ledger.resolve(key, task_id=error.task_id)` once its row is `unknown`.
    """


@contextmanager
def redacted(secret: str) -> Iterator[None]:
    """Let no error of this package carry the token, which a service, or a peer that speaks no HTTP, may echo."""
    outer = sys.exc_info()[1]
    try:
        yield
    except NanoBananaEditError as error:
        error.redact(secret, outer)
        raise


@contextmanager
def about(task_id: str) -> Iterator[None]:
    """Add the id of the task to any exception, an interrupt or a cancellation too, and how to go on."""
    try:
        yield
    except BaseException as error:
        note(error, task_id)
        raise


def note(error: BaseException, task_id: str | None) -> None:
    """Add the id of an accepted edit to an exception, or that the edit may have been accepted."""
    known = vars(error).get("task_id")
    if task_id:
        vars(error)["task_id"] = task_id
    if not isinstance(error, NanoBananaEditError) and not (known and known == task_id):
        error.add_note(_way_on(task_id) if task_id else "The edit may have been accepted and billed.")


def is_over(error: BaseException) -> bool:
    """Return whether `wait` would end as it did before: the edit failed, is unknown, or has another format."""
    return isinstance(error, EditFailed) or "_over" in vars(error)


def _way_on(task_id: str) -> str:
    return f"To go on, call wait({task_id!r})."


def is_bare(error: Exception) -> bool:
    """Return whether an OSError says nothing, as one that another thread raises in this one; sockets give reasons."""
    return isinstance(error, OSError) and not error.args


def is_of_handler(error: BaseException) -> bool:
    """Return whether a signal handler of the caller raised it, as its traceback shows.

    Such an exception comes out of the system call that it interrupts, where a TimeoutError looks like a socket's own. A
    signal handler is a function that gets a number, and the frame that it interrupts.
    """
    trace = error.__traceback__
    while trace and trace.tb_next:
        frame, called = trace.tb_frame, trace.tb_next.tb_frame
        code, values = called.f_code, called.f_locals
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + 1]  # the last one may be *args
        given = [values.get(name) for name in names]
        given += given[-1] if given and isinstance(given[-1], tuple) else ()
        if any(isinstance(number, int) and at is frame for number, at in pairwise(given)):
            return True
        trace = trace.tb_next
    return False
