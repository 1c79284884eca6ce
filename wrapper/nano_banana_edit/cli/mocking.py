"""The commands of the mock's package: `mock` and `conformance`."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .._download import check_target
from .._redaction import visible
from .._settings import resolve
from ._common import TokenFile, check_standard_output, errors_in_one_line, fail, read_token, say


def mock(context: typer.Context) -> None:
    """Serve the API offline until interrupted; `mock --help` lists the options."""
    mock_package()
    mock_package("__main__").main(context.args, prog="nano-banana-edit mock")


def conformance(
    base_url: Annotated[str, typer.Option(help="URL of edits and tasks.", show_default=False)],
    files_url: Annotated[str | None, typer.Option(help="URL of uploads, if different.")] = None,
    spend: Annotated[bool, typer.Option("--spend", help="Send valid edits, which are billed, too.")] = False,
    rate: Annotated[float, typer.Option(help="Maximum requests per second.", min=0.01)] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Test any server of this API at every limit of the document.

    Set SINANCODE_API_KEY to your API token. By default only requests that must be refused are sent, so nothing is
    billed. If the server accepts one, no other edit is sent. Exit status: 0 as documented; 1 something differs; 3 the
    run is not complete: the server cannot be reached, refuses the token or asks to stop.
    """
    module = mock_package("tools.conformance")
    with errors_in_one_line(options={"base_url": "--base-url", "files_url": "--files-url"}) as stages:
        settings = resolve(
            token=read_token(token_file),
            base_url=base_url,
            files_url=files_url,
            timeout=None,
            max_retries=0,
            poll_interval=0,
        )
        if junit:
            check_target(str(junit), "--junit")
        else:
            check_standard_output("The report is written")
        run = module.Conformance(spend=spend)
        try:
            running = run.run(base_url=settings.base_url, files_url=settings.files_url, token=settings.token, rate=rate)
        except ValueError as error:
            fail(f"--{error}", 2)  # of the rate
        billed = f"{run.billed} of them are edits to be accepted, and {run.most_billed} could be billed at most."
        say(f"{run.requests} requests to {base_url}: {billed}")
        checks = []
        for check in running:
            checks.append(check)
            stages.update(check.case.id)
        if junit:
            junit.write_text(module.to_junit(checks), "utf-8")
    stopped = next((check.skipped for check in checks if check.stops), "")
    if as_json:
        typer.echo(module.to_json(checks).encode())  # JSON is UTF-8, whatever the terminal is
    elif any(check.status for check in checks) or not stopped:
        _print_checks(checks)
    else:
        say(f"Cannot reach {base_url}: {visible(stopped)}.")
    raise typer.Exit(1 if any(check.differs for check in checks) else 3 if stopped else 0)


def _print_checks(checks: list[Any]) -> None:
    table = Table("", Column("Constraint", overflow="fold"), "Case", "Documented", "Actual", "Status", box=None)
    for check in checks:
        if not check.skipped:
            cells = (check.case.constraint.id, check.case.name, check.documented, check.actual, str(check.status))
            table.add_row(
                "≠" if check.differs else "",
                *(escape(visible(cell)) for cell in cells),
                style="red" if check.differs else "",
            )
    Console().print(table)
    counts = Counter(check.skipped or ("different" if check.differs else "as documented") for check in checks)
    typer.echo(f"{counts.pop('different', 0)} different, {counts.pop('as documented', 0)} as documented.")
    for reason, count in counts.items():
        typer.echo(f"{count} not checked: {reason}.")


def mock_package(module: str = "doors.port") -> Any:
    """Return a module of the mock's package, or exit if its extra is not installed."""
    try:
        return import_module(f"nano_banana_edit_mock.{module}")
    except ModuleNotFoundError as missing:
        fail(f"The mock server needs {missing.name}: pip install 'nano-banana-edit[mock]'", 2)
