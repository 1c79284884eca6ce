"""The async driver, on asyncio and trio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, TypeVar, assert_never, cast

import anyio
import anyio.to_thread
import httpx2
from anyio.lowlevel import RunVar, checkpoint_if_cancelled

from . import _clock
from ._attempt import Attempt, time_is_over
from ._driver import AT_ONCE
from ._effects import Call, Effect, Operation, Send, Sleep, Together, Work
from ._errors import NanoBananaEditError, redacted
from ._reading import Body
from ._retry import again
from ._settings import Settings, from_environment
from ._transport import async_client

T = TypeVar("T")

_GRACE = 0.1  # seconds, so that httpx2's own timeouts, whose names say more, come first
_WORKERS = 40  # threads of one event loop for files, apart from those of the application, which may all be busy
_workers: RunVar[anyio.CapacityLimiter] = RunVar("nano_banana_edit")


@dataclass(slots=True)
class AsyncDriver:
    """Runs operations on an `httpx2.AsyncClient`; the twin of `Driver`."""

    settings: Settings
    http: httpx2.AsyncClient
    make: Callable[..., httpx2.Request]

    @classmethod
    def connected(cls, settings: Settings) -> Self:
        with from_environment():
            return cls(settings, async_client(), httpx2.Request)

    async def run(self, operation: Operation[T]) -> T:
        advance = partial(operation.send, None)
        with redacted(self.settings.token):
            while True:
                try:
                    effect = advance()
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                try:
                    advance = partial(operation.send, await self._do(effect))
                except BaseException as error:  # noqa: BLE001 - the operation decides, also about cancellation
                    advance = partial(operation.throw, error)

    async def _do(self, effect: Effect) -> Any:
        match effect:
            case Send():
                return await self._again(effect)
            case Sleep(seconds):
                return await _clock.async_sleep(seconds)
            case Work():
                return await self._work(effect)
            case Call(function):
                result = function()
                return await result if inspect.isawaitable(result) else result
            case Together(operations):
                return await self._together(operations) if len(operations) > 1 else [await self.run(*operations)]
            case _:
                assert_never(effect)

    async def _again(self, send: Send) -> Any:
        try:
            return await self._send(send)
        except NanoBananaEditError as error:
            failure = error
        import stamina  # noqa: PLC0415 - not before something fails

        return await again(stamina.AsyncRetryingCaller, send, self.settings, failure, partial(self._send, send))

    async def _send(self, send: Send) -> Any:
        attempt = Attempt(send, self.http, self.settings)
        try:
            with anyio.move_on_after(send.deadline.remaining() + _GRACE):
                return await self._receive(send, attempt)
        except Exception as error:  # noqa: BLE001 - named below
            failure = error
        else:
            failure = attempt.late()
            attempt.note_task(failure)
        with redacted(self.settings.token):  # before stamina logs it
            return attempt.fail(failure)

    async def _receive(self, send: Send, attempt: Attempt) -> Any:
        request = attempt.build(self.make, attempt.atrace)
        response = await self.http.send(request, stream=True, auth=None, follow_redirects=False)
        attempt.body = body = Body(send, response)
        try:
            chunks = cast(AsyncGenerator[bytes, None], body.async_chunks())
            async with aclosing(response), aclosing(chunks):
                async for chunk in chunks:
                    body.add(chunk)
            return body.result()
        except BaseException as error:
            attempt.note_task(error)
            raise

    async def _work(self, work: Work) -> Any:
        """Call a function in a thread, however long it takes there, if one is free in time."""
        if work.shielded:
            return await _to_the_end(work.function)
        limiter = _workers.get(None)
        if limiter is None:
            _workers.set(limiter := anyio.CapacityLimiter(_WORKERS))
        with anyio.move_on_after(work.deadline.remaining()):
            async with limiter:
                result = await _to_the_end(work.function)
            await checkpoint_if_cancelled()  # before the next effect, which may be a submission
            return result
        raise time_is_over(work.deadline)

    async def _together(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        results: list[Any] = [None] * len(operations)
        failures: list[Exception] = []
        free = anyio.Semaphore(AT_ONCE)

        async def one(index: int) -> None:
            try:
                async with free:
                    results[index] = await self.run(operations[index])
            except Exception as error:  # noqa: BLE001 - raised below, without the group around it
                failures.append(error)
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                for index in range(len(operations)):
                    group.start_soon(one, index)
        except BaseExceptionGroup as interrupts:  # trio's way to say KeyboardInterrupt; a cancellation comes alone
            raise interrupts.exceptions[0] from None
        if failures:
            raise failures[0]
        return results


async def _to_the_end(function: Callable[[], T]) -> T:
    """Call a function in a thread, and wait for its end, even if the caller is cancelled.

    A shield of anyio does not hold against `asyncio.Task.cancel`, as by `asyncio.timeout` and Ctrl-C.
    """
    with anyio.CancelScope(shield=True):
        call = anyio.to_thread.run_sync(_tried, function, limiter=anyio.CapacityLimiter(1))
        if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
            call = _held(asyncio.ensure_future(call))
        result, error = await call
    if error:
        raise error
    return result  # type: ignore[return-value]


async def _held(task: asyncio.Task[T]) -> T:
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    return task.result()


def _tried(function: Callable[[], T]) -> tuple[T | None, BaseException | None]:
    """Return the result of a function, or its error: KeyboardInterrupt would leave a task of asyncio by its loop."""
    try:
        return function(), None
    except BaseException as error:  # noqa: BLE001 - raised by the caller
        return None, error
