"""An answer that a test gives in words."""

import json
import re
from typing import Any, Self

from attrs import field, frozen

from ..contract.wording import show
from . import ranges
from .answers import wording
from .records import Headers, Response, pairs

_BARE = frozenset({204, 304})  # end with their headers (RFC 9110, sections 15.3.5 and 15.4.5)
_OWN = frozenset({"connection", "content-length", "transfer-encoding"})  # of the transfer, not of the answer
DOWN = "The service is unavailable; try again later."
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
        return cls.error(503, DOWN, retry_after=retry_after)

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
