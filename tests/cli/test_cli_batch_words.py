"""What the commands of batches and keys say when something is wrong: one line, in the words of a shell."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import Fault, MockService, Outcome

from .running import PHOTO, run
from .test_cli import PYTHON
from .test_cli_batch import URL, batch, rows

LEDGER = ("--ledger", "edits.db")


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a ledger that has an unknown and a new row, and files that are no ledger."""
    monkeypatch.chdir(tmp_path)
    with Ledger("edits.db") as ledger:
        ledger.add("edits", {"new": {}, "lost": {}})
        ledger.claim("lost", "host/1/random", "digest", {})
        ledger.released("lost", "host/1/random", "unknown")
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE things (name)")
    Path("newer.db").write_bytes(Path("edits.db").read_bytes())
    with closing(sqlite3.connect("newer.db")) as newer, newer:
        newer.execute("UPDATE nano_banana_edit_ledger SET version = 99")
    Path("damaged.db").write_bytes(b"SQLite format 3\0" + bytes(5_000))
    Path("note.txt").write_text("words", "utf-8")
    rows(2)
    Path("empty").mkdir()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("edits.txt", "-o", "out"), 2, "Error: SOURCE is 'edits.txt'; it must be a folder, or a file that ends in "),
        (("edits.jsonl", "-o", "note.txt"), 2, "Error: --output 'note.txt' cannot be written to ("),
        (("edits.jsonl", "-o", ""), 2, "Error: --output is empty; name a folder."),
        (("edits.jsonl", "-o", "memory://out"), 2, "Error: Name the ledger: use --ledger, or set the environment "),
        (("edits.jsonl", "-o", "out", "--in-flight", "0"), 2, "Error: --in-flight is 0; it must be a whole number"),
        (("edits.jsonl", "-o", "out", "--per-second", "0"), 2, "Error: --per-second is 0.0; it must be a number above"),
        (("edits.jsonl", "-o", "out", "--max-edits", "0"), 2, "Error: --max-edits is 0; it must be a whole number"),
        (("edits.jsonl", "-o", "out", "--batch", ""), 2, "Error: --batch is ''; it must be 1 to 100 printable "),
        (("edits.jsonl", "-o", "out", "--size", "9:9"), 2, "Error: --size is '9:9'; it must be one of "),
        (("edits.jsonl", "-o", "out", "--file-name", "{"), 2, "Error: --file-name '{' is no template; name a column "),
        (("edits.jsonl", "-o", "out", "--prompt", "{}"), 2, "Error: --prompt '{}' is no template; name a column in "),
        (("edits.jsonl", "-o", "out", "--key", "a}"), 2, "Error: --key 'a}' is no template; name a column in each "),
        (("no.csv", "-o", "out"), 2, "/no.csv' cannot be read (No such file or directory); check the path."),
        (("empty", "-o", "out"), 2, "/empty' has no image files."),
        (("empty", "-o", "empty/../empty"), 2, "Error: --output is 'empty/../empty'; it must be another folder than "),
        (("edits.jsonl", "-o", "out", "--ledger", "other.db"), 2, "is a database of something else."),
        (("edits.jsonl", "-o", "out", "--ledger", "newer.db"), 2, "Upgrade nano-banana-edit."),
        (("edits.jsonl", "-o", "out", "--ledger", "damaged.db"), 2, "damaged.db' cannot be used (file is not a "),
        (
            ("edits.jsonl", "-o", "out", "--ledger", "no/such/folder.db"),
            2,
            "folder.db' cannot be used (create the folder ",
        ),
        (("edits.jsonl", "-o", "out", "--ledger", "mysql://host/name"), 2, "Error: The ledger "),
        (("status",), 2, "Error: Name the ledger: use --ledger, or set the environment variable "),
        (("status", "--ledger", "typo.db"), 2, "Error: --ledger typo.db does not exist; check the path."),
        (
            ("report", "-o", "report.txt", *LEDGER),
            2,
            "Error: --output is 'report.txt'; it must be a file that ends in .jsonl, .csv, .html.",
        ),
        (
            ("report", "-o", "no/report.csv", *LEDGER),
            2,
            "Error: --output 'no/report.csv' is in a folder that does not ",
        ),
        (("resolve", "--resend", *LEDGER), 2, "Error: Name the KEY of the row."),
        (("resolve", "lost", *LEDGER), 2, "Error: Give exactly one of --task-id, --resend and --cancel."),
        (("resolve", "lost", "--resend", "--cancel", *LEDGER), 2, "Give exactly one of --task-id, --resend and "),
        (
            ("resolve", "new", "--task-id", "t", *LEDGER),
            2,
            "Error: The key 'new' is new. Only a row that is ",
        ),
        (("resolve", "none", "--cancel", *LEDGER), 2, "Error: The key 'none' is not in the ledger."),
    ],
)
def test_bad_input(service: MockService, arguments: tuple[str, ...], status: int, message: str) -> None:
    """What is wrong is told in one line with a documented exit status; nothing is sent, and no ledger is made."""
    result = run("batch", *arguments)
    line = result.stderr.splitlines()[-1]
    assert (status, True, "") == (result.exit_code, message in line, result.stdout), result.stderr
    assert not PYTHON.search(line)
    assert not Path("typo.db").exists()
    assert () == service.calls


