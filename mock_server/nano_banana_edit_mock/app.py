"""The service on a real port: an ASGI app, and uvicorn under it."""

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable
from typing import Self
from urllib.parse import quote

import starlette.requests
import starlette.responses
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ._faults import resets, wire
from ._records import Fault, Request, Response
from .service import MockService

_EXTENSION = "nano_banana_edit_mock"  # of the scope: the connection's transport


def create_app(service: MockService | None = None) -> ASGIApp:
    """Return the service as an ASGI app.

    Of a body no more is read than tells that it is too large.

    Args:
        service: The service; default is a new one.

    Returns:
        An app for the `http` scope; it raises NotImplementedError for any other, as the ASGI specification asks.

    Source: `openapi.yaml#/paths`
    """
    made = service or MockService()
    return _app(lambda: made)


def _app(current: Callable[[], MockService]) -> ASGIApp:
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
            response = service.handle(request)
            if response.fault:
                await _fail(response, response.fault, scope["extensions"][_EXTENSION]["transport"], receive)
                return
            reply = starlette.responses.Response(response.body, response.status)
            # All of them as they are: Starlette takes one of each name, and adds a length that a 204 must not have.
            reply.raw_headers = [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
            ]
            await reply(scope, receive, send)

    return app


def _url(received: starlette.requests.Request) -> str:
    # The raw path, because the decoded one cannot tell %2F from a slash.
    path = received.scope.get("raw_path") or quote(received.scope["path"]).encode("ascii")
    query = received.scope["query_string"]
    return str(received.base_url).rstrip("/") + (path + b"?" + query if query else path).decode("latin-1")


async def _fail(response: Response, fault: Fault, transport: asyncio.Transport, receive: Receive) -> None:
    """Write past uvicorn what it would not, and end the connection."""
    for piece in wire(response, fault):
        if isinstance(piece, bytes):
            transport.write(piece)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(receive(), piece)
        if transport.is_closing():
            return
    if resets(fault):
        reset = struct.pack("ii", 1, 0)  # no waiting for what was not taken
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        await asyncio.sleep(0.01)  # what was written leaves first
        transport.abort()
    transport.close()
    await receive()  # that the connection has ended, so that uvicorn misses no answer


class _Protocol(HttpToolsProtocol):
    """uvicorn's, which lets a fault at its transport."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"transport": self.transport}}


class MockServer:
    """A server on a background thread, for the length of a `with` block.

    Args:
        service: The service; default is a new one.
        host: Address to listen on; default 127.0.0.1, so that nobody else can reach it.
        port: Port to listen on; default 0 takes a free one.

    Attributes:
        service: The service; another one may be put in its place while the server runs.
        url: Origin such as `http://127.0.0.1:54321`, known once entered; both API hosts and the files are under it.

    Source: `openapi.yaml#/paths`
    """

    def __init__(self, service: MockService | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.service = service or MockService()
        self.url = ""
        self._address = host, port

    def __enter__(self) -> Self:
        """Listen and serve.

        Raises:
            OSError: The address cannot be listened on; the message names it.
        """
        self._listener = _listen(*self._address)
        self.url = _origin(self._listener)
        self._server = _server(lambda: self.service)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer what is in flight, and close."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()


def serve(*, host: str = "127.0.0.1", port: int = 4010, service: MockService | None = None) -> None:
    """Serve until interrupted, after one line on standard output that names the URL.

    Args:
        host: Address to listen on; default 127.0.0.1.
        port: Port to listen on; default 4010, 0 takes a free one.
        service: The service; default is a new one.

    Raises:
        OSError: The address cannot be listened on; the message names it.

    Source: `openapi.yaml#/paths`
    """
    with _listen(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        sys.stdout.write(f"nano-banana-edit mock on {_origin(listener)}\n")
        sys.stdout.flush()
        made = service or MockService()
        _server(lambda: made).run([listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        message = f"cannot listen on {host}, port {port} ({error.strerror}). Stop what does, or choose another port."
        raise OSError(error.errno, message) from error
    # asyncio sets it only on sockets of its own making; without it each answer waits for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _origin(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(current: Callable[[], MockService]) -> uvicorn.Server:
    config = uvicorn.Config(
        _app(current),
        access_log=False,
        http=_Protocol,
        lifespan="off",
        log_config=None,  # leaves the logging of the process alone
        log_level="warning",
        timeout_graceful_shutdown=1,
        ws="none",
    )
    return uvicorn.Server(config)
