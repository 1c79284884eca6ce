"""Responses in the shape of the API, put together."""

import json
from typing import Any

from .records import Response

_CODES = {
    401: "unauthorized",
    402: "insufficient_credit",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    501: "not_implemented",
    503: "unavailable",
}


def content(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    """Return a response with a body of a media type."""
    return Response(status, (("Content-Type", media_type), ("Content-Length", str(len(body))), *headers), body)


def reply(status: int, payload: Any, *headers: tuple[str, str]) -> Response:
    """Return a response with a JSON value."""
    # ASCII, because a message may quote a lone surrogate that UTF-8 cannot carry.
    return content(status, "application/json", json.dumps(payload).encode("ascii"), *headers)


def wording(status: int, message: str) -> dict[str, str]:
    """Return the JSON value of an error, as the API words it."""
    return {"message": message, "error_code": _CODES.get(status, "internal" if status >= 500 else "invalid_request")}


def refuse(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """Return an error in the shape of the API."""
    return reply(status, wording(status, message), *headers)
