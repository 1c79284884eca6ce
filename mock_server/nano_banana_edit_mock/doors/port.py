"""The service on a port: a thread that listens, and serves its connections."""

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_urlsafe
from typing import Self, TextIO
from urllib.parse import urlsplit

from ..admin.api import EVENTS, Feed, administer, is_admin, is_loopback, wanted
from ..engine.answers import refuse
from ..engine.records import Request, Response
from ..engine.referee import check_token
from ..engine.relay import Relay, Relayed
from ..engine.service import MockService, service_of
from .connection import LARGE, Answer, Connection, Making, Shared
from .faults import Piece, head, pieces
from .log import Log

WORKERS = 2  # threads for requests that are much work
MAX_STREAMS = 32  # of events; a page has one
IDLE = 60  # seconds without a byte in or out, after which a connection ends; at most twice as many
GRACE = 1  # seconds to finish what is in flight when the server is left
LOOK_EVERY = 0.1  # seconds between two looks for new events; a reader sees no delay
SILENCE = 150  # looks without any, after which a stream says that it still lives

# Results may have to be drawn, and most of what the mock is asked about itself is as long as its memory.
_MUCH = re.compile(r"/results/|/openapi\.yaml|/__mock__/(?!clock|events|reset)")
_LOG = logging.getLogger("nano_banana_edit_mock")


