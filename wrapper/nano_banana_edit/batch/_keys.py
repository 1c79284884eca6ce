"""Rows by their keys: what an engine delivers, and the unit of work that it calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Container, Coroutine, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from attrs import evolve

from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger, Row, State
from ._limits import Limits
from ._run import Outcome, Run

T = TypeVar("T")

NOT_PAID: tuple[State, ...] = ("new", "refused", "failed")  # or not for what they are to be submitted for
_UNFINISHED: tuple[State, ...] = ("completed", "sent", "refused", "new", "failed", "sending")


def run_alone(main: Callable[[], Coroutine[Any, Any, T]], instead: str) -> T:
    """Run an event loop. Raises RuntimeError if one is running."""
    loop = None
    with suppress(RuntimeError):
        loop = asyncio.get_running_loop()
    if loop:
        raise RuntimeError(f"An event loop is running here, as in a notebook; use `await {instead}(...)`.")
    return asyncio.run(main())


def unfinished(
    ledger: Ledger, *, batch: str | None = None, keys: Container[str] | None = None, retry_failed: bool = False
) -> Iterator[Row]:
    """Yield every row of batches that is not done, those first that are paid for: what an engine is to deliver.

    Args:
        ledger: The ledger with the rows.
        batch: Only those of this batch; default: all.
        keys: Of the rows that nobody has paid for, only those with one of these keys, such as a `Batch`, which has the
            keys of its source; default: all.
        retry_failed: Whether edits that failed become `new`, to be submitted and billed again; default False.
    """
    for state in _UNFINISHED:
        if state == "failed" and not retry_failed:
            continue
        for row in ledger.rows(state, batch=batch):
            if row.job is None or (keys is not None and row.state in NOT_PAID and row.key not in keys):
                continue
            if state != "failed":
                yield row
            elif ledger.renew(row.key, row.attempt):  # else somebody has tried it again since it was read
                yield evolve(row, state="new")


async def arun_keys(
    ledger: Ledger,
    client: AsyncNanoBananaEdit,
    keys: Iterable[str],
    output: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
) -> list[Outcome]:
    """Edit the rows of some keys: submit each once, wait for it, and save it. See `run_keys`."""
    run, listed = Run(ledger, client, output, limits or Limits()), list(keys)

    def rows(is_sending: bool) -> Iterator[Row]:
        for key in listed:
            row = ledger.get(key)
            if row and row.job and is_sending == (row.state == "sending"):
                yield row

    # What a process that may be dead was submitting is waited for last, until its lease is over.
    return [outcome async for outcome in run.outcomes(rows(is_sending=False), rows(is_sending=True))]


def run_keys(
    ledger: Ledger,
    client: AsyncNanoBananaEdit,
    keys: Iterable[str],
    output: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
) -> list[Outcome]:
    """Edit the rows of some keys: submit each once, wait for it, and save it.

    This is the unit of work for any engine. It may deliver keys twice, or lose them: what is done is not done again,
    and `unfinished` finds what was never delivered.

    Args:
        ledger: The ledger with the rows.
        client: The client that edits; `run_keys` runs an event loop of its own.
        keys: Keys of rows that a batch added; a key that is not in the ledger is passed over.
        output: Folder for the results, or a URL of fsspec, such as `s3://bucket/folder`.
        limits: How much is done at once; default: `Limits()`.

    Returns:
        What became of each row.

    Raises:
        InvalidRequest: An argument cannot be used. Nothing was sent.
        NanoBananaEditError: The token was refused, the ledger or the service cannot be reached, or the like; the rest
            is left as it was.
        OSError: A result cannot be saved, such as on a full disk.
    """
    work = partial(arun_keys, ledger, client, keys, output, limits=limits)
    return run_alone(work, "arun_keys")
