"""What goes wrong with the database of a ledger: one clear error that names it, and nothing lost that was recorded."""

from __future__ import annotations

import importlib
import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import stamina
from nano_banana_edit import InvalidRequest, LedgerError, NanoBananaEdit
from nano_banana_edit.ledger import Ledger
from sqlalchemy import event
from sqlalchemy.pool import Pool

from .. import promises
from ..database import Server
from .conftest import claimed, execute, expire

HEAD = """
import os, sys
from nano_banana_edit.ledger import Ledger
def claimed(ledger, key="k"):
    return ledger.claim(key, "o", "d", {"text": "x" * 2000})
"""
SECRET = "pass-that-must-not-leak"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        (None, "ledger is None; it must be a path, or a URL"),
        (7, "ledger is 7"),
        ("", "is no SQLite file and no PostgreSQL database"),
        (":memory:", "is no SQLite file"),
        ("sqlite://", "is no SQLite file"),
        ("sqlite:///:memory:", "is no SQLite file"),
        ("sqlite:///file::memory:?uri=true", "is no SQLite file"),
        ("sqlite:///file:a?mode=memory&uri=true", "is no SQLite file"),
        (f"mysql://u:{SECRET}@127.0.0.1/x", "mysql://u:...@127.0.0.1/x is no SQLite file"),
        (f"nonsense://u:{SECRET}@127.0.0.1/x", "is no SQLite file"),
        (f"postgresql+asyncpg://u:{SECRET}@127.0.0.1/x", "can be used .ModuleNotFoundError.; pass a path, or a URL"),
        (f"postgresql+none://u:{SECRET}@127.0.0.1/x", "can be used .NoSuchModuleError.; pass a path, or a URL"),
        (f"postgresql://u:{SECRET}@127.0.0.1:port/x", "can be used .*; pass a path, or a URL"),
        (f"postgresql://u:{SECRET}@127.0.0.1", "is no SQLite file"),
    ],
)
def test_no_location(location: Any, why: str) -> None:
    """What names no file and no PostgreSQL database is refused, and its password is not shown."""
    with pytest.raises(InvalidRequest, match=why) as refused:
        Ledger(location)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs the extra names it: the module, a client with what seems a ledger, and a PostgreSQL URL."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    needs = "A ledger in PostgreSQL needs psycopg: pip install 'nano-banana-edit\\[ledger]'"
    with pytest.raises(InvalidRequest, match=needs) as refused:
        Ledger(f"postgresql://u:{SECRET}@127.0.0.1/x")
    assert SECRET not in "".join(traceback.format_exception(refused.value))
    for name in [name for name in sys.modules if name.startswith("nano_banana_edit.ledger")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    needs = "The ledger needs sqlalchemy: pip install 'nano-banana-edit\\[ledger]'"
    with pytest.raises(ModuleNotFoundError, match=needs):
        importlib.import_module("nano_banana_edit.ledger")
    with pytest.raises(InvalidRequest, match=needs):
        NanoBananaEdit(token="t", ledger=tmp_path)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a b.db", "what?.db", "100%.db", "#1.db", "ü.db"])
@pytest.mark.parametrize("kind", [str, Path, os.fsencode, lambda path: f"sqlite:///{path}"])
def test_names_of_files(tmp_path: Path, name: str, kind: Any) -> None:
    """Any name of a file is one, as text, as a path, as bytes of a path, and in a URL if that can hold it."""
    path = tmp_path / name
    if kind is os.fsencode:
        with pytest.raises(InvalidRequest, match="it must be a path"):
            Ledger(kind(path))
    elif kind in (str, Path) or not set("?#%") & set(name):
        with Ledger(kind(path)) as ledger:
            claimed(ledger)
        assert path.exists()


def broken(path: Path) -> None:
    path.write_bytes(b"no database at all " * 100)


def folder(path: Path) -> None:
    path.mkdir()


def damaged(path: Path) -> None:
    """Overwrite the pages of a ledger with rows, all but the first."""
    with Ledger(path) as ledger:
        ledger.add("b", {f"k{number}": {"text": "x" * 200} for number in range(100)})
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))


@pytest.mark.parametrize("make", [broken, folder, damaged])
def test_files_that_are_no_ledger(tmp_path: Path, make: Any) -> None:
    """A file that SQLite cannot read is named, with its reason."""
    path = tmp_path / "ledger.db"
    make(path)
    with pytest.raises(LedgerError, match=f"The ledger '{path}' cannot be used .*") as failed:
        claimed(Ledger(path))
    assert "sqlalche.me" not in str(failed.value)


