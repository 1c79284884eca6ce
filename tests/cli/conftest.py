"""The service that the command line finds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService, Request, mock_router

from .running import PHOTO


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither what the environment says of colours, widths and proxies, nor what a command does on signals, lasts."""
    for name in ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    before = [(each, signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    yield
    for each, handler in before:
        signal.signal(each, handler)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """The service behind every httpx2 client, and a token for it."""
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    service = MockService(polls=0)
    with mock_router(service):
        yield service


@pytest.fixture
def requests(service: MockService, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What the service gets."""
    seen: list[Request] = []
    handle = service.handle

    def watched(request: Request) -> object:
        seen.append(request)
        return handle(request)

    monkeypatch.setattr(service, "handle", watched)
    return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo, and secrets beside it."""
    (tmp_path / "secret.png").write_bytes(Path(PHOTO).read_bytes())
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "valley.jpg").write_bytes(Path(PHOTO).read_bytes())
    return folder
