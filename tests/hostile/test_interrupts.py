"""Wherever an edit and its saving are interrupted, nothing half done is left, and what is known is told."""

from __future__ import annotations

import gc
import logging
import sys
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import httpx2
import pytest
from nano_banana_edit import NanoBananaEdit

from .. import promises
from .breaking import PNG, Bench, Listening, Run, settles
from .misdeeds import TOKEN
from .server import Hostile

pytestmark = [
    pytest.mark.server,
    # A socket whose making was interrupted is closed by the collector, which says so.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]

# Functions in which a sync edit waits for the network, the clock and the disk.
WAITS = {"connect", "send", "sendall", "recv", "poll", "select", "sleep", "open", "write", "replace"}


def waits(function: Any) -> bool:
    """Whether an interrupt may come here: before and after each wait."""
    text = isinstance(getattr(function, "__self__", None), str)  # has methods with such names as well
    return function.__name__ in WAITS and not text


def attempt(client: NanoBananaEdit, bench: Bench, run: Run) -> None:
    """Edit and save, and interrupt it at the run's point."""

    def profile(_: FrameType, event: str, function: Any) -> None:
        if event in ("c_call", "c_return") and waits(function):
            bench.point()

    def interrupt() -> None:
        raise KeyboardInterrupt

    run.off = interrupt
    sys.setprofile(profile)
    try:
        result = client.edit(PNG, "p")
        run.saving = True
        result.images[0].save(bench.target)
    except KeyboardInterrupt as error:
        run.ended(error)
    finally:
        sys.setprofile(None)
        bench.run = None


@cache
def interrupted(pool: str) -> Bench:
    """What became of edits that were interrupted at each point at which they wait, to write to the log too."""
    logger = logging.getLogger("nano_banana_edit")
    logger.setLevel(logging.DEBUG)
    try:
        return _interrupted(pool)
    finally:
        logger.setLevel(logging.NOTSET)


def _interrupted(pool: str) -> Bench:
    with TemporaryDirectory() as folder, Hostile([], usual=lambda request: bench.answer(request, server)) as server:
        bench = Bench(Path(folder))
        runs = bench.runs()
        while not bench.over:
            http = httpx2.Client(transport=Listening(bench)) if pool == "given" else None
            options = {"token": TOKEN, "base_url": server.url, "poll_interval": 0.001, "http_client": http}
            with http or nullcontext(), NanoBananaEdit(**options) as client:
                for run in runs:
                    attempt(client, bench, run)
                    if settles(server):
                        assert "t-0" == client.get_task("t-0").task_id
                    if not settles(server):
                        bench.leaked[run.at] = run.error
                        break
            assert server.open_at_most(0)
    gc.collect()
    return bench


@promises.STOPPED
@pytest.mark.parametrize("pool", ["own", "given"])
def test_leaves_no_half_file(pool: str) -> None:
    """Wherever an edit is interrupted its file is the new one or still the old one, whole and alone."""
    assert {} == interrupted(pool).half_done


@promises.STOPPED
# That the client had read the answer is seen with a transport that was handed in alone.
@pytest.mark.parametrize("pool", ["own", "given"])
def test_knows_the_task(pool: str) -> None:
    """Once the submission's answer was read, an interrupt knows the task."""
    assert {} == interrupted(pool).unknown


@promises.STOPPED
@pytest.mark.parametrize("pool", ["own", "given"])
def test_knows_the_task_while_saving(pool: str) -> None:
    """An interrupt knows the task while the result is saved, too."""
    assert {} == interrupted(pool).unknown_saving


@promises.STOPPED
@pytest.mark.parametrize("pool", ["own", "given"])
def test_leaves_no_connection(pool: str) -> None:
    """Wherever an edit is interrupted its connection is closed, or used again."""
    assert {} == interrupted(pool).leaked
