"""A ledger in PostgreSQL: durable whatever the server's settings, and no call that waits for ever."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import stamina
from nano_banana_edit import LedgerError
from nano_banana_edit.ledger import Ledger
from sqlalchemy import Engine, event
from sqlalchemy.exc import TimeoutError as NoConnection

from .. import promises
from ..database import Server
from .conftest import claimed
from .test_database import on_checkout


def run(url: str, *statements: str) -> None:
    """Run SQL that no transaction may have around it."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def name(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


@promises.ON_DISK_FIRST
def test_a_crash_of_a_database_that_is_not_durable(postgresql: str, postgresql_server: Server) -> None:
    """A claim outlives a crash of the server, also in a database whose commits do not wait for the disk."""
    Ledger(postgresql).close()
    run(
        postgresql,
        f"ALTER DATABASE {name(postgresql)} SET synchronous_commit = off",
        "ALTER SYSTEM SET wal_writer_delay = '10s'",
        "SELECT pg_reload_conf()",
    )
    try:
        with Ledger(postgresql) as ledger:
            claimed(ledger)
            postgresql_server.restart("immediate")
            assert "sending" == ledger.get("k").state
    finally:
        run(postgresql, "ALTER SYSTEM RESET wal_writer_delay", "SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("before", "after"),
    [("off", "on"), ("local", "on"), ("on", "on"), ("remote_write", "remote_write"), ("remote_apply", "remote_apply")],
)
def test_settings(postgresql: str, before: str, after: str) -> None:
    """Each connection is durable, or more than that if the database says so, and no statement takes for ever."""
    run(postgresql, f"ALTER DATABASE {name(postgresql)} SET synchronous_commit = {before}")
    seen: set[tuple[str, ...]] = set()

    def look(connection: Any) -> None:
        names = ("synchronous_commit", "statement_timeout", "idle_in_transaction_session_timeout")
        seen.add(tuple(connection.execute(f"SHOW {name}").fetchone()[0] for name in names))

    with on_checkout(look), Ledger(postgresql) as ledger:
        claimed(ledger)
        assert ledger.sent("k", "host/7/other", "t-1")
    assert {(after, "1min", "1min")} == seen


def test_a_row_that_somebody_keeps_locked(postgresql: str) -> None:
    """A change that waits for too long is an error; a time that the URL sets stays."""
    with (
        Ledger(f"{postgresql}&options=-cstatement_timeout%3D100") as ledger,
        psycopg.connect(postgresql) as connection,
        stamina.set_testing(True, attempts=2),
    ):
        claimed(ledger)
        connection.execute("UPDATE nano_banana_edit_edits SET updated = 0")
        with pytest.raises(LedgerError, match="canceling statement due to statement timeout"):
            ledger.sent("k", "host/7/other", "t-1")
        connection.rollback()
        assert ledger.sent("k", "host/7/other", "t-1")


def test_a_server_that_stops_answering() -> None:
    """A connection that is dead is noticed within half a minute, unless the URL asks for something else."""
    seen: list[dict[str, Any]] = []

    def look(_: object, __: object, ___: object, arguments: dict[str, Any]) -> None:
        seen.append(arguments)

    event.listen(Engine, "do_connect", look)
    try:
        for query in ("", "?connect_timeout=3&keepalives_idle=60"):
            with pytest.raises(LedgerError):
                Ledger(f"postgresql://u@127.0.0.1:1/x{query}")
    finally:
        event.remove(Engine, "do_connect", look)
    times = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    assert [10, 15, 5, 3, 30_000] == [seen[0].get(name) for name in times]
    assert [3, 60, 5, 3, 30_000] == [int(seen[1].get(name, 0)) for name in times]


def test_no_free_connection(postgresql: str) -> None:
    """A call that finds all connections in use tries again, for reading and for writing."""
    failures = [NoConnection("QueuePool limit")] * 2

    def fail(_: object) -> None:
        if failures:
            raise failures.pop()

    with Ledger(postgresql) as ledger, on_checkout(fail):
        claimed(ledger)
        failures.append(NoConnection("QueuePool limit"))
        assert "sending" == ledger.get("k").state
    assert not failures
