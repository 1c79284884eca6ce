"""The plain values that a test and the service exchange: requests, responses, outcomes, and what is kept of them."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal

from attrs import Factory, asdict, field, frozen

from ..contract.schemas import Violation, hold
from .timing import Lognormal, Seconds, Uniform

Headers = tuple[tuple[str, str], ...]
HIDDEN = "(hidden)"
_SECRET = re.compile(r"(?i)auth|cookie|token|secret|(?:api|access).?key")


def pairs(headers: dict[str, str] | Sequence[tuple[str, str]]) -> Headers:
    """Return headers as pairs."""
    return tuple(headers.items() if isinstance(headers, dict) else headers)


def _pack(headers: Headers) -> str:
    """Return headers as one text, which takes a tenth of the memory, without the values that may be a token."""
    return "\0".join([text for name, value in headers for text in (name, HIDDEN if is_secret(name) else value)])


def _unpack(text: str) -> Headers:
    texts = text.split("\0") if text else []
    return tuple(zip(texts[::2], texts[1::2], strict=False))


@lru_cache(1_000)
def is_secret(name: str) -> bool:
    """Return whether a header may carry a token, by its name."""
    return _SECRET.search(name) is not None


def _by_name(headers: Headers) -> dict[str, str]:
    """Return headers by lower-case name; several of one name are joined by a comma (RFC 9110, section 5.3)."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(given) for name, given in values.items()}


@frozen
class Request:
    """One HTTP request.

    Attributes:
        method: The method.
        url: The absolute URL, percent-encoded.
        headers: Pairs of name and value, or a dict; default none.
        body: The whole body; default empty.
    """

    method: str
    url: str
    headers: Headers = field(default=(), converter=pairs)
    body: bytes = b""
    _values: dict[str, str] = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: _by_name(self.headers), takes_self=True)
    )

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever the case of its name; None if it is absent."""
        return self._values.get(name.lower())


class Fault(StrEnum):
    """What goes wrong with an answer on its way.

    On a port it happens on the wire. In process it is the exception of the caller's library, httpx or httpx2, at the
    same moment: instead of the answer, or while its body is read. No time passes in process: what would never end is
    a `ReadTimeout` at once.

    Attributes:
        REFUSED: No connection; `ConnectError`. On a port the connection is reset, because the request is there already.
        RESET_BEFORE: The connection is reset before the answer; `ReadError`.
        RESET_DURING: It is reset in the middle of the body; `ReadError`.
        RESET_AFTER: The answer is whole, and then the connection is reset.
        EMPTY: The connection ends without an answer; `RemoteProtocolError`.
        TRUNCATED: It ends in the middle of the body; `RemoteProtocolError`.
        WRONG_LENGTH: `Content-Length` is half of the body, so that the body is cut.
        MALFORMED_CHUNK: The second half of the body is a chunk without a valid size; `RemoteProtocolError`.
        GARBAGE: Bytes that are not HTTP; `RemoteProtocolError`.
        DRIBBLE: The answer comes byte by byte, ten a second; `ReadTimeout`.
        SILENCE: No answer, and no end; `ReadTimeout`.
    """

    REFUSED = "refused"
    RESET_BEFORE = "reset_before"
    RESET_DURING = "reset_during"
    RESET_AFTER = "reset_after"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    WRONG_LENGTH = "wrong_length"
    MALFORMED_CHUNK = "malformed_chunk"
    GARBAGE = "garbage"
    DRIBBLE = "dribble"
    SILENCE = "silence"


@frozen
class Response:
    """One HTTP response.

    Attributes:
        status: The status code.
        headers: Pairs of name and value, `Content-Length` among them.
        body: The whole body; empty for HEAD.
        fault: What goes wrong on its way; default None for nothing.
    """

    status: int
    headers: Headers = field(default=(), converter=pairs)
    body: bytes = b""
    fault: Fault | None = None

    def header(self, name: str) -> str | None:
        """Return the value of a header by its name, as `Request.header` does."""
        return _by_name(self.headers).get(name.lower())

    def json(self) -> Any:
        """Return the body, parsed as JSON.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)


