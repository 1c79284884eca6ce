"""Both clients behind one face, a service on script, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import anyio
import httpx2
import pytest
from attrs import define, field
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit, _clock

TOKEN = "token-that-must-not-leak"
URL = "https://images.example.test/in.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
JPEG = b"\xff\xd8\xff\xe0" + bytes(32)

Answer: TypeAlias = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


def accepted(task_id: str = "t-1") -> httpx2.Response:
    return httpx2.Response(200, json={"task_id": task_id})


def task(status: str = "completed", **more: Any) -> httpx2.Response:
    result = {"result": ["https://cdn.example.test/out.png"]} if status == "completed" else {}
    return httpx2.Response(200, json={"id": "t-1", "status": status, **result, **more})


def uploaded(url: str = "https://files.example.test/in.png") -> httpx2.Response:
    return httpx2.Response(200, json={"url": url})


def image(content: bytes = PNG) -> httpx2.Response:
    return httpx2.Response(200, content=content)


@define
class Script:
    """A service that gives these answers in this order, and remembers what it was asked."""

    answers: list[Answer]
    requests: list[httpx2.Request] = field(factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx2.Response):  # a fresh one, as httpx2 allows each to be read once
            return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    @property
    def asked(self) -> list[str]:
        """Method and last segment of each request's path."""
        return [f"{request.method} {request.url.path.rpartition('/')[2]}" for request in self.requests]


@define
class Face:
    """One kind of client. `call` runs a method against a script, then closes it; `http` is for its http_client."""

    kind: str

    def call(
        self, script: Callable[..., httpx2.Response] | httpx2.BaseTransport, method: str, *args: Any, **kwargs: Any
    ) -> Any:
        options = {"token": TOKEN, **kwargs.pop("options", {})}
        then = kwargs.pop("then", None)
        transport = script if isinstance(script, httpx2.BaseTransport) else httpx2.MockTransport(script)
        http_options = {"transport": transport, **kwargs.pop("http", {})}
        if self.kind == "sync":
            with httpx2.Client(**http_options) as http, NanoBananaEdit(http_client=http, **options) as client:
                result = getattr(client, method)(*args, **kwargs)
                return then(result) if then else result

        async def run() -> Any:
            async with (
                httpx2.AsyncClient(**http_options) as http,
                AsyncNanoBananaEdit(http_client=http, **options) as client,
            ):
                result = await getattr(client, method)(*args, **kwargs)
                return await then(result) if then else result

        return anyio.run(run, backend=self.kind)


@pytest.fixture(params=["sync", "asyncio", "trio"])
def face(request: pytest.FixtureRequest) -> Face:
    return Face(request.param)


@define
class Clock:
    """A clock that moves only when somebody sleeps, and remembers each sleep in seconds."""

    time: float = 1000.0
    sleeps: list[float] = field(factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return frozen(monkeypatch)


def frozen(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the client a clock that moves only when somebody sleeps."""
    clock = Clock()
    for name in ("now", "sleep", "async_sleep"):
        monkeypatch.setattr(_clock, name, getattr(clock, name))
    return clock


@pytest.fixture
def waits(caplog: pytest.LogCaptureFixture) -> Callable[[], list[float]]:
    """Return the seconds that the client says it waits before it sends something again."""
    caplog.set_level("INFO", "nano_banana_edit")
    return lambda: [record.args[-1] for record in caplog.records if "sent again in" in record.msg]


class Trickle(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes a byte a second, and never ends."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.clock.time += 1
        return b" "

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return next(self)


# httpx2 nests async generators and closes the outer one alone; trio says so of the inner one. The connection is closed.
httpx_leaves_a_generator = pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")


def save(path: Any, **how: Any) -> Callable[[Any], Any]:
    """What to do with an edit: save its first image."""
    return lambda edit: edit.images[0].save(path, **how)


def fetch(edit: Any) -> Any:
    """What to do with an edit: fetch its first image."""
    return edit.images[0].bytes()
