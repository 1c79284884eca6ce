"""Certificates that a machine of the tests trusts, and some that nobody should."""

from __future__ import annotations

import pytest

from .faces import FACES


@pytest.fixture(params=FACES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
