"""Edits of a ledger's rows, many at once: submitted once, waited for, saved. Batches and workers are built on it."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from attrs import Attribute, field, frozen

from .. import _clock, _media
from .._errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    LedgerError,
    NanoBananaEditError,
    PermissionDenied,
    RateLimited,
    SubmissionUnknown,
    must_be,
)
from .._operations import Progress
from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger, Row, State
from ..models import Task
from ..results import AsyncEdit
from ._pace import Pace, Stopped
from ._sink import Sink, sink
from ._source import Job

T = TypeVar("T")

_HAS_TASK = ("sent", "completed", "saved")
_UNFINISHED: tuple[State, ...] = ("completed", "sent", "refused", "failed", "new", "sending")


def _at_least_1(_limits: object, attribute: Attribute[Any], value: Any) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value != attribute.default and not (whole and value >= 1):
        raise must_be("a whole number, at least 1", attribute.name, value)


@frozen(kw_only=True)
class Limits:
    """How much a batch does at once.

    Attributes:
        in_flight: Submissions at a time, uploads included, at least 1; default 16. A crash leaves no more unknown.
        open_tasks: Edits at a time that are submitted, waited for or saved, at least 1; default 64.
        downloads: Results fetched at a time, at least 1; default 8.
        per_second: Submissions in a second, above 0; default: no limit.
        per_minute: Submissions in a minute, above 0; default: no limit. A 429 slows the whole batch in any case.
        max_edits: Submissions in all, at least 1, of this run; default: no limit.
    """

    in_flight: int = field(default=16, validator=_at_least_1)
    open_tasks: int = field(default=64, validator=_at_least_1)
    downloads: int = field(default=8, validator=_at_least_1)
    per_second: float | None = None
    per_minute: float | None = None
    max_edits: int | None = field(default=None, validator=_at_least_1)


@frozen
class Outcome:
    """What became of one row in a run.

    Attributes:
        key: Its key.
        state: Its state in the ledger: `saved`, or what it was left in; None if it is not in the ledger.
        output: Name of its file below the output folder, if it is saved.
        error: Why it is not saved.
    """

    key: str
    state: State | None = None
    output: str | None = None
    error: Exception | None = None


class Run:
    """One run over rows, with its limits and its pace."""

    def __init__(
        self,
        ledger: Ledger,
        client: AsyncNanoBananaEdit,
        output: str | os.PathLike[str],
        limits: Limits,
        retry_failed: bool = False,
    ) -> None:
        self._ledger, self._limits, self._retry_failed = ledger, limits, retry_failed
        self._client = client.with_options(ledger=ledger)
        self._submitter = self._client.with_options(retry_rate_limited=False)  # the pace slows, for all
        self._sink: Sink = sink(output)
        self._pace = Pace(limits.per_second, limits.per_minute)
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._downloads = asyncio.Semaphore(limits.downloads)
        self._photos: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._submitting: set[asyncio.Task[Task]] = set()
        self._mine: set[str] = set()  # keys that this run works on, or has given up
        self._lost = 0  # submissions in a row whose answer was lost
        self._reached = _clock.now()  # when the service last answered a submission
        self._fatal: Exception | None = None  # what ends the run
        self.submitted = 0  # how many edits this run has submitted

    @property
    def in_flight(self) -> int:
        """Submissions whose answer is not there yet."""
        return len(self._submitting)

    async def outcomes(self, rows: Iterator[Row | Outcome], page: int = 200) -> AsyncGenerator[Outcome, None]:
        """Edit rows, and yield what became of each in the order in which they end.

        If it is cancelled, or closed, it submits nothing more, lets the submissions in flight end, so that their tasks
        are known, and leaves the rest to the next run; if it is cancelled once more, it ends at once.
        """
        running: set[asyncio.Task[Outcome | None]] = set()
        ended: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        ready: deque[Row | Outcome] = deque()
        reading: asyncio.Task[list[Row | Outcome]] | None = None
        is_read = False
        try:
            while True:
                while ready and len(running) < self._limits.open_tasks and not self._fatal:
                    running.add(_started(self._edit(ready.popleft()), ended))
                if not (ready or reading or is_read or self._fatal):
                    reading = _started(_in_thread(lambda: list(islice(rows, page))), ended)
                if not (running or reading):
                    break
                task = await ended.get()
                if task is reading:
                    ready.extend(task.result())
                    reading, is_read = None, not ready
                else:
                    running.discard(task)
                    if outcome := task.result():
                        yield outcome
            if self._fatal:
                raise self._fatal
        finally:
            self._pace.stop()
            try:
                while self._submitting:
                    await asyncio.wait(self._submitting)
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)

    async def _edit(self, row: Row | Outcome) -> Outcome | None:
        """Bring a row to its end. Returns None if it is left to somebody else, or to the next run."""
        if isinstance(row, Outcome):
            return row
        if row.key in self._mine:
            return None
        self._mine.add(row.key)
        outcome = await self._outcome(row)
        if outcome is None or outcome.state == "saved":
            self._mine.discard(row.key)  # the others are not tried again in this run
        return outcome

    async def _outcome(self, row: Row) -> Outcome | None:
        try:
            job = Job.of(row.key, row.job or {})
            if row.state == "saved" and await _in_thread(partial(self._is_whole, row)):
                return Outcome(row.key, "saved", row.output)
            if row.state in _HAS_TASK:
                now = await self._now(row)
                if now.state != row.state:
                    return None
                task = Task(str(row.task_id), None if row.state == "sent" else "completed")
            else:
                submitted = await self._submitted(row, job)
                if submitted is None:
                    return None
                task = submitted
            edit = await self._client.wait(task)
            return Outcome(row.key, "saved", await self._saved(job, edit))
        except Stopped:
            return None
        except (NanoBananaEditError, OSError) as error:
            if self._is_fatal(error):
                self._fatal = self._fatal or error
                self._pace.stop()
            with suppress(LedgerError):
                row = await self._now(row)
            return Outcome(row.key, row.state, error=error)

    async def _now(self, row: Row) -> Row:
        return await _in_thread(partial(self._ledger.get, row.key)) or row

    async def _submitted(self, row: Row, job: Job) -> Task | None:
        """Submit when there is a slot; return None if another process has taken the row meanwhile."""
        async with self._slots:
            if row.state != "sending":
                now = await self._now(row)
                if now.state in ("sending", *_HAS_TASK):
                    return None
            while True:
                submitting = asyncio.create_task(self._submit(job))
                self._submitting.add(submitting)
                submitting.add_done_callback(self._submitting.discard)
                try:
                    task = await submitting
                except RateLimited as error:
                    self._reached = _clock.now()
                    self._pace.slow(error.retry_after)
                except APIConnectionError:
                    if _clock.now() - self._reached > self._ledger.lease:
                        raise
                    self._pace.slow()
                except SubmissionUnknown:
                    self._lost += 1
                    self._pace.slow()
                    raise
                else:
                    self._reached, self._lost = _clock.now(), 0
                    self._pace.quicken()
                    return task

    async def _submit(self, job: Job) -> Task:
        async with AsyncExitStack() as photos:
            for image in sorted({image for image in job.images if "://" not in image}):
                # One edit uploads a photo, and the others find it in the ledger.
                await photos.enter_async_context(self._photos.setdefault(image, asyncio.Lock()))

            async def on_progress(progress: Progress) -> None:
                if progress.stage == "submit":
                    await photos.aclose()
                    await self._pace.wait()
                    if self.submitted == self._limits.max_edits:
                        self._pace.stop()
                        raise Stopped("All edits that the run may submit are submitted.")
                    self.submitted += 1

            return await self._submitter.submit(
                job.images,
                job.prompt,
                **job.options,
                extra_body=job.extra_body,
                key=job.key,
                retry_failed=self._retry_failed,
                timeout=None,  # waiting for its turn is no part of it; a submission ends with its lease
                on_progress=on_progress,
            )

    async def _saved(self, job: Job, edit: AsyncEdit) -> str:
        """Fetch and save the results of an edit; return the name of the first."""
        sizes: dict[str, int] = {}
        for number, image in enumerate(edit.images, 1):
            async with self._downloads:
                content = await image.bytes()
                name = _name(job.output, image.media_type, number)
                await _in_thread(partial(self._sink.save, name, content))
            sizes[name] = len(content)
        files = [{"url": image.url, "type": image.type} for image in edit.images]
        first = next(iter(sizes))
        outcome = {"files": files, "sizes": sizes}
        await _in_thread(partial(self._ledger.saved, edit.task_id, first, outcome))
        return first

    def _is_whole(self, row: Row) -> bool:
        sizes = (row.outcome or {}).get("sizes", {})
        return bool(sizes) and all(self._sink.size(name) == size for name, size in sizes.items())

    def _is_fatal(self, error: Exception) -> bool:
        """Return whether an error is not that of one row, so that the next rows would fail, or pay, in vain."""
        if isinstance(error, SubmissionUnknown):
            return self._lost > self._limits.in_flight
        if isinstance(error, APIConnectionError):
            return error.task_id is None
        refused = isinstance(error, APIStatusError) and error.status_code == 402  # no money is left
        return refused or isinstance(error, AuthenticationError | PermissionDenied | LedgerError | OSError)


def _name(output: str, media_type: str | None, number: int) -> str:
    """Return the name of a result's file: with the ending of its format, and for further results a number."""
    path = PurePosixPath(output)
    known = _media.of_name(path.name)
    ending = _media.extension(media_type or "") or ""
    if known is None:
        stem, suffix = path.name, ending
    else:
        stem, suffix = path.stem, path.suffix if media_type in (None, known) else ending
    return str(path.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"))


def _started(work: Coroutine[Any, Any, T], ended: asyncio.Queue[asyncio.Task[T]]) -> asyncio.Task[T]:
    task = asyncio.create_task(work)
    task.add_done_callback(ended.put_nowait)
    return task


async def _in_thread(function: Callable[[], T]) -> T:
    return await asyncio.to_thread(function)


def unfinished(ledger: Ledger, *, batch: str | None = None, retry_failed: bool = False) -> Iterator[Row]:
    """Yield every row of batches that is not done, those first that are paid for: what an engine is to deliver.

    Args:
        ledger: The ledger with the rows.
        batch: Only those of this batch; default: all.
        retry_failed: Whether edits that failed are not done; default False.
    """
    for state in _UNFINISHED:
        if state != "failed" or retry_failed:
            yield from (row for row in ledger.rows(state, batch=batch) if row.job)


async def arun_keys(
    ledger: Ledger,
    client: AsyncNanoBananaEdit,
    keys: Iterable[str],
    output: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    retry_failed: bool = False,
) -> list[Outcome]:
    """Edit the rows of some keys: submit each once, wait for it, and save it. See `run_keys`."""
    run = Run(ledger, client, output, limits or Limits(), retry_failed)
    found = (ledger.get(key) for key in keys)
    return [outcome async for outcome in run.outcomes(row for row in found if row and row.job)]


def run_keys(
    ledger: Ledger,
    client: AsyncNanoBananaEdit,
    keys: Iterable[str],
    output: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    retry_failed: bool = False,
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
        retry_failed: Whether edits that failed are submitted again, and billed again; default False.

    Returns:
        What became of each row.

    Raises:
        InvalidRequest: An argument cannot be used. Nothing was sent.
        NanoBananaEditError: The token was refused, the ledger or the service cannot be reached, or the like; the rest
            is left as it was.
        OSError: A result cannot be saved, such as on a full disk.
    """
    return asyncio.run(arun_keys(ledger, client, keys, output, limits=limits, retry_failed=retry_failed))
