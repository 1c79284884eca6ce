"""The service as a respx router, for callers on httpx and on httpx2."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import SequenceMatcher
from functools import partial

import httpx
import respx
from respx.models import AllMockedAssertionError, PassThrough, ResolvedRoute

from ..engine.routes import Routes
from ..engine.service import MockService
from .mocker import Httpx2Mocker
from .transport import answer

# The hosts of an application under test: in Starlette's TestClient and httpx's docs, and in FastAPI's docs.
_APPLICATION = frozenset({"testserver", "test"})


def mock_router(service: MockService | None = None) -> respx.MockRouter:
    """Return a respx router that answers for the API and its file host.

    While it is entered, it answers every client of httpx and of httpx2, sync and async, whatever its transport. Each
    operation has a route with the operationId as its name, so `router["createEdit"].call_count` counts edits. The
    service also answers any other request to a documented host, with 404 or 405.

    Requests to other hosts fail the test, even if your code catches the error; the message names the nearest route.
    Add routes of your own for them, with a response of httpx or of respx. Requests to `testserver` and `test`, the
    application under test, go on to the transport of their client unless you add a route.

    Args:
        service: The service; default is a new one.

    Returns:
        The router, a context manager for `with` and `async with`.

    Source: `openapi.yaml#/paths`
    """
    service = service or MockService()
    answering = partial(answer, service)
    router = _Router(assert_all_called=False, using="httpx")
    hosts = Routes(service.contract).by_host
    for operation in service.contract.operations:
        urls = [
            rf"{re.escape(host or '')}(?::\d+)?{pattern.pattern}"
            for host, routes in hosts.items()
            for routed, pattern in routes
            if routed is operation
        ]
        url = rf"^https?://(?:{'|'.join(urls)})(?:\?.*)?$"
        router.route(method=operation.method, url__regex=url, name=operation.id).mock(side_effect=answering)
    router.route(host__in=tuple(hosts)).mock(side_effect=answering)
    router.urls = [f"{op.method} {server}{op.path}" for op in service.contract.operations for server in op.servers]
    return router


class _ToApplication(PassThrough, AllMockedAssertionError):
    """No route matches: respx asks the next router, and after the last one the transport of the client."""


class _Router(respx.MockRouter):
    """A router that lets requests to the application through, and names the nearest route for any other request."""

    urls: Sequence[str] = ()

    def start(self) -> None:
        self.unmatched: list[str] = []
        super().start()
        Httpx2Mocker.register(self)
        Httpx2Mocker.start()

    def stop(self, clear: bool = True, reset: bool = True, quiet: bool = False) -> None:
        Httpx2Mocker.unregister(self)
        Httpx2Mocker.stop()
        super().stop(clear, reset, quiet)
        if self.unmatched and not quiet:
            raise AllMockedAssertionError("\n".join(self.unmatched))

    def resolve(self, request: httpx.Request) -> ResolvedRoute:
        with self._unmatched(request):
            return super().resolve(request)

    async def aresolve(self, request: httpx.Request) -> ResolvedRoute:
        with self._unmatched(request):
            return await super().aresolve(request)

    @contextmanager
    def _unmatched(self, request: httpx.Request) -> Iterator[None]:
        try:
            yield
        except AllMockedAssertionError as error:
            if request.url.host in _APPLICATION:
                raise _ToApplication(str(error), request=request, origin=respx.Route()) from None
            asked = f"{request.method} {request.url}"
            nearest = max(self.urls, key=lambda url: SequenceMatcher(None, url, asked).ratio())
            message = f"{error} The nearest route is {nearest}."
            if self.Mocker and self.Mocker.routers[-1] is self:  # no other router is asked after this one
                self.unmatched.append(message)
            raise AllMockedAssertionError(message) from error
