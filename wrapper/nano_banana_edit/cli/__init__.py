"""The command line: edit images, fetch results later, serve the mock, test a server."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import stamina

try:
    import rich.console  # noqa: F401 - the commands need it
    import typer
except ModuleNotFoundError as missing:
    raise SystemExit(f"The command line needs {missing.name}: pip install 'nano-banana-edit[cli]'") from missing

from .._version import __version__
from ._common import INTERRUPTS, Run
from ._streams import prepare
from ._words import PROGRAM
from .batches import app as batch
from .doctor import doctor
from .edits import edit, status, submit, upload, wait
from .mcp import mcp
from .mocking import conformance, mock
from .workers import enqueue, worker

_HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name=PROGRAM,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings=_HELP,
)
for command in (edit, submit, wait, status, upload):
    app.command()(command)
for command in (enqueue, worker):
    batch.command()(command)
app.add_typer(batch, name="batch")
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(mock)
for command in (conformance, doctor, mcp):
    app.command()(command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Edit images from a text instruction.

    Exit status: 0 done; 1 the edit failed, or its result could not be saved; 2 bad input, nothing was sent; 3 the
    service refused the request, or cannot be reached; 4 the edit may have been accepted and billed; 5 the edit is not
    finished in time; 130 interrupted, by Ctrl-C, SIGTERM or SIGHUP. `wait` fetches the result of an edit that was
    accepted.
    """


def _terminated(_number: int, frame: FrameType | None) -> None:
    """Do on SIGTERM or SIGHUP what Ctrl-C does, also while an event loop has a handler of its own for that."""
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(signal.SIGINT, frame)


def main() -> None:
    """Run the command line."""
    prepare()
    for each in INTERRUPTS:
        if signal.getsignal(each) is signal.SIG_DFL:
            signal.signal(each, _terminated)
    stamina.instrumentation.set_on_retry_hooks([])  # where structlog is installed, they would write to stdout
    try:
        with Run(debug="--debug" in sys.argv).errors():  # outside of a command too, such as a help on a full disk
            app()
    except typer.Exit as end:
        sys.exit(end.exit_code)
