"""The commands of batches: `batch FILE`, which is `batch run FILE`, `batch status`, `report` and `resolve`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    aclosing,
    contextmanager,
    nullcontext,
    suppress,
)
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import httpx2
import typer
from rich.progress_bar import ProgressBar
from typer.core import TyperGroup

from .. import _clock
from .._errors import InvalidRequest, LedgerError
from .._redaction import visible
from ..client import AsyncNanoBananaEdit
from ._common import Run, command, opened, with_extra
from ._options import (
    SOURCE,
    AnyFormat,
    BatchName,
    FileName,
    Force,
    InFlight,
    LedgerOption,
    NewName,
    PerMinute,
    RetryFailed,
    RowKey,
    RowPrompt,
    Size,
)
from ._streams import Stages, check_standard_output, say, tell
from ._words import command_line, ledger_option, said, with_way_on

if TYPE_CHECKING:
    from ..batch import Batch, Outcome
    from ..ledger import State

_VISITED: tuple[State, ...] = ("sending", "sent", "completed", "saved")  # in every run
_SHOWN = 20  # rows whose failure is written to standard error
_LOOK = 0.25  # seconds between two looks at how far a run is
_LONGEST = 60.0  # seconds between two lines of a log, and that the rate is measured over
_HELD = 5.0  # seconds without a submission that look like a fault
_NAMES = ("in_flight", "max_edits", "per_second", "per_minute", "file_name", "output", "prompt")
OPTIONS = {**{name: f"--{name.replace('_', '-')}" for name in _NAMES}, "name": "--batch", "source": "SOURCE"}


class _RunByDefault(TyperGroup):
    """A group in which `batch edits.jsonl` is `batch run edits.jsonl`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Edit many images, each once, as in: nano-banana-edit batch edits.jsonl -o out/ (`run` may be left out).",
)


class _Watch:
    """What became of the rows of a run so far, shown on a terminal, or in a line of a log now and then."""

    def __init__(self, batch: Batch, total: int | None, stages: Stages, run: Run) -> None:
        self.counts: Counter[str] = Counter()
        self._batch, self._total, self._stages, self._run = batch, total, stages, run
        self._seen = deque([(_clock.now(), 0)])  # when, and how many rows had ended
        self._next, self._pause = _clock.now() + 1.0, 1.0

    async def run(self, *clients: AbstractAsyncContextManager[object]) -> None:
        """Run the batch, and close its clients. An interrupt is told at once; what is in flight may take longer."""
        running = asyncio.create_task(self._outcomes(clients))
        while not running.done():
            try:
                await asyncio.wait({running}, timeout=_LOOK)
            except asyncio.CancelledError:
                if not running.cancelling():
                    many = f"{self._batch.in_flight} submissions in flight"
                    again = "Press Ctrl-C again to quit now; those edits become unknown."
                    say(f"Submitting no more. Waiting for {many}. {again}")
                running.cancel()
            self._show()
        await running

    async def _outcomes(self, clients: Iterable[AbstractAsyncContextManager[object]]) -> None:
        async with AsyncExitStack() as stack:
            for client in clients:
                await stack.enter_async_context(client)
            outcomes = await stack.enter_async_context(aclosing(self._batch.outcomes()))
            async for outcome in outcomes:
                self._add(outcome)

    def _add(self, outcome: Outcome) -> None:
        # Without a state if its row cannot be used; with an error though it is finished if its result has expired.
        state = "failed" if outcome.error and outcome.state in ("completed", "saved") else outcome.state
        kind = "failed" if state in (None, "failed", "refused") else state if state in ("saved", "unknown") else "left"
        self.counts[kind] += 1
        error, text, task_id = outcome.error, None, None
        if error:
            task_id = vars(error).get("task_id")
            text = with_way_on(said(error, {"key": "key"}), error, task_id)
        if self._run.as_json:
            facts = {"key": outcome.key, "state": outcome.state, "output": outcome.output}
            tell(json.dumps({**facts, "error": text, "task_id": task_id}))
        elif text:
            failures = self.counts.total() - self.counts["saved"]
            # A task that the ledger could not be told of is known from this line alone.
            if failures <= _SHOWN or isinstance(error, LedgerError):
                say(": ".join(filter(None, (outcome.key, text))))
            if failures == _SHOWN:
                say("Further failures are counted only; `nano-banana-edit batch report` has them all.")

    def _show(self) -> None:
        now, done, held = _clock.now(), self.counts.total(), self._batch.held
        self._seen.append((now, done))
        while now - self._seen[0][0] > _LONGEST:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = (done - before) / max(now - since, _LOOK)
        texts = [f"{self._batch.submitted:,} sent"]
        texts += [f"{self.counts[name]:,} {name}" for name in ("saved", "failed", "unknown")]
        texts += [f"{self.counts['left']:,} for the next run"] if self.counts["left"] else []
        texts += [f"{self._batch.in_flight} in flight", f"{rate:.1f}/s"]
        if self._total and rate:
            texts.append(f"{timedelta(seconds=int(max(0, self._total - done) / rate))} left")
        if held > _HELD:
            texts.append(f"held back until {datetime.now() + timedelta(seconds=held):%H:%M:%S}")
        text = f"{done:,}{f' of {self._total:,}' if self._total else ''} rows: {', '.join(texts)}"
        if self._stages.animated:
            bar = ProgressBar(total=self._total, completed=done, width=60, pulse=self._total is None)
            self._stages.update(text, bar)
        elif not self._run.quiet and now >= self._next:
            say(text)
            self._pause = min(_LONGEST, self._pause * 2)
            self._next = now + self._pause


