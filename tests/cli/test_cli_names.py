"""Names of results: none replaces a file that the command uses, and each can be written and printed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService

from .running import run
from .test_cli_results import URL, submitted


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file."""
    monkeypatch.chdir(tmp_path)
    Path("used").write_text("words", "utf-8")


@pytest.fixture
def _standard_input() -> Iterator[None]:
    """Standard input that is redirected from the file."""
    before = os.dup(0)
    with Path("used").open("rb") as file:
        os.dup2(file.fileno(), 0)
    yield
    os.dup2(before, 0)
    os.close(before)


@pytest.mark.parametrize(
    "arguments",
    [
        ("edit", URL, "p", "--token-file", "used"),
        ("edit", URL, "--prompt-file", "used"),
        ("edit", URL, "p", "--key", "k", "--ledger", "used"),
        ("wait", "t-1", "--token-file", "used"),
    ],
)
def test_no_file_in_use_is_replaced(service: MockService, arguments: tuple[str, ...]) -> None:
    """With --force neither the ledger nor a file that the command reads is replaced by a result."""
    result = run(*arguments, "-o", "used", "--force")
    line = "Error: --output used is a file that the command uses, and never replaces; choose another name.\n"
    assert (2, line, "words") == (result.exit_code, result.stderr, Path("used").read_text("utf-8"))
    assert () == service.calls


@pytest.mark.usefixtures("_standard_input")
def test_standard_input_is_not_replaced(service: MockService) -> None:
    """With --force what is redirected to standard input is not replaced."""
    assert 2 == run("wait", submitted(), "-o", "used", "--force").exit_code
    assert "words" == Path("used").read_text("utf-8")


def test_a_new_ledger_is_not_replaced(service: MockService) -> None:
    """A ledger that the command itself has made is not replaced by the result."""
    result = run("edit", URL, "p", "-o", "kept", "--force", "--key", "k", "--ledger", "kept")
    assert (0, "kept-2\n") == (result.exit_code, result.stdout), result.stderr
    assert Path("kept").read_bytes().startswith(b"SQLite")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("a" * 300 + ".png", "is not a path (File name too long)"),
        ("a\udcff.png", r"--output 'a\udcff.png' is not UTF-8; choose another name."),
        ("link/", "is in a folder that does not exist; create it first."),
    ],
)
def test_names_that_cannot_be(service: MockService, output: str, message: str) -> None:
    """A name that cannot be written, or not be printed, is refused before anything is sent."""
    Path("link").symlink_to("nowhere")
    result = run("edit", URL, "p", "-o", output)
    assert (2, True, ()) == (result.exit_code, message in result.stderr, service.calls), result.stderr


@pytest.mark.parametrize(("stem", "name"), [("\u96ea" * 80, "\u96ea" * 66), ("a\udcff", "a"), ("\udcff", "image")])
def test_names_in_a_folder(service: MockService, stem: str, name: str) -> None:
    """In a folder, a result gets a name that can be written and printed, whatever that of the image is."""
    Path(f"{stem}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(32))
    Path(name).mkdir(exist_ok=True)  # has another name than the result
    result = run("edit", f"{stem}.png", "p", "-o", "out/")
    assert (0, f"out/{name}.png\n") == (result.exit_code, result.stdout), result.stderr
