"""Errors of the command line speak of its own options, and say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService

from .running import PHOTO, run
from .test_cli import PYTHON

EDIT = ("edit", PHOTO, "p", "-o")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*EDIT, "no/out.png"), "--output 'no/out.png' is in a folder that does not exist; create it first."),
        ((*EDIT, "~/out.png"), "that does not exist; '~' is not expanded: write the path out."),
        ((*EDIT, "note.txt/out.png"), "--output 'note.txt/out.png' is in a folder that is a file; choose another."),
        (("edit", "ftp://a.test/b", "p", "-o", "out.png"), "it must be an http or https URL, a path or a data: URL."),
        (("edit", "~/a.png", "p", "-o", "out.png"), "does not exist; '~' is not expanded: write the path out."),
        (("status", "t-1", "--token-file", "empty.txt"), "--token-file empty.txt is empty."),
        (("conformance", "--base-url", "a.test:1"), "--base-url is 'a.test:1'; it must be an absolute http"),
        (("conformance", "--base-url", "https://a.test", "--files-url", "a"), "--files-url is 'a'; it must be"),
        (
            ("conformance", "--base-url", "https://a.test", "--junit", "no/x.xml"),
            "--junit 'no/x.xml' is in a folder that does not exist; create it first.",
        ),
    ],
)
def test_options_have_their_own_names(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    """What is wrong with an option is said of that option, in one line without Python."""
    monkeypatch.chdir(tmp_path)
    Path("note.txt").write_text("words", "utf-8")
    Path("empty.txt").write_text(" \n", "utf-8")
    result = run(*arguments)
    (line,) = result.stderr.splitlines()
    assert (2, True) == (result.exit_code, message in line), line
    assert not PYTHON.search(line)
    assert () == service.calls


@pytest.mark.parametrize("name", ["BASE", "FILES"])
def test_url_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A URL that cannot be used is said to be the variable's."""
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    monkeypatch.setenv(f"SINANCODE_{name}_URL", "localhost:4010")
    result = run("status", "t-1")
    assert (2, True) == (result.exit_code, f"Error: SINANCODE_{name}_URL is 'localhost:4010'; " in result.stderr)


@pytest.mark.parametrize("command", [("edit", "-o", "out.png"), ("submit",)])
def test_single_argument_is_a_prompt_or_an_image(command: tuple[str, ...]) -> None:
    """If a command has less than an image and a prompt, the error asks for both."""
    result = run(*command, PHOTO)
    start = "Error: Give at least one image and then the prompt, such as: "
    assert (2, start) == (result.exit_code, result.stderr[: len(start)])


def test_output_is_not_empty() -> None:
    """An empty name is not taken for the current folder."""
    result = run(*EDIT, "")
    assert (2, True) == (result.exit_code, "--output '' is empty; name a file." in result.stderr)


def test_file_that_is_no_image_is_to_be_converted(service: MockService, tmp_path: Path) -> None:
    """Of the remedies for a file that is no image, those that a shell has are named."""
    (tmp_path / "note.txt").write_text("words", "utf-8")
    result = run("edit", tmp_path / "note.txt", "p", "-o", tmp_path / "out.png")
    assert result.stderr.endswith(
        "its first bytes are b'words'. Convert it, or use --any-file to send it all the same.\n"
    )
    assert (2, ()) == (result.exit_code, service.calls)


def test_unknown_task_is_not_waited_for_again(service: MockService, tmp_path: Path) -> None:
    """After a 404 for the task, the error names the task and no command to go on."""
    result = run("wait", "no-such-task", "-o", tmp_path / "out.png")
    assert (3, "no-such-task is not a task.\n") == (result.exit_code, result.stderr.rpartition("404: ")[2])
