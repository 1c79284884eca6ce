"""Every error this package raises on purpose.

NanoBananaEditError
├── InvalidRequest          also a ValueError; nothing was sent
├── APIConnectionError      no answer; what was asked has certainly not happened, or may be asked again
│   └── APITimeout
├── APIStatusError          an answer that says no
│   ├── AuthenticationError   401
│   ├── PermissionDenied      403
│   ├── NotFound              404
│   ├── RateLimited           429
│   └── ServerError           5xx
├── InvalidResponse         an answer that cannot be read
├── SubmissionUnknown       an edit that may have been accepted, and billed
├── EditFailed              the service gave up on the edit
└── WaitTimeout             the edit goes on, the waiting does not
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SHORT = 200  # characters; a longer text may be an image
_SECRET = 8  # characters; a shorter token guards nothing, and is part of many a word


def _without(secret: str, text: str, *, cut: bool) -> str:
    """Return a text without a secret; where the text may have been cut, without the start of one at its end."""
    text = text.replace(secret, "[token]")
    rest = next((size for size in range(len(secret), 2, -1) if cut and text.endswith(secret[:size])), 0)
    return text[: len(text) - rest] + "[token]" if rest else text


def _shows(error: BaseException, secret: str) -> bool:
    texts = (str(error), *error.args, *vars(error).values())
    return any(secret in str(text) for text in texts if isinstance(text, str | bytes))


def _forget(error: BaseException, secret: str) -> None:
    """Cut the chain of an error's causes where it shows a secret."""
    for link in ("__cause__", "__context__"):
        other = getattr(error, link)
        if other and _shows(other, secret):
            setattr(error, link, None)
        elif other:
            _forget(other, secret)


class NanoBananaEditError(Exception):
    """Base of every error of this package.

    Attributes:
        task_id: Id of the task that the error is about, where one is known; the edit can be taken up again with it.
    """

    task_id: str | None = None

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        vars(self).update(facts)

    def redact(self, secret: str) -> None:
        """Take a secret out of the message and of all that the error carries, and forget causes that show it."""
        if len(secret) < _SECRET:
            return
        self.args = tuple(_without(secret, str(text), cut=True) for text in self.args)
        texts = {name: value for name, value in vars(self).items() if isinstance(value, str)}
        vars(self).update({name: _without(secret, text, cut=name == "body") for name, text in texts.items()})
        _forget(self, secret)


class InvalidRequest(NanoBananaEditError, ValueError):
    """An argument the service would refuse, or this package cannot use. Nothing was sent.

    Attributes:
        field: Name of the argument, or of the document's property.
        value: The value received, where it is a short text or a number.
    """

    field: str = ""
    value: Any = None

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message, **facts)
        if not isinstance(self.value, float | int) and not (isinstance(self.value, str) and len(self.value) < _SHORT):
            self.value = None


class APIConnectionError(NanoBananaEditError):
    """No answer: the connection could not be made, or broke where asking again does no harm."""


class APITimeout(APIConnectionError):
    """No answer in time."""


class APIStatusError(NanoBananaEditError):
    """An answer whose status says that the request was not met.

    Attributes:
        status_code: HTTP status.
        retry_after: Seconds that the service asks to wait, where it says so.
        error_code: The service's code, where it gives one.
        request_id: The service's id of the request, where it gives one.
        body: The answer's body, shortened.
    """

    status_code: int = 0
    retry_after: float | None = None
    error_code: str | None = None
    request_id: str | None = None
    body: str = ""


class AuthenticationError(APIStatusError):
    """401: the token is missing, wrong or expired."""


class PermissionDenied(APIStatusError):
    """403: the token is known, but not allowed to do this."""


class NotFound(APIStatusError):
    """404: no such task, file or path."""


class RateLimited(APIStatusError):
    """429: too many requests; this one was not accepted. `retry_after` says how long to wait, where it is known."""


class ServerError(APIStatusError):
    """5xx: the service, or a proxy before it, failed."""


class InvalidResponse(NanoBananaEditError):
    """An answer without what the client needs from it.

    Attributes:
        body: The answer's body, shortened.
    """

    body: str = ""


class SubmissionUnknown(NanoBananaEditError):
    """A submission that was sent once and may have been accepted, and billed. It is not sent again.

    Its `__cause__` is what broke, where something did that does not show the token. Its `task_id` is set where the part
    of the answer that came names the task.

    Attributes:
        request_digest: SHA-256 of the request's JSON with sorted keys and no blanks, in hexadecimal: to find it again.
        elapsed: Seconds since the call began, uploads included.
        status_code: HTTP status, where an answer came.
        body: The answer's body, shortened.
    """

    request_digest: str = ""
    elapsed: float = 0.0
    status_code: int | None = None
    body: str = ""


class EditFailed(NanoBananaEditError):
    """The task ended as `failed`, or as the caller was to be stopped on.

    Attributes:
        status: The task's status.
        error_code: The service's code, where it gives one.
        error_msg: The service's friendly text, where it gives one.
    """

    status: str = "failed"
    error_code: str | None = None
    error_msg: str | None = None


class WaitTimeout(NanoBananaEditError):
    """The time to wait ran out before the task was finished; `wait(error.task_id)` goes on.

    Attributes:
        status: The task's last known status.
    """

    status: str | None = None


@contextmanager
def about(task_id: str) -> Iterator[None]:
    """Give whatever ends a wait or a download, an interrupt or a cancellation too, the id of its task."""
    try:
        yield
    except BaseException as error:
        vars(error)["task_id"] = task_id
        raise
