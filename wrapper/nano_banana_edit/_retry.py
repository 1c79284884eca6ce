"""Which failure may be sent again, and when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from . import _clock
from ._clock import Attempt, Deadline
from ._errors import (
    APIConnectionError,
    APIStatusError,
    APITimeout,
    InvalidResponse,
    NanoBananaEditError,
    RateLimited,
    SubmissionUnknown,
)
from ._log import logger
from ._settings import Settings
from ._status import raise_for_status
from ._steps import Call, Fetch

# The request has certainly not left: no connection was made, through a proxy or not, or none was free.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_FROM_TRANSPORT = (httpx.HTTPError, httpx.StreamError, OSError, UnicodeError)
_TRANSIENT = frozenset({408, 409, 425})


class NotRead(Exception):
    """A body that is not read, or not to its end, and why."""


def backoff(step: Call | Fetch, settings: Settings) -> Callable[[Exception], bool | float]:
    """Return stamina's hook: whether a failure of this step may be sent again, or after how many seconds."""
    delays = spread(first=0.5, longest=10.0, growth=2.0)

    def decide(error: Exception) -> bool | float:
        again = isinstance(error, APIConnectionError)
        if isinstance(error, RateLimited):
            again = settings.retry_rate_limited
        elif isinstance(error, APIStatusError) and not step.billed:
            again = error.status_code >= 500 or error.status_code in _TRANSIENT
        delay = getattr(error, "retry_after", None)
        delay = next(delays) if delay is None else delay
        if not again or delay >= min(step.deadline.remaining(), threading.TIMEOUT_MAX):
            return False
        logger.info("%s: %s, asked again in %.1f s", step.name, type(error).__name__, delay)
        return delay

    return decide


def spread(first: float, longest: float, growth: float) -> Iterator[float]:
    """Yield growing delays in seconds without end, each spread by a tenth so that many callers do not meet."""
    while True:
        yield first * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
        first = min(longest, first * growth)


def attempt_timeout(deadline: Deadline) -> httpx.Timeout:
    """Return the timeouts of one attempt: finite always, and never past the deadline.

    Raises:
        APITimeout: The deadline has passed.
    """
    remaining = deadline.remaining()
    if remaining <= 0:
        raise time_is_over(deadline)
    return httpx.Timeout(min(60.0, remaining), connect=min(10.0, remaining))


def time_is_over(deadline: Deadline) -> APITimeout:
    """Return what a call ends with where its time is over before the next step."""
    return APITimeout(f"The time of the call ({deadline.timeout:g} s) is over; nothing more was sent.")


def _never_left(error: Exception, step: Call | Fetch, attempt: Attempt) -> bool:
    """Our own sockets know; elsewhere the name of the failure says it, unless it is that of a caller's hook."""
    if attempt.left is not None:
        return not attempt.left
    request: httpx.Request | None = getattr(error, "_request", None)
    return (
        isinstance(error, _NOT_SENT)
        and isinstance(step, Call)
        and request is not None
        and request.method == "POST"
        and str(request.url).startswith(step.base_url)
    )


def _said(error: BaseException) -> str:
    """Return the text of an error, or that of what it came from where it has none, as with trio's."""
    reason: BaseException | None = error
    while reason and not str(reason):
        reason = reason.__cause__ or reason.__context__
    return str(reason) if reason else type(error).__name__


@contextmanager
def redacted(settings: Settings) -> Iterator[None]:
    """Let no error of this package carry the token, which a service, or what is no HTTP, may echo."""
    try:
        yield
    except NanoBananaEditError as error:
        error.redact(settings.token)
        raise


@contextmanager
def translated(step: Call | Fetch) -> Iterator[None]:
    """Turn every failure of one attempt into an error of this package.

    Raises:
        APIConnectionError: Nothing was sent, or it may be sent again without harm.
        SubmissionUnknown: A submission had left when it failed.
    """
    attempt = Attempt(step.deadline)
    within = _clock.attempt.set(attempt)
    try:
        yield
    except NanoBananaEditError:
        raise
    except Exception as error:
        cause = _said(error)
        logger.debug("%s: no answer, %s", step.name, type(error).__name__)
        if isinstance(error, httpx.HTTPStatusError) and error.response.is_client_error:  # raised by a caller's hook
            content = vars(error.response).get("_content", b"")  # the hook need not have read it
            raise_for_status(error.response.status_code, error.response.headers, content)
        if step.billed and not _never_left(error, step, attempt):
            raise SubmissionUnknown(
                f"The submission was sent, but no answer could be read ({type(error).__name__}: {cause}). The edit may "
                "have been accepted and billed, so it is not sent again: look at the account before you do.",
                task_id=vars(error).get("task_id"),
            ) from error
        if isinstance(error, NotRead):
            raise InvalidResponse(str(error)) from error
        if isinstance(error, httpx.InvalidURL):  # httpx reads where a redirect leads, whether or not it is followed
            raise InvalidResponse(f"The service redirects to what is no URL ({cause}); it was not followed.") from error
        if isinstance(error, httpx.TimeoutException):
            raise APITimeout(f"No answer in time ({type(error).__name__}: {cause}).") from error
        if isinstance(error, _FROM_TRANSPORT):
            raise APIConnectionError(f"No answer ({type(error).__name__}: {cause}).") from error
        raise
    finally:
        _clock.attempt.reset(within)
