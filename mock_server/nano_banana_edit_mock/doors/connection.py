"""HTTP/1.1 on one connection (RFC 9110 and 9112): bytes become requests, which are answered in their order.

A request is answered at once, or by a thread if that is much work. Until the client has taken the answer, nothing more
is read, and the requests that have been read wait; after each of them others have their turn. An answer in pieces, a
stream of events or a fault, is the last one.

What connections hold, bodies that are coming and answers that are not taken, is bounded over all of them. Beyond that
the connection that has not moved for the longest time is given up. One whose answer is being made is not, since the
answer may be paid for; if there are only such connections, a new body is refused.
"""

import asyncio
import re
import socket
import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias, cast
from urllib.parse import urlsplit

import httptools
from attrs import define, field

from ..engine.answers import refuse
from ..engine.records import Request, Response
from ..engine.relay import Relay, Relayed
from .faults import Piece, head

MAX_HEAD = 65_536  # bytes of a request line and its headers, trailers included
MAX_HELD = 256_000_000  # bytes of all bodies that are coming, and of all answers that are not taken
MAX_CONNECTIONS = 2_000  # to a port
LARGE = 65_536  # bytes of a body; whether a larger one is wanted at all is looked at before it is read
SLICE = 262_144  # bytes of an answer that are written at a time
LOOKS = 6  # within which a request has to come, and its answer has to be taken
HELD = 0.1  # seconds between two tries to go on with an answer in pieces that the client does not take

# A path and query or a URL (RFC 9112, section 3.2), with the few characters besides that browsers leave as they are.
_TARGET = re.compile(
    r"\*|(?:(?i:https?)://[^/?#]++|(?=/))(?:[\w.~!$&'()*+,;=:@/?|^`{}\[\]\"<>\\-]|%[\dA-Fa-f]{2})*", re.ASCII
)
_HOST = re.compile(r"(?:\[[\dA-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\dA-Fa-f]{2})*)(?::\d*)?", re.ASCII)
_TOO_LONG = f"The head is too long; the limit is {MAX_HEAD} bytes."

Answer: TypeAlias = Response | Iterator[Piece]  # the pieces of one that takes time, and is the last one
Making: TypeAlias = Answer | asyncio.Future[Answer]


@define(eq=False)
class Shared:
    """What the connections to a port share."""

    answer: Callable[[Request, str | None], Making]  # to a request from an address
    wanted: Callable[[Request, str | None], int]  # bytes of the body, by its head; -1 if that is answered without it
    begin_relay: Callable[[Request, Callable[[], None]], Relay | None]  # for a body that is coming; it asks for more
    connections: "set[Connection]" = field(factory=set)  # that are open
    held: "OrderedDict[Connection, int]" = field(factory=OrderedDict)  # bytes, the last to move at the end
    holding: int = 0  # bytes of all
    left: asyncio.Event = field(factory=asyncio.Event)  # each connection ends with the request that is coming
    lost: asyncio.Event = field(factory=asyncio.Event)  # a connection has ended


class Refusal(httptools.HttpParserError):
    """What came is not a request: the status that says so, and the reason."""


