"""What is done to the database of a ledger from outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

_EXPIRE = text("UPDATE nano_banana_edit_edits SET lease = 0 WHERE state = 'sending' AND owner LIKE :owner")


def expire(location: str, process: int | None = None, patience: float = 30.0) -> None:
    """Let the leases of a process run out, or all of them, as if their time had passed.

    Raises:
        DBAPIError: The database cannot be changed for some seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with _connected(location, patience) as connection:
                if inspect(connection).has_table("nano_banana_edit_edits"):  # else it ended before it made any
                    connection.execute(_EXPIRE, {"owner": f"%/{process}/%" if process else "%"})
                return
        except DBAPIError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)


def hold(location: str, seconds: float) -> None:
    """Hold the lock of an SQLite file, as another program may."""
    with _connected(location, 30) as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        time.sleep(seconds)


@contextmanager
def _connected(location: str, patience: float) -> Iterator[Connection]:
    is_file = "://" not in location
    url = f"sqlite:///{location}" if is_file else location.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, connect_args={"timeout": patience} if is_file else {})
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
