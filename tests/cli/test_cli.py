"""The command line: one line in, one path out, one line of error, a documented exit status."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import httpx2
import nano_banana_edit
import pytest
from nano_banana_edit import NanoBananaEdit, _clock, cli
from nano_banana_edit_mock import MockServer, MockService, Outcome, Reply, Request
from PIL import Image

from ..document import DEFAULTS, FORMATS, HEIGHT, MOST_IMAGES, SHAPE, SIZES, WIDTH
from .running import PHOTO, run

PYTHON = re.compile(r"[a-z]=|True|False|None|bytes|http_client|call |wait\(|Path\(")


def submitted(service: MockService) -> tuple[str, str]:
    """Submit an edit; return the id of its task, and the URL of its result."""
    with NanoBananaEdit() as client:
        task = client.submit("https://images.test/a.png", "p")
        return task.task_id, client.wait(task).images[0].url


def to_go_on(service: MockService, output: Path, number: int = 0) -> str:
    """Return what an error says of an edit that was accepted."""
    return f"To go on: {shlex.join(['nano-banana-edit', 'wait', service.edits[number].task_id, '-o', str(output)])}"


@pytest.mark.server
@pytest.mark.parametrize(("name", "kind"), [("out.png", "PNG"), ("out.jpg", "JPEG"), ("out.jpeg", "JPEG")])
def test_edits_offline(tmp_path: Path, name: str, kind: str) -> None:
    """With --mock a photo is edited over a real socket, in the shape asked for and the format of the file's ending."""
    result = run("edit", PHOTO, "make it snow", "-o", tmp_path / name, "--size", SHAPE, "--mock")
    assert (0, f"{tmp_path / name}\n") == (result.exit_code, result.stdout), result.stderr
    assert ["Uploading (0 s)", "Submitting (0 s)"] == result.stderr.splitlines()[:2]
    assert re.search(r"^Task [\w-]+: completed \(\d+ s\)$", result.stderr, re.MULTILINE)
    with Image.open(tmp_path / name) as picture:
        assert (kind, WIDTH * picture.height) == (picture.format, HEIGHT * picture.width)


def test_options_are_sent(service: MockService, tmp_path: Path) -> None:
    """Images, prompt and options arrive; what is not given is left to the document."""
    urls = ["https://a.test/1.png", "https://a.test/2.png"]
    result = run("edit", *urls, "p", "-o", tmp_path / "out", "--format", "jpeg", "--timeout", "5")
    assert result.exit_code == 0, result.stderr
    expected = DEFAULTS | {"image_urls": urls, "prompt": "p", "output_format": "jpeg"}
    assert expected == service.edits[0].body


def test_format_may_be_left_to_the_service(service: MockService, tmp_path: Path) -> None:
    """A name without an ending asks for no format."""
    assert 0 == run("edit", PHOTO, "p", "-o", tmp_path / "out").exit_code
    assert "output_format" not in service.edits[0].body


