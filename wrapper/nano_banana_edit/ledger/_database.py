"""The database of a ledger: its tables, its clock, and changes that are on disk when they return."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import stamina
from attrs import define
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    RowMapping,
    Select,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from .._errors import InvalidRequest, LedgerError

T = TypeVar("T")

VERSION = 1
_PATIENCE = 60.0  # seconds that a change waits for a server that restarts

_tables = MetaData()
_about = Table("nano_banana_edit_ledger", _tables, Column("version", Integer, primary_key=True, autoincrement=False))
edits = Table(
    "nano_banana_edit_edits",
    _tables,
    Column("key", String(500), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("request", JSON(none_as_null=True)),
    Column("job", JSON(none_as_null=True)),
    Column("batch", String(200), nullable=False),
    Column("task_id", String(1000)),
    Column("outcome", JSON(none_as_null=True)),
    Column("output", String),
    Column("owner", String(200), nullable=False),
    Column("lease", Float, nullable=False),
    Column("updated", Float, nullable=False),
)
Index("nano_banana_edit_by_state", edits.c.batch, edits.c.state, edits.c.key)
_has_task = edits.c.task_id.is_not(None)
Index("nano_banana_edit_by_task", edits.c.task_id, sqlite_where=_has_task, postgresql_where=_has_task)
uploads = Table(
    "nano_banana_edit_uploads",
    _tables,
    Column("digest", String(64), primary_key=True),
    Column("url", String, nullable=False),
    Column("expires", Float, nullable=False),
)


class now(FunctionElement[float]):  # noqa: N801 - an SQL function
    """The database's time, in seconds since 1970."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(*_: Any, **__: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"  # unixepoch with fractions came with SQLite 3.42


@compiles(now, "postgresql")
def _now_postgresql(*_: Any, **__: Any) -> str:
    return "extract(epoch from clock_timestamp())::float8"


def insert_into(table: Table) -> Insert:
    """Return an INSERT that can say what to do if the key is there; SQLite has the words of PostgreSQL."""
    return insert(table)


@define(eq=False)
class _Change:
    run: Callable[[Connection], Any]
    key: str
    result: Any = None
    done: bool = False
    alone: bool = False  # whether a commit together with others has failed


class Database:
    """An SQLite file or a PostgreSQL database, with the tables of a ledger; several threads may share it.

    Raises:
        InvalidRequest: The location names no ledger, or one of another version.
        LedgerError: It cannot be opened.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self._engine, self._shown = _engine(location)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lock = threading.Lock()
        self._waiting: deque[_Change] = deque()
        if self._is_sqlite:
            event.listen(self._engine, "connect", _durable)
            event.listen(self._engine, "begin", _immediate)
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def __str__(self) -> str:
        return self._shown

    def close(self) -> None:
        self._engine.dispose()

    def read(self, query: Select[*tuple[Any, ...]]) -> Sequence[RowMapping]:
        with self._named(), self._reading.connect() as connection:
            return connection.execute(query).mappings().all()

    def write(self, key: str, run: Callable[[Connection], T]) -> T:
        """Run a change of the row of a key in a transaction, and return its result when it is on disk.

        Whichever thread comes first runs the changes of all that wait, as one commit is one flush to disk. A change
        may be run again, if the connection was lost: it must be one that does no harm twice.
        """
        change = _Change(run, key)
        self._waiting.append(change)
        with self._lock:
            if not change.done:
                self._commit_with(change)
        return change.result  # type: ignore[no-any-return]

    def _commit_with(self, change: _Change) -> None:
        changes = [change]
        others = [other for _ in range(len(self._waiting)) if (other := self._waiting.popleft()) is not change]
        if not change.alone:
            changes += [other for other in others if not other.alone]
        try:
            with self._named():
                stamina.retry(on=self._may_pass, attempts=None, timeout=_PATIENCE, wait_max=2.0)(self._commit)(changes)
        except BaseException:
            for other in changes:  # whose thread is about to try, by itself
                other.alone = True
            raise
        finally:
            self._waiting.extend(other for other in others if not other.done)

    def _commit(self, changes: list[_Change]) -> None:
        with self._engine.begin() as connection:
            for change in sorted(changes, key=lambda change: change.key):  # in one order everywhere: no deadlock
                change.result = change.run(connection)
        for change in changes:
            change.done = True

    def _may_pass(self, error: Exception) -> bool:
        return not self._is_sqlite and isinstance(error, OperationalError | InterfaceError)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            raise LedgerError(f"The ledger {self} cannot be used ({reason}).") from error

    def _set_up(self) -> None:
        with self._named():
            names = set(inspect(self._reading).get_table_names())
            if self._is_sqlite and names and _about.name not in names:
                raise InvalidRequest(f"The ledger {self} is a database of something else.", field="ledger")
            if _about.name not in names:
                with suppress(DBAPIError):  # another process makes them at the same time
                    _tables.create_all(self._engine)
                _tables.create_all(self._engine)
                version = insert_into(_about).values(version=VERSION).on_conflict_do_nothing()
                self.write("", lambda connection: connection.execute(version))
        versions = [row["version"] for row in self.read(select(_about.c.version))]
        if versions != [VERSION]:
            raise InvalidRequest(
                f"The ledger {self} has version {versions}; this package reads [{VERSION}]. Upgrade nano-banana-edit.",
                field="ledger",
            )


def _engine(location: str | os.PathLike[str]) -> tuple[Engine, str]:
    text = os.fspath(location)
    try:
        url = make_url(text if "://" in text else f"sqlite:///{Path(text).absolute()}")
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        shown = repr(text) if "://" not in text else url.render_as_string(hide_password=True)
        engine = create_engine(url, hide_parameters=True, pool_size=40)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        reason = str(error) if "://" not in text else type(error).__name__  # which may repeat the password
        raise InvalidRequest(
            f"The ledger is no database that can be used ({reason}); pass a path, or a URL such as "
            "postgresql://user@host/name.",
            field="ledger",
        ) from None
    if engine.dialect.name not in ("sqlite", "postgresql") or url.database in (None, "", ":memory:"):
        raise InvalidRequest(f"The ledger {shown} is neither an SQLite file nor a PostgreSQL database.", field="ledger")
    return engine, shown


def _durable(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # so that Python's driver begins no transaction by itself
    cursor = connection.cursor()
    for setting in ("busy_timeout = 30000", "journal_mode = WAL", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _immediate(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a transaction that began as a reader may not be let to write