@app.command(name="run")
@command("token_file", "mock", "as_json", "quiet")
def run_batch(
    run: Run,
    source: Annotated[str, typer.Argument(help=SOURCE, metavar="SOURCE")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="Folder for the results, or a URL of fsspec.", metavar="FOLDER|URL")
    ],
    ledger: LedgerOption = None,
    name: NewName = None,
    prompt: RowPrompt = None,
    key: RowKey = None,
    file_name: FileName = None,
    size: Size = None,
    format: AnyFormat = None,  # noqa: A002 - the option's name
    in_flight: InFlight = 16,
    per_second: Annotated[float | None, typer.Option(help="Maximum submissions in a second.")] = None,
    per_minute: PerMinute = None,
    max_edits: Annotated[int | None, typer.Option(help="Maximum edits to submit in this run.")] = None,
    retry_failed: RetryFailed = False,
    no_precheck: Annotated[bool, typer.Option("--no-precheck", help="Check each row when its turn comes.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count what would be billed; send nothing.")
    ] = False,
) -> None:
    """Edit every row once. Run it again to go on: what was submitted before is not submitted, nor billed, again.

    Set SINANCODE_API_KEY to your API token. Without --ledger, the ledger is ledger.db in the output folder; with --mock
    it is not kept. With --json, each row is a line of JSON, and the last line is a summary. Ctrl-C or SIGTERM stops
    submitting, waits for the submissions in flight, and shows the command that goes on; a second one leaves at once.

    Exit status: 0 all rows are saved; 1 some failed, were refused or have expired, or the ledger or a file cannot be
    written; 2 bad input; 3 the service refuses the token, or cannot be reached; 4 some are unknown, see `batch
    resolve`; 5 some are left, run it again; 130 interrupted.
    """
    with (
        run.errors(options=OPTIONS, still=run.as_json and sys.stdout is not None and sys.stdout.isatty()) as stages,
        run.connected() as settings,
        _location(run, output, ledger) as location,
        opened(location) as known,
    ):
        from ..batch import Batch, Limits  # noqa: PLC0415 - comes with an extra

        if run.mock and Path(output, "ledger.db").exists():
            raise InvalidRequest(f"--output {output} has real results; use another folder with --mock.")
        check_standard_output("The summary is written")
        http = run.offline(httpx2.AsyncClient)
        client = AsyncNanoBananaEdit(**settings, http_client=http)
        limits = Limits(in_flight=in_flight, per_second=per_second, per_minute=per_minute, max_edits=max_edits)
        options: dict[str, Any] = {"prompt": prompt, "key": key, "file_name": file_name, "retry_failed": retry_failed}
        options |= {"image_size": size, "output_format": format, "limits": limits, "precheck": not no_precheck}
        batch = Batch(source, output, ledger=known, client=client, name=name, **options)
        before = batch.check() if dry_run else batch.status() if no_precheck else batch.load()
        to_submit = min(before.to_submit, max_edits or before.to_submit)
        bill = "none of which is billed" if run.mock else "each of which is billed"
        if no_precheck and not dry_run:
            text = f"Edits, {bill}, are submitted as their rows come."
        else:
            edits = f"{to_submit:,} edits to submit, {bill}"
            if to_submit == 1:
                edits = f"1 edit to submit, which is {'not ' if run.mock else ''}billed"
            text = f"{edits}; {before.states.get('saved', 0):,} of {sum(before.states.values()):,} rows are saved."
            if before.others:
                text += f" {before.others:,} rows that SOURCE does not have are left alone."
        if dry_run:
            run.lines, run.facts = [text], {"to_submit": to_submit, "states": before.states}
            return
        if not run.quiet:
            say(text)
        if run.mock:
            say(f"Warning: {visible(output)} gets results of the mock. Remove them before you edit for real.")
        total = to_submit + sum(before.states.get(state, 0) for state in _VISITED)
        watch = _Watch(batch, None if no_precheck else total, stages, run)
        try:
            asyncio.run(watch.run(*(each for each in (http, client) if each)))
        except KeyboardInterrupt:
            interrupt = KeyboardInterrupt()  # without what it says of one edit, which may be any of those in flight
            interrupt.add_note(f"To go on: {command_line(*sys.argv[1:])}")
            raise interrupt from None
        after = batch.status()
        run.facts = {"summary": {"submitted": batch.submitted, "states": after.states}}
        run.lines = [f"{batch.submitted:,} submitted. In the ledger: {_counted(after.states)}."]
        if after.unknown:
            where = [] if run.mock else ledger_option(ledger or str(location))
            say(f"{after.unknown:,} rows are unknown. To list them: {command_line('batch', 'resolve', *where)}")
        left = after.to_submit or any(after.states.get(state) for state in ("sending", "sent", "completed"))
        failed = watch.counts["failed"] or after.states.get("failed")
        raise typer.Exit(4 if after.unknown else 1 if failed else 5 if left else 0)


