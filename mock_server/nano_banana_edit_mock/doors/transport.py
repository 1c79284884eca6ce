"""The service as a transport, for clients of httpx and of httpx2."""

from typing import Any

import httpx
import httpx2

from ..engine.records import Request
from ..engine.service import MockService, service_of
from .exceptions import in_process, raw


class MockTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport, httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers requests in process, each with a response or an exception of its own library."""

    def __init__(self, service: MockService) -> None:
        self._service = service

    def handle_request(self, request: Any) -> Any:
        """Answer a request."""
        request.read()
        return answer(self._service, request)

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request."""
        if self._service.waits:
            raise ValueError("service is a proxy, which would block the event loop; serve it with MockServer.")
        await request.aread()
        return answer(self._service, request)


def mock_transport(service: MockService | None = None) -> MockTransport:
    """Return a transport that answers every request in process.

    Args:
        service: The service; default is a new one.

    Returns:
        A transport for clients of httpx2 and of httpx, sync and async.

    Source: `openapi.yaml#/paths`
    """
    return MockTransport(service_of(service))


def answer(service: MockService, request: Any) -> Any:
    """Return the response to a request in its own library; its body must have been read."""
    library: Any = httpx if isinstance(request, httpx.Request) else httpx2
    # As bytes, because the libraries decode and encode values each in its own way.
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    response = service.handle(Request(request.method, str(request.url), headers, request.content))
    if response.fault:
        return in_process(response, response.fault, library)
    # A stream, because the headers are complete, and from content a library would guess them again.
    return library.Response(response.status, headers=raw(response.headers), stream=library.ByteStream(response.body))
