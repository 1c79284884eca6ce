"""`python -m nano_banana_edit_mock`: serve on a port, print a contract, or compare two documents."""

import argparse
import json
import os
import re
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from urllib.parse import urlsplit

from . import _HINT

try:
    from .admin.api import TOKEN_VARIABLE
    from .contract import Contract, load, parse
    from .contract.document import name_place
    from .contract.files import read_file
    from .doors.port import serve
    from .engine.cassette import read_tape
    from .engine.documented import PLAYED
    from .engine.service import MockService
    from .tools import drift
    from .tools.cases import inspect
    from .tools.compare import compare, repeatable
    from .tools.proxy import Proxy
    from .tools.recorder import Recorder
    from .tools.table import HEAD, markdown, rows
except ModuleNotFoundError as missing:
    sys.stderr.write(f"python -m nano_banana_edit_mock: error: {_HINT.format(missing.name)}\n")
    raise SystemExit(2) from missing


def main(argv: Sequence[str] | None = None, *, prog: str = "python -m nano_banana_edit_mock") -> None:
    """Serve until interrupted, print the census of a document, or compare two documents.

    Args:
        argv: Arguments after the name of the program; default are those of the process.
        prog: The name of the program in its help.

    Raises:
        SystemExit: The arguments or a file are wrong, or help was shown. With status 1: the address is taken, or the
            version of a document is raised less than its changes need.
    """
    parser, commands = _parser(prog)
    given = [*takewhile(lambda text: text not in commands, sys.argv[1:] if argv is None else argv)]
    known = re.findall(r"--[a-z-]+", parser.format_help())
    for name in (text.partition("=")[0] for text in given if text.startswith("--")):
        if not any(option.startswith(name) for option in known):
            near = "".join(f" Did you mean {option}?" for option in get_close_matches(name, known, 1))
            parser.error(f"{name} is not an option.{near}")
    options = parser.parse_args(argv)
    try:
        if options.command:
            if sys.stdout is None:
                parser.error(f"standard output is closed, and {options.command} writes to it. Open it.")
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        if options.command == "contract":
            contract = load_document(options.document)
            sys.stdout.write(f"{json.dumps(contract.document) if options.json else markdown(HEAD, rows(contract))}\n")
        elif options.command == "diff":
            _diff(options.old, options.new)
        elif options.command == "compare":
            _compare(options.tape, load_document(options.spec, to_play=False))
        else:
            _serve(options, parser)
    except (OSError, ValueError) as error:
        # An argument of the service or of the proxy has the name of its option.
        named = _OF_PROXY | {name: _option(name) for name in vars(options)}
        text = re.sub(r"^\w+(?= is )", lambda name: named.get(name[0], name[0]), str(error))
        parser.exit(2, f"{parser.prog}: error: {text}\n")


