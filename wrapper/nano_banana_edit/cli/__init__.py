"""The command line: edit images, fetch results later, serve the mock, test a server."""

from __future__ import annotations

from typing import Annotated

import stamina

try:
    import rich.console  # noqa: F401 - the commands need it
    import typer
except ModuleNotFoundError as missing:
    raise SystemExit(f"The command line needs {missing.name}: pip install 'nano-banana-edit[cli]'") from missing

from .._version import __version__
from ._common import prepare
from .batches import app as batch
from .edits import edit, get, submit, wait
from .mcp import mcp
from .mocking import conformance, mock
from .workers import enqueue, worker

app = typer.Typer(
    name="nano-banana-edit", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)
for command in (edit, submit, wait, get, conformance, mcp):
    app.command()(command)
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(mock)
batch.command()(enqueue)
batch.command()(worker)
app.add_typer(batch, name="batch")


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
    finished in time; 130 interrupted. `wait` fetches the result of an edit that was accepted.
    """


def main() -> None:
    """Run the command line."""
    prepare()
    stamina.instrumentation.set_on_retry_hooks([])  # where structlog is installed, they would write to stdout
    app()
