"""Proxies of the environment: used for what they are for, and for nothing else."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import pytest
from nano_banana_edit import (
    APIConnectionError,
    APITimeout,
    AsyncNanoBananaEdit,
    NanoBananaEdit,
    NanoBananaEditError,
    SubmissionUnknown,
)

from .. import promises
from . import misdeeds
from .faces import opened
from .misdeeds import JSON, PATIENCE, TOKEN, URL
from .server import ACCEPTED, Hostile, answer, says

pytestmark = pytest.mark.server


@promises.OWN_SETTINGS
def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names a proxy, both clients go through it."""
    with Hostile([says(ACCEPTED)]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        to = {"token": TOKEN, "base_url": "http://api.example.test/v1", "allow_http": True}
        with NanoBananaEdit(**to) as client:
            assert "t-1" == client.submit(URL, "p").task_id

        async def run() -> None:
            async with AsyncNanoBananaEdit(**to) as client:
                assert "t-1" == (await client.submit(URL, "p")).task_id

        anyio.run(run)
        assert 2 == proxy.posts
        assert all(request.startswith(b"POST http://api.example.test/v1/") for request in proxy.requests)


@promises.TOKEN_BY_TLS
def test_this_machine_is_asked_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment does not see what goes to this machine, whose token goes without TLS."""
    with Hostile([says(ACCEPTED)]) as proxy, Hostile([says(ACCEPTED)]) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{server.port}/v1"
            with NanoBananaEdit(token=TOKEN, base_url=url) as client:
                client.submit(URL, "p")

            async def run(url: str) -> None:
                async with AsyncNanoBananaEdit(token=TOKEN, base_url=url) as client:
                    await client.submit(URL, "p")

            anyio.run(run, url)
        assert ([], 4) == (proxy.requests, server.posts)


PAST: list[tuple[str, str, bool]] = [
    ("", "api.example.test", False),
    ("*", "api.example.test", True),
    ("example.test", "api.example.test", True),
    (".example.test", "api.example.test", True),
    ("other.test, EXAMPLE.TEST", "API.example.test", True),
    ("example.test", "notexample.test", False),
    ("api.example.test:80", "api.example.test", True),
    ("api.example.test:81", "api.example.test", False),
    ("10.0.0.0/8", "10.1.2.3", True),
    ("10.0.0.0/8", "11.1.2.3", False),
    ("10.1.2.3", "10.1.2.3", True),
    ("2001:db8::/32", "[2001:db8::1]", True),
    ("[2001:db8::1]", "[2001:db8::1]", True),
    ("[2001:db8::1]:80", "[2001:db8::1]", True),
    ("2001:db8::2", "[2001:db8::1]", False),
    ("[2001:db8::]/32", "[2001:db8::1]", True),
    ("[2001:db8::/32]", "[2001:db8::1]", True),
    ("[2001:db8::1]:81", "[2001:db8::1]", False),
    ("2001:DB8:0::1", "[2001:db8::1]", True),
    ("fe80::/10", "[fe80::1%25lo]", True),
    ("10.0.0.0/8:80", "10.1.2.3", True),
    ("10.0.0.0/8:81", "10.1.2.3", False),
    ("10.1.2.3/8", "10.9.9.9", True),
    ("10.1.2.3:80", "10.1.2.3", True),
    ("2.3, .2.3, 10.0.0.0/99", "10.1.2.3", False),
    ("10.0.0.0/8", "10.example.test", False),
    (".example.test", "example.test", True),
    ("*.example.test", "api.example.test", True),
    ("*.example.test", "example.test", False),
    ("example.test.", "api.example.test", True),
    ("example.test", "api.example.test.", True),
    ("other.test example.test", "api.example.test", True),
    (" , ,\texample.test ,", "api.example.test", True),
    ("http://api.example.test:80", "api.example.test", True),
    ("b\xfccher.test", "b\xfccher.test", True),
    ("xn--bcher-kva.test", "b\xfccher.test", True),
    (".", "api.example.test", False),
    ("*", "10.1.2.3", True),
    ("*:81", "api.example.test", False),
]


@promises.OWN_SETTINGS
@pytest.mark.parametrize(("variable", "host", "past"), PAST)
@pytest.mark.parametrize("names", ["HTTP_PROXY", "ALL_PROXY"])
def test_no_proxy_names_hosts(
    names: str, variable: str, host: str, past: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY names domains, addresses and networks, each with or without a port, or all hosts."""
    with Hostile([says(ACCEPTED)]) as proxy:
        monkeypatch.setenv(names, f"127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", variable)
        options = {"token": TOKEN, "base_url": f"http://{host}/v1", "allow_http": True, "timeout": 0.3 if past else 30}
        with NanoBananaEdit(max_retries=0, **options) as client, suppress(NanoBananaEditError):
            client.submit(URL, "p")
        assert (0 if past else 1) == proxy.posts


@promises.OWN_SETTINGS
def test_a_proxy_is_for_its_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for other schemes takes nothing away from those that it is not for."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with Hostile([says(ACCEPTED)]) as server:
        url = f"http://127.0.0.1.nip.test:{server.port}/v1"
        monkeypatch.setattr(socket, "getaddrinfo", partial(_at_home, socket.getaddrinfo))
        with NanoBananaEdit(token=TOKEN, base_url=url, allow_http=True) as client:
            client.submit(URL, "p")
        assert 1 == server.posts


def _at_home(look_up: Any, _host: Any, *args: Any, **options: Any) -> Any:
    return look_up("127.0.0.1", *args, **options)


@promises.SENT_AGAIN
def test_a_proxy_that_refuses_a_tunnel_got_no_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a proxy refuses the tunnel to the API, nothing was sent: it is tried again, and is no unknown edit."""
    with Hostile([says(answer(b"", status="407 Proxy Authentication Required"))]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with NanoBananaEdit(token=TOKEN, max_retries=1) as client, pytest.raises(APIConnectionError, match="407"):
            client.submit(URL, "p")
        assert [b"CONNECT"] * 2 == [request.split()[0] for request in proxy.requests]
        assert not any(TOKEN.encode() in request for request in proxy.requests)


@promises.DEADLINE
@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
@pytest.mark.parametrize("base_url", ["http://api.example.test/v1", "https://api.example.test/v1"])
def test_a_slow_proxy_cannot_hold_a_call(kind: str, base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a proxy too a call ends in its time, whether the request or the tunnel is answered byte by byte."""
    began = time.monotonic()
    with Hostile([misdeeds.slow(JSON)["headers-a-byte-at-a-time"]]) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://user:password@127.0.0.1:{proxy.port}")
        with opened(kind, base_url=base_url, allow_http=True, timeout=PATIENCE) as face:
            with pytest.raises(NanoBananaEditError) as failure:
                face(face.client.submit, URL, "p")
            assert (APITimeout if "https" in base_url else SubmissionUnknown) is type(failure.value)
        assert all(b"proxy-authorization: basic" in request.lower() for request in proxy.requests)
    assert time.monotonic() - began < 25 * PATIENCE
