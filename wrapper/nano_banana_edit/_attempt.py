"""One sending of a request: the time it may take, whether it left, and the name of its failure."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import httpx2

from ._clock import Bound, Deadline
from ._effects import Send
from ._errors import (
    APIConnectionError,
    APITimeout,
    InvalidRequest,
    InvalidResponse,
    NanoBananaEditError,
    SubmissionUnknown,
    is_bare,
    is_of_handler,
    note,
)
from ._log import logger
from ._reading import Body, NotRead
from ._responses import raise_for_status
from ._settings import Settings

_LONGEST = {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": 60.0}  # seconds
_DAY = 86_400.0  # seconds; a socket takes no more than some weeks
_UNSET = httpx2.Timeout(5.0)  # what a client of httpx2 has whose maker said nothing
# By name nothing was sent: there was no connection, through a proxy or not, or none was free.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)
_FROM_TRANSPORT = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, UnicodeError, NotRead)
_CLOSED = "The client is closed; make a new one. Nothing was sent."


class Attempt:
    """One sending of a request, with the settings of the call."""

    def __init__(self, send: Send, http: httpx2.Client | httpx2.AsyncClient, settings: Settings) -> None:
        self._send, self._http, self._settings = send, http, settings
        self._request: httpx2.Request | None = None
        self._seen = self._left = False  # whether the trace told anything, and that the request leaves
        self._connected: Any = None
        self._outer = sys.exc_info()[1]  # what the caller is handling, which is the context of all that is raised here
        self.body: Body | None = None  # what was read of the response, once it has begun

    def build(self, make: Callable[..., httpx2.Request], trace: object) -> httpx2.Request:
        """Return the request. One outside the API has no token, cookie or default header of a client."""
        if self._http.is_closed:
            raise NanoBananaEditError(_CLOSED)
        extensions: dict[str, Any] = {"timeout": self._timeouts()}
        if not self._send.reuse:
            extensions["trace"] = trace
        try:
            if self._send.anonymous:
                request = httpx2.Request(**self._send.request, extensions=extensions)
            else:
                request = make(**{**self._send.request, "url": _url(self._send.request["url"])}, extensions=extensions)
        except httpx2.InvalidURL as error:
            raise InvalidRequest(f"The URL of the request is invalid ({error}); nothing was sent.") from error
        if not self._send.reuse:
            request.headers["Connection"] = "close"
        self._request = request
        return request

    def _timeouts(self) -> dict[str, float]:
        """Return the timeouts of this attempt: finite always, and never past the deadline.

        The response to a submission may take as long as the call: who stops waiting for it has paid for nothing.
        """
        deadline = self._send.deadline
        if deadline.remaining() <= 0:
            raise time_is_over(deadline)
        longest: dict[str, float | None] = {**_LONGEST}
        if silence := self._settings.attempt_timeout:
            longest = {**dict.fromkeys(_LONGEST, min(silence, _DAY)), "connect": min(silence, _LONGEST["connect"])}
        elif self._http.timeout != _UNSET:
            longest = self._http.timeout.as_dict()
        if self._send.billed:
            longest["read"] = None
        return {
            name: Bound(min(_DAY if seconds is None else seconds, deadline.remaining()), deadline)
            for name, seconds in longest.items()
        }

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event of httpx2's `trace` extension; asking a proxy for a tunnel is not yet the request."""
        self._seen = True
        if event.endswith(".send_request_headers.started"):
            self._left |= info["request"].method != b"CONNECT"
        elif event == "connection.connect_tcp.complete":
            self._connected = info["return_value"]

    async def atrace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event, and close a connection whose handshake was cancelled, which httpcore2 leaves open."""
        self.trace(event, info)
        if event == "connection.start_tls.failed" and self._connected:
            import anyio  # noqa: PLC0415 - comes with httpx2; the sync client need not load it

            with anyio.CancelScope(shield=True):
                await self._connected.aclose()

    def late(self) -> httpx2.TimeoutException:
        """Return the failure of an attempt whose time is over, as httpx2 names it if the event loop is not too busy.

        That nothing was traced proves nothing: another package may have taken the request.
        """
        kind = httpx2.ConnectTimeout if self._seen and not self._left else httpx2.ReadTimeout
        return kind("the time of the call is over")

    def note_task(self, error: BaseException) -> None:
        """Add the task's id to what ended the reading of a submission's response, if the part that was read has it."""
        if self.body and self._send.billed:
            with suppress(NanoBananaEditError):
                note(error, self.body.so_far())

    def fail(self, error: Exception) -> NoReturn:
        """Raise the failure of this attempt as an error of this package, and the caller's own exception as it is."""
        of_hook = self._request is not None and self.body is None and isinstance(error, NanoBananaEditError)
        # What a caller's hook met with another request says nothing about this one.
        if not (of_hook and self._send.billed and not self._never_left(error)):
            self._raise_own(error)
        name, reason = type(error).__name__, _reason(error)
        logger.debug("%s: no response, %s", self._send.name, name)
        if (
            isinstance(error, httpx2.HTTPStatusError) and error.response.is_client_error and self._is_of(error)
        ):  # a hook's
            raise_for_status(error.response, _content(error.response))
        if self._send.billed and not self._never_left(error):
            raise SubmissionUnknown(
                f"The submission was sent, but no response could be read ({name}: {reason}). The edit may have been "
                "accepted and billed, so it is not sent again; check the account before you send it again.",
                task_id=vars(error).get("task_id") if self.body else None,
            ) from error
        if isinstance(error, NotRead):
            raise InvalidResponse(reason) from error
        if isinstance(error, httpx2.InvalidURL):
            raise InvalidResponse(
                f"The service redirects to an invalid URL ({reason}); it was not followed."
            ) from error
        url = httpx2.URL(self._send.request["url"])
        about = f"from {url.scheme}://{url.netloc.decode()} ({name}: {reason})"  # netloc has no user and no password
        about += "; nothing was submitted." if self._send.billed else "."
        if isinstance(error, httpx2.TimeoutException):
            raise APITimeout(f"No response in time {about}") from error
        if isinstance(error, _FROM_TRANSPORT):
            raise APIConnectionError(f"No response {about}") from error
        raise NanoBananaEditError(_CLOSED) from error

    def _raise_own(self, error: Exception) -> None:
        """Raise what is no failure of the network as it is: an error of this package, or the caller's own."""
        links: list[BaseException] = [error]
        for link in links:  # which grows; httpcore2 drops causes
            inner = (link.__cause__, link.__context__)
            links += [each for each in inner if each and each is not self._outer and each not in links]
        for link in filter(is_of_handler, links):
            if "task_id" in vars(error):
                note(link, vars(error)["task_id"])
            raise link
        closed = isinstance(error, RuntimeError) and self._http.is_closed  # by another thread, just before it was sent
        if is_bare(error) or not (closed or isinstance(error, _FROM_TRANSPORT)):
            raise error

    def _never_left(self, error: Exception) -> bool:
        """Return whether nothing of the request was sent, by its trace, or without one by the error's name.

        An error of another request, such as one that a caller's hook sent, proves nothing.
        """
        if self._request is None or self._seen:
            return not self._left
        return isinstance(error, _NOT_SENT) and self._is_of(error)

    def _is_of(self, error: httpx2.RequestError | httpx2.HTTPStatusError) -> bool:
        """Return whether an error is about this request."""
        try:
            return error.request is self._request
        except RuntimeError:  # it belongs to no request
            return False


