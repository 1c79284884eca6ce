"""The service on a real port: an ASGI app, and uvicorn under it."""

import asyncio
import contextlib
import errno
import json
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable
from secrets import token_urlsafe
from typing import Self
from urllib.parse import quote

import starlette.requests
import starlette.responses
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from ..admin.api import EVENTS, Feed, administer, is_admin, is_loopback
from ..engine.records import Fault, Request, Response
from ..engine.referee import check_token
from ..engine.service import MockService
from .faults import EXTENSION
from .wire import Protocol, handle

_LOOK_EVERY = 0.1  # seconds between two looks for new requests; a reader sees no delay
_SILENT_AT_MOST = 15  # seconds without a word, so that no proxy takes the stream for dead


def create_app(service: MockService | None = None, *, admin_token: str | None = None) -> ASGIApp:
    """Return the service as an ASGI app, with its page at `/` and what admin.yaml says under `/__mock__/`.

    Of a body no more is read than tells that it is too large.

    Args:
        service: The service; default is a new one.
        admin_token: Bearer token that lets others than this machine at `/__mock__/`; default None lets nobody.

    Returns:
        An app for the `http` scope; it raises NotImplementedError for any other, as the ASGI specification asks.

    Raises:
        ValueError: `admin_token` is none that can be sent.

    Source: `openapi.yaml#/paths`
    """
    check_token("admin_token", admin_token)
    made = service or MockService()
    return _app(lambda: made, admin_token, lambda: False)


def _app(current: Callable[[], MockService], admin_token: str | None, ending: Callable[[], bool]) -> ASGIApp:
    token = admin_token or token_urlsafe()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"the mock speaks HTTP, not {scope['type']}")
        service = current()
        received = starlette.requests.Request(scope, receive)
        body = bytearray()
        with contextlib.suppress(starlette.requests.ClientDisconnect):
            async for chunk in received.stream():
                body += chunk
                if len(body) > service.max_body:
                    break
            request = Request(received.method, _url(received), received.headers.items(), bytes(body))
            if is_admin(request.url):
                peer = received.client.host if received.client else None
                response = administer(service, request, token=token, peer=peer)
            else:
                response = handle(service, request)
            ours = scope.get("extensions", {}).get(EXTENSION)
            if response.fault and ours:
                await ours["go_wrong"](response, response.fault)
                return
            if response.fault:
                reply: starlette.responses.Response = _broken(response, response.fault)
            elif response.header("Content-Type") == EVENTS and request.method == "GET":
                reply = starlette.responses.StreamingResponse(_events(current, ending, request.header("Last-Event-ID")))
            else:
                reply = starlette.responses.Response(response.body, response.status)
            # All of them as they are: Starlette takes one of each name, and adds a length that a 204 must not have.
            reply.raw_headers = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
            ]
            if ours:
                ours["leave_out"]([name for name, _ in reply.raw_headers])
            await reply(scope, receive, send)

    return app


def _broken(response: Response, fault: Fault) -> starlette.responses.Response:
    """Return what goes wrong under any server: an exception of httpx, or a stream that ends with one."""
    from .exceptions import in_process  # noqa: PLC0415 - a server of ours needs no httpx

    broken = in_process(response, fault)
    return starlette.responses.StreamingResponse(broken.stream, broken.status_code)


async def _events(
    current: Callable[[], MockService], ending: Callable[[], bool], last: str | None
) -> AsyncIterator[bytes]:
    feed = Feed(last)
    silent = 0.0
    yield b": the requests as they come\n\n"
    while not ending():
        news = feed.read(current())
        silent += _LOOK_EVERY
        if news or silent >= _SILENT_AT_MOST:
            silent = 0
            yield news or b":\n\n"
        await asyncio.sleep(_LOOK_EVERY)


def _url(received: starlette.requests.Request) -> str:
    # The raw path, because the decoded one cannot tell %2F from a slash.
    path = received.scope.get("raw_path") or quote(received.scope["path"]).encode("ascii")
    query = received.scope["query_string"]
    return str(received.base_url).rstrip("/") + (path + b"?" + query if query else path).decode("latin-1")


class MockServer:
    """A server on a background thread, for the length of a `with` block.

    Args:
        service: The service; default is a new one.
        host: Address to listen on; default 127.0.0.1, so that nobody else can reach it.
        port: Port to listen on; default 0 takes a free one.
        admin_token: Bearer token that lets others than this machine at `/__mock__/`; default None lets nobody.

    Raises:
        ValueError: `admin_token` is none that can be sent.

    Attributes:
        service: The service; another one may be put in its place while the server runs.
        url: Origin such as `http://127.0.0.1:54321`, known once entered; both API hosts and the files are under it.

    Source: `openapi.yaml#/paths`
    """

    def __init__(
        self,
        service: MockService | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        admin_token: str | None = None,
    ) -> None:
        check_token("admin_token", admin_token)
        self.service = service or MockService()
        self.url = ""
        self._address = host, port
        self._admin_token = admin_token

    def __enter__(self) -> Self:
        """Listen and serve.

        Raises:
            OSError: The address cannot be listened on; the message names it.
        """
        self._listener = _listen(*self._address)
        self.url = _origin(self._listener)
        self._server = _server(lambda: self.service, self._admin_token)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer what is in flight, and close."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 4010,
    service: MockService | None = None,
    admin_token: str | None = None,
) -> None:
    """Serve until interrupted or terminated, after one line on standard output that says where.

    The line is for a reader, or with port 0 a JSON object with `url`, `port`, and `admin_token` where one is needed:
    where the address is not this machine's own, others get at `/__mock__/` with that alone.

    Args:
        host: Address to listen on; default 127.0.0.1.
        port: Port to listen on; default 4010, 0 takes a free one.
        service: The service; default is a new one.
        admin_token: The token; default None makes one.

    Raises:
        OSError: The address cannot be listened on; the message names it.
        ValueError: `admin_token` is none that can be sent.

    Source: `openapi.yaml#/paths`
    """
    check_token("admin_token", admin_token)
    made = service or MockService()
    with _listen(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        url, token = _origin(listener), admin_token or token_urlsafe()
        outside = not is_loopback(listener.getsockname()[0])
        if port == 0:
            said = {"url": url, "port": listener.getsockname()[1]} | ({"admin_token": token} if outside else {})
            line = json.dumps(said)
        else:
            line = f"nano-banana-edit mock on {url}{f', with its page on {url}/#token={token}' if outside else ''}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        _server(lambda: made, token).run([listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # What listens on every address of one family does so on those of the other as well, where the system can.
        listener = socket.create_server(
            (host, port), family=family, dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6()
        )
    except OSError as error:
        remedy = "Stop what does, or choose another port" if error.errno == errno.EADDRINUSE else "Choose others"
        raise OSError(error.errno, f"cannot listen on {host}, port {port} ({error.strerror}). {remedy}.") from error
    # asyncio sets it only on sockets of its own making; without it each answer waits for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _origin(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(current: Callable[[], MockService], admin_token: str | None) -> uvicorn.Server:
    config = uvicorn.Config(
        _app(current, admin_token, lambda: server.should_exit),
        access_log=False,
        http=type("Protocol", (Protocol,), {"current": staticmethod(current)}),
        lifespan="off",
        log_config=None,  # leaves the logging of the process alone
        log_level="warning",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    server = uvicorn.Server(config)
    return server
