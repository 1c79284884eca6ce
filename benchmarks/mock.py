"""Measure what the mock costs and print a table: `python -m benchmarks.mock [--only PART] [--requests N]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from nano_banana_edit_mock import load

from tests.referees.prism import PRISM

from .harness import Contender, Figure, Worker, over, race, server, take_turns
from .servers import Server, Start, mock, prism, proxy, recording
from .table import Row, lines

_TURNS = {"calls": 1_000, "turns": 2, "rounds": 8, "starts": 2}
_IN_PROCESS = {"calls": 20, "turns": 8, "rounds": 10}
_KINDS = {"valid": ("valid", 3.3), "missing": ("prompt missing", 2.7), "long": ("prompt too long", 2.7)}  # with goals
_ABREAST = (1, 16, 64)
_JUDGED = 16  # requests at a time that the goals are for
_STARTS = 9
_AT_ONCE = 0.4  # seconds to the first response that nobody notices
_SAMPLES = 10
_MIXED = "valid,missing,poll"


def rates(_requests: int) -> Iterator[Row]:
    """Requests a second over Prism's, and over those of a server of fixed bytes under the same load."""
    for kind, (title, goal) in _KINDS.items():
        for abreast in _ABREAST:
            workers = {name: partial(_loaded, start, kind, abreast) for name, start in _contenders().items()}
            seconds = take_turns(workers, **_TURNS)
            what = f"requests/s, {title}, {abreast} at a time"
            figure = over(seconds["Prism"], seconds["mock"])
            if abreast == _JUDGED:
                yield Row(f"{what.capitalize()}, over Prism", figure, at_least=goal)
            else:
                yield Row(f"… {what}, over Prism", figure)
            if kind == "valid":
                yield Row(f"… {what}, fixed bytes over the mock", over(seconds["mock"], seconds["fixed bytes"]))


def _contenders() -> dict[str, Start]:
    return {"mock": mock, "Prism": prism, "fixed bytes": _fixed}


@contextmanager
def _fixed() -> Iterator[Server]:
    with server() as url:
        yield Server(f"{url}/v1", "200", 0)


@contextmanager
def _loaded(start: Start, kinds: str, abreast: int) -> Iterator[Worker]:
    with start() as started, _load(started, kinds, abreast) as load:
        yield load


def _load(started: Server, kinds: str, abreast: int) -> AbstractContextManager[Worker]:
    return Worker(sys.executable, "benchmarks.load", started.url, kinds, str(abreast), started.refused)


def starts(_requests: int) -> Iterator[Row]:
    """Seconds from the start of a process to its first response, over Prism's and over those of a bare interpreter."""
    python, node = [sys.executable, "-c", "import http.server"], ["node", "-e", "0"]
    ways: dict[str, Callable[[], object]] = {
        "mock": partial(_start, mock),
        "Prism": partial(_start, prism),
        "python": partial(subprocess.run, python, check=True),
        "node": partial(subprocess.run, node, check=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(_STARTS + 1):
        for name, way in ways.items():
            before = time.perf_counter()
            way()
            if turn:  # the first one reads files that the system has not cached
                seconds[name].append(time.perf_counter() - before)
    quick = sum(each <= _AT_ONCE for each in seconds["mock"])
    what = f"Start to first response, over Prism ({quick} of {_STARTS} starts within {_AT_ONCE} s)"
    yield Row(what, over(seconds["mock"], seconds["Prism"]))
    yield Row("… the same, over `python -c 'import http.server'`", over(seconds["mock"], seconds["python"]))
    yield Row("… the same of Prism, over `node -e 0`", over(seconds["Prism"], seconds["node"]))


def _start(start: Start) -> None:
    with start():
        pass


def memory(requests: int) -> Iterator[Row]:
    """Resident memory under requests of every kind, and whether it still grows at the end."""
    with mock() as started, _load(started, _MIXED, _JUDGED) as worker:
        samples = []
        for _ in range(_SAMPLES):
            worker.run(requests // _SAMPLES)
            samples.append(started.memory())
        yield Row(f"Memory at its highest in {requests:,} requests, MB", Figure([started.peak()]), at_most=60)
    growth = Figure([samples[-1] / samples[0]])
    yield Row("Memory at the end of these over memory after a tenth of them", growth, at_most=1.05)


def proxied(requests: int) -> Iterator[Row]:
    """What the proxy adds to a request that the mock answers, and its memory over a tenth of the requests."""
    workers = {start.__name__: partial(_loaded, start, "valid", 1) for start in (proxy, recording, mock)}
    turns = _TURNS | {"calls": 500}
    seconds = take_turns(workers, **turns)
    calls = turns["calls"] * turns["turns"]
    for name, what in (("proxy", "Milliseconds that the proxy adds to a submission"), ("recording", "… with a tape")):
        added = [
            1_000 * (through - direct) / calls for through, direct in zip(seconds[name], seconds["mock"], strict=True)
        ]
        yield Row(f"{what}, one at a time", Figure(added), at_most=2)
    yield Row("… a submission through the proxy, over one without", over(seconds["proxy"], seconds["mock"]))
    with proxy() as started, _load(started, _MIXED, _JUDGED) as worker:
        samples = []
        for _ in range(_SAMPLES):
            worker.run(requests // _SAMPLES // _SAMPLES)
            samples.append(started.memory())
    yield Row(
        f"Memory of the proxy at the end of {requests // _SAMPLES:,} exchanges over that after half of them",
        Figure([samples[-1] / samples[_SAMPLES // 2 - 1]]),  # by then it keeps as many tasks as it ever does
        at_most=1.05,
    )


def in_process(_requests: int) -> Iterator[Row]:
    """CPU of a call through the mock's transport, over one through a transport written by hand."""
    ours, by_hand = "mock_transport_sync", "validating_transport_sync"
    origin = load().operations[0].servers[0].removesuffix("/v1")
    contenders = [Contender(name, name, Path(sys.executable)) for name in (ours, by_hand)]
    seconds = race(contenders, "submit", origin, **_IN_PROCESS)
    what = "`mock_transport`, CPU of a call over a validating `httpx.MockTransport` by hand"
    yield Row(what, over(seconds[ours], seconds[by_hand]), at_most=1.2)


def main() -> None:
    """Read the command line and print the table as it grows."""
    parts = {"rates": rates, "starts": starts, "memory": memory, "in-process": in_process, "proxy": proxied}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mock", description=__doc__)
    parser.add_argument("--only", choices=parts, action="append", help="measure this part; may be given repeatedly")
    parser.add_argument("--requests", type=int, default=1_000_000, metavar="N", help="requests of the part memory")
    arguments = parser.parse_args()
    node = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"Python {sys.version.split()[0]}, httptools {version('httptools')};", end=" ")
    print(f"Node {node[1:]}, {PRISM.split('/')[1]}.\n")
    rows = (row for part in arguments.only or parts for row in parts[part](arguments.requests))
    for line in lines(rows):
        print(line, flush=True)


if __name__ == "__main__":
    main()
