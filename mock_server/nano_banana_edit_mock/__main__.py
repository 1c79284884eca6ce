"""`python -m nano_banana_edit_mock`: the service on a port, or what its document demands."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import _HINT

try:
    from .admin.api import TOKEN_VARIABLE
    from .contract import Contract, load, parse
    from .contract.document import read
    from .doors.port import serve
    from .engine.service import MockService
    from .tools import drift
    from .tools.table import HEAD, markdown, rows
except ModuleNotFoundError as missing:
    sys.stderr.write(f"python -m nano_banana_edit_mock: error: {_HINT.format(missing.name)}\n")
    raise SystemExit(2) from missing


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m nano_banana_edit_mock") -> None:
    """Read the command line; serve until interrupted, print the census, or compare two documents.

    Args:
        argv: Arguments after the program's name; default are those of the process.
        prog: The program's name, as its help shows it.

    Raises:
        SystemExit: The arguments or a file are wrong, or help was asked for. With status 1: the address is taken, or
            the version of a document rises less than its changes ask for.
    """
    parser = argparse.ArgumentParser(
        prog,
        description="Play nano-banana-edit offline, with a page at / that shows what comes.",
        epilog=f"From another machine /__mock__/ needs a token, which is printed, or is the one in {TOKEN_VARIABLE}.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=4010, help="port, 0 for a free one that is printed as JSON (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="where task ids and pictures start (default: %(default)s)")
    parser.add_argument("--polls", type=int, default=2, help="looks until a task is finished (default: %(default)s)")
    parser.add_argument("--seconds", type=float, help="seconds until a task is finished, instead of looks")
    parser.add_argument("--token", help="the only API token accepted (default: any)")
    parser.add_argument(
        "--invalid-status",
        type=int,
        default=400,
        metavar="N",
        help="status of a body that is refused (default: %(default)s)",
    )
    parser.add_argument("--script", type=Path, metavar="FILE", help="what happens, in YAML or JSON: a list of steps")
    parser.add_argument(
        "--spec", type=Path, metavar="FILE", help="an OpenAPI document to play (default: the one shipped)"
    )
    commands = parser.add_subparsers(dest="command", title="instead of serving")
    census = commands.add_parser("contract", help="print every constraint of the document as a table")
    census.add_argument("document", type=Path, nargs="?", help="an OpenAPI document (default: the one shipped)")
    diff = commands.add_parser("diff", help="say what a new version of the document means for users of the old one")
    diff.add_argument("old", type=Path, help="the old version")
    diff.add_argument("new", type=Path, help="the new version")
    options = parser.parse_args(argv)
    try:
        if options.command:
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        if options.command == "contract":
            contract = _load(options.document)
            with _about(options.document):
                sys.stdout.write(f"{markdown(HEAD, rows(contract))}\n")
        elif options.command == "diff":
            _diff(options.old, options.new)
        else:
            _serve(options, prog)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is no port; it is 0 to 65535")
    return port


def _load(path: Path | None) -> Contract:
    if path is None:
        return load()
    document = read(path)
    with _about(path):
        return parse(document)


@contextmanager
def _about(path: Path | None) -> Iterator[None]:
    """Name the document in whatever is wrong with it."""
    try:
        yield
    except (AttributeError, LookupError, TypeError) as error:
        state = f"is no OpenAPI 3.1 document that can be read ({type(error).__name__}: {error})"
        raise ValueError(f"{path} {state}. Mend it.") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _serve(options: argparse.Namespace, prog: str) -> None:
    service = MockService(
        seed=options.seed,
        polls=options.polls,
        seconds=options.seconds,
        token=options.token,
        invalid_status=options.invalid_status,
        contract=_load(options.spec),
    )
    if options.script:
        service.script(options.script)
    try:
        serve(host=options.host, port=options.port, service=service, admin_token=os.environ.get(TOKEN_VARIABLE) or None)
    except OSError as error:
        sys.stderr.write(f"{prog}: error: {error.strerror}\n")
        raise SystemExit(1) from error


def _diff(*paths: Path) -> None:
    old, new = map(_load, paths)
    for path, contract in zip(paths, (old, new), strict=True):
        with _about(path):
            drift.inspect(contract)
    for change in drift.changes(old, new):
        sys.stdout.write(f"{change}\n")
    needed, raised = drift.bump(old, new), drift.raised(old, new)
    sys.stdout.write(f"Version: needs to rise in {needed}, rises in {raised}.\n")
    if not drift.suffices(raised, needed):
        sys.exit(1)


if __name__ == "__main__":
    main()
