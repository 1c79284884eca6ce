"""Streams of the command line that are terminals, closed, or read by nobody: what is paid for is not lost."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from nano_banana_edit_mock import MockServer, MockService, Outcome, Reply, Request

from .running import PHOTO, run
from .test_cli_results import URL, Terminal, main


def test_progress_on_a_terminal(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the stages share one line that changes."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(monkeypatch, "stderr")
    service.next(Outcome(status="completed"))
    assert 0 == main(monkeypatch, "edit", PHOTO, "p", "-o", tmp_path / "out.png")
    shown = terminal.shown()
    assert f"Task {service.edits[0].task_id}: completed (0 s)" in shown
    assert "Submitting\n" not in shown


def test_colours_are_no_animation(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FORCE_COLOR, as in many a CI, animates nothing in a log."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    statuses = [f"Task {service.edits[0].task_id}: {status}" for status in ("submitted", "completed")]
    stages = ["Uploading", "Submitting", *statuses]
    assert [f"{stage} (0 s)" for stage in stages] == result.stderr.splitlines()


def test_an_image_is_not_for_a_terminal(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `-o -` on a terminal nothing is sent."""
    terminal = Terminal(monkeypatch, "stdout")
    assert 2 == main(monkeypatch, "edit", URL, "p", "-o", "-")
    assert ("", ()) == (terminal.shown(), service.calls)


def test_a_closed_standard_output(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no standard output, an edit is saved, and what would write there alone is refused at once."""
    monkeypatch.setattr(sys, "stdout", None)
    assert 0 == main(monkeypatch, "edit", URL, "p", "-o", tmp_path / "out.png")
    assert (tmp_path / "out.png").exists()
    for arguments in (
        ["edit", URL, "p", "-o", "-"],
        ["edit", URL, "p", "-o", tmp_path / "other.png", "--json"],
        ["submit", URL, "p"],
        ["upload", PHOTO],
        ["conformance", "--base-url", "https://api.test"],
    ):
        assert 2 == main(monkeypatch, *arguments)
    assert ["createEdit", "getTask", None] == [call.operation for call in service.calls]


def test_closed_standard_streams(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is neither standard stream, an edit is saved all the same, and an error is a status."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert 0 == main(monkeypatch, "edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert 2 == main(monkeypatch, "edit", PHOTO, "", "-o", tmp_path / "out.png")


@pytest.fixture
def broken() -> Iterator[Any]:
    """A stream whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    yield stream
    with suppress(BrokenPipeError):
        stream.close()


def test_nobody_reads_the_path(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, broken: Any
) -> None:
    """If nobody reads the path any more, the edit is saved, and the path is told on stderr."""
    monkeypatch.setattr(sys, "stdout", broken)
    assert 0 == main(monkeypatch, "edit", URL, "p", "-o", tmp_path / "out.png")
    line = f"Warning: standard output cannot be written (Broken pipe): {tmp_path / 'out.png'}"
    assert line == capsys.readouterr().err.splitlines()[-1]


def test_nobody_reads_the_id(service: MockService, monkeypatch: pytest.MonkeyPatch, capsys: Any, broken: Any) -> None:
    """If nobody reads the id of the task any more, the command that goes on is told on stderr."""
    monkeypatch.setattr(sys, "stdout", broken)
    assert 0 == main(monkeypatch, "submit", URL, "p")
    task_id = service.edits[0].task_id
    line = f"Warning: standard output cannot be written (Broken pipe): {task_id}. "
    line += f"To go on: nano-banana-edit wait {task_id} -o ."
    assert line == capsys.readouterr().err.splitlines()[-1]


def test_a_terminal_that_ends(service: MockService, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """If the terminal ends before the command, what is paid for is written to standard output all the same."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(monkeypatch, "stderr")
    handle = service.handle

    def closing(request: Request) -> object:
        terminal.end()
        with suppress(OSError):
            sys.stderr.write("This stays in the buffer.\n")
        return handle(request)

    monkeypatch.setattr(service, "handle", closing)
    assert 0 == main(monkeypatch, "submit", URL, "p")
    assert f"{service.edits[0].task_id}\n" == capsys.readouterr().out
    with suppress(OSError):
        sys.stderr.close()


def test_nobody_reads_the_image(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, broken: Any
) -> None:
    """If nobody reads the image any more, the command that fetches it again is told."""
    monkeypatch.setattr(sys, "stdout", broken)
    assert 1 == main(monkeypatch, "edit", URL, "p", "-o", "-")
    assert f"To go on: nano-banana-edit wait {service.edits[0].task_id} -o -" in capsys.readouterr().err


def test_nobody_reads_the_stages(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    """If nobody reads the stages any more, the edit goes on."""
    monkeypatch.setattr(sys, "stderr", broken)
    assert 0 == main(monkeypatch, "edit", URL, "p", "-o", tmp_path / "out.png")
    assert (tmp_path / "out.png").exists()


@pytest.mark.server
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "| true", "2>&1 | true", ">/dev/full"])
def test_as_a_shell_runs_it(tmp_path: Path, closed: str) -> None:
    """With streams that are closed or cannot be written, the edit is saved with status 0, and without a traceback."""
    program = f"{shlex.quote(sys.executable)} -c 'from nano_banana_edit.cli import main; main()'"
    with MockServer(MockService(polls=0)) as server:
        environment = {**os.environ, "SINANCODE_BASE_URL": server.url, "SINANCODE_API_KEY": "any"}
        command = f"set -o pipefail; {program} edit {URL} p -o out.png {closed}"
        done = subprocess.run(
            ["bash", "-c", command], check=False, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
    assert (0, "") == (done.returncode, done.stdout.replace("out.png\n", "")), done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out.png").exists()


@pytest.mark.server
def test_reports_of_retries_stay_off_standard_output(tmp_path: Path) -> None:
    """Standard output is the path alone, whatever hooks stamina has by default where structlog is installed."""
    service = MockService(polls=0)
    service.on("getTask", Reply.unavailable(), nth=1, times=1)
    program = """
from stamina import instrumentation
from nano_banana_edit.cli import main

instrumentation.set_on_retry_hooks([lambda details: print(details.name)])
main()
"""
    with MockServer(service) as server:
        environment = {**os.environ, "SINANCODE_BASE_URL": server.url, "SINANCODE_API_KEY": "any"}
        command = [sys.executable, "-c", program, "edit", URL, "p", "-o", "out.png"]
        done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (0, "out.png\n") == (done.returncode, done.stdout), done.stderr
