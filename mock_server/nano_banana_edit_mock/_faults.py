"""What goes wrong on the wire: as bytes for a port, and in process as what httpx would make of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus

import httpx

from ._records import Fault, Response

DRIBBLE_EVERY = 0.1  # seconds between two bytes


_GARBAGE = bytes(range(0x80, 0x100)) + b"\r\n\r\n"
_RESETS = frozenset({Fault.REFUSED, Fault.RESET_BEFORE, Fault.RESET_DURING, Fault.RESET_AFTER})
_INSTEAD: dict[Fault, type[httpx.TransportError]] = {
    Fault.REFUSED: httpx.ConnectError,
    Fault.RESET_BEFORE: httpx.ReadError,
    Fault.EMPTY: httpx.RemoteProtocolError,
    Fault.GARBAGE: httpx.RemoteProtocolError,
    Fault.DRIBBLE: httpx.ReadTimeout,
    Fault.SILENCE: httpx.ReadTimeout,
}
_WITHIN: dict[Fault, type[httpx.TransportError]] = {
    Fault.RESET_DURING: httpx.ReadError,
    Fault.TRUNCATED: httpx.RemoteProtocolError,
    Fault.MALFORMED_CHUNK: httpx.RemoteProtocolError,
}


def resets(fault: Fault) -> bool:
    """Return whether the connection ends with a reset, and not as usual."""
    return fault in _RESETS


def wire(response: Response, fault: Fault) -> Iterator[bytes | float | None]:
    """Yield what goes over the wire: bytes, seconds to pause, and None to pause for as long as the client stays."""
    half = len(response.body) // 2
    match fault:
        case Fault.RESET_DURING | Fault.TRUNCATED:
            yield _head(response, len(response.body)) + response.body[:half]
        case Fault.RESET_AFTER:
            yield _head(response, len(response.body)) + response.body
        case Fault.WRONG_LENGTH:
            yield _head(response, half) + response.body
        case Fault.MALFORMED_CHUNK:
            chunk = b"%x\r\n%s\r\n" % (half, response.body[:half])
            yield _head(response, None) + chunk + b"no number\r\n" + response.body[half:]
        case Fault.GARBAGE:
            yield _GARBAGE
        case Fault.DRIBBLE:
            for byte in _head(response, len(response.body)) + response.body:
                yield DRIBBLE_EVERY
                yield bytes([byte])
        case Fault.SILENCE:
            yield None


def _head(response: Response, length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    phrase = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else ""
    lines = [f"{name}: {value}" for name, value in response.headers if name.lower() != "content-length"]
    return "\r\n".join([f"HTTP/1.1 {response.status} {phrase}", *lines, framing, "", ""]).encode("latin-1")


def in_process(response: Response, fault: Fault) -> httpx.Response:
    """Return the answer as httpx would have it.

    Raises:
        httpx.TransportError: It would have none.
    """
    if fault in _INSTEAD:
        raise _INSTEAD[fault](f"the mock was told to: {fault}")
    headers = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
    if fault in _WITHIN:
        half = response.body[: len(response.body) // 2]
        return httpx.Response(response.status, headers=headers, stream=_Broken(half, _WITHIN[fault](f"{fault}")))
    content = response.body[: len(response.body) // 2] if fault is Fault.WRONG_LENGTH else response.body
    return httpx.Response(response.status, headers=headers, content=content)


class _Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes, error: httpx.TransportError) -> None:
        self._content, self._error = content, error

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part
