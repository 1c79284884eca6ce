"""Every kind of client behind one face, for tests that are written once."""

from __future__ import annotations

import gc
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from anyio.from_thread import start_blocking_portal
from attrs import field, frozen
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, aiohttp_client

from .misdeeds import TOKEN


@asynccontextmanager
async def on_aiohttp(**options: Any) -> AsyncIterator[AsyncNanoBananaEdit]:
    """The async client on the transport of the extra."""
    async with aiohttp_client() as http, AsyncNanoBananaEdit(http_client=http, **options) as client:
        yield client


# Name -> event loop, if any, and what makes the client: a (then async) context manager from the client's arguments.
FACES: dict[str, tuple[str | None, Callable[..., Any]]] = {
    "sync": (None, NanoBananaEdit),
    "asyncio": ("asyncio", AsyncNanoBananaEdit),
    "trio": ("trio", AsyncNanoBananaEdit),
    "aiohttp": ("asyncio", on_aiohttp),
}


@frozen
class Face:
    """A client, and a way to call it and what it returns that waits for the answer."""

    client: Any
    _run: Callable[..., Any] = field(repr=False)

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what a method returns, awaited where it must be."""
        return self._run(partial(_finished, function, *args, **kwargs)) if self._run else function(*args, **kwargs)

    def with_options(self, **options: Any) -> Face:
        """Return the same client with other settings."""
        return Face(self.client.with_options(**options), self._run)


async def _finished(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    result = function(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result


@contextmanager
def opened(name: str, **options: Any) -> Iterator[Face]:
    """Open a client, and an event loop for it if it needs one."""
    with opened_as(*FACES[name], **options) as face:
        yield face
    # asyncio leaves what waits for the end of TLS, and httpcore2 a connection if the deadline ends its handshake.
    if name in ("aiohttp", "asyncio") and "https:" in str(options):
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()


@contextmanager
def opened_as(backend: str | None, make: Callable[..., Any], **options: Any) -> Iterator[Face]:
    """Open a client of a kind that is none of `FACES`."""
    if backend is None:
        with make(token=TOKEN, **options) as client:
            yield Face(client, None)
        return
    with (
        start_blocking_portal(backend) as portal,
        portal.wrap_async_context_manager(make(token=TOKEN, **options)) as client,
    ):
        yield Face(client, portal.call)
