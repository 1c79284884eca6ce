"""A server that sends without a pause, and never an answer, cannot hold a call longer than one that is silent."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from nano_banana_edit import APITimeout, AsyncResultImage, InvalidResponse, ResultImage, SubmissionUnknown

from .. import promises
from .faces import Face, opened
from .misdeeds import GZIP, PATIENCE, URL
from .server import Hostile, Misdeed, answer

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]

LASTS = 20.0  # seconds
CODED = answer(b"", GZIP, length=2**50)
FLOODS = {  # each piece is received at once, and nothing of it comes out as a header or a body
    "interim-answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000),
    "a-name-without-end": (CODED + b"\x1f\x8b\x08\x08" + bytes(6), b"x" * 100_000),
    "blocks-of-nothing": (CODED + b"\x1f\x8b\x08\x00" + bytes(6), b"\x00\x00\x00\xff\xff" * 20_000),
}


def flood(head: bytes, piece: bytes) -> Misdeed:
    def misdeed(connection: socket.socket, server: Hostile) -> None:
        ends = time.monotonic() + LASTS
        connection.sendall(head)
        while time.monotonic() < ends and not server.done.is_set():
            connection.sendall(piece)

    return misdeed


def fetch(face: Face, url: str) -> bytes:
    kind = ResultImage if face.client.__class__.__name__ == "NanoBananaEdit" else AsyncResultImage
    return face(kind(url, "t-1", driver=face.client._driver).bytes)


ASK: dict[str, tuple[Callable[[Face, str], Any], tuple[type[Exception], ...]]] = {
    "submit": (lambda face, _: face(face.client.submit, URL, "p"), (SubmissionUnknown,)),
    "look": (lambda face, _: face(face.client.get_task, "t-1"), (APITimeout, InvalidResponse)),  # it may grow too large
    "bytes": (fetch, (APITimeout,)),
}


@promises.DEADLINE
@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("submit", "interim-answers"),
        ("look", "a-name-without-end"),
        ("look", "blocks-of-nothing"),
        ("bytes", "interim-answers"),
    ],
)
def test_a_flood_cannot_hold_a_call(kind: str, what: str, name: str) -> None:
    """What arrives faster than it is read is left when the time is over, after one request."""
    ask, expected = ASK[what]
    with (
        Hostile([flood(*FLOODS[name])]) as server,
        opened(kind, base_url=server.url, timeout=PATIENCE, max_retries=0) as face,
    ):
        began = time.monotonic()
        with pytest.raises(expected):
            ask(face, f"{server.origin}/out.png")
        assert time.monotonic() - began < LASTS - 1
        assert 1 == len(server.requests)
