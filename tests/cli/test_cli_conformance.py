"""The command that compares a server with the document: a table or a report, and a documented exit status."""

from __future__ import annotations

import io
import json
import re
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from nano_banana_edit import cli
from nano_banana_edit_mock import MockService, Reply
from typer.testing import Result

from ..document import DOCUMENT
from ..test_public import ROOT
from .running import run


def conform(*arguments: object) -> Result:
    return run("conformance", "--base-url", "https://api.sinancode.com/v1", "--rate", "1e9", *arguments)


def test_conformance_of_a_server(service: MockService) -> None:
    """A server that does what the document says is found to, in a table, and no edit is made."""
    result = conform()
    assert result.exit_code == 0, result.stderr
    assert f"{len(service.calls)} requests to https://api.sinancode.com/v1: 0 of them are edits" in result.stderr
    assert "EditRequest.prompt.maxLength" in result.stdout
    assert f"0 different, {sum(bool(entry.violations) for entry in service.calls)} as documented." in result.stdout
    assert "not checked: no task is known to poll." in result.stdout
    assert "not checked: it is valid; only `--spend` sends it." in result.stdout
    assert () == service.edits


def test_conformance_reports(service: MockService, tmp_path: Path) -> None:
    """The whole run can be had as JSON and as a JUnit report, accepted requests included."""
    result = conform("--spend", "--json", "--junit", tmp_path / "report.xml")
    assert result.exit_code == 0, result.stderr
    assert f"{len(service.edits)} of them are edits to be accepted" in result.stderr
    rows = json.loads(result.stdout)
    assert f'tests="{len(rows)}" failures="0"' in (tmp_path / "report.xml").read_text()


@pytest.mark.parametrize(
    ("status", "code", "text"), [(500, 1, "different, 0 as documented"), (402, 3, "out of credit")]
)
def test_conformance_status(
    service: MockService, monkeypatch: pytest.MonkeyPatch, status: int, code: int, text: str
) -> None:
    """A difference is exit status 1, a run that had to stop is 3."""
    monkeypatch.setattr(service, "handle", lambda request: Reply(status).response())
    result = conform()
    assert code == result.exit_code
    assert text in result.stdout


@pytest.mark.server
def test_conformance_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot be reached is told in one line, without an empty table."""
    monkeypatch.setenv("SINANCODE_API_KEY", "any")
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = run("conformance", "--base-url", url)
    assert (3, "") == (result.exit_code, result.stdout)
    assert result.stderr.splitlines()[-1].startswith(f"Cannot reach {url}: there is no answer (ConnectError: ")


@pytest.mark.server
def test_conformance_of_the_mock() -> None:
    """With --mock it tests the embedded mock server, at once and without a token."""
    result = run("conformance", "--mock", "--spend", "-q")
    assert (0, "") == (result.exit_code, result.stderr)
    assert "0 different, " in result.stdout


def test_conformance_of_answers(service: MockService, tmp_path: Path) -> None:
    """A wrong answer and an undeclared property make a difference of a case, and stand in each report."""
    service.on(None, Reply(400, body={"message": 3, "detail": "x"}), times=None)
    result = conform("--html", str(tmp_path / "report.html"), "--junit", str(tmp_path / "report.xml"))
    assert 1 == result.exit_code
    assert re.search(r"^\d+ answers: message is 3; it must be a string\.$", result.stdout, re.MULTILINE)
    assert re.search(r"^\d+ answers: detail is not in the document\.$", result.stdout, re.MULTILINE)
    for name in ("report.html", "report.xml"):
        assert "message is 3; it must be a string" in (tmp_path / name).read_text()


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """The tape that is shipped, with a wrong answer to its edit."""
    folder = tmp_path / "tape"
    shutil.copytree(ROOT / "examples/tape", folder)
    file = folder / "0002-createEdit.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"status": 404, "answer": {"json": {"message": 3}}}))
    return folder


def test_conformance_of_a_tape(tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --from the answers on a tape are checked, and nothing else is claimed; nothing is sent."""
    monkeypatch.setenv("COLUMNS", "200")
    result = run("conformance", "--from", tape)
    assert 1 == result.exit_code
    rows = [re.split(r" {2,}", line.strip()) for line in result.stdout.splitlines()]
    assert ["uploadFile.responses", "exchange 1", "right answer", "200"] in rows
    assert ["≠", "createEdit.responses", "exchange 2", "wrong answer", "404"] in rows
    assert ["1 answer: message is 3; it must be a string."] in rows
    assert "accepted" not in result.stdout
    assert re.search(r"^1 not checked: the document describes no files of results\.$", result.stdout, re.MULTILINE)
    wrong = json.loads(run("conformance", "--from", tape, "--json").stdout)[1]
    assert (None, None, 404, True) == tuple(wrong[name] for name in ("documented", "actual", "status", "differs"))
    assert '{"message": 3}' == wrong["answer"]


