"""The plain values that a test and the service exchange: requests, responses, wishes, memories."""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Literal

from attrs import Factory, field, frozen

from ..contract.census import Location
from .timing import Seconds, check_life

Headers = tuple[tuple[str, str], ...]


def pairs(headers: dict[str, str] | Sequence[tuple[str, str]]) -> Headers:
    """Return headers as pairs."""
    return tuple(headers.items() if isinstance(headers, dict) else headers)


def _by_name(headers: Headers) -> dict[str, str]:
    """Return headers by lower-case name, several of one joined by a comma (RFC 9110, section 5.3)."""
    values: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        values[key] = f"{values[key]}, {value}" if key in values else value
    return values


@frozen
class Request:
    """One HTTP request.

    Attributes:
        method: The method.
        url: The absolute URL, percent-encoded.
        headers: Pairs of name and value; a dict is accepted too.
        body: The whole body.
    """

    method: str
    url: str
    headers: Headers = field(default=(), converter=pairs)
    body: bytes = b""
    _values: dict[str, str] = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: _by_name(self.headers), takes_self=True)
    )

    def header(self, name: str) -> str | None:
        """Return a header.

        Args:
            name: Its name, in any case.

        Returns:
            The value, several joined by a comma; None when absent.
        """
        return self._values.get(name.lower())


class Fault(StrEnum):
    """What becomes of an answer on its way.

    On a port it happens as it says. In process it is the exception that httpx raises for it, at the same moment: with
    the answer, or while its body is read. Time does not pass there: what never ends is a `ReadTimeout` at once.
    """

    REFUSED = "refused"
    """No connection: `ConnectError`. On a port the request has arrived already, so that it is a reset there."""
    RESET_BEFORE = "reset_before"
    """The connection is reset before the answer: `ReadError`."""
    RESET_DURING = "reset_during"
    """It is reset in the middle of the body: `ReadError`."""
    RESET_AFTER = "reset_after"
    """The answer is whole, and then the connection is reset."""
    EMPTY = "empty"
    """The connection ends without an answer: `RemoteProtocolError`."""
    TRUNCATED = "truncated"
    """It ends in the middle of the body: `RemoteProtocolError`."""
    WRONG_LENGTH = "wrong_length"
    """`Content-Length` is half of what comes, so that the body is cut."""
    MALFORMED_CHUNK = "malformed_chunk"
    """The second half of the body is a chunk whose size is no number: `RemoteProtocolError`."""
    GARBAGE = "garbage"
    """Bytes that are no HTTP: `RemoteProtocolError`."""
    DRIBBLE = "dribble"
    """The answer comes byte by byte, ten in a second: `ReadTimeout`, as no caller waits for it in process."""
    SILENCE = "silence"
    """No answer, and no end: `ReadTimeout`."""


@frozen
class Response:
    """One HTTP response.

    Attributes:
        status: The status code.
        headers: Pairs of name and value, `Content-Length` among them.
        body: The whole body; empty for HEAD.
        fault: What goes wrong on its way; None for nothing.
    """

    status: int
    headers: Headers = field(default=(), converter=pairs)
    body: bytes = b""
    fault: Fault | None = None

    def header(self, name: str) -> str | None:
        """Return a header, as `Request.header` does."""
        return _by_name(self.headers).get(name.lower())

    def json(self) -> Any:
        """Return the body read as JSON.

        Returns:
            The value.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)


@frozen(kw_only=True)
class Violation:
    """One thing a request does wrong.

    Attributes:
        location: Where in the request.
        pointer: JSON pointer into the body; empty for the whole body and outside it.
        field: Top-level property, parameter or header at fault; None for the whole body.
        keyword: The violated keyword of the document; `security`, `content` or `size` outside the schemas, `paths`
            for a path or method that the document has not.
        message: The field, what was received, what is accepted, the remedy.
    """

    location: Location
    pointer: str = ""
    field: str | None = None
    keyword: str
    message: str


@frozen(kw_only=True)
class Outcome:
    """What becomes of an edit.

    Attributes:
        status: The status it ends with: `completed`, `failed`, or one that is not documented; default `completed`.
        error_code: Code of the failure; default None leaves it out.
        error_msg: Text of the failure; default None leaves it out.
        result_form: Form of `result` when completed: `url` for an array of URLs, `file` for an array of objects with
            type and url; default `url`.
        polls: Looks until the task is finished, at least 0; default None leaves it to the service.
        seconds: Seconds until the task is finished, at least 0, or their distribution; default None leaves it to the
            service.
        expired: Whether the result's file is gone, and answered 404; default False.

    Raises:
        ValueError: A value is none that it can have, or both `polls` and `seconds` are given.

    Source: `openapi.yaml#/components/schemas/Task`
    """

    status: str = "completed"
    error_code: str | None = None
    error_msg: str | None = None
    result_form: Literal["url", "file"] = "url"
    polls: int | None = None
    seconds: Seconds | None = None
    expired: bool = False

    def __attrs_post_init__(self) -> None:
        for name, fits, accepted in (
            ("status", isinstance(self.status, str), "text"),
            ("error_code", isinstance(self.error_code, str | None), "text"),
            ("error_msg", isinstance(self.error_msg, str | None), "text"),
            ("result_form", self.result_form in {"url", "file"}, "'url' or 'file'"),
            ("expired", isinstance(self.expired, bool), "True or False"),
        ):
            if not fits:
                raise ValueError(f"{name} is {getattr(self, name)!r}; the mock accepts {accepted}. Change it.")
        check_life(self.polls, self.seconds)
        if self.polls is not None and self.seconds is not None:
            message = f"polls is {self.polls} and seconds is {self.seconds}; the mock accepts one of them. Drop one."
            raise ValueError(message)


@frozen(kw_only=True)
class Edit:
    """An accepted edit.

    Attributes:
        task_id: The id answered.
        body: The body exactly as received, without defaults.
    """

    task_id: str
    body: dict[str, Any]


@frozen(kw_only=True)
class Upload:
    """An accepted upload.

    Attributes:
        key: The key answered.
        filename: The file name sent.
        content_type: The media type sent; `application/octet-stream` when none was.
        body: The bytes.
    """

    key: str
    filename: str
    content_type: str
    body: bytes

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.body)


@frozen(kw_only=True)
class Entry:
    """One request, as the journal keeps it.

    Attributes:
        operation: The operationId; None for a file and for a request without a route.
        method: The method.
        path: The encoded path.
        status: The status answered.
        violations: What was wrong with the request, whatever was answered.
        size: Bytes of the body that were read; of one that is too large, a server does not read all.
        body: The JSON body; None when there is none, it cannot be read, it was not looked into, or it has more than 64
            KiB.
        authorization: Whether an Authorization header was present. Its value is not kept.
        scripted: Whether a rule took the request: the answer is its `Reply`, or its `Outcome` becomes of the edit.
        task_id: The task that was created, looked at or fetched the result of; None for anything else.
        at: When it came, in seconds on the service's clock since it was made.
        answered: The body answered; None when it has more than 64 KiB.
    """

    operation: str | None
    method: str
    path: str
    status: int
    violations: tuple[Violation, ...]
    size: int
    body: Any
    authorization: bool
    scripted: bool
    task_id: str | None
    at: float
    answered: bytes | None = field(repr=False)