def test_rows_that_cannot_be_used(service: MockService) -> None:
    """Each is a line of its own: the first with their number, twenty in all, in words that suit a file and a shell."""
    rows = "key,image,prompt\nk,no\x1b.png,p\n" + "k,https://h/,\n" * 29
    Path("edits.csv").write_text(rows, "utf-8")
    result = run("batch", "edits.csv", "-o", "out")
    first, *others = result.stderr.splitlines()
    assert first.startswith("Error: 30 rows cannot be used; nothing was sent. Line 2: image '")
    assert first.endswith("/no\\x1b.png' does not exist; check the path.")
    problem = "it has no prompt; add one, or a prompt for all rows."
    assert [f"Line {number}: {problem}" for number in range(3, 22)] == others
    assert (2, "", ()) == (result.exit_code, result.stdout, service.calls)
    assert not Path("out").exists()


@pytest.mark.parametrize("arguments", [("edits.jsonl",), ("resolve", "lost", "--nonsense"), ("run", "-o", "out")])
def test_usage(arguments: tuple[str, ...]) -> None:
    """A line that is not understood is exit status 2, with the usage."""
    result = run("batch", *arguments)
    assert (2, True) == (result.exit_code, "Usage" in result.stderr)


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help(arguments: tuple[str, ...]) -> None:
    """The help of batches shows the short form and the other commands."""
    text = run("batch", *arguments).output
    assert all(word in text for word in ("batch edits.jsonl -o out/", "run", "status", "report", "resolve"))


