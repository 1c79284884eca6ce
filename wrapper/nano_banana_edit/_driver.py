"""The sync driver, and what it shares with its twin. A driver does what an operation asks for, and decides nothing."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar, assert_never

import httpx2

from . import _clock
from ._attempt import Attempt
from ._effects import Call, Effect, Operation, Send, Sleep, Together, Work
from ._errors import NOT_ASYNC, NanoBananaEditError, must_be, redacted
from ._reading import Body
from ._retry import again
from ._settings import Settings, from_environment
from ._transport import client

T = TypeVar("T")

AT_ONCE = 4  # operations side by side: uploads of up to 50 MB each are held in memory
_LONGEST_WAIT = 0.5  # seconds until a signal is handled that came just before a wait began, and so does not end it


@dataclass(slots=True)  # which attrs.asdict of a result, that has one, leaves closed: the token is in it
class Driver:
    """Runs operations on an `httpx2.Client`."""

    settings: Settings
    http: httpx2.Client
    make: Callable[..., httpx2.Request]  # what makes a request of the API: with what the caller's client adds, or bare
    stopped: threading.Event = field(default_factory=threading.Event)  # whether nothing more is to be sent

    @classmethod
    def connected(cls, settings: Settings) -> Self:
        with from_environment():
            return cls(settings, client(), httpx2.Request)

    def run(self, operation: Operation[T]) -> T:
        """Run an operation to its end and return its result."""
        advance = partial(operation.send, None)
        with redacted(self.settings.token):
            while True:
                try:
                    effect = advance()
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                try:
                    advance = partial(operation.send, self._do(effect))
                except BaseException as error:  # noqa: BLE001 - the operation decides, also about KeyboardInterrupt
                    advance = partial(operation.throw, error)

    def _do(self, effect: Effect) -> Any:
        match effect:
            case Send():
                return self._again(effect)
            case Sleep(seconds):
                return _clock.sleep(seconds)
            case Work(function):
                return function()
            case Call(function):
                return _refused_if_async(function())
            case Together(operations):
                return self._together(operations) if len(operations) > 1 else [self.run(*operations)]
            case _:
                assert_never(effect)

    def _again(self, send: Send) -> Any:
        """Send once, and after a failure as often as may be. A request that works at once does not pay for stamina."""
        try:
            return self._send(send)
        except NanoBananaEditError as error:
            if self.stopped.is_set():
                raise
            failure = error
        import stamina  # noqa: PLC0415 - not before something fails

        return again(stamina.RetryingCaller, send, self.settings, failure, partial(self._send, send))

    def _send(self, send: Send) -> Any:
        if self.stopped.is_set():  # while a file was read, or before the next attempt
            raise NanoBananaEditError("The call is over; nothing was sent.")
        attempt = Attempt(send, self.http, self.settings)
        try:
            request = attempt.build(self.make, attempt.trace)
            response = self.http.send(request, stream=True, auth=None, follow_redirects=False)
            attempt.body = body = Body(send, response)
            try:
                with closing(response):
                    for chunk in body.chunks():
                        body.add(chunk)
                return body.result()
            except BaseException as error:
                attempt.note_task(error)
                raise
        except Exception as error:  # noqa: BLE001 - named below
            failure = error
        with redacted(self.settings.token):  # before stamina logs it
            return attempt.fail(failure)

    def _together(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run each operation in a thread; nobody waits for one once another failed, or the caller is interrupted."""
        waiting = deque(enumerate(operations))
        done: SimpleQueue[tuple[int, Any, BaseException | None]] = SimpleQueue()
        driver = replace(self, stopped=threading.Event())

        def work() -> None:
            while waiting and not driver.stopped.is_set():
                with suppress(IndexError):  # another thread took the last one
                    index, operation = waiting.popleft()
                    try:
                        done.put((index, driver.run(operation), None))
                    except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
                        driver.stopped.set()
                        done.put((index, None, error))

        results: list[Any] = [None] * len(operations)
        try:
            for _ in range(min(AT_ONCE, len(operations))):
                _in_thread(work)
            for _ in operations:
                index, results[index], error = _next(done)
                if error:
                    raise error
        finally:
            driver.stopped.set()
        return results


def _refused_if_async(result: object) -> None:
    if isinstance(result, Coroutine):
        result.close()  # otherwise Python warns that nobody awaited it
        raise must_be(NOT_ASYNC, "on_progress", result)


def _next(done: SimpleQueue[T]) -> T:
    while True:
        with suppress(Empty):
            return done.get(timeout=_LONGEST_WAIT)


def _in_thread(work: Callable[[], None]) -> None:
    """Start a thread that does not hold up the end of the process, in the context of this one."""
    with suppress(RuntimeError):  # the process is at its end, or has too many threads
        threading.Thread(target=contextvars.copy_context().run, args=(work,), daemon=True).start()
        return
    work()
