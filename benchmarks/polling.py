"""What 1,000 open tasks cost on one event loop: the share of a core, and memory.

The share of a core is CPU seconds over the seconds that the polls take if none is late. If the machine is busy, or one
core is not enough, polls are late: then CPU over time on the clock would look too good.
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

_POLLS = 20  # of each task, until it is completed: an edit of about half a minute
_SCHEDULE = sum(min(INTERVAL, INTERVAL / 8 * 1.5**poll) for poll in range(_POLLS - 1))  # seconds, if no poll is late
_TITLES = {
    "httpx": "raw httpx",
    "httpx2": "raw httpx2",
    "ours": "`wait`",
    "aiohttp": "`wait` with `aiohttp_client()`",
}
_OURS = ("ours", "aiohttp")


@frozen
class _Run:
    cpu: float
    memory: float


def polling(rounds: int, python: Path, url: str) -> Iterator[Row]:
    """Raw httpx, raw httpx2, the client, and the client on aiohttp, one after the other."""
    runs: dict[str, list[_Run]] = {
        name: [] for name in _TITLES if name != "aiohttp" or environments.has_aiohttp(python)
    }
    for _ in range(rounds):
        for name, done in runs.items():
            command = [python, "-m", "benchmarks.poller", name, url, str(_POLLS)]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            done.append(_Run(*map(float, output.split())))
    for name, title in _TITLES.items():
        figure = Figure([run.cpu / _SCHEDULE for run in runs[name]]) if name in runs else NOT_MEASURED
        what = f"{TASKS:,} open tasks, share of one core, {title}"
        yield Row(what, figure, at_most=0.5) if name in _OURS else Row(f"… {what}", figure)
    for name in _OURS:
        if name in runs:
            yield Row(f"… memory over raw httpx2, {_TITLES[name]}", _over(runs, name, "memory"))


def _over(runs: dict[str, list[_Run]], name: str, attribute: str) -> Figure:
    return over(*([getattr(run, attribute) for run in runs[each]] for each in (name, "httpx2")))