def _parser(prog: str) -> tuple[argparse.ArgumentParser, Collection[str]]:
    """Return the parser, and the names of the commands."""
    parser = argparse.ArgumentParser(
        prog,
        description="Play nano-banana-edit offline, with a page at / that shows the requests.",
        epilog=f"From another machine, /__mock__/ needs the token that is printed, or the one in {TOKEN_VARIABLE}.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    free = "port; 0 takes a free one and prints JSON (default: %(default)s)"
    parser.add_argument("--port", type=_port, default=4010, help=free)
    parser.add_argument("--seed", type=int, default=0, help="start of task ids and images (default: %(default)s)")
    parser.add_argument("--polls", type=int, help="polls until a task is finished (default: 2)")
    parser.add_argument("--seconds", type=float, help="seconds until a task is finished, instead of polls")
    parser.add_argument("--token", help="the only accepted API token (default: any)")
    invalid = "status for an invalid body (default: %(default)s)"
    parser.add_argument("--invalid-status", type=int, default=400, metavar="N", help=invalid)
    parser.add_argument("--script", type=_path, metavar="FILE", help="script: a list of steps, in YAML or JSON")
    parser.add_argument("--spec", type=_path, metavar="FILE", help="OpenAPI document (default: the one shipped)")
    parser.add_argument(
        "--proxy", type=_given, metavar="URL", help="pass requests on to this service of edits and tasks"
    )
    files = "the service of uploads, if it is neither the documented one nor on the same host"
    parser.add_argument("--proxy-files", type=_given, metavar="URL", help=files)
    errors = "with --proxy: refuse what the document does not allow, requests and answers"
    parser.add_argument("--proxy-errors", action="store_true", help=errors)
    parser.add_argument("--record", type=_path, metavar="FOLDER", help="with --proxy: write a tape into a new folder")
    content = "with --record: keep prompts and files, too"
    parser.add_argument("--record-content", action="store_true", help=content)
    parser.add_argument("--replay", type=_path, metavar="TAPE", help="answer from a tape, or a cassette of vcrpy")
    timing = "with --replay: let tasks take as long as they did"
    parser.add_argument("--replay-timing", action="store_true", help=timing)
    parser.add_argument("--quiet", action="store_true", help="do not log the requests on standard error")
    commands = parser.add_subparsers(dest="command", title="instead of serving")
    census = commands.add_parser("contract", help="print the constraints of a document as a table")
    census.add_argument("document", type=Path, nargs="?", help="OpenAPI document (default: the one shipped)")
    census.add_argument(
        "--json", action="store_true", help="print the document instead, as it was read, for a generator"
    )
    diff = commands.add_parser("diff", help="list what a new version of a document changes for callers and readers")
    diff.add_argument("old", type=Path, help="the old version")
    diff.add_argument("new", type=Path, help="the new version")
    beside = commands.add_parser("compare", help="list where the mock differs in kind from the service on a tape")
    beside.add_argument("tape", type=Path, help="a tape, or a cassette of vcrpy")
    return parser, commands.choices


def _port(text: str) -> int:
    if not (text.isdecimal() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text} is not a port; the limit is 0 to 65535")
    return int(text)


def _given(text: str) -> str:
    if not text.strip():  # as of a variable that is not set
        raise argparse.ArgumentTypeError("it is empty; name one, or leave the option out")
    return text


def _path(text: str) -> Path:
    return Path(_given(text))


def load_document(path: Path | None, *, to_play: bool = True) -> Contract:
    """Return the contract of a document, default the one shipped; `to_play` is whether the mock itself must answer it.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not valid, or the mock cannot answer it; the message names the file.
    """
    if path is None:
        return load()
    document = read_file(path, name_place)
    with _about(path):
        contract = parse(document)
        if to_play:
            inspect(contract)
    return contract


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Name the document in the error."""
    try:
        yield
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is not a valid OpenAPI 3.1 document ({type(error).__name__}: {error}).") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _serve(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    contract = load_document(options.spec, to_play=not (options.proxy or options.replay))
    missing = PLAYED.keys() - {operation.id for operation in contract.operations}
    if missing:
        what = (
            f"the mock plays {', '.join(PLAYED)} by these operationIds, and answers any other operation by its example"
        )
        _tell(f"{parser.prog}: warning: {options.spec} has no {', '.join(sorted(missing))}; {what}.")
    service = _service(options, contract, parser)
    if options.script:
        service.script(options.script)
    token = os.environ.get(TOKEN_VARIABLE) or None
    try:
        serve(host=options.host, port=options.port, service=service, admin_token=token, quiet=options.quiet)
    except OSError as error:
        parser.exit(1, f"{parser.prog}: error: {error.strerror}\n")


_OF_PROXY = {"base_url": "--proxy", "files_url": "--proxy-files"}
_NEEDS = {"proxy_files": "proxy", "proxy_errors": "proxy", "record": "proxy", "record_content": "record"}
_NEEDS |= {"replay_timing": "replay"}
_OWN = ("seed", "polls", "seconds")  # of the mock's own tasks


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _service(options: argparse.Namespace, contract: Contract, parser: argparse.ArgumentParser) -> MockService:
    """Return the service that the options describe: the mock's own, one behind a proxy, or one on a tape."""
    for name, needed in _NEEDS.items():
        if getattr(options, name) and not getattr(options, needed):
            parser.error(f"{_option(name)} needs {_option(needed)}.")
    if options.proxy and options.replay:
        parser.error("--proxy and --replay exclude each other. Use one of them.")
    elsewhere = "--proxy" if options.proxy else "--replay" if options.replay else ""
    for name in (*_OWN, "token", *(() if options.proxy_errors else ("invalid_status",))):
        if elsewhere and getattr(options, name) != parser.get_default(name):
            parser.error(f"{_option(name)} has no effect with {elsewhere}. Leave it out.")
    settings = {name: getattr(options, name) for name in (*_OWN, "token", "invalid_status")}
    settings["contract"] = contract
    if options.replay:
        with warnings.catch_warnings(record=True, action="always") as differences:
            service = MockService.replay(options.replay, timing=options.replay_timing, **settings)
        _tell(*(f"{parser.prog}: warning: {difference.message}" for difference in differences))
        _tell(f"Answers are those of {options.replay}. No request is passed on.")
        return service
    if not options.proxy:
        return MockService(**settings)
    try:
        recorder = Recorder(options.record, contract, content=options.record_content) if options.record else None
    except (OSError, ValueError) as error:
        raise ValueError(f"--record: {error}") from error
    proxy = Proxy(contract, options.proxy, options.proxy_files, recorder=recorder)
    host, files = urlsplit(options.proxy).netloc, urlsplit(proxy.files_url).netloc
    uploads = f", uploads to {files}" if files != host else ""
    taped = f" The tape is written to {options.record}." if options.record else ""
    _tell(f"Requests are passed on to {host}{uploads}. Edits are billed there.{taped}")
    return MockService(**settings, upstream=proxy, strict=options.proxy_errors)


def _tell(*lines: str) -> None:
    if sys.stderr:  # as there is none in a daemon
        with suppress(OSError):  # nobody reads it
            sys.stderr.writelines(f"{line}\n" for line in lines)


def _diff(*paths: Path) -> None:
    old, new = (load_document(path, to_play=False) for path in paths)
    for path, contract in zip(paths, (old, new), strict=True):
        with _about(path):
            drift.inspect(contract)
    for change in drift.changes(old, new):
        sys.stdout.write(f"{change}\n")
    needed, raised = drift.bump(old, new), drift.raised(old, new)
    sys.stdout.write(f"Version bump: needs {needed}, has {raised}.\n")
    if not drift.suffices(raised, needed):
        sys.exit(1)


def _compare(path: Path, contract: Contract) -> None:
    tape = read_tape(path, contract)
    found = [*tape.differences(contract), *compare(tape, contract)]
    for text in found:
        sys.stdout.write(f"{text}\n")
    compared = sum(1 for _ in repeatable(tape, contract))
    sys.stdout.write(f"Exchanges: {len(tape.exchanges)}. Compared: {compared}. Differences: {len(found)}.\n")
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
