"""Responses in the shape of the API, put together, and the headers that say what was wrong or what a path allows."""

import json
from collections.abc import Iterable
from typing import Any

from .records import Response, Violation
from .referee import Verdict

DIAGNOSTICS = "Mock-Violations"
MAX_DIAGNOSTICS = 4096  # bytes; clients and proxies take 8 KB of headers and more, but not any number

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
_compact = json.JSONEncoder(separators=(",", ":")).encode  # made once, as dumps makes one each time


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


def refused(verdict: Verdict, allow: Iterable[str], otherwise: int) -> Response:
    """Return the answer to a request that is wrong; `otherwise` is its status where HTTP prescribes none."""
    said = {401: ("WWW-Authenticate", "Bearer"), 405: ("Allow", ", ".join(allow))}
    message = " ".join(violation.message for violation in verdict.violations)
    further = [header for status, header in said.items() if status == verdict.status]
    return refuse(verdict.status or otherwise, message, diagnose(verdict.violations), *further)


def diagnose(violations: Iterable[Violation]) -> tuple[str, str]:
    """Return the header that lists violations as JSON; those that do not fit are left out, the journal has them all."""
    value = ""
    for violation in violations:
        entry = {"location": violation.location, "pointer": violation.pointer, "keyword": violation.keyword}
        # DEL is no character of a header (RFC 9110, section 5.5), and the only such one that JSON does not escape.
        text = _compact(entry).replace("\x7f", r"\u007f")
        if len(value) + len(text) + len("[],") <= MAX_DIAGNOSTICS:
            value += f",{text}" if value else text
    return DIAGNOSTICS, f"[{value}]"


def allowed(allow: Iterable[str]) -> Response:
    """Return the answer to OPTIONS (RFC 9110, section 9.3.7)."""
    return Response(204, [("Allow", ", ".join(allow))])
