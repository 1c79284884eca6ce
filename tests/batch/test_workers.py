"""Workers on many machines: whatever dies or is handed out twice, each edit is paid once and none is forgotten."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from nano_banana_edit import AuthenticationError, InvalidRequest, LedgerError, batch
from nano_banana_edit.batch import Limits, Outcome, enqueue, run_worker
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockServer, MockService, Reply

from ..cli.running import run
from ..database import Server
from .working import URL, add, age, client, keys, queued, started, states, stopped_late, submissions, wait_until, work

pytestmark = pytest.mark.server


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockService(polls=0)) as server:
        yield server


def test_two_batches_are_edited(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """Workers edit every row that is handed out, several chunks at a time, and touch no job of other applications."""
    add(postgresql, keys(7))
    add(postgresql, ["other"], batch="others")
    assert enqueue(postgresql, chunk=2) == 8
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, priority) VALUES ('theirs', 'their.task', 9)"
        )
    assert enqueue(postgresql, chunk=2) == 8
    outcomes = work(postgresql, tmp_path, server, concurrency=2)
    assert {*keys(7), "other"} == {outcome.key for outcome in outcomes}
    assert {"saved": 8} == states(postgresql)
    assert {f"{key}.png" for key in [*keys(7), "other"]} == {file.name for file in tmp_path.iterdir()}
    with psycopg.connect(postgresql) as connection:
        [theirs] = connection.execute("SELECT status FROM procrastinate_jobs WHERE queue_name = 'theirs'").fetchall()
    assert theirs == ("todo",)


def test_enqueue_again(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """What waits is replaced, not added to, so that `enqueue` may run every minute; other batches stay."""
    add(postgresql, keys(5))
    add(postgresql, ["other"], batch="others")
    enqueue(postgresql, batch="others")
    for _ in range(3):
        assert enqueue(postgresql, batch="photos", chunk=5) == 5
    assert {"todo": 2} == queued(postgresql)
    work(postgresql, tmp_path, server)
    assert enqueue(postgresql) == 0
    assert set(submissions(server.service).values()) == {1}


def test_handed_out_twice(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """A chunk that two workers get is submitted and saved once."""
    add(postgresql, keys(6))
    enqueue(postgresql)
    with psycopg.connect(postgresql) as connection:
        connection.execute("INSERT INTO procrastinate_jobs (queue_name, task_name, args) "
                           "SELECT queue_name, task_name, args FROM procrastinate_jobs")  # fmt: skip
    work(postgresql, tmp_path, server, concurrency=2)
    assert dict.fromkeys(keys(6), 1) == submissions(server.service)


@pytest.mark.parametrize("by_hand", [False, True])
def test_killed_in_the_middle(postgresql: str, tmp_path: Path, server: MockServer, by_hand: bool) -> None:
    """Of a killed worker others take over every row; what it was submitting becomes unknown, and is not sent again."""
    add(postgresql, keys(40))
    enqueue(postgresql, chunk=20)
    server.service.on("createEdit", Fault.SILENCE, nth=11, times=3)
    command = ["batch", "worker", "--database", postgresql, "-o", tmp_path / "out", "--in-flight", 3]
    with started(command, server), started(command, server):
        wait_until(lambda: len(server.service.edits) >= 13)
    assert 0 < states(postgresql)["sending"] <= 6
    age(postgresql)
    if by_hand:
        enqueue(postgresql)
    server.service.script([])
    work(postgresql, tmp_path / "out", server)
    found = states(postgresql)
    assert found["saved"] + found["unknown"] == 40
    assert 0 < found["unknown"] <= 6
    assert max(submissions(server.service).values()) == 1
    # A worker that is killed while it writes leaves the part of a file.
    assert found["saved"] == len([*(tmp_path / "out").glob("*.png")])


def test_stopped_by_sigterm(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """SIGTERM lets the submissions in flight end, and gives the rest to the other workers: nothing is unknown."""
    add(postgresql, keys(30))
    enqueue(postgresql)
    server.service.on("getTask", Reply.unavailable(), times=None)
    command = ["batch", "worker", "--database", postgresql, "-o", tmp_path, "--in-flight", 2, "--per-minute", 600]
    with started(command, server) as process:
        wait_until(lambda: len(server.service.edits) >= 3)
        process.send_signal(signal.SIGTERM)
        assert ("", "", 0) == (*process.communicate(timeout=60), process.returncode)
    found = states(postgresql)
    assert {"new", "sent"} == found.keys()
    assert found["sent"] == len(server.service.edits)
    assert {"todo": 1} == queued(postgresql)


def test_database_restarts(postgresql_server: Server, postgresql: str, tmp_path: Path) -> None:
    """A worker goes on after its database was restarted in the middle."""
    add(postgresql, keys(30))
    enqueue(postgresql)
    command = ["batch", "worker", "--database", postgresql, "-o", tmp_path, "--in-flight", 2]
    with MockServer(MockService(seconds=1.5)) as server, started(command, server) as process:
        wait_until(lambda: len(server.service.edits) >= 10)
        postgresql_server.restart()
        wait_until(lambda: not queued(postgresql) or process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        assert ("30 saved\n", 0) == (process.communicate(timeout=60)[0], process.returncode)
    assert set(submissions(server.service).values()) == {1}


def test_refused_token(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """A worker whose token is refused stops, and its chunk goes back to the others."""
    add(postgresql, keys(3))
    enqueue(postgresql)
    server.service.on("createEdit", Reply(401, body={"message": "who?"}), times=None)
    with stopped_late(), pytest.raises(AuthenticationError):
        run_worker(postgresql, tmp_path, client=client(server), limits=Limits(in_flight=1))
    assert {"todo": 1} == queued(postgresql)
    assert not server.service.edits


def test_whatever_fails_stops_a_worker(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """A worker whose chunk fails in a way that nobody foresaw stops, and the chunk goes back to the others."""
    add(postgresql, keys(4))
    enqueue(postgresql, chunk=1)

    def broken(outcomes: list[Outcome]) -> None:
        raise ZeroDivisionError

    with stopped_late(), pytest.raises(ZeroDivisionError):
        run_worker(postgresql, tmp_path, client=client(server), on_outcomes=broken)
    assert {"todo": 4} == queued(postgresql)
    assert {"new": 3, "saved": 1} == states(postgresql)


def test_photo_that_is_not_on_this_machine(postgresql: str, tmp_path: Path, server: MockServer) -> None:
    """A row whose file is not there has an error of its own; nothing is sent for it, and the others are edited."""
    add(postgresql, ["missing"], image="/nowhere/photo.png")
    add(postgresql, ["there"])
    enqueue(postgresql)
    outcomes = {outcome.key: outcome for outcome in work(postgresql, tmp_path, server)}
    assert outcomes["missing"].state == "new"
    assert isinstance(outcomes["missing"].error, InvalidRequest)
    assert "/nowhere/photo.png" in str(outcomes["missing"].error)
    assert {"there": 1} == submissions(server.service)


def test_results_in_a_file_system(postgresql: str, server: MockServer) -> None:
    """Results may go to any file system of fsspec."""
    import fsspec

    add(postgresql, keys(2))
    enqueue(postgresql)
    work(postgresql, "memory://workers/out", server)
    assert {f"{key}.png" for key in keys(2)} == {
        name.rpartition("/")[2] for name in fsspec.filesystem("memory").ls("/workers/out", detail=False)
    }


@pytest.mark.parametrize(("name", "use"), [
    ("chunk", lambda database, output, value: enqueue(database, chunk=value)),
    ("concurrency", lambda database, output, value: run_worker(database, output, concurrency=value)),
])  # fmt: skip
@pytest.mark.parametrize("value", [0, True, "1", 1.5])
def test_numbers(tmp_path: Path, name: str, use: Any, value: Any) -> None:
    """A number that cannot be used is refused before anything is opened."""
    with pytest.raises(InvalidRequest, match=f"^{name} .*at least 1"):
        use(str(tmp_path / "edits.db"), tmp_path, value)
    assert not (tmp_path / "edits.db").exists()


@pytest.mark.parametrize("database", ["edits.db", "sqlite:///edits.db"])
def test_sqlite(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger in a file is refused, with the remedy."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidRequest, match="Workers need a ledger in PostgreSQL"):
        enqueue(database)


def test_database_that_cannot_be_used(postgresql: str) -> None:
    """A role that may not make the tables of the queue gets an error that says so, without its password."""
    with Ledger(postgresql), psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'secret'")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    try:
        with pytest.raises(LedgerError, match="permission denied") as caught:
            enqueue(postgresql.replace("postgres@", "reader:secret@"))
        assert "secret" not in str(caught.value)
    finally:
        with psycopg.connect(postgresql, autocommit=True) as connection:
            connection.execute("DROP OWNED BY reader")
            connection.execute("DROP ROLE reader")


def test_tables_made_by_another_process(postgresql: str) -> None:
    """Two processes that open a new database at the same time both can use it."""
    from concurrent.futures import ThreadPoolExecutor

    add(postgresql, keys(1))
    with ThreadPoolExecutor(8) as pool:
        assert [1] * 8 == [*pool.map(lambda _: enqueue(postgresql), range(8))]


def test_commands(postgresql: str, tmp_path: Path, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`enqueue` says what will be billed, and `worker` in one line why it ends."""
    source = tmp_path / "photos.jsonl"
    source.write_text("".join(f'{{"key": "{key}", "image": "{URL}", "prompt": "snow"}}\n' for key in keys(2)))
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", postgresql)
    monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
    monkeypatch.setenv("SINANCODE_API_KEY", "any")
    result = run("batch", "enqueue", source)
    assert ("2 edits are to be submitted, and billed.\n", 0) == (result.stderr, result.exit_code)
    assert result.stdout == "2 rows are handed out to the workers.\n"
    assert run("batch", "enqueue", "--batch", "photos").stdout == "2 rows are handed out to the workers.\n"
    server.service.on("createEdit", Reply(401, body={"message": "who?"}), times=None)
    result = run("batch", "worker", "-o", tmp_path / "out")
    assert (result.exit_code, result.stdout, [*(tmp_path / "out").iterdir()]) == (3, "", [])
    add(postgresql, ["missing"], image="/nowhere/photo.png")
    add(postgresql, ["refused"])
    enqueue(postgresql, chunk=1)
    server.service.reset()
    server.service.on("createEdit", Reply(401, body={"message": "who?"}), nth=3, times=None)
    result = run("batch", "worker", "-o", tmp_path / "out")
    assert (result.exit_code, sorted(result.stdout.splitlines())) == (3, ["1 new", "1 saved", "1 saved"])
    assert "missing: " in result.stderr
    result = run("batch", "worker", "-o", tmp_path / "out", "--concurrency", 0)
    assert (result.exit_code, result.stderr.split()[:2]) == (2, ["Error:", "--concurrency"])


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without procrastinate the error names the extra, and the rest of `batch` works."""
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    monkeypatch.delitem(sys.modules, "nano_banana_edit.batch._workers", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"Workers need procrastinate: pip .*\[workers\]"):
        getattr(batch, "enqueue")  # noqa: B009 - is loaded now
    result = run("batch", "enqueue", "--database", "postgresql://nowhere/edits")
    assert (result.exit_code, result.stderr[:27]) == (2, "Error: Workers need procras")
    assert not hasattr(batch, "workers")
