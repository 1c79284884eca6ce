"""Which failure may be sent again, and when."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from ._clock import Bound, Deadline
from ._effects import Send
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
from ._reading import NotRead
from ._responses import decoded, raise_for_status
from ._settings import Settings

# By name nothing was sent: there was no connection, through a proxy or not, or none was free.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
_FROM_TRANSPORT = (httpx2.HTTPError, httpx2.StreamError, OSError, UnicodeError)
_TRANSIENT = frozenset({408, 409, 425})


class Attempt:
    """One sending of a request, as httpx2's `trace` extension reports it.

    Attributes:
        request: The request, once it is built.
        seen: Whether anything was reported: by a transport that knows the extension.
        left: Whether any of the request was written, or was about to be.
    """

    def __init__(self) -> None:
        self.request: httpx2.Request | None = None
        self.seen = self.left = False
        self._connected: Any = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event; that a proxy was asked for a tunnel is not yet the request."""
        self.seen = True
        if event.endswith(".send_request_headers.started"):
            self.left |= info["request"].method != b"CONNECT"
        elif event == "connection.connect_tcp.complete":
            self._connected = info["return_value"]

    async def atrace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event, and close a connection whose handshake was cancelled, which httpcore2 leaves open."""
        self.trace(event, info)
        if event == "connection.start_tls.failed" and self._connected:
            import anyio  # noqa: PLC0415 - comes with httpx2; the sync client need not load it

            with anyio.CancelScope(shield=True):
                await self._connected.aclose()


def backoff(step: Send, settings: Settings) -> Callable[[Exception], bool | float]:
    """Return stamina's hook: whether a failure of this request may be sent again, or after how many seconds."""
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
        logger.info("%s: %s, sent again in %.1f s", step.name, type(error).__name__, delay)
        return delay

    return decide


def spread(first: float, longest: float, growth: float) -> Iterator[float]:
    """Yield growing delays in seconds without end, each spread by a tenth so that many callers do not meet."""
    while True:
        yield first * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, guards nothing
        first = min(longest, first * growth)


def attempt_timeouts(deadline: Deadline) -> dict[str, float]:
    """Return the timeouts of one attempt: finite always, and never past the deadline.

    Raises:
        APITimeout: The deadline has passed.
    """
    remaining = deadline.remaining()
    if remaining <= 0:
        raise time_is_over(deadline)
    longest = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}
    return {name: Bound(min(seconds, remaining), deadline) for name, seconds in longest.items()}


def time_is_over(deadline: Deadline) -> APITimeout:
    """Return the error of a call whose time is over before its next request."""
    return APITimeout(f"The time of the call ({deadline.timeout:g} s) is over; nothing more was sent.")


def _never_left(error: Exception, attempt: Attempt) -> bool:
    """Return whether nothing of a request was sent, by its trace; of a transport without one, by the error's name.

    An error of another request, such as one that a caller's hook sent, proves nothing.
    """
    if attempt.request is None or attempt.seen:
        return not attempt.left
    try:
        return isinstance(error, _NOT_SENT) and error.request is attempt.request
    except RuntimeError:  # it belongs to no request
        return False


def _reason(error: BaseException) -> str:
    """Return the text of an error, or that of its cause if it has none, as with trio's."""
    reason: BaseException | None = error
    while reason and not str(reason):
        reason = reason.__cause__ or reason.__context__
    return str(reason) if reason else type(error).__name__


@contextmanager
def redacted(settings: Settings) -> Iterator[None]:
    """Let no error of this package carry the token, which a service, or a peer that speaks no HTTP, may echo."""
    try:
        yield
    except NanoBananaEditError as error:
        error.redact(settings.token)
        raise


@contextmanager
def translated(step: Send, attempt: Attempt) -> Iterator[None]:
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
        reason = _reason(error)
        logger.debug("%s: no response, %s", step.name, type(error).__name__)
        if isinstance(error, httpx2.HTTPStatusError) and error.response.is_client_error:  # raised by a caller's hook
            raise_for_status(_read(error.response))
        if step.billed and not _never_left(error, attempt):
            raise SubmissionUnknown(
                f"The submission was sent, but no response could be read ({type(error).__name__}: {reason}). The edit "
                "may have been accepted and billed, so it is not sent again; check the account before you send it "
                "again.",
                task_id=vars(error).get("task_id"),
            ) from error
        if isinstance(error, NotRead):
            raise InvalidResponse(str(error)) from error
        if isinstance(error, httpx2.InvalidURL):  # httpx2 reads where a redirect leads, whether or not it is followed
            raise InvalidResponse(
                f"The service redirects to an invalid URL ({reason}); it was not followed."
            ) from error
        if isinstance(error, httpx2.TimeoutException):
            raise APITimeout(f"No response in time ({type(error).__name__}: {reason}).") from error
        if isinstance(error, _FROM_TRANSPORT):
            raise APIConnectionError(f"No response ({type(error).__name__}: {reason}).") from error
        raise


def _read(response: httpx2.Response) -> httpx2.Response:
    """Return a response whose body can be looked at; the hook that raised its status need not have read it."""
    try:
        return decoded(response, response.content)
    except httpx2.ResponseNotRead:
        return decoded(response, b"")
