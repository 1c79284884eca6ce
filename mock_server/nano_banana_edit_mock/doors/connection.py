"""HTTP/1.1 on one connection (RFC 9110 and 9112): bytes become requests, which are answered in their order.

A request is answered at once, without a task. While the client does not take its answers, nothing more is read, and the
requests that have been read wait. An answer in pieces, a stream of events or a fault, is the last one.
"""

import asyncio
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias, cast
from urllib.parse import urlsplit

import httptools
from attrs import define, field

from ..engine.answers import refuse
from ..engine.records import Request, Response
from .faults import Piece, head

MAX_HEAD = 65_536  # bytes of a request line and its headers, trailers included
MAX_BODIES = 500_000_000  # bytes of all bodies that a port is receiving at a time
HELD = 0.1  # seconds between two tries to go on with an answer in pieces that the client does not take

# A path and query or a URL (RFC 9112, section 3.2), with the few characters besides that browsers leave as they are.
_TARGET = re.compile(
    r"\*|(?:(?i:https?)://[^/?#]++|(?=/))(?:[\w.~!$&'()*+,;=:@/?|^`{}\[\]\"<>\\-]|%[\dA-Fa-f]{2})*", re.ASCII
)
_HOST = re.compile(r"(?:\[[\dA-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})*)(?::\d*)?", re.ASCII)
_TOO_LONG = f"The head is too long; the limit is {MAX_HEAD} bytes."

Answer: TypeAlias = Response | Iterator[Piece]  # the pieces of one that takes time, and is the last one


@define(eq=False)
class Shared:
    """What the connections to a port share."""

    answer: Callable[[Request, str | None], Answer]  # to a request from an address
    max_body: Callable[[], int]  # bytes of a body that are looked at
    connections: "set[Connection]" = field(factory=set)  # that are open
    receiving: int = 0  # bytes of bodies that are not complete
    left: asyncio.Event = field(factory=asyncio.Event)  # each connection ends with the request that is coming
    lost: asyncio.Event = field(factory=asyncio.Event)  # a connection has ended


class Refusal(httptools.HttpParserError):
    """What came is not a request: the status that says so, and the reason."""


