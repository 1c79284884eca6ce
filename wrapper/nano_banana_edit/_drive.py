"""The two drivers: they do what a flow asks for, and decide nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any, NoReturn, TypeVar, assert_never, cast

import httpx
from attrs import define
from nano_banana_edit_client import AuthenticatedClient

from . import _clock
from ._body import Body
from ._errors import InvalidRequest, NanoBananaEditError
from ._retry import attempt_timeout, backoff, redacted, translated
from ._settings import Settings
from ._steps import Answer, Call, Fetch, Flow, Sleep, Step, Together, Work
from ._version import __version__

T = TypeVar("T")

_AT_ONCE = 4  # flows side by side: uploads of up to 50 MB each are held in memory
_GRACE = 0.1  # seconds, so that httpx's own timeouts, which tell what was sent, come first
_USER_AGENT = f"nano-banana-edit/{__version__}"


@define
class Bounded:
    """The httpx client as a generated function sees it: its answers are read within the call's limit and time."""

    http: httpx.Client
    step: Call

    def request(self, *, auth: Any, follow_redirects: bool, **request: Any) -> Answer:
        """Send a request and return its answer, read."""
        send = partial(self.http.send, auth=auth, follow_redirects=follow_redirects)
        return _receive(send, _built(self.http, request), self.step)


@define
class AsyncBounded:
    """The twin of `Bounded`."""

    http: httpx.AsyncClient
    step: Call

    async def request(self, *, auth: Any, follow_redirects: bool, **request: Any) -> Answer:
        """Send a request and return its answer, read."""
        send = partial(self.http.send, auth=auth, follow_redirects=follow_redirects)
        return await _async_receive(send, _built(self.http, request), self.step)


def _built(http: httpx.Client | httpx.AsyncClient, request: dict[str, Any]) -> httpx.Request:
    try:
        return http.build_request(**request)
    except httpx.InvalidURL as error:
        raise InvalidRequest(f"The URL to ask for cannot be used ({error}); nothing was sent.") from error


def _receive(send: Callable[..., httpx.Response], request: httpx.Request, step: Call | Fetch) -> Answer:
    body = Body(step)
    response = send(request, stream=True)
    with body.known(response):
        with closing(response):
            body.begin(response)
            for chunk in response.iter_bytes() if response.is_stream_consumed else response.iter_raw():
                body.add(chunk)
        return body.whole(response)


async def _async_receive(
    send: Callable[..., Awaitable[httpx.Response]], request: httpx.Request, step: Call | Fetch
) -> Answer:
    import anyio  # noqa: PLC0415 - comes with httpx; the sync client need not load it

    body = Body(step)
    try:
        with anyio.fail_after(step.deadline.remaining() + _GRACE):
            response = await send(request, stream=True)
            with body.known(response):
                async with aclosing(response):
                    body.begin(response)
                    raw = response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()
                    async with aclosing(cast(AsyncGenerator[bytes, None], raw)) as chunks:
                        async for chunk in chunks:
                            body.add(chunk)
                return body.whole(response)
    except TimeoutError as error:
        raise httpx.ReadTimeout("the time of the call is over") from error


def _authenticated(settings: Settings, call: Call) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=call.base_url,
        token=settings.token,
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": _USER_AGENT},
        timeout=attempt_timeout(call.deadline),
    )


def _anonymous(fetch: Fetch) -> httpx.Request:
    """A request built apart from any client carries no token, cookie or default header."""
    return httpx.Request(
        "GET",
        fetch.url,
        headers={"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": _USER_AGENT},
        extensions={"timeout": attempt_timeout(fetch.deadline).as_dict()},
    )


def _fail(error: Exception) -> NoReturn:
    raise error


def _check_open(http: httpx.Client | httpx.AsyncClient) -> None:
    if http.is_closed:
        raise NanoBananaEditError("The client is closed; make a new one. Nothing was sent.")


@contextmanager
def _open(http: httpx.Client | httpx.AsyncClient, step: Call | Fetch) -> Iterator[None]:
    """Say so where a client is closed, or was closed by another thread just before it sent."""
    _check_open(http)
    try:
        yield
    except RuntimeError:
        if not step.billed:  # of which a transport may have sent some
            _check_open(http)
        raise