@app.command()
@command("as_json")
def status(run: Run, ledger: LedgerOption = None, name: BatchName = None) -> None:
    """Print how many rows are in each state, and how many edits were billed."""
    with run.errors(), opened(ledger, must_exist=True) as known:
        counts, billed = known.counts(batch=name), known.billed(batch=name)
        run.facts = {"states": counts, "billed": billed}
        run.lines = [f"{_counted(counts)}; {billed:,} billed"]


@app.command()
@command()
def report(
    run: Run,
    path: Annotated[Path, typer.Option("-o", "--output", help="File that ends in .html, .csv or .jsonl.")],
    ledger: LedgerOption = None,
    name: BatchName = None,
    results: Annotated[
        str | None,
        typer.Option(help="Folder of the results, or URL; default: that of the ledger.", metavar="FOLDER|URL"),
    ] = None,
    force: Force = False,
) -> None:
    """Write a report of all rows: a page with inputs beside results, or a table for programs."""
    options = {"path": "--output", "output": "--results"}
    with run.errors(options=options), opened(ledger, must_exist=True) as known:
        if results and "://" not in results and not Path(results).is_dir():
            raise InvalidRequest(f"--results {results!r} is no folder; check the path.")
        if results is None and ledger and "://" not in ledger:
            results = str(Path(ledger) if Path(ledger).is_dir() else Path(ledger).parent)
        with_extra("batch").report(known, str(path), batch=name, results=results, overwrite=force)
        run.lines = [str(path)]


@app.command()
@command()
def resolve(
    run: Run,
    key: Annotated[str | None, typer.Argument(help="Key of the row; default: list those that are unknown.")] = None,
    ledger: LedgerOption = None,
    task_id: Annotated[str | None, typer.Option(help="The edit was accepted; this is its task.")] = None,
    resend: Annotated[bool, typer.Option("--resend", help="The edit was not accepted; submit it again.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="The edit is not wanted any more.")] = False,
) -> None:
    """Settle a row that may have been accepted, when you have looked at your account; or list such rows.

    The list has a line for each row: its key, when it was submitted, and the host and process that did.
    """
    with run.errors(options={"key": "KEY"}), opened(ledger, must_exist=True) as known:
        if key is not None:
            row = known.resolve(key, task_id=task_id, resend=resend, cancelled=cancel)
            run.lines = [visible(f"{row.key}: {row.state}")]
        elif task_id is not None or resend or cancel:
            raise InvalidRequest("Name the KEY of the row.")
        else:
            for row in known.rows("unknown"):
                when = datetime.fromtimestamp(row.updated, UTC).isoformat(" ", "seconds")
                run.lines.append("\t".join(map(visible, (row.key, when, row.owner.rpartition("/")[0]))))


def _counted(states: Mapping[State, int]) -> str:
    return ", ".join(f"{number:,} {state}" for state, number in sorted(states.items())) or "no rows"


def _location(run: Run, output: str, ledger: str | None) -> AbstractContextManager[str | None]:
    """Return where the ledger of a run is: nowhere that stays, at the place that is named, or in the output folder."""
    if run.mock:
        return TemporaryDirectory()
    return nullcontext(ledger) if ledger or "://" in output else _folder(output)


@contextmanager
def _folder(output: str) -> Iterator[str]:
    """Yield the folder for results, which holds the ledger.

    A folder or ledger that the run has made is removed if the run was refused, and nothing is in it.
    """
    folder, file = Path(output), Path(output, "ledger.db")
    made = [each for each in (file, folder) if not each.exists()]
    with_extra("batch._sink").sink(output)
    try:
        yield output
    except InvalidRequest:
        with suppress(OSError, InvalidRequest):
            if file in made:
                with opened(output, must_exist=True) as ledger:
                    made = made if not ledger.counts() else []
            for each in made:
                each.rmdir() if each is folder else each.unlink()
        raise
