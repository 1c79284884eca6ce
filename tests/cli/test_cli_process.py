"""The installed command, in a terminal and in a pipe: signals, colours, completion and errors that nobody expects."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nano_banana_edit import NanoBananaEdit
from nano_banana_edit_mock import MockServer, MockService, Outcome

from .running import PHOTO
from .test_cli_batch import rows
from .test_cli_batch_process import PROGRAM, started
from .test_cli_results import URL

pytestmark = pytest.mark.server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockServer]:
    """A server that the environment names, and a folder of its own."""
    monkeypatch.chdir(tmp_path)
    with MockServer(MockService(polls=1)) as server:
        monkeypatch.setenv("SINANCODE_API_KEY", "token-that-must-not-leak")
        monkeypatch.setenv("SINANCODE_BASE_URL", server.url)
        yield server


# In a process of its own, since one with threads had better not fork.
TERMINAL = """
import os, pty, signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""


def in_terminal(*arguments: str, until: str = "", **environment: str) -> tuple[int, str]:
    """Run the command in a pseudo-terminal; interrupt it by Ctrl-C once it has shown some words."""
    command = [sys.executable, "-c", TERMINAL, PROGRAM, *arguments]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "TERM": "xterm", **environment}, **streams) as process:
        assert process.stdin
        assert process.stdout
        shown = b""
        while part := os.read(process.stdout.fileno(), 4_096):
            shown += part
            if until and until.encode() in shown:
                process.stdin.write(b"\x03")
                process.stdin.flush()
                until = ""
    return process.returncode, shown.decode(errors="replace")


def test_a_terminal(server: MockServer) -> None:
    """On a terminal one line moves, and is gone when the path is written."""
    status, shown = in_terminal("edit", PHOTO, "make it snow", "-o", "out.png")
    assert (0, True) == (status, f"Task {server.service.edits[0].task_id}: pending (" in shown), shown
    assert "out.png" == shown.splitlines()[-1].rpartition("\x1b[2K")[2].rpartition("\x1b[?25h")[2]
    assert not re.search(r"Uploading \(\d+ s\)\r\n", shown)


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_a_plain_terminal(server: MockServer, name: str, value: str) -> None:
    """A terminal that can do nothing gets plain lines; one that shall have no colours gets none."""
    status, shown = in_terminal("edit", PHOTO, "p", "-o", "out.png", **{name: value})
    assert 0 == status, shown
    assert "\x1b[3" not in shown
    if name == "TERM":
        assert "\x1b" not in shown
        assert re.match(r"Uploading \(\d+ s\)\r\nSubmitting \(\d+ s\)\r\n", shown)


def test_ctrl_c_goes_on(server: MockServer) -> None:
    """Ctrl-C shows the command that goes on, which fetches the result without another edit."""
    server.service.next(Outcome(seconds=60))
    status, shown = in_terminal("edit", URL, "p", "-o", "a file.png", until=": pending")
    (edit,) = server.service.edits
    command = f"nano-banana-edit wait {edit.task_id} -o 'a file.png'"
    assert (130, f"Error: interrupted. To go on: {command}") == (
        status,
        shown.splitlines()[-1].rpartition("\x1b[2K")[2],
    )
    server.service.advance(60)
    done = subprocess.run([PROGRAM, *shlex.split(command)[1:]], check=False, capture_output=True, text=True)
    assert (0, "a file.png\n", 1) == (done.returncode, done.stdout, len(server.service.edits)), done.stderr


def test_a_terminated_edit_goes_on(server: MockServer) -> None:
    """SIGTERM is as Ctrl-C, also where Ctrl-C is ignored, as in a shell's background."""
    server.service.next(Outcome(seconds=60))
    command = ["nohup", "sh", "-c", 'trap "" INT; exec "$@"', "sh", PROGRAM, "edit", URL, "p", "-o", "out.png"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert any(": pending" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    (edit,) = server.service.edits
    line = f"Error: interrupted. To go on: nano-banana-edit wait {edit.task_id} -o out.png\n"
    assert (130, "", line) == (process.returncode, output, errors)


def test_a_terminated_batch_goes_on(server: MockServer) -> None:
    """SIGTERM ends a batch as Ctrl-C does: what is in flight ends, and the command that goes on is shown."""
    server.service.on("createEdit", Outcome(seconds=60), times=None)
    rows(4)
    with started("--in-flight", "2") as process:
        assert process.stderr
        assert any("in flight" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert 130 == process.returncode, errors
    assert "Submitting no more. Waiting for " in errors
    assert errors.endswith("To go on: nano-banana-edit batch edits.jsonl -o out --in-flight 2\n"), errors


def test_an_image_on_a_terminal(server: MockServer) -> None:
    """With `-o -` an image goes to a terminal with --force only."""
    status, shown = in_terminal("edit", URL, "p", "-o", "-")
    assert (2, True, ()) == (status, "which is a terminal; redirect it" in shown, server.service.calls)
    status, shown = in_terminal("edit", URL, "p", "-o", "-", "--force", "-q")
    assert (0, True) == (status, "IDAT" in shown or "JFIF" in shown)


def test_open(server: MockServer, tmp_path: Path) -> None:
    """With --open a program of the system opens each result that was saved."""
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    os.mkfifo("opened")
    program.write_text('#!/bin/sh\n[ -s "$1" ] && echo "$1" > opened\n', "utf-8")
    program.chmod(0o755)
    command = [PROGRAM, "edit", URL, "p", "-o", "out.png", "--open", "-q"]
    environment = {**os.environ, "PATH": str(program.parent)}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert (0, "out.png\n") == (done.returncode, done.stdout)
    assert ("", "out.png\n") == (done.stderr, Path("opened").read_text("utf-8"))


@pytest.mark.parametrize(("command", "closed"), [("--help", ">/dev/full"), ("doctor", "| true")])
def test_a_pipe_that_nobody_reads(server: MockServer, command: str, closed: str) -> None:
    """Whatever becomes of standard output, there is no traceback."""
    done = subprocess.run(["bash", "-c", f"{PROGRAM} {command} {closed}"], check=False, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shell gets a script, which completes options, and the values of --size and --format."""

    def asked(action: str, line: str = "") -> str:
        *before, last = line.split() or [""]
        environment = {"_NANO_BANANA_EDIT_COMPLETE": f"{action}_{shell}", "_TYPER_COMPLETE_ARGS": line}
        environment |= {"COMP_WORDS": line, "COMP_CWORD": str(len(before))}
        environment |= {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_WORD_TO_COMPLETE": last}
        return subprocess.run(
            [PROGRAM], check=False, env=os.environ | environment, capture_output=True, text=True
        ).stdout

    assert f"complete_{shell}" in asked("source")
    assert "16:9" in asked("complete", "nano-banana-edit edit --size 16").replace("\\", "")
    if shell == "bash":
        assert "--format" in asked("complete", "nano-banana-edit edit --form")
        assert "jpeg" in asked("complete", "nano-banana-edit edit --format j")


def test_debug_of_an_expected_error(server: MockServer) -> None:
    """Of an error that is expected, too, --debug shows where it was raised."""
    with NanoBananaEdit() as client:
        client.submit(URL, "p")
    done = subprocess.run([PROGRAM, "status", "none", "--debug"], check=False, capture_output=True, text=True)
    assert (3, "Traceback (most recent call last):") == (done.returncode, done.stderr.splitlines()[0])
    assert "must-not-leak" not in done.stderr
    assert "Error: The service answered 404: none is not a task." == done.stderr.splitlines()[-1]
