"""What an HTTP library makes of a fault on the wire."""

from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

from ..engine.records import Fault, Headers, Response

# Names, because both libraries have exceptions of their own with the same names.
_INSTEAD = {
    Fault.REFUSED: "ConnectError",
    Fault.RESET_BEFORE: "ReadError",
    Fault.EMPTY: "RemoteProtocolError",
    Fault.GARBAGE: "RemoteProtocolError",
    Fault.DRIBBLE: "ReadTimeout",
    Fault.SILENCE: "ReadTimeout",
}
_WITHIN = {
    Fault.RESET_DURING: "ReadError",
    Fault.TRUNCATED: "RemoteProtocolError",
    Fault.MALFORMED_CHUNK: "RemoteProtocolError",
}


def in_process(response: Response, fault: Fault, library: Any) -> Any:
    """Return the response that `library`, httpx or httpx2, has after a fault."""
    if fault in _INSTEAD:
        raise getattr(library, _INSTEAD[fault])(f"scripted fault: {fault}")
    headers = [(name, value) for name, value in raw(response.headers) if name.lower() != b"content-length"]
    half = response.body[: len(response.body) // 2]
    if fault in _WITHIN:
        stream = _broken(library)(half, getattr(library, _WITHIN[fault])(f"scripted fault: {fault}"))
        return library.Response(response.status, headers=headers, stream=stream)
    return library.Response(
        response.status, headers=headers, content=half if fault is Fault.WRONG_LENGTH else response.body
    )


def raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return headers as they are on the wire."""
    return [(name.encode("latin-1"), value.encode("latin-1", "backslashreplace")) for name, value in headers]


class _Breaking:
    """A body that breaks off."""

    def __init__(self, content: bytes, error: Exception) -> None:
        self._content, self._error = content, error

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


@cache
def _broken(library: Any) -> type:
    return type("Broken", (_Breaking, library.SyncByteStream, library.AsyncByteStream), {})
