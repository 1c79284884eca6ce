"""Errors that nobody expects, and signals: one line, the command that goes on, and no secret."""

from __future__ import annotations

import signal
from pathlib import Path

import nano_banana_edit
import pytest
from nano_banana_edit import cli
from nano_banana_edit.ledger import Ledger
from nano_banana_edit_mock import MockService

from .running import PHOTO, run
from .test_cli_results import URL, main


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("option", [(), ("--debug",)])
def test_after_an_accepted_edit(service: MockService, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]) -> None:
    """The command that goes on is shown, and with --debug a traceback without token, password and query."""

    def broken(*_: object) -> bytes:
        raise KeyError("https://me:hunter2@files.test/a.png?signature=abc of secret-token-0123456789")

    monkeypatch.setenv("SINANCODE_API_KEY", "secret-token-0123456789")
    monkeypatch.setattr(nano_banana_edit.ResultImage, "bytes", broken)
    result = run("edit", URL, "p", "-o", "out.png", "-q", *option)
    line = result.stderr.splitlines()[-1]
    assert (1, "Error: unexpected KeyError: ") == (result.exit_code, line[:28])
    assert line.endswith(f"To go on: nano-banana-edit wait {service.edits[0].task_id} -o out.png --debug")
    assert bool(option) == ("Traceback (most recent call last):" in result.stderr)
    assert not any(secret in result.stderr for secret in ("hunter2", "signature", "token-0123"))


def test_before_an_edit(service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a task, the error says how to see more."""

    def broken(_request: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(service, "handle", broken)
    result = run("upload", PHOTO)
    assert (1, "Error: unexpected KeyError: 'x'. Add --debug to see where.\n") == (result.exit_code, result.stderr)


def test_outside_of_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An error outside of a command is one line, too."""

    def broken() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cli, "app", broken)
    assert 1 == main(monkeypatch, "--help")
    assert "Error: [Errno 28] No space left on device\n" == capsys.readouterr().err


@pytest.mark.parametrize("interrupt", [signal.default_int_handler, signal.SIG_IGN])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_termination(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], interrupt: object, number: int
) -> None:
    """SIGTERM and SIGHUP are as Ctrl-C, also where that is ignored. After one of them, the others are ignored."""
    monkeypatch.setattr(cli, "app", lambda: signal.raise_signal(number))
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(number, signal.SIG_DFL)
    assert 130 == main(monkeypatch, "edit")
    assert "Error: interrupted\n" == capsys.readouterr().err
    assert {signal.SIG_IGN} == {signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}


@pytest.mark.parametrize("by_environment", [True, False])
def test_interrupted_twice(service: MockService, monkeypatch: pytest.MonkeyPatch, by_environment: bool) -> None:
    """A second interrupt, while the first is written to the ledger, does not hide that the edit may be billed."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(service, "handle", interrupted)
    monkeypatch.setattr(Ledger, "released", interrupted)
    if by_environment:
        monkeypatch.setenv("NANO_BANANA_EDIT_LEDGER", "edits.db")
    where = "" if by_environment else "--ledger edits.db "
    result = run("edit", URL, "p", "-o", "out.png", "--key", "-k", *where.split())
    line = "Error: interrupted. The edit may have been accepted and billed. Look at your account, then run: "
    line += f"nano-banana-edit batch resolve {where}-- -k"
    assert (130, line) == (result.exit_code, result.stderr.splitlines()[-1])


def test_nothing_that_opens(service: MockService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If the system has no program that opens a result, that is told, and the result is saved."""
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("edit", URL, "p", "-o", "out.png", "--open")
    assert (0, "out.png\n") == (result.exit_code, result.stdout)
    assert "Warning: out.png cannot be opened (" in result.stderr


def test_a_refused_batch_keeps_what_was_there(service: MockService) -> None:
    """A ledger, and a folder, that were there before stay when a batch is refused."""
    Path("bad.jsonl").write_text("{}\n", "utf-8")
    Path("out").mkdir()
    assert 2 == run("batch", "bad.jsonl", "-o", "out").exit_code
    assert [] == [*Path("out").iterdir()]
    Path("good.jsonl").write_text(f'{{"image": "{URL}", "prompt": "p"}}\n', "utf-8")
    assert 0 == run("batch", "good.jsonl", "-o", "out").exit_code
    assert 2 == run("batch", "bad.jsonl", "-o", "out").exit_code
    assert Path("out/ledger.db").exists()


def test_token_of_an_agent(tmp_path: Path) -> None:
    """The server of an agent does not read its token from the agent's stream."""
    result = run("mcp", "--folder", tmp_path, "--token-file", "-")
    line = "Error: --token-file - reads standard input, which is the agent's; name a file.\n"
    assert (2, line) == (result.exit_code, result.stderr)
