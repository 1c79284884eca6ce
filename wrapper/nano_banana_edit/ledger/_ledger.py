"""Claims on keys: who may submit an edit, and what became of it."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Collection, Iterator, Mapping
from typing import Any, get_args

from nano_banana_edit_client.constraints import shorten
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Executable,
    Float,
    Integer,
    Select,
    String,
    Update,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert  # SQLite has its words for a key that is there

from .._errors import InvalidRequest, must_be
from .._requests import task_id as check_task_id
from .._settings import Seconds, check_seconds, in_seconds
from ._database import Database, edits, now, uploads
from ._rows import Row, State

_PAGE = 1000  # rows read at once
LONGEST_BATCH = 100  # characters, of up to four bytes; an index of PostgreSQL takes 2,700 bytes
_GRACE = 10.0  # seconds that a lease outlasts its submission
_AHEAD = 3600.0  # seconds; a claim from a later time was made by a wrong clock, and its lease is not to be waited for
_IS_LOST = and_(edits.c.state == "sending", or_(edits.c.lease < now(), edits.c.updated > now() + _AHEAD))
_STATE = case((_IS_LOST, "unknown"), else_=edits.c.state)
_ROW: Select[*tuple[Any, ...]] = select(
    *(_STATE.label("state") if column.name == "state" else column for column in edits.c if column.name != "lease")
)
_ROW_OF = _ROW.where(edits.c.key == bindparam("name"))
_FRESH = {"state": "new", "attempt": 0, "digest": "", "owner": "", "lease": 0.0}
_RESOLVABLE: dict[State, tuple[str, tuple[State, ...]]] = {  # to a state, in a person's words, from which states
    "sent": ("given a task", ("unknown", "sent")),
    "new": ("submitted again", ("unknown", "cancelled")),
    "cancelled": ("cancelled", ("unknown", "new", "refused", "failed", "sent", "completed", "saved")),
}
_SEEN = bindparam("seen", type_=Integer)


def _is(column: ColumnElement[str], *values: Any) -> ColumnElement[bool]:
    """Return whether a column has one of the values. SQLAlchemy writes an IN anew at each execution."""
    return or_(*(column == value for value in values))


def _of_batch(query: Select[*tuple[Any, ...]], batch: str | None) -> Select[*tuple[Any, ...]]:
    """Return a query of the rows of one batch, or of all if it is None."""
    return query if batch is None else query.where(edits.c.batch == batch)


def _rows_of(keys: Collection[str]) -> Select[*tuple[Any, ...]]:
    return _ROW.where(edits.c.key.in_(keys))


def _claim(*free: State) -> Executable:
    fresh = insert(edits).values(lease=now() + bindparam("seconds", type_=Float), updated=now())
    new = fresh.excluded
    again = {name: new[name] for name in ("state", "digest", "request", "owner", "lease", "updated")}
    return fresh.on_conflict_do_update(
        index_elements=[edits.c.key],
        set_={**again, "attempt": edits.c.attempt + 1, "task_id": None, "outcome": None, "output": None},
        where=and_(
            _is(edits.c.state, *free),
            _is(edits.c.digest, "", new.digest),
            or_(_SEEN.is_(None), edits.c.attempt == _SEEN),
        ),
    ).returning(*_ROW.selected_columns)


def _change(column: ColumnElement[str], *where: ColumnElement[bool]) -> Update:
    """Return a compare-and-set: it changes the row of a key or task, if it is as expected."""
    return update(edits).where(column == bindparam("name"), *where).values(updated=now())


def _adding(is_sqlite: bool) -> Executable:
    """Return what adds rows from one text, the JSON of pairs of key and job's JSON: faster than values for each."""
    text = bindparam("pairs", type_=String)
    pairs = func.json_each(text) if is_sqlite else func.json_array_elements(cast(text, JSON))
    pair = pairs.table_valued(column("value", JSON)).c.value
    fresh = {
        "key": func.json_extract(pair, "$[0]") if is_sqlite else pair.op("->>")(0),
        "job": func.json_extract(pair, "$[1]") if is_sqlite else cast(pair.op("->>")(1), JSON),
        "batch": bindparam("batch", type_=String),
        **{name: literal(value) for name, value in _FRESH.items()},
        "updated": now(),
    }
    rows = select(*fresh.values()).where(true())  # without WHERE, SQLite takes ON for that of a JOIN
    return insert(edits).from_select([*fresh], rows).on_conflict_do_nothing()


# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_CLAIM = {False: _claim("new", "refused"), True: _claim("new", "refused", "failed")}  # by retry_failed
_MINE = edits.c.owner == bindparam("by")
_IS_FIRST = edits.c.task_id.is_(None)  # whether nobody knew a task of this attempt before
_ACCEPTED = {"state": "sent", "billed": edits.c.billed + case((_IS_FIRST, 1), else_=0)}
_SENT = _change(edits.c.key, _MINE, _is(edits.c.state, "sending", "unknown", "sent", "new", "cancelled")).values(
    {**_ACCEPTED, "state": case((edits.c.state == "cancelled", "cancelled"), else_="sent")}
)
_RELEASED = _change(edits.c.key, _MINE, edits.c.state == "sending")
_FINISHED = _change(edits.c.task_id, edits.c.state == "sent")
_SAVED = _change(edits.c.task_id, _is(edits.c.state, "sent", "completed", "saved"))
_REPLACED = _change(edits.c.key, _is(edits.c.state, "new", "refused", "cancelled")).values(owner="", digest="")
_RENEWED = _change(edits.c.key, edits.c.state == "failed", edits.c.attempt == _SEEN).values(
    state="new", owner="", digest=""
)
_OF_TASK = _ROW.where(edits.c.task_id == bindparam("name"))
_DECIDED: dict[State, dict[str, Any]] = {
    "sent": _ACCEPTED,
    # An owner whose answer is known has no other; without that, its answer may still come and spare the submission.
    "new": {"state": "new", "task_id": None, "owner": case((_IS_FIRST, edits.c.owner), else_="")},
    "cancelled": {"state": "cancelled"},
}
_RESOLVED = {
    state: _change(edits.c.key, _is(_STATE, *states)).values(_DECIDED[state])
    for state, (_, states) in _RESOLVABLE.items()
}
_ADD = {is_sqlite: _adding(is_sqlite) for is_sqlite in (False, True)}
_UPLOADED = select(uploads.c.url).where(
    uploads.c.digest == bindparam("name"), uploads.c.expires > now() + bindparam("seconds", type_=Float)
)
_REMEMBER = insert(uploads)
_REMEMBER = _REMEMBER.on_conflict_do_update(
    index_elements=[uploads.c.digest], set_={"url": _REMEMBER.excluded.url, "expires": _REMEMBER.excluded.expires}
)


