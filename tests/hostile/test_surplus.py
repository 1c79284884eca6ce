"""What a server sends behind an answer, unasked, is never taken for the answer to the next request."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress

import pytest

from .conftest import Certificates
from .faces import FACES, opened
from .misdeeds import URL
from .server import Hostile, Misdeed, answer, chunked, says

pytestmark = pytest.mark.server

CORK = getattr(socket, "TCP_CORK", None) or socket.TCP_NOPUSH  # type: ignore[attr-defined] # of BSD and macOS


def accepted(task_id: str) -> bytes:
    """A whole answer to an edit."""
    return answer(json.dumps({"task_id": task_id}).encode(), "Content-Type: application/json")


GOOD, STALE = accepted("t-1"), accepted("t-stale")
SIZE = len(GOOD.partition(b"\r\n\r\n")[2])


def goodbye(connection: socket.socket, _server: Hostile) -> None:
    """Say that nothing more will come, in TLS's way where there is TLS, and leave the socket open."""
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(0)
        with suppress(ssl.SSLWantReadError):
            connection.unwrap()
        connection.settimeout(None)
    else:
        connection.shutdown(socket.SHUT_WR)


def rubbish(connection: socket.socket, _server: Hostile) -> None:
    """Send what is no answer, and no TLS."""
    socket.socket.sendall(connection, b"\x17\x03\x03\x00\x05 what")


BEHIND: dict[str, Misdeed] = {
    "an-answer": says(GOOD + STALE),
    "half-an-answer": says(GOOD + STALE[:30]),
    "after-chunks": says(chunked(b"%x\r\n%s\r\n" % (SIZE, GOOD[-SIZE:])) + STALE),
    "line-ends": says(GOOD + b"\r\n\r\n"),
    "a-record-of-its-own": says(GOOD, STALE),
    "goodbye": says(GOOD, then=goodbye),
    "rubbish": says(GOOD, then=rubbish),
    "a-byte": says(GOOD + b"\0"),
}


def at_once(misdeed: Misdeed, said: threading.Event) -> Misdeed:
    """Let it send in one segment, so that all of it may lie in a buffer of the client; and then set the event."""

    def corked(connection: socket.socket, server: Hostile) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, CORK, 1)
        misdeed(connection, server)
        connection.setsockopt(socket.IPPROTO_TCP, CORK, 0)
        said.set()

    return corked


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", FACES)
def test_is_no_answer(kind: str, tls: bool, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each edit has its own answer, and each is sent once, whatever came behind the answer before."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    for name, misdeed in BEHIND.items():
        if kind == "aiohttp" and name in {"a-byte", "rubbish"}:
            continue  # it takes the answer before for broken: an unknown submission
        said = threading.Event()
        with (
            Hostile(
                [at_once(misdeed, said), says(accepted("t-2"))], tls=certificates.of("good") if tls else None
            ) as server,
            opened(kind, base_url=server.url, timeout=30) as face,
        ):
            ids = [face(face.client.submit, URL, "p").task_id]
            assert said.wait(30)
            ids.append(face(face.client.submit, URL, "p").task_id)
            assert (["t-1", "t-2"], 2) == (ids, server.posts), name
