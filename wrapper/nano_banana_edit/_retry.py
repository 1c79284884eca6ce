"""Which failure may be sent again, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from ._clock import Deadline
from ._errors import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    NanoBananaEditError,
    RateLimited,
    SubmissionUnknown,
)
from ._settings import Settings
from ._steps import Call, Fetch

# stamina logs each retry; without a handler of the application's own that would go to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())

# The request has certainly not left: no connection was made, or none was free.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_FROM_TRANSPORT = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
_TRANSIENT = frozenset({408, 409, 425})


def backoff(step: Call | Fetch) -> Callable[[Exception], bool | float]:
    """Return stamina's hook: whether a failure of this step may be sent again, or after how many seconds."""

    def decide(error: Exception) -> bool | float:
        if step.deadline.remaining() <= 0:
            return False
        if isinstance(error, RateLimited) and error.retry_after is not None:
            return error.retry_after if error.retry_after < step.deadline.remaining() else False
        if isinstance(error, RateLimited | APIConnectionError):
            return True
        if isinstance(error, APIStatusError) and not step.billed:
            return error.status_code >= 500 or error.status_code in _TRANSIENT
        return False

    return decide


def attempt_timeout(deadline: Deadline) -> httpx.Timeout:
    """Return the timeouts of one attempt: finite always, and never past the deadline.

    Raises:
        APITimeout: The deadline has passed.
    """
    remaining = deadline.remaining()
    if remaining <= 0:
        raise APITimeout(f"The time of the call ({deadline.timeout:g} s) is over; nothing more was sent.")
    return httpx.Timeout(min(60.0, remaining), connect=min(10.0, remaining))


def attempts(settings: Settings, step: Call | Fetch) -> dict[str, Any]:
    """Return stamina's arguments: how often, how long and at what distance."""
    endless = step.deadline.timeout is None
    return {
        "attempts": settings.max_retries + 1,
        "timeout": None if endless else max(0.001, step.deadline.remaining()),
        "wait_initial": 0.5,
        "wait_max": 10.0,
    }


@contextmanager
def translated(step: Call | Fetch) -> Iterator[None]:
    """Turn every failure of one attempt into an error of this package.

    Raises:
        APIConnectionError: Nothing was sent, or it may be sent again without harm.
        SubmissionUnknown: A submission had left when it failed.
    """
    try:
        yield
    except NanoBananaEditError:
        raise
    except Exception as error:
        cause = str(error) or type(error).__name__
        if step.billed and not isinstance(error, _NOT_SENT):
            raise SubmissionUnknown(
                f"The submission was sent, but no answer could be read ({type(error).__name__}: {cause}). The edit may "
                "have been accepted and billed, so it is not sent again: look at the account before you do."
            ) from error
        if isinstance(error, httpx.TimeoutException):
            raise APITimeout(f"No answer in time ({type(error).__name__}: {cause}).") from error
        if isinstance(error, _FROM_TRANSPORT):
            raise APIConnectionError(f"No answer ({type(error).__name__}: {cause}).") from error
        raise
