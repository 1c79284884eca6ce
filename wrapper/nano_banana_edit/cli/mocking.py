"""The commands of the mock's package: `mock` and `conformance`."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from .._download import check_target, write
from .._errors import InvalidRequest
from .._operations import Progress
from .._redaction import visible
from .._settings import BASE_URL_VARIABLE, Settings, resolve
from ._common import Run, command, mock_package
from ._streams import Stages, check_standard_output, fail, say
from ._target import is_one_of
from ._words import PROGRAM


def mock(context: typer.Context) -> None:
    """Serve the API offline until interrupted; `mock --help` lists the options."""
    mock_package()
    mock_package("__main__").main(context.args, prog=f"{PROGRAM} mock")


@command("token_file", "mock", "as_json", "quiet")
def conformance(
    run: Run,
    base_url: Annotated[str | None, typer.Option(help="URL of edits and tasks.")] = None,
    files_url: Annotated[str | None, typer.Option(help="URL of uploads, if different.")] = None,
    spend: Annotated[bool, typer.Option("--spend", help="Send valid edits, which are billed, too.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Follow one valid edit to its result; it is billed. Implied by --spend.")
    ] = False,
    rate: Annotated[float, typer.Option(help="Maximum requests per second.")] = 5.0,
    spec: Annotated[Path | None, typer.Option(help="OpenAPI document; default: the one shipped.")] = None,
    tape: Annotated[
        Path | None, typer.Option("--from", help="Check the answers on a tape or cassette; send nothing.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit report to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as a page to this file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace reports, but no file that is read.")] = False,
) -> None:
    """Test any server of this API at every limit of the document.

    Set SINANCODE_API_KEY to your API token. By default only requests that must be refused are sent, so nothing is
    billed. If the server may have accepted one, no other edit is sent. Each answer is held to the document. Exit
    status: 0 as documented; 1 something differs; 3 the run is not complete: the server cannot be reached, refuses the
    token or asks to stop. An interrupt reports what was checked before it.
    """
    module = mock_package("tools.conformance")
    options = {"base_url": "--base-url", "files_url": "--files-url"}
    checks: list[Any] = []
    run.variables = f"{BASE_URL_VARIABLE}={shlex.quote(base_url)} " if base_url else ""
    with run.errors(to_go_on=run.to_go_on(), options=options) as stages, run.connected() as given:
        if run.mock + bool(base_url or files_url) + bool(tape) != 1:
            raise InvalidRequest("Name what is checked: use either --base-url URL, --mock or --from TAPE.")
        if tape and (spend or follow):
            raise InvalidRequest(f"--from sends nothing. Leave out {'--spend' if spend else '--follow'}.")
        contract = _contract(spec, to_play=not tape)
        targets = _targets(contract, junit, html, [run.token_file, tape, spec], force=force)
        if not targets:
            check_standard_output("The report is written")
        if tape:
            where, running = str(tape), iter(_of_tape(tape, contract))
        else:
            hosts = {"base_url": base_url, "files_url": files_url, **given, "poll_interval": 0}
            settings = resolve(**hosts, timeout=None, max_retries=0)
            plan = partial(module.Conformance, contract, spend=spend, follow=follow or None)
            where, running = settings.base_url, _running(run, plan, settings, rate)
        stages.submits = (spend or follow) and not run.mock
        try:
            for check in running:
                checks.append(check)
                _show(check, stages)
        except BaseException:
            run.facts["checks"] = json.loads(module.to_json(checks))
            raise
        finally:  # what may have been billed is reported, whatever happens
            stages.stop()
            written = [_write(target, report(checks, where), force=force) for target, report in targets.items()]
            if not run.as_json:
                _print_checks(checks, where)
    if run.as_json:
        typer.echo(module.to_json(checks).encode())  # JSON is UTF-8, whatever the terminal is
    if any(check.wrong for check in checks) or not all(written):
        raise typer.Exit(1)
    raise typer.Exit(3 if any(check.stops for check in checks) else 0)


def _show(check: Any, stages: Stages) -> None:
    if check.task_id and check.case.constraint.keyword == "responses":  # of the edit that is followed
        stages(Progress("wait", 0, check.task_id, "submitted"))
    else:
        stages.update(check.case.id)


def _contract(spec: Path | None, *, to_play: bool) -> Any:
    try:
        return mock_package("__main__").load_document(spec, to_play=to_play)
    except (OSError, ValueError) as error:
        fail(f"--spec: {error}", 2)


def _targets(
    contract: Any, junit: Path | None, html: Path | None, read: list[Path | None], *, force: bool
) -> dict[Path, Callable[[list[Any], str], str]]:
    """Return what makes the report of each file. Raises InvalidRequest for a file that must not be written."""
    module = mock_package("tools.conformance")
    reports = (
        ("--junit", junit, lambda checks, _: module.to_junit(checks)),
        ("--html", html, partial(_page, contract)),
    )
    targets: dict[Path, Callable[[list[Any], str], str]] = {}
    for option, file, report in reports:
        if file is None:
            continue
        target = check_target(str(file), option)
        own = any(is_one_of(each, read) for each in (target, *target.parents))  # a tape is a folder
        if target in targets:
            raise InvalidRequest(f"{option} {file} is the file of --junit, too; choose another name.")
        if target.exists() and (own or not force):
            raise InvalidRequest(f"{option} {file} exists; choose another name{'' if own else ', or use --force'}.")
        targets[target] = report
    return targets


def _page(contract: Any, checks: list[Any], where: str) -> str:
    info = contract.document["info"]
    about = f"{where}, held to {info['title']} {info['version']}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return str(mock_package("tools.conformance").to_html(checks, server=about))


def _write(target: Path, text: str, *, force: bool) -> bool:
    """Write a report, and return whether that was possible; if not, the others are written all the same."""
    try:
        write(target, text.encode(), replaces=force)
    except OSError as error:
        say(f"Error: {target} cannot be written ({error.strerror}).")
        return False
    return True


def _running(run: Run, make: Callable[[], Any], settings: Settings, rate: float) -> Iterator[Any]:
    """Return the run against a server, after it is said what it may cost."""
    names = ("base_url", "files_url", "token")
    try:
        plan = make()
        running = plan.run(**{name: getattr(settings, name) for name in names}, rate=1e9 if run.mock else rate)
    except ValueError as error:
        fail(f"--{error}", 2)  # of the rate, or of an edit to follow
    billed = f"{plan.billed} of them are edits to be accepted, and {plan.most_billed} could be billed at most."
    if not run.quiet or (plan.billed and not run.mock):
        say(f"{plan.requests} requests to {settings.base_url}: {billed}")
    return cast("Iterator[Any]", running)


def _of_tape(tape: Path, contract: Any) -> list[Any]:
    try:
        return list(mock_package("tools.conformance").check_tape(tape, contract))
    except (OSError, ValueError) as error:
        fail(f"--from: {error}", 2)


def _print_checks(checks: list[Any], where: str) -> None:
    stopped = next((check.skipped for check in checks if check.stops), "")
    if stopped and not any(check.status for check in checks):
        say(f"Cannot reach {where}: {visible(stopped)}.")
        return
    table = Table("", Column("Constraint", overflow="fold"), "Case", "Documented", "Actual", "Status", box=None)
    for check in checks:
        if not check.skipped:
            cells = (check.case.constraint.id, check.case.name, *check.verdicts, str(check.status))
            table.add_row(
                "≠" if check.wrong else "",
                *(escape(visible(cell)) for cell in cells),
                style="red" if check.wrong else "",
            )
    Console().print(table)
    answers = Counter(violation.message for check in checks for violation in check.violations)
    undeclared = mock_package("contract.wording").undeclared
    answers.update(undeclared(place) for check in checks for place in check.undeclared)
    for message, count in answers.items():
        typer.echo(f"{count} answer{'s' * (count != 1)}: {visible(message)}")
    counts = Counter(check.skipped or ("different" if check.wrong else "as documented") for check in checks)
    typer.echo(f"{counts.pop('different', 0)} different, {counts.pop('as documented', 0)} as documented.")
    if tasks := dict.fromkeys(check.task_id for check in checks if check.task_id):
        typer.echo(f"Accepted edits: {len(tasks)}. Their tasks: {visible(', '.join(tasks))}.")
    for reason, count in counts.items():
        typer.echo(f"{count} not checked: {re.sub('`(?=spend|rate)', '`--', reason)}.")
