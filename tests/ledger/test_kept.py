"""What a ledger keeps: any key, text and job, in order and in pages, and uploads until they expire."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from nano_banana_edit import InvalidRequest
from nano_banana_edit.ledger import Ledger
from sqlalchemy import create_engine, make_url

from .conftest import DIGEST, claimed, execute

KEYS = [
    "a",
    "A",
    "a ",
    " a",
    "é",
    "e\u0301",
    "Z",
    "_",
    "%",
    "'",
    '"',
    "a-b",
    "ab",
    "a b",
    "\\",
    "🍌" * 500,
    "x" * 500,
    "ß",
    "ss",
]


def test_keys(ledger: Ledger) -> None:
    """Each key is itself alone, on both databases, and all come in the order of their bytes."""
    for key in KEYS:
        assert 1 == claimed(ledger, key, f"o/1/{key}"[:99]).attempt
    assert sorted(KEYS, key=str.encode) == [row.key for row in ledger.rows()]
    for key in KEYS:
        assert ledger.sent(key, f"o/1/{key}"[:99], f"t-{key}")
        assert f"t-{key}" == ledger.get(key).task_id


def test_order_of_keys(postgresql: str) -> None:
    """Keys come in the order of their bytes also in a database whose texts come in that of a dictionary."""
    url = make_url(postgresql).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE dictionary TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C'"
        )
        with Ledger(url.set(database="dictionary").render_as_string()) as ledger:
            ledger.add("b", {key: {} for key in KEYS})
            assert sorted(KEYS, key=str.encode) == [row.key for row in ledger.rows()]
        connection.exec_driver_sql("DROP DATABASE dictionary")
    engine.dispose()


def test_pages(ledger: Ledger) -> None:
    """Rows come in pages, each once, of one state and batch or of all; counts agree."""
    keys = [f"{number:04}" for number in range(2300)]
    assert [] == ledger.add("one", {key: {"line": int(key)} for key in keys})
    assert [] == ledger.add("two", {"x": {}})
    assert [] == ledger.add("two", {})
    assert [*keys, "x"] == [row.key for row in ledger.rows()]
    assert keys == [row.key for row in ledger.rows("new", batch="one")]
    assert {"new": 2300} == ledger.counts(batch="one")
    assert {"new": 2301} == ledger.counts()
    assert [] == [*ledger.rows("unknown", batch="one")] == [*ledger.rows(batch="three")]
    with pytest.raises(InvalidRequest, match="state is 'lost'; it must be one of new, sending"):
        next(ledger.rows("lost"))  # type: ignore[arg-type]


def test_jobs(ledger: Ledger) -> None:
    """Jobs of a batch are added once; those that are there already are returned, and stay as they are."""
    ledger.add("one", {"a": {"line": 1}})
    claimed(ledger, "a")
    found = ledger.add("two", {"a": {"line": 7}, "b": {"line": 2}})
    assert [("a", "one", {"line": 1}, "sending", 1)] == [
        (row.key, row.batch, row.job, row.state, row.attempt) for row in found
    ]
    assert ("b", "two", "", None) == ((row := ledger.get("b")).key, row.batch, row.digest, row.request)
    longest = "".join(map(chr, range(0x1F300, 0x1F300 + 500)))
    ledger.add(longest[:100], {longest: {}})
    for batch in ("", longest[:101]):
        with pytest.raises(InvalidRequest, match=r"batch is .* 1 to 100 printable"):
            ledger.add(batch, {"c": {}})


TEXTS = ["", "nul \0 in it", "lone \ud800", "🍌 'quoted' \"twice\" %s :name", "x" * 5_000]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts(ledger: Ledger, text: str) -> None:
    """Whatever text a prompt, an outcome or a job has, it comes back as it was."""
    ledger.add("b", {"k": {"text": text}})
    assert {"prompt": text} == ledger.claim("k", "o", DIGEST, {"prompt": text}).request
    assert ledger.sent("k", "o", "t")
    assert ledger.finished("t", "failed", {"error_msg": text})
    assert ({"text": text}, {"error_msg": text}) == ((row := ledger.get("k")).job, row.outcome)


def test_long_ids(ledger: Ledger) -> None:
    """The longest id that a task may have is kept."""
    longest = "".join(chr(0x4E00 + number) for number in range(1000))
    claimed(ledger, "k", "o")
    assert ledger.sent("k", "o", longest)
    assert ledger.finished(longest, "completed", {})


def test_uploads(ledger: Ledger, database: str) -> None:
    """An upload is remembered until shortly before it expires; the newest counts."""
    now = dt.datetime.now().timestamp()
    assert ledger.uploaded(DIGEST, 0) is None
    ledger.remember(DIGEST, "https://a.example/1", now + 1000)
    assert "https://a.example/1" == ledger.uploaded(DIGEST, 900)
    assert ledger.uploaded(DIGEST, 1100) is None
    ledger.remember(DIGEST, "https://a.example/2", now + 2000)
    assert "https://a.example/2" == ledger.uploaded(DIGEST, 1100)
    assert 1 == execute(database, "UPDATE nano_banana_edit_uploads SET expires = 1")
    assert ledger.uploaded(DIGEST, 0) is None


def test_lease_of(tmp_path: Path) -> None:
    """A lease is a number of seconds above 0, or a timedelta."""
    path = tmp_path / "ledger.db"
    with Ledger(path, lease=dt.timedelta(minutes=1)) as ledger:
        assert (60.0, f"<Ledger {str(path)!r}>", str(path)) == (ledger.lease, repr(ledger), str(ledger))
    for lease in (0, -1, "x", None, float("nan")):
        with pytest.raises(InvalidRequest, match="lease"):
            Ledger(path, lease=lease)


def test_jobs_come_back_as_they_were_added(ledger: Ledger) -> None:
    """Whatever JSON can say is kept, also what PostgreSQL has no text for, and keys with signs of JSON and SQL."""
    job = {"text": "\0 \ud800 ü \U0001f600 \\ \" ' \n", "numbers": [1, 1.0, 2**70, 1e300], "none": None, "is": True}
    jobs = {"k": job, "\"'[0]$%:x\\": {"nested": job}, "ü \U0001f600": {}}
    assert ledger.add("b", jobs) == []
    assert {row.key: row.job for row in ledger.rows()} == jobs
    assert {row.key for row in ledger.add("b", {**jobs, "new": {}})} == jobs.keys()
