"""The command line: edit images, serve the mock, test a server."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn, get_args

import httpx2
from nano_banana_edit_client.models import ImageSize, OutputFormat
from nano_banana_edit_client.types import UNSET

from . import _media
from ._download import check_target
from ._errors import (
    APIConnectionError,
    APIStatusError,
    InvalidRequest,
    NanoBananaEditError,
    SubmissionUnknown,
    WaitTimeout,
)
from ._operations import Progress
from ._settings import resolve
from ._version import __version__
from .client import NanoBananaEdit

try:
    import typer
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table
except ModuleNotFoundError as missing:
    raise SystemExit(f"The command line needs {missing.name}: pip install 'nano-banana-edit[cli]'") from missing

_STATUSES: dict[type[NanoBananaEditError], int] = {
    InvalidRequest: 2,
    APIConnectionError: 3,
    APIStatusError: 3,
    SubmissionUnknown: 4,
    WaitTimeout: 5,
}

app = typer.Typer(
    name="nano-banana-edit", no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
)


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
    finished in time; 130 interrupted.
    """


@app.command()
def edit(
    images: Annotated[list[str], typer.Argument(help="URLs or paths of the images.", show_default=False)],
    prompt: Annotated[str, typer.Argument(help="The instruction.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.", show_default=False)],
    size: Annotated[str | None, typer.Option(help=f"Shape: {', '.join(get_args(ImageSize))}.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help=f"Format: {', '.join(get_args(OutputFormat))}; default: from the file extension.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Maximum seconds to wait.")] = 600.0,
    mock: Annotated[bool, typer.Option("--mock", help="Use an embedded mock server, offline.")] = False,
) -> None:
    """Edit images and write the result to a file.

    Set SINANCODE_API_KEY to your API token. Every accepted edit is billed, except with --mock. Further results are
    written beside the first one, as NAME-2, NAME-3 and so on.
    """
    options: dict[str, Any] = {
        "image_size": UNSET if size is None else size,
        "output_format": _format_of(output) if format is None else format,
    }
    saved: list[Path] = []
    try:
        with _errors_in_one_line() as tell, _client(mock) as client:
            check_target(output)
            finished = client.edit(list(images), prompt, timeout=timeout, on_progress=tell, **options)
            for number, image in enumerate(finished.images, start=1):
                saved.append(image.save(output if number == 1 else output.with_stem(f"{output.stem}-{number}")))
    finally:  # when the spinner is gone, and also for results that were saved before a failure
        for path in saved:
            typer.echo(path)


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def mock(context: typer.Context) -> None:
    """Serve the API offline until interrupted; `mock --help` lists the options."""
    _mock_package()
    _mock_package("__main__").main(context.args, prog="nano-banana-edit mock")


@app.command()
def conformance(
    base_url: Annotated[str, typer.Option(help="URL of edits and tasks.", show_default=False)],
    files_url: Annotated[str | None, typer.Option(help="URL of uploads, if different.")] = None,
    spend: Annotated[bool, typer.Option("--spend", help="Send valid edits, which are billed, too.")] = False,
    rate: Annotated[float, typer.Option(help="Maximum requests per second.", min=0.01)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
) -> None:
    """Test any server of this API at every limit of the document.

    Set SINANCODE_API_KEY to your API token. By default only requests that must be refused are sent, so nothing is
    billed. If the server accepts one, no other edit is sent. Exit status: 0 as documented; 1 something differs; 3 the
    run is not complete: the server cannot be reached, refuses the token or asks to stop.
    """
    module = _mock_package("tools.conformance")
    with _errors_in_one_line() as stages:
        settings = resolve(
            token=None, base_url=base_url, files_url=files_url, timeout=None, max_retries=0, poll_interval=0
        )
        if junit:
            check_target(junit)
        run = module.Conformance(spend=spend)
        try:
            running = run.run(base_url=settings.base_url, files_url=settings.files_url, token=settings.token, rate=rate)
        except ValueError as error:
            _fail(str(error), 2)
        billed = f"{run.billed} of them are edits to be accepted, and {run.most_billed} could be billed at most."
        typer.echo(f"{run.requests} requests to {base_url}: {billed}", err=True)
        checks = []
        for check in running:
            checks.append(check)
            stages.spinner.update(escape(check.case.id))
        if junit:
            junit.write_text(module.to_junit(checks), "utf-8")
    if as_json:
        typer.echo(module.to_json(checks).encode())  # JSON is UTF-8, whatever the terminal is
    else:
        _print_checks(checks)
    stopped = any(check.stops for check in checks)
    raise typer.Exit(1 if any(check.differs for check in checks) else 3 if stopped else 0)


def _print_checks(checks: list[Any]) -> None:
    table = Table("", Column("Constraint", overflow="fold"), "Case", "Documented", "Actual", "Status", box=None)
    for check in checks:
        if not check.skipped:
            cells = (check.case.constraint.id, check.case.name, check.documented, check.actual, str(check.status))
            table.add_row("≠" if check.differs else "", *map(escape, cells), style="red" if check.differs else "")
    Console().print(table)
    counts = Counter(check.skipped or ("different" if check.differs else "as documented") for check in checks)
    typer.echo(f"{counts.pop('different', 0)} different, {counts.pop('as documented', 0)} as documented.")
    for reason, count in counts.items():
        typer.echo(f"{count} not checked: {reason}.")


def _format_of(output: Path) -> Any:
    _, _, subtype = (_media.of_name(output.name) or "").partition("/")
    return subtype if subtype in get_args(OutputFormat) else UNSET


@contextmanager
def _client(mock: bool) -> Iterator[NanoBananaEdit]:
    """Yield a client of the service, or of a mock server that runs as long as the client."""
    if not mock:
        with NanoBananaEdit() as client:
            yield client
        return
    with (
        _mock_package().MockServer() as server,
        httpx2.Client(trust_env=False) as http,  # no proxy: offline means offline
        NanoBananaEdit(token="mock", base_url=server.url, poll_interval=0.4, http_client=http) as client,  # noqa: S106
    ):
        yield client


def _mock_package(module: str = "doors.port") -> Any:
    try:
        return import_module(f"nano_banana_edit_mock.{module}")
    except ModuleNotFoundError as missing:
        _fail(f"The mock server needs {missing.name}: pip install 'nano-banana-edit[mock]'", 2)


def _fail(message: str, status: int) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(status)


class _Stages:
    """Writes the stage of the edit to stderr: on a terminal in one line that changes, otherwise in a line a stage."""

    def __init__(self) -> None:
        self.task_id: str | None = None
        self._said = ""
        self._console = Console(stderr=True)
        self.spinner = self._console.status("Checking")

    def __call__(self, progress: Progress) -> None:
        self.task_id = progress.task_id
        texts = {"upload": "Uploading", "submit": "Submitting", "wait": f"Task {progress.task_id}: {progress.status}"}
        text = texts[progress.stage]
        if self._console.is_terminal:
            self.spinner.update(f"{escape(text)} ({progress.elapsed:.0f} s)")
        elif text != self._said:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)
        self._said = text


@contextmanager
def _errors_in_one_line() -> Iterator[_Stages]:
    stages = _Stages()
    try:
        with stages.spinner:
            yield stages
    except NanoBananaEditError as error:
        status = next((status for kind, status in _STATUSES.items() if isinstance(error, kind)), 1)
        if error.task_id and status in (2, 3):  # the edit was accepted: a script that repeats 2 or 3 must not pay twice
            status = 1
        task = f" (task {error.task_id})" if error.task_id and error.task_id not in str(error) else ""
        _fail(f"{error}{task}", status)
    except OSError as error:
        _fail(f"{error}{f' (task {stages.task_id})' if stages.task_id else ''}", 1)
    except KeyboardInterrupt:
        _fail(f"interrupted; task {stages.task_id} goes on" if stages.task_id else "interrupted", 130)


def main() -> None:
    """Run the command line."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app()
