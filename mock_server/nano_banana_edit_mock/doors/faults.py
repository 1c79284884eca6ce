"""How an answer is written, and what is written instead of it when something goes wrong."""

import time
from collections.abc import Iterator, Sequence
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from itertools import repeat
from typing import TypeAlias

from ..engine.records import Fault, Response

DRIBBLE_EVERY = 0.1  # seconds between two bytes

Piece: TypeAlias = bytes | float | None  # bytes to write, seconds to pause, or None to reset the connection

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_RESETS = frozenset({Fault.REFUSED, Fault.RESET_BEFORE, Fault.RESET_DURING, Fault.RESET_AFTER})
_date = lru_cache(1)(partial(formatdate, usegmt=True))


def head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    """Return the head of an answer: status line, headers with a date, and the empty line."""
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, '')}", *[f"{name}: {value}" for name, value in headers]]
    if not any(name.lower() == "date" for name, _ in headers):
        lines.append(f"Date: {_date(int(time.time()))}")
    # Whatever a value is, the client gets its answer.
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "backslashreplace")


def pieces(response: Response, fault: Fault) -> Iterator[Piece]:
    """Yield what is written instead of an answer; the connection ends with it."""
    half = len(response.body) // 2
    match fault:
        case Fault.RESET_DURING | Fault.TRUNCATED:
            yield _framed(response, len(response.body)) + response.body[:half]
        case Fault.RESET_AFTER:
            yield _framed(response, len(response.body)) + response.body
        case Fault.WRONG_LENGTH:
            yield _framed(response, half) + response.body
        case Fault.MALFORMED_CHUNK:
            chunk = b"%x\r\n%s\r\n" % (half, response.body[:half])
            yield _framed(response, None) + chunk + b"no number\r\n" + response.body[half:]
        case Fault.GARBAGE:
            yield bytes(range(0x80, 0x100)) + b"\r\n\r\n"
        case Fault.DRIBBLE:
            for byte in _framed(response, len(response.body)) + response.body:
                yield DRIBBLE_EVERY
                yield bytes([byte])
        case Fault.SILENCE:
            yield from repeat(1.0)
    if fault in _RESETS:
        yield 0.01  # in which what was written leaves
        yield None


def _framed(response: Response, length: int | None) -> bytes:
    framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
    return head(response.status, [*[pair for pair in response.headers if pair[0].lower() != "content-length"], framing])
