"""The pytest plugin: the service as fixtures.

`nano_banana_edit_mock` answers every client of httpx and of httpx2 in the process, `nano_banana_edit_server` listens on
a port. Each test has a new service, and environment variables that lead clients to it. Options and a script for the
service stand in a marker of the test, of its class or of its module, the nearest first, or on the command line:

    @pytest.mark.nano_banana_edit_mock(polls=0, seed=7, script=[Reply.rate_limited()])
    pytest --nano-banana-edit-polls 0 --nano-banana-edit-script script.yaml
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from . import MockServer, MockService

MARKER = "nano_banana_edit_mock"
_FIXTURES = {"nano_banana_edit_mock", "nano_banana_edit_server"}
TOKEN = "mock"  # noqa: S105 - any is accepted
_TOKEN_VARIABLE = "SINANCODE_API_KEY"  # noqa: S105 - the name of one
_OWN = ("polls", "seconds", "seed")  # of the mock's own tasks
_UNMATCHED = pytest.StashKey[list[str]]()
_URL_VARIABLES = ("SINANCODE_BASE_URL", "SINANCODE_FILES_URL")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("nano-banana-edit", "the offline nano-banana-edit service")
    group.addoption(
        "--nano-banana-edit-polls",
        type=int,
        default=0,
        metavar="N",
        help="polls until a task is finished, unless a marker says otherwise (default: 0)",
    )
    group.addoption(
        "--nano-banana-edit-script",
        type=Path,
        default=(),
        metavar="FILE",
        help="script of each test, unless a marker has another: a list of steps, in YAML or JSON",
    )
    group.addoption(
        "--nano-banana-edit-allow-hosts",
        type=lambda hosts: hosts.split(","),
        default=[],
        metavar="HOST,...",
        help="hosts that a test with nano_banana_edit_mock may reach, unless a marker has others, such as 127.0.0.1",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(script=[], allow_hosts=[], tape=None, **options): the script and options of a test's MockService, "
        "hosts that may be reached beside it, and a tape that answers in its place",
    )


@pytest.fixture
def nano_banana_edit_mock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """The service for all clients of httpx and httpx2 in this process; requests to other hosts fail the test."""
    from . import mock_router  # noqa: PLC0415 - a run without these fixtures loads nothing

    options = _options(request)
    allow_hosts = options.pop("allow_hosts")
    service = _service(options, monkeypatch, None)
    if service.waits:
        pytest.fail(f"{MARKER}: upstream is a proxy; use the fixture nano_banana_edit_server.", pytrace=False)
    with mock_router(service, allow_hosts=allow_hosts) as router:
        request.node.stash[_UNMATCHED] = vars(router)["unmatched"]
        yield service


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test with a request to another host, even if its code caught the error."""
    unmatched = item.stash.get(_UNMATCHED, [])
    try:
        yield
    finally:
        message = "\n".join(unmatched)
        unmatched.clear()  # one failure is enough
    if message:
        pytest.fail(message, pytrace=False)


@pytest.fixture
def nano_banana_edit_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _nano_banana_edit_server: MockServer
) -> MockServer:
    """The service on a port of 127.0.0.1, for other clients: one server for the run, a new service for each test."""
    options = _options(request)
    del options["allow_hosts"]  # a test that uses a port reaches every host
    _nano_banana_edit_server.service = _service(options, monkeypatch, _nano_banana_edit_server.url)
    return _nano_banana_edit_server


@pytest.fixture(scope="session")
def _nano_banana_edit_server() -> Iterator[MockServer]:
    from . import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the markers of a test say, and the command line for what they leave open."""
    if {*request.fixturenames, request.fixturename} >= _FIXTURES:
        raise pytest.UsageError(f"the test has {' and '.join(sorted(_FIXTURES))}; use one of them.")
    names = ("allow_hosts", "polls", "script")
    options = {name: request.config.getoption(f"--nano-banana-edit-{name.replace('_', '-')}") for name in names}
    given: dict[str, Any] = {}
    for marker in reversed([*request.node.iter_markers(MARKER)]):  # the nearest one is the first
        if marker.args:
            message = f"the marker {MARKER} has {marker.args[0]!r} without a name"
            raise pytest.UsageError(f"{message}; use script=[...], or the name of an option of MockService.")
        given = _without_useless(given, marker.kwargs) | marker.kwargs
    return _without_useless(options, given) | given


def _without_useless(options: dict[str, Any], nearer: Mapping[str, Any]) -> dict[str, Any]:
    """Return options without those that have no effect beside what a nearer marker says."""
    elsewhere = any(nearer.get(name) is not None for name in ("tape", "upstream"))
    useless = _OWN if elsewhere else ("polls",) if "seconds" in nearer else ()
    return {name: value for name, value in options.items() if name not in useless}


def _service(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, url: str | None) -> MockService:
    """Return the service of a test, and lead clients without settings of their own to it."""
    script = options.pop("script")
    try:
        service = _made(**options)
        service.script(script)
    except (OSError, TypeError, ValueError) as error:
        text = str(error).replace("MockService.__init__()", "the marker")
        raise pytest.fail.Exception(f"{MARKER}: {text}", pytrace=False) from None  # one line
    monkeypatch.setenv(_TOKEN_VARIABLE, options.get("token") or TOKEN)
    for name in _URL_VARIABLES:
        monkeypatch.setenv(name, url) if url else monkeypatch.delenv(name, raising=False)
    return service


def _made(*, tape: Any = None, **options: Any) -> MockService:
    from . import MockService  # noqa: PLC0415

    if tape is None:
        return MockService(**options)
    if useless := [name for name in _OWN if name in options]:
        raise ValueError(f"{useless[0]} has no effect with tape. Leave it out.")
    return MockService.replay(tape, **options)
