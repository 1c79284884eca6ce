"""What a thousand open tasks cost on one event loop: how busy it keeps a core, and its memory.

The share of a core is CPU seconds over the seconds that the looks would be spread over if none came late. On a machine
that is busy, or when one core is not enough, the looks do come late; CPU over time on the clock would flatter then.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from . import environments
from .harness import ROOT, Figure, over
from .poller import INTERVAL, TASKS
from .table import NOT_MEASURED, Row

_LOOKS = 20  # of each task, until it is completed: an edit of about half a minute
_SCHEDULE = sum(min(INTERVAL, INTERVAL / 8 * 1.5**look) for look in range(_LOOKS - 1))  # seconds, if no look is late
_TITLES = {"raw": "raw httpx", "ours": "`wait`", "aiohttp": "`wait` with `aiohttp_client()`"}


@frozen
class _Run:
    cpu: float
    clock: float
    memory: float


def polling(rounds: int, python: Path, url: str) -> Iterator[Row]:
    """The client with its defaults, with its optional transport, and raw httpx, one after the other."""
    names = ["raw", "ours", *(["aiohttp"] if environments.has_transport(python) else [])]
    runs: dict[str, list[_Run]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, done in runs.items():
            command = [python, "-m", "benchmarks.poller", name, url, str(_LOOKS)]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            done.append(_Run(*map(float, output.split())))
    for name, done in runs.items():
        share = f"{TASKS:,} open tasks, share of one core, {_TITLES[name]}"
        yield Row(share, Figure([run.cpu / _SCHEDULE for run in done]), at_most=None if name == "raw" else 0.5)
    if "aiohttp" not in runs:
        yield Row(f"{TASKS:,} open tasks, share of one core, {_TITLES['aiohttp']}", NOT_MEASURED, at_most=0.5)
    for name in list(runs)[1:]:
        yield Row(f"… CPU over raw httpx, {_TITLES[name]}", _over_raw(runs, name, "cpu"))
        yield Row(f"… memory over raw httpx, {_TITLES[name]}", _over_raw(runs, name, "memory"))


def _over_raw(runs: dict[str, list[_Run]], name: str, attribute: str) -> Figure:
    return over(*([getattr(run, attribute) for run in runs[each]] for each in (name, "raw")))
