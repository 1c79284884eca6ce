"""The service that the command line finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService, Request, mock_router

from .running import PHOTO


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
