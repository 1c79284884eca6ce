"""Settings of the whole run: profiles of Hypothesis, and a clock that nobody waits for."""

import gc
import os
from collections.abc import Generator, Iterator
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


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let each worker begin with other files, so that it finds most of them compiled by the others."""
    report = yield
    if isinstance(collector, pytest.Directory):
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        first = len(report.result) * worker // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        report.result = report.result[first:] + report.result[:first]
    return report


def pytest_collection_finish() -> None:
    """Spare each `gc.collect()` of a test the half a million objects that the tests are."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each worker the tests in the same order."""
    items.sort(key=lambda item: item.path)