def test_no_folder(tmp_path: Path) -> None:
    """A folder that does not exist is not made; the error names it."""
    folder = tmp_path / "none"
    with pytest.raises(LedgerError, match=f"cannot be used .create the folder '{folder}' first.\\."):
        Ledger(folder / "ledger.db")


def test_a_database_of_something_else(tmp_path: Path) -> None:
    """A database of another application is refused, and not touched."""
    path = tmp_path / "app.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users (name TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(InvalidRequest, match=f"The ledger '{path}' is a database of something else"):
        Ledger(path)
    assert before == path.read_bytes()
    assert [path] == [*tmp_path.iterdir()]


def test_beside_other_tables(postgresql: str) -> None:
    """In PostgreSQL a ledger may stand beside the tables of an application."""
    execute(postgresql, "CREATE TABLE users (name TEXT)")
    with Ledger(postgresql) as ledger:
        claimed(ledger)
    with Ledger(postgresql.replace("postgresql:", "postgres:")) as ledger:
        assert {"sending": 1} == ledger.counts()


def test_a_newer_version(database: str) -> None:
    """A ledger that a newer version of the package made is refused."""
    Ledger(database).close()
    execute(database, "UPDATE nano_banana_edit_ledger SET version = 2")
    with pytest.raises(InvalidRequest, match=r"has version \[2\]; this package reads \[1\]. Upgrade nano-banana-edit"):
        Ledger(database)


def run(code: str, *args: str, **how: Any) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, in which `Ledger` and `claimed` are known."""
    return subprocess.run(
        [sys.executable, "-c", HEAD + code, *args], capture_output=True, text=True, check=False, timeout=60, **how
    )


@promises.ON_DISK_FIRST
@promises.NONE_FORGOTTEN
def test_killed_while_sending(database: str) -> None:
    """A process that ends at once while its request is out leaves a row that is there, and says who sent it."""
    code = """
