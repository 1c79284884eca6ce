"""What a thousand open tasks cost on one event loop: how busy it keeps a core, and its memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from . import environments
from .harness import ROOT, Figure, over
from .poller import TASKS
from .table import NOT_MEASURED, Row

_LOOKS = 12  # of each task, until it is completed: an edit of about a quarter of a minute

_ROUNDS = 3


@frozen
class _Run:
    cpu: float
    clock: float
    memory: float


def polling(python: Path, url: str) -> Iterator[Row]:
    """The client with its defaults, with its optional transport, and raw httpx, one after the other."""
    names = ["raw", "ours", *(["aiohttp"] if environments.has_transport(python) else [])]
    runs: dict[str, list[_Run]] = {name: [] for name in names}
    for _ in range(_ROUNDS):
        for name, done in runs.items():
            command = [python, "-m", "benchmarks.poller", name, url, str(_LOOKS)]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            done.append(_Run(*map(float, output.split())))
    what = f"{TASKS:,} open tasks"
    yield Row(f"{what}, share of one core", _share(runs["ours"]), at_most=0.5)
    aiohttp = runs.get("aiohttp")
    yield Row(
        f"{what}, share of one core, `aiohttp_client()`", _share(aiohttp) if aiohttp else NOT_MEASURED, at_most=0.5
    )
    yield Row("… raw httpx, share of one core", _share(runs["raw"]))
    yield Row(f"{what}, CPU over raw httpx", _over(runs, "ours", "cpu"))
    yield Row(f"{what}, memory over raw httpx", _over(runs, "ours", "memory"))
    if aiohttp:
        yield Row(f"{what}, memory over raw httpx, `aiohttp_client()`", _over(runs, "aiohttp", "memory"))


def _share(runs: list[_Run]) -> Figure:
    return Figure([run.cpu / run.clock for run in runs])


def _over(runs: dict[str, list[_Run]], name: str, attribute: str) -> Figure:
    return over([getattr(run, attribute) for run in runs[name]], [getattr(run, attribute) for run in runs["raw"]])
