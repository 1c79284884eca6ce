"""The async client on aiohttp: its failures have their right names, it keeps nothing, it is an extra."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import traceback
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx2
import pytest
import yarl
from aiohttp.client_reqrep import ConnectionKey, RequestInfo
from multidict import CIMultiDict, CIMultiDictProxy
from nano_banana_edit import APITimeout, AsyncNanoBananaEdit, InvalidRequest, SubmissionUnknown, aiohttp_client
from nano_banana_edit_mock import MockServer

from .. import promises
from ..hostile.server import Hostile, answer, hang, says
from .conftest import TOKEN, URL

KEY: Any = ConnectionKey("a.test", 443, True, True, None, None, None)
INFO = RequestInfo(
    yarl.URL("https://a.test"),
    "POST",
    CIMultiDictProxy(CIMultiDict(authorization=TOKEN)),
    yarl.URL("https://a.test"),
)
FAILURES = {
    aiohttp.ClientConnectorError(KEY, OSError("refused")): httpx2.ConnectError,
    aiohttp.ConnectionTimeoutError("connect"): httpx2.ConnectTimeout,
    aiohttp.ClientHttpProxyError(INFO, (), message="proxy"): httpx2.ProxyError,
    aiohttp.SocketTimeoutError("read"): httpx2.ReadTimeout,
    aiohttp.ServerDisconnectedError(): httpx2.RemoteProtocolError,
    aiohttp.ClientResponseError(INFO, (), message="bad header"): httpx2.RemoteProtocolError,
    aiohttp.ClientOSError(104, "reset"): httpx2.ReadError,
    aiohttp.ClientPayloadError("cut"): httpx2.ReadError,
    aiohttp.ClientPayloadError(): httpx2.ReadError,
}
MAY_BE_SENT_AGAIN = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Let aiohttp fail with an error whenever it is asked, and return the list of what it is asked."""
    asked: list[str] = []

    async def request(_session: object, method: str, *_args: Any, **_options: Any) -> None:
        asked.append(method)
        raise error

    monkeypatch.setattr(aiohttp.ClientSession, "_request", request)
    return asked


@promises.SENT_AGAIN
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_failures_are_what_they_are(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """An edit is sent again after those failures alone that aiohttp's connector raises, before anything is sent."""
    again = FAILURES[error] in MAY_BE_SENT_AGAIN

    async def run() -> None:
        async with (
            aiohttp_client() as http,
            AsyncNanoBananaEdit(token=TOKEN, http_client=http, max_retries=2) as client,
        ):
            await client.submit(URL, "p")

    asked = failing(monkeypatch, error)
    with pytest.raises(Exception, match=FAILURES[error].__name__) as failure:
        asyncio.run(run())
    assert again == (failure.type is not SubmissionUnknown)
    assert ["POST"] * (3 if again else 1) == asked
    named = failure.value.__cause__
    assert (FAILURES[error], str(error) or type(error).__name__) == (type(named), str(named))
    assert (None if isinstance(error, aiohttp.ClientResponseError) else error) is named.__cause__
    assert TOKEN not in f"{failure.value.__cause__!r} {failure.value.__cause__.__cause__!r}"


@pytest.mark.parametrize(("sent", "expected"), [(False, APITimeout), (True, SubmissionUnknown)])
def test_the_time_ends_before_or_after_sending(
    monkeypatch: pytest.MonkeyPatch, sent: bool, expected: type[Exception]
) -> None:
    """When the time of a call ends, an edit is unknown only if its session had begun to send it."""

    async def request(session: aiohttp.ClientSession, *_args: Any, **options: Any) -> None:
        context = SimpleNamespace(trace_request_ctx=options["trace_request_ctx"])
        for trace in session.trace_configs if sent else ():
            await trace.on_request_headers_sent.send(session, context, None)
        await asyncio.sleep(60)

    async def run() -> None:
        async with aiohttp_client() as http, AsyncNanoBananaEdit(token=TOKEN, http_client=http) as client:
            await client.submit(URL, "p", timeout=0.05)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", request)
    with pytest.raises(expected):
        asyncio.run(run())


def test_what_is_no_failure_of_aiohttp_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other error passes as it is."""
    failing(monkeypatch, ZeroDivisionError())

    async def run() -> None:
        async with aiohttp_client() as http, AsyncNanoBananaEdit(token=TOKEN, http_client=http) as client:
            await client.get_task("t-1")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())


@pytest.mark.server
def test_it_is_a_client_like_any_other() -> None:
    """The httpx2 client on aiohttp sends requests of the caller's own as well, and a failure has its usual name."""

    async def run() -> None:
        async with aiohttp_client() as http:
            assert 401 == (await http.get(f"{server.url}/v1/tasks/t-1")).status_code
            with pytest.raises(httpx2.ConnectError):
                await http.get("http://127.0.0.1:1/")

    with MockServer() as server:
        asyncio.run(run())


@pytest.mark.server
def test_a_url_is_sent_as_it_is() -> None:
    """The URL of a result is not quoted anew: its signature may be of these very characters."""
    path = "/r%7Ea.png?X-Sig=a%2Bb%3D&p=%27x%27&u=https%3A%2F%2Fx&c=%2fc"

    async def run() -> None:
        async with aiohttp_client() as http:
            await http.get(f"{server.origin}{path}")

    with Hostile([says(answer(b""))]) as server:
        asyncio.run(run())
        assert path == server.requests[0].split()[1].decode()


@pytest.mark.server
def test_a_cancellation_shows_no_token() -> None:
    """No frame of a cancelled submission has the headers."""

    async def run() -> None:
        async with aiohttp_client() as http:
            client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url, http_client=http)
            await asyncio.wait_for(client.submit(URL, "p"), 0.3)

    with Hostile([hang]) as server, pytest.raises(TimeoutError) as failure:
        asyncio.run(run())
    error: BaseException | None = failure.value
    while error:
        shown = traceback.TracebackException.from_exception(error, capture_locals=True, lookup_lines=False)
        assert not [frame for frame in shown.stack if "/tests/" not in frame.filename and TOKEN in str(frame.locals)]
        error = error.__cause__ or error.__context__


def test_an_unused_client_can_be_closed() -> None:
    """A client that was asked nothing has nothing to close."""
    asyncio.run(aiohttp_client().aclose())


def test_says_which_extra_it_needs() -> None:
    """Where the extra is missing its name is said when it is needed, and everything else can be imported."""
    code = "import sys; sys.modules['aiohttp'] = None; from nano_banana_edit import *; aiohttp_client()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("aiohttp_client needs aiohttp: pip install 'nano-banana-edit[aiohttp]'\n")


@promises.SHARED
@pytest.mark.server
@pytest.mark.filterwarnings("ignore:(?i)unclosed:ResourceWarning")  # aiohttp's word on what the first loop left open
def test_one_client_over_several_event_loops() -> None:
    """A client may be used in one event loop after the other, as on httpx2."""
    with MockServer() as server:
        client = AsyncNanoBananaEdit(token=TOKEN, base_url=server.url, http_client=aiohttp_client())
        tasks = [asyncio.run(client.submit(URL, "p")).task_id for _ in range(3)]
        assert [edit.task_id for edit in server.service.edits] == tasks
        del client
        gc.collect()


def test_certificates_of_the_environment_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates that cannot be used are refused when the client is made, unless it is told not to look."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with pytest.raises(InvalidRequest, match="SSL_CERT_FILE of the environment is '/nowhere', which cannot be used"):
        aiohttp_client()
    for options in ({"trust_env": False}, {"verify": False}):
        assert not aiohttp_client(**options).is_closed