class Connection(asyncio.Protocol):
    """One connection.

    What is not HTTP/1.1 is refused, after the answers to the requests before it. An upgrade is ignored (RFC 9110,
    section 7.8): the client of Java asks for one each time, and httptools then takes the body for another protocol.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._parser = httptools.HttpRequestParser(self)
        self._body = bytearray()
        self._partial = 0  # bytes that came since a header, a piece of a body or a request was complete
        self._waiting: deque[tuple[bool, Callable[[], Answer]]] = deque()  # whether to HEAD, and what makes the answer
        self._held = False  # whether the client does not take its answers
        self._moved, self._left = True, 0  # whether bytes came since the last look; how many had not left by then
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for requests."""
        self.transport = cast("asyncio.Transport", transport)
        self._peer = (transport.get_extra_info("peername") or (None,))[0]
        self._shared.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever the reason
        """Forget the connection."""
        self._begin(after_last=True)
        self._shared.connections.discard(self)
        self._shared.lost.set()

    def data_received(self, data: bytes) -> None:
        """Read requests, and answer them."""
        self._moved = True
        while data and not self._over:
            data = self._parse(data)
        self._go_on()

    def pause_writing(self) -> None:
        """Answer no more for now."""
        self._held = True

    def resume_writing(self) -> None:
        """Answer what waits."""
        self._held = False
        self._go_on()

    def look(self) -> None:
        """End the connection if no byte came or left since the last look, unless an answer takes its time."""
        left = self.transport.get_write_buffer_size()
        if not self._moved and left == self._left and (left or not self._over):
            self.transport.abort()
        self._moved, self._left = False, left

    def leave(self) -> None:
        """End the connection when the requests that have come, or are coming, are answered."""
        if not self._url:
            self._over = True
            if not self._waiting:
                self.transport.close()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._method = self._parser.get_method().decode("ascii")
        self._url += url.decode("latin-1")
        self._size += len(url)
        if self._size > MAX_HEAD:
            raise Refusal(414, f"The target is too long; the limit is {MAX_HEAD} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; a trailer says nothing about a request (RFC 9110, section 6.5.1)."""
        self._partial = 0
        self._size += len(name) + len(value)
        if self._size > MAX_HEAD:
            raise Refusal(431, _TOO_LONG)
        if not self._address:  # the parser leaves the space behind a value
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """Check the head."""
        version = self._parser.get_http_version()
        self._address = _address(self._method, version, self._url, self._headers)
        expected = [value.lower() for name, value in self._headers if name == "expect"]
        self._continue = version != "1.0" and "100-continue" in expected

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; of one that is too large, no more than shows it."""
        self._partial, self._continue = 0, False
        if len(self._body) <= self._shared.max_body():
            self._body += body
            self._shared.receiving += len(body)
            if self._shared.receiving > MAX_BODIES:
                raise Refusal(503, f"Too many bodies are coming at a time; the limit is {MAX_BODIES} bytes for all.")

    def on_message_complete(self) -> None:
        """Let a request wait for its answer, unless it comes again without its upgrade."""
        self._partial = 0
        if not self._parser.should_upgrade():
            request = Request(self._method, self._address, self._headers, bytes(self._body))
            self._waiting.append((request.method == "HEAD", partial(self._shared.answer, request, self._peer)))
            old = self._parser.get_http_version() == "1.0"
            self._begin(after_last=self._shared.left.is_set() or old or not self._parser.should_keep_alive())

    def _begin(self, *, after_last: bool = False) -> None:
        """Forget the request that came, and expect another one, or nothing more after the last one."""
        self._shared.receiving -= len(self._body)
        self._method, self._url, self._address, self._body = "", "", "", bytearray()
        self._headers: list[tuple[str, str]] = []
        self._size = 0  # of the head
        self._continue = False  # whether the client waits for a word before it sends the body
        self._over = after_last

    def _parse(self, data: bytes) -> bytes:
        """Parse what came, and return what to parse instead of the rest: a request without its upgrade."""
        self._partial += len(data)
        try:
            self._parser.feed_data(data)
            if self._partial > MAX_HEAD:  # which the parser would keep until it is complete
                raise Refusal(431, _TOO_LONG)
        except httptools.HttpParserUpgrade as upgrade:
            first = f"{self._method} {self._url} HTTP/{self._parser.get_http_version()}"
            lines = [first, *(f"{name}: {value}" for name, value in self._headers if name != "upgrade"), "", ""]
            self._parser = httptools.HttpRequestParser(self)
            self._begin()
            return "\r\n".join(lines).encode("latin-1") + data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
            if not isinstance(cause, httptools.HttpParserError):
                raise  # a mistake of the mock
            if not self._over:  # what follows the last request is not even refused
                status, message = 400, f"The request is not HTTP/1.1: {cause}."
                if isinstance(cause, Refusal):
                    status, message = cause.args
                elif isinstance(cause, httptools.HttpParserInvalidMethodError):
                    status = 501
                refusal = refuse(status, message)
                self._waiting.append((self._method == "HEAD", lambda: refusal))
                self._begin(after_last=True)
        return b""

    def _go_on(self) -> None:
        """Answer what waits, for as long as the client takes its answers, and then read on."""
        while self._waiting and not self._held:
            to_head, make = self._waiting.popleft()
            answer = make()
            if self.transport.is_closing():  # nobody is there any more, and asyncio would warn of it
                continue
            if not isinstance(answer, Response):
                self._begin(after_last=True)
                self._waiting.clear()
                self._play(answer)
                continue
            last = self._over and not self._waiting
            headers = [*answer.headers, ("Connection", "close")] if last else answer.headers
            self.transport.write(head(answer.status, headers) + (b"" if to_head else answer.body))
            if last:
                self.transport.close()
        if self._waiting:
            self.transport.pause_reading()
            return
        if self._continue:
            self._continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.transport.resume_reading()

    def _play(self, pieces: Iterator[Piece]) -> None:
        """Write the pieces of an answer, and end the connection."""
        if self.transport.is_closing():
            return
        for piece in [HELD] if self._held else pieces:
            if isinstance(piece, bytes):
                self.transport.write(piece)
            elif piece is None:
                reset = struct.pack("ii", 1, 0)  # no waiting for what was not taken
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                self.transport.abort()
            else:
                asyncio.get_running_loop().call_later(piece, self._play, pieces)
                return
        self.transport.close()


def _address(method: str, version: str, target: str, headers: list[tuple[str, str]]) -> str:
    """Return the URL of a request; refuse its head where RFC 9112 does and the parser does not."""
    hosts = [value for name, value in headers if name == "host"]
    codings = ", ".join([value for name, value in headers if name == "transfer-encoding"]).lower()
    if version not in {"1.0", "1.1"}:
        raise Refusal(505, f"The request is HTTP/{version}; use HTTP/1.1.")
    if method == "CONNECT":
        raise Refusal(501, "CONNECT asks for a tunnel; the mock is not a proxy.")
    if target == "*" and method != "OPTIONS":
        raise Refusal(400, "* is not a path or URL; use it with OPTIONS.")
    if not _TARGET.fullmatch(target):
        raise Refusal(400, f"{target[:80]!a} is not a path or URL; encode it (RFC 3986).")
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        raise Refusal(400, f"Host is given {len(hosts)} times; give it once.")
    if codings not in {"", "chunked"}:
        # Without a length at last there is no telling where the next request begins (RFC 9112, section 6.3).
        status = 501 if codings.rpartition(",")[2].strip() == "chunked" else 400
        raise Refusal(status, f"Transfer-Encoding is {codings[:80]!a}; use chunked alone.")
    host = hosts[0] if hosts else "localhost"
    if not _HOST.fullmatch(host):
        raise Refusal(400, f"Host is {host[:80]!a}; use a name or an address, and a port.")
    address = f"http://{host}{target.removeprefix('*')}" if target[0] in "/*" else target
    try:
        urlsplit(address)
    except ValueError as error:  # brackets without an IPv6 address in them
        raise Refusal(400, f"{address[:80]!a} is not a URL: {error}.") from error
    return address
