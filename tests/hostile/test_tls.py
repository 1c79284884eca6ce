"""Where TLS fails nothing is sent, and the error says so; where it does not, all works as without."""

from __future__ import annotations

import gc
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from nano_banana_edit import (
    APIConnectionError,
    APITimeout,
    AsyncNanoBananaEdit,
    InvalidResponse,
    NanoBananaEdit,
    aiohttp_client,
)

from .. import promises
from .conftest import Certificates
from .faces import FACES, Face, opened
from .misdeeds import JSON, PATIENCE, TOKEN, URL
from .server import ACCEPTED, Hostile, Misdeed, answer, close, hang, reset, says
from .test_reads import PNG

# httpx2 and httpcore nest async generators and close the outer one alone; trio says so. The connection is closed.
pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")]


def stops(certificates: Certificates, after: int, then: Misdeed) -> Misdeed:
    """Answer a greeting with so many bytes of the server's own, and then do something else."""

    def misdeed(connection: socket.socket, server: Hostile) -> None:
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = certificates.of("good").wrap_bio(heard, said, server_side=True)
        while not said.pending:
            heard.write(connection.recv(65_536))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
        connection.sendall(said.read()[:after])
        then(connection, server)

    return misdeed


def alert(connection: socket.socket, server: Hostile) -> None:
    """Say that the handshake failed."""
    connection.recv(65_536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
    close(connection, server)


ASKED: dict[str, Callable[[Face], Any]] = {
    "submit": lambda face: face(face.client.submit, URL, "p"),
    "edit-of-a-file": lambda face: face(face.client.edit, PNG, "p"),
    "look": lambda face: face(face.client.get_task, "t-1"),
}


BAD = {"expired": "expired", "wrong-host": "IP address mismatch", "self-signed": "self-signed"}


@contextmanager
def untrusted(name: str, certificates: Certificates) -> Iterator[Hostile]:
    """A server whose certificate is not good, for a machine that trusts the authority of the others."""
    with pytest.MonkeyPatch.context() as patch, Hostile([says(ACCEPTED)], tls=certificates.of(name)) as server:
        patch.setenv("SSL_CERT_FILE", str(certificates.authority))
        yield server


@promises.TOKEN_BY_TLS
@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", BAD)
def test_not_sent_to_whom_nobody_vouches_for(kind: str, name: str, asked: str, certificates: Certificates) -> None:
    """A server with a certificate that is not good gets nothing, however often it is tried."""
    with untrusted(name, certificates) as server:
        with opened(kind, base_url=server.url, timeout=30, max_retries=1) as face:
            with pytest.raises(APIConnectionError) as failure:
                ASKED[asked](face)
            assert (APIConnectionError, [], 2) == (failure.type, server.requests, server.connections)
        assert server.open_at_most(0)


@pytest.mark.parametrize(("name", "why"), BAD.items())
def test_says_why_nobody_vouches(kind: str, name: str, why: str, certificates: Certificates) -> None:
    """The error names what is wrong with the certificate."""
    with (
        untrusted(name, certificates) as server,
        opened(kind, base_url=server.url, timeout=30, max_retries=0) as face,
        pytest.raises(APIConnectionError, match=f"certificate.*{why}"),
    ):
        ASKED["look"](face)


@promises.TOKEN_BY_TLS
def test_says_that_there_are_no_authorities(kind: str, certificates: Certificates, monkeypatch, tmp_path) -> None:
    """On a machine without certificates of authorities, as in many containers, the error says what to install."""
    none = ssl.get_default_verify_paths()._replace(cafile=None, capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: none)
    with (
        untrusted("self-signed", certificates) as server,
        opened(kind, base_url=server.url, timeout=30, max_retries=0) as face,
        pytest.raises(APIConnectionError, match="no certificate authorities: install ca-certificates"),
    ):
        ASKED["look"](face)


# A reset between connecting and wrapping leaves ssl's own half-made socket to the collector, which says so.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("asked", ASKED)
def test_not_sent_where_the_handshake_stops(kind: str, asked: str, certificates: Certificates) -> None:
    """Wherever the handshake ends, nothing was sent: it is tried again, and then no connection."""
    stages: dict[str, Misdeed] = {
        "at-once": close,
        "reset-at-once": reset,
        "no-tls": says(b"HTTP/1.1 400 Bad Request\r\n\r\n", then=close),
        "alert": alert,
        **{
            f"{then.__name__}-after-{after}": stops(certificates, after, then)
            for after in (0, 3, 40, 200)
            for then in (close, reset)
        },
    }
    outcomes = {}
    for name, greeting in stages.items():
        with (
            Hostile([hang], greeting=greeting) as server,
            opened(kind, base_url=server.url.replace("http:", "https:"), timeout=30, max_retries=1) as face,
        ):
            with pytest.raises(APIConnectionError) as failure:
                ASKED[asked](face)
            outcomes[name] = (failure.type, server.requests, server.connections)
            del failure
    gc.collect()
    assert dict.fromkeys(stages, (APIConnectionError, [], 2)) == outcomes


@promises.DEADLINE
@pytest.mark.parametrize("after", [None, 0, 40])
@pytest.mark.parametrize("asked", ASKED)
def test_a_handshake_without_end_is_given_up(
    kind: str, asked: str, after: int | None, certificates: Certificates
) -> None:
    """A handshake that goes on for ever, or does not begin, takes the time of the call; nothing was sent."""
    greeting = hang if after is None else stops(certificates, after, hang)
    began = time.monotonic()
    with (
        Hostile([hang], greeting=greeting) as server,
        opened(kind, base_url=server.url.replace("http:", "https:"), timeout=PATIENCE, max_retries=1) as face,
    ):
        with pytest.raises(APITimeout):
            ASKED[asked](face)
        assert [] == server.requests
    assert time.monotonic() - began < 25 * PATIENCE  # for ever is at least fifty


@promises.OWN_SETTINGS
def test_a_context_of_ones_own(kind: str, certificates: Certificates, tmp_path: Path) -> None:
    """With an httpx2 client that trusts the authority an edit goes all its way over TLS, its result too."""
    trusting = ssl.create_default_context(cafile=certificates.authority)
    with Hostile([], usual=lambda request: says(service(request, server)), tls=certificates.of("good")) as server:
        options: dict[str, Any] = {"token": TOKEN, "base_url": server.url, "timeout": 30, "poll_interval": 0}

        async def run() -> None:
            made = aiohttp_client if kind == "aiohttp" else httpx2.AsyncClient
            async with (
                made(verify=trusting) as http,
                AsyncNanoBananaEdit(http_client=http, **options) as client,
            ):
                await (await client.edit(PNG, "p")).images[0].save(tmp_path / "out.png")

        if kind == "sync":
            with httpx2.Client(verify=trusting) as http, NanoBananaEdit(http_client=http, **options) as client:
                client.edit(PNG, "p").images[0].save(tmp_path / "out.png")
        else:
            anyio.run(run, backend=FACES[kind][0])
        assert [b"POST", b"POST", b"GET", b"GET"] == [request.split()[0] for request in server.requests]
        assert [True] * 3 + [False] == [TOKEN.encode() in request for request in server.requests]
    assert PNG == (tmp_path / "out.png").read_bytes()


@promises.OWN_SETTINGS
def test_authority_of_the_environment(kind: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's own connections trust the authority that SSL_CERT_FILE names."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    with (
        Hostile([says(ACCEPTED)], tls=certificates.of("good")) as server,
        opened(kind, base_url=server.url, timeout=30) as face,
    ):
        assert "t-1" == ASKED["submit"](face).task_id


@promises.TOKEN_FOR_API
@pytest.mark.parametrize("method", ["bytes", "save"])
def test_a_redirect_of_a_result_takes_no_token_along(
    kind: str, method: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A result that moves to another host is fetched there without the token; without TLS it is not fetched at all."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    arguments = [tmp_path / "out.png"] if method == "save" else []
    with (
        Hostile([says(answer(PNG))], tls=certificates.of("good")) as other,
        Hostile([says(answer(PNG))]) as plain,
        Hostile([]) as server,
        opened(kind, base_url=server.url, timeout=30) as face,
    ):
        task = says(answer(b'{"id": "t-1", "status": "completed", "result": ["%s/out.png"]}' % server.origin.encode()))
        to = [
            says(answer(b"", f"Location: {host.origin}/moved", "Set-Cookie: a=b", status="307 Moved"))
            for host in (other, plain)
        ]
        server.script[:] = [task, *to]
        image = face(face.client.wait, "t-1").images[0]
        assert face(getattr(image, method), *arguments) in (PNG, *arguments)
        assert [b"GET /moved HTTP/1.1"] == [request.splitlines()[0] for request in other.requests]
        assert not any(word in other.requests[0].lower() for word in (b"authorization", b"cookie", TOKEN.encode()))
        with pytest.raises(InvalidResponse, match="neither https nor") as refusal:
            face(getattr(image, method), *arguments)
        assert ("t-1", 0) == (refusal.value.task_id, plain.connections)


def service(request: bytes, server: Hostile) -> bytes:
    """What a good server answers."""
    answers = {
        b"POST /v1/": JSON,
        b"POST /api": b'{"url": "https://files.example.test/in.png"}',
        b"GET /v1/t": b'{"id": "t-1", "status": "completed", "result": ["%s/out.png"]}' % server.origin.encode(),
        b"GET /out.": PNG,
    }
    return answer(answers[request[:9]])
