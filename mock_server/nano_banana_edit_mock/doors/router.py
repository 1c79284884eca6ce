"""The service as a respx router, for callers on httpx and on httpx2."""

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from functools import partial
from ipaddress import IPv6Address

import httpx
import httpx2
import respx
from respx.mocks import HTTPCoreMocker, Mocker
from respx.models import AllMockedAssertionError, PassThrough, ResolvedRoute

from ..engine.routes import Routes
from ..engine.service import MockService, service_of
from .mocker import CrossedRequest, Httpx2Mocker
from .transport import answer

# The hosts of an application under test: in Starlette's TestClient and httpx's docs, and in FastAPI's docs.
_APPLICATION = frozenset({"testserver", "test"})
_HOST = re.compile(r"\w[\w.-]*")


def mock_router(service: MockService | None = None, *, allow_hosts: str | Collection[str] = ()) -> respx.MockRouter:
    """Return a respx router that answers for the API and its file host.

    While it is entered, it answers every client of httpx and of httpx2, sync and async, whatever its transport. Each
    operation has a route with the operationId as its name, so `router["createEdit"].call_count` counts edits. The
    service also answers any other request to a documented host, with 404 or 405.

    Requests to other hosts fail the test, even if your code catches the error; the message names the nearest route.
    Add routes of your own for them, with a response of httpx or of respx, or use another mock beside this one: routers
    of respx, and the fixtures of pytest-httpx and httpx2-pytest, are asked before the test fails. Requests to
    `testserver` and `test`, the application under test, go on to the transport of their client unless you add a route.

    Args:
        service: The service; default is a new one.
        allow_hosts: Further hosts whose requests go on to the transport of their client, such as `127.0.0.1`; default
            none. A host is a name or an address without a port.

    Returns:
        The router, a context manager for `with` and `async with`.

    Raises:
        ValueError: `service` is no MockService or a proxy, or a host has a scheme, a port or a path.

    Source: `openapi.yaml#/paths`
    """
    service = service_of(service)
    if service.waits:
        raise ValueError("service is a proxy, whose own requests the router would answer; use MockServer.")
    allowed = [allow_hosts] if isinstance(allow_hosts, str) or not isinstance(allow_hosts, Iterable) else [*allow_hosts]
    for host in allowed:
        if not (isinstance(host, str) and (_HOST.fullmatch(host) or _is_ipv6(host))):
            what = "use a name or an address without scheme, port and path, such as 127.0.0.1"
            raise ValueError(f"allow_hosts has {host!r}; {what}.")
    answering = partial(answer, service)
    router = _Router(assert_all_called=False, using="httpx")
    router.allowed = _APPLICATION.union(map(str.lower, allowed))
    router.beneath = _Beneath(router.allowed)
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


def _is_ipv6(text: str) -> bool:
    with suppress(ValueError):
        return bool(IPv6Address(text))
    return False


class _Onward(PassThrough, AllMockedAssertionError):
    """No route matches: respx asks the next router, and after the last one the transport of the client."""


class _Beneath(respx.Router):
    """Lets allowed hosts through where the routers of respx patch what is beneath the transport of a client."""

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__()
        self._allowed = allowed

    def resolve(self, request: httpx.Request) -> ResolvedRoute:
        onward = PassThrough if request.url.host in self._allowed else _Onward
        raise onward(f"RESPX: {request!r} not mocked!", request=request, origin=respx.Route())

    async def aresolve(self, request: httpx.Request) -> ResolvedRoute:
        return self.resolve(request)


class _Router(respx.MockRouter):
    """A router that asks the other mocks of a test, and names the nearest route if none has an answer."""

    allowed: Collection[str] = ()
    beneath: _Beneath
    urls: Sequence[str] = ()

    def start(self) -> None:
        self.unmatched: list[str] = []
        super().start()
        Httpx2Mocker.register(self)
        Httpx2Mocker.start()
        HTTPCoreMocker.routers.insert(0, self.beneath)  # is asked first, and alone patches nothing

    def stop(self, clear: bool = True, reset: bool = True, quiet: bool = False) -> None:
        Httpx2Mocker.unregister(self)
        Httpx2Mocker.stop()
        HTTPCoreMocker.unregister(self.beneath)
        HTTPCoreMocker.stop()
        super().stop(clear, reset, quiet)
        if self.unmatched and not quiet:
            raise AllMockedAssertionError("\n".join(self.unmatched))

    def resolve(self, request: httpx.Request) -> ResolvedRoute:
        for resolve in [super().resolve, *(router.resolve for router in self._others(request))]:
            with suppress(AllMockedAssertionError):
                return resolve(request)
        raise self._failure(request)

    async def aresolve(self, request: httpx.Request) -> ResolvedRoute:
        for resolve in [super().aresolve, *(router.aresolve for router in self._others(request))]:
            with suppress(AllMockedAssertionError):
                return await resolve(request)
        raise self._failure(request)

    def _others(self, request: httpx.Request) -> list[respx.Router]:
        """Return the routers of respx that have been entered, whatever they patch: those by default see no httpx2."""
        entered = [router for mocker in Mocker.registry.values() for router in mocker.routers]
        others = [router for router in entered if not isinstance(router, _Router | _Beneath)]
        if request.url.host in self.allowed:
            return [router for router in others if any(route.pattern.match(request) for route in router.routes)]
        return others

    def _failure(self, request: httpx.Request) -> Exception:
        message = f"RESPX: {request!r} not mocked!"
        if request.url.host in self.allowed:
            return PassThrough(message, request=request, origin=respx.Route())
        if _is_mocked(request):
            return _Onward(message, request=request, origin=respx.Route())
        asked = f"{request.method} {request.url}"
        nearest = max(self.urls, key=lambda url: SequenceMatcher(None, url, asked).ratio())
        message = f'{message} The nearest route is {nearest}. allow_hosts=["{request.url.host}"] lets it through.'
        if Httpx2Mocker.routers[-1] is self:  # no other router of this kind is asked after this one
            self.unmatched.append(message)
        return AllMockedAssertionError(message)


def _is_mocked(request: httpx.Request) -> bool:
    """Return whether a mock of transports, pytest-httpx or httpx2-pytest, sees what goes on to the client's own."""
    if isinstance(request, CrossedRequest):
        seen = isinstance(request.transport, httpx2.HTTPTransport | httpx2.AsyncHTTPTransport)
        return seen and httpx2.HTTPTransport.handle_request.__module__ == "pytest_httpx2"
    return httpx.HTTPTransport.handle_request.__module__ == "pytest_httpx"
