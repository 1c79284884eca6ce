"""What the caller's own signal handlers and threads raise comes through at once, wherever a sync call waits."""

from __future__ import annotations

import ctypes
import functools
import gc
import selectors
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import httpx2
import pytest
from nano_banana_edit import APIConnectionError, NanoBananaEdit

from .. import promises
from .conftest import Certificates
from .misdeeds import TOKEN, URL
from .server import ACCEPTED, Hostile, Misdeed, answer, hang, says

pytestmark = [
    pytest.mark.server,
    # A socket whose making was interrupted is closed by the collector, which says so.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
ERRORS: list[Exception] = [
    TimeoutError("mine"),
    TimeoutError(110, "mine"),
    ConnectionResetError("mine"),
    OSError("mine"),
    socket.gaierror(-2, "mine"),
    ssl.SSLError("mine"),
    httpx2.ReadTimeout("mine"),
    UnicodeError("mine"),
    RuntimeError("mine"),
]


class Handler:
    """A signal handler in each form that one may have."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def method(self, _signal: int, _frame: object) -> None:
        self.deeper()

    def deeper(self) -> None:
        raise self.error

    def __call__(self, *_: object) -> None:
        self.deeper()

    @staticmethod
    def bound(error: Exception, _signal: int, _frame: object) -> None:
        raise error


FORMS: dict[str, Callable[[Exception], Any]] = {
    "method": lambda error: Handler(error).method,
    "object": Handler,
    "partial": lambda error: functools.partial(Handler.bound, error),
    "lambda": lambda error: lambda number, frame: Handler(error).deeper(),
}


@pytest.fixture
def handled() -> Iterator[Callable[[Any], None]]:
    """Install a handler of SIGALRM."""
    before = signal.getsignal(signal.SIGALRM)
    yield lambda handler: signal.signal(signal.SIGALRM, handler) and None
    signal.signal(signal.SIGALRM, before)


def alarm_and_hang(connection: socket.socket, server: Hostile) -> None:
    """Send the signal to the thread that waits for an answer, once it does, and never give one."""
    server.done.wait(0.05)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
    hang(connection, server)


def calls(server: Hostile) -> dict[str, tuple[list[Misdeed], Callable[[NanoBananaEdit], Any]]]:
    """What may be interrupted: the answers before that, and the call."""
    done = answer(b'{"id": "t-1", "status": "completed", "result": ["%s/out.png"]}' % server.origin.encode())
    return {
        "submit": ([], lambda client: client.submit(URL, "p")),
        "poll": ([], lambda client: client.get_task("t-1")),
        "wait": ([says(ACCEPTED)], lambda client: client.edit(URL, "p")),
        "upload": ([], lambda client: client.upload(PNG)),
        "uploads": ([], lambda client: client.edit([PNG, PNG], "p")),
        "result": ([says(done)], lambda client: client.wait("t-1").images[0].bytes()),
    }


def raised(client: NanoBananaEdit, call: Callable[[NanoBananaEdit], Any]) -> BaseException:
    """Return what a call raises, which must be soon."""
    began = time.monotonic()
    with pytest.raises(Exception) as error:  # noqa: PT011 - the caller compares it
        call(client)
    assert time.monotonic() - began < 20
    return error.value


NOTES = {"submit": "The edit may have been accepted and billed.", "upload": None, "uploads": None}


@promises.AT_ONCE
@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("pool", ["own", "given"])
def test_a_signal_handler_ends_a_call(handled: Any, error: Exception, pool: str) -> None:
    """Whatever it raises, and wherever the call waits, comes as it is, once, and says what may be billed."""
    with (
        Hostile([]) as server,
        httpx2.Client() if pool == "given" else nullcontext() as http,
        NanoBananaEdit(token=TOKEN, base_url=server.url, timeout=30, http_client=http) as client,
    ):
        for what, (before, call) in calls(server).items():
            mine = type(error)(*error.args)
            handled(Handler(mine))
            server.script[:] = [*before, alarm_and_hang, hang]
            posts = server.posts
            assert mine is raised(client, call)
            note = NOTES.get(what, "To go on, call wait('t-1').")
            assert [note] * bool(note) == getattr(mine, "__notes__", [])
            assert server.posts - posts <= 2  # two uploads, or one of anything


@pytest.mark.parametrize("form", FORMS)
def test_a_signal_handler_has_many_forms(handled: Any, form: str) -> None:
    """A function, a method, an object, a partial: what they raise is the caller's."""
    with Hostile([alarm_and_hang]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url, timeout=30) as client:
        mine = TimeoutError("mine")
        handled(FORMS[form](mine))
        assert mine is raised(client, lambda client: client.get_task("t-1"))


def test_over_tls_too(handled: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a read and in a handshake of TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    for greeting in (None, alarm_and_hang):
        mine = TimeoutError("mine")
        handled(Handler(mine))
        server = Hostile([alarm_and_hang], greeting=greeting, tls=certificates.of("good"))
        with server, NanoBananaEdit(token=TOKEN, base_url=server.url, timeout=30) as client:
            assert mine is raised(client, lambda client: client.submit(URL, "p"))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(socket, "getaddrinfo"), (selectors.PollSelector, "register"), (socket.socket, "shutdown")],
    ids=["look-up", "connecting", "closing"],
)
def test_a_signal_handler_ends_the_making_of_a_connection(
    handled: Any, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    """While a host is looked up, an address is connected to, or a connection is closed, it is not swallowed either."""
    real = getattr(owner, name)

    def interrupted(*args: Any, **options: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGALRM)
        return real(*args, **options)

    mine = TimeoutError("mine")
    with Hostile([says(ACCEPTED)]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url, timeout=30) as client:
        handled(Handler(mine))
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, interrupted)
            assert mine is raised(client, lambda client: client.submit(URL, "p"))
        mine.__traceback__ = None  # whose frames keep the socket that was being made
        gc.collect()
        assert server.open_at_most(0)


