"""The commands of the mock's package: `mock` and `conformance`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .._download import check_target
from .._errors import InvalidRequest
from .._redaction import visible
from .._settings import Settings, resolve
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
    tape: Annotated[
        Path | None, typer.Option("--from", help="Check the answers on a tape or cassette; send nothing.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page to this file.")] = None,
) -> None:
    """Test any server of this API at every limit of the document.

    Set SINANCODE_API_KEY to your API token. By default only requests that must be refused are sent, so nothing is
    billed. If the server accepts one, no other edit is sent. Each answer is held to the document. Exit status: 0 as
    documented; 1 something differs; 3 the run is not complete: the server cannot be reached, refuses the token or asks
    to stop.
    """
    module = mock_package("tools.conformance")
    reports = [("--junit", junit, module.to_junit), ("--html", html, module.to_html)]
    options = {"base_url": "--base-url", "files_url": "--files-url"}
    with run.errors(options=options) as stages, run.connected() as given:
        if run.mock + bool(base_url or files_url) + bool(tape) != 1:
            raise InvalidRequest("Name what is checked: use either --base-url URL, --mock or --from TAPE.")
        written = [(check_target(str(file), name), report) for name, file, report in reports if file]
        if not written:
            check_standard_output("The report is written")
        if tape:
            where, checks = str(tape), _of_tape(tape)
        else:
            hosts = {"base_url": base_url, "files_url": files_url, **given, "poll_interval": 0}
            settings = resolve(**hosts, timeout=None, max_retries=0)
            where, checks = settings.base_url, []
            for check in _running(run, module.Conformance(spend=spend), settings, rate):
                checks.append(check)
                stages.update(check.case.id)
        for file, report in written:
            file.write_text(report(checks), "utf-8")
    stopped = next((check.skipped for check in checks if check.stops), "")
    if run.as_json:
        typer.echo(module.to_json(checks).encode())  # JSON is UTF-8, whatever the terminal is
    elif any(check.status for check in checks) or not stopped:
        _print_checks(checks)
    else:
        say(f"Cannot reach {where}: {visible(stopped)}.")
    raise typer.Exit(1 if any(check.wrong for check in checks) else 3 if stopped else 0)


def _running(run: Run, plan: Any, settings: Settings, rate: float) -> Iterator[Any]:
    """Return the run against a server, after it is said what it may cost."""
    names = ("base_url", "files_url", "token")
    try:
        running = plan.run(**{name: getattr(settings, name) for name in names}, rate=1e9 if run.mock else rate)
    except ValueError as error:
        fail(f"--{error}", 2)  # of the rate
    billed = f"{plan.billed} of them are edits to be accepted, and {plan.most_billed} could be billed at most."
    if not run.quiet:
        say(f"{plan.requests} requests to {settings.base_url}: {billed}")
    return cast("Iterator[Any]", running)


def _of_tape(tape: Path) -> list[Any]:
    try:
        read = mock_package("engine.cassette").read_tape(tape, mock_package("contract").load())
    except (OSError, ValueError) as error:
        fail(f"--from: {error}", 2)
    return list(mock_package("tools.conformance").check_tape(read))


def _print_checks(checks: list[Any]) -> None:
    table = Table("", Column("Constraint", overflow="fold"), "Case", "Documented", "Actual", "Status", box=None)
    for check in checks:
        if not check.skipped:
            cells = (check.case.constraint.id, check.case.name, check.documented, check.actual, str(check.status))
            table.add_row(
                "≠" if check.wrong else "",
                *(escape(visible(cell)) for cell in cells),
                style="red" if check.wrong else "",
            )
    Console().print(table)
    answers = Counter(violation.message for check in checks for violation in check.violations)
    answers.update(f"{place} is not in the document." for check in checks for place in check.undeclared)
    for message, count in answers.items():
        typer.echo(f"Answers, {count} times: {visible(message)}")
    counts = Counter(check.skipped or ("different" if check.wrong else "as documented") for check in checks)
    typer.echo(f"{counts.pop('different', 0)} different, {counts.pop('as documented', 0)} as documented.")
    for reason, count in counts.items():
        typer.echo(f"{count} not checked: {reason.replace('`spend`', '`--spend`')}.")