import httpx2
from nano_banana_edit import NanoBananaEdit
http = httpx2.Client(transport=httpx2.MockTransport(lambda request: os._exit(9)))
client = NanoBananaEdit(token="t", http_client=http, ledger=Ledger(sys.argv[1]))
client.submit("https://images.example.test/in.png", "p", key="k")
"""
    assert 9 == run(code, database).returncode
    with Ledger(database) as ledger:
        assert ("sending", 1) == ((row := ledger.get("k")).state, row.attempt)
        expire(database)
        assert "unknown" == ledger.get("k").state


@contextmanager
def on_checkout(look: Callable[[Any], object]) -> Iterator[None]:
    """Call a function with each connection that any ledger takes."""

    def listener(connection: Any, *_: object) -> None:
        look(connection)

    event.listen(Pool, "checkout", listener)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", listener)


@promises.ON_DISK_FIRST
def test_durable(tmp_path: Path) -> None:
    """Each connection to an SQLite file waits for the disk at each commit, and for others who write."""
    seen: list[tuple[int, ...]] = []

    def look(connection: Any) -> None:
        names = ("synchronous", "busy_timeout")
        seen.append(tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names))

    with on_checkout(look), Ledger(tmp_path / "ledger.db") as ledger:
        claimed(ledger)
    assert {(2, 30_000)} == {*seen}


def test_a_full_disk(tmp_path: Path) -> None:
    """When the disk is full the claim fails, what was recorded stays, and it goes on when there is room."""
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        claimed(ledger, "before", "o")
    code = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ledger = Ledger(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    for number in range(1000):
        claimed(ledger, f"k{number}")
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    claimed(ledger, "after")
    print(number)
"""
    done = run(code, str(path))
    assert f"LedgerError The ledger '{path}' cannot be used (" in done.stderr
    with Ledger(path) as ledger:
        keys = {"before", "after", *(f"k{number}" for number in range(int(done.stdout)))}
        assert keys == {row.key for row in ledger.rows()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_folder_that_is_read_only(tmp_path: Path) -> None:
    """A ledger in a folder that may not be written is not used."""
    for each in (tmp_path, *tmp_path.parents):
        if str(each).startswith("/tmp/"):
            each.chmod(0o755)
    Ledger(tmp_path / "ledger.db").close()
    code = """
from nano_banana_edit import NanoBananaEditError
claimed(Ledger(sys.argv[1] + "/ledger.db"))  # which loads what nobody else may read
os.setgid(65534), os.setuid(65534)
for name in ("ledger.db", "new.db"):
    try:
        claimed(Ledger(f"{sys.argv[1]}/{name}"))
    except NanoBananaEditError as error:
        print(error)
"""
    lines = run(code, str(tmp_path)).stdout.splitlines()
    assert [True] * 2 == ["cannot be used (" in line for line in lines]
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert {"sending": 1} == ledger.counts()


def test_locked(tmp_path: Path) -> None:
    """A ledger that another program keeps locked can be read, is waited for, and after some time is an error."""
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger, ThreadPoolExecutor(1) as threads:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        assert ledger.get("k") is None
        with (
            on_checkout(lambda each: each.execute("PRAGMA busy_timeout = 50")),
            pytest.raises(LedgerError, match="database is locked"),
        ):
            claimed(ledger)
        ledger.close()
        claim = threads.submit(claimed, ledger)
        with pytest.raises(TimeoutError):
            claim.result(0.3)
        connection.execute("ROLLBACK")
        connection.close()
        assert "sending" == claim.result(10).state


def hidden(error: BaseException, secret: str) -> bool:
    """Whether neither an error and its causes, nor the variables of their frames of other packages, show a secret."""
    links: list[BaseException] = [error]
    for link in links:
        links += [each for each in (link.__cause__, link.__context__) if each and each not in links]
    text = "".join(traceback.format_exception(error)) + repr(links)
    for link in links:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "site-packages" in frame.f_code.co_filename:
                text += repr(frame.f_locals)
    return secret not in text


@pytest.mark.server
@pytest.mark.parametrize("url", ["postgresql://u:{}@127.0.0.1:1/x", "postgresql://u@127.0.0.1:1/x?password={}"])
def test_no_server(url: str) -> None:
    """A server that is not there is named at once; the password is nowhere."""
    with pytest.raises(
        LedgerError, match=r"The ledger postgresql\+psycopg://u.*@127.0.0.1:1/x cannot be used"
    ) as failed:
        Ledger(url.format(SECRET))
    assert hidden(failed.value, SECRET)


def test_refused_by_the_server(postgresql: str) -> None:
    """A role that may not make tables, or does not exist, is an error that says so."""
    execute(postgresql, "CREATE ROLE reader LOGIN")
    try:
        reader = postgresql.replace("postgres@", f"reader:{SECRET}@")
        with pytest.raises(LedgerError, match="permission denied") as failed:
            Ledger(reader)
        assert hidden(failed.value, SECRET)
        with Ledger(postgresql) as ledger:
            claimed(ledger)
        with pytest.raises(LedgerError, match="permission denied"):
            Ledger(reader)
    finally:
        execute(postgresql, "DROP ROLE reader")
    with pytest.raises(LedgerError, match='role "reader" does not exist'):
        Ledger(reader)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart(postgresql: str, postgresql_server: Server, mode: str) -> None:
    """A server that restarted is found again, for what is read and for what is written."""
    with Ledger(postgresql) as ledger:
        claimed(ledger)
        postgresql_server.restart(mode)
        assert "sending" == ledger.get("k").state
        postgresql_server.restart(mode)
        assert ledger.sent("k", "host/7/other", "t-1")
        assert {"sent": 1} == ledger.counts()


def test_a_server_that_stays_away(postgresql: str, postgresql_server: Server) -> None:
    """After some time of waiting, a server that does not come back is an error; what was recorded is there later."""
    with Ledger(postgresql) as ledger:
        claimed(ledger)
        postgresql_server.stop()
        with stamina.set_testing(True, attempts=3):
            for call in (lambda: ledger.get("k"), lambda: claimed(ledger, "b")):
                with pytest.raises(LedgerError, match="cannot be used"):
                    call()
        with pytest.raises(LedgerError, match="cannot be used"):
            Ledger(postgresql)
        postgresql_server.start()
        assert {"sending": 1} == ledger.counts()


def test_text_that_no_database_takes(ledger: Ledger) -> None:
    """A URL that cannot be kept is an error of this package, on both databases alike."""
    with pytest.raises(LedgerError, match="surrogate"):
        ledger.remember("d", "https://a.example/\ud800", 1e12)


def test_closed_and_used(ledger: Ledger) -> None:
    """A ledger that was closed opens again when it is used, as a client that outlives it may be paying."""
    claimed(ledger)
    ledger.close()
    assert ledger.sent("k", "host/7/other", "t-1")


def test_who_opens_first(database: str) -> None:
    """Processes that open a new ledger at the same time all get it."""
    code = "ledger = Ledger(sys.argv[1]); print(claimed(ledger, sys.argv[2]).state)"
    processes = [
        subprocess.Popen([sys.executable, "-c", HEAD + code, database, str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    assert ["sending\n"] * 4 == [process.communicate()[0] for process in processes]
    with Ledger(database) as ledger:
        assert {"sending": 4} == ledger.counts()
