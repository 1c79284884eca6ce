"""A batch in PostgreSQL, a service that counts what it accepts, and workers that share them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from nano_banana_edit import AsyncNanoBananaEdit
from nano_banana_edit.batch import Outcome, run_worker
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockServer, MockService

URL = "https://example.com/photo.png"
_CLI = "from nano_banana_edit.cli import main; main()"


def keys(number: int) -> list[str]:
    return [f"key-{index:03}" for index in range(number)]


def add(database: str, names: Sequence[str], *, batch: str = "photos", image: str = URL) -> None:
    """Add rows as a batch does. The prompt is the key, by which the service counts."""
    with Ledger(database) as ledger:
        rest = {"images": [image], "options": {}, "extra_body": None}
        ledger.add(batch, {key: {**rest, "prompt": key, "output": key} for key in names})


def states(database: str) -> dict[str, int]:
    with Ledger(database) as ledger:
        return dict(ledger.counts())


def client(server: MockServer) -> AsyncNanoBananaEdit:
    return AsyncNanoBananaEdit(token="any", base_url=server.url, poll_interval=0.02)


def work(database: str, output: Path | str, server: MockServer, **options: Any) -> list[Outcome]:
    """Run a worker in this process until every row is done, or has an error."""
    outcomes: list[Outcome] = []

    def ended(some: list[Outcome]) -> None:
        outcomes.extend(some)
        if sum(state in ("new", "sending", "sent", "completed") for state in _states(database)) == sum(
            outcome.error is not None and outcome.state != "unknown" for outcome in outcomes
        ):
            signal.raise_signal(signal.SIGTERM)

    with stopped_late():
        run_worker(database, output, client=client(server), on_outcomes=ended, **options)
    return outcomes


@contextmanager
def stopped_late(seconds: float = 60.0) -> Iterator[None]:
    """Stop a worker in this process that does not end by itself, and fail."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    try:
        yield
        assert timer.is_alive(), "The worker has not ended in time."
    finally:
        timer.cancel()


@contextmanager
def started(arguments: Sequence[object], server: MockServer) -> Iterator[subprocess.Popen[str]]:
    """Run the command line in a process of its own, which does not outlive the test."""
    environment = {**os.environ, "SINANCODE_API_KEY": "any", "SINANCODE_BASE_URL": server.url}
    command = [sys.executable, "-c", _CLI, *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what another process does."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("It has not happened in time.")


def age(database: str) -> None:
    """Let the database's time pass: leases are over, and heartbeats are old."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE nano_banana_edit_edits SET lease = lease - 1000")
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'")


def queued(database: str) -> Counter[str]:
    """Number of chunks in each state."""
    with psycopg.connect(database) as connection:
        return Counter(row[0] for row in connection.execute("SELECT status::text FROM procrastinate_jobs"))


def submissions(service: MockService) -> Counter[str]:
    """How often the service has accepted each key."""
    return Counter(edit.body["prompt"] for edit in service.edits)


def _states(database: str) -> list[str]:
    with Ledger(database) as ledger:
        return [row.state for row in ledger.rows()]
