"""Answers that say no."""

from __future__ import annotations

import email.utils
import json
import math
import time
from collections.abc import Mapping
from typing import Any

from ._errors import (
    APIStatusError,
    AuthenticationError,
    NotFound,
    PermissionDenied,
    RateLimited,
    ServerError,
)

_SHORT = 500
_BY_STATUS = {401: AuthenticationError, 403: PermissionDenied, 404: NotFound, 429: RateLimited}


def raise_for_status(status_code: int, headers: Mapping[str, str], content: bytes) -> None:
    """Raise the APIStatusError of a status that is not 2xx, with the text that the service gives."""
    if 200 <= status_code < 300:
        return
    body = json_of(content)
    body = body if isinstance(body, dict) else {}
    texts = (text_of(body.get(name)) for name in ("message", "error_msg", "error_code"))
    text = next((text for text in texts if text), None) or "no reason given"
    kind = ServerError if status_code >= 500 else _BY_STATUS.get(status_code, APIStatusError)
    wait = retry_after(headers)
    asks = "" if wait is None else f" (it asks to wait {wait:g} s)"
    raise kind(
        f"The service answered {status_code}{asks}: {text[:_SHORT]}",
        status_code=status_code,
        error_code=text_of(body.get("error_code")),
        request_id=headers.get("x-request-id"),
        body=shortened(content),
        retry_after=wait,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def json_of(content: bytes) -> Any:
    """Return the JSON value of a body, or None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def text_of(value: object) -> str | None:
    """Return a value of an answer as text, or None where there is none."""
    return None if value is None else str(value)


def shortened(content: bytes) -> str:
    """Return as much of a body as an error keeps."""
    return content[:_SHORT].decode(errors="replace")
