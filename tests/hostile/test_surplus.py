"""What a server sends behind an answer, unasked, is never taken for the answer to the next request."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress

import pytest
from attrs import define, field

from .. import promises
from .conftest import Certificates
from .faces import FACES, opened
from .misdeeds import URL
from .server import ACCEPTED, Hostile, Misdeed, accepted, answer, chunked, says

pytestmark = pytest.mark.server

CORK = getattr(socket, "TCP_CORK", None) or socket.TCP_NOPUSH  # type: ignore[attr-defined] # of BSD and macOS


GOOD, STALE = ACCEPTED, accepted("t-stale")
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


def begun(connection: socket.socket, _server: Hostile) -> None:
    """Send the beginning of a record of TLS."""
    socket.socket.sendall(connection, b"\x17\x03\x03\x10\x00 and")


def rubbish(connection: socket.socket, _server: Hostile) -> None:
    """Send what is no answer, and no TLS."""
    socket.socket.sendall(connection, b"\x17\x03\x03\x00\x05 what")


def padded(size: int) -> bytes:
    """An answer to an edit of so many bytes."""
    body = json.dumps({"task_id": "t-1", "pad": "x" * (size - 120)}).encode()
    head = len(answer(body)) - len(body)
    return answer(body.replace(b"x", b"x" * (size - head - len(body) + 1), 1))


# What comes with an answer, and what once that was taken.
BEHIND: dict[str, tuple[Misdeed, Misdeed | None]] = {
    "an-answer": (says(GOOD + STALE), None),
    "half-an-answer": (says(GOOD + STALE[:30]), None),
    "after-chunks": (says(chunked(b"%x\r\n%s\r\n" % (SIZE, GOOD[-SIZE:])) + STALE), None),
    "line-ends": (says(GOOD + b"\r\n\r\n"), None),
    "a-record-of-its-own": (says(GOOD, STALE), None),
    "at-the-end-of-a-read": (says(padded(65_536) + STALE), None),
    "goodbye": (says(GOOD, then=goodbye), None),
    "rubbish": (says(GOOD, then=rubbish), None),
    "a-record-begun": (says(GOOD, then=begun), None),
    "a-byte": (says(GOOD + b"\0"), None),
    "later": (says(GOOD), says(STALE)),
    "half-later": (says(GOOD), says(STALE[:30])),
    "goodbye-later": (says(GOOD), goodbye),
}
# aiohttp takes the response that these come with for broken: that edit is an unknown one.
_NOT_ON_AIOHTTP = {"a-byte", "rubbish", "a-record-begun"}


@define
class Meanwhile:
    """Sends in one segment, so that all of it may lie in a buffer of the client, and the rest once that took it."""

    at_once: Misdeed
    later: Misdeed | None
    taken: threading.Event = field(factory=threading.Event)
    said: threading.Event = field(factory=threading.Event)

    def __call__(self, connection: socket.socket, server: Hostile) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, CORK, 1)
        self.at_once(connection, server)
        connection.setsockopt(socket.IPPROTO_TCP, CORK, 0)
        try:
            if self.later:
                self.taken.wait(30)
                self.later(connection, server)
        finally:  # the client may have closed the connection
            self.said.set()


@promises.OWN_ANSWER
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", FACES)
def test_is_no_answer(kind: str, tls: bool, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each edit has its own answer, and each is sent once, whatever came behind the answer before."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    for name, misdeeds in BEHIND.items():
        if kind == "aiohttp" and name in _NOT_ON_AIOHTTP:
            continue
        first = Meanwhile(*misdeeds)
        script: list[Misdeed] = [first, says(accepted("t-2"))]
        with (
            Hostile(script, tls=certificates.of("good") if tls else None) as server,
            opened(kind, base_url=server.url, timeout=30) as face,
        ):
            ids = [face(face.client.submit, URL, "p").task_id]
            first.taken.set()
            assert first.said.wait(30)
            ids.append(face(face.client.submit, URL, "p").task_id)
            assert (["t-1", "t-2"], 2) == (ids, server.posts), name
