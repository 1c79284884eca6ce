"""`python -m nano_banana_edit_mock`: the service on a port, or what its document demands."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ._table import table, tests_of
from .app import serve
from .contract import UnsupportedKeyword, load
from .service import MockService


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line; serve until interrupted, or print the census.

    Args:
        argv: Arguments after the program's name; default are those of the process.

    Raises:
        SystemExit: The arguments or the document are wrong, the address is taken, or help was asked for.
    """
    parser = argparse.ArgumentParser("python -m nano_banana_edit_mock", description="Play nano-banana-edit offline.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4010, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where task ids start (default: %(default)s)")
    parser.add_argument("--polls", type=int, default=2, help="looks until a task is finished (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", title="instead of serving")
    census = commands.add_parser("contract", help="print every constraint of the document as a table")
    census.add_argument("document", type=Path, nargs="?", help="an OpenAPI document (default: the one shipped)")
    census.add_argument("--tests", type=Path, metavar="FOLDER", help="name the tests in it that prove each constraint")
    options = parser.parse_args(argv)
    try:
        if options.command:
            tests = tests_of(options.tests) if options.tests else {}
            sys.stdout.write(f"{table(load(options.document), tests)}\n")
        else:
            serve(host=options.host, port=options.port, service=MockService(seed=options.seed, polls=options.polls))
    except (OSError, UnsupportedKeyword, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
