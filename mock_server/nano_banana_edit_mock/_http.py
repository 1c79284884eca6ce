"""A request and a response, as plain values that every door into the service shares."""

import json
from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

Headers = tuple[tuple[str, str], ...]


def _pairs(headers: dict[str, str] | Sequence[tuple[str, str]]) -> Headers:
    return tuple(headers.items() if isinstance(headers, dict) else headers)


def _find(headers: Headers, name: str) -> str | None:
    values = [value for key, value in headers if key.lower() == name.lower()]
    return ", ".join(values) if values else None


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
    headers: Headers = field(default=(), converter=_pairs)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header.

        Args:
            name: Its name, in any case.

        Returns:
            The value, several joined by a comma (RFC 9110, section 5.3); None when absent.
        """
        return _find(self.headers, name)


@frozen
class Response:
    """One HTTP response.

    Attributes:
        status: The status code.
        headers: Pairs of name and value, `Content-Length` among them.
        body: The whole body; empty for HEAD.
    """

    status: int
    headers: Headers = field(default=(), converter=_pairs)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return a header, as `Request.header` does."""
        return _find(self.headers, name)

    def json(self) -> Any:
        """Return the body read as JSON.

        Returns:
            The value.

        Raises:
            ValueError: The body is not JSON.
        """
        return json.loads(self.body)


def reply(status: int, payload: Any, *headers: tuple[str, str]) -> Response:
    """Return a JSON response, with `headers` after its own."""
    # ASCII, because a message may quote a lone surrogate that UTF-8 cannot carry.
    return content(status, "application/json", json.dumps(payload).encode("ascii"), *headers)


def content(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    """Return a response with a body of any type, with `headers` after its own."""
    return Response(status, (("Content-Type", media_type), ("Content-Length", str(len(body))), *headers), body)