@lru_cache(4096)
def _url(text: str) -> httpx2.URL:
    """Return a URL of the API, parsed once: a task is polled many times."""
    return httpx2.URL(text)


def time_is_over(deadline: Deadline) -> APITimeout:
    """Return the error of a call whose time is over before its next request."""
    return APITimeout(f"The time of the call ({deadline.timeout:g} s) is over; nothing more was sent.")


def _reason(error: BaseException) -> str:
    """Return the text of an error, or that of its cause if it has none, as with trio's."""
    reason: BaseException | None = error
    while reason and not (str(reason) and isinstance(reason, Exception)):  # a cancellation names a scope of anyio's
        reason = reason.__cause__ or reason.__context__
    text = str(reason) if reason else type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in text and _no_authorities():
        return f"{text}; this machine has no certificate authorities: install ca-certificates, or set SSL_CERT_FILE"
    return text


def _no_authorities() -> bool:
    """Return whether OpenSSL finds no certificates of authorities, as in many containers."""
    paths = ssl.get_default_verify_paths()
    return not paths.cafile and not (paths.capath and [*Path(paths.capath).iterdir()])


def _content(response: httpx2.Response) -> bytes:
    """Return the body of a response, empty if the hook that raised its status has not read it."""
    try:
        return response.content
    except httpx2.ResponseNotRead:
        return b""
