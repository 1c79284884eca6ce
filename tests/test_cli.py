"""The command line: one line in, one path out, one line of error, a documented exit status."""

from __future__ import annotations

import importlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import nano_banana_edit
import pytest
import respx
from nano_banana_edit import NanoBananaEdit, _clock, cli
from nano_banana_edit_mock import MockServer, MockService, Outcome, Reply, mock_router
from PIL import Image
from typer.testing import CliRunner, Result

from .document import DEFAULTS, FORMATS, HEIGHT, MOST_IMAGES, SHAPE, SIZES, WIDTH
from .test_public import ROOT

PHOTO = str(ROOT / "examples/valley.jpg")


def run(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], **options)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockService]:
    """The service behind every httpx client, and a token for it."""
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    service = MockService(polls=0)
    with mock_router(service):
        yield service


@pytest.mark.server
@pytest.mark.parametrize(("name", "kind"), [("out.png", "PNG"), ("out.jpg", "JPEG"), ("out.jpeg", "JPEG")])
def test_edits_offline(tmp_path: Path, name: str, kind: str) -> None:
    """With --mock a photo is edited over a real socket, in the shape asked for and the format of the file's ending."""
    result = run("edit", PHOTO, "make it snow", "-o", tmp_path / name, "--size", SHAPE, "--mock")
    assert (0, f"{tmp_path / name}\n") == (result.exit_code, result.stdout), result.stderr
    assert result.stderr.splitlines()[:2] == ["Uploading", "Submitting"]
    assert re.search(r"^Task [\w-]+: completed$", result.stderr, re.MULTILINE)
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
    """An ending that names no documented format asks for none."""
    assert 0 == run("edit", PHOTO, "p", "-o", tmp_path / "out.bin").exit_code
    assert "output_format" not in service.edits[0].body


