"""What a test wants to happen: an answer in words, and the rule that says when."""

import json
import re
from collections.abc import Collection
from typing import Any, Self, TypeAlias

from attrs import asdict, define, field, frozen

from ..contract.wording import show
from . import ranges
from .answers import wording
from .records import Fault, Headers, Outcome, Response, pairs
from .routes import FILE_NAMES

_BARE = frozenset({204, 304})  # end with their headers (RFC 9110, sections 15.3.5 and 15.4.5)
_OWN = frozenset({"connection", "content-length", "transfer-encoding"})  # of the transfer, not of the answer
_DOWN = "The service is unavailable; try again later."
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e]*")  # without what HTTP servers and clients disagree on


@frozen
class Reply:
    """An answer word for word, in place of the one that the service would give.

    What the request asked for is not done: there is no edit, no upload, and no look is counted.

    Args:
        status: The status, 200 to 599.
        body: The body: bytes as they are, a str as plain text, anything else as JSON; default empty.
        headers: Pairs of name and value, a dict is accepted too; a `Content-Type` among them replaces that of the body.
        retry_after: Whole seconds of a `Retry-After` header, at least 0; default None leaves it out. Its other forms go
            into `headers`.

    Raises:
        ValueError: The status is none, a header cannot be sent or belongs to the transfer, the body is no JSON value or
            one that the status cannot have, or `retry_after` is no number of seconds or stands among the headers too.
    """

    status: int
    body: Any = field(default=b"", kw_only=True)
    headers: Headers = field(default=(), converter=pairs, kw_only=True)
    retry_after: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        ranges.whole("status", self.status, 200, 599)
        if self.retry_after is not None:
            ranges.whole("retry_after", self.retry_after, 0)
        for name, value in self.headers:
            if not isinstance(name, str) or not isinstance(value, str):
                raise ValueError(  # noqa: TRY004
                    f"headers has {name!r}: {value!r}; the mock accepts text. Make it a str."
                )
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"headers has {show(name)}: {show(value)}; the mock accepts ASCII. Rewrite it.")
            if name.lower() in _OWN:
                raise ValueError(f"headers has {name}; the mock accepts none of the transfer. Leave it out.")
            if name.lower() == "retry-after" and self.retry_after is not None:
                state = f"retry_after is {self.retry_after} and headers has {name}: {value}"
                raise ValueError(f"{state}; the mock accepts one of them. Say it once.")
        try:
            _, body = self._content()
        except (TypeError, ValueError) as problem:
            message = (
                f"body cannot be sent ({problem}); the mock accepts bytes, text or a JSON value. Send one of them."
            )
            raise ValueError(message) from problem
        if body and self.status in _BARE:
            raise ValueError(f"body has {len(body)} bytes; the mock accepts none with {self.status}. Leave it out.")

    @classmethod
    def rate_limited(cls, *, retry_after: int | None = None) -> Self:
        """Return a 429: too many requests, and this one was not accepted.

        Args:
            retry_after: Whole seconds to wait, at least 0; default None does not say.

        Returns:
            The reply.

        Raises:
            ValueError: `retry_after` is no number of seconds.
        """
        return cls.error(429, "There are too many requests; wait before the next one.", retry_after=retry_after)

    @classmethod
    def out_of_credit(cls) -> Self:
        """Return a 402: the account has no credit left.

        Returns:
            The reply.
        """
        return cls.error(402, "The account is out of credit; the service accepts edits with some. Top it up.")

    @classmethod
    def unavailable(cls, *, retry_after: int | None = None) -> Self:
        """Return a 503: the service is down.

        Args:
            retry_after: Whole seconds to wait, at least 0; default None does not say.

        Returns:
            The reply.

        Raises:
            ValueError: `retry_after` is no number of seconds.
        """
        return cls.error(503, _DOWN, retry_after=retry_after)

    @classmethod
    def error(cls, status: int, message: str, *, retry_after: int | None = None) -> Self:
        """Return an error in the shape of the API.

        Args:
            status: The status, 200 to 599.
            message: Text for a reader.
            retry_after: Whole seconds to wait, at least 0; default None does not say.

        Returns:
            The reply; its `error_code` follows from the status.

        Raises:
            ValueError: The status is none, or `retry_after` is no number of seconds.

        Source: `openapi.yaml#/components/schemas/Error`
        """
        return cls(status, body=wording(status, message), retry_after=retry_after)

    def response(self) -> Response:
        """Return the reply as it is sent.

        Returns:
            The response.
        """
        media_type, body = self._content()
        headers = list(self.headers)
        if media_type and not any(name.lower() == "content-type" for name, _ in headers):
            headers.insert(0, ("Content-Type", media_type))
        if self.status not in _BARE:
            headers.append(("Content-Length", str(len(body))))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        return Response(self.status, headers, body)

    def _content(self) -> tuple[str | None, bytes]:
        if isinstance(self.body, bytes):
            return None, self.body
        if isinstance(self.body, str):
            return "text/plain; charset=utf-8", self.body.encode()
        return "application/json", json.dumps(self.body, allow_nan=False).encode("ascii")


