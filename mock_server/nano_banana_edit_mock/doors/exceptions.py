"""What httpx would make of a fault on the wire."""

from collections.abc import AsyncIterator, Iterator

import httpx

from ..engine.records import Fault, Response

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
