"""Uploads at the end of a process: they work there, and do not hold it up."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .. import promises
from ..hostile.server import ACCEPTED, Hostile, says
from .conftest import PNG, TOKEN
from .stalling import AT_ONCE, BUSY, SOON, UPLOADED, Stalling

pytestmark = pytest.mark.server

SCRIPT = f"""
import atexit, sys, threading

from nano_banana_edit import NanoBananaEdit

def submit():
    with NanoBananaEdit(token="{TOKEN}", base_url=sys.argv[1]) as client:
        print(client.submit([{PNG!r}] * int(sys.argv[2]), "p").task_id)

def later():
    threading.main_thread().join()
    submit()
"""


@contextmanager
def running(script: str, server: Hostile, images: int) -> Iterator[subprocess.Popen[str]]:
    """Run a script in a process of its own."""
    command = [sys.executable, "-Werror", "-c", SCRIPT + script, server.url, str(images)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("images", [1, 9])
@pytest.mark.parametrize(
    "script", ["atexit.register(submit)", "threading.Thread(target=later).start()"], ids=["atexit", "thread"]
)
def test_works_at_the_end_of_a_process(script: str, images: int) -> None:
    """Uploads, and their retries, work when the main thread is over: in a handler of `atexit`, and in a thread."""
    usual = {b"POST /ap": UPLOADED, b"POST /v1": ACCEPTED}
    with Hostile([says(BUSY)], usual=lambda request: says(usual[request[:8]])) as server:
        with running(script, server, images) as process:
            assert ("t-1\n", "") == process.communicate(timeout=60)
        assert 1 + images + 1 == len(server.requests)


@promises.AT_ONCE
@pytest.mark.parametrize("images", [1, 9])
@pytest.mark.parametrize(
    ("script", "ending"),
    [("submit()", -signal.SIGINT), ("try:\n    submit()\nexcept KeyboardInterrupt:\n    sys.exit(7)", 7)],
    ids=["uncaught", "caught"],
)
def test_ctrl_c_ends_the_process(script: str, ending: int, images: int) -> None:
    """After Ctrl-C the process ends at once; it does not wait for uploads that stall."""
    came = threading.Event()
    with Hostile([], usual=Stalling(min(images, AT_ONCE), came.set)) as server:
        with running(script, server, images) as process:
            assert came.wait(60)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=SOON)
        assert (ending, "" if ending == 7 else "KeyboardInterrupt") == (
            process.returncode,
            errors.strip().rpartition("\n")[2],
        )
        assert min(images, AT_ONCE) == len(server.requests)
