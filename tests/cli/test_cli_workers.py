"""The command that hands out a batch: what is billed is said before, and errors name its own options."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from nano_banana_edit.batch import enqueue
from nano_banana_edit.ledger import Ledger

from ..batch.working import keys
from .running import run
from .test_cli_batch import URL, rows

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", postgresql)
    rows(3)


def handed_out(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        chunks = connection.execute("SELECT args FROM procrastinate_jobs ORDER BY id").fetchall()
    return sorted(key for [chunk] in chunks for key in chunk["keys"])


def jobs(database: str) -> dict[str, Any]:
    with Ledger(database) as ledger:
        return {row.key: row.job for row in ledger.rows()}


def fail(database: str, key: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE nano_banana_edit_edits SET state = 'failed' WHERE key = %s", [key])


def test_options(postgresql: str) -> None:
    """They are those of `run`, and hold for the rows that have none of their own."""
    Path("edits.csv").write_text(f"sku,image\n17,{URL}\n", "utf-8")
    templates = ["--prompt", "Put {sku} on ice", "--key", "k-{sku}", "--file-name", "{sku}/a"]
    result = run("batch", "enqueue", "edits.csv", "--batch", "ice", *templates, "--size", "16:9", "--format", "jpeg")
    assert (0, "1 edit is to be submitted, and billed.\n") == (result.exit_code, result.stderr)
    job = jobs(postgresql)["k-17"]
    assert ("Put 17 on ice", "17/a") == (job["prompt"], job["output"])
    assert {"image_size": "16:9", "output_format": "jpeg"} == job["options"]


def test_a_folder(postgresql: str, tmp_path: Path) -> None:
    """The folder that the command runs in may be the source, if the batch has a name."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = run("batch", "enqueue", ".", "--batch", "photos", "--prompt", "snow", "--key", "{name}")
    assert (0, ["a"]) == (result.exit_code, handed_out(postgresql)), result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("edits.jsonl", "--size", "9:9"), "Error: --size is '9:9'; it must be one of "),
        (("edits.jsonl", "--format", "x"), "Error: --format is 'x'; it must be one of "),
        (("edits.jsonl", "--file-name", "{"), "Error: --file-name '{' is no template; name a column "),
        (("edits.jsonl", "--prompt", "{}"), "Error: --prompt '{}' is no template; name a column in "),
        (("edits.jsonl", "--batch", ""), "Error: --batch is ''; it must be 1 to 100 printable "),
        (("edits.txt",), "Error: SOURCE is 'edits.txt'; it must be a folder, or a file that ends in "),
        (("edits.jsonl", "--database", "edits.db"), "Error: Workers need a ledger in PostgreSQL; "),
        (("--database", "sqlite:///edits.db"), "Error: Workers need a ledger in PostgreSQL; "),
    ],
)
def test_bad_input(postgresql: str, arguments: tuple[str, ...], message: str) -> None:
    """What is wrong is told in one line, in the words of the command; nothing is added, or made."""
    result = run("batch", "enqueue", *arguments)
    assert (2, "", message) == (result.exit_code, result.stdout, result.stderr[: len(message)])
    assert {} == jobs(postgresql)
    assert not Path("edits.db").exists()


def test_failed_rows(postgresql: str) -> None:
    """With --retry-failed they are handed out once more, as new ones: chunks that come twice retry nothing twice."""
    run("batch", "enqueue", "edits.jsonl")
    fail(postgresql, "k1")
    result = run("batch", "enqueue", "edits.jsonl")
    assert ("2 edits are to be submitted, and billed.\n", ["k0", "k2"]) == (result.stderr, handed_out(postgresql))
    result = run("batch", "enqueue", "edits.jsonl", "--retry-failed")
    assert ("3 edits are to be submitted, and billed.\n", ["k0", "k1", "k2"]) == (result.stderr, handed_out(postgresql))
    assert "3 new; 0 billed\n" == run("batch", "status").stdout
    fail(postgresql, "k2")
    assert (2, 3) == (enqueue(postgresql), enqueue(postgresql, retry_failed=True))


def test_rows_that_the_source_does_not_have_any_more(postgresql: str) -> None:
    """They are not handed out, or billed, unless no source is given."""
    run("batch", "enqueue", rows(3))
    result = run("batch", "enqueue", rows(1))
    assert ("1 edit is to be submitted, and billed.\n", ["k0"]) == (result.stderr, handed_out(postgresql))
    assert "1 rows are handed out to the workers.\n" == result.stdout
    with Ledger(postgresql) as ledger:
        ledger.add("edits", {key: json.loads('{"images": [], "prompt": "p"}') for key in keys(1)})
    assert "4 rows are handed out to the workers.\n" == run("batch", "enqueue", "--batch", "edits").stdout
