"""What goes over the wire, and what goes wrong there."""

from collections.abc import Iterable, Iterator
from http import HTTPStatus

from ..engine.records import Fault, Response

EXTENSION = "nano_banana_edit_mock.fault"  # of ASGI: what a server of ours does instead of an answer
DRIBBLE_EVERY = 0.1  # seconds between two bytes

_PHRASES = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
_GARBAGE = bytes(range(0x80, 0x100)) + b"\r\n\r\n"
_RESETS = frozenset({Fault.REFUSED, Fault.RESET_BEFORE, Fault.RESET_DURING, Fault.RESET_AFTER})


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
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    headers = [(name, value) for name, value in response.headers if name.lower() != "content-length"]
    return head(response.status, [*headers, framing])


def head(status: int, headers: Iterable[tuple[str, str]], extra: bytes = b"") -> bytes:
    """Return the head of an answer: status line, headers, further ones as they are, and the empty line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    return b"HTTP/1.1 %d %s\r\n%s%s\r\n" % (status, _PHRASES.get(status, b""), lines.encode("latin-1"), extra)
