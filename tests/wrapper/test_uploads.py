"""Uploads side by side: what ends one of them ends the call at once, and nobody waits for the others."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx2
import pytest
import stamina
from attrs import define, field
from nano_banana_edit import AuthenticationError, NanoBananaEdit
from stamina.instrumentation import set_on_retry_hooks

from .. import promises
from ..hostile.server import Hostile, Misdeed, answer, says
from .conftest import PNG, TOKEN, accepted, task, uploaded
from .stalling import AT_ONCE, BUSY, SOON, STALLED, UPLOADED, Stalling

every_number = pytest.mark.parametrize("images", [1, 2, 9])


class SoftTimeLimitExceeded(Exception):
    """What Celery raises in a task, in the handler of a signal."""


@define
class Interrupt:
    """An exception that the handler of SIGUSR1 raises once."""

    error: BaseException
    _raised: threading.Event = field(factory=threading.Event)

    def handle(self, *_: object) -> None:
        if not self._raised.is_set():
            self._raised.set()
            raise self.error

    def send(self) -> None:
        """Interrupt what the main thread waits for: again and again, as a signal just before a wait does not end it."""
        main = threading.main_thread().ident
        assert main
        while not self._raised.wait(0.05):
            signal.pthread_kill(main, signal.SIGUSR1)

    def send_elsewhere(self) -> None:
        """Let a signal come that does not end what the main thread waits for."""
        signal.raise_signal(signal.SIGUSR1)


@pytest.fixture(params=[KeyboardInterrupt, SoftTimeLimitExceeded])
def interrupt(request: pytest.FixtureRequest) -> Iterator[Interrupt]:
    interrupt = Interrupt(request.param("stop"))
    before = signal.signal(signal.SIGUSR1, interrupt.handle)
    yield interrupt
    signal.signal(signal.SIGUSR1, before)


@contextmanager
def soon() -> Iterator[None]:
    """Fail if what is within takes long."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON


@define
class Client:
    """A client of a server, and what it sent."""

    client: NanoBananaEdit
    sent: list[httpx2.Request]
    _before: set[threading.Thread] = field(factory=lambda: set(threading.enumerate()))

    def sent_at_last(self) -> int:
        """How many requests it sent, once its threads are over."""
        for thread in set(threading.enumerate()) - self._before:
            thread.join(SOON)
        return len(self.sent)


@contextmanager
def opened(answers: Callable[[bytes], Misdeed]) -> Iterator[Client]:
    """Open a client of a server that answers so."""
    sent: list[httpx2.Request] = []
    with (
        Hostile([], usual=answers) as server,
        httpx2.Client(event_hooks={"request": [sent.append]}) as http,
        NanoBananaEdit(token=TOKEN, base_url=server.url, http_client=http) as client,
    ):
        yield Client(client, sent)


@promises.AT_ONCE
@every_number
@pytest.mark.server
@pytest.mark.parametrize("method", ["edit", "submit"])
def test_an_interrupt_ends_the_call(method: str, images: int, interrupt: Interrupt) -> None:
    """What the handler of a signal raises comes at once and as it is, while uploads stall."""
    stalling = Stalling(min(images, AT_ONCE), interrupt.send)
    with Hostile([], usual=stalling) as server, soon(), NanoBananaEdit(token=TOKEN, base_url=server.url) as client:
        with pytest.raises(type(interrupt.error)) as raised:
            getattr(client, method)([PNG] * images, "p")
        assert interrupt.error is raised.value


@promises.AT_ONCE
@pytest.mark.server
def test_a_signal_that_interrupts_no_wait_ends_the_call(interrupt: Interrupt) -> None:
    """A signal that does not end what the caller's thread waits for is handled soon, too."""
    with opened(Stalling(2, interrupt.send_elsewhere)) as it, soon(), pytest.raises(type(interrupt.error)):
        it.client.submit([PNG] * 2, "p")


