"""`python -m nano_banana_edit_mock`: the service on a port, or what its document demands."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import drift
from ._table import OWN_TESTS, table, tests_of
from .app import serve
from .contract import Contract, load
from .service import MockService


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line; serve until interrupted, print the census, or compare two documents.

    Args:
        argv: Arguments after the program's name; default are those of the process.

    Raises:
        SystemExit: The arguments or the document are wrong, the address is taken, or help was asked for. With status 1:
            the version of a document rises less than its changes ask for.
    """
    parser = argparse.ArgumentParser("python -m nano_banana_edit_mock", description="Play nano-banana-edit offline.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=4010, help="port, 0 for a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where task ids start (default: %(default)s)")
    parser.add_argument("--polls", type=int, default=2, help="looks until a task is finished (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", title="instead of serving")
    census = commands.add_parser("contract", help="print every constraint of the document as a table")
    census.add_argument("document", type=Path, nargs="?", help="an OpenAPI document (default: the one shipped)")
    census.add_argument("--tests", type=Path, metavar="FOLDER", help="where the tests are that prove each constraint")
    diff = commands.add_parser("diff", help="say what a new version of the document means for users of the old one")
    diff.add_argument("old", type=Path, help="the old version")
    diff.add_argument("new", type=Path, help="the new version")
    options = parser.parse_args(argv)
    try:
        if options.command:
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        if options.command == "contract":
            known = OWN_TESTS if options.document is None and OWN_TESTS.is_dir() else None
            folder = options.tests or known
            sys.stdout.write(f"{table(load(options.document), tests_of(folder) if folder else {})}\n")
        elif options.command == "diff":
            _diff(load(options.old), load(options.new))
        else:
            serve(host=options.host, port=options.port, service=MockService(seed=options.seed, polls=options.polls))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except (AttributeError, KeyError, TypeError) as error:
        parser.error(f"this is no OpenAPI 3.1 document that can be read ({type(error).__name__}: {error})")


def _diff(old: Contract, new: Contract) -> None:
    for change in drift.changes(old, new):
        sys.stdout.write(f"{change}\n")
    needed, raised = drift.bump(old, new), drift.raised(old, new)
    sys.stdout.write(f"Version: needs to rise in {needed}, rises in {raised}.\n")
    if not drift.suffices(raised, needed):
        sys.exit(1)


if __name__ == "__main__":
    main()