@dataclass(slots=True)  # which attrs.asdict of a result, that has one, leaves closed: the token is in it
class Driver:
    """Runs flows on an `httpx.Client`."""

    settings: Settings
    http: httpx.Client

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        advance = partial(flow.send, None)
        while True:
            try:
                with redacted(self.settings):
                    step = advance()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                advance = partial(flow.send, self._do(step))
            except BaseException as error:  # noqa: BLE001 - the flow decides, also about KeyboardInterrupt
                advance = partial(flow.throw, error)

    def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return self._again(step, partial(self._call, step))
            case Fetch():
                return self._again(step, partial(self._fetch, step))
            case Sleep(seconds):
                return _clock.sleep(seconds)
            case Work(function):
                return function()
            case Together(flows):
                return self._together(flows)
            case _:
                assert_never(step)

    def _again(self, step: Call | Fetch, once: Callable[[], Any]) -> Any:
        """Do it once, and where that fails as often as may be. What works at once does not pay for stamina."""
        try:
            return once()
        except Exception as error:  # noqa: BLE001 - the first attempt, which `tries` hands to stamina as it was
            tries: Iterator[Callable[[], Any]] = chain([partial(_fail, error)], repeat(once))
        import stamina  # noqa: PLC0415 - not before something fails

        caller = stamina.RetryingCaller(attempts=self.settings.max_retries + 1, timeout=None)
        return caller(backoff(step, self.settings), lambda: next(tries)())  # noqa: PLW0108 - the next one each time

    def _together(self, flows: Sequence[Flow[Any]]) -> list[Any]:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most calls go alone

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            runs = [pool.submit(self.run, flow) for flow in flows]
            try:
                return [run.result() for run in runs]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _call(self, call: Call) -> Any:
        with redacted(self.settings), translated(call), _open(self.http, call):  # before stamina tells a log of it
            bounded = cast(httpx.Client, Bounded(self.http, call))
            client = _authenticated(self.settings, call).set_httpx_client(bounded)
            return call.read(call.sync(client=client))

    def _fetch(self, fetch: Fetch) -> Any:
        with translated(fetch), _open(self.http, fetch):
            send = partial(self.http.send, auth=None, follow_redirects=False)
            response = _receive(send, _anonymous(fetch), fetch)
        return fetch.read(response)


@dataclass(slots=True)
class AsyncDriver:
    """Runs flows on an `httpx.AsyncClient`; the twin of `Driver`."""

    settings: Settings
    http: httpx.AsyncClient

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end and return its result."""
        advance = partial(flow.send, None)
        while True:
            try:
                with redacted(self.settings):
                    step = advance()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]
            try:
                advance = partial(flow.send, await self._do(step))
            except BaseException as error:  # noqa: BLE001 - the flow decides, also about cancellation
                advance = partial(flow.throw, error)

    async def _do(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._again(step, partial(self._call, step))
            case Fetch():
                return await self._again(step, partial(self._fetch, step))
            case Sleep(seconds):
                return await _clock.async_sleep(seconds)
            case Work(function, deadline):
                from . import _threads  # noqa: PLC0415 - the sync client need not load it

                return await _threads.run(function, deadline)
            case Together(flows):
                return await self._together(flows)
            case _:
                assert_never(step)

    async def _again(self, step: Call | Fetch, once: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await once()
        except Exception as error:  # noqa: BLE001 - as in the twin
            tries: Iterator[Callable[[], Awaitable[Any]]] = chain([partial(_fail, error)], repeat(once))
        import stamina  # noqa: PLC0415 - not before something fails

        caller = stamina.AsyncRetryingCaller(attempts=self.settings.max_retries + 1, timeout=None)
        return await caller(backoff(step, self.settings), lambda: next(tries)())  # noqa: PLW0108 - the next one each time

    async def _call(self, call: Call) -> Any:
        with redacted(self.settings), translated(call), _open(self.http, call):
            bounded = cast(httpx.AsyncClient, AsyncBounded(self.http, call))
            client = _authenticated(self.settings, call).set_async_httpx_client(bounded)
            return call.read(await call.async_(client=client))

    async def _fetch(self, fetch: Fetch) -> Any:
        with translated(fetch), _open(self.http, fetch):
            send = partial(self.http.send, auth=None, follow_redirects=False)
            response = await _async_receive(send, _anonymous(fetch), fetch)
        return fetch.read(response)

    async def _together(self, flows: Sequence[Flow[Any]]) -> list[Any]:
        import anyio  # noqa: PLC0415 - comes with httpx; the sync client need not load it

        results: list[Any] = [None] * len(flows)
        failures: list[Exception] = []
        free = anyio.Semaphore(_AT_ONCE)

        async def one(index: int) -> None:
            try:
                async with free:
                    results[index] = await self.run(flows[index])
            except Exception as error:  # noqa: BLE001 - raised below, without the group around it
                failures.append(error)
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                for index in range(len(flows)):
                    group.start_soon(one, index)
        except BaseExceptionGroup as interrupts:  # trio's way to say KeyboardInterrupt; a cancellation comes alone
            raise interrupts.exceptions[0] from None
        if failures:
            raise failures[0]
        return results