@promises.AT_ONCE
@every_number
@pytest.mark.server
@pytest.mark.parametrize("later", [UPLOADED, BUSY], ids=["uploaded", "busy"])
def test_no_upload_begins_after_an_interrupt(
    images: int, later: bytes, interrupt: Interrupt, waits: Callable[[], list[float]]
) -> None:
    """After an interrupt no upload begins, none is sent again, and the log announces none, whatever the server says."""
    stalling = Stalling(min(images, AT_ONCE), interrupt.send, later)
    with opened(stalling) as it:
        with pytest.raises(type(interrupt.error)):
            it.client.submit([PNG] * images, "p")
        stalling.goes_on.set()
        assert (min(images, AT_ONCE), []) == (it.sent_at_last(), waits())


def refused(before: Callable[[Hostile], object]) -> Misdeed:
    """Refuse the token, after something has happened."""

    def misdeed(connection: socket.socket, server: Hostile) -> None:
        before(server)
        says(answer(b"{}", status="401 Unauthorized"))(connection, server)

    return misdeed


@promises.AT_ONCE
@pytest.mark.server
def test_a_refusal_ends_the_call() -> None:
    """If one upload is refused while the others stall, its error comes at once and no further upload begins."""
    came = threading.Event()
    stalling = Stalling(AT_ONCE - 1, came.set)
    refusing = refused(lambda _: came.wait(STALLED))
    with opened(lambda request: refusing if b"refused" in request else stalling(request)) as it:
        with soon(), pytest.raises(AuthenticationError):
            it.client.submit([PNG, PNG + b"refused", *[PNG] * 7], "p")
        stalling.goes_on.set()
        assert AT_ONCE == it.sent_at_last()


@promises.AT_ONCE
@pytest.mark.server
def test_nothing_is_sent_again_after_a_refusal() -> None:
    """An upload that waits for its next attempt is not sent again once another upload was refused."""
    waits = threading.Event()
    refusing, busy = refused(lambda _: waits.wait(STALLED)), says(BUSY)
    set_on_retry_hooks([lambda _: waits.set()])
    try:
        with stamina.set_testing(False), opened(lambda request: refusing if b"refused" in request else busy) as it:
            with pytest.raises(AuthenticationError):
                it.client.submit([PNG, PNG + b"refused"], "p")
            assert 2 == it.sent_at_last()
    finally:
        set_on_retry_hooks(None)


TENANT = ContextVar("tenant", default="nobody")


def answers(request: httpx2.Request) -> httpx2.Response:
    return {"file": uploaded, "nano-banana-edit": accepted}.get(request.url.path.rpartition("/")[2], task)()


@every_number
def test_context_variables_travel_along(images: int) -> None:
    """A hook of the caller's client sees the caller's context variables in each request, and so does `on_progress`."""
    sent, told = [], []
    hooks = {"request": [lambda _: sent.append(TENANT.get())]}
    with httpx2.Client(transport=httpx2.MockTransport(answers), event_hooks=hooks) as http:
        token = TENANT.set("somebody")
        NanoBananaEdit(token=TOKEN, http_client=http).edit(
            [PNG] * images, "p", on_progress=lambda progress: told.append((progress.stage, TENANT.get()))
        )
        TENANT.reset(token)
    assert ["somebody"] * (images + 2) == sent
    assert [("upload", "somebody"), ("submit", "somebody"), ("wait", "somebody")] == told


def test_one_image_needs_no_thread() -> None:
    """No thread is started for an edit of one local image."""
    during: list[list[threading.Thread]] = []

    def noted(request: httpx2.Request) -> httpx2.Response:
        during.append(threading.enumerate())
        return answers(request)

    before = threading.enumerate()
    with httpx2.Client(transport=httpx2.MockTransport(noted)) as http:
        NanoBananaEdit(token=TOKEN, http_client=http).edit(PNG, "p")
    assert [before] * 3 == during


def test_uploads_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no thread can be started the caller's own thread uploads, and an error does not mention that."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    with httpx2.Client(transport=httpx2.MockTransport(answers)) as http:
        assert "t-1" == NanoBananaEdit(token=TOKEN, http_client=http).submit([PNG] * 9, "p").task_id
    refusing = httpx2.MockTransport(lambda _: httpx2.Response(401))
    with httpx2.Client(transport=refusing) as http, pytest.raises(AuthenticationError) as raised:
        NanoBananaEdit(token=TOKEN, http_client=http).submit([PNG] * 9, "p")
    assert raised.value.__context__ is None