def test_a_tape_beside_another_document(tape: Path) -> None:
    """With --spec the answers on a tape are held to a changed document, which may lack an operation."""
    text = DOCUMENT.read_text("utf-8")
    for old, new, message in [
        ("required: [task_id]", "required: [task_id, eta]", "1 answer: eta is missing"),
        ("operationId: uploadFile", "operationId: upload", "1 answer: The document has no such operation."),
    ]:
        assert 1 == text.count(old)
        (tape.parent / "new.yaml").write_text(text.replace(old, new))
        result = run("conformance", "--from", ROOT / "examples/tape", "--spec", tape.parent / "new.yaml")
        assert (1, True) == (result.exit_code, message in result.stdout)
    missing = run("conformance", "--from", tape, "--spec", "nothing.yaml")
    assert (2, "Error: --spec: nothing.yaml cannot be read") == (missing.exit_code, missing.stderr[:42])


def test_money_is_told_to_the_quiet(service: MockService) -> None:
    """Not even --quiet hides how many edits are billed."""
    for option in ("--follow", "--spend"):
        before = len(service.edits)
        result = conform(option, "--quiet")
        assert f"{len(service.edits) - before} of them are edits to be accepted" in result.stderr
        assert (option == "--follow") == (len(service.edits) == 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--html", "old.html"], "--html old.html exists; choose another name, or use --force."),
        (["--junit", "old.html"], "--junit old.html exists; choose another name, or use --force."),
        (["--junit", "new", "--html", "./new"], "--html new is the file of --junit, too; choose another name."),
        (["--html", "tape/tape.json", "--force"], "--html tape/tape.json exists; choose another name."),
        (["--html", "hard.html", "--force", "--spec", "spec.yaml"], "--html hard.html exists; choose another name."),
        (["--spend"], "--from sends nothing. Leave out --spend."),
        (["--follow"], "--from sends nothing. Leave out --follow."),
        (["--html", "no/report.html"], "is in a folder that does not exist"),
    ],
)
def test_reports_replace_nothing(
    tape: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """No report takes the place of a file, of the other report, or of what is checked."""
    monkeypatch.chdir(tape.parent)
    Path("old.html").write_text("old")
    Path("spec.yaml").write_bytes(DOCUMENT.read_bytes())
    Path("hard.html").hardlink_to("spec.yaml")
    before = {file: file.read_bytes() for file in tape.parent.rglob("*") if file.is_file()}
    result = run("conformance", "--from", "tape", *arguments)
    assert 2 == result.exit_code
    assert message in result.stderr
    assert before == {file: file.read_bytes() for file in tape.parent.rglob("*") if file.is_file()}


def test_a_report_on_demand(tape: Path) -> None:
    """--force replaces a report, which says of what it is."""
    file = tape.parent / "old.html"
    file.write_text("old")
    assert 1 == run("conformance", "--from", tape, "--html", file, "--force").exit_code
    assert re.search(rf"<p>{tape}, held to .+ \d+\.\d+\.\d+, \d{{4}}-\d\d-\d\d \d\d:\d\d UTC</p>", file.read_text())


def test_nothing_to_check(tmp_path: Path) -> None:
    """A tape that cannot be read is a wrong option."""
    missing = run("conformance", "--from", str(tmp_path / "nothing"))
    assert (2, "Error: --from: ") == (missing.exit_code, missing.stderr[:15])


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt in the middle of a run, while it waits."""
    count = 0

    def wait(seconds: float) -> None:
        nonlocal count
        count += 1
        if not count % 80:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", wait)


@pytest.mark.usefixtures("interrupted")
def test_an_interrupt_loses_no_check(service: MockService, tmp_path: Path) -> None:
    """An interrupt reports what was checked before it, and that an edit may be under way."""
    names = {"--html": tmp_path / "report.html", "--junit": tmp_path / "report.xml"}
    result = conform("--spend", *(part for pair in names.items() for part in pair))
    assert 130 == result.exit_code
    assert "Error: interrupted. The edit may have been accepted and billed." in result.stderr
    tasks = [edit.task_id for edit in service.edits]
    assert f"Accepted edits: {len(tasks)}. Their tasks: {', '.join(tasks)}." in result.stdout
    task_id = tasks[-1]
    assert task_id in names["--html"].read_text()
    assert names["--junit"].exists()
    again = json.loads(conform("--spend", "--json").stdout)
    assert "interrupted" in again["error"]
    assert {edit.task_id for edit in service.edits} > {row["task_id"] for row in again["checks"]} - {""}


def test_an_interrupt_names_the_edit_that_is_followed(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is said as soon as it is known; an interrupt while it is polled names the command that goes on."""

    def wait(seconds: float) -> None:
        if seconds == 2.0:  # between two polls
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", wait)
    service.on("getTask", Reply(200, body={"id": "t", "status": "pending"}), times=None)
    result = conform("--follow", "--json")
    (edit,) = service.edits
    assert f"\nTask {edit.task_id}: submitted (" in result.stderr
    way = f"To go on: SINANCODE_BASE_URL=https://api.sinancode.com/v1 nano-banana-edit wait {edit.task_id} -o ."
    assert result.stderr.endswith(f"Error: interrupted. {way}\n")
    assert (130, edit.task_id) == (result.exit_code, json.loads(result.stdout)["task_id"])


@pytest.mark.usefixtures("service")
def test_a_report_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one report cannot be written at the end, the other is, the table is printed, and the exit status is 1."""
    monkeypatch.setattr("time.sleep", lambda seconds: (tmp_path / "report.xml").write_text("another"))
    result = conform("--junit", tmp_path / "report.xml", "--html", tmp_path / "report.html")
    assert 1 == result.exit_code
    assert re.search(r"report\.xml cannot be written \(File exists\)\.", result.stderr)
    assert "0 different, " in result.stdout
    assert ("another", True) == ((tmp_path / "report.xml").read_text(), (tmp_path / "report.html").exists())


@pytest.fixture
def table(service: MockService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines about a server that finds every task and fails otherwise, on a terminal of some columns."""

    def lines(columns: int, **environment: str) -> list[str]:
        for name, value in {"COLUMNS": str(columns), **environment}.items():
            monkeypatch.setenv(name, value)
        service.on("getTask", Reply(200, body={"id": "t", "status": "pending"}), times=None)
        service.on(None, Reply(500, body={}), times=None)
        return conform().stdout.splitlines()

    return lines


def test_conformance_names_what_differs(table: Callable[..., list[str]]) -> None:
    """Each request that was sent is a row of the table, and one that differs is marked in it."""
    head, *rows = (re.split(r" {2,}", line.strip()) for line in table(200))
    assert ["Constraint", "Case", "Documented", "Actual", "Status"] == head
    assert ["≠", "createEdit.security.bearer", "no header", "refused", "a failure", "500"] in rows
    assert ["getTask.id.required", "as documented", "accepted", "accepted", "200"] in rows
    counts = Counter("different" if row[0] == "≠" else "as documented" for row in rows if row[-1].isdigit())
    assert [f"{counts['different']} different, {counts['as documented']} as documented."] in rows


def test_conformance_marks_differences_in_red(table: Callable[..., list[str]]) -> None:
    """Where there are colours, a row that differs is red, and no other line."""
    lines = table(200, FORCE_COLOR="1", TERM="xterm")
    assert {(True, True), (False, False)} == {("≠" in line, "\x1b[31m" in line) for line in lines}


def test_conformance_in_a_narrow_terminal(table: Callable[..., list[str]]) -> None:
    """Where there is no room for a constraint's name it goes on in the next line, and is not cut off."""
    assert not [line for line in table(60) if "…" in line]


@pytest.fixture
def in_latin(service: MockService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """What the program writes to a standard output of few characters, of a server that answers with another one."""

    def written(*arguments: str) -> bytes:
        output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        monkeypatch.setattr(sys, "stdout", output)
        server = ["--base-url", "https://api.sinancode.com/v1"]
        monkeypatch.setattr(sys, "argv", ["nano-banana-edit", "conformance", *server, "--rate", "1e9", *arguments])
        service.on(None, Reply(500, body="\N{BANANA}"), times=None)
        with pytest.raises(SystemExit, match=r"^1$"):
            cli.main()
        output.seek(0)
        return output.buffer.read()

    return written


def test_what_cannot_be_shown_is_escaped(in_latin: Callable[..., bytes]) -> None:
    """A character that the terminal cannot show is escaped, and the program goes on."""
    assert rb"\u2260" in in_latin()


def test_json_is_utf_8(in_latin: Callable[..., bytes]) -> None:
    """JSON is written in UTF-8 (RFC 8259, section 8.1), as an escape for terminals would break it."""
    answers = {row["answer"] for row in json.loads(in_latin("--json")) if row["differs"]}
    assert {"\N{BANANA}"} == answers


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Error: Name what is checked: use either --base-url URL, --mock or --from TAPE."),
        (
            ["--base-url", "https://a.test", "--mock"],
            "Error: Name what is checked: use either --base-url URL, --mock or --from TAPE.",
        ),
        (["--base-url", "nowhere"], "--base-url is 'nowhere'"),
        (["--base-url", "http://127.0.0.1:9", "--rate", "nan"], "Error: --rate is nan; it must be a number"),
        (
            ["--base-url", "http://127.0.0.1:9", "--follow", "--spec", "other.yaml"],
            "Error: --follow needs an upload, an edit and polls; the document has no uploadFile.",
        ),
        (["--base-url", "http://127.0.0.1:9", "--junit", "/no/such/folder/x"], "/no/such/folder"),
    ],
)
def test_conformance_of_nothing(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    """What cannot be asked, or reported on, is refused in one line before anything is sent."""
    monkeypatch.chdir(tmp_path)
    Path("other.yaml").write_text(DOCUMENT.read_text("utf-8").replace("operationId: uploadFile", "operationId: upload"))
    result = run("conformance", *arguments)
    assert 2 == result.exit_code
    assert text in result.stderr
    assert () == service.calls
