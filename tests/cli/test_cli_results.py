"""The command line gives what is paid for: later, under a name that says what it is, whatever reads its output."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import stamina
from nano_banana_edit import NanoBananaEdit, cli
from nano_banana_edit_mock import MockService, Outcome, Reply

from ..document import FORMATS
from .running import PHOTO, run

URL = "https://images.test/a.png"
KINDS = {
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(32), "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(32), "image/jpeg"),
    "webp": (b"RIFF\x00\x00\x00\x00WEBP" + bytes(32), "image/webp"),
}
EVIL = "\x1b]0;pwned\x07\x1b[2J\rforged\n/ok.png\u202e"


def given(service: MockService, kind: str) -> bytes:
    """Let every result be an image of a kind."""
    content, media_type = KINDS[kind]
    service.on("getResult", Reply(200, body=content, headers={"Content-Type": media_type}), times=None)
    return content


def submitted() -> str:
    """Return the id of the task of an edit."""
    with NanoBananaEdit() as client:
        return client.submit(URL, "p").task_id


def test_submit_and_wait(service: MockService, tmp_path: Path) -> None:
    """`submit` prints the id of a task, and `wait` saves its result."""
    sent = run("submit", URL, PHOTO, "p", "--size", "16:9", "--format", "png")
    assert (0, f"{service.edits[0].task_id}\n") == (sent.exit_code, sent.stdout)
    assert "16:9" == service.edits[0].body["image_size"]
    done = run("wait", sent.stdout.strip(), "-o", tmp_path / "out.png")
    assert (0, f"{tmp_path / 'out.png'}\n") == (done.exit_code, done.stdout)
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert 1 == len(service.edits)


def test_what_a_time_out_says_goes_on(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command in the message of an edit that was not finished in time fetches its result, without another edit."""
    service.next(Outcome(seconds=60))
    stopped = run("edit", URL, "p", "-o", tmp_path / "a file.png", "--timeout", "0.1")
    _, _, command = stopped.stderr.strip().rpartition("To go on: ")
    service.advance(60)
    program, *arguments = shlex.split(command)
    done = run(*arguments)
    assert ("nano-banana-edit", 5, 0) == (program, stopped.exit_code, done.exit_code), done.stderr
    assert f"{tmp_path / 'a file.png'}\n" == done.stdout
    assert 1 == len(service.edits)


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [
        (Outcome(polls=1), ["pending"]),
        (Outcome(status="failed", error_msg="Not that."), ["failed: Not that."]),
        (Outcome(status="failed", error_code="nsfw"), ["failed: nsfw"]),
        (Outcome(), ["completed", "https://"]),
    ],
)
def test_status(service: MockService, outcome: Outcome, lines: list[str]) -> None:
    """`status` polls once, and prints the status, the reason of a failure, and the URL of each result."""
    service.next(outcome)
    result = run("status", submitted())
    assert (0, len(lines)) == (result.exit_code, len(result.stdout.splitlines()))
    assert all(line.startswith(start) for line, start in zip(result.stdout.splitlines(), lines, strict=True))
    assert ["createEdit", "getTask"] == [call.operation for call in service.calls]


@pytest.mark.parametrize(("command", "status"), [("wait", 5), ("status", 3)])
def test_an_unknown_task(service: MockService, tmp_path: Path, command: str, status: int) -> None:
    """Of a task that the service does not know, the commands say so; nothing was paid for."""
    output = ["-o", tmp_path / "out.png", "--timeout", "0.2"] if command == "wait" else []
    result = run(command, "none", *output)
    assert result.exit_code in (3, status)
    assert "none" in result.stderr
    assert "" == result.stdout


@pytest.mark.parametrize("command", ["wait", "edit"])
@pytest.mark.parametrize(("asked", "came"), [("png", "jpeg"), ("jpg", "png"), ("png", "webp")])
def test_another_format(service: MockService, tmp_path: Path, command: str, asked: str, came: str) -> None:
    """A result of another format is saved under its own extension, which is printed, and both formats are named."""
    content = given(service, came)
    subject = [URL, "p"] if command == "edit" else [submitted()]
    result = run(command, *subject, "-o", tmp_path / f"out.{asked}")
    saved = tmp_path / f"out.{came.replace('jpeg', 'jpg')}"
    assert (0, f"{saved}\n", content) == (result.exit_code, result.stdout, saved.read_bytes())
    assert [saved] == [*tmp_path.iterdir()]
    wanted = f"image/{asked.replace('jpg', 'jpeg')}"
    warning = f"Warning: {wanted} was asked for, but the result is image/{came}. It is saved as {saved}."
    assert warning in result.stderr.splitlines()


