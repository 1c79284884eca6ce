"""Run rounds of chaos: `python -m tests.chaos [--seed N] [--rounds N]`. Each round has the seed after the last one's.

A round prints its seed; `--seed` with that number and `--rounds 1` plays the same faults again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from ..database import Server, binaries
from .plan import Plan
from .report import Report
from .round import play


def main() -> None:
    """Read the command line, run the rounds and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000, help="of the first round")
    parser.add_argument("--rounds", type=int, default=100, help="default: 100")
    arguments = parser.parse_args()
    where = binaries()
    if where is None:
        sys.exit("PostgreSQL is not installed.")
    server, report, logs = Server(where), Report(), Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        for seed in range(arguments.seed, arguments.seed + arguments.rounds):
            sys.stdout.write(f"{report.add(play(Plan.of(seed), logs / str(seed), server))}\n")
            sys.stdout.flush()
    finally:
        server.close()
    sys.stdout.write(f"\n{report.table()}\n")
    if report.failed:
        sys.exit(f"{report.failed} rounds are bad; the logs of their workers are in {logs}.")
    logs.rmdir()


if __name__ == "__main__":
    main()