class MockServer:
    """A server on a background thread, for the length of a `with` block.

    Args:
        service: The service; default is a new one.
        host: Address to listen on; default 127.0.0.1, so that nobody else can reach it.
        port: Port to listen on; default 0 takes a free one.
        admin_token: Bearer token that lets other machines use `/__mock__/`; default None lets none of them.

    Raises:
        ValueError: `service` is no MockService, `port` is out of its range, or `admin_token` cannot be sent.

    Attributes:
        service: The service; you may replace it while the server runs.
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
        self.service = service_of(service)
        if type(port) is not int or not 0 <= port <= 65_535:
            raise ValueError(f"port is {port!r}; the limit is 0 to 65535.")
        self.url = ""
        self._streams = 0
        self._address = host, port
        self._admin_token = admin_token or token_urlsafe()

    def __enter__(self) -> Self:
        """Listen and serve.

        Raises:
            OSError: The address cannot be listened on; the message names it.
        """
        listener = _listen(*self._address)
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._shared = Shared(self._start, self._wanted, self._begin_relay)
        self._awaited: dict[asyncio.Future[Answer], Request] = {}  # whose answers come from another service
        runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
        self._loop = runner.get_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(WORKERS))
        self._thread = threading.Thread(target=self._run, args=(runner, listener), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *_: object) -> None:
        """Answer what is in flight, and close; if interrupted, answer also what another service is asked for."""
        try:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._shared.left.set)
            if kind is KeyboardInterrupt and self._awaited:
                text = "The service has not answered {} of the requests. Interrupt again to end without the answers.\n"
                _tell(sys.stderr, text.format(len(self._awaited)))
                while self._awaited:
                    time.sleep(LOOK_EVERY)
        finally:
            # No timer of the loop: tests freeze the time, and with it the clock that a loop goes by.
            self._thread.join(GRACE)
            for request in [*self._awaited.values()]:
                if request.method == "POST" and not isinstance(request, Relayed):  # which is an upload
                    what = f"The mock ends without the answer to POST {urlsplit(request.url).path}"
                    _LOG.warning("%s. An edit may have been accepted and billed.", what)
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._abort)
            self._thread.join()

    def _run(self, runner: asyncio.Runner, listener: socket.socket) -> None:
        with runner:
            runner.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        shared = self._shared
        server = await self._loop.create_server(lambda: Connection(shared), sock=listener, backlog=2_048)
        while not shared.left.is_set():
            for connection in shared.connections:
                connection.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(shared.left.wait(), IDLE)
        server.close()
        for connection in shared.connections:
            connection.leave()
        while shared.connections:
            shared.lost.clear()
            await shared.lost.wait()

    def _abort(self) -> None:
        for connection in self._shared.connections:
            connection.transport.abort()

    def _wanted(self, request: Request, peer: str | None) -> int:
        if is_admin(request.url):
            return wanted(request, token=self._admin_token, peer=peer)
        return self.service.wanted(request)

    def _begin_relay(self, request: Request, go_on: Callable[[], None]) -> Relay | None:
        def ready() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(go_on)

        with contextlib.suppress(RuntimeError):  # there are too many threads
            return None if is_admin(request.url) else self.service.begin_relay(request, ready)
        return None

    def _start(self, request: Request, peer: str | None) -> Making:
        if self.service.waits and not is_admin(request.url):
            return self._wait(request, peer)
        if len(request.body) <= LARGE and not _MUCH.search(request.url):
            return self._answer(request, peer)
        return self._loop.run_in_executor(None, self._answer, request, peer)

    def _wait(self, request: Request, peer: str | None) -> Making:
        """Wait for another service in a thread of its own, which keeps neither the others nor the end waiting."""
        making: asyncio.Future[Answer] = self._loop.create_future()

        def work() -> None:
            answer = self._answer(request, peer)
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(making.set_result, answer)

        self._awaited[making] = request
        making.add_done_callback(self._awaited.pop)
        try:
            threading.Thread(target=work, daemon=True).start()
        except RuntimeError:  # there are too many threads
            if isinstance(request, Relayed):
                request.relay.drop()
            making.set_result(refuse(503, "Too many requests wait for the service."))
        return making

    def _answer(self, request: Request, peer: str | None) -> Answer:
        try:
            if not is_admin(request.url):
                response = self.service.handle(request)
                return pieces(response, response.fault) if response.fault else response
            response = administer(self.service, request, token=self._admin_token, peer=peer)
        except Exception:  # noqa: BLE001 - a client gets a status, whatever it was
            _LOG.exception("The mock failed on %s %s", request.method, request.url)
            return refuse(500, "The mock failed; its log says why.")
        finally:
            if isinstance(request, Relayed):
                request.relay.drop()
        streams = request.method == "GET" and response.header("Content-Type") == EVENTS
        if streams and self._streams >= MAX_STREAMS:
            return refuse(503, f"Too many streams are open; the limit is {MAX_STREAMS}.")
        return self._events(response, request.header("Last-Event-ID")) if streams else response

    def _events(self, response: Response, last: str | None) -> Iterator[Piece]:
        feed, silent = Feed(last), 0
        self._streams += 1
        try:
            yield (
                head(response.status, [*response.headers, ("Connection", "close")]) + b": the requests as they come\n\n"
            )
            while True:
                news = feed.read(self.service)
                silent = 0 if news or silent == SILENCE else silent + 1
                yield b":\n\n" if silent == SILENCE else news
                yield 0 if news else LOOK_EVERY
        finally:
            self._streams -= 1


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 4010,
    service: MockService | None = None,
    admin_token: str | None = None,
    quiet: bool = False,
) -> None:
    """Serve until interrupted or terminated, after one line on standard output that says where.

    With port 0 the line is a JSON object with `url` and `port`. If other machines can connect, it also has the token
    that they need for `/__mock__/`: `admin_token`, or a new one. Unless `quiet`, each request is a line on standard
    error. Either output may be closed.
    """
    token = token_urlsafe() if admin_token is None else admin_token
    server = MockServer(service, host=host, port=port, admin_token=token)
    log = Log()
    before = [(number, signal.signal(number, signal.default_int_handler)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with contextlib.suppress(KeyboardInterrupt), server:
            url = urlsplit(server.url)
            outside = not is_loopback(url.hostname)
            if port == 0:
                line = json.dumps({"url": server.url, "port": url.port} | ({"admin_token": token} if outside else {}))
            else:
                page = f", with its page on {server.url}/#token={token}" if outside else ""
                line = f"nano-banana-edit mock on {server.url}{page}"
            _tell(sys.stdout, f"{line}\n")
            while True:  # a sleep may be interrupted everywhere, unlike the join of a thread
                try:
                    time.sleep(3_600 if quiet else LOOK_EVERY)
                finally:
                    shown, quiet = not quiet, True  # so that an interrupt ends it also if a reader takes nothing
                    quiet = not (shown and _tell(sys.stderr, log.read(server.service)))
        if not quiet:
            _tell(sys.stderr, log.read(server.service))  # what was answered in the end
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _tell(output: TextIO | None, text: str) -> bool:
    """Write a text, and return whether somebody may read it."""
    if output is None:  # as in a daemon
        return False
    try:
        output.write(text)
        output.flush()
    except (OSError, ValueError):  # nobody reads it any more, or it is closed
        with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), output.fileno())  # or else the interpreter fails at its end
        return False
    return True


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # What listens on every address of one family does so on those of the other as well, if the system can.
        listener = socket.create_server(
            (host, port), family=family, dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6()
        )
    except OSError as error:
        remedy = "Stop the other server, or choose another port" if error.errno == errno.EADDRINUSE else "Choose others"
        raise OSError(error.errno, f"cannot listen on {host}, port {port} ({error.strerror}). {remedy}.") from error
    # asyncio sets it only on sockets of its own making; without it each answer waits for a delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