class Ledger:
    """Edits by key, in a database: each key is submitted once, whatever crashes, restarts or races.

    Pass it to a client as `ledger=`, and a `key=` to `edit` and `submit`. Several threads and clients may share it, and
    any number of processes may open the same database. Use it as a context manager, or call `close`.

    Several machines need PostgreSQL: SQLite on a network folder is not supported, as it may pay twice.

    Args:
        location: Path of an SQLite file, which is made if it does not exist, or a URL such as
            `postgresql://user@host/name`. It keeps prompts and the URLs of images and results, but no token.
        lease: Seconds, or a timedelta, above 0, that one submission may take, its retries included; default 120. A
            process that dies while it submits holds the key for so long; then the row is `unknown`.

    Raises:
        InvalidRequest: The location is no ledger, or one that a newer version of this package made.
        LedgerError: It cannot be opened.
    """

    def __init__(self, location: str | os.PathLike[str], *, lease: Seconds = 120.0) -> None:
        seconds = in_seconds(lease)
        check_seconds("lease", seconds)
        if not seconds:
            raise must_be("more than 0 seconds", "lease", lease)
        self.lease: float = seconds
        self._database = Database(location)

    def __repr__(self) -> str:
        return f"<Ledger {self._database}>"

    def __str__(self) -> str:
        return self._database.location

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def get(self, key: str) -> Row | None:
        """Return the row of a key, or None."""
        found = self._database.read(_ROW_OF, name=check_key(key))
        return Row(**found[0]) if found else None

    def find(self, keys: Collection[str]) -> list[Row]:
        """Return the rows of some thousands of keys at most, in any order; a key without a row is left out."""
        return [Row(**row) for row in self._database.read(_rows_of(keys))]

    def rows(self, state: State | None = None, *, batch: str | None = None) -> Iterator[Row]:
        """Yield the rows in the order of their keys. They are read in pages, so a row may have changed meanwhile.

        Args:
            state: Only those in this state; default: all.
            batch: Only those of this batch; default: all.

        Raises:
            InvalidRequest: There is no such state.
            LedgerError: The database cannot be read.
        """
        if state is not None and state not in get_args(State):
            raise must_be(f"one of {', '.join(get_args(State))}", "state", state)
        query = _of_batch(_ROW.order_by(edits.c.key).limit(_PAGE), batch)
        if state == "unknown":
            query = query.where(or_(edits.c.state == state, _IS_LOST))
        elif state:
            query = query.where(edits.c.state == state, ~_IS_LOST)
        page = query
        while found := self._database.read(page):
            yield from (Row(**row) for row in found)
            page = query.where(edits.c.key > found[-1]["key"])

    def counts(self, *, batch: str | None = None) -> dict[State, int]:
        """Return the number of rows in each state that has any, of one batch or of all."""
        query = _of_batch(select(_STATE.label("state"), func.count().label("rows")).group_by(_STATE), batch)
        return {row["state"]: row["rows"] for row in self._database.read(query)}

    def billed(self, *, batch: str | None = None) -> int:
        """Return how many submissions are known to have been accepted, of one batch or of all."""
        query = _of_batch(select(func.coalesce(func.sum(edits.c.billed), 0).label("billed")), batch)
        return int(self._database.read(query)[0]["billed"])

    def resolve(self, key: str, *, task_id: str | None = None, resend: bool = False, cancelled: bool = False) -> Row:
        """Decide what becomes of a row, as a person who has looked at the account: above all one that is `unknown`.

        Args:
            key: Its key.
            task_id: The edit was accepted, and this is its task: `unknown` becomes `sent`; so does a `sent` one, with
                another task.
            resend: The edit was not accepted, and may be submitted again: `unknown` or `cancelled` becomes `new`.
            cancelled: The edit or its result is not wanted any more, or has expired: any row that is not `sending`
                becomes `cancelled`. Its task, if any, stays known.

        Returns:
            The row as it is now.

        Raises:
            InvalidRequest: Not exactly one of the three is given, or the row is in another state.
            LedgerError: The database cannot be changed.
        """
        if (task_id is not None) + bool(resend) + bool(cancelled) != 1:
            raise InvalidRequest("Give exactly one of task_id, resend and cancelled.", field="task_id")
        state: State = "sent" if task_id is not None else "new" if resend else "cancelled"
        if task_id is not None:
            check_task_id(task_id)
            for other in self._database.read(_OF_TASK, name=task_id):
                if other["key"] != key:
                    problem = f"task_id {shorten(task_id)} is that of the key {shorten(other['key'])}"
                    raise InvalidRequest(f"{problem}; each key has a task of its own.", field="task_id", value=task_id)
        task = {} if task_id is None else {"task_id": task_id}
        changed = self._change(_RESOLVED[state], check_key(key), **task)
        row = self.get(key)
        if row is None:
            raise InvalidRequest(f"The key {shorten(key)} is not in the ledger.", field="key")
        if not (changed or (row.state, row.task_id) == (state, task_id or row.task_id)):
            done, (*states, last) = _RESOLVABLE[state]
            only = f"Only a row that is {', '.join(states)} or {last} can be {done}."
            raise InvalidRequest(f"The key {shorten(key)} is {row.state}. {only}", field="key")
        return row

    # What a batch writes before, and a client during and after a submission.

    def add(self, batch: str, jobs: Mapping[str, Mapping[str, Any]]) -> list[Row]:
        """Add jobs of a batch by key, some thousands at most; return the rows of keys that are there already."""
        added = {"batch": check_key(batch, "batch", LONGEST_BATCH)}
        added["pairs"] = json.dumps([(check_key(key), json.dumps(job)) for key, job in jobs.items()])

        def run(connection: Connection) -> list[Row]:
            found = [Row(**row) for row in connection.execute(_rows_of(jobs)).mappings()]
            connection.execute(_ADD[connection.dialect.name == "sqlite"], added)
            return found

        return self._database.write("", run) if jobs else []

    def replace(self, key: str, job: Mapping[str, Any]) -> bool:
        """Change the job of a row that nobody has paid for; return whether it could be changed."""
        return self._change(_REPLACED, key, job=job)

    def renew(self, key: str, attempt: int) -> bool:
        """Make a `failed` row of an attempt `new`, as a batch does for `retry_failed`; return whether it was that.

        Its task and outcome stay readable until the next claim.
        """
        return self._change(_RENEWED, key, seen=attempt)

    def claim(
        self,
        key: str,
        owner: str,
        digest: str,
        request: Mapping[str, Any],
        *,
        retry_failed: bool = False,
        attempt: int | None = None,
    ) -> Row:
        """Claim a key if it is free, and return its row: the owner may submit it if it is `sending` and theirs.

        With `attempt`, which is 0 for a key that has no row, it is free only if that is still its attempt.
        """
        row = {"key": key, "digest": digest, "request": request, "owner": owner, "seconds": self.lease + _GRACE}
        row |= {"state": "sending", "attempt": 1, "batch": "", "seen": attempt}

        def run(connection: Connection) -> Row:
            won = connection.execute(_CLAIM[retry_failed], row).mappings().one_or_none()
            return Row(**(won or connection.execute(_ROW_OF, {"name": key}).mappings().one()))

        return self._database.write(key, run)

    def sent(self, key: str, owner: str, task_id: str) -> bool:
        """Write that a claimed submission was accepted, also after its lease; return whether it is still its own."""
        return self._change(_SENT, key, by=owner, task_id=task_id)

    def released(self, key: str, owner: str, state: State, outcome: Mapping[str, Any] | None = None) -> bool:
        """Write that a claimed submission was not accepted (`new`, `refused`), or that nobody knows (`unknown`)."""
        return self._change(_RELEASED, key, by=owner, state=state, outcome=outcome)

    def finished(self, task_id: str, state: State, outcome: Mapping[str, Any]) -> bool:
        """Write how the edit of a task ended: `completed` or `failed`."""
        return self._change(_FINISHED, task_id, state=state, outcome=outcome)

    def saved(self, task_id: str, output: str, outcome: Mapping[str, Any]) -> bool:
        """Write that the result of a task is in a file."""
        return self._change(_SAVED, task_id, state="saved", output=output, outcome=outcome)

    def uploaded(self, digest: str, seconds: float) -> str | None:
        """Return the URL of an upload of the same content that lasts some seconds more, or None."""
        found = self._database.read(_UPLOADED, name=digest, seconds=seconds)
        return found[0]["url"] if found else None

    def remember(self, digest: str, url: str, expires: float) -> None:
        """Keep the URL of an upload until it expires, in seconds since 1970."""
        row = {"digest": digest, "url": url, "expires": expires}
        self._database.write(digest, lambda connection: connection.execute(_REMEMBER, row))

    def _change(self, change: Update, name: str, **values: Any) -> bool:
        """Change the row of a key or task; return whether it was as expected."""
        values["name"] = name
        return self._database.write(name, lambda connection: connection.execute(change, values).rowcount > 0)


def new_owner() -> str:
    """Return the owner of one claim: who holds it, for a person, and a random part, for the ledger."""
    return f"{socket.gethostname()[:60]}/{os.getpid()}/{uuid.uuid4().hex}"


def check_key(key: object, name: str = "key", longest: int = 500) -> str:
    """Return a key if it is usable."""
    if isinstance(key, str) and key.isprintable() and 1 <= len(key) <= longest:
        return key
    raise must_be(f"1 to {longest} printable characters", name, key)
