"""Responses in the shape of the API, and the headers of a refusal."""

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from itertools import product
from typing import Any

from ..contract.schemas import Violation
from .records import Outcome, Response, Upload
from .referee import Verdict

DIAGNOSTICS = "Mock-Violations"
MAX_DIAGNOSTICS = 4096  # bytes; clients and proxies take at least 8 KB of headers

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
_TASK_ID = re.compile(rb'"task_id"\s*:\s*(?:"(?:[^"\\]|\\.)+"|-?\d+(?=\s*[,}]))')
_compact = json.JSONEncoder(separators=(",", ":")).encode  # made once; json.dumps makes one each time


def content(status: int, media_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    """Return a response with a body of a media type."""
    return Response(status, (("Content-Type", media_type), ("Content-Length", str(len(body))), *headers), body)


def reply(status: int, payload: Any, *headers: tuple[str, str]) -> Response:
    """Return a response with a JSON value."""
    # ASCII, because a message may quote a lone surrogate that UTF-8 cannot carry.
    return content(status, "application/json", json.dumps(payload).encode("ascii"), *headers)


def accepted(task_id: str) -> dict[str, Any]:
    """Return the JSON value for an accepted edit."""
    return {"task_id": task_id}


def task(task_id: str, status: str, outcome: Outcome | None = None, image: str = "") -> dict[str, Any]:
    """Return the JSON value of a task, which has an outcome and an image when it is finished."""
    payload: dict[str, Any] = {"id": task_id, "status": status}
    if outcome:
        errors = {"error_code": outcome.error_code, "error_msg": outcome.error_msg}
        payload |= {name: text for name, text in errors.items() if text is not None}
        if outcome.status == "completed":
            payload["result"] = [image if outcome.result_form == "url" else {"type": "image", "url": image}]
    return payload


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer of a service, as most clients read it; an empty one if there is none.

    What was paid for is not lost to an answer that `read_json` refuses: of a key that is given twice the last one
    counts; a byte order mark, NaN and a lone surrogate are read.
    """
    try:
        value = json.loads(body)
    except (RecursionError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def task_in(body: bytes) -> str | None:
    """Return the id that an answer gives an edit, also if the answer is damaged or cut off: the edit is paid for."""
    found = object_in(body).get("task_id")
    if found is None and (match := _TASK_ID.search(body)):
        found = object_in(b"{%b}" % match[0]).get("task_id")
    return str(found) if type(found) in {str, int} and found != "" else None


def uploaded(address: str, upload: Upload, expires_at: datetime) -> dict[str, Any]:
    """Return the JSON value of an upload."""
    return {
        "url": address,
        "cn_url": address,
        "key": upload.key,
        "md5": hashlib.sha256(upload.body).hexdigest()[:32],
        "size": upload.size,
        "content_type": upload.content_type,
        "expires_at": expires_at.isoformat(),
    }


def wording(status: int, message: str) -> dict[str, str]:
    """Return the JSON value of an error."""
    return {"message": message, "error_code": _CODES.get(status, "internal" if status >= 500 else "invalid_request")}


def refuse(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """Return an error in the shape of the API."""
    return reply(status, wording(status, message), *headers)


def refused(verdict: Verdict, allow: Iterable[str], otherwise: int) -> Response:
    """Return the answer to an invalid request; `otherwise` is its status if HTTP prescribes none."""
    required = {401: ("WWW-Authenticate", "Bearer"), 405: ("Allow", ", ".join(allow))}
    message = " ".join(violation.message for violation in verdict.violations)
    further = [header for status, header in required.items() if status == verdict.status]
    return refuse(verdict.status or otherwise, message, diagnose(verdict.violations), *further)


def diagnose(violations: Iterable[Violation], of_answer: Iterable[Violation] = ()) -> tuple[str, str]:
    """Return the header that lists violations as JSON, as far as they fit; the journal has them all.

    The location of one in an answer from elsewhere begins with `answer.`.
    """
    value = ""
    for prefix, violation in [*product(("",), violations), *product(("answer.",), of_answer)]:
        location = f"{prefix}{violation.location}"
        entry = {"location": location, "pointer": violation.pointer, "keyword": violation.keyword}
        # DEL cannot be in a header (RFC 9110, section 5.5), and JSON does not escape it.
        text = _compact(entry).replace("\x7f", r"\u007f")
        if len(value) + len(text) + len("[],") <= MAX_DIAGNOSTICS:
            value += f",{text}" if value else text
    return DIAGNOSTICS, f"[{value}]"


def allowed(allow: Iterable[str]) -> Response:
    """Return the answer to OPTIONS (RFC 9110, section 9.3.7)."""
    return Response(204, [("Allow", ", ".join(allow))])
