"""What a server may do instead of answering, for any answer that it should have given."""

from __future__ import annotations

import gzip
import zlib

from .server import Misdeed, answer, chunked, close, half_close, hang, reset, says

TOKEN = "token-that-must-not-leak"
URL = "https://images.example.test/in.png"
PATIENCE = 0.4  # seconds that a call may take where the server would take for ever

JSON = b'{"task_id": "t-1"}'
GZIP = "Content-Encoding: gzip"
BOMB = gzip.compress(bytes(200_000_000))


def broken(body: bytes) -> dict[str, Misdeed]:
    """What leaves no answer to read, as HTTP is broken or ends too soon."""
    half, size = body[: len(body) // 2], b"%x\r\n" % len(body)
    begun = answer(b"", length=len(body))
    return {
        "closed": close,
        "reset": reset,
        "half-closed": half_close,
        "garbage": says(b"\x16\x03\x01 what? \r\n\r\n", then=close),
        "not-http": says(b"SSH-2.0-OpenSSH_9.6\r\n", then=close),
        "half-a-status-line": says(b"HTTP/1.1 2", then=close),
        "half-the-headers": says(b"HTTP/1.1 200 OK\r\nContent-Le", then=close),
        "endless-headers": says(
            b"HTTP/1.1 200 OK\r\n", *[b"X-%d: %s\r\n" % (n, b"x" * 9_000) for n in range(40)], then=close
        ),
        "only-100": says(b"HTTP/1.1 100 Continue\r\n\r\n", then=close),
        "headers-then-close": says(begun, then=close),
        "headers-then-reset": says(begun, then=reset),
        "half-the-body": says(answer(half, length=len(body)), then=close),
        "half-the-body-then-reset": says(answer(half, length=len(body)), then=reset),
        "length-too-large": says(answer(body, length=len(body) + 81), then=close),
        "length-negative": says(answer(body, length=-1), then=close),
        "length-no-number": says(answer(body).replace(b"Length: ", b"Length: x"), then=close),
        "two-lengths": says(answer(body, "Content-Length: 3"), then=close),
        "chunk-no-number": says(chunked(b"zz\r\nabc\r\n"), then=close),
        "chunk-negative": says(chunked(b"-1\r\nabc\r\n"), then=close),
        "chunk-too-short": says(chunked(b"ffff\r\n" + body + b"\r\n", end=b""), then=close),
        "chunk-too-long": says(chunked(b"3\r\n" + body + b"\r\n"), then=close),
        "chunk-size-endless": says(chunked(b"0" * 200_000), then=close),
        "chunks-without-end": says(chunked(size + body + b"\r\n", end=b""), then=close),
        "chunks-then-reset": says(chunked(size + body + b"\r\n", end=b""), then=reset),
        "encoded-twice-over": says(
            chunked(size + body + b"\r\n").replace(b": chunked", b": gzip, chunked"), then=close
        ),
    }


def damaged(body: bytes, status: str = "200 OK") -> dict[str, Misdeed]:
    """What is whole to HTTP, and no gzip, or not one whole member of it."""
    packed = {
        "gzip-cut": gzip.compress(body)[:-9],
        "gzip-with-a-wrong-sum": gzip.compress(body)[:-8] + bytes(8),
        "gzip-in-two-members": gzip.compress(body[:9]) + gzip.compress(body[9:]),
        "gzip-and-more": gzip.compress(body) + b"more",
    }
    return {name: says(answer(part, GZIP, status=status)) for name, part in packed.items()}


def packed(body: bytes, status: str = "200 OK") -> dict[str, Misdeed]:
    """What nobody asked for, and can be undone, or need not be."""
    return {
        "gzip": says(answer(gzip.compress(body), "content-encoding: identity, GZip", status=status)),
        "deflate": says(answer(zlib.compress(body), "Content-Encoding: deflate", status=status)),
        "no-gzip": says(answer(body, GZIP, status=status)),
        "no-known-coding": says(answer(body, "Content-Encoding: x", status=status)),
    }


def slow(body: bytes) -> dict[str, Misdeed]:
    """What takes for ever."""
    return {
        "silent": hang,
        "headers-then-silent": says(answer(b"", length=len(body)), then=hang),
        "half-the-body-then-silent": says(answer(body[: len(body) // 2], length=len(body)), then=hang),
        "chunk-then-silent": says(chunked(b"1\r\n" + body[:1] + b"\r\n", end=b""), then=hang),
        "headers-a-byte-at-a-time": says(b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 10_000, pause=0.02),
        "body-a-byte-at-a-time": says(answer(b"", length=10_000), *[b" "] * 10_000, pause=0.02),
        "chunks-a-byte-at-a-time": says(chunked(end=b""), *[b"1\r\n \r\n"] * 10_000, pause=0.02),
        "100-again-and-again": says(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 10_000, pause=0.02),
    }


def fine(body: bytes) -> dict[str, Misdeed]:
    """What HTTP allows, however odd it looks."""
    good, size = answer(body), b"%x" % len(body)
    return {
        "as-it-should-be": says(good),
        "in-pieces": says(*[good[n : n + 1] for n in range(len(good))]),
        "in-chunks": says(chunked(b"9\r\n" + body[:9] + b"\r\n", b"%x;x=y\r\n" % (len(body) - 9) + body[9:] + b"\r\n")),
        "length-beside-chunks": says(
            chunked(size + b"\r\n" + body + b"\r\n").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n", 1)
        ),
        "after-100": says(b"HTTP/1.1 100 Continue\r\n\r\n", good),
        "after-103": says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", good),
        "until-the-end": says(b"HTTP/1.0 200 OK\r\n\r\n" + body, then=close),
        "then-reset": says(good, then=reset),
    }


def cut(body: bytes) -> dict[str, Misdeed]:
    """Answers that are whole to HTTP, but not to their reader."""
    return {
        "length-too-small": says(answer(body, length=9), then=close),
        "cut-json": says(answer(body[:-4])),
    }


def unreadable(body: bytes) -> dict[str, Misdeed]:
    """Answers with a good status, and without what should be in them."""
    return {
        "gzip-bomb": says(answer(BOMB, GZIP)),
        "gzip-of-a-bomb": says(answer(gzip.compress(BOMB), f"{GZIP}, gzip")),
        "brotli": says(answer(b"\x1b" + body, "Content-Encoding: br")),
        "empty": says(answer(b"")),
        "no-content": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
        "no-json": says(answer(b"<html>", "Content-Type: text/html")),
        "nested-json": says(answer(b"[" * 100_000)),
        "other-json": says(answer(b"{}")),
        "other-task": says(answer(b'{"id": "t-2", "status": "completed", "result": ["https://x.test/a.png"]}')),
        **{
            f"redirect-to-{name}": says(answer(b"", f"Location: {location}", status="302 Found"))
            for name, location in {"no-url": "login:now", "data": "data:image/png,x"}.items()
        },
        "no-object": says(answer(b'["task_id"]')),
        "null-id": says(answer(b'{"task_id": null, "status": null, "url": null}')),
        "not-utf-8": says(answer(b'{"task_id": "\xff", "status": "\xff", "url": "\xff"}')),
    }


# Refusals that say nothing about whether the request was met, or could be met later.
NO: dict[str, Misdeed] = {
    "status-500": says(answer(b"", status="500 Internal Server Error")),
    "status-502-html": says(answer(b"<h1>Bad gateway</h1>", status="502 Bad Gateway")),
    "status-503": says(answer(b'{"message": "later"}', "Retry-After: 0", status="503 Service Unavailable")),
    "status-520": says(answer(b"", status="520 Web Server Returned An Unknown Error")),
    "status-999": says(answer(b"", status="999 ?")),
}
# Refusals that say: not now. A submission that is told so is sent again after 429 alone.
LATER: dict[str, Misdeed] = {
    "status-408": says(answer(b"", status="408 Request Timeout")),
    "status-425": says(answer(b"", status="425 Too Early")),
    "status-429": says(answer(b"", "Retry-After: 0", status="429 Too Many Requests")),
}
SWITCHING = says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", then=close)