def test_further_results_lie_beside_the_first(
    service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second image is saved under a number, and every path is printed."""
    edit = nano_banana_edit.NanoBananaEdit.edit

    def twice(*args: Any, **kwargs: Any) -> Any:
        done = edit(*args, **kwargs)
        return nano_banana_edit.Edit(done.task_id, done.images * 2)

    monkeypatch.setattr(nano_banana_edit.NanoBananaEdit, "edit", twice)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert [str(tmp_path / "out.png"), str(tmp_path / "out-2.png")] == result.stdout.split()
    assert {"out.png", "out-2.png"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.png", "p"], "images[0] 'missing.png' does not exist"),
        ([PHOTO, ""], "prompt has 0 characters; the service accepts "),
        ([PHOTO, "p", "--size", "9:9"], "image_size is '9:9'; the service accepts"),
        ([PHOTO, "p", "--format", "gif"], "output_format is 'gif'; the service accepts"),
        ([PHOTO, "p", "--timeout", "-1"], "timeout is -1.0"),
        ([PHOTO, "p", "-o", "no/folder/out.png"], "is in a folder that does not exist"),
        ([PHOTO] * (MOST_IMAGES + 1) + ["p"], f"image_urls has {MOST_IMAGES + 1} items"),
    ],
)
def test_bad_input(service: MockService, tmp_path: Path, arguments: list[str], message: str) -> None:
    """Bad input is one line on stderr and exit status 2; nothing is sent."""
    result = run("edit", "-o", tmp_path / "out.png", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert message in line
    assert () == service.calls


def test_token_is_missed(tmp_path: Path) -> None:
    """Without a token the error says where to put one."""
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = "Error: No API token: pass token=... or set the environment variable SINANCODE_API_KEY."
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
    with NanoBananaEdit() as client:
        url = client.edit("https://images.test/a.png", "p").images[0].url
    service.on("getTask", Reply(200, body={"status": "completed", "result": [url, url]}))
    (tmp_path / "out-2.png").mkdir()
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert (1, f"{tmp_path / 'out.png'}\n") == (result.exit_code, result.stdout)
    assert f"is a folder; add a file name. (task {service.edits[1].task_id})" in result.stderr.replace("\n", " ")


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
        (httpx.Response(401, json={"message": "bad token"}), 3, "The service answered 401: bad token"),
        (httpx.ConnectError("refused"), 3, r"No answer \(ConnectError: refused\)\."),
        (httpx.ReadTimeout("slow"), 4, r".*may have been accepted and billed, .* before you do\."),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left"), 4, r".*No space left.* before you do\."),
    ],
)
def test_failures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Any, status: int, message: str) -> None:
    """Each kind of failure has its exit status and one line."""

    def handle(_self: object, _request: httpx.Request) -> httpx.Response:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setenv("SINANCODE_API_KEY", "secret")
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    result = run("edit", "https://a.test", "p", "-o", tmp_path / "out.png")
    assert (status, "") == (result.exit_code, result.stdout)
    assert re.fullmatch(f"Error: {message}", result.stderr.splitlines()[-1])


def test_failed_edit_names_its_task(service: MockService, tmp_path: Path) -> None:
    """A failed edit is exit status 1, with the reason and the task."""
    service.next(Outcome(status="failed", error_msg="not allowed"))
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert 1 == result.exit_code
    assert f"Error: The edit failed: not allowed (task {service.edits[0].task_id})" == result.stderr.splitlines()[-1]


def test_time_out_names_its_task_once(service: MockService, tmp_path: Path) -> None:
    """A wait that ran out is exit status 5, and names the task once."""
    service.next(Outcome(status="sleeping"))
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png", "--timeout", "0.2")
    line = result.stderr.splitlines()[-1]
    assert (5, 1, 0) == (result.exit_code, line.count(f"Task {service.edits[0].task_id}"), line.count("(task "))


def test_unwritable_result(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that cannot be written is one line and exit status 1."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = f"Error: [Errno 28] No space left on device (task {service.edits[0].task_id})"
    assert (1, line) == (result.exit_code, result.stderr.splitlines()[-1])


def test_interrupted_wait_names_its_task(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever interrupts the wait is told which task goes on."""
    monkeypatch.setattr(nano_banana_edit.ResultImage, "save", _interrupt)
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    line = f"Error: interrupted; task {service.edits[0].task_id} goes on"
    assert (130, line) == (result.exit_code, result.stderr.splitlines()[-1])


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_progress_on_a_terminal(service: MockService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the stages share one line that changes."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run("edit", PHOTO, "p", "-o", tmp_path / "out.png")
    assert (0, f"{tmp_path / 'out.png'}\n") == (result.exit_code, result.stdout)
    assert "Submitting\n" not in result.stderr
    assert f"Task {service.edits[0].task_id}: completed (0 s)" in result.stderr


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
    monkeypatch.delitem(sys.modules, cli.__name__)
    with pytest.raises(SystemExit, match=r"pip install 'nano-banana-edit\[cli\]'"):
        importlib.import_module(cli.__name__)


def test_missing_mock_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mock's extra the commands that need it say which one to install."""
    monkeypatch.setitem(sys.modules, "nano_banana_edit_mock.app", None)
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
    assert [line.rpartition(" ")[2] for line in lines[2:]] == ["pending", "processing", "completed"]


def conform(*arguments: object) -> Result:
    return run("conformance", "--base-url", "https://api.sinancode.com/v1", "--rate", "1e9", *arguments)


def test_conformance_of_a_server(service: MockService) -> None:
    """A server that does what the document says is found to, in a table, and no edit is made."""
    result = conform()
    assert result.exit_code == 0, result.stderr
    assert f"{len(service.calls)} requests to https://api.sinancode.com/v1: 0 of them are edits" in result.stderr
    assert "EditRequest.prompt.maxLength" in result.stdout
    assert f"0 different, {sum(bool(entry.violations) for entry in service.calls)} as documented." in result.stdout
    assert "not checked: no task is known that it could find." in result.stdout
    assert "not checked: it is accepted, so it is sent on demand only." in result.stdout
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
def test_conformance_status(monkeypatch: pytest.MonkeyPatch, status: int, code: int, text: str) -> None:
    """A difference is exit status 1, a run that had to stop is 3."""
    monkeypatch.setenv("SINANCODE_API_KEY", "token")
    with respx.mock:
        respx.route().respond(status)
        result = conform()
    assert code == result.exit_code
    assert text in result.stdout


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The lines about a server that finds every task and fails otherwise, on a terminal of some columns."""

    def lines(columns: int, **environment: str) -> list[str]:
        for name, value in {"SINANCODE_API_KEY": "token", "COLUMNS": str(columns), **environment}.items():
            monkeypatch.setenv(name, value)
        with respx.mock:
            respx.route(method="GET").respond(200)
            respx.route().respond(500)
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
def in_latin(monkeypatch: pytest.MonkeyPatch) -> Callable[..., bytes]:
    """What the program writes to a standard output of few characters, of a server that answers with another one."""

    def written(*arguments: str) -> bytes:
        output = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
        monkeypatch.setenv("SINANCODE_API_KEY", "token")
        monkeypatch.setattr(sys, "stdout", output)
        command = ["nano-banana-edit", "conformance", "--base-url", "https://a.test", "--rate", "1e9", *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with respx.mock:
            respx.route().respond(500, text="\N{BANANA}")
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
        (["--base-url", "nowhere"], "base_url is 'nowhere'"),
        (["--base-url", "http://127.0.0.1:9", "--rate", "nan"], "rate is nan; it must be a number"),
        (["--base-url", "http://127.0.0.1:9", "--junit", "/no/such/folder/x"], "/no/such/folder"),
    ],
)
def test_conformance_of_nothing(service: MockService, arguments: list[str], text: str) -> None:
    """What cannot be asked, or reported on, is refused in one line before anything is sent."""
    result = run("conformance", *arguments)
    assert 2 == result.exit_code
    assert text in result.stderr
    assert () == service.calls
