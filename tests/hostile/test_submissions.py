"""Whatever a server does on the wire, an edit is submitted once, and the caller learns what is known."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
from nano_banana_edit import (
    APIConnectionError,
    AsyncNanoBananaEdit,
    NanoBananaEdit,
    NanoBananaEditError,
    SubmissionUnknown,
)

from .server import ACCEPTED, Hostile, Misdeed, answer, bomb, chunked, close, half_close, hang, reset, says

pytestmark = pytest.mark.server

TOKEN = "token-that-must-not-leak"
URL = "https://images.example.test/in.png"
PATIENCE = 0.4  # seconds that a call may take where the server would take for ever

JSON = b'{"task_id": "t-1"}'
LOST: dict[str, Misdeed] = {
    "closed": close,
    "reset": reset,
    "half-closed": half_close,
    "garbage": says(b"\x16\x03\x01 what? \r\n\r\n", then=close),
    "not-http": says(b"SSH-2.0-OpenSSH_9.6\r\n", then=close),
    "half-a-status-line": says(b"HTTP/1.1 2", then=close),
    "half-the-headers": says(b"HTTP/1.1 200 OK\r\nContent-Le", then=close),
    "headers-then-reset": says(b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n", then=reset),
    "half-the-body": says(answer(JSON[:9], length=len(JSON)), then=close),
    "half-the-body-then-reset": says(answer(JSON[:9], length=len(JSON)), then=reset),
    "length-too-small": says(answer(JSON, length=9), then=close),
    "length-too-large": says(answer(JSON, length=99), then=close),
    "length-no-number": says(ACCEPTED.replace(b"Length: 18", b"Length: lots"), then=close),
    "two-lengths": says(answer(JSON, "Content-Length: 3"), then=close),
    "chunk-no-number": says(chunked(b"zz\r\nabc\r\n"), then=close),
    "chunk-too-short": says(chunked(b"ff\r\n" + JSON + b"\r\n", end=b""), then=close),
    "chunks-without-end": says(chunked(b"12\r\n" + JSON + b"\r\n", end=b""), then=close),
    "no-gzip": says(answer(JSON, "Content-Encoding: gzip")),
    "gzip-bomb": says(bomb(200_000_000)),
    "endless-headers": says(
        b"HTTP/1.1 200 OK\r\n", *[b"X-%d: %s\r\n" % (n, b"x" * 9_000) for n in range(40)], then=close
    ),
    "switching-protocols": says(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", then=close
    ),
    "status-500": says(answer(b"", status="500 Internal Server Error")),
    "status-502-html": says(answer(b"<h1>Bad gateway</h1>", status="502 Bad Gateway")),
    "status-520": says(answer(b"", status="520 Web Server Returned An Unknown Error")),
    "status-999": says(answer(b"", status="999 ?")),
    "empty": says(answer(b"")),
    "no-json": says(answer(b"<html>", "Content-Type: text/html")),
    "cut-json": says(answer(JSON[:-4])),
    "other-json": says(answer(b"{}")),
    "null-id": says(answer(b'{"task_id": null}')),
    "not-utf-8": says(answer(b'{"task_id": "\xff"}')),
}
SLOW: dict[str, Misdeed] = {
    "silent": hang,
    "headers-then-silent": says(b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n", then=hang),
    "headers-a-byte-at-a-time": says(b"HTTP/1.1 200 OK\r\nX: ", *[b"x"] * 10_000, pause=0.02),
    "body-a-byte-at-a-time": says(answer(b"", length=10_000), *[b" "] * 10_000, pause=0.02),
}
FINE: dict[str, Misdeed] = {
    "as-it-should-be": says(ACCEPTED),
    "in-pieces": says(*[ACCEPTED[n : n + 1] for n in range(len(ACCEPTED))]),
    "in-chunks": says(chunked(b"9\r\n" + JSON[:9] + b"\r\n", b"9;x=y\r\n" + JSON[9:] + b"\r\n")),
    "after-100": says(b"HTTP/1.1 100 Continue\r\n\r\n", ACCEPTED),
    "after-103": says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", ACCEPTED),
    "until-the-end": says(b"HTTP/1.0 200 OK\r\n\r\n" + JSON, then=close),
    "then-reset": says(ACCEPTED, then=reset),
}


def submit(kind: str, url: str, **options: Any) -> Any:
    """Submit an edit with one of the clients."""
    if kind == "sync":
        with NanoBananaEdit(token=TOKEN, base_url=url, **options) as client:
            return client.submit(URL, "p")

    async def run() -> Any:
        async with AsyncNanoBananaEdit(token=TOKEN, base_url=url, **options) as client:
            return await client.submit(URL, "p")

    return anyio.run(run, backend=kind)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# httpx nests async generators and closes the outer one alone; trio says so of the inner one. The connection is closed.
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", LOST)
def test_sent_once(kind: str, name: str) -> None:
    """Whatever comes instead of a task id, one edit arrives, and the error says that nobody knows."""
    with Hostile([LOST[name], says(ACCEPTED)]) as server, pytest.raises(SubmissionUnknown) as unknown:
        submit(kind, server.url, timeout=30)
    assert 1 == server.posts
    assert TOKEN not in f"{unknown.value!r} {vars(unknown.value)} {unknown.value.__cause__!r}"


@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")
@pytest.mark.parametrize("name", SLOW)
def test_sent_once_within_the_deadline(kind: str, name: str) -> None:
    """A server that takes for ever is given up when the time is over, after one edit."""
    began = time.monotonic()
    with Hostile([SLOW[name]]) as server, pytest.raises(SubmissionUnknown):
        submit(kind, server.url, timeout=PATIENCE)
    assert 1 == server.posts
    assert time.monotonic() - began < 25 * PATIENCE  # for ever is at least fifty


@pytest.mark.parametrize("name", FINE)
def test_understood(kind: str, name: str) -> None:
    """What HTTP allows is understood, however it comes."""
    with Hostile([FINE[name]]) as server:
        assert "t-1" == submit(kind, server.url, timeout=30).task_id
    assert 1 == server.posts


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(kind: str, status: int) -> None:
    """A redirect moves neither the edit nor the token to another server."""
    with (
        Hostile([says(ACCEPTED)]) as other,
        Hostile([says(answer(b"", f"Location: {other.url}", status=f"{status} Moved"))]) as server,
    ):
        with pytest.raises(SubmissionUnknown):
            submit(kind, server.url, timeout=30)
        assert ([], 1) == (other.requests, server.posts)


def test_not_sent_without_a_connection(kind: str) -> None:
    """Where nobody listens nothing was sent, and the error says so."""
    with Hostile([hang]) as server:
        url = server.url
    with pytest.raises(APIConnectionError):
        submit(kind, url, timeout=30, max_retries=1)


def test_not_sent_without_tls(kind: str) -> None:
    """A server that speaks no TLS gets nothing of the edit, nor the token."""
    with Hostile([hang]) as server, pytest.raises(NanoBananaEditError) as failure:
        submit(kind, server.url.replace("http:", "https:"), timeout=PATIENCE, max_retries=0)
    assert isinstance(failure.value, APIConnectionError)
    assert not any(TOKEN.encode() in request for request in server.requests)


def test_sent_again_after_429(kind: str) -> None:
    """A 429 certainly accepted nothing, so the edit is sent again on the same connection."""
    refusal = says(answer(b"", "Retry-After: 0", status="429 Too Many Requests"))
    with Hostile([refusal, refusal, says(ACCEPTED)]) as server:
        assert "t-1" == submit(kind, server.url, timeout=30).task_id
    assert 3 == server.posts
