"""Other mocks beside ours: each answers for its hosts, in any order, and nothing else is let through."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import respx
import vcr
from fastapi import FastAPI
from fastapi.testclient import TestClient
from nano_banana_edit import AsyncNanoBananaEdit, aiohttp_client
from nano_banana_edit_mock import mock_router
from vcr.errors import CannotOverwriteExistingCassetteException

API = "https://api.sinancode.com/v1/tasks/t"
ELSEWHERE = "https://elsewhere.test/"
FIXTURES = {"httpx_mock": httpx, "httpx2_mock": httpx2}
SWALLOWED = "not mocked! The nearest route is .* allow_hosts=.* lets it through"

every_library = pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
every_way = pytest.mark.parametrize("way", ["sync", "async"])
every_order = pytest.mark.parametrize("ours_first", [True, False], ids=["ours-first", "ours-last"])
every_router = pytest.mark.parametrize("options", [{}, {"using": "httpx"}], ids=["default", "httpx"])
every_fixture = pytest.mark.parametrize("fixture", FIXTURES)


def get(library: Any, way: str, url: str = ELSEWHERE) -> int:
    """Return the status of the answer to a request."""

    async def run() -> Any:
        async with library.AsyncClient() as client:
            return await client.get(url)

    return (anyio.run(run) if way == "async" else library.get(url)).status_code


@contextmanager
def entered(ours_first: bool, *others: Any) -> Iterator[None]:
    """Enter our router and others, in either order."""
    with ExitStack() as stack:
        for context in (mock_router(), *others) if ours_first else (*others, mock_router()):
            stack.enter_context(context)
        yield


@every_library
@every_way
@every_order
@every_router
def test_a_router_of_respx(library: Any, way: str, ours_first: bool, options: dict[str, str]) -> None:
    """A router of respx answers for its hosts, counts what it answered, and leaves ours to the service."""
    router = respx.mock(**options)
    route = router.get(ELSEWHERE).respond(204)
    with entered(ours_first, router):
        assert (204, 401) == (get(library, way), get(library, way, API))
        assert 1 == route.call_count == router.calls.call_count


@every_library
@every_order
def test_the_global_router_of_respx(library: Any, ours_first: bool) -> None:
    """Routes of the module respx answer, as a decorator and as the fixture enter them."""

    @respx.mock
    def decorated() -> int:
        respx.get(ELSEWHERE).respond(204)
        with nullcontext() if ours_first else mock_router():
            return get(library, "sync")

    with mock_router() if ours_first else nullcontext():
        assert 204 == decorated()


@every_library
@every_order
def test_the_fixture_of_respx(library: Any, ours_first: bool, request: pytest.FixtureRequest) -> None:
    """The fixture of respx answers beside ours, whichever a test takes first."""
    names = ["nano_banana_edit_mock", "respx_mock"]
    for name in names if ours_first else reversed(names):
        request.getfixturevalue(name)
    request.getfixturevalue("respx_mock").get(ELSEWHERE).respond(204)
    assert (204, 401) == (get(library, "sync"), get(library, "sync", API))


@every_library
@every_way
@every_order
def test_a_router_that_answers_everything(library: Any, way: str, ours_first: bool) -> None:
    """A router of respx without `assert_all_mocked` answers other hosts with 200, and not the application."""
    app = FastAPI()
    app.get("/")(lambda: "application")
    with entered(ours_first, respx.mock(assert_all_mocked=False)):
        assert (200, 401) == (get(library, way), get(library, way, API))
        assert "application" == TestClient(app).get("/").json()


@every_library
@every_way
@every_router
def test_what_no_router_answers(library: Any, way: str, options: dict[str, str]) -> None:
    """A host that neither router has a route for fails the test, also if somebody catches the error."""
    other = respx.mock(assert_all_called=False, **options)
    other.get("https://third.test/").respond(204)
    with pytest.raises(AssertionError, match=SWALLOWED), mock_router(), other, suppress(AssertionError):
        get(library, way)


@every_library
def test_a_router_within_ours(library: Any) -> None:
    """Of two routers of ours either answers by its own routes, and what neither has a route for fails the test once."""
    with mock_router() as outer:
        outer.get("https://third.test/").respond(203)
        inner = mock_router()
        inner.get(ELSEWHERE).respond(204)
        with inner:
            assert (203, 204) == (get(library, "sync", "https://third.test/"), get(library, "sync"))
        with pytest.raises(AssertionError, match=SWALLOWED), inner, suppress(AssertionError):
            get(library, "sync", "https://fourth.test/")


@every_fixture
@every_way
@every_order
def test_a_mock_of_transports(fixture: str, way: str, ours_first: bool, request: pytest.FixtureRequest) -> None:
    """pytest-httpx answers httpx, and its twin httpx2, for other hosts alone, whichever a test takes first."""
    names = ["nano_banana_edit_mock", fixture]
    for name in names if ours_first else reversed(names):
        request.getfixturevalue(name)
    library = FIXTURES[fixture]
    request.getfixturevalue(fixture).add_response(url=ELSEWHERE, status_code=204)
    assert (204, 401) == (get(library, way), get(library, way, API))
    assert 1 == len(request.getfixturevalue(fixture).get_requests())


@every_fixture
@every_way
def test_a_mock_of_transports_without_a_response(fixture: str, way: str, request: pytest.FixtureRequest) -> None:
    """What the mock of transports has no response for fails as it does without ours."""
    mock = request.getfixturevalue(fixture)
    with mock_router(), pytest.raises(FIXTURES[fixture].TimeoutException, match="No response can be found"):
        get(FIXTURES[fixture], way)
    mock.reset()


@every_fixture
@every_way
def test_a_mock_of_the_other_library(fixture: str, way: str, request: pytest.FixtureRequest) -> None:
    """A mock that does not see a library's transports lets none of its requests through."""
    request.getfixturevalue(fixture)
    (blind,) = {*FIXTURES.values()} - {FIXTURES[fixture]}
    with pytest.raises(AssertionError, match=SWALLOWED), mock_router(), suppress(AssertionError):
        get(blind, way)


