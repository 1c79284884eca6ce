"""The pytest plugin: the service as fixtures.

`nano_banana_edit_mock` answers every httpx client of the test's process, `nano_banana_edit_server` listens on a port.
Each test finds its service as new, and the environment pointing at it. What a service is made of may be said for one
test by a marker, for those of a class or module by theirs, or for all by an option, and the nearest counts; and so is
what happens, step by step:

    @pytest.mark.nano_banana_edit_mock(polls=0, seed=7, script=[Reply.rate_limited()])
    pytest --nano-banana-edit-polls 0 --nano-banana-edit-script story.yaml
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from . import MockServer, MockService

MARKER = "nano_banana_edit_mock"
_FIXTURES = {"nano_banana_edit_mock", "nano_banana_edit_server"}
TOKEN = "mock"  # noqa: S105 - any will do, where the test gives none
_TOKEN_VARIABLE = "SINANCODE_API_KEY"  # noqa: S105 - the name of one
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
        help="looks until a task is finished, where a test does not say otherwise (default: 0)",
    )
    group.addoption(
        "--nano-banana-edit-script",
        type=Path,
        metavar="FILE",
        help="what happens in each test that does not say otherwise, in YAML or JSON: a list of steps",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(script=[], **options): what happens in a test, and how its MockService is made"
    )


@pytest.fixture
def nano_banana_edit_mock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """The service behind every httpx client of this process, sync or async; a foreign host fails the test."""
    from . import mock_router  # noqa: PLC0415 - a run without these fixtures loads nothing

    service = _service(request)
    _point(monkeypatch, None)
    with mock_router(service) as router:
        request.node.stash[_UNMATCHED] = vars(router)["unmatched"]
        yield service


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test whose application swallowed that nobody answered a request of its own."""
    unmatched = item.stash.get(_UNMATCHED, [])
    try:
        yield
    finally:
        told = "\n".join(unmatched)
        unmatched.clear()  # one failure is enough
    if told:
        pytest.fail(told, pytrace=False)


@pytest.fixture
def nano_banana_edit_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _nano_banana_edit_server: MockServer
) -> MockServer:
    """The service on a port of 127.0.0.1, for whatever speaks HTTP; one server for the whole run, new to each test."""
    _nano_banana_edit_server.service = _service(request)
    _point(monkeypatch, _nano_banana_edit_server.url)
    return _nano_banana_edit_server


@pytest.fixture(scope="session")
def _nano_banana_edit_server() -> Iterator[MockServer]:
    from . import MockServer  # noqa: PLC0415

    with MockServer() as server:
        yield server


def _service(request: pytest.FixtureRequest) -> MockService:
    from . import MockService  # noqa: PLC0415

    if {*request.fixturenames, request.fixturename} >= _FIXTURES:
        message = (
            f"a test asks for {' and '.join(sorted(_FIXTURES))}; it may have one service, behind httpx or on a port."
        )
        raise pytest.UsageError(f"{message} Choose one.")
    options: dict[str, Any] = {"polls": request.config.getoption("--nano-banana-edit-polls")}
    for marker in reversed([*request.node.iter_markers(MARKER)]):  # the nearest one is the first
        if marker.args:
            message = f"the marker {MARKER} has {marker.args[0]!r} without a name; it accepts named arguments alone."
            raise pytest.UsageError(f"{message} Write script=[...], or the name of an option of MockService.")
        options |= marker.kwargs
    script = options.pop("script", request.config.getoption("--nano-banana-edit-script") or ())
    service = MockService(**options)
    service.script(script)
    return service


def _point(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    """Let a client that is told nothing ask the service, with some token."""
    monkeypatch.setenv(_TOKEN_VARIABLE, TOKEN)
    for name in _URL_VARIABLES:
        monkeypatch.setenv(name, url) if url else monkeypatch.delenv(name, raising=False)