class Slow:
    """An image in each form, on which a signal arrives while it is read."""

    mode = "RGB"

    def read(self) -> bytes:
        signal.raise_signal(signal.SIGALRM)
        return PNG

    def save(self, *_: object, **__: object) -> None:
        self.read()

    def __fspath__(self) -> str:
        return str(self.read())


@promises.AT_ONCE
@pytest.mark.parametrize("error", [TimeoutError("mine"), FileNotFoundError("mine"), ValueError("mine")], ids=repr)
def test_a_signal_handler_ends_the_reading_of_an_image(handled: Any, error: Exception) -> None:
    """While a path is looked up, a file is read, or an image of PIL is written, it is no fault of the image."""
    pil = type("Pil", (Slow,), {"getexif": dict})
    with NanoBananaEdit(token=TOKEN, base_url="http://127.0.0.1:1", timeout=30) as client:
        handled(Handler(error))
        for image in (Slow(), type("File", (), {"read": Slow.read})(), pil()):
            assert error is raised(client, lambda client, image=image: client.upload(image))


def test_what_was_handled_before_is_over(handled: Any) -> None:
    """An exception of a handler that the caller is handling when the call begins is not the call's."""
    handled(Handler(TimeoutError("mine")))
    with NanoBananaEdit(token=TOKEN, base_url="http://127.0.0.1:1", timeout=30, max_retries=0) as client:
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeoutError:
            with pytest.raises(APIConnectionError):
                client.get_task("t-1")


@pytest.mark.parametrize("what", ["submit", "poll"])
def test_what_another_thread_raises_ends_a_call(what: str) -> None:
    """A TimeoutError that another thread raises in this one, as some limits of time do, is no socket's."""
    main = threading.get_ident()

    def limit(connection: socket.socket, server: Hostile) -> None:
        wakes = answer(b"{}")
        server.done.wait(0.05)
        # While it is pending, Python 3.11 enters no function of another thread that is traced, as for coverage.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(TimeoutError))
        connection.sendall(wakes)

    with Hostile([limit]) as server, NanoBananaEdit(token=TOKEN, base_url=server.url, timeout=30) as client:
        error = raised(client, calls(server)[what][1])
        assert (TimeoutError, (), 1) == (type(error), error.args, len(server.requests))