def test_a_mock_of_the_other_transports(httpx2_mock: Any) -> None:
    """A mock of httpx2's own transports lets none of aiohttp's requests through."""

    async def run() -> None:
        async with AsyncNanoBananaEdit(token="t", base_url=ELSEWHERE, http_client=aiohttp_client()) as client:
            await client.get_task("t-1")

    with pytest.raises(AssertionError, match=SWALLOWED), mock_router():
        anyio.run(run)


class Local(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def local() -> Iterator[str]:
    """A server of the application's own on this machine."""
    with HTTPServer(("127.0.0.1", 0), Local) as server:
        Thread(target=partial(server.serve_forever, poll_interval=0.01)).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.server
@every_library
@every_way
@pytest.mark.parametrize("hosts", ["127.0.0.1", ["localhost", "127.0.0.1"]])
def test_a_local_server(local: str, library: Any, way: str, hosts: Any) -> None:
    """Hosts that are allowed are reached, the service is mocked all the same, and other hosts fail the test."""
    with mock_router(allow_hosts=hosts):
        assert (204, 401) == (get(library, way, local), get(library, way, API))
    with pytest.raises(AssertionError, match=SWALLOWED), mock_router(allow_hosts=hosts):
        get(library, way)


@pytest.mark.server
@every_library
def test_a_local_server_through_respx(local: str, library: Any) -> None:
    """A route of respx that passes through reaches a local server as well."""
    with mock_router(), respx.mock as router:
        router.route(host="127.0.0.1").pass_through()
        assert 204 == get(library, "sync", local)


@pytest.mark.server
@every_library
@every_way
@every_order
@every_router
def test_a_local_server_beside_respx(
    local: str, library: Any, way: str, ours_first: bool, options: dict[str, str]
) -> None:
    """A host that is allowed is reached beside a router of respx, unless that has a route for it; others are not."""
    other = respx.mock(**options)
    other.get(f"{local}mocked").respond(203)
    ours = mock_router(allow_hosts="127.0.0.1")
    with ExitStack() as stack:
        for context in (ours, other) if ours_first else (other, ours):
            stack.enter_context(context)
        assert [203, 204] == [get(library, way, f"{local}mocked"), get(library, way, local)]
    with pytest.raises(AssertionError, match=SWALLOWED), ours, respx.mock(**options), suppress(AssertionError):
        get(library, way)


@pytest.mark.server
@pytest.mark.nano_banana_edit_mock(allow_hosts=["127.0.0.1"])
@pytest.mark.httpx_mock(should_mock=lambda request: request.url.host != "127.0.0.1")
@pytest.mark.httpx2_mock(should_mock=lambda request: request.url.host != "127.0.0.1")
@every_fixture
@every_order
def test_a_local_server_beside_a_mock_of_transports(
    local: str, fixture: str, ours_first: bool, request: pytest.FixtureRequest
) -> None:
    """A host is reached if ours and the mock of transports are told to let it through."""
    names = ["nano_banana_edit_mock", fixture]
    for name in names if ours_first else reversed(names):
        request.getfixturevalue(name)
    assert 204 == get(FIXTURES[fixture], "sync", local)


@pytest.mark.server
@every_library
def test_a_router_of_respx_that_has_ended(local: str, library: Any) -> None:
    """After a router of respx has ended, hosts that ours lets through are still reached."""
    with mock_router() as router:
        router.route(host="127.0.0.1").pass_through()
        with respx.mock:
            pass
        assert 204 == get(library, "sync", local)
    assert 204 == get(library, "sync", local)


@pytest.mark.server
@every_way
def test_a_cassette(local: str, way: str, tmp_path: Path) -> None:
    """A cassette of vcrpy records what httpx2 asks of a host that is allowed, and refuses what it does not have."""
    for mode in ("once", "none"):
        recorder = vcr.use_cassette(tmp_path / "local.yaml", record_mode=mode)
        with recorder as cassette, mock_router(allow_hosts="127.0.0.1"):
            assert (204, 401) == (get(httpx2, way, local), get(httpx2, way, API))
            assert 1 == len(cassette)
    with pytest.raises(CannotOverwriteExistingCassetteException), recorder, mock_router(allow_hosts="127.0.0.1"):
        get(httpx2, way, f"{local}other")


@pytest.mark.server
@pytest.mark.nano_banana_edit_mock(allow_hosts=["127.0.0.1"])
@every_library
def test_a_marker_lets_hosts_through(local: str, library: Any, nano_banana_edit_mock: Any) -> None:
    """The marker of a test names the hosts that the test may reach."""
    assert 204 == get(library, "sync", local)


ALLOWED = """
    import os
    import httpx
    import pytest

    def test_option(nano_banana_edit_mock):
        assert 204 == httpx.get(os.environ["LOCAL"]).status_code

    @pytest.mark.nano_banana_edit_mock(allow_hosts=[])
    def test_marker(nano_banana_edit_mock):
        with pytest.raises(AssertionError):
            httpx.get(os.environ["LOCAL"])

    @pytest.mark.nano_banana_edit_mock(allow_hosts=[])
    def test_port(nano_banana_edit_server):
        assert 204 == httpx.get(os.environ["LOCAL"]).status_code
"""


@pytest.mark.server
def test_an_option_lets_hosts_through(local: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line names the hosts of every test whose marker names none; a mock on a port stops nothing."""
    monkeypatch.setenv("LOCAL", local)
    pytester.makepyfile(ALLOWED)
    options = (
        "-p",
        "no:schemathesis",
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:asyncio",
        "-p",
        "no:xdist",
        "--strict-markers",
    )
    result = pytester.runpytest_subprocess(*options, "--nano-banana-edit-allow-hosts", "localhost,127.0.0.1")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*127.0.0.1*not mocked!*", "FAILED *::test_marker - *"])