class Early(httptools.HttpParserError):
    """The head of a request is enough for its answer: what makes it."""


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
        # Whether an answer is to HEAD, the bytes of the request, and what makes the answer.
        self._waiting: deque[tuple[bool, int, Callable[[], Making]]] = deque()
        self._asked = 0  # bytes of the bodies that wait for their answers
        self._rest = memoryview(b"")  # of the answer that is being written
        self._held = False  # whether the client does not take its answers
        self._working = False  # whether a thread makes an answer
        self._playing = False  # whether pieces of one are written, each in its time
        self._relay: Relay | None = None  # of the body that is coming
        self._cut = False  # whether the client may be sending a request that is answered already
        self._moved, self._left = True, 0  # whether bytes came since the last look; how many had not left by then
        self._looks = 0  # since a request began or its answer did
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for requests."""
        self.transport = cast("asyncio.Transport", transport)
        self._peer = (transport.get_extra_info("peername") or (None,))[0]
        self._shared.connections.add(self)
        if len(self._shared.connections) > MAX_CONNECTIONS:
            self._refuse(503, f"Too many connections are open; the limit is {MAX_CONNECTIONS}.")
            self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - whatever the reason
        """Forget the connection."""
        self._begin(after_last=True)
        self._rest = memoryview(b"")
        self._shared.holding -= self._shared.held.pop(self, 0)
        self._shared.connections.discard(self)
        self._shared.lost.set()

    def data_received(self, data: bytes) -> None:
        """Read requests, and answer them."""
        self._moved = True
        while data and not self._over:
            data = self._parse(data)
        self._go_on()

    def eof_received(self) -> bool:
        """Answer what has come whole, and then end the connection."""
        self._over = True
        return bool(self._waiting or self._rest or self._working)

    def pause_writing(self) -> None:
        """Answer no more for now."""
        self._held = True

    def resume_writing(self) -> None:
        """Answer what waits."""
        self._held = False
        # Not here and now: asyncio, which is still writing, would end a connection twice that ends here.
        asyncio.get_running_loop().call_soon(self._go_on)

    def look(self) -> None:
        """End the connection if no byte came or left since the last look, or a request or its answer takes too long.

        An answer that the mock itself takes its time for is waited for, and so is a service that takes a body slowly.
        """
        left = len(self._rest) + self.transport.get_write_buffer_size()
        full = self._is_full()
        self._looks = self._looks + 1 if (self._url and not full) or left or self._cut else 0
        stalled = self._looks > LOOKS or (not self._moved and left == self._left)
        if stalled and (left or not (self._working or self._playing or full)):
            self.transport.abort()
        self._moved, self._left = False, left

    def leave(self) -> None:
        """End the connection when the requests that have come, or are coming, are answered."""
        if not self._url:
            self._over = True
            if not (self._waiting or self._rest or self._working):
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
        length = int(dict(self._headers).get("content-length", 0))
        if length > LARGE:
            head = self._look_ahead()
            # A relay whose answer has to wait for others would be left behind if the connection ends meanwhile.
            alone = not (self._waiting or self._rest or self._working or self._held)
            if alone and length <= self._wanted and not self._parser.should_upgrade():
                self._relay = self._shared.begin_relay(head, self._go_on)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; of one that is too large, no more than shows it."""
        self._partial, self._continue = 0, False
        if len(self._body) <= self._wanted:
            self._body += body
            if self._relay:
                self._relay.give(body)
            if len(self._body) > LARGE and self._wanted == LARGE:
                self._look_ahead()

    def on_message_complete(self) -> None:
        """Let a request wait for its answer, unless it comes again without its upgrade."""
        self._partial = 0
        if not self._parser.should_upgrade():
            kind = partial(Relayed, relay=self._relay) if self._relay else Request
            request = kind(self._method, self._address, self._headers, bytes(self._body))
            self._relay = None
            make = partial(self._shared.answer, request, self._peer)
            self._waiting.append((request.method == "HEAD", len(request.body), make))
            self._asked += len(request.body)
            old = self._parser.get_http_version() == "1.0"
            self._begin(after_last=self._shared.left.is_set() or old or not self._parser.should_keep_alive())

    def _begin(self, *, after_last: bool = False) -> None:
        """Forget the request that came, and expect another one, or nothing more after the last one."""
        if self._relay:
            self._relay.drop()
        self._relay = None
        self._method, self._url, self._address, self._body = "", "", "", bytearray()
        self._headers: list[tuple[str, str]] = []
        self._size = 0  # of the head
        self._wanted = LARGE  # bytes of the body
        self._looks = 0
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
                self._refuse(status, message, *(cause.args if isinstance(cause, Early) else ()))
        return b""

    def _look_ahead(self) -> Request:
        """Look at the head of a request with a large body, how much of it is wanted, and return the head."""
        request = Request(self._method, self._address, self._headers)
        self._wanted = self._shared.wanted(request, self._peer)
        if self._wanted < 0:
            raise Early(partial(self._shared.answer, request, self._peer))
        return request

    def _refuse(self, status: int, message: str, make: Callable[[], Making] | None = None) -> None:
        """Let a refusal wait, or what `make` makes, and take nothing of what is still coming."""
        self._waiting.append((self._method == "HEAD", 0, make or partial(refuse, status, message)))
        self._begin(after_last=True)
        self._cut = True

    def _is_full(self) -> bool:
        return self._relay is not None and self._relay.full

    def _hold(self) -> None:
        """Count what the connection holds, as the last one that moved; give up the first ones if it is too much."""
        shared = self._shared
        size = len(self._body) + self._asked + len(self._rest) + self.transport.get_write_buffer_size()
        shared.holding += size - shared.held.pop(self, 0)
        if size:
            shared.held[self] = size
        while shared.holding > MAX_HELD and (stalled := next((one for one in shared.held if not one._working), None)):
            shared.holding -= shared.held.pop(stalled)
            stalled.give_up()

    def give_up(self) -> None:
        """Refuse the request whose body is coming, or end the connection."""
        if self._url and not (self._waiting or self._rest):
            self._refuse(503, f"Too much is on its way; the limit is {MAX_HELD} bytes for all connections.")
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            self.transport.abort()

    def _go_on(self) -> None:
        """Answer what waits, as far as the client takes the answers, or read on; count what the connection holds."""
        while self._rest and not (self._held or self.transport.is_closing()):
            self.transport.write(self._rest[:SLICE])
            self._rest = self._rest[SLICE:]
        if self._working or self._rest or (self._waiting and self._held) or self._is_full():
            self.transport.pause_reading()
        elif self._waiting:
            self._answer(*self._waiting.popleft())
        elif self._over and not self._playing:
            self._end()
        else:
            if self._continue:
                self._continue = False
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.transport.resume_reading()
        self._hold()

    def _answer(self, to_head: bool, size: int, make: Callable[[], Making]) -> None:
        """Make an answer and write it, here and now or when it is made."""
        making = make()
        self._working = isinstance(making, asyncio.Future)
        if isinstance(making, asyncio.Future):
            self.transport.pause_reading()
            making.add_done_callback(lambda made: self._write(to_head, size, made.result()))
        else:
            self._write(to_head, size, making)

    def _write(self, to_head: bool, size: int, answer: Answer) -> None:
        """Begin to write an answer; what comes next has to wait until others had their turn."""
        self._working = False
        self._asked -= size
        if self.transport.is_closing():  # nobody is there any more, and asyncio would warn of it
            pass
        elif isinstance(answer, Response):
            last = self._over and not self._waiting
            headers = [*answer.headers, ("Connection", "close")] if last else answer.headers
            body = b"" if to_head else answer.body
            self.transport.write(head(answer.status, headers) + body[:SLICE])
            self._rest, self._looks = memoryview(body)[SLICE:], 0
        else:
            self._begin(after_last=True)
            self._waiting.clear()
            self._playing = True
            self._play(answer)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go_on)
        else:
            self._go_on()

    def _end(self) -> None:
        """End the connection; a client that still sends would lose the answer if nobody took what it sends."""
        if self._cut and self.transport.can_write_eof():
            self.transport.write_eof()
            self.transport.resume_reading()
        else:
            self.transport.close()

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
                self._hold()
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
