"""The commands of many machines: `batch enqueue` and `batch worker`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..client import AsyncNanoBananaEdit
from ._common import Run, command, opened, with_extra
from ._options import (
    LEDGER_VARIABLE,
    SOURCE,
    AnyFormat,
    FileName,
    InFlight,
    NewName,
    PerMinute,
    RetryFailed,
    RowKey,
    RowPrompt,
    Size,
)
from ._streams import say, tell
from .batches import OPTIONS

if TYPE_CHECKING:
    from ..batch import Outcome

Database = Annotated[
    str,
    typer.Option(
        help="PostgreSQL URL of the ledger, such as postgresql://user@host/name.",
        envvar=LEDGER_VARIABLE,
        metavar="URL",
        show_default=False,
    ),
]
_OPTIONS = {**OPTIONS, "concurrency": "--concurrency"}


@command()
def enqueue(
    run: Run,
    database: Database,
    source: Annotated[str | None, typer.Argument(help=SOURCE, metavar="[SOURCE]", show_default=False)] = None,
    name: NewName = None,
    prompt: RowPrompt = None,
    key: RowKey = None,
    file_name: FileName = None,
    size: Size = None,
    format: AnyFormat = None,  # noqa: A002 - the option's name
    retry_failed: RetryFailed = False,
) -> None:
    """Check a batch, add it to the ledger, and hand out what is not done to the workers. Do it again at any time.

    Without SOURCE, hand out what is not done of the batch with the name, or of all.
    """
    with run.errors(options=_OPTIONS):
        workers = with_extra("batch._workers")
        if source is None:
            number = workers.enqueue(database, batch=name, retry_failed=retry_failed)
        else:
            workers.check_database(database)  # before a ledger is made in a file
            with opened(database) as ledger:
                options: dict[str, Any] = {"prompt": prompt, "key": key, "file_name": file_name}
                options |= {"image_size": size, "output_format": format, "retry_failed": retry_failed}
                batch = with_extra("batch").Batch(source, None, ledger=ledger, name=name, **options)
                number = batch.load().to_submit
                say(f"{number:,} {'edit is' if number == 1 else 'edits are'} to be submitted, and billed.")
                number = workers.enqueue(database, batch=batch.name, keys=batch, retry_failed=retry_failed)
        run.lines.append(f"{number:,} rows are handed out to the workers.")


@command("token_file")
def worker(
    run: Run,
    database: Database,
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="Folder that all workers share, or a URL of fsspec.", show_default=False),
    ],
    concurrency: Annotated[int, typer.Option(help="Chunks at a time.")] = 1,
    in_flight: InFlight = 16,
    per_minute: PerMinute = None,
) -> None:
    """Edit what `batch enqueue` hands out, until Ctrl-C or SIGTERM. --in-flight and --per-minute are for each chunk.

    Either signal stops submitting, lets the submissions in flight end, and gives the rest back to the other workers.
    """
    with run.errors(options=_OPTIONS):
        workers = with_extra("batch._workers")
        limits = workers.Limits(in_flight=in_flight, per_minute=per_minute)
        client = AsyncNanoBananaEdit(token=run.token())
        workers.run_worker(database, output, client=client, concurrency=concurrency, limits=limits, on_outcomes=_tell)


def _tell(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.error:
            say(f"{outcome.key}: {outcome.error}")
    counts = Counter(outcome.state for outcome in outcomes)
    tell(", ".join(f"{number} {state}" for state, number in sorted(counts.items(), key=str)) or "nothing to do")
