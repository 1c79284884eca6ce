"""The command line of batches: every row once, a summary, a documented exit status."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit import _clock
from nano_banana_edit_mock import Fault, MockService, Outcome, Reply, mock_router
from typer.testing import Result

from ..wrapper.conftest import Clock
from .running import run
from .test_cli_results import Terminal, main

URL = "https://images.test/a.png"


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def rows(number: int, **columns: Any) -> str:
    """Write a file of rows with the keys k0, k1 and so on, and return its name."""
    lines = [json.dumps({"key": f"k{each}", "image": URL, "prompt": "p", **columns}) for each in range(number)]
    Path("edits.jsonl").write_text("\n".join(lines), "utf-8")
    return "edits.jsonl"


def batch(number: int, *options: object) -> Result:
    return run("batch", rows(number), "-o", "out", *options)


@pytest.mark.parametrize("command", [("batch",), ("batch", "run"), ("batch", "-q")])
def test_every_row_is_edited_once(service: MockService, command: tuple[str, ...]) -> None:
    """A file of rows becomes a folder of results, and the second time nothing is submitted."""
    result = run(*command, rows(3), "-o", "out")
    assert (0, "3 submitted. In the ledger: 3 saved.\n") == (result.exit_code, result.stdout), result.stderr
    assert {"k0.png", "k1.png", "k2.png", "ledger.db"} == {path.name for path in Path("out").iterdir()}
    result = run(*command, "edits.jsonl", "-o", "out")
    assert (0, "0 submitted. In the ledger: 3 saved.\n") == (result.exit_code, result.stdout)
    assert 3 == len(service.edits)


def test_what_is_billed_is_said_before(service: MockService) -> None:
    """The number of edits to submit is written first, with what is done already and what bounds it."""
    assert batch(1, "--dry-run").stdout.startswith("1 edit to submit, which is billed; ")
    assert 5 == batch(4, "--max-edits", "1").exit_code
    assert batch(4).stderr.startswith("3 edits to submit, each of which is billed; 1 of 4 rows are saved.\n")
    assert batch(9, "--max-edits", "2").stderr.startswith("2 edits to submit, ")


def test_dry_run(service: MockService) -> None:
    """With --dry-run rows are checked and counted, and nothing is sent."""
    result = batch(4, "--dry-run")
    text = "4 edits to submit, each of which is billed; 0 of 4 rows are saved.\n"
    assert (0, text, "") == (result.exit_code, result.stdout, result.stderr)
    assert () == service.calls
    assert 0 == batch(4).exit_code


def test_options_arrive(service: MockService) -> None:
    """Templates and options hold for the rows that have none of their own."""
    Path("edits.jsonl").write_text(json.dumps({"image": URL, "sku": "a1", "scene": "beach"}), "utf-8")
    templates = ["--prompt", "Put it on a {scene}", "--key", "{sku}-{scene}", "--file-name", "{sku}/{scene}"]
    limits = ["--in-flight", 1, "--per-second", 50, "--per-minute", 900]
    options = ["--size", "16:9", "--format", "jpeg", "--batch", "beaches", *limits]
    assert 0 == run("batch", "edits.jsonl", "-o", "out", *templates, *options).exit_code
    expected = {"image_urls": [URL], "prompt": "Put it on a beach", "image_size": "16:9", "output_format": "jpeg"}
    assert expected == service.edits[0].body
    assert Path("out/a1/beach.jpg").exists()
    for name, counts in (("beaches", {"states": {"saved": 1}, "billed": 1}), ("edits", {"states": {}, "billed": 0})):
        assert counts == json.loads(run("batch", "status", "--ledger", "out", "--batch", name, "--json").stdout)


def test_ledger_of_the_environment(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger may be somewhere else, and named by a variable; then it needs no option."""
    monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", "all.db")
    assert 0 == batch(2).exit_code
    assert not Path("out/ledger.db").exists()
    assert "2 saved; 2 billed\n" == run("batch", "status").stdout
    assert "no rows; 0 billed\n" == run("batch", "status", "--batch", "others").stdout


