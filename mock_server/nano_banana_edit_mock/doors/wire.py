"""HTTP/1.1 on the port: uvicorn's protocol, held to the RFCs where it is lax, and answering by itself.

The service answers at once, so that a request to the API needs no task, no queue and no ASGI. What is under
`/__mock__/` streams, and goes to the ASGI app as usual.
"""

import asyncio
import contextlib
import logging
import re
import socket
import struct
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httptools
from attrs import evolve
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ..admin.api import is_admin
from ..engine.answers import refuse
from ..engine.records import Fault, Request, Response
from ..engine.service import MockService
from .faults import EXTENSION, head, resets, wire

MAX_HEAD = 65_536  # bytes of a request line and its headers, trailers included
LEAST_WAIT = 1  # seconds between two looks whether a connection is idle

# A path and query or a URL (RFC 9112, section 3.2), with the few characters besides that browsers leave as they are.
_TARGET = re.compile(
    rb"\*|(?:(?i:https?)://[^/?#]++|(?=/))(?:[\w.~!$&'()*+,;=:@/?|^`{}\[\]\"<>\\-]|%[\dA-Fa-f]{2})*", re.ASCII
)
_HOST = re.compile(rb"(?:\[[\dA-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})*)(?::\d*)?", re.ASCII)
_LOG = logging.getLogger("nano_banana_edit_mock")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def handle(service: MockService, request: Request) -> Response:
    """Return the answer to a request; where the service fails at that, an error in the shape of the API."""
    try:
        return service.handle(request)
    except Exception:  # noqa: BLE001 - a client is to see a status, whatever it was
        _LOG.exception("The mock failed on %s %s", request.method, request.url)
        return refuse(500, "The mock failed; its log says why.")


