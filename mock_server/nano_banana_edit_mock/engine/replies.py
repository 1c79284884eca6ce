"""A scripted answer."""

import json
import re
from typing import Any, Self

from attrs import field, frozen

from ..contract.schemas import hold
from ..contract.wording import show
from .answers import wording
from .records import Headers, Response, pairs

DOWN = "The service is unavailable; try again later."

_BARE = frozenset({204, 304})  # end with their headers (RFC 9110, sections 15.3.5 and 15.4.5)
_OWN = frozenset({"connection", "content-length", "transfer-encoding"})  # belong to the transfer, not to the answer
_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e]*")  # without the characters that servers and clients disagree on


@frozen
class Reply:
    """An answer, word for word, in place of the one that the service would give.

    The request has no effect: there is no edit, no upload, and no poll is counted.

    Args:
        status: The status, 200 to 599.
        body: The body: bytes as they are, a str as plain text, anything else as JSON; default empty.
        headers: Pairs of name and value, or a dict; default none. A `Content-Type` replaces that of the body.
        retry_after: Whole seconds of a `Retry-After` header, at least 0; default None leaves it out. Put its other
            forms into `headers`.

    Raises:
        ValueError: `status` or `retry_after` is out of its range, a header cannot be sent or belongs to the transfer,
            the body is not JSON or the status allows none, or `Retry-After` is given twice.
    """

    status: int
    body: Any = field(default=b"", kw_only=True)
    headers: Headers = field(default=(), converter=pairs, kw_only=True)
    retry_after: int | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        wait = {} if self.retry_after is None else {"retry_after": self.retry_after}
        hold("Reply", status=self.status, headers=dict(self.headers), **wait)
        for name, value in self.headers:
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"headers has {show(name)}: {show(value)}; use printable ASCII.")
            if name.lower() in _OWN:
                raise ValueError(f"headers has {name}, which belongs to the transfer. Leave it out.")
            if name.lower() == "retry-after" and wait:
                raise ValueError(f"retry_after is {self.retry_after} and headers has {name}: {value}; use one of them.")
        try:
            _, body = self._content()
        except (TypeError, ValueError) as error:
            raise ValueError(f"body cannot be sent ({error}); use bytes, text or a JSON value.") from error
        if body and self.status in _BARE:
            raise ValueError(
                f"body has {len(body)} byte{'s' * (len(body) != 1)}; an answer with status {self.status} has no body."
            )

    @classmethod
    def rate_limited(cls, *, retry_after: int | None = None) -> Self:
        """Return a 429: too many requests, and this one was not accepted.

        Args:
            retry_after: Whole seconds to wait, at least 0; default None leaves them out.

        Raises:
            ValueError: `retry_after` is out of its range.
        """
        return cls.error(429, "There are too many requests; wait before the next one.", retry_after=retry_after)

    @classmethod
    def out_of_credit(cls) -> Self:
        """Return a 402: the account has no credit left."""
        return cls.error(402, "The account is out of credit. Top it up.")

    @classmethod
    def unavailable(cls, *, retry_after: int | None = None) -> Self:
        """Return a 503: the service is down.

        Args:
            retry_after: Whole seconds to wait, at least 0; default None leaves them out.

        Raises:
            ValueError: `retry_after` is out of its range.
        """
        return cls.error(503, DOWN, retry_after=retry_after)

    @classmethod
    def error(cls, status: int, message: str, *, retry_after: int | None = None) -> Self:
        """Return an error in the shape of the API.

        Args:
            status: The status, 200 to 599.
            message: Text for a reader; `error_code` follows from the status.
            retry_after: Whole seconds to wait, at least 0; default None leaves them out.

        Raises:
            ValueError: `status` or `retry_after` is out of its range.

        Source: `openapi.yaml#/components/schemas/Error`
        """
        return cls(status, body=wording(status, message), retry_after=retry_after)

    def response(self) -> Response:
        """Return the response to send."""
        media_type, body = self._content()
        headers = list(self.headers)
        if media_type and not any(name.lower() == "content-type" for name, _ in headers):
            headers.insert(0, ("Content-Type", media_type))
        if self.status not in _BARE:
            headers.append(("Content-Length", str(len(body))))
        if self.retry_after is not None:
            headers.append(("Retry-After", f"{self.retry_after:.0f}"))  # 2.0 is a whole number, too
        return Response(int(self.status), headers, body)

    def _content(self) -> tuple[str | None, bytes]:
        if isinstance(self.body, bytes):
            return None, self.body
        if isinstance(self.body, str):
            return "text/plain; charset=utf-8", self.body.encode()
        return "application/json", json.dumps(self.body, allow_nan=False).encode("ascii")