def test_missing_extra(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the error says what to install."""
    for name in [
        name for name in sys.modules if name.startswith(("nano_banana_edit.ledger", "nano_banana_edit.batch"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    expected = "Error: The ledger needs sqlalchemy: pip install 'nano-banana-edit[ledger]'.\n"
    for arguments in (("edits.jsonl", "-o", "out"), ("status", *LEDGER)):
        result = run("batch", *arguments)
        assert (2, expected) == (result.exit_code, result.stderr)


def test_list_of_unknown_rows() -> None:
    """The list has a line for each unknown row: its key, when, and by whom."""
    key, when, owner = run("batch", "resolve", *LEDGER).stdout.rstrip("\n").split("\t")
    assert ("lost", "host/1", "+00:00") == (key, owner, when[-6:])


def test_key_on_a_single_edit(service: MockService) -> None:
    """The same key again is the same edit, for `edit` and for `submit`."""
    edit = ("edit", URL, "p", "-o", "out.png", "--force", "--key", "order-1", *LEDGER)
    assert [0, 0] == [run(*edit).exit_code for _ in range(2)]
    assert (
        run("submit", URL, "p", "--format", "png", "--key", "order-1", *LEDGER).stdout
        == f"{service.edits[0].task_id}\n"
    )
    assert 1 == len(service.edits)


def test_words_of_keys(service: MockService) -> None:
    """What stands in the way of a key is told with the commands of a shell."""
    service.next(Fault.RESET_BEFORE)
    submit = ("submit", URL, "p", "--key", "k", *LEDGER)
    assert 4 == run(*submit).exit_code
    cases = [
        (submit, 4, "Look at the account, then run nano-banana-edit batch resolve."),
        (("submit", URL, "other", "--key", "k", *LEDGER), 2, "Error: --key 'k' belongs to another request: "),
        (
            ("submit", URL, "p", "--key", "", *LEDGER),
            2,
            "Error: --key is ''; it must be 1 to 500 printable characters.",
        ),
        (("submit", URL, "p", "--key", "k"), 2, "Error: Name the ledger: use --ledger, or set the environment "),
        (
            ("edit", URL, "p", "-o", "a.png", "--mock", "--key", "k", *LEDGER),
            2,
            "Error: --mock keeps no edits. Use --mock or ",
        ),
        (("submit", URL, "p", *LEDGER), 2, "Error: --ledger keeps edits that have a key. Add --key, or leave out "),
        (("submit", URL, "p", "--key", "k", "--ledger", "no/x.db"), 2, "x.db' cannot be used (create the folder "),
        (("batch", "resolve", "k", "--cancel", *LEDGER), 0, ""),
        (submit, 2, "use another key, or run nano-banana-edit batch resolve with --resend."),
    ]
    for arguments, status, message in cases:
        result = run(*arguments)
        assert (status, True) == (result.exit_code, message in result.stderr), result.stderr
        assert not PYTHON.search(result.stderr)
    assert 1 == len(service.edits)


def test_cancelled_row_keeps_its_word(service: MockService) -> None:
    """A row's own problem is told of its key, not of an option."""
    service.on("createEdit", Outcome(status="failed", error_msg="Not suitable"), times=None)
    assert 1 == batch(1).exit_code
    with Ledger("out/ledger.db") as ledger:
        ledger.resolve("k0", cancelled=True)
    assert (0, "0 submitted. In the ledger: 1 cancelled.\n") == ((done := batch(1)).exit_code, done.stdout)


@pytest.mark.server
def test_mock_keeps_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --mock everything is offline, and nothing that was made so is taken for an edit that is paid for."""
    for name in ("SINANCODE_FILES_URL", "SINANCODE_BASE_URL", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", "real.db")
    Path("edits.jsonl").write_text(f'{{"key": "photo", "image": "{PHOTO}", "prompt": "p"}}', "utf-8")
    result = run("batch", "edits.jsonl", "-o", "out", "--mock")
    assert (0, "1 submitted. In the ledger: 1 saved.\n") == (result.exit_code, result.stdout), result.stderr
    assert result.stderr.startswith("1 edit to submit, which is not billed; ")
    assert "\nWarning: out gets results of the mock. Remove them before you edit for real.\n" in result.stderr
    assert ["photo.png"] == [path.name for path in Path("out").iterdir()]
    assert not Path("real.db").exists()
    Path("out/ledger.db").write_bytes(Path("edits.db").read_bytes())
    refused = run("batch", "edits.jsonl", "-o", "out", "--mock")
    line = "Error: --output out has real results; use another folder with --mock.\n"
    assert (2, line) == (refused.exit_code, refused.stderr)


@pytest.mark.server
@pytest.mark.parametrize("by_environment", [True, False])
def test_no_password_is_shown(
    service: MockService, postgresql: str, monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    """The command that lists unknown rows has no password, and no ledger that the environment names."""
    service.on("createEdit", Fault.RESET_BEFORE, times=2)
    url = postgresql.replace("postgres@", "postgres:hunter2@")
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", url if by_environment else "edits.db")
    result = batch(2, *(() if by_environment else ("--ledger", url)))
    assert (4, False) == (result.exit_code, "hunter2" in result.output)
    ledger = "" if by_environment else f" --ledger '{postgresql.replace('postgres@', 'postgres:***@')}'"
    assert result.stderr.endswith(f"To list them: nano-banana-edit batch resolve{ledger}\n")
