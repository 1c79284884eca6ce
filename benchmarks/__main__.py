"""Measure what the client costs and print a table: `python -m benchmarks [--only PART] [--peers]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from . import environments
from .calls import concurrent, concurrent_peers, edits, sequential, sequential_peers
from .harness import server
from .imports import imports, imports_peers
from .polling import polling
from .sizes import sizes, sizes_peers
from .table import Row, lines

_Measure = Callable[[Path, str], Iterator[Row]]


def _parts(polls: int) -> dict[str, tuple[_Measure, _Measure | None]]:
    """Return each part: what measures the client in its users' environment, and the peers in theirs."""
    return {
        "imports": (imports, imports_peers),
        "sequential": (sequential, sequential_peers),
        "edits": (edits, None),
        "concurrent": (concurrent, concurrent_peers),
        "polling": (partial(polling, polls), None),
        "sizes": (sizes, sizes_peers),
    }


def _rows(parts: list[tuple[_Measure, _Measure | None]], plain: Path, with_peers: Path | None) -> Iterator[Row]:
    with server() as url:
        for measure, measure_peers in parts:
            yield from measure(plain, url)
            if with_peers and measure_peers:
                yield from measure_peers(with_peers, url)


def main() -> None:
    """Read the command line and print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=_parts(0), action="append", help="measure this part; may be given repeatedly")
    parser.add_argument("--peers", action="store_true", help="measure the peers as well")
    parser.add_argument("--polls", type=int, default=2, metavar="N", help="rounds of polling, half a minute each")
    arguments = parser.parse_args()
    parts = _parts(arguments.polls)
    plain = environments.plain()
    with_peers = environments.with_peers() if arguments.peers else None
    print(f"The client: {environments.facts(plain)}.", end="\n\n" if with_peers is None else " ")
    if with_peers:
        print(f"The peers: {environments.facts(with_peers)}.\n")
    for line in lines(_rows([parts[part] for part in arguments.only or parts], plain, with_peers)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
