"""What is edited, and how: images by path, pattern, URL and standard input; prompts by argument, file and input."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from nano_banana_edit_mock import MockService, Request

from .running import PHOTO, run
from .test_cli_results import URL, Terminal, main

LAST = "The last argument must be the prompt, but "
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("content", [b"make it snow", b"make it snow\n", b"\xef\xbb\xbfmake it snow\r\n"])
def test_prompt_of_a_file(service: MockService, content: bytes) -> None:
    """With --prompt-file each argument is an image, and the prompt is the text of the file, or of standard input."""
    Path("prompt.txt").write_bytes(content)
    assert 0 == run("submit", URL, f"{URL}?2", "--prompt-file", "prompt.txt").exit_code
    assert 0 == run("submit", URL, f"{URL}?2", "--prompt-file", "-", input=content).exit_code
    assert [("make it snow", 2)] * 2 == [(edit.body["prompt"], len(edit.body["image_urls"])) for edit in service.edits]


def test_patterns(requests: list[Request]) -> None:
    """A pattern that the shell has left alone is the files it matches, in order; a file of that name comes first."""
    for name in ("b.png", "a.png", "c.txt", "deep/d.png", "[x].png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(PNG)
    for pattern, names in (
        ("?.png", ["a.png", "b.png"]),
        ("**/d.png", ["d.png"]),
        ("[x].png", ["[x].png"]),
    ):
        requests.clear()
        assert 0 == run("submit", pattern, "p").exit_code
        sent = b"".join(request.body for request in requests)
        assert {*names} == {*re.findall(r'filename="([^"]+)"', sent.decode("latin-1"))}


def test_order_of_a_pattern(service: MockService) -> None:
    """What a pattern matches is sorted by name, whatever the order on the disk."""
    for name in ("b.png", "c.png", "a.png"):
        Path(name).write_bytes(PNG)
    result = run("edit", "*.png", "p", "-o", "out/")
    assert f"{Path('out/a.png')}\n" == result.stdout, result.stderr
    assert 3 == len(service.edits[0].body["image_urls"])


def test_image_of_standard_input(requests: list[Request]) -> None:
    """The image - is read from standard input; a result in a folder is then called image."""
    result = run("edit", "-", "p", "-o", "out/", "--format", "png", input=PNG)
    assert (0, str(Path("out/image.png"))) == (result.exit_code, result.stdout.strip()), result.stderr
    assert PNG in requests[0].body


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no*.png", "p"), "no*.png matches no file; check the pattern."),
        ((URL, "data:image/png;base64,AA"), f"{LAST}'data:image/png;base64,AA' is a path, a pattern, a URL or -; "),
        *[((URL, each), f"{LAST}{each!r} is ") for each in ("-", f"{URL}?2", ".", "words.txt", "/dev/fd/63", "no/")],
        *[((URL, each), f"{LAST}{each!r} is ") for each in ("*.jpg", "[ab].png", "phot.png", "DSC1.HEIC", r"a\b")],
        ((URL, "snow", "--prompt-file", "words.txt"), "With --prompt-file all arguments are images, but 'snow' does "),
        ((URL, "phot.png", "--prompt-file", "words.txt"), "'phot.png' does not exist; check the path."),
        (("-", "p"), "images[0] (image) is an empty file; pass an image."),
        (("-", "-", "p"), "the image - reads standard input, as does the image -; use a file for one of them."),
        (("-", "--prompt-file", "-"), "the image - reads standard input, as does --prompt-file -; use a file for "),
        ((URL, "p", "--token-file", "-"), "--token-file - is empty."),
        ((URL, "--prompt-file", "none.txt"), "--prompt-file none.txt cannot be read (No such file or directory); "),
        ((URL, "--prompt-file", PHOTO), f"--prompt-file {PHOTO} is not a text in UTF-8; check the path."),
        (("words.txt", "p"), "b'words'. Convert it, or use --any-file to send it all the same."),
    ],
)
def test_bad_input(service: MockService, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be meant is refused before anything is sent, with what to do."""
    Path("words.txt").write_text("words", "utf-8")
    result = run("submit", *arguments)
    assert (2, True, ()) == (result.exit_code, message in result.stderr, service.calls), result.stderr
    assert 1 == len(result.stderr.splitlines())


@pytest.mark.parametrize("prompt", ["snow " * 900, "snow", "Data: snow, ice", "as in cat.png", "black and/or white?"])
def test_prompts(service: MockService, prompt: str) -> None:
    """A prompt may be longer than a path, and have what paths have if it is more than one word."""
    assert 0 == run("submit", URL, prompt).exit_code
    assert [prompt.strip()] == [edit.body["prompt"].strip() for edit in service.edits]


def test_any_file(requests: list[Request]) -> None:
    """With --any-file what no known image begins like is sent, with the type of its ending; an image as what it is."""
    Path("new.svg").write_text("<svg/>", "utf-8")
    Path("new.kind").write_bytes(b"\0new kind")
    for name, content, kind in (
        ("new.svg", None, b"image/svg+xml"),
        ("new.kind", None, b"application/octet-stream"),
        ("-", b"\0new kind", b"application/octet-stream"),
        (PHOTO, None, b"image/jpeg"),
        (URL, None, None),
    ):
        requests.clear()
        assert 0 == run("submit", name, "p", "--any-file", input=content).exit_code
        assert 1 + bool(kind) == len(requests)
        assert not kind or b"Content-Type: " + kind in requests[0].body


def test_upload(service: MockService) -> None:
    """`upload` prints the URL of the image, which can be edited; with --json, all that the service says of it."""
    result = run("upload", PHOTO)
    assert 0 == run("submit", result.stdout.strip(), "p").exit_code
    facts = json.loads(run("upload", PHOTO, "--json").stdout)
    assert {"url", "expires_at", "size"} <= facts.keys()
    refused = run("upload", URL)
    assert (2, f"Error: file is the URL '{URL}'; pass it to edit.\n") == (refused.exit_code, refused.stderr)


def test_token_of_standard_input(requests: list[Request], monkeypatch: pytest.MonkeyPatch) -> None:
    """The token may come from standard input."""
    monkeypatch.delenv("SINANCODE_API_KEY")
    assert 0 == run("submit", URL, "p", "--token-file", "-", input=b"token-of-a-pipe\n").exit_code
    assert "Bearer token-of-a-pipe" in str(requests[-1].headers)


def test_standard_input_that_is_none(service: MockService, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    """An image is not read from a terminal, nor anything from a standard input that is closed."""
    terminal = Terminal(monkeypatch, "stdin")
    assert 2 == main(monkeypatch, "submit", "-", "p")
    terminal.shown()
    monkeypatch.setattr(sys, "stdin", None)
    assert 2 == main(monkeypatch, "submit", "-", "p")
    assert 2 == main(monkeypatch, "submit", URL, "--prompt-file", "-")
    assert () == service.calls