def test_no_other_file_is_replaced(service: MockService, tmp_path: Path) -> None:
    """A result that gets another name than asked for replaces no file that has it."""
    content = given(service, "jpeg")
    for name in ("photo.jpg", "photo-2.jpg"):
        (tmp_path / name).write_bytes(b"mine")
    result = run("edit", URL, "p", "-o", tmp_path / "photo.png")
    assert (0, f"{tmp_path / 'photo-3.jpg'}\n") == (result.exit_code, result.stdout)
    assert [b"mine", b"mine", content] == [
        (tmp_path / name).read_bytes() for name in ("photo.jpg", "photo-2.jpg", "photo-3.jpg")
    ]


@pytest.mark.parametrize("status", [404, 410])
def test_a_result_that_has_expired(service: MockService, tmp_path: Path, status: int) -> None:
    """Of a result that is gone, no command is told that would fail the same way."""
    service.on("getResult", Reply(status), times=None)
    result = run("edit", URL, "p", "-o", tmp_path / "out.png", "--timeout", "1")
    assert (1, False) == (result.exit_code, "To go on" in result.stderr), result.stderr
    assert f"(task {service.edits[0].task_id})" in result.stderr


def test_a_task_that_looks_like_an_option(service: MockService, tmp_path: Path) -> None:
    """The command that goes on is understood, whatever the id of the task begins with."""
    service.on("createEdit", Reply(200, body={"task_id": "-dash"}))
    service.on("getTask", Reply(200, body={"id": "-dash", "status": "pending"}), times=None)
    result = run("edit", URL, "p", "-o", tmp_path / "out.png", "--timeout", "0.1")
    program, *arguments = shlex.split(result.stderr.rpartition("To go on: ")[2])
    again = run(arguments[0], "--timeout", "0.1", *arguments[1:])
    assert ("nano-banana-edit", 5) == (program, again.exit_code), again.stderr


@pytest.mark.parametrize("command", ["wait", "edit"])
def test_an_unknown_kind(service: MockService, tmp_path: Path, command: str) -> None:
    """An image of a kind that is not known is saved under the name asked for, and that is said once."""
    service.on("getResult", Reply(200, body=b"\x00\x01new kind", headers={"Content-Type": "image/new"}), times=None)
    subject = [URL, "p"] if command == "edit" else [submitted()]
    with warnings.catch_warnings(record=True) as caught:
        result = run(command, *subject, "-o", tmp_path / "out.png")
    assert (0, f"{tmp_path / 'out.png'}\n", []) == (result.exit_code, result.stdout, caught), result.stderr
    assert f"but the result is no known image. It is saved as {tmp_path / 'out.png'}." in result.stderr


@pytest.mark.parametrize(("name", "said"), [("out.txt", True), ("out", False), ("out.png", False)])
def test_a_name_of_something_else(service: MockService, tmp_path: Path, name: str, said: bool) -> None:
    """Of an edit that is paid for, a name with an ending that is no image's is taken, and the file's kind is told."""
    given(service, "png")
    result = run("wait", submitted(), "-o", tmp_path / name)
    assert (0, f"{tmp_path / name}\n") == (result.exit_code, result.stdout)
    warning = f"Warning: {tmp_path / name} is image/png, which its name does not say."
    assert said == (warning in result.stderr.splitlines())


