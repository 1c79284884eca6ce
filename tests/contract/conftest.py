"""The layers as a fixture: those in process at once, so that one body is drawn for all, and the real port."""

from collections.abc import Iterator

import httpx2
import pytest
from nano_banana_edit_mock import MockServer

from .layers import DOORS, IN_PROCESS, Door, Layer, port

BOTH = [pytest.param(False, id="in_process"), pytest.param(True, id="port", marks=pytest.mark.server)]


@pytest.fixture(scope="session")
def on_port() -> Iterator[Door]:
    with MockServer() as server, httpx2.Client() as http:
        yield port(server, http)


@pytest.fixture(scope="session", params=BOTH)
def layers(request: pytest.FixtureRequest) -> list[Layer]:
    return [request.getfixturevalue("on_port")] if request.param else IN_PROCESS


@pytest.fixture(scope="session", params=BOTH)
def doors(request: pytest.FixtureRequest) -> list[Door]:
    return [request.getfixturevalue("on_port")] if request.param else DOORS