@frozen(kw_only=True)
class Outcome:
    """What becomes of an edit.

    Attributes:
        status: The final status: `completed`, `failed`, or an undocumented one; default `completed`.
        error_code: Code of the failure; default None leaves it out.
        error_msg: Text of the failure; default None leaves it out.
        result_form: Form of `result`: `url` for an array of URLs, `file` for an array of objects with type and url;
            default `url`.
        polls: Polls until the task is finished, at least 0; default None leaves it to the service.
        seconds: Seconds until the task is finished, 0 to 1,000,000,000, or their distribution; default None leaves it
            to the service.
        expired: Whether the file of the result is gone, and answered 404; default False.

    Raises:
        ValueError: A value is out of its range, or both `polls` and `seconds` are given.

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
        if self.polls is not None and self.seconds is not None:
            raise ValueError(f"polls is {self.polls} and seconds is {self.seconds}; use one of them.")
        hold("Outcome", **{name: value for name, value in self.given().items() if not isinstance(value, _DRAWN)})

    def given(self) -> dict[str, Any]:
        """Return the attributes that are not at their defaults, by name."""
        return asdict(self, recurse=False, filter=lambda attribute, value: value != attribute.default)


_DRAWN = (Uniform, Lognormal)


@frozen(kw_only=True)
class Edit:
    """An accepted edit.

    Attributes:
        task_id: The id in the answer.
        content: The body as bytes; None if the service gave it up, since it keeps the newest 256 MB.
    """

    task_id: str
    content: bytes | None

    @property
    def body(self) -> dict[str, Any]:
        """The body exactly as received, without defaults.

        Raises:
            LookupError: The service gave it up.
        """
        if self.content is None:
            raise LookupError(f"the body of edit {self.task_id} was given up; the mock keeps the newest 256 MB.")
        value: dict[str, Any] = json.loads(self.content)
        return value


@frozen(kw_only=True)
class Upload:
    """An accepted upload.

    Attributes:
        key: The key in the answer.
        filename: The file name sent.
        content_type: The media type sent; `application/octet-stream` if there was none.
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
class SentFile:
    """A file in a form.

    Attributes:
        name: The name of its field.
        filename: The file name sent.
        content_type: The media type sent; None if there was none.
        size: The size in bytes.
    """

    name: str
    filename: str | None
    content_type: str | None
    size: int


@frozen(kw_only=True)
class Entry:
    """One request in the journal, and its answer.

    Attributes:
        operation: The operationId; None for a file and for a request without a route.
        method: The method.
        path: The encoded path.
        files: The files of a form.
        status: The status of the answer, also if a fault keeps it from arriving.
        fault: What goes wrong with the answer on its way; None for nothing.
        violations: What was wrong with the request, whatever the answer.
        answer_violations: What was wrong with an answer that came from elsewhere, by the document.
        undeclared: Properties of such an answer that the document does not name, as paths such as `result[0].width`.
        size: Bytes of the body that were read; a server does not read all of a body that is too large.
        content: The JSON body as bytes; None if there is none, it was not read or not JSON, or it has more than 64 KiB.
        authorization: Whether there was an Authorization header. Its value is not kept.
        scripted: Whether a rule of the script took the request.
        task_id: The task that was created, polled, or whose result was fetched; None for anything else.
        at: When the request arrived, in seconds on the service's clock since it was made.
        when: When it arrived, as time of day.
        seconds: How long the service took for the answer.
        answered: The body of the answer, that of a service elsewhere also if a strict proxy sent another one; None if
            it has more than 64 KiB.
    """

    operation: str | None
    method: str
    path: str
    _headers: str = field(converter=_pack, repr=False)
    files: tuple[SentFile, ...]
    status: int
    fault: Fault | None
    _answer_headers: str = field(converter=_pack, repr=False)
    violations: tuple[Violation, ...]
    answer_violations: tuple[Violation, ...] = ()
    undeclared: tuple[str, ...] = ()
    size: int
    content: bytes | None = field(repr=False)
    authorization: bool
    scripted: bool
    task_id: str | None
    at: float
    when: datetime
    seconds: float
    answered: bytes | None = field(repr=False)

    @property
    def headers(self) -> Headers:
        """The headers of the request; the value of one that may carry a token is `(hidden)`."""
        return _unpack(self._headers)

    @property
    def answer_headers(self) -> Headers:
        """The headers of the answer, in the same way."""
        return _unpack(self._answer_headers)

    @property
    def body(self) -> Any:
        """The JSON body; None if `content` is."""
        return None if self.content is None else json.loads(self.content)

    @property
    def answer(self) -> Any:
        """The JSON of the answer; None if it is not JSON, or `answered` is None."""
        try:
            return json.loads(self.answered or b"")
        except (RecursionError, ValueError):
            return None

    @property
    def state(self) -> str | None:
        """The status of the task that was polled, as answered; None for anything else."""
        answer = self.answer if self.operation == "getTask" else None
        return str(answer["status"]) if isinstance(answer, dict) and "status" in answer else None

    @property
    def weight(self) -> int:
        """The bytes that it takes, about."""
        found = (*self.violations, *self.answer_violations)
        texts = [*self.undeclared, *(text for one in found for text in (one.pointer, one.field, one.message))]
        texts += [text for one in self.files for text in (one.name, one.filename, one.content_type)]
        kept = (self.path, self.path, self._headers, self._answer_headers, self.content or b"", self.answered or b"")
        return 1_000 + sum(map(len, kept)) + sum([200 + len(text or "") for text in texts])
