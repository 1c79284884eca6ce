"""The databases that tests get: on each test a new one, of a server that can be stopped."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from tests.database import Server


def engine_of(database: str) -> Engine:
    location = make_url(database).set(drivername="postgresql+psycopg") if "://" in database else f"sqlite:///{database}"
    return create_engine(location)


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_gets_an_empty_database(database: str, time: str):
    """What one test writes to a database, the next does not find."""
    engine = engine_of(database)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE edits (key TEXT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO edits VALUES (:key)"), {"key": "order-1841"})
    engine.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT key FROM edits")).scalar_one() == "order-1841"
    engine.dispose()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_restarted(postgresql: str, postgresql_server: Server, mode: str):
    """A restart ends open connections and keeps what was committed, even if the server crashes."""
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE TABLE edits AS SELECT 'order-1841' AS key")
        postgresql_server.restart(mode)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with psycopg.connect(postgresql) as connection:
        assert connection.execute("SELECT key FROM edits").fetchone() == ("order-1841",)


def test_stopped(postgresql: str, postgresql_server: Server):
    """A stopped server refuses connections; the next test finds it running."""
    postgresql_server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgresql)


def test_a_killed_run_leaves_no_server(postgresql_server: Server):
    """Server and folder go with the process that started them, even if it is killed."""
    script = f"""if True:
        import os, pathlib, signal
        from tests.database import Server
        print(Server(pathlib.Path({str(postgresql_server.binaries)!r})).folder, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr
    folder = Path(run.stdout.strip())
    assert (run.returncode, folder.parent, folder.exists()) == (-9, postgresql_server.folder.parent, False)
