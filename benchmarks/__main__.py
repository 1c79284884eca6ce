"""Measure what the client costs and print a table: `python -m benchmarks [--only PART] [--peers]`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from . import calls, environments
from .harness import server
from .table import Row, lines

_PARTS = {"sequential": calls.sequential, "concurrent": calls.concurrent}
_PEERS = {"sequential": calls.sequential_peers, "concurrent": calls.concurrent_peers}


def _rows(parts: list[str], *, peers: bool) -> Iterator[Row]:
    plain = environments.plain()
    with_peers = environments.with_peers() if peers else None
    with server() as url:
        for part in parts:
            yield from _PARTS[part](plain, url)
            if with_peers and part in _PEERS:
                yield from _PEERS[part](with_peers, url)


def main() -> None:
    """Read the command line and print the table as it grows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=_PARTS, action="append", help="measure this part; may be given repeatedly")
    parser.add_argument("--peers", action="store_true", help="measure the peers as well")
    arguments = parser.parse_args()
    for line in lines(_rows(arguments.only or [*_PARTS], peers=arguments.peers)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