def test_json(service: MockService) -> None:
    """With --json each row is a line of JSON, and the last one is the summary."""
    service.next(Outcome(status="failed", error_msg="Not suitable"))
    result = batch(2, "--json", "--in-flight", "1")
    first, second, summary = map(json.loads, result.stdout.splitlines())
    assert (1, "failed", None) == (result.exit_code, first["state"], first["output"])
    assert "Not suitable" in first["error"]
    assert first["task_id"] == service.edits[0].task_id
    assert {"key": "k1", "state": "saved", "output": "k1.png", "error": None, "task_id": None} == second
    assert {"summary": {"submitted": 2, "states": {"failed": 1, "saved": 1}}} == summary
    assert "Not suitable" not in result.stderr


def test_failures(service: MockService) -> None:
    """The first failures are told with their keys, the others are counted; the exit status is 1."""
    service.on("createEdit", Outcome(status="failed", error_msg="Not suitable"), times=None)
    result = batch(30)
    assert (1, "30 submitted. In the ledger: 30 failed.\n") == (result.exit_code, result.stdout)
    told = [line for line in result.stderr.splitlines() if "Not suitable" in line]
    assert (20, True) == (len(told), told[0].startswith("k"))
    assert 1 == result.stderr.count("Further failures are counted only")
    assert 1 == batch(30).exit_code
    assert 30 == len(service.edits)
    assert 1 == batch(30, "--retry-failed").exit_code
    assert 60 == len(service.edits)


def test_unknown_rows_are_settled(service: MockService) -> None:
    """Rows that may have been accepted are exit status 4, are listed, and go on as a person says."""
    service.on("createEdit", Fault.RESET_BEFORE, times=3)
    result = batch(3)
    assert (4, "3 submitted. In the ledger: 3 unknown.\n") == (result.exit_code, result.stdout)
    where = "nano-banana-edit batch resolve --ledger out"
    assert result.stderr.endswith(f"3 rows are unknown. To list them: {where}\n")
    listed = run("batch", "resolve", "--ledger", "out").stdout.splitlines()
    assert ["k0", "k1", "k2"] == [line.split("\t")[0] for line in listed]
    settled = [("k0", "--task-id", service.edits[0].task_id), ("k1", "--resend"), ("k2", "--cancel")]
    for arguments, state in zip(settled, ("sent", "new", "cancelled"), strict=True):
        result = run("batch", "resolve", "--ledger", "out", *arguments)
        assert (0, f"{arguments[0]}: {state}\n") == (result.exit_code, result.stdout), result.stderr
    result = batch(3)
    assert (0, "1 submitted. In the ledger: 1 cancelled, 2 saved.\n") == (result.exit_code, result.stdout)
    assert 4 == len(service.edits)


def test_refused_token(service: MockService) -> None:
    """A refused token ends the run with status 3 and one line, and no row is lost."""
    service.on("createEdit", Reply(401, body={"message": "No such token"}), times=None)
    result = batch(2, "--in-flight", "1", "-q")
    (*_, line) = result.stderr.splitlines()
    assert (3, True) == (result.exit_code, "No such token" in line)
    service.reset()
    assert 0 == batch(2).exit_code