def test_further_results_lie_beside_the_first(service: MockService, tmp_path: Path) -> None:
    """A second image is saved under a number, and every path is printed."""
    task_id, url = submitted(service)
    service.on("getTask", Reply(200, body={"id": task_id, "status": "completed", "result": [url, url]}))
    result = run("wait", task_id, "-o", tmp_path / "out.png")
    assert [str(tmp_path / "out.png"), str(tmp_path / "out-2.png")] == result.stdout.split()
    assert {"out.png", "out-2.png"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png", "p"], "images[0] 'missing.png' does not exist; check the path.\n"),
        ([PHOTO, ""], "prompt has 0 characters; the limit is "),
        ([PHOTO, "p", "--size", "9:9"], "--size is '9:9'; it must be one of "),
        ([PHOTO, "p", "--format", "gif"], "--format is 'gif'; it must be one of "),
        (
            [PHOTO, "p", "--timeout", "-1"],
            "--timeout is -1.0; it must be a number of seconds, above 0, or 0 for no limit.\n",
        ),
        ([PHOTO, "p", "-o", "no/folder/out.png"], "--output 'no/folder/out.png' is in a folder that does not exist"),
        ([PHOTO] * (MOST_IMAGES + 1) + ["p"], f"images has {MOST_IMAGES + 1} items"),
    ],
)
def test_bad_input(service: MockService, tmp_path: Path, arguments: list[str], message: str) -> None:
    """Bad input is one line on stderr and exit status 2; nothing is sent."""
    result = run("edit", "-o", tmp_path / "out.png", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in f"{line}\n"
    assert not PYTHON.search(line)
    assert () == service.calls


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SINANCODE_ALLOW_HTTP", "yes", "SINANCODE_ALLOW_HTTP is 'yes'; it must be 1 or 0."),
        ("SINANCODE_BASE_URL", "http://a.test", ". Use https, or set SINANCODE_ALLOW_HTTP=1."),
        ("SINANCODE_API_KEY", "", "No API token: use --token-file, or set the environment variable SINANCODE_API_KEY."),
        (
            "HTTPS_PROXY",
            "odd://a.test",
            "HTTPS_PROXY cannot be used as a proxy; it must be a URL such as http://host:port.",
        ),
    ],
)
def test_bad_settings(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    """A bad setting is one line that says what to do from a shell."""
    monkeypatch.setenv(variable, value)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    (line,) = result.stderr.splitlines()
    assert (2, True) == (result.exit_code, message in line)
    assert not PYTHON.search(line)


def test_token_is_missed(tmp_path: Path) -> None:
    """Without a token the error says where to put one."""
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = "Error: No API token: use --token-file, or set the environment variable SINANCODE_API_KEY."
    assert (2, line) == (result.exit_code, result.stderr.splitlines()[-1])


@pytest.mark.parametrize("arguments", [["edit"], ["edit", PHOTO], ["edit", PHOTO, "p"], ["nonsense"]])
def test_usage(arguments: list[str]) -> None:
    """A line that is not understood is exit status 2, with the usage."""
    result = run(*arguments)
    assert (result.exit_code, "Usage" in result.stderr) == (2, True)


@pytest.mark.server
def test_mock_is_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --mock nothing leaves the machine, whatever the environment says of hosts and proxies."""
    for name in ("SINANCODE_FILES_URL", "SINANCODE_BASE_URL", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png", "--mock")
    assert 0 == result.exit_code, result.stderr


def test_statuses_are_not_markup(service: MockService, tmp_path: Path) -> None:
    """A status that looks like markup is shown as it is."""
    service.next(Outcome(status="[/x]"))
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png", "--timeout", "0.2")
    assert (5, True) == (result.exit_code, ": [/x]" in result.stderr)


def test_a_result_that_cannot_be_saved(service: MockService, tmp_path: Path) -> None:
    """Once an edit was made, what is wrong with a file is no bad input of which nothing was sent."""
    _, url = submitted(service)
    body = json.dumps({"image_urls": [url], "prompt": "p"}).encode()
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    edit = Request("POST", "https://api.sinancode.com/v1/generate/k/nano-banana-edit", headers, body)
    twin = MockService(polls=0)  # which gives its edits the same ids
    _, second = (twin.handle(edit).json()["task_id"] for _ in range(2))
    service.on("getTask", Reply(200, body={"id": second, "status": "completed", "result": [url, url]}))
    output = tmp_path / f"{'a' * 251}.png"  # which leaves no room for a number
    result = run("edit", "https://images.test/a.png", "p", "-o", output)
    assert (1, f"{output}\n") == (result.exit_code, result.stdout)
    assert re.search(rf"too long.*\. {re.escape(to_go_on(service, output, 1))}\n", result.stderr), result.stderr


@pytest.mark.parametrize("option", ["--size", "--format"])
def test_empty_options_are_refused(service: MockService, tmp_path: Path, option: str) -> None:
    """An empty option is a value like any other, and no documented one."""
    assert 2 == run("edit", PHOTO, "p", "-o", tmp_path / "out.png", option, "").exit_code


@pytest.mark.server
def test_taken_port() -> None:
    """A port that is taken is one line and exit status 1."""
    with MockServer() as server:
        result = run("mock", "--port", server.url.rpartition(":")[2])
    assert 1 == result.exit_code
    assert re.fullmatch(
        r"nano-banana-edit mock: error: .*cannot listen on .+, port \d+ \(.+\)\. Stop .*\.", result.stderr.strip()
    )


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_impossible_ports_are_refused(port: str) -> None:
    """A port that cannot be is a usage error."""
    assert 2 == run("mock", "--port", port).exit_code


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (httpx2.Response(401, json={"message": "bad token"}), 3, "The service answered 401: bad token"),
        (
            httpx2.ConnectError("refused"),
            3,
            r"No response from https://api.sinancode.com \(ConnectError: refused\); nothing was submitted\.",
        ),
        (httpx2.ReadTimeout("slow"), 4, r".*may have been accepted and billed, .* before you send it again\."),
        (KeyboardInterrupt(), 130, r"interrupted\. The edit may have been accepted and billed\. Look at .*\."),
        (OSError(28, "No space left"), 4, r".*No space left.* before you send it again\."),
    ],
)
def test_failures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Any, status: int, message: str) -> None:
    """Each kind of failure has its exit status and one line."""

    def handle(_self: object, _request: httpx2.Request) -> httpx2.Response:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setenv("SINANCODE_API_KEY", "secret")
    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", handle)
    result = run("edit", "https://a.test", "p", "-o", tmp_path / "out.png")
    assert (status, "") == (result.exit_code, result.stdout)
    assert re.fullmatch(f"Error: {message}", result.stderr.splitlines()[-1])


def test_failed_edit_names_its_task(service: MockService, tmp_path: Path) -> None:
    """A failed edit is exit status 1, with the reason and the task."""
    service.next(Outcome(status="failed", error_msg="not allowed"))
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert 1 == result.exit_code
    assert f"Error: The edit failed: not allowed (task {service.edits[0].task_id})" == result.stderr.splitlines()[-1]


@pytest.mark.parametrize("operation", ["getTask", "getResult"])
def test_what_fails_after_an_accepted_edit_is_no_refusal(service: MockService, tmp_path: Path, operation: str) -> None:
    """A poll or a download that is refused is exit status 1: a script that repeats after 3 must not pay twice."""
    service.on(operation, Reply(status=403), times=None)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert (1, True) == (result.exit_code, to_go_on(service, tmp_path / "out.png") in result.stderr)


def test_time_out_says_how_to_go_on(service: MockService, tmp_path: Path) -> None:
    """A wait that ran out is exit status 5, with the command that goes on."""
    service.next(Outcome(status="sleeping"))
    output = tmp_path / "a file.png"
    result = run("edit", PHOTO, "p", "-o", output, "--timeout", "0.2")
    line = f"Error: Task {service.edits[0].task_id} is still sleeping after 0.2 s. {to_go_on(service, output)}"
    assert (5, line) == (result.exit_code, result.stderr.splitlines()[-1])


def test_unwritable_result(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that cannot be written is one line and exit status 1."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "hardlink_to", full)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = f"Error: [Errno 28] No space left on device. {to_go_on(service, tmp_path / 'out.png')}"
    assert (1, line) == (result.exit_code, result.stderr.splitlines()[-1])


def test_interrupted_wait_says_how_to_go_on(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an interrupt, the message names the command to go on with."""
    monkeypatch.setattr(nano_banana_edit.ResultImage, "bytes", _interrupt)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = f"Error: interrupted. {to_go_on(service, tmp_path / 'out.png')}"
    assert (130, line) == (result.exit_code, result.stderr.splitlines()[-1])


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_version() -> None:
    """--version says the package's."""
    assert f"{nano_banana_edit.__version__}\n" == run("--version").stdout


def test_help_lists_the_exit_statuses() -> None:
    """The help of the program lists every exit status, that of edit every size and format."""
    assert all(f"{status} " in run("--help").stdout for status in (0, 1, 2, 3, 4, 5, 130))
    shown = run("edit", "--help").stdout
    assert all(choice in shown for choice in SIZES + FORMATS)


@pytest.mark.parametrize("missing", ["typer", "rich.console"])
def test_missing_extra_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its extra the program says which one to install, and shows no traceback."""
    monkeypatch.setitem(sys.modules, missing, None)
    for module in [name for name in sys.modules if name.startswith(cli.__name__)]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(SystemExit, match=r"pip install 'nano-banana-edit\[cli\]'"):
        importlib.import_module(cli.__name__)


def test_missing_mock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mock's extra the commands that need it say which one to install."""
    monkeypatch.setitem(sys.modules, "nano_banana_edit_mock.doors.port", None)
    result = run("mock")
    assert (result.exit_code, "pip install 'nano-banana-edit[mock]'" in result.stderr) == (2, True)


def test_runs_as_a_program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The entry point runs the program."""
    monkeypatch.setattr(sys, "argv", ["nano-banana-edit", "--version"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (0, f"{nano_banana_edit.__version__}\n") == (end.value.code, capsys.readouterr().out)


def test_says_each_status_once(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A status that lasts is said once, in one line however long."""
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setattr(_clock, "sleep", lambda _seconds: None)
    slow = MockService(polls=9)
    monkeypatch.setattr(service, "handle", slow.handle)
    lines = run("edit", PHOTO, "p", "-o", tmp_path / "out.png").stderr.splitlines()
    statuses = [line.rpartition(" (")[0].rpartition(" ")[2] for line in lines[2:]]
    assert ["submitted", "pending", "processing", "completed"] == statuses
