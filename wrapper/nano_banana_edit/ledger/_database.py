"""The database of a ledger: its tables, its clock, and changes that are on disk when they return."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from traceback import clear_frames
from typing import Any, TypeVar

import stamina
from attrs import define
from sqlalchemy import (
    JSON,
    URL,
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
from sqlalchemy.dialects.postgresql import insert  # SQLite has its words for a key that is there
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from .._errors import InvalidRequest, LedgerError, must_be

T = TypeVar("T")

VERSION = 1
_PATIENCE = 60.0  # seconds that a call waits for a server that restarts
_CONNECTIONS = 5  # at most, of one process; a PostgreSQL server has 100 for all
_OUTAGES = (OperationalError, InterfaceError, NoConnection)  # which every change would meet
_SQLITE = ("PRAGMA busy_timeout = 30000", "PRAGMA synchronous = FULL")
# Without them, a claim that was sent may be gone after a crash, and a machine that vanishes holds up all others.
_POSTGRESQL = tuple(
    f"SELECT set_config('{name}', '{value}', false) WHERE current_setting('{name}') IN {instead_of}"
    for name, value, instead_of in (
        ("synchronous_commit", "on", "('off', 'local')"),
        ("statement_timeout", "60s", "('0')"),
        ("idle_in_transaction_session_timeout", "60s", "('0')"),
    )
)
# A server that stops answering is noticed within half a minute.
_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_FAILURES = (SQLAlchemyError, UnicodeError)

_tables = MetaData()
# In the order of bytes, as in SQLite: one of the system's may change with its C library, and then breaks the index.
_Key = String(500).with_variant(String(500, collation="C"), "postgresql")
_about = Table("nano_banana_edit_ledger", _tables, Column("version", Integer, primary_key=True, autoincrement=False))
edits = Table(
    "nano_banana_edit_edits",
    _tables,
    Column("key", _Key, primary_key=True),
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
    Column("billed", Integer, nullable=False, server_default="0"),
    Column("lease", Float, nullable=False),
    Column("updated", Float, nullable=False),
)
Index("nano_banana_edit_by_state", edits.c.batch, edits.c.state, edits.c.key)
_has_task = edits.c.task_id.is_not(None)
Index(
    "nano_banana_edit_by_task",
    edits.c.task_id,
    sqlite_where=_has_task,
    postgresql_where=_has_task,
    postgresql_using="hash",  # whose entries may be as long as an id
)
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


@define(eq=False)
class _Change:
    run: Callable[[Connection], Any]
    key: str
    result: Any = None
    failure: Exception | None = None
    done: bool = False


class Database:
    """An SQLite file or a PostgreSQL database, with the tables of a ledger; several threads may share it.

    Raises:
        InvalidRequest: The location names no ledger, or one of another version.
        LedgerError: It cannot be opened.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self._engine, self._shown = _engine(location)
        self.location = self._shown if "://" in self._shown else os.fspath(location)
        self._is_sqlite = self._engine.dialect.name == "sqlite"
        self._is_patient = False  # whether it waits for a server that restarts
        self._lock = threading.Lock()
        self._waiting: deque[_Change] = deque()
        event.listen(self._engine, "connect", partial(_set, _SQLITE if self._is_sqlite else _POSTGRESQL))
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise
        self._is_patient = not self._is_sqlite
        if hasattr(os, "register_at_fork"):
            forked = weakref.WeakMethod(self._forked)
            os.register_at_fork(after_in_child=lambda: (leave := forked()) and leave())

    def _forked(self) -> None:
        """Leave the connections to the process that this one was forked from, and a lock that a thread held there."""
        self._engine.dispose(close=False)
        self._lock, self._waiting = threading.Lock(), deque()

    def __str__(self) -> str:
        return self._shown

    def close(self) -> None:
        self._engine.dispose()

    def read(self, query: Select[*tuple[Any, ...]], **values: Any) -> Sequence[RowMapping]:
        def run() -> Sequence[RowMapping]:
            with self._engine.connect() as connection:
                return connection.execute(query, values).mappings().all()

        try:
            return self._patiently(run)
        except _FAILURES as error:
            raise self._named(error) from error

    def write(self, key: str, run: Callable[[Connection], T]) -> T:
        """Run a change of the row of a key in a transaction, and return its result when it is on disk.

        Whichever thread comes first runs the changes of all that wait, as one commit is one flush to disk. A change
        may be run again, if the connection was lost: it must be one that does no harm twice.
        """
        change = _Change(run, key)
        self._waiting.append(change)
        with self._lock:
            if not change.done:  # one whose leader failed or was interrupted waits no more, but is not done
                waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
                self._commit(waiting if change in waiting else [*waiting, change], change)
        if change.failure:
            raise self._named(change.failure) from change.failure
        return change.result  # type: ignore[no-any-return]

    def _commit(self, changes: list[_Change], own: _Change) -> None:
        def run() -> None:
            with self._engine.begin() as connection:
                # A transaction of SQLite that began as a reader may not be let to write.
                connection.exec_driver_sql("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
                # Changes by key lock rows in one order everywhere. One by task id may still meet another in a deadlock,
                # which PostgreSQL ends; then they run again.
                for change in sorted(changes, key=lambda change: change.key):
                    change.result = change.run(connection)

        try:
            self._patiently(run)
        except Exception as error:  # noqa: BLE001 - raised in the thread of each
            if len(changes) > 1 and not isinstance(error, _OUTAGES):  # the fault of one, and perhaps of another
                self._commit([own], own)
                return
            for change in changes:
                change.failure = error
        for change in changes:
            change.done = True

    def _patiently(self, run: Callable[[], T]) -> T:
        """Call a function, and again while a server restarts; the first connection after that may be a dead one."""
        try:
            return run()
        except _OUTAGES:
            if not self._is_patient:
                raise
        return stamina.retry(on=_OUTAGES, attempts=None, timeout=_PATIENCE, wait_max=2.0)(run)()

    def _named(self, error: Exception) -> LedgerError:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        cause: BaseException | None = error
        while cause:
            clear_frames(cause.__traceback__)  # the variables of a driver have the password
            cause = cause.__cause__
        folder = Path(self._engine.url.database or "").parent
        with suppress(PermissionError):
            if self._is_sqlite and not folder.exists():
                reason = f"create the folder {str(folder)!r} first"
        return LedgerError(f"The ledger {self} cannot be used ({reason}).")

    def _set_up(self) -> None:
        try:
            names = set(inspect(self._engine).get_table_names())
            if self._is_sqlite and names and _about.name not in names:
                raise InvalidRequest(f"The ledger {self} is a database of something else.", field="ledger")
            if self._is_sqlite:
                with self._engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except _FAILURES as error:
            raise self._named(error) from error
        if _about.name not in names:
            with suppress(LedgerError):  # another process makes them at the same time
                self.write("", _create)
            self.write("", _create)
        versions = [row["version"] for row in self.read(select(_about.c.version))]
        if versions != [VERSION]:
            raise InvalidRequest(
                f"The ledger {self} has version {versions}; this package reads [{VERSION}]. Upgrade nano-banana-edit.",
                field="ledger",
            )


def _create(connection: Connection) -> None:
    _tables.create_all(connection)
    connection.execute(insert(_about).values(version=VERSION).on_conflict_do_nothing())


def _engine(location: str | os.PathLike[str]) -> tuple[Engine, str]:
    if not isinstance(location, str | os.PathLike):
        raise must_be("a path, or a URL such as postgresql://user@host/name", "ledger", location)
    text = os.fspath(location)
    is_url = "://" in text
    try:
        url = make_url(text) if is_url else URL.create("sqlite", database=text and str(Path(text).absolute()))
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        secret = [name for name in url.query if "password" in name]
        shown = url.difference_update_query(secret).render_as_string() if is_url else repr(text)
        if (
            url.get_backend_name() in ("sqlite", "postgresql")
            and url.database
            and not any(sign in text for sign in (":memory:", "mode=memory"))
        ):
            how: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "hide_parameters": True}
            if url.get_backend_name() == "postgresql":
                how["connect_args"] = {name: value for name, value in _NETWORK.items() if name not in url.query}
            return create_engine(url, pool_size=_CONNECTIONS, max_overflow=0, **how), shown
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        if getattr(error, "name", None) == "psycopg":
            hint = "A ledger in PostgreSQL needs psycopg: pip install 'nano-banana-edit[ledger]'."
            raise InvalidRequest(hint, field="ledger") from None
        raise InvalidRequest(  # whose reason is not shown, as it may repeat the password
            f"The ledger is no database that can be used ({type(error).__name__}); pass a path, or a URL such as "
            "postgresql://user@host/name.",
            field="ledger",
        ) from None
    raise InvalidRequest(f"The ledger {shown} is no SQLite file and no PostgreSQL database.", field="ledger")


def _set(statements: Sequence[str], connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for statement in statements:
        cursor.execute(statement)
    cursor.close()
