"""The installed command of batches: interrupts, pipes and limits of the system."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockServer, MockService

from .test_cli_batch import rows

pytestmark = pytest.mark.server

PROGRAM = str(Path(sysconfig.get_path("scripts"), "nano-banana-edit"))
DONE = ("sent", "completed", "saved")
BATCH = [PROGRAM, "batch", "edits.jsonl", "-o", "out"]


class Gate:
    """A clock of the service; while it is shut, the service answers nothing."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()

    def __call__(self) -> float:
        self.open.wait(60)
        return time.monotonic()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate) -> Iterator[MockService]:
    """A service on a port that the environment names."""
    monkeypatch.chdir(tmp_path)
    with MockServer(MockService(polls=0, clock=gate)) as server:
        monkeypatch.setenv("SINANCODE_API_KEY", "any")
        monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
        yield server.service


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let programs end by SIGINT, also if a shell started the tests in its background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def started(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*BATCH, *options], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read what a program says until it says some words."""
    assert process.stderr
    assert any(words in line for line in process.stderr)


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def states() -> dict[str, int]:
    with Ledger("out/ledger.db") as ledger:
        return {str(state): number for state, number in ledger.counts().items()}


@pytest.mark.usefixtures("_interruptible")
def test_one_interrupt_leaves_the_rest_to_the_next_run(service: MockService, gate: Gate) -> None:
    """Ctrl-C submits nothing more, waits for what is in flight, and shows the command that goes on, which does."""
    rows(12)
    gate.open.clear()
    with started("--in-flight", "3") as process:
        read_until(process, "3 in flight")
        process.send_signal(signal.SIGINT)
        read_until(process, "Submitting no more. Waiting for 3 submissions in flight. Press Ctrl-C again to quit now")
        gate.open.set()
        output, errors = process.communicate(timeout=60)
    assert (130, "", 3) == (process.returncode, output, len(service.edits)), errors
    found = states()
    assert (9, 3) == (found.pop("new"), sum(number for state, number in found.items() if state in DONE))
    command = errors.splitlines()[-1].removeprefix("Error: interrupted. To go on: ")
    assert "nano-banana-edit batch edits.jsonl -o out --in-flight 3" == command
    done = subprocess.run([PROGRAM, *shlex.split(command)[1:]], check=False, capture_output=True, text=True)
    assert (0, "9 submitted. In the ledger: 12 saved.\n") == (done.returncode, done.stdout), done.stderr
    assert 12 == len(service.edits)


@pytest.mark.usefixtures("_interruptible")
def test_two_interrupts_leave_at_once(service: MockService, gate: Gate) -> None:
    """A second Ctrl-C does not wait; what was in flight is unknown, and no other row is."""
    rows(4)
    gate.open.clear()
    with started("--in-flight", "2") as process:
        read_until(process, "2 in flight")
        process.send_signal(signal.SIGINT)
        read_until(process, "Submitting no more")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    gate.open.set()
    assert (130, "Error: interrupted. To go on: ") == (process.returncode, errors.splitlines()[-1][:30]), errors
    assert {"unknown": 2, "new": 2} == states()


@pytest.mark.usefixtures("_interruptible")
def test_interrupt_before_the_first_submission(service: MockService) -> None:
    """Ctrl-C while rows are read ends the command with one line."""
    os.mkfifo("edits.jsonl")
    with started() as process:
        until(lambda: Path("out/ledger.db").exists())
        with Path("edits.jsonl").open("w"):
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert (130, ["Error: interrupted"]) == (process.returncode, errors.splitlines())
    assert () == service.calls


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "| true", "2>&1 | true", ">/dev/full"])
@pytest.mark.parametrize("option", ["", "--json"])
def test_as_a_shell_runs_it(service: MockService, closed: str, option: str) -> None:
    """Whatever streams are closed, every row is saved, with a documented status and without a traceback."""
    rows(2)
    command = f"set -o pipefail; {shlex.join(BATCH)} {option} {closed}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    if closed == ">&-":  # nothing is submitted for a summary that cannot be written
        assert (2, 0) == (done.returncode, len(service.edits)), done.stderr
    else:
        assert (0, {"saved": 2}) == (done.returncode, states()), done.stderr


def test_json_in_a_pipe(service: MockService) -> None:
    """Another program reads one line of JSON for each row."""
    rows(3)
    command = f'{shlex.join([*BATCH, "--json"])} | grep -c \'"state": "saved"\''
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert "3\n" == done.stdout, done.stderr


def test_full_disk_before_anything_is_sent(service: MockService) -> None:
    """If the ledger has no room, the error is one line, and nothing is sent."""
    rows(2)
    done = limited(8)
    assert (2, True) == (done.returncode, "ledger.db' cannot be used (" in done.stderr)
    assert 1 == len(done.stderr.splitlines())
    assert () == service.edits


def test_full_disk_in_the_middle(service: MockService) -> None:
    """If a ledger is full in the middle, every task that was paid for is in it, or is named in the errors."""
    rows(8)
    done = limited(72)
    assert (1, False) == (done.returncode, "Traceback" in done.stderr), done.stderr
    with Ledger("out/ledger.db") as ledger:
        known = {row.task_id for row in ledger.rows()}
    assert service.edits
    for edit in service.edits:
        assert edit.task_id in known or edit.task_id in done.stderr


def limited(blocks: int) -> subprocess.CompletedProcess[str]:
    """Run the batch while no file can have more than some KiB."""
    command = f"ulimit -f {blocks}; exec {shlex.join(BATCH)}"
    return subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
