"""Settings of the whole run: profiles of Hypothesis, and a clock that nobody waits for."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester", "nano_banana_edit_mock.pytest_plugin", "tests.database"]

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=50, derandomize=True, database=None, **_COMMON)
settings.register_profile("ci", max_examples=200, derandomize=True, database=None, **_COMMON)
settings.register_profile("deep", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token or host of whoever runs the tests must not reach them."""
    for name in (
        "SINANCODE_API_KEY",
        "SINANCODE_BASE_URL",
        "SINANCODE_FILES_URL",
        "SINANCODE_ALLOW_HTTP",
        "NANO_BANANA_EDIT_LOG",
    ):
        monkeypatch.delenv(name, raising=False)
    # One authority, whose key nobody has: to read the machine's takes 20 ms for each client.
    monkeypatch.setenv("SSL_CERT_FILE", str(Path(__file__).with_name("authority.pem")))


@pytest.fixture(autouse=True, scope="session")
def _retries_do_not_wait() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def pytest_collection_finish() -> None:
    """Spare each `gc.collect()` of a test the half a million objects that the tests are."""
    gc.freeze()