@pytest.mark.parametrize("command", ["wait", "edit"])
def test_strict(service: MockService, tmp_path: Path, command: str) -> None:
    """With --strict a result of another format is not saved; the message names both, and how to have it."""
    given(service, "jpeg")
    subject = [URL, "p"] if command == "edit" else [submitted()]
    result = run(command, *subject, "-o", tmp_path / "out.png", "--strict")
    assert (1, "", []) == (result.exit_code, result.stdout, [*tmp_path.iterdir()])
    line = "Error: image/png was asked for, but the result is image/jpeg. Nothing was written, as --strict is given; "
    line += "without it the result is saved as it is. "
    assert f"{line}To go on: nano-banana-edit wait {service.edits[0].task_id} -o " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.gif"], "--output out.gif ends in .gif, but the service makes only .jpg and .png. "),
        (["-o", "OUT.WEBP"], "--output OUT.WEBP ends in .WEBP, but the service makes only .jpg and .png. "),
        (["-o", "out.txt"], "--output out.txt ends in .txt, but the service makes only .jpg and .png. "),
        (
            ["-o", "out.heic", "--format", "png"],
            "--output out.heic ends in .heic, but the service makes only .jpg and .png. ",
        ),
        (["-o", "out.png", "--format", "jpeg"], "--output out.png is image/png by its name, but --format is jpeg."),
        (["-o", "out.png", "--format", "gif"], "--format is 'gif'; it must be one of "),
        (["-o", "-", "--token-file", "none"], "--token-file none cannot be read ("),
    ],
)
def test_names_that_would_lie(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """A name of another format than will be asked for is refused before anything is sent."""
    monkeypatch.chdir(tmp_path)
    result = run("edit", URL, "p", *arguments)
    assert (2, "", ()) == (result.exit_code, result.stdout, service.calls)
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {message}")


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["out.png"], "png"),
        (["out.JPEG"], "jpeg"),
        (["out.jpg", "--format", "jpeg"], "jpeg"),
        (["out", "--format", "jpeg"], "jpeg"),
        (["out"], None),
        (["-", "--format", "png"], "png"),
    ],
)
def test_names_and_formats(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], asked: str | None
) -> None:
    """The format is that of the option, or else of the name; a name without one leaves it to the service."""
    monkeypatch.chdir(tmp_path)
    assert 0 == run("edit", URL, "p", "-o", *arguments).exit_code
    assert asked == service.edits[0].body.get("output_format")
    assert {*FORMATS} >= {"png", "jpeg"}


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_standard_output(service: MockService, tmp_path: Path, kind: str) -> None:
    """With `-o -` standard output is the image, and nothing else."""
    content = given(service, kind)
    result = run("edit", URL, "p", "-o", "-", "--format", "png")
    assert (0, content) == (result.exit_code, result.stdout_bytes)
    assert ("Warning: image/png was asked for, but the result is image/jpeg." in result.stderr) == (kind == "jpeg")


def test_standard_output_takes_one_result(service: MockService) -> None:
    """With `-o -` the first result is written, and it is said that there are more."""
    with NanoBananaEdit() as client:
        task = client.submit(URL, "p")
        url = client.wait(task).images[0].url
    service.on("getTask", Reply(200, body={"id": task.task_id, "status": "completed", "result": [url] * 3}))
    content = given(service, "png")
    result = run("wait", task.task_id, "-o", "-")
    assert (0, content) == (result.exit_code, result.stdout_bytes)
    assert "Warning: 2 more of the results: use --output FILE." in result.stderr


def test_a_token_file(tmp_path: Path, service: MockService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token may be in a file."""
    monkeypatch.delenv("SINANCODE_API_KEY")
    (tmp_path / "token").write_text("secret-token\n")
    assert 0 == run("submit", URL, "p", "--token-file", tmp_path / "token").exit_code


@pytest.mark.parametrize(
    "arrange",
    [
        lambda service: service.on("createEdit", Reply(401, body={"message": EVIL}), times=None),
        lambda service: service.next(Outcome(status="failed", error_msg=EVIL)),
        lambda service: service.next(Outcome(status=EVIL)),
    ],
)
@pytest.mark.parametrize("command", ["edit", "status"])
def test_control_characters(service: MockService, tmp_path: Path, arrange: Any, command: str) -> None:
    """What acts on a terminal is written visibly, wherever the service says it."""
    arrange(service)
    result = run("edit", URL, "p", "-o", tmp_path / "out.png", "--timeout", "0.1")
    if command == "status" and service.edits:
        result = run("status", service.edits[0].task_id)
    text = result.stdout + result.stderr
    assert "forged" in text
    assert not {"\x1b", "\x07", "\r", "\u202e"} & {*text}
    assert not [line for line in text.splitlines() if line.startswith(("forged", "/ok"))]


class Terminal:
    """A terminal that a stream of this process is on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self._reader, writer = os.openpty()
        monkeypatch.setattr(sys, name, os.fdopen(writer, "w"))
        self._name = name

    def end(self) -> None:
        os.close(self._reader)

    def shown(self) -> str:
        getattr(sys, self._name).close()
        text = b""
        try:
            while part := os.read(self._reader, 4_096):
                text += part
        except OSError:  # its other end is closed
            return text.decode()
        finally:
            os.close(self._reader)
        return text.decode()


def main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the program on the streams of this process, and return its exit status."""
    monkeypatch.setattr(sys, "argv", ["nano-banana-edit", *map(str, arguments)])
    monkeypatch.setattr(stamina.instrumentation, "set_on_retry_hooks", lambda hooks: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)
