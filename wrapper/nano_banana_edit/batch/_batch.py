"""Many edits over a ledger, from a file, a folder or mappings, on one machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from attrs import frozen
from nano_banana_edit_client.constraints import shorten

from .._errors import InvalidRequest, must_be
from ..client import AsyncNanoBananaEdit
from ..ledger import LONGEST_BATCH, Ledger, Row, State, check_key, difference
from ._checked import Checked
from ._keys import NOT_PAID, run_alone, unfinished
from ._limits import Limits
from ._report import report
from ._run import Outcome, Run
from ._source import Flaw, Job, Source, read

T = TypeVar("T")

_CHUNK = 1000  # rows added to the ledger at once
_TAKEN: tuple[State, ...] = ("completed", "sent", "sending")


@frozen
class Status:
    """How far a batch is, by the ledger.

    Attributes:
        states: Number of rows in each state that has any.
        to_submit: Edits that the next run submits, each of which is billed: rows that are `new` or `refused`, and those
            that `failed` if `retry_failed` is set.
        billed: Edits that were accepted, also those that failed.
        unknown: Rows whose edit may have been accepted; `Ledger.resolve` settles them.
        others: Rows of the batch that could be submitted, but that its source does not have (any more). A run with
            that source leaves them alone; one without a source submits them.
    """

    states: Mapping[State, int]
    to_submit: int
    billed: int
    unknown: int
    others: int = 0


class Batch:
    """Many edits, each submitted once, however often the batch is run, and on however many machines.

    Run it again and it resumes: edits that were submitted are waited for, files that are there are not fetched again.

    Args:
        source: A file that ends in .jsonl, .ndjson or .csv; a folder, whose image files are the rows, with the columns
            `image`, `name` (the file name without its ending) and `ending`; or an iterable of mappings. A row has
            `image` or `images`, and if it differs from the batch's, `prompt`, `image_size`, `output_format`,
            `extra_body`, `key` and `output`; templates may use any column. A relative path of an image starts at the
            folder of the file, or for mappings at the working folder. None for the rows that the ledger has already.
        output: Folder for the results, which is made if it does not exist, or a URL of fsspec. None for a batch that is
            only checked and loaded, for workers to run.
        ledger: Keeps what was submitted.
        client: Edits; default: one with the settings of the environment.
        name: Name of the batch in the ledger, 1 to 100 printable characters; default: the source's file name without
            its ending.
        prompt: Template of the instruction, for rows that have none, such as `"Put {name} on a beach"`.
        key: Template of the key, for rows that have none, such as `"{sku}-{scene}"`; default: a digest of the images as
            written, prompt, options and extra body.
        file_name: Template of the name of a file below `output`, for rows that have no `output`, such as
            `"{sku}/{scene}"`; may contain {key}; default: from the key, for a folder `"{name}"`.
        image_size: Of rows that have none.
        output_format: Of rows that have none.
        limits: How much is done at once; default: `Limits()`.
        retry_failed: Whether edits that failed are submitted again, and billed again; default False.
        precheck: Whether every row is checked before the first edit is submitted; default True. With False rows are
            checked as they come, for a source without end, and one that cannot be used is an outcome of its own.

    Raises:
        InvalidRequest: An argument cannot be used.
    """

    def __init__(
        self,
        source: Source | None,
        output: str | os.PathLike[str] | None,
        *,
        ledger: Ledger,
        client: AsyncNanoBananaEdit | None = None,
        name: str | None = None,
        prompt: str | None = None,
        key: str | None = None,
        file_name: str | None = None,
        image_size: str | None = None,
        output_format: str | None = None,
        limits: Limits | None = None,
        retry_failed: bool = False,
        precheck: bool = True,
    ) -> None:
        if not isinstance(ledger, Ledger):
            raise must_be("a Ledger, such as Ledger('edits.db')", "ledger", ledger)
        named = Path(source).stem if name is None and isinstance(source, str | os.PathLike) else name
        self.name = check_key(named, "name", LONGEST_BATCH)
        paths = [os.path.realpath(path) for path in (source, output) if isinstance(path, str | os.PathLike)]
        if len(paths) > len({*paths}):
            # The results of one run would be the rows of the next.
            raise must_be("another folder than the source", "output", str(output))
        self._source, self._output, self._ledger, self._client = source, output, ledger, client
        self._read = {"prompt": prompt, "key": key, "file_name": file_name}
        self._read |= {"image_size": image_size, "output_format": output_format}
        self._limits, self._retry_failed = limits or Limits(), retry_failed
        self._is_stream, self._is_loaded = source is not None and not precheck, False
        self._checked: Checked | None = None
        self._others: Counter[State] = Counter()  # rows in the ledger that the source does not have
        self._run: Run | None = None

    def check(self) -> Status:
        """Check every row. Nothing is sent, or written to the ledger.

        Returns:
            What the ledger will have when the rows are added, with the number of edits that would be billed.

        Raises:
            InvalidRequest: Some rows cannot be used; the error names the first with its line, and its notes name 19
                more. Or a key belongs to another edit.
            LedgerError: The ledger cannot be read.
        """
        if self._source is not None and self._checked is None:
            self._checked = Checked(read(self._source, **self._read))
        states, of_source = Counter[State](self._ledger.counts(batch=self.name)), Counter[State]()
        for chunk in self._chunks():
            rows = self._ledger.find(chunk)
            for row in rows:
                self._changed(row, chunk[row.key])
                of_source[row.state] += 1
            states["new"] += len(chunk) - len(rows)
            of_source["new"] += len(chunk) - len(rows)
        if self._checked is not None:
            self._others = Counter({state: states[state] - of_source[state] for state in NOT_PAID})
        return self._status(+states)

    def load(self) -> Status:
        """Check every row as `check` does, and add those to the ledger that it does not have. Nothing is sent."""
        self.check()
        for chunk in self._chunks():
            self._add(chunk)
        self._is_loaded = True
        return self.status()

    def status(self) -> Status:
        """Return how far the batch is, by the ledger."""
        return self._status(self._ledger.counts(batch=self.name))

    def _status(self, states: Mapping[State, int]) -> Status:
        to_submit: tuple[State, ...] = ("new", "refused", *(("failed",) if self._retry_failed else ()))
        return Status(
            states,
            sum(max(0, states.get(state, 0) - self._others[state]) for state in to_submit),
            self._ledger.billed(batch=self.name),
            states.get("unknown", 0),
            sum(min(states.get(state, 0), self._others[state]) for state in to_submit),
        )

    def __contains__(self, key: object) -> bool:
        """Return whether a key is that of a row of the source, which is checked; without a source, any key is."""
        return self._checked is None or key in self._checked

    def report(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write what became of every row to a file that ends in .html, .csv or .jsonl. See `report` of this package."""
        return report(self._ledger, path, batch=self.name, results=self._output, overwrite=overwrite)

    @property
    def submitted(self) -> int:
        """Edits that the current or last run has submitted."""
        return self._run.submitted if self._run else 0

    @property
    def in_flight(self) -> int:
        """Submissions whose answer the current run waits for."""
        return self._run.in_flight if self._run else 0

    @property
    def held(self) -> float:
        """Seconds that all submissions of the current run are held back, as the service asks for it or fails."""
        return self._run.held if self._run else 0.0

    def run(self) -> Status:
        """Edit every row that is not done. See `arun`; this runs an event loop of its own."""
        return run_alone(self.arun, "Batch.arun")

    async def arun(self) -> Status:
        """Edit every row that is not done.

        Ctrl-C, or a cancellation, stops submitting, lets the submissions in flight end and leaves the rest to the next
        run; a second one ends it at once, and what is then in flight becomes `unknown`.

        Returns:
            What the ledger has at the end.

        Raises:
            InvalidRequest: Some rows cannot be used. Nothing was sent.
            NanoBananaEditError: The token was refused, the ledger or the service cannot be reached, or many answers to
                submissions in a row were lost; the rest is left as it was.
            OSError: A result cannot be saved, such as on a full disk.
        """
        async with aclosing(self.outcomes()) as outcomes:
            async for _ in outcomes:
                pass
        return await _in_thread(self.status)

    async def outcomes(self) -> AsyncGenerator[Outcome, None]:
        """Edit every row that is not done, and yield what became of each as it ends: a batch is for `async for` too."""
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(AsyncNanoBananaEdit())
            if self._output is None:
                raise must_be("a folder, or a URL of fsspec", "output", None)
            self._run = Run(self._ledger, client, self._output, self._limits)
            if not (self._is_stream or self._is_loaded):
                await _in_thread(self.load)
            ends = self._run.outcomes(self._rows(), self._taken(), is_stream=self._is_stream)
            outcomes = await stack.enter_async_context(aclosing(ends))
            async for outcome in outcomes:
                yield outcome

    __aiter__ = outcomes

    def _rows(self) -> Iterator[Row | Outcome]:
        """Yield the rows that are not done, those first that are paid for."""
        yield from self._ledger.rows("saved", batch=self.name)
        yield from unfinished(self._ledger, batch=self.name, keys=self, retry_failed=self._retry_failed)
        if self._source is not None and self._is_stream:
            for job in read(self._source, **self._read):
                yield self._come(job)

    def _taken(self) -> Iterator[Row]:
        """Yield the rows that others have taken, and may have left."""
        for state in _TAKEN:
            yield from self._ledger.rows(state, batch=self.name)

    def _come(self, job: Job | Flaw) -> Row | Outcome:
        """Add a row of a stream."""
        try:
            if isinstance(job, Flaw):
                raise job.error
            self._add({job.key: job})
            return self._ledger.get(job.key) or Outcome(job.key)
        except InvalidRequest as error:
            return Outcome(job.key, error=error)

    def _chunks(self) -> Iterator[dict[str, Job]]:
        jobs = iter(self._checked or ())
        while chunk := {job.key: job for job in islice(jobs, _CHUNK)}:
            yield chunk

    def _add(self, jobs: Mapping[str, Job]) -> None:
        """Add rows to the ledger. A row that it has already, and that nobody has paid for, may be another edit now."""
        for row in self._ledger.add(self.name, {key: job.spec() for key, job in jobs.items()}):
            job = jobs[row.key]
            if self._run and self._run.has(row.key) and row.job != job.spec():  # in a stream
                problem = f"{job.place}: its key {shorten(row.key)} is that of an earlier row"
                raise InvalidRequest(f"{problem}; give each a key of its own.", field="key", value=row.key)
            if self._changed(row, job) and not self._ledger.replace(row.key, job.spec()):
                # Somebody has claimed it since it was read.
                self._changed(self._ledger.get(row.key) or row, job)

    def _changed(self, row: Row, job: Job) -> bool:
        """Return whether a row must be replaced by its job, or raise InvalidRequest if it is paid for as another."""
        spec, problem = job.spec(), ""
        if row.batch != self.name or row.job is None:
            problem = f"belongs to {f'the batch {row.batch!r}' if row.job else 'an edit outside of batches'}"
        elif row.state in ("new", "refused", "cancelled"):
            return row.job != spec or bool(row.digest and row.state != "cancelled")  # a file may have changed
        elif _paid(row.job) != _paid(spec):
            problem = f"is {row.state} as another edit: {difference(_paid(row.job), _paid(spec))}"
        if problem:
            raise InvalidRequest(
                f"{job.place}: the key {shorten(row.key)} {problem}. Use another key.", field="key", value=row.key
            )
        return False


def _paid(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a job is paid for: neither the folder of its images, which may be moved, nor that of its file."""
    images = [image if "://" in image else PurePath(image).name for image in spec["images"]]
    return {name: value for name, value in spec.items() if name != "output"} | {"images": images}


async def _in_thread(function: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(function, limiter=anyio.CapacityLimiter(1))  # those of the loop may be busy