def test_rows_of_a_stream(service: MockService) -> None:
    """With --no-precheck rows are checked when their turn comes, and one that cannot be used fails alone."""
    lines = [{"key": "good", "image": URL, "prompt": "p"}, {"key": "bad", "image": URL, "prompt": ""}]
    Path("edits.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    result = run("batch", "edits.jsonl", "-o", "out", "--no-precheck")
    assert (1, "1 submitted. In the ledger: 1 saved.\n") == (result.exit_code, result.stdout), result.stderr
    assert "bad: Line 2: it has no prompt; add one, or a prompt for all rows.\n" in result.stderr
    assert 2 == run("batch", "edits.jsonl", "-o", "out").exit_code


def test_progress_on_a_terminal(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a line and a bar change, and what is said meanwhile stands above them."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(monkeypatch, "stderr")
    service.next(Outcome(status="failed", error_msg="Not suitable"))
    assert 1 == main(monkeypatch, "batch", rows(2), "-o", "out")
    shown = terminal.shown()
    assert "2 of 2 rows: 2 sent, 1 saved, 1 failed, 0 unknown, 0 in flight, " in shown
    assert re.search(r"(?:^|[\nK])2 edits to submit, ", shown)  # in a line of its own, K is the end of what clears one
    assert "Not suitable" in shown
    assert "\x1b[" in shown
    assert "━" in shown


def test_json_beside_progress(
    service: MockService, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a pipe reads does not end in the terminal's progress; nothing moves if both are one terminal."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(monkeypatch, "stderr")
    assert 0 == main(monkeypatch, "batch", rows(1), "-o", "out", "--json")
    assert ["k0", None] == [json.loads(line).get("key") for line in capfd.readouterr().out.splitlines()]
    assert "\x1b[" in terminal.shown()
    terminals = Terminal(monkeypatch, "stderr"), Terminal(monkeypatch, "stdout")
    assert 0 == main(monkeypatch, "batch", rows(1), "-o", "out", "--json")
    assert "\x1b[" not in terminals[0].shown() + terminals[1].shown()


@pytest.mark.parametrize(("options", "lines"), [((), True), (("--quiet",), False)])
def test_progress_in_a_log(
    service: MockService, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], lines: bool
) -> None:
    """A log has a line every so often and not one for each row, or none with --quiet."""
    real = _clock.now
    monkeypatch.setattr(_clock, "now", lambda: real() * 20)
    service.on("getTask", Reply(503), times=1)
    result = batch(40, *options)
    assert (0, lines) == (result.exit_code, " of 40 rows: " in result.stderr)
    assert len(result.stderr.splitlines()) < 12  # 8 after some seconds, 12 after a minute


@pytest.mark.parametrize("ending", ["csv", "html", "jsonl"])
def test_report(service: MockService, ending: str) -> None:
    """The ending of the file chooses the form of the report, which has every row."""
    assert 0 == batch(2).exit_code
    result = run("batch", "report", "--ledger", "out", "-o", f"report.{ending}")
    assert (0, f"report.{ending}\n") == (result.exit_code, result.stdout), result.stderr
    text = Path(f"report.{ending}").read_text("utf-8")
    assert all(key in text for key in ("k0", "k1"))


class Interrupting:
    """A clock of the service that interrupts this process while it answers the first submissions."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self) -> float:
        if self.times:
            self.times -= 1
            signal.raise_signal(signal.SIGINT)
        return time.monotonic()


@pytest.mark.parametrize("times", [1, 2])
def test_interrupt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], times: int) -> None:
    """An interrupt is status 130 and shows the command that goes on; no edit is submitted twice afterwards."""
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    clock = Interrupting(0)
    service = MockService(polls=0, clock=clock)
    try:
        with mock_router(service):
            clock.times = times
            assert 130 == main(monkeypatch, "batch", rows(4), "-o", "out", "--in-flight", "2")
            errors = capsys.readouterr().err.splitlines()
            assert 1 == sum("Submitting no more. " in line for line in errors)
            assert "Error: interrupted. To go on: nano-banana-edit batch edits.jsonl -o out --in-flight 2" == errors[-1]
            # What was left in the middle is not waited for.
            with closing(sqlite3.connect("out/ledger.db", isolation_level=None)) as database:
                database.execute("UPDATE nano_banana_edit_edits SET lease = 1 WHERE state = 'sending'")
            status = batch(4, "--in-flight", "2").exit_code
            # Not before: an answer that comes late makes an unknown row known.
            unknown = json.loads(run("batch", "status", "--ledger", "out", "--json").stdout)["states"].get("unknown", 0)
            assert unknown <= 2 * (times - 1)
            assert (4 if unknown else 0) == status
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(service.edits) <= 4


def test_interrupt_shows_no_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command that goes on has three stars for the password of a URL."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    clock = Interrupting(0)
    output = "memory://me:hunter2@host/out?password=hunter2"
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    try:
        with mock_router(MockService(polls=0, clock=clock)):
            clock.times = 1
            assert 130 == main(monkeypatch, "batch", rows(1), f"--output={output}", "--ledger", "edits.db")
    finally:
        signal.signal(signal.SIGINT, before)
    shown = "'--output=memory://me:***@host/out?password=***' --ledger edits.db"
    assert (
        f"nano-banana-edit batch edits.jsonl {shown}" == capsys.readouterr().err.splitlines()[-1].partition("on: ")[2]
    )


def test_edit_that_is_not_finished_in_time(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not failed but left: the status is 5, and the next run fetches its result."""
    clock = Clock()
    monkeypatch.setattr(_clock, "now", clock.now)
    monkeypatch.setattr(_clock, "async_sleep", clock.async_sleep)
    service.next(Outcome(seconds=9_999))
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(monkeypatch, "stderr")
    assert 5 == main(monkeypatch, "batch", rows(2), "-o", "out")
    assert "2 of 2 rows: 2 sent, 1 saved, 0 failed, 0 unknown, 1 for the next run, " in terminal.shown()
    assert "1 saved, 1 sent; 2 billed\n" == run("batch", "status", "--ledger", "out").stdout
    service.advance(9_999)
    assert (0, 2) == (batch(2).exit_code, len(service.edits))


def test_wait_that_the_service_asks_for_is_shown(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long Retry-After does not look like a hang."""
    now, sleep = _clock.now, _clock.async_sleep
    monkeypatch.setattr(_clock, "now", lambda: now() * 20)
    monkeypatch.setattr(_clock, "async_sleep", lambda seconds: sleep(seconds / 20))
    service.on("createEdit", Reply(429, headers={"Retry-After": "25"}), times=1)
    result = batch(1)
    assert 0 == result.exit_code
    assert re.search(r"0/s, held back until \d\d:\d\d:\d\d\n", result.stderr), result.stderr
    assert "held" not in batch(2).stderr


def test_rows_that_a_source_does_not_have_any_more(service: MockService) -> None:
    """They are told, not submitted, and do not count as left; a dry run adds no row."""
    assert 5 == batch(3, "--max-edits", "1").exit_code
    result = batch(1)
    text = (
        "0 edits to submit, each of which is billed; 1 of 3 rows are saved. 2 rows that SOURCE does not have are left "
    )
    assert (0, True) == (result.exit_code, result.stderr.startswith(text)), result.stderr
    assert 0 == batch(5, "--dry-run").exit_code
    assert "2 new, 1 saved; 1 billed\n" == run("batch", "status", "--ledger", "out").stdout
    assert 1 == len(service.edits)


@pytest.mark.parametrize("arguments", [("-o", "out", "edits.jsonl"), ("-o", "out", "--", "-edits.jsonl")])
def test_options_may_come_first(service: MockService, arguments: tuple[str, ...]) -> None:
    """`run` may be left out also before options, and a file may be named like one."""
    rows(1)
    Path("-edits.jsonl").write_bytes(Path("edits.jsonl").read_bytes())
    result = run("batch", *arguments)
    assert (0, "1 submitted. In the ledger: 1 saved.\n") == (result.exit_code, result.stdout), result.stderr


def test_report_of_results_elsewhere(service: MockService) -> None:
    """A folder that does not exist is refused, and not made."""
    assert 0 == batch(1).exit_code
    result = run("batch", "report", "--ledger", "out", "-o", "report.html", "--results", "typo/")
    assert (2, "Error: --results 'typo/' is no folder; check the path.\n") == (result.exit_code, result.stderr)
    assert not Path("typo").exists()
    assert 0 == run("batch", "report", "--ledger", "out", "-o", "report.html", "--results", "memory://x").exit_code


def test_a_result_that_has_expired(service: MockService) -> None:
    """It is a failure, also if the file was there before and is gone: the exit status is 1, in each run."""
    service.on("createEdit", Outcome(expired=True), times=1)
    assert 1 == batch(2, "--in-flight", 1).exit_code
    assert "results expire" in (result := run("batch", "edits.jsonl", "-o", "out")).stderr
    assert (1, "0 submitted. In the ledger: 1 completed, 1 saved.\n") == (result.exit_code, result.stdout)
