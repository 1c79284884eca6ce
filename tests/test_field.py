"""What the mocks, recorders and tracers of the field see of the client, counted on both sides.

Each cell of the table in docs/how-to/other-tools.md is a test.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import httpx2
import pytest
import respx
import vcr
from attrs import define, field
from nano_banana_edit import AsyncNanoBananaEdit, NanoBananaEdit
from nano_banana_edit_mock import mock_router
from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from vcr.errors import CannotOverwriteExistingCassetteException

from . import promises
from .hostile.faces import FACES, Face, opened_as
from .hostile.misdeeds import TOKEN, URL
from .hostile.server import Hostile, Misdeed, answer, says
from .test_public import ROOT

pytestmark = pytest.mark.server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
POLL = "GET /v1/tasks/t-1"
EDIT = ["POST /api/upload/file", "POST /v1/generate/k/nano-banana-edit", POLL, POLL, "GET /out.png"]
CLAIMS = {  # cell of the table -> what the tool has seen, and what has reached the server
    "answers": (EDIT, []),
    "**network**": ([], EDIT),
    "records": (EDIT, EDIT),
    "sees": (EDIT, EDIT),
    "nothing": ([], EDIT),
}
Seen: TypeAlias = Callable[[], list[str]]  # method and path of each request that a tool has seen


@contextmanager
def on_own_client(**options: Any) -> Iterator[NanoBananaEdit]:
    with httpx2.Client() as http, NanoBananaEdit(http_client=http, **options) as client:
        yield client


@asynccontextmanager
async def on_own_async_client(**options: Any) -> AsyncIterator[AsyncNanoBananaEdit]:
    async with httpx2.AsyncClient() as http, AsyncNanoBananaEdit(http_client=http, **options) as client:
        yield client


KINDS = {**FACES, "own": (None, on_own_client), "own-async": ("asyncio", on_own_async_client)}
COLUMNS = {
    "sync client": ["sync"],
    "async client": ["asyncio", "trio"],
    "`aiohttp_client()`": ["aiohttp"],
    "your own httpx2 client": ["own", "own-async"],
}


@define
class Service:
    """The answers to one edit, and what they were for."""

    origin: str = ""
    requests: list[str] = field(factory=list)

    def body(self, method: str, path: str) -> bytes:
        self.requests.append(request := f"{method} {path}")
        if request == POLL and self.requests.count(POLL) == 1:
            return b'{"id": "t-1", "status": "pending"}'
        return {
            EDIT[0]: b'{"url": "https://files.example.test/in.png"}',
            EDIT[1]: b'{"task_id": "t-1"}',
            POLL: b'{"id": "t-1", "status": "completed", "result": ["%s/out.png"]}' % self.origin.encode(),
            EDIT[-1]: PNG,
        }[request]

    def on_the_wire(self, request: bytes) -> Misdeed:
        method, path, _ = request.decode("latin-1").split(maxsplit=2)
        return says(answer(self.body(method, path)))

    def in_process(self, library: Any, request: Any) -> Any:
        return library.Response(200, content=self.body(request.method, request.url.path))


@contextmanager
def our_router(mock: Service, _: pytest.FixtureRequest) -> Iterator[Seen]:
    with mock_router() as router:
        router.route(host="127.0.0.1").mock(side_effect=partial(mock.in_process, httpx))
        yield lambda: mock.requests


@contextmanager
def respx_router(mock: Service, _: pytest.FixtureRequest, **options: Any) -> Iterator[Seen]:
    with respx.mock(assert_all_called=False, **options) as router:
        router.route().mock(side_effect=partial(mock.in_process, httpx))
        yield lambda: mock.requests


@contextmanager
def respx_router_beside_ours(mock: Service, request: pytest.FixtureRequest, **options: Any) -> Iterator[Seen]:
    with respx_router(mock, request, **options) as seen, mock_router():
        yield seen


@contextmanager
def plugin(fixture: str, library: Any, mock: Service, request: pytest.FixtureRequest) -> Iterator[Seen]:
    callback = partial(mock.in_process, library)
    request.getfixturevalue(fixture).add_callback(callback, is_reusable=True, is_optional=True)
    yield lambda: mock.requests


@contextmanager
def vcrpy(_: Service, request: pytest.FixtureRequest) -> Iterator[Seen]:
    with vcr.use_cassette(request.getfixturevalue("tmp_path") / "edit.yaml") as cassette:
        yield lambda: [f"{request.method} {request.path}" for request in cassette.requests]


@contextmanager
def opentelemetry(instrumentor: Any, *_: object) -> Iterator[Seen]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor().instrument(tracer_provider=provider)
    try:
        yield lambda: [
            f"{span.name} {httpx2.URL(span.attributes['http.url']).path}" for span in exporter.get_finished_spans()
        ]
    finally:
        instrumentor().uninstrument()


TOOLS: dict[str, Callable[..., Any]] = {
    "`mock_router()` of this package": our_router,
    "`httpx2_mock` of httpx2-pytest": partial(plugin, "httpx2_mock", httpx2),
    "`httpx_mock` of pytest-httpx": partial(plugin, "httpx_mock", httpx),
    "`respx.mock`": respx_router,
    '`respx.mock(using="httpx")`': partial(respx_router, using="httpx"),
    "`respx.mock` beside `mock_router()`": respx_router_beside_ours,
    '`respx.mock(using="httpx")` beside `mock_router()`': partial(respx_router_beside_ours, using="httpx"),
    "`vcr.use_cassette()` of vcrpy": vcrpy,
    "`HTTPX2ClientInstrumentor` of OpenTelemetry": partial(opentelemetry, HTTPX2ClientInstrumentor),
    "`HTTPXClientInstrumentor` of OpenTelemetry": partial(opentelemetry, HTTPXClientInstrumentor),
}
TABLE = re.findall(r"^\|.*\|$", (ROOT / "docs/how-to/other-tools.md").read_text(), re.MULTILINE)
(_, *HEAD), _, *ROWS = [row.strip("| ").split(" | ") for row in TABLE]
CELLS = [
    pytest.param(tool, kind, cell, id=f"{re.sub('[`*]', '', tool)}-{kind}")
    for tool, *cells in ROWS
    for column, cell in zip(HEAD, cells, strict=True)
    for kind in COLUMNS[column]
]
every_kind = pytest.mark.parametrize("kind", KINDS)


@contextmanager
def serving() -> Iterator[Service]:
    """Open a service on a port."""
    service = Service()
    with Hostile([], usual=service.on_the_wire) as server:
        service.origin = server.origin
        yield service


@contextmanager
def client(kind: str, service: Service) -> Iterator[Face]:
    with opened_as(*KINDS[kind], base_url=f"{service.origin}/v1", poll_interval=0.01, max_retries=0) as face:
        yield face


def edit(face: Face, prompt: str = "make it snow") -> bytes:
    return face(face(face.client.edit, PNG, prompt).images[0].bytes)


@promises.OBSERVED
@pytest.mark.parametrize(("tool", "kind", "cell"), CELLS)
def test_what_a_tool_sees(tool: str, kind: str, cell: str, request: pytest.FixtureRequest) -> None:
    """A tool sees each request of an edit or none, and what it does not answer reaches the server."""
    with serving() as service, TOOLS[tool](Service(service.origin), request) as seen, client(kind, service) as face:
        assert PNG == edit(face)
        assert CLAIMS[cell] == (seen(), service.requests)


def test_each_tool_has_a_line() -> None:
    """The table has one line for each tool that is tested."""
    assert [*TOOLS] == [tool for tool, *_ in ROWS]


@pytest.mark.parametrize(
    ("fixture", "arrange", "outcome"),
    [
        ("httpx_mock", "httpx_mock.add_response()", {"passed": 1, "errors": 1}),
        ("respx_mock", "respx_mock.route()", {"passed": 1}),
    ],
)
def test_a_mock_for_httpx_stops_nothing(
    fixture: str, arrange: str, outcome: dict[str, int], pytester: pytest.Pytester
) -> None:
    """A test with a mock for httpx sends its edit to the network. pytest-httpx fails it then; respx lets it pass."""
    with serving() as service:
        pytester.makepyfile(
            f"""
            from nano_banana_edit import NanoBananaEdit

            def test_edit({fixture}):
                {arrange}
                with NanoBananaEdit(token="any", base_url="{service.origin}/v1") as client:
                    client.submit("{URL}", "make it snow")
            """
        )
        result = pytester.runpytest_subprocess(
            "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-p", "no:asyncio", "-p", "no:xdist"
        )
        assert outcome == result.parseoutcomes()
        assert EDIT[1:2] == service.requests


@every_kind
def test_a_cassette_plays_an_edit(kind: str, tmp_path: Path) -> None:
    """What vcrpy has recorded it plays, whatever the prompt, and nothing reaches the server; the token is left out."""
    cassette = tmp_path / "edit.yaml"
    with serving() as service:
        for mode, prompt in (("once", "make it snow"), ("none", "make it rain")):
            recorder = vcr.VCR(record_mode=mode, filter_headers=["authorization"])
            with recorder.use_cassette(cassette), client(kind, service) as face:
                assert PNG == edit(face, prompt)
        assert EDIT == service.requests
    text = cassette.read_text()
    assert "make it snow" in text
    assert f"{service.origin}/out.png" in text
    assert TOKEN not in text


@every_kind
def test_a_cassette_has_the_token(kind: str, tmp_path: Path) -> None:
    """Without `filter_headers` the token is in the cassette."""
    with serving() as service, vcr.use_cassette(tmp_path / "edit.yaml"), client(kind, service) as face:
        edit(face)
    assert TOKEN in (tmp_path / "edit.yaml").read_text()


MISSING = CannotOverwriteExistingCassetteException


@every_kind
def test_a_missing_cassette_costs_nothing(kind: str, tmp_path: Path) -> None:
    """With `record_mode="none"` an edit that is not in the cassette is an error, and nothing reaches the server."""
    with serving() as service, client(kind, service) as face:
        with vcr.use_cassette(tmp_path / "missing.yaml", record_mode="none"), pytest.raises(MISSING):
            face(face.client.submit, URL, "make it snow")
        assert [] == service.requests


@every_kind
def test_no_spans_behind_our_router(kind: str, request: pytest.FixtureRequest) -> None:
    """OpenTelemetry sees no request that `mock_router` answers."""
    mock = Service("http://127.0.0.1:9")
    with opentelemetry(HTTPX2ClientInstrumentor) as spans, our_router(mock, request), client(kind, mock) as face:
        edit(face)
        assert ([], EDIT) == (spans(), mock.requests)
