"""Edits of a ledger's rows, many at once: submitted once, waited for, saved. Batches and workers are built on it."""

from __future__ import annotations

import asyncio
import errno
import math
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from itertools import count, islice
from pathlib import PurePosixPath
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.to_thread
from attrs import frozen

from .. import _clock, _media
from .._errors import (
    APIConnectionError,
    APIStatusError,
    LedgerError,
    NanoBananaEditError,
    RateLimited,
    ServerError,
    SubmissionUnknown,
    must_be,
)
from .._operations import Progress
from ..client import AsyncNanoBananaEdit
from ..ledger import Ledger, Row, State
from ..models import Task
from ..results import AsyncEdit
from ._claims import HAS_TASK, Claims, Taken
from ._limits import Limits
from ._pace import Pace, Stopped
from ._sink import sink
from ._source import Job

T = TypeVar("T")

_PAGE = 200  # rows read at once
_THREADS = 8  # of one run, apart from those of the application, which may all be busy
_AT_FIRST = 30.0  # seconds that an outage may last if the service has never answered: it may be the wrong host
_PATIENCE = 600.0  # seconds that an outage may last once it has
_OF_ONE_FILE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ELOOP)


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
    ) -> None:
        for name, value, kind in (("client", client, AsyncNanoBananaEdit), ("limits", limits, Limits)):
            if not isinstance(value, kind):
                raise must_be(f"of type {kind.__name__}", name, value)
        self._ledger, self._limits = ledger, limits
        self._client = client.with_options(ledger=ledger)
        self._rows: dict[str, Row] = {}  # those that are being submitted, as they were read
        claims = Claims(ledger, self._note, self._rows)
        self._submitter = self._client.with_options(ledger=claims, retry_rate_limited=False)  # the pace slows, for all
        self._sink = sink(output)
        self._pace = Pace(max(1 / (limits.per_second or math.inf), 60 / (limits.per_minute or math.inf)))
        self._slots = asyncio.Semaphore(limits.in_flight)
        self._downloads = asyncio.Semaphore(limits.downloads)
        self._threads = anyio.CapacityLimiter(_THREADS)
        self._photos: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._mine: set[str] = set()  # keys that this run works on, or has given up
        self._open: set[str] = set()  # those of them that may still be submitted
        self._submitting: dict[asyncio.Task[Task], str] = {}  # with their keys
        self._left: dict[str, float] = {}  # claimed keys, whose submission may have left, and when
        self._writing: set[str] = set()  # names of files
        self._lost = 0  # submissions in a row whose answer was lost
        self._outage: float | None = None  # when it began
        self._patience = _AT_FIRST
        self._fatal: Exception | None = None  # what ends the run
        self.submitted = 0  # how many edits this run has submitted

    @property
    def in_flight(self) -> int:
        """Submissions whose answer is not there yet."""
        return len(self._left)

    def has(self, key: str) -> bool:
        """Return whether it works on the row of a key, or has given it up."""
        return key in self._mine

    @property
    def held(self) -> float:
        """Seconds until the next submission may leave."""
        return self._pace.held

    async def outcomes(
        self, *passes: Iterator[Row | Outcome], is_stream: bool = False
    ) -> AsyncGenerator[Outcome, None]:
        """Edit rows, and yield what became of each in the order in which they end.

        A pass is read when all rows of those before it have ended.

        If it is cancelled, or closed, it submits nothing more, lets the submissions in flight end, so that their tasks
        are known, and leaves the rest to the next run; if it is cancelled once more, it ends at once. It does not wait
        for the next row of a stream.
        """
        ended: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        running: set[asyncio.Task[Any]] = set()
        reading: asyncio.Task[list[Row | Outcome]] | None = None
        ready: deque[Row | Outcome] = deque()
        is_read = False

        def page() -> list[Row | Outcome]:
            return list(islice(rows or (), 1 if is_stream else _PAGE))

        later = iter(passes)
        rows = next(later, None)

        try:
            while True:
                while ready and self._take(ready[0], len(running)):
                    _started(self._edit(ready.popleft()), running, ended)
                if not (ready or reading or is_read or self._is_over):
                    reading = _started(self._in_thread(page, abandon=is_stream), running, ended)
                if running <= {reading} and (self._is_over or not (ready or reading)):
                    rows, is_read = next(later, None), False
                    if self._is_over or rows is None:
                        break
                    continue
                task = await ended.get()
                running.discard(task)
                if task is reading:
                    ready.extend(reading.result())
                    reading, is_read = None, not ready
                elif outcome := task.result():
                    yield outcome
            if self._fatal:
                raise self._fatal
        finally:
            await self._wind_up(running)

    async def _wind_up(self, running: set[asyncio.Task[Any]]) -> None:
        self._pace.stop()
        try:
            while self._submitting:
                for submitting, key in self._submitting.items():
                    if key not in self._left:  # nothing of it has left: it uploads, or waits for another process
                        submitting.cancel()
                await asyncio.wait(self._submitting)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    @property
    def _is_over(self) -> bool:
        return self._fatal is not None or self.submitted == self._limits.max_edits

    def _take(self, row: Row | Outcome, running: int) -> bool:
        """Return whether a row may be begun; one that may be submitted then counts."""
        if self._is_over or running >= self._limits.open_tasks:
            return False
        most = self._limits.max_edits
        if isinstance(row, Row) and row.state not in HAS_TASK and row.key not in self._mine:
            if most is not None and self.submitted + len(self._open) >= most:
                return False
            self._open.add(row.key)
        return True

    async def _edit(self, row: Row | Outcome) -> Outcome | None:
        """Bring a row to its end. Returns None if it is left to somebody else, or to the next run."""
        if isinstance(row, Outcome):
            return row
        if row.key in self._mine:
            return None
        self._mine.add(row.key)
        outcome = await self._outcome(row)
        self._open.discard(row.key)
        self._rows.pop(row.key, None)
        if outcome is None or outcome.state == "saved":
            self._mine.discard(row.key)  # the others are not tried again in this run
        return outcome

    async def _outcome(self, row: Row) -> Outcome | None:
        edit: AsyncEdit | None = None
        try:
            job = Job.of(row.key, row.job or {})
            if row.state == "saved" and await self._in_thread(self._is_whole, row):
                return Outcome(row.key, "saved", row.output)
            if row.state in HAS_TASK:
                now = await self._now(row)
                task = Task(str(row.task_id), None if row.state == "sent" else "completed")
                if now.state != row.state:
                    return None
            else:
                task = await self._submitted(row, job)
            edit = await self._client.wait(task)
            return Outcome(row.key, "saved", await self._saved(job, edit))
        except (Stopped, Taken):
            return None
        except (NanoBananaEditError, OSError) as error:
            if self._is_fatal(error, is_fetched=edit is not None):
                if self._fatal and isinstance(error, LedgerError):  # which may name a task that nobody else knows
                    self._fatal.add_note(f"{row.key}: {error}")
                self._fatal = self._fatal or error
                self._pace.stop()
            with suppress(LedgerError):
                row = await self._now(row)
            return Outcome(row.key, row.state, error=error)

    async def _now(self, row: Row) -> Row:
        return await self._in_thread(self._ledger.get, row.key) or row

    async def _submitted(self, row: Row, job: Job) -> Task:
        """Submit when there is a slot. Raises Taken if another process has done it since the row was read."""
        self._rows[row.key] = row
        async with self._slots:
            while True:
                self._pace.check()
                began = _clock.now()
                submitting = asyncio.create_task(self._submit(job))
                self._submitting[submitting] = row.key
                submitting.add_done_callback(self._submitting.pop)
                try:
                    task: Task | None = await submitting
                    if row.key in self._left:
                        self._count(row.key)
                        self._answered()
                        self._pace.quicken()
                except NanoBananaEditError as error:
                    task = self._failed(error, row.key, began)
                finally:
                    self._left.pop(row.key, None)
                if task:
                    return task
                await self._pace.wait(takes=False)

    def _failed(self, error: NanoBananaEditError, key: str, began: float) -> Task | None:
        """Return the task of a submission that failed, if it is known, or None to send it again, or raise the error."""
        left = self._left.get(key, began)
        if isinstance(error, SubmissionUnknown) and key in self._left:  # else it was lost before
            self._count(key)
            if error.task_id:
                return Task(error.task_id)
            self._lost += 1
            self._pace.slow(left)
        elif isinstance(error, RateLimited):
            self._answered()
            self._pace.slow(left, error.retry_after)
            return None
        elif isinstance(error, APIConnectionError | ServerError):  # the latter of an upload
            self._outage = self._outage or _clock.now()
            if _clock.now() - self._outage <= self._patience:
                self._pace.slow(left)
                return None
        elif isinstance(error, APIStatusError):
            self._answered()
        raise error

    def _answered(self) -> None:
        self._lost, self._outage, self._patience = 0, None, _PATIENCE

    def _note(self, key: str) -> None:
        self._left[key] = _clock.now()

    def _count(self, key: str) -> None:
        self._open.discard(key)
        self.submitted += 1

    async def _submit(self, job: Job) -> Task:
        async with AsyncExitStack() as photos:
            for image in sorted({image for image in job.images if "://" not in image}):
                # One edit uploads a photo, and the others find it in the ledger.
                await photos.enter_async_context(self._photos.setdefault(image, asyncio.Lock()))

            async def on_progress(progress: Progress) -> None:
                if progress.stage == "submit":
                    await photos.aclose()
                    await self._pace.wait()

            return await self._submitter.submit(
                job.images,
                job.prompt,
                **job.options,
                extra_body=job.extra_body,
                key=job.key,
                timeout=None,  # waiting for its turn is no part of it; a submission ends with its lease
                on_progress=on_progress,
            )

    async def _saved(self, job: Job, edit: AsyncEdit) -> str:
        """Fetch and save the results of an edit; return the name of the first."""
        sizes: dict[str, int] = {}
        numbers = count(1)
        for image in edit.images:
            async with self._downloads:
                content = await image.bytes()
                while not await self._written(name := _name(job.output, image.media_type, next(numbers)), content):
                    pass
            sizes[name] = len(content)
        files = [{"url": image.url, "type": image.type} for image in edit.images]
        first = next(iter(sizes))
        await self._in_thread(self._ledger.saved, edit.task_id, first, {"files": files, "sizes": sizes})
        return first

    async def _written(self, name: str, content: bytes) -> bool:
        """Write a file; return False if there is another with its name, which may be all that somebody has paid for."""
        folded = name.casefold()
        if folded in self._writing:
            return False
        self._writing.add(folded)
        try:
            return await self._in_thread(self._sink.save, name, content)
        finally:
            self._writing.discard(folded)

    def _is_whole(self, row: Row) -> bool:
        sizes: dict[str, int] = (row.outcome or {}).get("sizes", {})
        return bool(sizes) and all(self._sink.size(name) == size for name, size in sizes.items())

    def _is_fatal(self, error: Exception, *, is_fetched: bool) -> bool:
        """Return whether an error is not that of one row, so that the next rows would fail, or pay, in vain."""
        if isinstance(error, OSError) and error.errno in _OF_ONE_FILE and self._sink.is_there():
            return False
        if isinstance(error, LedgerError | OSError):
            return True
        if is_fetched:  # another host refuses, or a result has expired
            return False
        if isinstance(error, SubmissionUnknown):
            return self._lost > self._limits.in_flight
        if isinstance(error, APIConnectionError | ServerError):
            return error.task_id is None
        return isinstance(error, APIStatusError) and error.status_code in (401, 402, 403)

    async def _in_thread(self, function: Callable[..., T], *args: Any, abandon: bool = False) -> T:
        work = asyncio.create_task(
            anyio.to_thread.run_sync(function, *args, abandon_on_cancel=abandon, limiter=self._threads)
        )
        try:
            return await asyncio.shield(work)
        finally:
            if abandon:
                work.cancel()
            await asyncio.wait([work])  # a thread that goes on may write a file, or use a ledger that is closed


def _name(output: str, media_type: str | None, number: int) -> str:
    """Return the name of a result's file: with the ending of its format, and from the second on with a number."""
    path = PurePosixPath(output)
    known = _media.of_name(path.name)
    ending = _media.extension(media_type or "") or ""
    if known is None:
        stem, suffix = path.name, ending
    else:
        stem, suffix = path.stem, path.suffix if media_type in (None, known) else ending
    return str(path.with_name(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}"))


def _started(
    work: Coroutine[Any, Any, T], running: set[asyncio.Task[Any]], ended: asyncio.Queue[asyncio.Task[Any]]
) -> asyncio.Task[T]:
    task = asyncio.create_task(work)
    running.add(task)
    task.add_done_callback(ended.put_nowait)
    return task
