"""The async client on aiohttp: more edits for the same processor time.

aiohttp's names for failures do not say whether a request was sent, so each failure gets httpx2's name
for it, and the trace of a request learns when its headers leave. Causes keep no traceback: aiohttp's frames, and its
ClientResponseError, show the headers, and so the token.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx2
import yarl
from anyio.lowlevel import current_token

from ._transport import IDLE, MOST, Owned, reuses

# The first that fits; only aiohttp's connector raises the first three, when nothing was sent.
_KINDS: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (aiohttp.ClientHttpProxyError, httpx2.ProxyError),
    (aiohttp.ServerTimeoutError, httpx2.ReadTimeout),
    (aiohttp.ClientResponseError, httpx2.RemoteProtocolError),
    (aiohttp.ServerDisconnectedError, httpx2.RemoteProtocolError),
    (aiohttp.ClientError, httpx2.ReadError),
)
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)


class AiohttpConnections(httpx2.AsyncBaseTransport):
    """Sessions of each event loop: one that reuses connections, and one that does not."""

    def __init__(self, context: ssl.SSLContext, proxy: str | None) -> None:
        self._context, self._proxy = context, proxy
        self._sessions = Owned(self._make)

    def _make(self, reuse: bool) -> aiohttp.ClientSession:
        kind: dict[str, Any] = {"keepalive_timeout": IDLE} if reuse else {"force_close": True}
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_leaves)  # before the first byte is written
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MOST, ssl=self._context, **kind),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[trace],
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        timeout = request.extensions.get("timeout", {})
        await _report(request, "aiohttp.request.started")
        try:
            response = await self._sessions.get(current_token(), reuses(request)).request(
                request.method,
                yarl.URL(str(request.url), encoded=True),  # a signature may be of these very characters
                headers=request.headers.multi_items(),
                data=_data(request),
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    connect=timeout.get("pool"), sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
                ),
                trace_request_ctx=request,
            )
        except aiohttp.ClientError as error:
            failure = _named(error)
        except BaseException as error:  # noqa: BLE001 - a cancellation too
            raise error.with_traceback(None) from None  # aiohttp's frames show the headers
        else:
            return httpx2.Response(response.status, headers=response.raw_headers, stream=_Stream(response))
        if not isinstance(failure, _NOT_SENT):
            await _report(request, "aiohttp.send_request_headers.started")  # whatever the session reported
        raise failure

    async def aclose(self) -> None:
        for session in self._sessions.end(current_token()):
            await session.close()


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.content.iter_any():
                yield part
        except aiohttp.ClientError as error:
            failure = _named(error)
        else:
            return
        raise failure

    async def aclose(self) -> None:
        self._response.release()


async def _leaves(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
    await _report(context.trace_request_ctx, "aiohttp.send_request_headers.started")


async def _report(request: httpx2.Request, event: str) -> None:
    if trace := request.extensions.get("trace"):
        await trace(event, {"request": request})


def _data(request: httpx2.Request) -> Any:
    """Return the body, as a stream if it was not read: a form may be large."""
    try:
        return request.content or None
    except httpx2.RequestNotRead:
        return request.stream


def _named(error: aiohttp.ClientError) -> httpx2.TransportError:
    """Return a failure under the name that httpx2's transport gives it."""
    inner: BaseException | None = error
    while inner:
        inner.__traceback__ = None
        inner = inner.__cause__ or inner.__context__
    kind = next(name for kind, name in _KINDS if isinstance(error, kind))
    named = kind(str(error) or type(error).__name__)
    named.__cause__ = None if isinstance(error, aiohttp.ClientResponseError) else error
    return named
