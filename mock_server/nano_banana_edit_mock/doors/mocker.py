"""A mocker of respx for httpx2: the routers that answer httpx answer httpx2 as well."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import httpx2
from respx.mocks import Mocker
from respx.models import PassThrough

_HTTPX: Any = Mocker.registry["httpx"]  # its routers answer httpx; it has no types


class Httpx2Mocker(Mocker):
    """Asks the routers first, whatever the transport of the client.

    httpx2 has no public place for that. respx patches a private method of httpx's clients, and this patches the same
    method of httpx2's. If it were gone, the import of this module would fail, so that no request could leave.
    """

    name = "nano_banana_edit_mock.httpx2"
    targets: ClassVar = ["httpx2.Client", "httpx2.AsyncClient"]
    target_methods: ClassVar = [httpx2.Client._transport_for_url.__name__]

    @classmethod
    def mock(cls, spec: Callable[..., Any]) -> Callable[..., Any]:
        """Return the replacement of the method."""

        def _transport_for_url(client: Any, *args: Any, **kwargs: Any) -> _Crossing:
            return _Crossing(spec(client, *args, **kwargs))

        return _transport_for_url


class CrossedRequest(httpx.Request):
    """A request of httpx2, for the routers."""

    transport: Any  # of its client


class _Crossing(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """A transport that asks the routers, and the client's own transport if they pass the request through."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def handle_request(self, request: httpx2.Request) -> Any:
        request.read()
        try:
            with _translated():
                return _response(_HTTPX.handler(self._crossed(request)))
        except PassThrough:
            return self._own.handle_request(request)

    async def handle_async_request(self, request: httpx2.Request) -> Any:
        await request.aread()
        try:
            with _translated():
                return _response(await _HTTPX.async_handler(self._crossed(request)))
        except PassThrough:
            return await self._own.handle_async_request(request)

    def _crossed(self, request: httpx2.Request) -> CrossedRequest:
        crossed = CrossedRequest(
            request.method,
            str(request.url),
            headers=request.headers.raw,
            stream=httpx.ByteStream(request.content),  # adds no header, unlike content
            extensions=request.extensions,
        )
        crossed.read()
        crossed.transport = self._own
        return crossed


class _Crossed(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The body of a response of httpx, for httpx2."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            async for part in self._stream:
                yield part

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _response(response: httpx.Response) -> httpx2.Response:
    return httpx2.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_Crossed(response.stream),
        extensions=response.extensions,
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Raise an exception of httpx as the one of httpx2 with its name, or with that of its nearest base."""
    try:
        yield
    except httpx.RequestError as error:
        bases = (base.__name__ for base in type(error).__mro__)
        raise next(getattr(httpx2, name) for name in bases if hasattr(httpx2, name))(str(error)) from error
