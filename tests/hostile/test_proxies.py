"""Proxies of the environment: used for what they are for, and for nothing else."""

from __future__ import annotations

from contextlib import aclosing, closing

import anyio
import httpx
import pytest
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, _pool

from .. import promises
from .misdeeds import TOKEN, URL
from .server import ACCEPTED, Hostile, says

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


def test_no_proxy_is_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts that go past a proxy name none."""
    assert {} == _pool._proxies(httpx.HTTPTransport)
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert {} == _pool._proxies(httpx.HTTPTransport)


@pytest.mark.parametrize(
    "variables", [{"HTTPS_PROXY": "http://127.0.0.1:1"}, {"ALL_PROXY": "x:1", "NO_PROXY": "a.test"}]
)
def test_what_goes_past_a_proxy_has_the_own_connections(monkeypatch: pytest.MonkeyPatch, variables: dict) -> None:
    """A proxy that is for other hosts, or other schemes, takes nothing away from those that it is not for."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with closing(_pool.sync_client()) as client:
        pool = client._transport_for_url(httpx.URL("http://a.test/v1"))._pool
        other = client._transport_for_url(httpx.URL("https://b.test/v1"))._pool
        here = client._transport_for_url(httpx.URL("https://127.0.0.1/v1"))._pool
    assert isinstance(pool, _pool._Pool)
    assert pool is here
    assert "HTTPProxy" == type(other).__name__

    async def run() -> None:
        async with aclosing(_pool.async_client()) as client:
            assert isinstance(client._transport_for_url(httpx.URL("http://a.test/v1"))._pool, _pool._AsyncPool)

    anyio.run(run)
