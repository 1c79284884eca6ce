"""The commands of many machines: `batch enqueue` and `batch worker`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..client import AsyncNanoBananaEdit
from ._common import TokenFile, errors_in_one_line, opened, read_token, say, tell, with_extra

if TYPE_CHECKING:
    from ..batch import Outcome

Database = Annotated[
    str,
    typer.Option(
        help="PostgreSQL URL of the ledger, such as postgresql://user@host/name.",
        envvar="NANO_BANANA_EDIT_LEDGER",
        metavar="URL",
        show_default=False,
    ),
]
_NAMES = {"concurrency": "--concurrency", "database": "--database", "ledger": "--database", "output": "--output"}


def enqueue(
    database: Database,
    source: Annotated[Path | None, typer.Argument(help="JSONL or CSV file, or a folder of images.")] = None,
    name: Annotated[
        str | None, typer.Option("--batch", help="Name of the batch; default: from the file's name.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="The instruction of rows that have none.")] = None,
    key: Annotated[str | None, typer.Option(help="Template of the key of rows that have none.")] = None,
    file_name: Annotated[str | None, typer.Option(help="Template of the name of a row's file.")] = None,
) -> None:
    """Check a batch, add it to the ledger, and hand out what is not done to the workers.

    Without a source, hand out what is not done of the batch with the name, or of all. Do it again at any time.
    """
    with errors_in_one_line(options=_NAMES):
        workers = with_extra("batch._workers")
        if source:
            with opened(database) as ledger:
                batch = with_extra("batch").Batch(
                    source, ".", ledger=ledger, name=name, prompt=prompt, key=key, file_name=file_name
                )
                name, status = batch.name, batch.load()
            say(f"{status.to_submit} edits are to be submitted, and billed.")
        tell(f"{workers.enqueue(database, batch=name)} rows are handed out to the workers.")


def worker(
    database: Database,
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="Folder that all workers share, or a URL of fsspec.", show_default=False),
    ],
    concurrency: Annotated[int, typer.Option(help="Chunks at a time.")] = 1,
    in_flight: Annotated[int, typer.Option(help="Submissions at a time for each chunk; a crash leaves as many.")] = 16,
    per_minute: Annotated[float | None, typer.Option(help="Submissions in a minute for each chunk.")] = None,
    token_file: TokenFile = None,
) -> None:
    """Edit what `batch enqueue` hands out, until Ctrl-C or SIGTERM.

    Either stops submitting, lets the submissions in flight end, and gives the rest back to the other workers.
    """
    with errors_in_one_line(options=_NAMES):
        workers = with_extra("batch._workers")
        limits = workers.Limits(in_flight=in_flight, per_minute=per_minute)
        client = AsyncNanoBananaEdit(token=read_token(token_file))
        workers.run_worker(database, output, client=client, concurrency=concurrency, limits=limits, on_outcomes=_tell)


def _tell(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.error:
            say(f"{outcome.key}: {outcome.error}")
    counts = Counter(outcome.state for outcome in outcomes)
    tell(", ".join(f"{number} {state}" for state, number in sorted(counts.items(), key=str)) or "nothing to do")
