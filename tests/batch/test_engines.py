"""The recipes of other engines: each loses a worker in the middle, and no edit is paid twice or forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from nano_banana_edit.batch import unfinished
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockServer, MockService

from ..test_public import ROOT
from .working import add, keys, states, submissions, wait_until

pytestmark = pytest.mark.server

RECIPES = ROOT / "examples/workers"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockService(polls=0)) as server:
        yield server


@pytest.fixture
def environment(postgresql: str, tmp_path: Path, server: MockServer) -> dict[str, str]:
    """A batch of 30 rows, of which the submissions of four get no answer, and what the recipes read."""
    add(postgresql, keys(30))
    server.service.on("createEdit", Fault.SILENCE, nth=11, times=4)
    return {
        **os.environ,
        "NANO_BANANA_EDIT_LEDGER": postgresql,
        "OUTPUT": str(tmp_path / "out"),
        "PYTHONPATH": f"{RECIPES}{os.pathsep}{tmp_path}",
        "SINANCODE_API_KEY": "any",
        "SINANCODE_BASE_URL": server.url,
    }


def _kill_who_submits(database: str, service: MockService) -> None:
    """Kill the process that submits, when the answers are late, and let its leases be over."""
    wait_until(lambda: len(service.edits) >= 14)
    with Ledger(database) as ledger:
        owners = {row.owner for row in ledger.rows("sending")}
    for pid in {int(owner.split("/")[1]) for owner in owners}:
        os.kill(pid, signal.SIGKILL)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE nano_banana_edit_edits SET lease = lease - 1000")


def _check(database: str, service: MockService) -> None:
    found = states(database)
    assert found["saved"] + found["unknown"] == 30
    assert 4 <= found["unknown"] <= 16
    assert max(submissions(service).values()) == 1


def test_celery(environment: dict[str, str], postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """Celery's broker loses the chunk of the dead worker; handing out again finds it."""
    folders = {name: str(tmp_path / "broker") for name in ("data_folder_in", "data_folder_out")}
    (tmp_path / "broker").mkdir()
    options = {**folders, "control_folder": str(tmp_path / "control")}
    (tmp_path / "celeryconfig.py").write_text(
        f"broker_url = 'filesystem://'\nbroker_transport_options = {options!r}\nworker_enable_remote_control = False\n"
    )
    hand_out = [sys.executable, RECIPES / "celery_worker.py"]
    command = [sys.executable, "-m", "celery", "-A", "celery_worker", "worker", "--pool=solo", "--without-mingle"]
    log = (tmp_path / "log").open("w")

    def start() -> subprocess.Popen[bytes]:
        subprocess.run(hand_out, env=environment, cwd=tmp_path, check=True)
        return subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)

    with log:
        worker = start()
        try:
            _kill_who_submits(postgresql, server.service)
            assert worker.wait(60) == -signal.SIGKILL
            worker = start()
            with Ledger(postgresql) as ledger:
                wait_until(lambda: not [*unfinished(ledger)])
        finally:
            worker.kill()
            worker.wait()
    _check(postgresql, server.service)


@pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed")
def test_ray(environment: dict[str, str], postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """Ray runs the chunk of the dead worker again."""
    with (tmp_path / "log").open("w") as log:
        command = [sys.executable, RECIPES / "ray_worker.py"]
        driver = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
        try:
            _kill_who_submits(postgresql, server.service)
            assert driver.wait(120) == 0, (tmp_path / "log").read_text()
        finally:
            driver.kill()
            driver.wait()
    _check(postgresql, server.service)
