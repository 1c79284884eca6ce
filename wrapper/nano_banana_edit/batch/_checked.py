"""All rows of a source on disk, checked, before the first of them is used."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from nano_banana_edit_client.constraints import shorten

from .._errors import InvalidRequest, LedgerError
from ._source import Flaw, Job, encode

_SHOWN = 20  # flaws, of all that were found


class Checked:
    """All jobs of a source, in a temporary file, when each was read and can be used.

    Raises:
        InvalidRequest: Some rows cannot be used, or two have one key or one file. It names the first, and its notes
            name 19 more.
        LedgerError: The temporary file cannot be written.
    """

    def __init__(self, jobs: Iterable[Job | Flaw]) -> None:
        # Threads use it in turn.
        self._spool = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self.close = weakref.finalize(self, self._spool.close)
        flaws = _flaws(jobs, self._execute)
        first, *others = [*islice(flaws, _SHOWN)] or [""]
        if first:
            number = 1 + len(others) + sum(1 for _ in flaws)
            many = f"{number:,} rows" if others else "A row"
            failure = InvalidRequest(f"{many} cannot be used; nothing was sent. {first}", field="source")
            for flaw in others:
                failure.add_note(flaw)
            self.close()
            raise failure
        self._execute("CREATE INDEX by_key ON jobs (key)")

    def __iter__(self) -> Iterator[Job]:
        return (Job.of(key, json.loads(spec), place) for key, place, spec in self._execute(_IN_ORDER))

    def __contains__(self, key: object) -> bool:
        return self._execute("SELECT 1 FROM jobs WHERE key = ?", str(key)).fetchone() is not None

    def _execute(self, statement: str, *values: str) -> sqlite3.Cursor:
        try:
            return self._spool.execute(statement, values)
        except sqlite3.Error as error:
            raise LedgerError(f"The rows cannot be kept in {tempfile.gettempdir()} ({error}).") from error


_IN_ORDER = "SELECT key, place, spec FROM jobs ORDER BY rowid"
_DOUBLES = """
    SELECT place, key, file, key_before, file_before FROM (
        SELECT rowid AS number, place, key, file, lag(place) OVER (PARTITION BY key ORDER BY rowid) AS key_before,
            lag(place) OVER (PARTITION BY file ORDER BY rowid) AS file_before FROM jobs
    ) WHERE key_before IS NOT NULL OR file_before IS NOT NULL ORDER BY number
"""


def _flaws(jobs: Iterable[Job | Flaw], execute: Callable[..., sqlite3.Cursor]) -> Iterator[str]:
    """Write jobs into a table, and yield what is wrong with the others, and with doubles."""
    execute("PRAGMA journal_mode = OFF")
    execute("CREATE TABLE jobs (key, file, place, spec)")
    execute("BEGIN")
    for job in jobs:
        if isinstance(job, Flaw):
            yield str(job.error.args[0])
        else:
            values = job.key, job.output.casefold(), job.place, encode(job.spec())
            execute("INSERT INTO jobs VALUES (?, ?, ?, ?)", *values)
    for place, key, file, key_before, file_before in execute(_DOUBLES):
        if key_before:
            problem = f"key {shorten(key)} is that of {key_before}; to edit the same twice, give each a key of its own"
        else:
            problem = f"file name {shorten(file)} is that of {file_before}; give each a file name of its own"
        yield f"{place}: its {problem}."
