"""Measure what a batch and its ledger cost and print a table: `python -m benchmarks.batch [--only PART]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.database import Server, binaries

from .harness import ROOT, Figure, Worker, over, server, take_turns
from .table import NOT_MEASURED, Row, lines

_ABREAST = 64
_EDITS, _CPU_EDITS = 2_000, 1_000
_INSTANT = {"turns": 1, "rounds": 2, "starts": 1}
_SECONDS, _AT_A_TIME, _TASKS = 5.0, 16, 96  # of a task of a real service
_FEW_ROWS, _ROWS, _LONGEST = 10_000, 1_000_000, 30.0  # and seconds to load the latter
_RAW, _NEW, _CLIENT, _SQLITE, _POSTGRESQL = "raw", "raw new", "client", "SQLite", "PostgreSQL"


def instant(locations: dict[str, str]) -> Iterator[Row]:
    """2,000 edits that are completed at the first poll, 64 at a time: wall; then 1,000: CPU of the process."""
    goals = {_SQLITE: 1.5, _POSTGRESQL: 1.6}
    with server("wait-1") as url:
        seconds = take_turns(_ways(locations, "wall", _ABREAST, url), calls=_EDITS, **_INSTANT)
        for ledger, goal in goals.items():
            what = f"2,000 instant edits, 64 at a time, wall, a batch on {ledger} over raw httpx2"
            figure = over(seconds[ledger], seconds[_RAW]) if ledger in seconds else NOT_MEASURED
            yield Row(what, figure, at_most=goal)
        for way in (*locations, _CLIENT):
            yield Row(f"… {way}, over raw httpx2 with the same new connections", over(seconds[way], seconds[_NEW]))
        yield Row("… the client without a ledger, over raw httpx2", over(seconds[_CLIENT], seconds[_RAW]))
        ways = _ways(locations, "cpu", _ABREAST, url)
        del ways[_NEW]
        seconds = take_turns(ways, calls=_CPU_EDITS, **_INSTANT)
        for ledger in locations:
            added = [
                (this - that) / _CPU_EDITS * 1000 for this, that in zip(seconds[ledger], seconds[_CLIENT], strict=True)
            ]
            yield Row(f"CPU that a batch on {ledger} adds to an edit of the client, ms", Figure(added), at_most=2)
            yield Row(f"… the batch, CPU over raw httpx2 ({ledger})", over(seconds[ledger], seconds[_RAW]))
        yield Row("… the client, CPU over raw httpx2", over(seconds[_CLIENT], seconds[_RAW]))


def _ways(locations: dict[str, str], clock: str, abreast: int, url: str) -> dict[str, Callable[[], Worker]]:
    start = partial(Worker, sys.executable, "benchmarks.batches")
    ways = {way: partial(start, way, clock, str(abreast), url, "") for way in (_RAW, _NEW, _CLIENT)}
    batches = {
        name: partial(start, "batch", clock, str(abreast), url, location) for name, location in locations.items()
    }
    return ways | batches


def paced(locations: dict[str, str]) -> Iterator[Row]:
    """Tasks that take some seconds, 16 at a time: wall over the tasks' own seconds, which nothing can be below."""
    ideal = _TASKS / _AT_A_TIME * _SECONDS
    with server(f"after-{_SECONDS:g}") as url:
        ways = _ways(locations, "wall", _AT_A_TIME, url)
        for way, start in ways.items():
            if way in (_CLIENT, *locations):
                with start() as worker:
                    figure = Figure([worker.run(_TASKS) / ideal])
                goal = None if way == _CLIENT else 1.03
                yield Row(f"Tasks of {_SECONDS:g} s, 16 at a time, wall over the ideal, {way}", figure, at_most=goal)


def loading(locations: dict[str, str]) -> Iterator[Row]:
    """A million rows, after the first ten thousand of them."""
    for name, location in locations.items():
        _, _, few = _load(_FEW_ROWS, location)
        wall, cpu, memory = _load(_ROWS, location)
        yield Row(f"A million rows loaded into {name}, wall over {_LONGEST:g} s", Figure([wall / _LONGEST]), at_most=1)
        yield Row(f"… CPU of the process over {_LONGEST:g} s", Figure([cpu / _LONGEST]))
        yield Row(f"… most memory, {name}, MB", Figure([memory]), at_most=200)
        yield Row("… most memory over that of ten thousand rows", Figure([memory / few]))


def _load(rows: int, location: str) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.batches", "load", str(rows), location]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [*map(float, run.stdout.split())]


def main() -> None:
    """Read the command line and print the table as it grows."""
    parts = {"instant": instant, "paced": paced, "loading": loading}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--only", choices=parts, action="append", help="measure this part; may be given repeatedly")
    arguments = parser.parse_args()
    where = binaries()
    postgresql = Server(where) if where else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            locations = {_SQLITE: str(Path(folder, "edits.db"))}
            if postgresql:
                locations[_POSTGRESQL] = postgresql.create()
            rows = (row for part in arguments.only or parts for row in parts[part](locations))
            for line in lines(rows):
                print(line, flush=True)
    finally:
        if postgresql:
            postgresql.close()


if __name__ == "__main__":
    main()
