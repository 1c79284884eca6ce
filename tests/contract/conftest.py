"""The layers as a fixture, so that each property runs through every one of them."""

from collections.abc import Iterator

import httpx
import pytest
from nano_banana_edit_mock import MockServer

from .layers import IN_PROCESS, Layer, port

LAYERS = [*(pytest.param(layer, id=layer.__name__) for layer in IN_PROCESS)]


@pytest.fixture(scope="session", params=[*LAYERS, pytest.param(None, id="port", marks=pytest.mark.server)])
def layer(request: pytest.FixtureRequest) -> Iterator[Layer]:
    if request.param:
        yield request.param
        return
    with MockServer() as server, httpx.Client() as http:
        yield port(server, http)