class Refusal(ValueError):
    """Why there is no request to be answered, and the status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Over(Exception):
    """More came than is looked at."""


class Protocol(HttpToolsProtocol):
    """One connection to the service that `current` returns.

    What is no HTTP/1.1 is refused, after the answers to all that was. An upgrade is ignored (RFC 9110, section 7.8):
    the client of Java asks for one each time, and httptools then takes the body for another protocol.
    """

    current: Callable[[], MockService]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._address = ""  # of the request that is coming
        self._size = 0  # of its head
        self._headed = False  # whether the head is complete
        self._whole = False  # whether a header, a piece of a body or a request was complete in what came last
        self._partial = 0  # bytes that came since
        self._body: bytearray | None = None  # unless it goes to the ASGI app
        self._keep_alive = True
        self._over = False  # nothing that follows is looked at
        self._refusal: Refusal | None = None  # that waits for an answer of the ASGI app
        self._lost = asyncio.Event()
        self._last = 0.0  # when something came

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for requests."""
        super().connection_made(transport)
        self._last = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let whoever waits for the end of the connection know."""
        self._over = True
        self._lost.set()
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless something before it was no HTTP."""
        self._unset_keepalive_if_required()
        self._last = self.loop.time()
        while data and not self._over:
            data = self._parse(data)

    def on_message_begin(self) -> None:
        """Begin a request, unless the last one was the end."""
        if self._over:
            raise _Over
        self.url, self.headers, self._size, self._headed = b"", [], 0, False

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self.url += url
        self._size += len(url)
        if self._size > MAX_HEAD:
            raise Refusal(414, f"The target has more than {MAX_HEAD} bytes; the service accepts no more. Shorten it.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what trails a body says nothing about a request (RFC 9110, section 6.5.1)."""
        self._whole = True
        self._size += len(name) + len(value)
        if self._size > MAX_HEAD:
            raise _too_long()
        if not self._headed:
            self.headers.append((name.lower(), value.rstrip(b" \t")))  # which the parser leaves at the end alone

    def on_headers_complete(self) -> None:
        """Start with a request, unless its head is wrong, or it comes again without its upgrade."""
        version = self.parser.get_http_version()
        self._address = _address(self.parser.get_method(), version, self.url, self.headers)
        self._headed = True
        if self.parser.should_upgrade():
            return
        self.expect_100_continue = version != "1.0" and any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers
        )
        # Answers that nobody takes are made when they are taken.
        if self._busy() or self.flow.write_paused or is_admin(self._address):
            self._pass_on()
            return
        self._body = bytearray()
        self._keep_alive = version != "1.0" and self.parser.should_keep_alive()
        if self.expect_100_continue:
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; of one that is too large no more than tells so."""
        self._whole = True
        if self._body is None:
            super().on_body(body)
        elif len(self._body) <= self.current().max_body:
            self._body += body

    def on_message_complete(self) -> None:
        """Answer a request, unless it comes again without its upgrade."""
        self._whole = True
        if self.parser.should_upgrade():
            return
        if self._body is None:
            super().on_message_complete()
            return
        body, self._body = bytes(self._body), None
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]
        request = Request(self.parser.get_method().decode("ascii"), self._address, headers, body)
        response = handle(self.current(), request)
        if response.fault:
            self._over = True
            task = self.loop.create_task(self._go_wrong(response, response.fault))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self._send(response)

    def on_response_complete(self) -> None:
        """Go on after an answer of the ASGI app: with the next request, or with what is no request."""
        last = not self.pipeline
        super().on_response_complete()
        if self._refusal and last and not self.transport.is_closing():
            self._refuse(self._refusal)

    def shutdown(self) -> None:
        """End the connection, when the request that is coming is answered."""
        self._keep_alive = False
        if self._body is None:
            super().shutdown()

    def _parse(self, data: bytes) -> bytes:
        """Parse what has come, and return what is to be parsed instead of the rest: a request without its upgrade."""
        self._whole = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            version = self.parser.get_http_version().encode("ascii")
            again = b"%s %s HTTP/%s\r\n" % (self.parser.get_method(), self.url, version)
            again += b"".join(b"%s: %s\r\n" % pair for pair in self.headers if pair[0] != b"upgrade")
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            return again + b"\r\n" + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._stop(error)
            return b""
        self._partial = 0 if self._whole else self._partial + len(data)
        if self._partial > MAX_HEAD:  # which the parser would keep until it is whole
            self._end(_too_long())
        return b""

    def _pass_on(self) -> None:
        """Let the ASGI app answer, to a target that is a path; the host of a URL counts (RFC 9112, section 3.2.2)."""
        url, headers = self.url, self.headers
        if not url.startswith(b"/"):
            parts = urlsplit(self._address)
            url = urlunsplit(("", "", parts.path or "/", parts.query, "")).encode("ascii")
            others = [(name, value) for name, value in headers if name != b"host"]
            headers = [(b"host", parts.netloc.encode("ascii")), *others]
        super().on_message_begin()  # which makes a scope
        self.url, self.headers = url, headers
        self.scope["headers"] = headers
        super().on_headers_complete()
        own: Any = {
            "go_wrong": partial(self._go_wrong_in_turn, self.cycle),
            "leave_out": partial(_leave_out, self.cycle),
        }
        self.scope["extensions"] = {EXTENSION: own}

    def _busy(self) -> bool:
        return bool(self.cycle and not self.cycle.response_complete)

    def _watch(self) -> None:
        """Close the connection when it was idle for long; one timer for all of its requests is cheap."""
        idle = self.loop.time() - self._last
        if idle < self.timeout_keep_alive or self._busy() or self._over or self._body is not None:
            wait = max(self.timeout_keep_alive - idle, LEAST_WAIT)
            self._timer = self.loop.call_later(wait, self._watch)
        else:
            self.transport.close()

    def _send(self, response: Response) -> None:
        if self.transport.is_closing():  # nobody is there any more, which asyncio would tell the log
            return
        given = {name.lower().encode("latin-1") for name, _ in response.headers}
        further = b"".join([b"%s: %s\r\n" % pair for pair in self.server_state.default_headers if pair[0] not in given])
        if not self._keep_alive:
            further += b"connection: close\r\n"
        self.transport.write(head(response.status, response.headers, further) + response.body)
        if not self._keep_alive:
            self._over = True
            self.transport.close()

    async def _go_wrong_in_turn(self, cycle: RequestResponseCycle, response: Response, fault: Fault) -> None:
        """Go wrong instead of an answer of the ASGI app, and let uvicorn expect none."""
        self._over = True
        self.pipeline.clear()
        await self._go_wrong(response, fault)
        cycle.disconnected = True

    async def _go_wrong(self, response: Response, fault: Fault) -> None:
        """Write what is no answer, and end the connection."""
        for piece in wire(response, fault):
            if isinstance(piece, bytes):
                self.transport.write(piece)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._lost.wait(), piece)
            if self.transport.is_closing():
                return
        if resets(fault) and not self.transport.is_closing():
            reset = struct.pack("ii", 1, 0)  # no waiting for what was not taken
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            await asyncio.sleep(0.01)  # what was written leaves first
            self.transport.abort()
        self.transport.close()

    def _stop(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
        if isinstance(cause, _Over):
            return
        if not isinstance(cause, Refusal):
            if not isinstance(cause, httptools.HttpParserError):
                raise error
            status = 501 if isinstance(cause, httptools.HttpParserInvalidMethodError) else 400
            cause = Refusal(status, f"The request is malformed ({cause}); the service accepts HTTP/1.1. Mend it.")
        self._end(cause)

    def _end(self, refusal: Refusal) -> None:
        """Refuse what has come, after the answers to all that was before it."""
        self._over = True
        broken = self._busy() and self.cycle.more_body  # in the middle of its body
        if broken and self.pipeline:
            self.pipeline.popleft()  # whose turn it was not yet
        elif broken or not self._busy():
            self._refuse(refusal)
            return
        self._refusal = refusal

    def _refuse(self, refusal: Refusal) -> None:
        self._keep_alive = False
        response = refuse(refusal.status, str(refusal))
        to_head = self.url and self.parser.get_method() == b"HEAD"
        self._send(evolve(response, body=b"") if to_head else response)


def _leave_out(cycle: RequestResponseCycle, names: Collection[bytes]) -> None:
    """Let uvicorn add no header to an answer that it has already."""
    cycle.default_headers = [pair for pair in cycle.default_headers if pair[0] not in names]


def _too_long() -> Refusal:
    return Refusal(431, f"The head has more than {MAX_HEAD} bytes; the service accepts no more. Shorten it.")


def _address(method: bytes, version: str, target: bytes, headers: list[tuple[bytes, bytes]]) -> str:
    """Return the URL of a request; refuse its head where RFC 9112 does and the parser does not."""
    hosts = [value for name, value in headers if name == b"host"]
    codings = b", ".join(value for name, value in headers if name == b"transfer-encoding").lower()
    if version not in {"1.0", "1.1"}:
        raise Refusal(505, f"The request is HTTP/{version}; the service accepts HTTP/1.1. Speak that.")
    if method == b"CONNECT":
        raise Refusal(501, "CONNECT asks for a tunnel; the service is none. Send another method.")
    if target == b"*" and method != b"OPTIONS":
        raise Refusal(400, "* is no path or URL; the service accepts it with OPTIONS. Send a path.")
    if not _TARGET.fullmatch(target):
        raise Refusal(400, f"{ascii(target)[2:-1]} is no path or URL; the service accepts RFC 3986. Encode it.")
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refusal(400, f"Host is given {len(hosts)} times; the service accepts it once. Send it once.")
    host = hosts[0] if hosts else b"localhost"
    if not _HOST.fullmatch(host):
        raise _no_host(host)
    if codings not in {b"", b"chunked"}:
        # Without a length at last there is no telling where the next request begins (RFC 9112, section 6.3).
        status = 501 if codings.rpartition(b",")[2].strip() == b"chunked" else 400
        given = ascii(codings)[2:-1]
        raise Refusal(status, f"Transfer-Encoding is {given}; the service accepts chunked alone. Send that.")
    address = b"http://" + host + target.removeprefix(b"*") if target[:1] in {b"/", b"*"} else target
    try:
        urlsplit(address)
    except ValueError as error:  # of brackets without an IPv6 address in them
        raise _no_host(address.split(b"/")[2]) from error
    return address.decode("ascii")


def _no_host(host: bytes) -> Refusal:
    return Refusal(400, f"Host is {ascii(host)[2:-1]}; the service accepts a name and a port. Mend it.")