Doing: TypeAlias = Outcome | Reply | Fault


@define(eq=False, kw_only=True)
class Rule:
    """One thing that a test said, and how much of it has happened.

    An `Outcome` is for edits that are accepted, a `Reply` and a `Fault` for any request. It lasts for `seconds`, on the
    service's clock, from the first request that it takes. `seen` counts the requests that were left to it, `used` those
    it took.
    """

    operation: str | None
    do: Doing
    nth: int = 1
    times: int | None = 1
    seconds: float | None = None
    seen: int = 0
    used: int = 0
    began: float | None = None

    def takes(self, operation: str, *, accepted: bool, now: float) -> bool:
        """Count a request that no earlier rule took, and return whether this one does."""
        if self.operation != operation and (self.operation or operation in FILE_NAMES):
            return False
        if self._over(now) or (isinstance(self.do, Outcome) and not accepted):
            return False
        self.seen += 1
        if self.seen < self.nth:
            return False
        self.used += 1
        self.began = now if self.began is None else self.began
        return True

    def spent(self, now: float) -> bool:
        """Return whether it did what it was to do."""
        return self.used == self.times or self._over(now)

    @property
    def left(self) -> bool:
        """Whether it still waits for a request that it was to take; one without a number of times waits for one."""
        return self.used < (self.times or 1)

    def __str__(self) -> str:
        """Return what was said, and how much of it happened."""
        if isinstance(self.do, Reply):
            what = f"Reply({self.do.status})"
        elif isinstance(self.do, Fault):
            what = str(self.do)
        else:
            default = asdict(Outcome())
            said = {name: value for name, value in asdict(self.do, recurse=False).items() if value != default[name]}
            what = f"Outcome({', '.join(f'{name}={value!r}' for name, value in said.items())})"
        where = self.operation or "any operation"
        what += "" if self.seconds is None else f" for {self.seconds:g} s"
        return f"{where}, request {self.nth} and on: {what}, used {self.used} of {self.times or 'any number of'} times"

    def _over(self, now: float) -> bool:
        return self.began is not None and self.seconds is not None and now - self.began >= self.seconds


def make_rule(operation: str | None, do: Any, *, known: Collection[str], nth: int, times: int | None) -> Rule:
    """Return what was said; `known` are the operations that the document has.

    Raises:
        ValueError: It cannot happen.
    """
    if operation is not None and operation not in known:
        accepted = f"{', '.join(known)}, and None for any of them"
        raise ValueError(f"operation is {operation!r}; the mock accepts {accepted}. Choose one.")
    if not isinstance(do, Outcome | Reply | Fault):
        raise ValueError(  # noqa: TRY004
            f"do is {do!r}; the mock accepts an Outcome, a Reply or a Fault. Make one of it."
        )
    if isinstance(do, Outcome) and operation != "createEdit":
        message = f"operation is {operation!r}; the mock accepts createEdit for an Outcome. Choose that, or a Reply."
        raise ValueError(message)
    ranges.whole("nth", nth, 1)
    if times is not None:
        ranges.whole("times", times, 1)
    return Rule(operation=operation, do=do, nth=nth, times=times)


def make_outage(*, requests: int | None = None, seconds: float | None = None, status: int = 503) -> Rule:
    """Return the rule that every operation fails for some requests, or for some seconds from the first of them.

    Raises:
        ValueError: Both or neither of them are given, or one is out of its range.
    """
    if (requests is None) == (seconds is None):
        state = f"requests is {requests} and seconds is {seconds}"
        raise ValueError(f"{state}; the mock accepts one of them. Say how long the outage is.")
    ranges.whole("status", status, 400, 599)
    if requests is not None:
        ranges.whole("requests", requests, 1)
    if seconds is not None:
        ranges.seconds("seconds", seconds, above=True)
    return Rule(operation=None, do=Reply.error(status, _DOWN), times=requests, seconds=seconds)
