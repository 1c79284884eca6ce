"""Contenders take turns, A B C, A B C, ...; the result is their ratio within a round.

The machine may be shared, and get slower or faster at any time; contenders that run right after each other have the
same conditions. The CPU time of the client's process counts, not time on the clock.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from attrs import frozen

ROOT = Path(__file__).parents[1]


@frozen
class Contender:
    """One that takes part: a function of `contenders`, in an environment.

    Attributes:
        title: Its name in the table.
        function: Name of the function.
        python: Interpreter of the environment.
    """

    title: str
    function: str
    python: Path


@frozen
class Figure:
    """The median of some rounds, with the lowest and the highest."""

    rounds: list[float]

    @property
    def middle(self) -> float:
        return median(self.rounds)

    def __str__(self) -> str:
        if len(self.rounds) == 1:
            return f"{self.middle:.2f}"
        return f"{self.middle:.2f} ({min(self.rounds):.2f} to {max(self.rounds):.2f})"


@contextmanager
def server(*task: str) -> Iterator[str]:
    """Start the server in a process of its own, and yield its URL.

    Args:
        *task: When the task of a submission is completed, in the words of `benchmarks.server`.
    """
    command = [sys.executable, "-m", "benchmarks.server", *task]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


class Worker:
    """A process that makes as many calls as it is told to, and reports the seconds that they took.

    Args:
        python: Its interpreter.
        module: Its program: `benchmarks.worker`, or one with the same input and output.
        *arguments: Arguments of the program.
    """

    def __init__(self, python: Path | str, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def run(self, calls: int) -> float:
        assert self._process.stdin
        print(calls, file=self._process.stdin, flush=True)
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"A contender failed: {self._process.args!r}")
        return line

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def race(
    contenders: list[Contender], operation: str, url: str, *, abreast: int = 1, calls: int, turns: int, rounds: int
) -> dict[str, list[float]]:
    """Return the CPU seconds of each contender in each round, each round by new processes."""
    workers = {
        contender.title: partial(
            Worker, contender.python, "benchmarks.worker", contender.function, operation, str(abreast), url
        )
        for contender in contenders
    }
    return take_turns(workers, calls=calls, turns=turns, rounds=rounds, starts=rounds)


def take_turns(
    workers: Mapping[str, Callable[[], AbstractContextManager[Worker]]],
    *,
    calls: int,
    turns: int,
    rounds: int,
    starts: int,
) -> dict[str, list[float]]:
    """Return the seconds of each worker in each round.

    In a round each worker takes some turns of some calls, one worker after the other. The processes are started anew
    several times, because two processes with the same code differ by some percent.
    """
    seconds: dict[str, list[float]] = {title: [] for title in workers}
    for _ in range(starts):
        with ExitStack() as stack:
            running = {title: stack.enter_context(start()) for title, start in workers.items()}
            for _ in range(rounds // starts):
                spent = dict.fromkeys(running, 0.0)
                for _ in range(turns):
                    for title, worker in running.items():
                        spent[title] += worker.run(calls)
                for title, each in spent.items():
                    seconds[title].append(each)
    return seconds


def over(these: list[float], those: list[float]) -> Figure:
    """Return the ratio of two contenders in each round."""
    return Figure([this / that for this, that in zip(these, those, strict=True)])
