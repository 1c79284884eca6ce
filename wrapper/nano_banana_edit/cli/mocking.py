"""The commands of the mock's package: `mock` and `conformance`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .._download import check_target
from .._errors import InvalidRequest
from .._redaction import visible
from .._settings import resolve
from ._common import PROGRAM, Run, check_standard_output, command, fail, mock_package, say


def mock(context: typer.Context) -> None:
    """Serve the API offline until interrupted; `mock --help` lists the options."""
    mock_package()
    mock_package("__main__").main(context.args, prog=f"{PROGRAM} mock")


@command("token_file", "mock", "as_json", "quiet")
def conformance(
    run: Run,
    base_url: Annotated[str | None, typer.Option(help="URL of edits and tasks; with --mock, that of the mock.")] = None,
    files_url: Annotated[str | None, typer.Option(help="URL of uploads, if different.")] = None,
    spend: Annotated[bool, typer.Option("--spend", help="Send valid edits, which are billed, too.")] = False,
    rate: Annotated[float, typer.Option(help="Maximum requests per second.")] = 5.0,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
) -> None:
    """Test any server of this API at every limit of the document.

    Set SINANCODE_API_KEY to your API token. By default only requests that must be refused are sent, so nothing is
    billed. If the server accepts one, no other edit is sent. Exit status: 0 as documented; 1 something differs; 3 the
    run is not complete: the server cannot be reached, refuses the token or asks to stop.
    """
    module = mock_package("tools.conformance")
    options = {"base_url": "--base-url", "files_url": "--files-url"}
    with run.errors(options=options) as stages, run.connected() as given:
        hosts = {"base_url": base_url, "files_url": files_url, **given, "poll_interval": 0}
        if run.mock == bool(base_url or files_url):
            raise InvalidRequest("Name the server: use either --base-url URL or --mock.")
        settings = resolve(**hosts, timeout=None, max_retries=0)
        if junit:
            check_target(str(junit), "--junit")
        else:
            check_standard_output("The report is written")
        plan = module.Conformance(spend=spend)
        names = ("base_url", "files_url", "token")
        try:
            running = plan.run(**{name: getattr(settings, name) for name in names}, rate=1e9 if run.mock else rate)
        except ValueError as error:
            fail(f"--{error}", 2)  # of the rate
        billed = f"{plan.billed} of them are edits to be accepted, and {plan.most_billed} could be billed at most."
        if not run.quiet:
            say(f"{plan.requests} requests to {settings.base_url}: {billed}")
        checks = []
        for check in running:
            checks.append(check)
            stages.update(check.case.id)
        if junit:
            junit.write_text(module.to_junit(checks), "utf-8")
    stopped = next((check.skipped for check in checks if check.stops), "")
    if run.as_json:
        typer.echo(module.to_json(checks).encode())  # JSON is UTF-8, whatever the terminal is
    elif any(check.status for check in checks) or not stopped:
        _print_checks(checks)
    else:
        say(f"Cannot reach {settings.base_url}: {visible(stopped)}.")
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
        typer.echo(f"{count} not checked: {reason.replace('`spend`', '`--spend`')}.")
