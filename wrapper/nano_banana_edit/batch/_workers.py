"""Batches on many machines: procrastinate hands out keys through the ledger's own PostgreSQL, and the ledger guards.

A chunk of keys may be handed out twice, or stay with a worker that is dead: what is done is not done again, and
whatever is not done is handed out anew. So nothing here has to be exact but the ledger.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Container, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import make_url

try:
    from procrastinate import App, PsycopgConnector, RetryStrategy
    from procrastinate.exceptions import ConnectorException
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(f"Workers need {missing.name}: pip install 'nano-banana-edit[workers]'") from missing

from .._errors import InvalidRequest, LedgerError
from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger
from ._keys import arun_keys, unfinished
from ._limits import Limits, check_at_least_1
from ._run import Outcome
from ._sink import sink

_QUEUE = "nano-banana-edit"
_TASK = "nano_banana_edit.run_keys"
_PATIENCE = 60.0  # seconds that a worker waits for a server that restarts
_LOOKING = 30.0  # seconds between two looks for chunks of dead workers


def enqueue(
    database: str,
    *,
    batch: str | None = None,
    keys: Container[str] | None = None,
    chunk: int = 200,
    retry_failed: bool = False,
) -> int:
    """Hand out every row that is not done to the workers, those first that are paid for.

    Do it again at any time: it takes back what no worker has begun, and hands out what is not done by now.

    Args:
        database: URL of the ledger, such as `postgresql://user@host/name`.
        batch: Only rows of this batch; default: of all.
        keys: Of the rows that nobody has paid for, only those with one of these keys, such as a `Batch`, which has the
            keys of its source; default: all.
        chunk: Number of rows that a worker takes at once, at least 1; default 200.
        retry_failed: Whether edits that failed become `new`, to be submitted and billed again; default False.

    Returns:
        The number of rows that were handed out.

    Raises:
        InvalidRequest: The ledger is not in PostgreSQL, or `chunk` is below 1.
        LedgerError: The database cannot be used.
    """
    check_at_least_1("chunk", chunk)
    number = 0
    with _opened(database) as (ledger, app):
        jobs = app.job_manager.list_jobs(queue=_QUEUE, status="todo")
        old = [job.id for job in jobs if job.id and batch in (None, job.task_kwargs["batch"])]
        rows = unfinished(ledger, batch=batch, keys=keys, retry_failed=retry_failed)
        while some := [row.key for row in islice(rows, chunk)]:
            app.configure_task(_TASK, queue=_QUEUE).defer(keys=[*some], batch=batch)
            number += len(some)
        for job_id in old:  # only now, so that a row is never in no chunk
            app.job_manager.cancel_job_by_id(job_id, delete_job=True)
    return number


def run_worker(
    database: str,
    output: str | os.PathLike[str],
    *,
    client: AsyncNanoBananaEdit | None = None,
    concurrency: int = 1,
    limits: Limits | None = None,
    on_outcomes: Callable[[list[Outcome]], object] = lambda outcomes: None,  # noqa: ARG005
) -> None:
    """Edit the rows that `enqueue` hands out, on any number of machines, until Ctrl-C or SIGTERM.

    Either stops submitting, lets the submissions in flight end, and gives the rest back to the other workers; a second
    one ends it at once, and what is then in flight becomes `unknown`. It takes over what dead workers have begun.

    Args:
        database: URL of the ledger, such as `postgresql://user@host/name`.
        output: Folder for the results that all workers share, or a URL of fsspec, such as `s3://bucket/folder`.
        client: Edits, and is closed at the end; default: one with the settings of the environment.
        concurrency: Chunks at a time, at least 1, each within `limits`; default 1.
        limits: How much is done at once for each chunk; default: `Limits()`.
        on_outcomes: Called with what became of the rows of each chunk.

    Raises:
        InvalidRequest: An argument cannot be used, such as a ledger that is not in PostgreSQL.
        NanoBananaEditError: The token was refused, the ledger or the service cannot be reached, or the like; the chunk
            went back to the other workers.
        OSError: A result cannot be saved, such as on a full disk.
        Exception: Any other of `on_outcomes`, or of a fault; the chunk went back, too.
        KeyboardInterrupt: It was stopped by Ctrl-C; SIGTERM lets it return.
    """
    check_at_least_1("concurrency", concurrency)
    sink(output)
    # psycopg cannot use the event loop that Windows has by default.
    with _opened(database) as (ledger, app), asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:

        async def edit(client: AsyncNanoBananaEdit, keys: list[str]) -> None:
            on_outcomes(await arun_keys(ledger, client, keys, output, limits=limits))

        with suppress(asyncio.CancelledError):
            runner.run(_work(app, client, edit, concurrency))


async def _work(app: App, client: AsyncNanoBananaEdit | None, edit: Callable[..., Any], concurrency: int) -> None:
    failures: list[Exception] = []

    async def run_keys(keys: list[str], batch: str | None) -> None:  # noqa: ARG001 - `enqueue` reads it
        try:
            await edit(client, keys)
        except Exception as error:
            failures.append(error)
            worker.cancel()  # or it would spoil every chunk in turn
            raise

    given_back: Any = (asyncio.CancelledError, Exception)
    app.task(name=_TASK, queue=_QUEUE, retry=RetryStrategy(retry_exceptions=given_back))(run_keys)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(client or AsyncNanoBananaEdit())
        await stack.enter_async_context(app.open_async())
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[_QUEUE],
                concurrency=concurrency,
                delete_jobs="successful",
                fetch_job_polling_interval=2.0,
                install_signal_handlers=False,  # those of procrastinate wait until a chunk is done
                listen_notify=False,  # a look every two seconds will do, without a connection that a restart breaks
                shutdown_graceful_timeout=0.0,
            )
        )
        with suppress(RuntimeError):  # on Windows there is no such signal, and signals are for the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.cancel)
        taking_over = asyncio.create_task(_take_over(app))
        try:
            await worker
        except asyncio.CancelledError:
            if not failures:
                raise
        finally:
            taking_over.cancel()
    raise failures[0] if failures else LedgerError("The worker has lost its database. Start it again.")


async def _take_over(app: App) -> None:
    """Hand out again, from time to time, what workers have begun that are dead."""
    while True:
        with suppress(ConnectorException):  # the next look is soon
            for job in await app.job_manager.get_stalled_jobs(queue=_QUEUE):
                await app.job_manager.retry_job(job)
        await asyncio.sleep(_LOOKING)


def check_database(database: str) -> None:
    """Raise InvalidRequest if a ledger would be in a file."""
    if "://" not in os.fspath(database) or database.startswith("sqlite"):
        raise InvalidRequest(
            "Workers need a ledger in PostgreSQL; pass a URL such as postgresql://user@host/name.", field="database"
        )


@contextmanager
def _opened(database: str) -> Iterator[tuple[Ledger, App]]:
    """Open a ledger, and procrastinate beside it, with its tables."""
    check_database(database)
    with Ledger(database) as ledger:
        address = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
        connector = PsycopgConnector(conninfo=address, min_size=1, max_size=4, timeout=_PATIENCE)
        try:
            with App(connector=connector).open() as app:
                if not app.check_connection():
                    _make_tables(app)
                yield ledger, app
        except (ConnectorException, psycopg.Error) as error:
            reason = " ".join(str(error.__cause__ or error).split())
            raise LedgerError(f"The ledger {ledger} cannot be used ({reason}).") from error


def _make_tables(app: App) -> None:
    try:
        app.schema_manager.apply_schema()
    except ConnectorException:
        if not app.check_connection():  # another process has not made them meanwhile
            raise
